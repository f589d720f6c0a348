"""Data flows: columns and lineage come from the components upstream."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.datatypes import COLUMN_TYPES, DataTypeCode
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.builder.column_types import BUILT_TYPES
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.package.document import read_dts_package
from airflow_provider_ssis.project.type_names import component_class
from tests.support.places import INPUTS, needs_inputs
from tests.support.simulated_runs import play

ETL = INPUTS / "wide-world-importers" / "DailyETLMain.dtsx"
FLOW = "Package\\Load"
NOT_WRITTEN = {"contactInfo", "description", "UITypeEditor", "typeConverter"}
"""Texts for the designer."""


def project_with_flow(target_server: int = 2019) -> ProjectBuilder:
    project = ProjectBuilder("Flows", target_server=target_server)
    mart = project.connection_managers.add_oledb("Mart", "Data Source=.;Initial Catalog=Mart;")
    package = project.add_package("Load")
    rows = package.add_variable("Rows", 0)
    csv = [FlatFileColumn("Id", "DT_STR", 10), FlatFileColumn("Price", "DT_NUMERIC", precision=10, scale=2)]
    file = package.connection_managers.add_flat_file("In", "in.csv", csv)
    out = package.connection_managers.add_flat_file("Out", "out.csv", [FlatFileColumn("Id", "DT_STR", 10)])
    flow = package.add_data_flow("Load")
    source = flow.add_flat_file_source("Read", file)
    derived = flow.add_derived_column(
        "Derive",
        source.output,
        {
            Column("Total", "DT_NUMERIC", precision=12, scale=2): "round([Price] * 2, 2)",
            Column("Kind", length=5): '(DT_WSTR,5)(Price > 1 ? "[Id]" : @[User::Rows] == 0 ? "a" : NULL(DT_WSTR,5))',
        },
    )
    split = flow.add_conditional_split("Split", derived.output, {"Big": "Total > 100", "Small": "ISNULL(Total)"})
    count = flow.add_row_count("Count", split.outputs["Big"], rows)
    converted = flow.add_data_conversion("Convert", count.output, {Column("Number", "DT_I4"): "Id"})
    flow.add_oledb_destination(
        "Write", converted.output, mart, "[dbo].[Sales]", mappings={"Number": "SalesId", "Total": "Total"}
    )
    copies = flow.add_multicast("Copy", split.output, ["One", "Two"])
    flow.add_flat_file_destination("Save", copies.outputs["One"], out, overwrite=False)
    flow.add_oledb_destination("Write rest", copies.outputs["Two"], mart, "[dbo].[Rest]", fast_load=False)
    flow.add_row_count("Errors", source.error_output, package.add_variable("Errors", 0))
    return project


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    (task,) = project_with_flow().packages["load"].read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    return data


def component(pipeline: Pipeline, name: str) -> Component:
    (found,) = [each for each in pipeline.components if each.name == name]
    return found


def test_each_component_has_its_class(pipeline: Pipeline) -> None:
    assert {each.name: component_class(each) for each in pipeline.components} == {
        "Read": "FlatFileSource",
        "Derive": "DerivedColumn",
        "Split": "ConditionalSplit",
        "Count": "RowCount",
        "Convert": "DataConvert",
        "Write": "OLEDBDestination",
        "Copy": "Multicast",
        "Save": "FlatFileDestination",
        "Write rest": "OLEDBDestination",
        "Errors": "RowCount",
    }


def test_all_references_lead_to_an_object(pipeline: Pipeline) -> None:
    ids = [element.get("refId") for element in pipeline.element.iter() if element.get("refId")]
    assert len(ids) == len(set(ids))
    for element in pipeline.element.iter():
        for name in ("lineageId", "externalMetadataColumnId", "synchronousInputId", "startId", "endId"):
            assert element.get(name) is None or element.get(name) in ids


@pytest.mark.parametrize("name", BUILT_TYPES)
def test_types_are_stored_as_visual_studio_stores_them(name: str) -> None:
    package = PackageBuilder("Types")
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;Initial Catalog=Mart;")
    package.add_data_flow("Load").add_oledb_source("Read", mart, [Column("Value", name)], table="[dbo].[Sales]")
    (task,) = package.read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    (column,) = component(data, "Read").outputs[0].columns
    assert COLUMN_TYPES[column.data_type.name] is DataTypeCode[name]


def test_types_with_a_time_zone_have_their_name_in_camel_case() -> None:
    assert Column("Value", "DT_DBTIMESTAMPOFFSET", scale=7).attributes() == {
        "dataType": "dbTimeStampOffset",
        "scale": 7,
    }


def test_expressions_are_stored_with_references(pipeline: Pipeline) -> None:
    price = f"#{{{FLOW}\\Read.Outputs[Flat File Source Output].Columns[Price]}}"
    total, kind = component(pipeline, "Derive").outputs[0].columns
    assert total.properties["Expression"].text == f"[ROUND]({price} * 2, 2)"
    assert total.properties["Expression"].contains_id
    assert total.properties["FriendlyExpression"].text == "round([Price] * 2, 2)"
    assert (total.data_type.precision, total.data_type.scale) == (12, 2)
    assert kind.properties["Expression"].text == (
        f'(DT_WSTR,5)({price} > 1 ? "[Id]" : @[User::Rows] == 0 ? "a" : NULL(DT_WSTR,5))'
    )
    (used,) = component(pipeline, "Derive").inputs[0].columns
    assert used.cached_name == "Price"
    assert used.cached_type is not None
    assert (used.cached_type.name, used.cached_type.precision) == ("numeric", 10)


def test_columns_pass_through_to_the_destination(pipeline: Pipeline) -> None:
    columns = component(pipeline, "Write").inputs[0].columns
    assert [(each.cached_name, each.external_key.rpartition("[")[2]) for each in columns] == [
        ("Number", "SalesId]"),
        ("Total", "Total]"),
    ]
    assert columns[1].lineage_id == f"{FLOW}\\Derive.Outputs[Derived Column Output].Columns[Total]"
    rest = component(pipeline, "Write rest")
    assert [each.cached_name for each in rest.inputs[0].columns] == ["Id", "Price", "Total", "Kind"]
    assert rest.properties["AccessMode"].text == "0"
    assert len(pipeline.paths) == 9


@pytest.mark.parametrize("target_server", [2014, 2019])
def test_it_lints_clean_and_runs(target_server: int, tmp_path: Path) -> None:
    project = project_with_flow(target_server)
    project.save(tmp_path)
    assert [each for each in check(tmp_path, LintConfiguration()) if each.severity is Severity.ERROR] == []
    found = read_ispac(project.to_ispac())
    assert play(RunRequest(1, "Sales", found.name, found, "Load.dtsx")).status is OperationStatus.SUCCEEDED


def shape(element: etree._Element) -> dict[str, set[str]]:
    """The names of attributes by the path of the element, and the names of properties."""
    found: dict[str, set[str]] = {}
    root = element.getparent()
    for each in element.iter("*"):
        path = [str(each.tag)]
        parent = each.getparent()
        while parent is not None and parent is not root:
            path.insert(0, str(parent.tag))
            parent = parent.getparent()
        found.setdefault("/".join(path), set()).update({str(name) for name in each.attrib} - NOT_WRITTEN)
    return found


@needs_inputs
def test_source_and_destination_have_the_elements_that_visual_studio_writes() -> None:
    etl = read_dts_package(ETL.read_bytes(), ETL.name)
    theirs = next(data for each in etl.container.walk() if isinstance(data := each.data(), Pipeline))
    package = PackageBuilder("P")
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;")
    flow = package.add_data_flow("F")
    columns = [Column("A", "DT_I4"), Column("B"), Column("T", "DT_DBTIMESTAMP2", scale=7), Column("I", "DT_IMAGE")]
    source = flow.add_oledb_source("S", mart, columns, sql="SELECT 1")
    flow.add_oledb_destination("D", source.output, mart, "[dbo].[T]")
    ours = package.read().container.children[0].data()
    assert isinstance(ours, Pipeline)
    assert shape(ours.element) == shape(theirs.element)
    by_class = {component_class(each): each for each in theirs.components}
    for each in ours.components:
        assert list(each.properties) == list(by_class[component_class(each)].properties)
        assert each.version == by_class[component_class(each)].version


def flow_with_source() -> tuple[PackageBuilder, DataFlowBuilder]:
    package = PackageBuilder("P")
    return package, package.add_data_flow("F")


def test_what_does_not_fit_is_an_error() -> None:
    package, flow = flow_with_source()
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;")
    text = package.add_variable("Text", "")
    with pytest.raises(BuildError, match="needs either a table or a query"):
        flow.add_oledb_source("S", mart, [Column("A")])
    source = flow.add_oledb_source("S", mart, [Column("A")], table="[t]")
    with pytest.raises(BuildError, match="has the name of another component"):
        flow.add_oledb_source("s", mart, [Column("A")], table="[t]")
    with pytest.raises(BuildError, match=r"refers to the unknown column \[B\]"):
        flow.add_derived_column("D", source.output, {Column("C"): "[B] + 1"})
    with pytest.raises(BuildError, match="with names that no other column has"):
        flow.add_derived_column("D", source.output, {Column("A"): "1"})
    with pytest.raises(BuildError, match="needs a variable of type"):
        flow.add_row_count("R", source.output, text)
    with pytest.raises(BuildError, match="needs a connection manager of type FLATFILE"):
        flow.add_flat_file_source("F", mart)
    with pytest.raises(BuildError, match="uses the unknown column B"):
        flow.add_oledb_destination("W", source.output, mart, "[t]", mappings={"B": "B"})
    flow.add_oledb_destination("W", source.output, mart, "[t]")
    with pytest.raises(BuildError, match="it has a path"):
        flow.add_multicast("M", source.output, ["One"])
    with pytest.raises(BuildError, match="is in another data flow"):
        package.add_data_flow("G").add_multicast("M", source.error_output, ["One"])


def test_rows_that_fail_can_be_redirected() -> None:
    package, flow = flow_with_source()
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;")
    source = flow.add_oledb_source("S", mart, [Column("A")], table="[t]")
    source.set_dispositions("RedirectRow", "IgnoreFailure")
    target = flow.add_oledb_destination("D", source.output, mart, "[t]")
    target.set_dispositions()
    data = package.read().container.children[0].data()
    assert isinstance(data, Pipeline)
    (column,) = component(data, "S").outputs[0].columns
    assert (column.error_disposition, column.truncation_disposition) == ("RedirectRow", "IgnoreFailure")
    assert component(data, "D").inputs[0].error_disposition == "RedirectRow"


def test_a_disposition_that_ssis_rejects_is_an_error() -> None:
    package, flow = flow_with_source()
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;")
    source = flow.add_oledb_source("S", mart, [Column("A")], table="[t]")
    with pytest.raises(BuildError, match="has the unknown disposition 'Redirect'"):
        source.set_dispositions("Redirect")
    copies = flow.add_multicast("M", source.output, ["One"])
    with pytest.raises(BuildError, match="M cannot have the disposition"):
        copies.set_dispositions()
    whole = flow.add_oledb_destination("D", copies.output, mart, "[t]", commit_size=0)
    with pytest.raises(BuildError, match="D cannot have the disposition RedirectRow"):
        whole.set_dispositions()


def test_a_flat_file_destination_has_all_columns_of_the_file_in_their_order() -> None:
    package = PackageBuilder("Load")
    managers = package.connection_managers
    source_file = managers.add_flat_file("In", "/data/in.csv", [FlatFileColumn("A"), FlatFileColumn("B")])
    file = managers.add_flat_file("Out", "/data/out.csv", [FlatFileColumn(name) for name in ("Z", "Y", "X")])
    flow = package.add_data_flow("Flow")
    source = flow.add_flat_file_source("Read", source_file)
    flow.add_flat_file_destination("Write", source.output, file, mappings={"A": "X", "B": "Z"})
    (task,) = package.read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    (found,) = component(data, "Write").inputs
    assert [each.name for each in found.external_columns] == ["Z", "Y", "X"]
    names = {each.key: each.name for each in found.external_columns}
    assert [(each.cached_name, names[each.external_key]) for each in found.columns] == [("A", "X"), ("B", "Z")]


def test_components_and_outputs_have_names_that_tasks_cannot_have(tmp_path: Path) -> None:
    """Only names of executables are checked by SSIS; those of a data flow contain colons, periods, no-break spaces."""
    package = PackageBuilder("Load")
    file = package.connection_managers.add_flat_file("In/1.csv", "/data/in.csv", [FlatFileColumn("A/B c.d")])
    flow = package.add_data_flow("Flow")
    source = flow.add_flat_file_source("SRC: In/1.csv v1.0", file)
    split = flow.add_conditional_split('"A" = B\u00a0c', source.output, {"A/B: x.y\\z": '[A/B c.d] == "x"'})
    flow.add_flat_file_destination("DST = 1.0", split.outputs["A/B: x.y\\z"], file)
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package.to_bytes())
    (task,) = package.read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    assert [each.name for each in data.components] == ["SRC: In/1.csv v1.0", '"A" = B\u00a0c', "DST = 1.0"]
    assert "A/B: x.y\\z" in [each.name for each in data.components[1].outputs]
    assert check(path, LintConfiguration(ignore=("C202",))) == ()
