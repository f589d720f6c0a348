"""What the tasks of a package read and write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.expressions.property_values import evaluate_property
from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.lineage.addresses import Dataset
from airflow_provider_ssis.project.lineage.overrides import Overrides
from airflow_provider_ssis.project.lineage.package_lineage import ColumnFlow, DatasetUse, TaskLineage, package_lineage
from airflow_provider_ssis.project.lineage.report import lineage_of_files, lineage_of_run
from airflow_provider_ssis.project.package.document import read_dts_package
from tests.support import lineage_packages as made
from tests.support.encryption import encrypted_data

ORDERS = Dataset("file://share01", "/orders.csv")


def table(name: str, database: str = "DW", server: str = "dw01") -> Dataset:
    return Dataset(f"mssql://{server}:1433", f"{database}.dbo.{name}")


def lineage(data: bytes, **given: Any) -> TaskLineage:
    package = read_dts_package(data, "Load.dtsx")
    values = {f"$Package::{name}": value for name, value in given.items()}
    (found,) = package_lineage(package, evaluate=evaluate_property, given=values).tasks
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
    found = package_lineage(package, evaluate=evaluate_property).tasks
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


def test_a_column_that_a_lookup_replaces_comes_from_both_tables() -> None:
    reference = (
        '<properties><property name="CopyFromReferenceColumn" dataType="System.String">b</property></properties>'
    )
    lookup = made.source("Lookup", "Warehouse", {}, SqlCommand="SELECT b FROM dbo.X").replace("sout", "lout")
    lookup = lookup.replace(
        "<outputs>",
        '<inputs><input refId="lin" name="In"><inputColumns><inputColumn refId="l" lineageId="ok" '
        f'usageType="readWrite">{reference}</inputColumn></inputColumns></input></inputs><outputs>',
    ).replace('refId="source" name="Source"', 'refId="lookup" name="Lookup"')
    flow = made.data_flow(
        made.source("OLEDBSource", "Warehouse", {"k": "Key"}, AccessMode="0", OpenRowset="dbo.S"),
        lookup,
        made.destination("FlatFileDestination", "Orders", {"k": "K"}),
    )
    found = lineage(made.lineage_package(flow))
    assert found.columns == (ColumnFlow(ORDERS, "K", ((table("S"), "Key"), (table("X"), "b"))),)
    assert found.reads == (DatasetUse(table("S"), ("Key",)), DatasetUse(table("X"), ("b",)))


@pytest.mark.parametrize("kind", ["CDCSource", "RawSource", "ScriptComponent"])
def test_an_unsupported_component_is_noted(kind: str) -> None:
    component = re.sub("<connections>.*</connections>", "", made.source(kind, "Warehouse", {"k": "Key"}))
    if kind == "CDCSource":
        component = made.source(kind, "Warehouse", {"k": "Key"})
    assert lineage(made.lineage_package(made.data_flow(component))).notes == (
        f"Source: lineage of components of the class {kind} is not supported",
    )


def lineage_with(data: bytes, properties: dict[str, Any], **connections: str) -> tuple[TaskLineage, ...]:
    package = read_dts_package(data, "Load.dtsx")
    overrides = Overrides(properties, connections)
    return package_lineage(package, evaluate=evaluate_property, overrides=overrides).tasks


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (r"\Package.Connections[warehouse].Properties[ServerName]", "prod01", table("T", server="prod01")),
        (r"\Package.Connections[Warehouse].Properties[ServerName]", None, "sensitive value"),
        (r"\Package.Variables[User::Sql].Value", "TRUNCATE TABLE dbo.X", "User::Sql is not known"),
        (r"\Package.Variables[User::Sql].Properties[Value]", "TRUNCATE TABLE dbo.X", "User::Sql is not known"),
        (r"\Package.Variables[Sql]", "TRUNCATE TABLE dbo.X", "User::Sql is not known"),
        (r"\Package.Variables[User::Sql].Properties[Expression]", '"TRUNCATE TABLE dbo.X"', "User::Sql is not known"),
        (r"\Package.Connections[Warehouse].servername", "prod01", table("T", server="prod01")),
        (r"\Package\Clear.Properties[SqlStatementSource]", "TRUNCATE TABLE dbo.X", "SqlStatementSource"),
        (r"\Package\Clear.Properties[Disable]", "False", table("T")),
        (r"\Package\Clear.Properties[Disable]", "True", None),
        (r"\Package\Clear.disabled", "True", None),
        (r"\Package\Clear.Properties[Disable]", None, "whether it is disabled"),
    ],
)
def test_property_overrides_of_a_run(path: str, value: str | None, expected: Dataset | str | None) -> None:
    task = made.sql_task("Clear", "User::Sql", source_type="Variable")
    variables = made.variable("Sql", "TRUNCATE TABLE dbo.T")
    found = lineage_with(made.lineage_package(task, variables=variables), {path: value})
    if expected is None:
        assert found == ()
    elif isinstance(expected, Dataset):
        assert [use.dataset for use in found[0].writes] == [expected]
    else:
        assert expected in found[0].notes[0]


@pytest.mark.parametrize(
    "path",
    [r"\Package.Variables[$Package::Sql].Value", r"\Package.Parameters[Sql]", r"\Package.Variables[Other].Value"],
)
def test_parameters_that_a_property_path_sets(path: str) -> None:
    task = made.sql_task("Clear", "$Package::Sql", source_type="Variable")
    data = made.lineage_package(task, parameters=made.text_parameter("Sql", "TRUNCATE TABLE dbo.T"))
    (found,) = lineage_with(data, {path: "TRUNCATE TABLE dbo.X"})
    assert len(found.writes) == ("Other" in path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Driver={ODBC Driver 18 for SQL Server};Server=test01;Database=Lab;PWD=c4nary", table("T", "Lab", "test01")),
        ("Provider=MSOLEDBSQL;Data Source=test01;Initial Catalog=Lab", table("T", "Lab", "test01")),
        ("Driver=/usr/lib/sqlite3.so;Database=/a.db", None),
    ],
)
def test_a_replaced_connection_manager_leads_to_its_replacement(text: str, expected: Dataset | None) -> None:
    found = lineage_with(made.lineage_package(made.sql_task("Clear", "TRUNCATE TABLE dbo.T")), {}, warehouse=text)
    assert [use.dataset for use in found[0].writes] == ([] if expected is None else [expected])
    assert len(found[0].notes) == (expected is None)
    assert "c4nary" not in str(found)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("@[User::Skip]", []), ("!@[User::Skip]", [()]), ("@[User::Other]", [("whether it is disabled is known",)])],
)
def test_an_expression_says_whether_a_task_is_disabled(expression: str, expected: list[tuple[str, ...]]) -> None:
    skip = made.variable("Skip", "True").replace('DTS:DataType="8"', 'DTS:DataType="11"')
    inner = made.expression("Disable", expression)
    data = made.lineage_package(made.sql_task("Clear", "TRUNCATE TABLE dbo.T", inner=inner), variables=skip)
    found = lineage_with(data, {})
    assert [len(one.notes) for one in found] == [len(notes) for notes in expected]
    for one, notes in zip(found, expected, strict=True):
        assert all(note.startswith(start) for note, start in zip(one.notes, notes, strict=True))


def test_expressions_of_connection_managers_do_not_see_variables_of_containers() -> None:
    warehouse = made.manager(
        "Warehouse",
        f"{made.PROVIDER}Data Source=dw01;Initial Catalog=old;",
        expressions=made.expression("InitialCatalog", "@[User::Database]"),
    )
    inner = f"<DTS:Variables>{made.variable('Database', 'Inner')}</DTS:Variables>"
    package = made.lineage_package(
        made.sql_task("Clear", "TRUNCATE TABLE dbo.T", inner=inner),
        variables=made.variable("Database", "DW"),
        managers=warehouse,
    )
    assert lineage(package).writes == (DatasetUse(table("T"), ()),)


def test_the_path_of_a_workbook_can_be_an_expression() -> None:
    book = made.manager(
        "Book",
        "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\old.xlsx;",
        "EXCEL",
        made.expression("ExcelFilePath", "@[$Package::Path]"),
    )
    flow = made.data_flow(made.source("ExcelSource", "Book", {"k": "Key"}, AccessMode="0", OpenRowset="Sheet1$"))
    package = made.lineage_package(flow, managers=book, parameters=made.text_parameter("Path", ""))
    found = lineage(package, Path="C:\\new.xlsx")
    assert [use.dataset for use in found.reads] == [Dataset("file", "C:/new.xlsx")]


def test_sensitive_parameters_are_not_used() -> None:
    parameter = made.text_parameter("Table", "c4nary").replace(
        'DTS:DataType="8">', 'DTS:DataType="8" DTS:Sensitive="True">', 1
    )
    inner = made.expression("SqlStatementSource", "&quot;TRUNCATE TABLE dbo.&quot; + @[$Package::Table]")
    found = lineage(made.lineage_package(made.sql_task("Clear", "", inner=inner), parameters=parameter), Table="c4nary")
    assert (found.writes, len(found.notes)) == ((), 1)
    assert "c4nary" not in str(found)


def call(name: str, package: str, assigned: str = "", inner: str = "") -> str:
    passed = (
        f"<ParameterAssignment><ParameterName>{assigned}</ParameterName><BindedVariableOrParameterName>User::a"
        "</BindedVariableOrParameterName></ParameterAssignment>"
        if assigned
        else ""
    )
    text = f"<UseProjectReference>True</UseProjectReference><PackageName>{package}</PackageName>{passed}"
    data = f"<ExecutePackageTask>{text}</ExecutePackageTask>"
    return made.executable(name, "Microsoft.ExecutePackageTask", data, inner)


def test_packages_that_a_run_calls_by_expression_and_with_values() -> None:
    sql = made.expression("SqlStatementSource", "&quot;TRUNCATE TABLE dbo.&quot; + @[$Package::Table]")
    child = made.lineage_package(
        made.sql_task("Clear", "", inner=sql), parameters=made.text_parameter("Table", "Design")
    )
    calls = (
        call("Chosen", "Other.dtsx", inner=made.expression("PackageName", "@[User::Child]")),
        call("Unknown", "Other.dtsx", inner=made.expression("PackageName", "@[User::Missing]")),
        call("Passed", "Child.dtsx", "Table"),
        call("Absent", "Absent.dtsx"),
        call("Secret", "Secret.dtsx"),
        call("Outside", "Outside.dtsx").replace("<UseProjectReference>True", "<UseProjectReference>False"),
    )
    content = {
        "Load.dtsx": made.lineage_package(*calls, variables=made.variable("Child", "Child.dtsx")),
        "Child.dtsx": child,
        "Other.dtsx": made.lineage_package(made.sql_task("Load", "TRUNCATE TABLE dbo.Wrong")),
        "Secret.dtsx": etree.tostring(encrypted_data(etree.fromstring(child), "c4nary")),
    }
    files = SsisFiles("Project", tuple(content), content.__getitem__)
    found = lineage_of_run(files, "Load.dtsx", evaluate_property, {})
    assert list(found) == ["Load.dtsx", "Child.dtsx"]
    unknown, outside, absent, secret = found["Load.dtsx"]
    assert "the package that it runs is not known" in unknown.notes[0]
    assert outside.notes == ("the package that it runs is not in the project",)
    assert (absent.task, absent.kind) == ("\\Package\\Absent", "Execute Package")
    assert absent.notes == ("the package Absent.dtsx is not in the project",)
    assert secret.notes == ("the package Secret.dtsx is encrypted as a whole, so its tables are not known",)
    default, passed = found["Child.dtsx"]
    assert [use.dataset for use in default.writes] == [table("Design")]
    assert (passed.writes, len(passed.notes)) == ((), 1)
    (start,) = lineage_of_run(files, "Secret.dtsx", evaluate_property, {})["Secret.dtsx"]
    assert (start.task, start.kind, len(start.notes)) == ("\\Package", "Package", 1)
    design = lineage_of_files(files, evaluate_property)
    assert design["Secret.dtsx"] == (start,)
    assert absent in design["Load.dtsx"]


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
