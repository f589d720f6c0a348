"""What the tasks of a package read and write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.expressions.property_values import evaluate_property
from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.lineage.addresses import Dataset
from airflow_provider_ssis.project.lineage.package_lineage import ColumnFlow, DatasetUse, TaskLineage, package_lineage
from airflow_provider_ssis.project.lineage.report import lineage_of_run
from airflow_provider_ssis.project.package.document import read_dts_package
from tests.support import lineage_packages as made

ORDERS = Dataset("file://share01", "/orders.csv")


def table(name: str, database: str = "DW", server: str = "dw01") -> Dataset:
    return Dataset(f"mssql://{server}:1433", f"{database}.dbo.{name}")


def lineage(data: bytes, **given: Any) -> TaskLineage:
    package = read_dts_package(data, "Load.dtsx")
    values = {f"$Package::{name}": value for name, value in given.items()}
    (found,) = package_lineage(package, evaluate=evaluate_property, given=values)
    return found


def test_a_file_goes_to_a_table() -> None:
    flow = made.data_flow(
        made.source("FlatFileSource", "Orders", {"id": "Id"}),
        made.destination(
            "OLEDBDestination", "Warehouse", {"id": "OrderId"}, AccessMode="3", OpenRowset="[dbo].[Orders]"
        ),
    )
    found = lineage(made.lineage_package(flow))
    assert found == TaskLineage(
        task="\\Package\\Copy",
        kind="Data Flow",
        reads=(DatasetUse(ORDERS, ("Id",)),),
        writes=(DatasetUse(table("Orders"), ("OrderId",)),),
        columns=(ColumnFlow(table("Orders"), "OrderId", ((ORDERS, "Id"),)),),
        notes=(),
    )


@pytest.mark.parametrize(
    ("properties", "origin"),
    [
        ({"AccessMode": "0", "OpenRowset": "[dbo].[S]"}, (table("S"), "Key")),
        ({"AccessMode": "1", "OpenRowsetVariable": "User::Table"}, (table("V"), "Key")),
        ({"AccessMode": "2", "SqlCommand": "SELECT a + 1 AS [Key] FROM dbo.S"}, (table("S"), "a")),
        ({"AccessMode": "2", "SqlCommand": "SELECT * FROM dbo.S"}, (table("S"), "Key")),
        ({"AccessMode": "3", "SqlCommandVariable": "User::Sql"}, (table("Q"), "b")),
    ],
)
def test_access_modes_of_a_source(properties: dict[str, str], origin: tuple[Dataset, str]) -> None:
    flow = made.data_flow(
        made.source("OLEDBSource", "Warehouse", {"k": "Key"}, **properties),
        made.destination("FlatFileDestination", "Orders", {"k": "K"}),
    )
    variables = made.variable("Table", "dbo.V") + made.variable("Sql", "SELECT b AS [Key] FROM dbo.Q")
    found = lineage(made.lineage_package(flow, variables=variables))
    assert found.columns == (ColumnFlow(ORDERS, "K", (origin,)),)
    assert found.reads == (DatasetUse(origin[0], (origin[1],)),)


def test_a_property_expression_replaces_the_stored_sql() -> None:
    flow = made.data_flow(
        made.source("OLEDBSource", "Warehouse", {"k": "Key"}, AccessMode="2", SqlCommand="SELECT 1"),
        inner=made.expression("[Source].[SqlCommand]", "&quot;SELECT a FROM dbo.&quot; + @[User::Table]"),
    )
    found = lineage(made.lineage_package(flow, variables=made.variable("Table", "S")))
    assert found.reads == (DatasetUse(table("S"), ("a",)),)


def test_parameters_resolve_the_connection_string() -> None:
    package = made.lineage_package(
        made.sql_task("Clear", "TRUNCATE TABLE dbo.T"),
        parameters=made.text_parameter("Server", "dev01"),
        variables=made.variable("Database", "", "@[User::Prefix] + &quot;DW&quot;") + made.variable("Prefix", "My"),
        warehouse="",
        managers=made.manager(
            "Warehouse",
            f"{made.PROVIDER}Data Source=old;Initial Catalog=old;",
            expressions=made.expression("ServerName", "@[$Package::Server]")
            + made.expression("InitialCatalog", "@[User::Database]"),
        ),
    )
    assert lineage(package).writes == (DatasetUse(table("T", "MyDW", "dev01"), ()),)
    assert lineage(package, Server="prod01").writes == (DatasetUse(table("T", "MyDW", "prod01"), ()),)


def test_values_of_connection_properties_replace_the_stored_ones() -> None:
    package = made.lineage_package(made.sql_task("Clear", "TRUNCATE TABLE dbo.T"))
    found = lineage(package, **{"CM.Warehouse.ServerName": "prod01"})
    assert found.writes == (DatasetUse(table("T", server="prod01"), ()),)


def test_a_variable_that_the_package_changes_is_not_known() -> None:
    sql = made.sql_task("Load", "User::Sql", source_type="Variable")
    script = made.executable(
        "Set", "Microsoft.ExpressionTask", '<ExpressionTask Expression="@[User::Sql] = &quot;SELECT 1&quot;"/>'
    )
    package = made.lineage_package(sql, script, variables=made.variable("Sql", "TRUNCATE TABLE dbo.T"))
    found = lineage(package)
    assert (found.reads, found.writes) == ((), ())
    assert found.notes == ("the value of User::Sql is not known before the run",)


def test_disabled_tasks_are_left_out() -> None:
    off = made.sql_task("Off", "TRUNCATE TABLE dbo.X", attributes='DTS:Disabled="True"')
    found = lineage(made.lineage_package(made.sql_task("On", "TRUNCATE TABLE dbo.T"), off))
    assert found.task == "\\Package\\On"


def with_handler(inner: str) -> str:
    text = f"<DTS:Executables>{inner}</DTS:Executables>"
    return f'<DTS:EventHandlers><DTS:EventHandler DTS:EventName="OnError">{text}</DTS:EventHandler></DTS:EventHandlers>'


@pytest.mark.parametrize("attributes", ["", 'DTS:DisableEventHandlers="True"'])
def test_disabled_event_handlers_are_left_out(attributes: str) -> None:
    handler = with_handler(made.sql_task("Clean", "TRUNCATE TABLE dbo.X"))
    task = made.sql_task("Load", "TRUNCATE TABLE dbo.T", inner=handler, attributes=attributes)
    package = read_dts_package(made.lineage_package(task), "Load.dtsx")
    found = package_lineage(package, evaluate=evaluate_property)
    expected = ["\\Package\\Load"]
    if not attributes:
        expected.append("\\Package\\Load.EventHandlers[OnError]\\Clean")
    assert [one.task for one in found] == expected


def test_a_run_has_no_lineage_of_packages_in_disabled_containers() -> None:
    child = "<UseProjectReference>True</UseProjectReference><PackageName>Child.dtsx</PackageName>"
    call = f"<ExecutePackageTask>{child}</ExecutePackageTask>"
    inner = made.executable("Call", "Microsoft.ExecutePackageTask", call)
    sequence = '<DTS:Executable DTS:ExecutableType="STOCK:SEQUENCE" DTS:ObjectName="Sequence" {}>{}</DTS:Executable>'
    content = {"Child.dtsx": made.lineage_package(made.sql_task("Load", "TRUNCATE TABLE dbo.T"))}
    for attributes, expected in (("", ["Load.dtsx", "Child.dtsx"]), ('DTS:Disabled="True"', ["Load.dtsx"])):
        text = sequence.format(attributes, f"<DTS:Executables>{inner}</DTS:Executables>")
        content["Load.dtsx"] = made.lineage_package(text)
        files = SsisFiles("Project", tuple(content), content.__getitem__)
        assert list(lineage_of_run(files, "Load.dtsx", evaluate_property, {})) == expected


def test_a_variable_of_an_unknown_type_disturbs_no_other_expression() -> None:
    odd = made.variable("Odd", "", formula="1 + 1").replace('DTS:DataType="8"', 'DTS:DataType="99"')
    variables = odd + made.variable("Table", "", formula="&quot;dbo.&quot; + &quot;T&quot;")
    inner = made.expression("SqlStatementSource", "&quot;TRUNCATE TABLE &quot; + @[User::Table]")
    found = lineage(made.lineage_package(made.sql_task("Clean", "", inner=inner), variables=variables))
    assert found.writes == (DatasetUse(table("T"), ()),)


def test_an_unsupported_component_is_noted() -> None:
    flow = made.data_flow(made.source("CDCSource", "Warehouse", {"k": "Key"}))
    assert lineage(made.lineage_package(flow)).notes == (
        "Source: lineage of components of the class CDCSource is not supported",
    )


def test_inspect_shows_lineage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Load.dtsx"
    file.write_bytes(made.lineage_package(made.sql_task("Load", "INSERT INTO dbo.T (a) SELECT b FROM dbo.S")))
    assert main(["inspect", "--lineage", str(file)]) == 0
    text = capsys.readouterr().out
    assert text == (
        "Package Load.dtsx\n"
        "  \\Package\\Load [Execute SQL]\n"
        "    reads mssql://dw01:1433 DW.dbo.S (b)\n"
        "    writes mssql://dw01:1433 DW.dbo.T (a)\n"
        "    DW.dbo.T.a <- DW.dbo.S.b\n"
    )
    options = ["--json", "--parameter", "$Package::CM.Warehouse.ServerName=prod01"]
    assert main(["inspect", "--lineage", str(file), *options]) == 0
    output = capsys.readouterr().out
    (task,) = json.loads(output)["packages"][0]["tasks"]
    assert task["columns"] == [
        {
            "namespace": "mssql://prod01:1433",
            "name": "DW.dbo.T",
            "column": "a",
            "origins": [{"namespace": "mssql://prod01:1433", "name": "DW.dbo.S", "column": "b"}],
        }
    ]
    assert "c4nary" not in output + text


@pytest.mark.parametrize("options", [["--parameter", "a=1"], ["--lineage", "--parameter", "a=1"]])
def test_wrong_options_are_rejected(options: list[str], tmp_path: Path) -> None:
    assert main(["inspect", str(tmp_path), *options]) != 0
