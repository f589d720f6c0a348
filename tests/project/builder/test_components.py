"""Each component of a data flow is read back with equal meaning, and lints clean."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.builder import components as written
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.type_names import component_class
from tests.project.builder.flows import COLUMNS, COMPONENTS, new_flow

ONLY_FORMAT_8 = {
    "Balanced Data Distributor",
    "Character Map",
    "Copy Column",
    "ODBC Source",
    "ODBC Destination",
    "Raw File Source",
    "Raw File Destination",
    "Pivot",
    "Unpivot",
    "Percentage Sampling",
    "Row Sampling",
    "Audit",
    "Export Column",
    "Import Column",
}


def pipeline_of(package: PackageBuilder) -> Pipeline:
    (task,) = package.read().container.children
    data = task.data()
    assert isinstance(data, Pipeline)
    return data


def read(package: PackageBuilder, name: str) -> Component:
    (found,) = [each for each in pipeline_of(package).components if each.name == name]
    return found


def texts(properties: object) -> dict[str, str]:
    assert isinstance(properties, dict)
    return {name: each.text for name, each in properties.items()}


def check_references(pipeline: Pipeline) -> None:
    ids = [each.get("refId") for each in pipeline.element.iter() if each.get("refId")]
    assert len(ids) == len(set(ids))
    for element in pipeline.element.iter(etree.Element):
        for name in ("lineageId", "externalMetadataColumnId", "synchronousInputId", "startId", "endId"):
            assert element.get(name) is None or element.get(name) in ids
        if element.get("containsID") == "true":
            assert set(re.findall(r"#\{([^}]*)\}", element.text or "")) <= set(ids)


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_is_read_back_and_lints_clean(name: str, tmp_path: Path) -> None:
    build, class_name, version = COMPONENTS[name]
    project, flow = new_flow()
    made = build(flow)
    found = read(flow.package, made.name)
    assert component_class(found) == class_name
    assert found.version == version
    pipeline = pipeline_of(flow.package)
    check_references(pipeline)
    for other in pipeline.components:
        columns = {each.lineage_id: each for one in pipeline.components for out in one.outputs for each in out.columns}
        for column in [each for one in other.inputs for each in one.columns]:
            upstream = columns[column.lineage_id]
            assert (column.cached_name, column.cached_type) == (upstream.name, upstream.data_type)
    assert {each.name: texts(each.properties) for each in found.outputs} == {
        each.name: {key: value.text for key, value in each.properties.items()} for each in made.outputs.values()
    }
    used = [each for one in made.inputs for each in one.columns]
    assert [texts(each.properties) for one in found.inputs for each in one.columns] == [
        {key: value.text for key, value in each.properties.items()} for each in used
    ]
    project.save(tmp_path)
    assert [each for each in check(tmp_path, LintConfiguration()) if each.severity is Severity.ERROR] == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_format_6_has_the_same_components(name: str) -> None:
    build, class_name, _ = COMPONENTS[name]
    _, flow = new_flow(2014)
    if name in ONLY_FORMAT_8:
        with pytest.raises(BuildError, match="cannot be written in format 6: the class id"):
            build(flow)
        return
    made = build(flow)
    found = read(flow.package, made.name)
    assert component_class(found) == class_name
    assert found.class_id.startswith("{")


def build(name: str) -> Component:
    _, flow = new_flow()
    made = COMPONENTS[name][0](flow)
    return read(flow.package, made.name)


def test_a_lookup_has_the_reference_table_and_its_keys() -> None:
    found = build("Lookup")
    properties = texts(found.properties)
    assert properties["SqlCommandParam"].splitlines()[-1] == "where [refTable].[City] = ?"
    assert (properties["CacheType"], properties["NoMatchBehavior"], properties["ConnectionType"]) == ("1", "1", "0")
    (column,) = found.inputs[0].columns
    assert properties["ParameterMap"] == f"#{{{column.lineage_id}}};"
    metadata = etree.fromstring(properties["ReferenceMetadataXml"])
    assert [(each.get("name"), each.get("dataType"), each.get("length")) for each in metadata[0]] == [
        ("CityKey", "DT_I4", "0"),
        ("Country", "DT_WSTR", "20"),
        ("City", "DT_WSTR", "30"),
    ]
    match, no_match, error = found.outputs
    assert [each.name for each in match.columns] == ["CityKey", "Land"]
    assert [each.truncation_disposition for each in match.columns] == ["FailComponent"] * 2
    assert (match.error_disposition, no_match.columns) == ("FailComponent", ())
    assert (no_match.exclusion_group, error.is_error_output) == (1, True)


@pytest.mark.parametrize(
    ("no_match", "disposition", "behavior"),
    [("fail", "FailComponent", "0"), ("ignore", "IgnoreFailure", "0"), ("redirect", "RedirectRow", "0")],
)
def test_rows_without_a_match_follow_the_disposition(no_match: str, disposition: str, behavior: str) -> None:
    _, flow = new_flow()
    flow.flow.add_lookup("Find", flow.source(), flow.mart, "SELECT 1", {"Id": "Id"}, no_match=no_match)
    found = read(flow.package, "Find")
    assert found.outputs[0].error_disposition == disposition
    assert found.properties["NoMatchBehavior"].text == behavior


def test_a_lookup_can_replace_a_column() -> None:
    _, flow = new_flow()
    flow.flow.add_lookup("Find", flow.source(), flow.mart, "SELECT 1", {"Id": "Id"}, replace={"City": "Name"})
    key, replaced = read(flow.package, "Find").inputs[0].columns
    assert (key.usage, replaced.usage) == ("readOnly", "readWrite")
    assert texts(replaced.properties) == {"JoinToReferenceColumn": "", "CopyFromReferenceColumn": "Name"}


def test_a_cache_has_its_columns_and_index() -> None:
    _, flow = new_flow()
    (cache,) = [each for each in flow.package.read().connection_managers if each.kind == "CACHE"]
    assert [(each.name, each.data_type, each.length, each.index_position) for each in cache.cache_columns] == [
        ("Key", 3, 0, 1),
        ("Name", 130, 30, 0),
    ]


def test_a_replaced_column_keeps_its_lineage() -> None:
    _, flow = new_flow()
    made = COMPONENTS["Derived Column"][0](flow)
    found = read(flow.package, made.name)
    columns = {each.cached_name: each for each in found.inputs[0].columns}
    assert {name: each.usage for name, each in columns.items()} == {
        "Price": "readOnly",
        "City": "readWrite",
        "Day": "readWrite",
    }
    city = columns["City"]
    assert city.properties["Expression"].text == f"[UPPER](#{{{city.lineage_id}}})"
    assert city.properties["FriendlyExpression"].can_have_expression
    assert (city.error_disposition, city.truncation_disposition) == ("FailComponent", "FailComponent")
    assert made.output.columns()["City"].lineage_id == city.lineage_id


def test_a_sort_declares_its_key() -> None:
    found = build("Sort")
    assert [(each.cached_name, texts(each.properties)) for each in found.inputs[0].columns] == [
        ("Id", {"NewSortKeyPosition": "-2", "NewComparisonFlags": "0"}),
        ("City", {"NewSortKeyPosition": "1", "NewComparisonFlags": "1"}),
    ]
    (output,) = found.outputs
    assert output.is_sorted
    assert [(each.name, each.sort_key_position, each.comparison_flags) for each in output.columns] == [
        ("Id", -2, 0),
        ("City", 1, 1),
    ]


def test_sort_keys_reach_the_components_after() -> None:
    _, flow = new_flow()
    derived = flow.flow.add_derived_column("D", flow.source(), {Column("New", "DT_I4"): "[Id] + 1"})
    made = flow.flow.add_sort("S", derived.output, ["New"])
    assert made.inputs[0].columns[0].source.sort_position == 1
    column = read(flow.package, "S").inputs[0].columns[0].element
    assert column.get("cachedSortKeyPosition") == "1"


def test_a_union_maps_each_input_to_its_columns() -> None:
    found = build("Union All")
    town = found.outputs[0].columns[1]
    assert town.data_type.length == 30
    first, second = found.inputs
    assert [each.cached_name for each in first.columns] == ["Id", "City"]
    assert [each.cached_name for each in second.columns] == ["Id"]
    assert first.columns[1].properties["OutputColumnLineageID"].text == f"#{{{town.lineage_id}}}"
    assert all(each.has_side_effects for each in found.inputs)


def test_a_union_is_as_wide_as_its_widest_column() -> None:
    _, flow = new_flow()
    wide = flow.flow.add_oledb_source("Wide", flow.mart, [Column("City", length=99)], table="[t]").output
    flow.flow.add_union_all("Unite", [flow.source(), wide], columns={"City": ["City", "City"]})
    assert read(flow.package, "Unite").outputs[0].columns[0].data_type.length == 99


def test_a_merge_join_keeps_the_order_of_its_left_input() -> None:
    found = build("Merge Join")
    assert [(each.name, each.sort_key_position) for each in found.outputs[0].columns] == [
        ("Id", 1),
        ("City", 0),
        ("Other", 0),
    ]
    assert (found.properties["JoinType"].text, found.properties["NumKeyColumns"].text) == ("1", "1")
    other = found.outputs[0].columns[2].properties["InputColumnID"].text
    assert other == f"#{{{found.key}.Inputs[Merge Join Right Input].Columns[City]}}"


def test_an_aggregate_has_the_types_of_its_results() -> None:
    found = build("Aggregate")
    assert {each.name: each.data_type.name for each in found.outputs[0].columns} == {
        "City": "wstr",
        "Rows": "ui8",
        "Total": "numeric",
        "Mean": "r8",
        "Last": "dbTimeStamp",
        "Cities": "ui4",
    }
    city = found.outputs[0].columns[0]
    assert (city.properties["AggregationType"].text, city.properties["AggregationComparisonFlags"].text) == ("0", "1")


def test_a_pivot_has_roles_and_keys() -> None:
    found = build("Pivot")
    assert {each.cached_name: each.properties["PivotUsage"].text for each in found.inputs[0].columns} == {
        "City": "1",
        "Id": "2",
        "Price": "3",
        "Day": "0",
    }
    assert {each.name: each.properties["PivotKeyValue"].text for each in found.outputs[0].columns} == {
        "City": "",
        "Day": "",
        "Small": "1",
        "Big": "2",
    }
    assert found.outputs[0].columns[3].data_type.name == "numeric"


def test_an_unpivot_maps_columns_to_keys() -> None:
    found = build("Unpivot")
    assert [(each.cached_name, each.properties["PivotKeyValue"].text) for each in found.inputs[0].columns] == [
        ("Id", ""),
        ("January", "1"),
        ("February", "2"),
    ]
    assert [(each.name, each.properties["PivotKey"].text) for each in found.outputs[0].columns] == [
        ("Id", "false"),
        ("Amount", "false"),
        ("Month", "true"),
    ]


def test_a_dimension_has_an_output_for_each_kind_of_change() -> None:
    found = build("Slowly Changing Dimension")
    assert [each.properties["ColumnType"].text for each in found.inputs[0].columns] == ["1", "2", "3"]
    assert [each.exclusion_group for each in found.outputs] == [1, 1, 1, 1, 2, 1]
    assert found.connections[0].name == "LookupConnection"


def test_a_script_has_its_code_and_variables() -> None:
    found = build("Script")
    properties = found.properties
    assert properties["SourceCode"].items == ("main.cs", "class ScriptMain { } // <&>", "a.resx", "<root />")
    assert properties["BinaryCode"].items[1] == "TVo="
    assert properties["ReadOnlyVariables"].text == "User::Text,System::PackageName"
    assert {each.cached_name: each.usage for each in found.inputs[0].columns} == {"Id": "readOnly", "City": "readWrite"}
    assert [bool(each.synchronous_input_key) for each in found.outputs] == [True, False]


def test_parameters_of_a_query_are_variables() -> None:
    _, flow = new_flow()
    COMPONENTS["OLE DB Source with parameters"][0](flow)
    assert read(flow.package, "Asked").properties["ParameterMapping"].text == f'"Parameter0:Input",{flow.count.id};'


def test_one_column_can_have_its_own_disposition() -> None:
    _, flow = new_flow()
    source = flow.flow.add_oledb_source("Read", flow.mart, COLUMNS, table="[t]")
    source.set_dispositions("IgnoreFailure", column="City")
    found = read(flow.package, "Read").outputs[0].columns
    assert [each.error_disposition for each in found] == [
        "FailComponent",
        "IgnoreFailure",
        "FailComponent",
        "FailComponent",
    ]
    with pytest.raises(BuildError, match="cannot have the disposition RedirectRow for Town"):
        source.set_dispositions(column="Town")


def test_what_ssis_rejects_is_an_error() -> None:
    _, flow = new_flow()
    unsorted = flow.flow.add_oledb_source("Unsorted", flow.mart, COLUMNS, table="[t]").output
    double = flow.flow.add_oledb_source("Double", flow.mart, [Column("Id", "DT_R8")], table="[t]").output
    source = flow.source()
    tools = flow.flow
    text_ = flow.text
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: tools.add_lookup("X", double, flow.mart, "q", {"Id": "Id"}), "DT_R8 cannot be a key"),
        (
            lambda: tools.add_lookup("X", source, flow.mart, "q", {"Id": "K"}, reference=[Column("K")]),
            "needs equal types: Id has DT_I4, K DT_WSTR",
        ),
        (lambda: tools.add_lookup("X", source, flow.mart, "", {"Id": "K"}), "either a query or a CACHE"),
        (lambda: tools.add_lookup("X", source, flow.mart, "q", {"Id": "K"}, cache="all"), "unknown option 'all'"),
        (lambda: tools.add_sort("X", source, []), "needs a sort key"),
        (lambda: tools.add_sort("X", source, ["Town"]), "an invalid sort key: Town"),
        (lambda: tools.add_merge("X", source, unsorted), "needs two sorted inputs"),
        (lambda: tools.add_union_all("X", [source, double]), "the types DT_I4, DT_R8"),
        (lambda: tools.add_derived_column("X", source), "needs an expression"),
        (lambda: tools.add_oledb_command("X", source, flow.mart, "q", ["Id", "Id"]), "a column for two parameters"),
        (lambda: tools.add_recordset_destination("X", source, text_), "needs a variable of type Object"),
        (lambda: tools.add_oledb_source("X", flow.mart, COLUMNS, table="t", sql="q"), "either a table or a query"),
        (
            lambda: tools.add_oledb_source("X", flow.mart, COLUMNS, sql="q", parameters=["System::StartTime"]),
            "the id of a system variable is not known",
        ),
        (lambda: tools.add_percentage_sampling("X", source, 101), "cannot select 101 percent"),
        (lambda: tools.add_audit("X", source, {"A": "moon"}), "needs one of the facts"),
        (lambda: tools.add_export_column("X", source, {"Id": "City"}), "DT_IMAGE for Id"),
        (
            lambda: tools.add_slowly_changing_dimension("X", source, flow.mart, "q", {"Id": "other"}),
            "needs a query, a key",
        ),
        (lambda: tools.add_script_component("X", outputs={"A": ScriptOutput()}), "cannot be synchronous"),
        (
            lambda: tools.add_unpivot("X", source, key=Column("K"), columns={"V": {"Id": "1", "City": "2"}}),
            "needs columns of one type for V",
        ),
        (
            lambda: tools.add_pivot("X", source, set_keys=["Id"], pivot_key="Id", columns={"V": ("1", "City")}),
            "each column upstream in one role",
        ),
        (lambda: tools.add_cache_transform("X", source, flow.cache), "other columns than the cache has: Key, Name"),
    ]
    for call, message in cases:
        with pytest.raises(BuildError, match=message):
            call()


def test_written_components_have_outputs_by_kind() -> None:
    _, flow = new_flow()
    target = flow.flow.add_recordset_destination("Keep", flow.source(), flow.rows)
    with pytest.raises(BuildError, match="the destination Keep has no output"):
        _ = target.output
    with pytest.raises(BuildError, match="the component Keep has no error output"):
        _ = target.error_output
    assert isinstance(target, written.Component)
