"""Data flows with each component that the builder writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_ssis.project.builder.components import Component, Output
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column, SortKey
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder.variables import BuiltVariable

COLUMNS = (
    Column("Id", "DT_I4"),
    Column("City", length=30),
    Column("Price", "DT_NUMERIC", precision=10, scale=2),
    Column("Day", "DT_DBTIMESTAMP"),
)


@dataclass
class Flow:
    """A data flow with a source, connection managers and variables.

    :param main: the output of the source, sorted by Id.
    :param other: the output of another source, sorted by Id.
    """

    package: PackageBuilder
    flow: DataFlowBuilder
    mart: ConnectionManagerBuilder
    net: ConnectionManagerBuilder
    odbc: ConnectionManagerBuilder
    excel: ConnectionManagerBuilder
    text: BuiltVariable
    rows: BuiltVariable
    count: BuiltVariable
    cache: ConnectionManagerBuilder

    def source(self, name: str = "Read") -> Output:
        """Add a source that is sorted by Id, and return its output."""
        sql = "SELECT Id, City, Price, Day FROM dbo.Sales ORDER BY Id"
        return self.flow.add_oledb_source(name, self.mart, COLUMNS, sql=sql, sorted_by=["Id"]).output

    def end(self, *outputs: Output) -> None:
        """Write the rows of some outputs."""
        for each in outputs:
            name = f"Write {each.ref_id.rpartition(chr(92))[2]}".translate(str.maketrans("[].", "   ")).strip()
            self.flow.add_oledb_destination(name, each, self.mart, "[dbo].[Target]")


def new_flow(target_server: int = 2019) -> tuple[ProjectBuilder, Flow]:
    """Return a project with an empty data flow."""
    project = ProjectBuilder("Flows", target_server=target_server)
    mart = project.connection_managers.add_oledb("Mart", "Data Source=.;Initial Catalog=Mart;")
    package = project.add_package("Load")
    managers = package.connection_managers
    flow = package.add_data_flow("Load")
    return project, Flow(
        package,
        flow,
        mart,
        managers.add_ado_net("Net", "Data Source=.;Initial Catalog=Mart;"),
        managers.add_odbc("Odbc", "Dsn=mart;"),
        managers.add_excel("Book", "book.xlsx"),
        package.add_variable("Text", "dbo.Sales"),
        package.add_variable("Rows"),
        package.add_variable("Count", 0),
        managers.add_cache("Cache", [Column("Key", "DT_I4"), Column("Name", length=30)], ["Key"]),
    )


def _lookup(flow: Flow) -> Component:
    made = flow.flow.add_lookup(
        "Find",
        flow.source(),
        flow.mart,
        "SELECT CityKey, City, Country FROM dbo.Cities",
        {"City": "City"},
        {Column("CityKey", "DT_I4"): "CityKey", Column("Land", length=20): "Country"},
        no_match="output",
        cache="partial",
        no_match_cache_percentage=10,
    )
    flow.end(made.output, made.outputs["Lookup No Match Output"], made.error_output)
    return made


def _cached_lookup(flow: Flow) -> Component:
    made = flow.flow.add_lookup(
        "Find", flow.source(), flow.cache, "", {"Id": "Key"}, {Column("Name", length=30): "Name"}, no_match="ignore"
    )
    flow.end(made.output)
    return made


def _cache_transform(flow: Flow) -> Component:
    return flow.flow.add_cache_transform("Fill", flow.source(), flow.cache, mappings={"Id": "Key", "City": "Name"})


def _derived(flow: Flow) -> Component:
    made = flow.flow.add_derived_column(
        "Derive",
        flow.source(),
        {Column("Total", "DT_NUMERIC", precision=12, scale=2): "[Price] * 2"},
        replace={"City": "UPPER([City])", "Day": "GETDATE()"},
    )
    flow.end(made.output, made.error_output)
    return made


def _sort(flow: Flow) -> Component:
    made = flow.flow.add_sort(
        "Sort",
        flow.source(),
        [SortKey("City", comparison_flags=1), SortKey("Id", descending=True)],
        columns=["Id", "City"],
    )
    flow.end(made.output)
    return made


def _union(flow: Flow) -> Component:
    first, second = flow.source("One"), flow.source("Two")
    made = flow.flow.add_union_all("Unite", [first, second], columns={"Id": ["Id", "Id"], "Town": ["City", None]})
    flow.end(made.output)
    return made


def _merge(flow: Flow) -> Component:
    made = flow.flow.add_merge("Merge", flow.source("One"), flow.source("Two"))
    flow.end(made.output)
    return made


def _merge_join(flow: Flow) -> Component:
    made = flow.flow.add_merge_join(
        "Join",
        flow.source("One"),
        flow.source("Two"),
        {"Id": ("left", "Id"), "City": ("left", "City"), "Other": ("right", "City")},
        join="left",
    )
    flow.end(made.output)
    return made


def _aggregate(flow: Flow) -> Component:
    made = flow.flow.add_aggregate(
        "Group",
        flow.source(),
        {
            "City": Aggregation("group by", "City", comparison_flags=1),
            "Rows": Aggregation("count all", is_big=True),
            "Total": Aggregation("sum", "Price"),
            "Mean": Aggregation("average", "Id"),
            "Last": Aggregation("maximum", "Day"),
            "Cities": Aggregation("count distinct", "City"),
        },
    )
    flow.end(made.output)
    return made


def _command(flow: Flow) -> Component:
    made = flow.flow.add_oledb_command("Run", flow.source(), flow.mart, "EXEC dbo.Save ?, ?", ["Id", "City"])
    flow.end(made.output, made.error_output)
    return made


def _row_count(flow: Flow) -> Component:
    return flow.flow.add_row_count("Count", flow.source(), flow.count)


def _multicast(flow: Flow) -> Component:
    made = flow.flow.add_multicast("Copy", flow.source(), ["One", "Two"])
    flow.end(*made.outputs.values())
    return made


def _distributor(flow: Flow) -> Component:
    made = flow.flow.add_balanced_data_distributor("Share", flow.source(), ["One", "Two"])
    flow.end(*made.outputs.values())
    return made


def _copy(flow: Flow) -> Component:
    made = flow.flow.add_copy_column("Copy", flow.source(), {"Copy of City": "City"})
    flow.end(made.output)
    return made


def _character_map(flow: Flow) -> Component:
    made = flow.flow.add_character_map(
        "Map", flow.source(), replace={"City": 0x200}, columns={"Small": ("City", 0x100)}
    )
    flow.end(made.output, made.error_output)
    return made


def _conversion(flow: Flow) -> Component:
    made = flow.flow.add_data_conversion("Convert", flow.source(), {Column("Text", length=12): "Id"})
    flow.end(made.output, made.error_output)
    return made


def _split(flow: Flow) -> Component:
    made = flow.flow.add_conditional_split("Split", flow.source(), {"Big": "[Price] > 100", "Small": "ISNULL([Price])"})
    made.set_dispositions("IgnoreFailure", column="Small")
    flow.end(*made.outputs.values())
    return made


def _ado_net(flow: Flow) -> Component:
    made = flow.flow.add_ado_net_source("Net source", flow.net, COLUMNS, table='"dbo"."Sales"')
    flow.flow.add_ado_net_destination("Write", made.output, flow.net, '"dbo"."Target"')
    flow.end(made.error_output)
    return made


def _ado_net_target(flow: Flow) -> Component:
    return flow.flow.add_ado_net_destination("Write", flow.source(), flow.net, '"dbo"."Target"', batch_size=100)


def _odbc(flow: Flow) -> Component:
    made = flow.flow.add_odbc_source("Odbc source", flow.odbc, COLUMNS, sql="SELECT 1", row_by_row=True)
    made.set_dispositions("RedirectRow", "IgnoreFailure")
    flow.end(made.output, made.error_output)
    return made


def _odbc_target(flow: Flow) -> Component:
    return flow.flow.add_odbc_destination("Write", flow.source(), flow.odbc, "Target")


def _excel(flow: Flow) -> Component:
    made = flow.flow.add_excel_source("Sheet", flow.excel, [Column("A", length=255)], table="Sheet1$")
    flow.end(made.output, made.error_output)
    return made


def _excel_target(flow: Flow) -> Component:
    return flow.flow.add_excel_destination("Write", flow.source(), flow.excel, "Sheet1$")


def _oledb_variable(flow: Flow) -> Component:
    made = flow.flow.add_oledb_source("Named", flow.mart, COLUMNS, table_variable=flow.text)
    flow.flow.add_oledb_destination("Write", made.output, flow.mart, table_variable=flow.text)
    return made


def _oledb_parameters(flow: Flow) -> Component:
    made = flow.flow.add_oledb_source(
        "Asked", flow.mart, COLUMNS, sql="SELECT * FROM dbo.Sales WHERE Id > ?", parameters=[flow.count]
    )
    flow.end(made.output, made.error_output)
    return made


def _oledb_target(flow: Flow) -> Component:
    made = flow.flow.add_oledb_destination("Write", flow.source(), flow.mart, "[dbo].[Target]", fast_load=False)
    made.set_dispositions()
    flow.end(made.error_output)
    return made


def _flat_file(flow: Flow) -> Component:
    columns = [FlatFileColumn("Id", length=10), FlatFileColumn("City", length=30)]
    file = flow.package.connection_managers.add_flat_file("File", "in.csv", columns)
    made = flow.flow.add_flat_file_source("File", file, retain_nulls=True, file_name_column="Path")
    flow.end(made.output, made.error_output)
    return made


def _flat_file_target(flow: Flow) -> Component:
    file = flow.package.connection_managers.add_flat_file("File", "out.csv", [FlatFileColumn("City", length=30)])
    return flow.flow.add_flat_file_destination("Save", flow.source(), file, header="A city")


def _raw(flow: Flow) -> Component:
    made = flow.flow.add_raw_file_source("Raw", COLUMNS, path_variable=flow.text)
    flow.end(made.output)
    return made


def _raw_target(flow: Flow) -> Component:
    return flow.flow.add_raw_file_destination("Raw", flow.source(), path="rows.raw", write="append")


def _recordset(flow: Flow) -> Component:
    return flow.flow.add_recordset_destination("Keep", flow.source(), flow.rows, columns=["City", "Id"])


def _datareader(flow: Flow) -> Component:
    return flow.flow.add_datareader_destination("Hand over", flow.source())


def _xml(flow: Flow) -> Component:
    made = flow.flow.add_xml_source(
        "Xml", {"order": [Column("id", length=255)], "line": [Column("n", "DT_I4")]}, path="a.xml", schema="a.xsd"
    )
    flow.end(*made.outputs.values())
    return made


def _pivot(flow: Flow) -> Component:
    columns = {"Small": ("1", "Price"), "Big": ("2", "Price")}
    made = flow.flow.add_pivot(
        "Pivot",
        flow.source(),
        set_keys=["City"],
        pivot_key="Id",
        columns=columns,
        passed=["Day"],
        ignore_unknown_keys=True,
    )
    flow.end(made.output, made.error_output)
    return made


def _unpivot(flow: Flow) -> Component:
    months = [Column("Id", "DT_I4"), Column("January", "DT_I4"), Column("February", "DT_I4")]
    source = flow.flow.add_oledb_source("Months", flow.mart, months, table="[dbo].[Months]").output
    made = flow.flow.add_unpivot(
        "Unpivot",
        source,
        key=Column("Month", length=10),
        columns={"Amount": {"January": "1", "February": "2"}},
        passed=["Id"],
    )
    flow.end(made.output)
    return made


def _percentage(flow: Flow) -> Component:
    made = flow.flow.add_percentage_sampling("Sample", flow.source(), 70, seed=7)
    flow.end(*made.outputs.values())
    return made


def _row_sampling(flow: Flow) -> Component:
    made = flow.flow.add_row_sampling("Sample", flow.source(), 100)
    flow.end(*made.outputs.values())
    return made


def _audit(flow: Flow) -> Component:
    made = flow.flow.add_audit("Audit", flow.source(), {"Run": "execution id", "Machine": "machine name"})
    flow.end(made.output)
    return made


def _export(flow: Flow) -> Component:
    columns = [Column("Path", length=200), Column("Photo", "DT_IMAGE")]
    source = flow.flow.add_oledb_source("Photos", flow.mart, columns, table="[dbo].[Photos]").output
    made = flow.flow.add_export_column("Export", source, {"Photo": "Path"}, truncate=True)
    flow.end(made.output, made.error_output)
    return made


def _import(flow: Flow) -> Component:
    made = flow.flow.add_import_column("Import", flow.source(), {Column("Photo", "DT_IMAGE"): "City"})
    flow.end(made.output, made.error_output)
    return made


def _dimension(flow: Flow) -> Component:
    made = flow.flow.add_slowly_changing_dimension(
        "Compare",
        flow.source(),
        flow.mart,
        "SELECT Id, City, Price FROM dbo.DimSale",
        {"Id": "key", "City": "changing", "Price": "historical"},
        current_row="[EndDate] IS NULL",
    )
    flow.end(*made.outputs.values())
    return made


def _script(flow: Flow) -> Component:
    made = flow.flow.add_script_component(
        "Code",
        flow.source(),
        {"Rows": ScriptOutput([Column("New", "DT_I4")]), "Others": ScriptOutput([Column("A")], synchronous=False)},
        columns=["Id"],
        write_columns=["City"],
        files={"main.cs": "class ScriptMain { } // <&>", "a.resx": "<root />"},
        binary=b"MZ",
        read_only_variables=[flow.text, "System::PackageName"],
        read_write_variables=[flow.count],
    )
    flow.end(*made.outputs.values())
    return made


def _script_source(flow: Flow) -> Component:
    made = flow.flow.add_script_component(
        "Make", outputs={"Rows": ScriptOutput([Column("A", "DT_I4")], synchronous=False)}, binary=b"MZ"
    )
    flow.end(made.output)
    return made


def _script_target(flow: Flow) -> Component:
    return flow.flow.add_script_component("Take", flow.source(), columns=["Id", "City"], binary=b"MZ")


def _sql_server(flow: Flow) -> Component:
    return flow.flow.add_sql_server_destination("Load", flow.source(), flow.mart, "[dbo].[Target]")


Build = Callable[[Flow], Component]

COMPONENTS: dict[str, tuple[Build, str, int]] = {
    "Lookup": (_lookup, "Lookup", 6),
    "Lookup in a cache": (_cached_lookup, "Lookup", 6),
    "Cache Transform": (_cache_transform, "Cache", 1),
    "Derived Column": (_derived, "DerivedColumn", 0),
    "Sort": (_sort, "Sort", 1),
    "Union All": (_union, "UnionAll", 1),
    "Merge": (_merge, "Merge", 1),
    "Merge Join": (_merge_join, "MergeJoin", 1),
    "Aggregate": (_aggregate, "Aggregate", 3),
    "OLE DB Command": (_command, "OLEDBCommand", 2),
    "Row Count": (_row_count, "RowCount", 0),
    "Multicast": (_multicast, "Multicast", 0),
    "Balanced Data Distributor": (_distributor, "BDD", 0),
    "Copy Column": (_copy, "CopyMap", 0),
    "Character Map": (_character_map, "CharacterMap", 1),
    "Data Conversion": (_conversion, "DataConvert", 0),
    "Conditional Split": (_split, "ConditionalSplit", 0),
    "ADO.NET Source": (_ado_net, "ADONETSource", 4),
    "ADO.NET Destination": (_ado_net_target, "ADONETDestination", 2),
    "ODBC Source": (_odbc, "ODBCSource", 7),
    "ODBC Destination": (_odbc_target, "ODBCDestination", 7),
    "Excel Source": (_excel, "ExcelSource", 1),
    "Excel Destination": (_excel_target, "ExcelDestination", 0),
    "OLE DB Source of a variable": (_oledb_variable, "OLEDBSource", 7),
    "OLE DB Source with parameters": (_oledb_parameters, "OLEDBSource", 7),
    "OLE DB Destination": (_oledb_target, "OLEDBDestination", 4),
    "Flat File Source": (_flat_file, "FlatFileSource", 1),
    "Flat File Destination": (_flat_file_target, "FlatFileDestination", 0),
    "Raw File Source": (_raw, "RawSource", 1),
    "Raw File Destination": (_raw_target, "RawDestination", 2),
    "Recordset Destination": (_recordset, "RecordsetDestination", 0),
    "DataReader Destination": (_datareader, "DataReaderDestinationAdapter", 0),
    "Pivot": (_pivot, "Pivot", 1),
    "Unpivot": (_unpivot, "UnPivot", 1),
    "Percentage Sampling": (_percentage, "PctSampling", 0),
    "Row Sampling": (_row_sampling, "RowSampling", 0),
    "Audit": (_audit, "Lineage", 0),
    "Export Column": (_export, "Extractor", 0),
    "Import Column": (_import, "Inserter", 0),
    "Slowly Changing Dimension": (_dimension, "SCD", 3),
    "Script": (_script, "ScriptComponent", 9),
    "Script source": (_script_source, "ScriptComponent", 9),
    "Script destination": (_script_target, "ScriptComponent", 9),
    "SQL Server Destination": (_sql_server, "SQLServerDestination", 5),
    "XML Source": (_xml, "XMLSource", 2),
}
"""By name: a function that adds the component to a flow and reads all of its outputs; its class and version."""
