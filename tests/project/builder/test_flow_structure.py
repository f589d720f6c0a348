"""Components have the elements, attributes and properties that Visual Studio writes for the same classes."""

from __future__ import annotations

import pytest
from lxml import etree

from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.type_names import component_class
from tests.project.builder.flows import COMPONENTS, new_flow
from tests.support.places import INPUTS, needs_inputs

pytestmark = needs_inputs
FOR_THE_DESIGNER = {"contactInfo", "description", "UITypeEditor", "typeConverter", "localeId"}
NOT_IN_ALL = {"cachedSortKeyPosition", "length", "precision", "scale", "codePage"} | {
    f"cached{each}" for each in ("Length", "Precision", "Scale", "Codepage")
}


def components(file: str) -> dict[str, Component]:
    """The components of a real package by their class."""
    package = read_dts_package((INPUTS / file).read_bytes(), file)
    flows = [data for each in package.container.walk() if isinstance(data := each.data(), Pipeline)]
    return {component_class(each): each for flow in flows for each in flow.components}


def built(name: str) -> Component:
    _, flow = new_flow(2014)
    made = COMPONENTS[name][0](flow)
    (task,) = flow.package.read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    return next(each for each in data.components if each.name == made.name)


def shape(element: etree._Element) -> dict[str, set[str]]:
    """The names of attributes by the path of the element."""
    found: dict[str, set[str]] = {}
    for each in element.iter(etree.Element):
        path = "/".join([str(each.tag), *[str(one.tag) for one in each.iterancestors()]])
        path = path.partition("/components")[0]
        names = {str(name) for name in each.attrib} - FOR_THE_DESIGNER - NOT_IN_ALL
        found.setdefault(path, set()).update(names)
    return found


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("ssis-build-sample/Package 221.dtsx", "ADO.NET Source"),
        ("ssis-build-sample/Package 221.dtsx", "Flat File Destination"),
        ("ssisup-sample/SampleJob.dtsx", "Excel Source"),
        ("ssisup-sample/SampleJob.dtsx", "OLE DB Destination"),
    ],
)
def test_components_of_format_6_have_the_structure_of_visual_studio(file: str, name: str) -> None:
    theirs = components(file)[COMPONENTS[name][1]]
    ours = built(name)
    assert shape(ours.element) == shape(theirs.element)
    assert list(ours.properties) == list(theirs.properties)
    for each in theirs.properties.values():
        assert each.data_type in (ours.properties[each.name].data_type, "System.Null")
    expressions = [each.name for each in theirs.properties.values() if each.can_have_expression]
    assert [each.name for each in ours.properties.values() if each.can_have_expression] == expressions
    assert ours.version == theirs.version
    assert [each.name for each in ours.connections] == [each.name for each in theirs.connections]


def test_new_derived_columns_have_the_structure_of_visual_studio() -> None:
    theirs = components("ssis-build-sample/Package 221.dtsx")["DerivedColumn"]
    ours = built("Derived Column")
    (output, _), (expected, _) = ours.outputs, theirs.outputs
    assert shape(output.element) == shape(expected.element)
    column, other = output.columns[0], expected.columns[0]
    assert [(each.name, each.contains_id, each.can_have_expression) for each in column.properties.values()] == [
        (each.name, each.contains_id, each.can_have_expression) for each in other.properties.values()
    ]


def test_a_lookup_has_the_objects_of_visual_studio() -> None:
    theirs = components("ssis-tutorial/Lesson 3.dtsx")["Lookup"]  # format 3: an older order of its properties
    ours = built("Lookup")
    assert set(theirs.properties) == set(ours.properties) - {"TreatDuplicateKeysAsError"}
    for name, each in theirs.properties.items():
        mine = ours.properties[name]
        assert (mine.data_type, mine.contains_id, mine.can_have_expression) == (
            each.data_type,
            each.contains_id,
            each.can_have_expression,
        )
    assert [each.name for each in ours.outputs] == [each.name for each in theirs.outputs]
    for output, expected in zip(ours.outputs, theirs.outputs, strict=True):
        assert output.element.get("errorOrTruncationOperation", "") == expected.element.get(
            "errorOrTruncationOperation"
        )
        assert (output.exclusion_group, output.truncation_disposition) == (
            expected.exclusion_group,
            expected.truncation_disposition,
        )
    column, other = ours.outputs[0].columns[0], theirs.outputs[0].columns[0]
    assert column.element.get("errorOrTruncationOperation") == other.element.get("errorOrTruncationOperation")
    assert (column.error_disposition, column.truncation_disposition) == (
        other.error_disposition,
        other.truncation_disposition,
    )
    assert list(ours.inputs[0].columns[0].properties) == list(theirs.inputs[0].columns[0].properties)


def test_flat_files_of_format_3_have_the_same_properties() -> None:
    theirs = components("ssis-tutorial/Lesson 3.dtsx")["FlatFileSource"]
    ours = built("Flat File Source")
    assert list(ours.properties) == list(theirs.properties)
    assert list(theirs.outputs[0].columns[0].properties) == ["FastParse"]
    assert list(ours.outputs[0].columns[0].properties) == ["FastParse", "UseBinaryFormat"]  # since format 6
