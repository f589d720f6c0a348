"""Compiling data flows: columns, numbers, what is refused. Facts: data flow, sections 1.2 to 1.9."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.engine.data_flow.plan import DataFlowPlan, plan_data_flow
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.package.data_flow import Pipeline, read_pipeline
from tests.support.flow_runs import FlowTest, integer

_NUMBERED = """
<pipeline id="0" name="p" defaultBufferMaxRows="500" runInOptimizedMode="true"><components>
<component id="1" name="In" componentClassID="{5ACD952A-F16A-41D8-A681-713640837664}" localeId="1031">
 <connections><connection id="2" name="FlatFileConnection" connectionManagerID="{AAAA}"/></connections>
 <outputs>
  <output id="3" name="Out"><outputColumns>
   <outputColumn id="4" name="a" lineageId="4" dataType="i4"/>
   <outputColumn id="5" name="b" lineageId="5" dataType="130" length="7"/></outputColumns></output>
  <output id="6" name="Err" isErrorOut="true"/></outputs></component>
<component id="7" name="Count" componentClassID="{150E6007-7C6A-4CC3-8FF3-FC73783A972E}">
 <properties><property id="8" name="VariableName" dataType="System.String">User::n</property></properties>
 <inputs><input id="9" name="In" hasSideEffects="true"/></inputs>
 <outputs><output id="10" name="Out" synchronousInputId="9"/></outputs></component>
<component id="11" name="Split" componentClassID="{3AE878C6-0D6C-4F48-8128-40E00E9C1B7D}">
 <inputs><input id="12" name="In"><inputColumns>
  <inputColumn id="13" lineageId="4" usageType="readOnly"/></inputColumns></input></inputs>
 <outputs><output id="14" name="Default" synchronousInputId="12" exclusionGroup="1" isDefaultOut="true"/></outputs>
</component>
</components><paths>
 <path id="15" name="one" startId="3" endId="9"/><path id="16" name="two" startId="10" endId="12"/>
</paths></pipeline>"""


def _pipeline(xml: str = _NUMBERED) -> Pipeline:
    return read_pipeline(etree.fromstring(xml), "p.dtsx")


def _plan(xml: str = _NUMBERED) -> DataFlowPlan:
    return plan_data_flow(_pipeline(xml), "\\Package\\Load", 1033)


def test_formats_with_numbers_keep_their_numbers() -> None:
    plan = _plan()
    assert plan.refusals == ()
    source, count = plan.components
    assert (source.number, source.subcomponent, source.locale_id) == (1, "In [1]", 1031)
    assert (count.number, count.locale_id) == (7, 1033)
    assert (source.numbers["4"], source.numbers["5"]) == (4, 5)
    assert [str(column.type) for column in source.outputs["3"].columns] == ["DT_I4", "DT_WSTR,7"]
    assert [(path.id, path.name) for path in plan.paths] == [("Paths[In.Out]", "one")]
    assert source.buffer_rows == 500


def test_components_whose_rows_nothing_uses_are_removed_in_optimized_mode() -> None:
    assert [component.name for component in _plan().removed] == ["Split"]
    kept = _plan(_NUMBERED.replace('runInOptimizedMode="true"', 'runInOptimizedMode="false"'))
    assert [component.stored.name for component in kept.components] == ["In", "Count", "Split"]


def test_a_path_has_the_columns_that_are_used_behind_it() -> None:
    plan = _plan(_NUMBERED.replace('<input id="12" name="In">', '<input id="12" name="In" hasSideEffects="true">'))
    assert [list(path.schema.by_lineage) for path in plan.paths] == [["4"], ["4"]]
    assert plan.unused == {"In": ("b",)}


def test_the_rows_of_a_buffer_fit_its_size() -> None:
    # DT_I4 and DT_WSTR,7 have 4 and 16 bytes.
    small = _NUMBERED.replace('defaultBufferMaxRows="500"', 'defaultBufferMaxRows="500" defaultBufferSize="2000"')
    assert _plan(small).components[0].buffer_rows == 100
    adjusted = small.replace("<pipeline ", '<pipeline autoAdjustBufferSize="true" ')
    assert _plan(adjusted).components[0].buffer_rows == 500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda xml: xml.replace('lineageId="4" usage', 'lineageId="44" usage'), "no column with the lineage id '44'"),
        (lambda xml: xml.replace('endId="12"', 'endId="99"'), "does not lead from an output to an input"),
        (lambda xml: xml.replace('startId="10"', 'startId="3"'), "another path has the same output or input"),
        (lambda xml: xml.replace('dataType="i4"', 'dataType="i3"'), "its data type 'i3' is unknown"),
        (lambda xml: xml.replace('name="Count"', 'name="in"'), "its name is empty or not unique"),
        (lambda xml: xml.replace('lineageId="5"', 'lineageId="4"'), "two of its columns have one lineage id"),
        (lambda xml: xml.replace("{150E6007-7C6A-4CC3-8FF3-FC73783A972E}", "Vendor.Thing"), "does not know this class"),
        (
            lambda xml: xml.replace(
                '{150E6007-7C6A-4CC3-8FF3-FC73783A972E}"', '{0}" contactInfo="Zählen;Microsoft Corporation;1"'
            ),
            "the component of the class {0}: the engine does not know this class id of a component named Zählen",
        ),
        (lambda xml: xml.replace('"VariableName"', '"Colour"'), "the property Colour: the engine does not know"),
        (
            lambda xml: xml.replace("{150E6007-7C6A-4CC3-8FF3-FC73783A972E}", "Microsoft.FuzzyLookup"),
            "the component of the class FuzzyLookup (Microsoft.FuzzyLookup): it matches approximately",
        ),
    ],
)
def test_what_is_broken_or_unknown_is_refused_with_its_name(change: Callable[[str], str], reason: str) -> None:
    changed = change(_NUMBERED)
    assert changed != _NUMBERED
    refusals = [str(refusal) for refusal in _plan(changed).refusals]
    assert any(reason in refusal and refusal.startswith("\\Package\\Load") for refusal in refusals), refusals


def test_components_without_a_connection_manager_are_listed_also_if_they_do_not_run() -> None:
    assert _plan().unconnected == ()
    changed = _NUMBERED.replace("{AAAA}", "{AAAA}:invalid")
    assert (_plan(changed).unconnected, _plan(changed).refusals) == (("In",), ())
    alone = re.sub("<path .*?/>", "", changed)
    assert [one.name for one in _plan(alone).removed if one.name in _plan(alone).unconnected] == ["In"]


def test_a_cycle_is_refused() -> None:
    changed = _NUMBERED.replace('startId="3" endId="9"', 'startId="14" endId="9"')
    assert "they form a cycle" in str(_plan(changed).refusals[0])


# -- property expressions ----------------------------------------------------------------------------------------------


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def test_property_expressions_change_components(flow: FlowTest) -> None:
    flow.package.add_variable("Limit", "[n] > 1")
    flow.variables["User::Limit"] = "[n] > 2"
    source = flow.source("In", "1\n2\n3\n", [integer("n")])
    split = flow.flow.add_conditional_split("Split", source.output, {"Large": "[n] > 0"})
    flow.rows_of("Out", split.outputs["Large"])
    flow.flow.task.set_expression("[Split].[Large].[FriendlyExpression]", "@[User::Limit]")
    assert flow.run().rows["Out"] == [(3,)]


def test_a_header_by_expression(flow: FlowTest) -> None:
    source = flow.source("In", "1\n", [integer("n")])
    flow.flow.add_flat_file_destination("Out", source.output, flow.file("Target", [integer("n")]))
    flow.flow.task.set_expression("[Out].[Header]", '"rows of " + (DT_WSTR,4)2024')
    flow.run()
    assert (flow.folder / "Target.txt").read_text() == "rows of 2024\n1\n"


def test_property_expressions_without_a_property_are_refused(flow: FlowTest) -> None:
    source = flow.source("In", "1\n", [integer("n")])
    flow.rows_of("Out", source.output)
    flow.flow.task.set_expression("[In].[Colour]", '"x"')
    [refusal] = flow.refusals()
    assert refusal.startswith(
        "\\Package\\Load: the property expression [In].[Colour]: the data flow has no such property."
    )


def test_a_tap_on_an_unknown_path_is_refused(flow: FlowTest) -> None:
    source = flow.source("In", "1\n", [integer("n")])
    derived = flow.flow.add_derived_column("D", source.output, {Column("m", "DT_I4"): "[n]"})
    flow.rows_of("Out", derived.output)
    flow.names.append("Nowhere")
    [refusal] = flow.refusals()
    assert "the data tap on Nowhere: no such path." in refusal
    assert "Paths[D.Derived Column Output]" in refusal


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"name": "Town"}, "the main output has no column with this name"),
        ({"dataType": "i4"}, "its type DT_I4 is not DT_WSTR,50, the type in the main output"),
        ({"length": "20"}, ""),
    ],
)
@pytest.mark.parametrize("kind", ["oledb", "ado_net", "odbc"])
def test_an_error_output_without_a_copy_of_a_column_is_refused(
    flow: FlowTest, kind: str, changes: dict[str, str], reason: str
) -> None:
    managers = flow.package.connection_managers
    columns = [Column("City", length=50), Column("Sales", "DT_I4")]
    if kind == "oledb":
        source = flow.flow.add_oledb_source("Read", managers.add_oledb("M", "Provider=SQLNCLI11;"), columns, table="T")
    elif kind == "ado_net":
        source = flow.flow.add_ado_net_source("Read", managers.add_ado_net("M", "Data Source=.;"), columns, table="T")
    else:
        manager = managers.add_odbc("M", "DSN=x;")
        source = flow.flow.add_odbc_source("Read", manager, columns, table="T", row_by_row=True)
    source.set_dispositions()
    flow.rows_of("Out", source.output)
    flow.rows_of("Bad", source.error_output)

    def changed(package: str) -> str:
        root = etree.fromstring(package.encode())
        (copy,) = root.xpath("//component[@name='Read']//output[@isErrorOut]//outputColumn[@name='City']")
        copy.attrib.update(changes)
        return etree.tostring(root, encoding="unicode")

    flow.change = changed
    refusals = flow.refusals()
    assert len(refusals) == bool(reason)
    assert all(reason in one for one in refusals)


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("file", "@externalMetadataColumnId", "two of its columns lead to the external column 'a'"),
        ("file", "@lineageId", "two of its columns have the lineage id"),
        ("union", "properties/property[@name='OutputColumnLineageID']/text()", "two of its columns lead to the output"),
    ],
)
def test_two_columns_of_an_input_for_one_column_are_refused(
    flow: FlowTest, kind: str, change: str, reason: str
) -> None:
    columns = [integer("a"), integer("b")]
    source = flow.source("In", "1,2\n", columns)
    if kind == "file":
        flow.flow.add_flat_file_destination("Made", source.output, flow.file("Out", columns))
    else:
        flow.rows_of("Out", flow.flow.add_union_all("Made", [source.output]).output)
    assert not flow.refusals()

    def changed(package: str) -> str:
        root = etree.fromstring(package.encode())
        first, second = root.xpath("//component[@name='Made']/inputs/input[1]/inputColumns/inputColumn")
        (value,) = first.xpath(change)
        if change.startswith("@"):
            second.set(change[1:], value)
        else:
            second.find("properties/property[@name='OutputColumnLineageID']").text = value
        return etree.tostring(root, encoding="unicode")

    flow.change = changed
    assert any(reason in one for one in flow.refusals())
