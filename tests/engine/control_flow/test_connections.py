"""The values of connection managers in a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from airflow_provider_ssis.engine import check_package, run_package
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import parse_odbc_string
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.properties.property_paths import PathError
from airflow_provider_ssis.engine.loading import LoadError
from airflow_provider_ssis.engine.refusals import UnsupportedError
from airflow_provider_ssis.engine.tasks.ftp import ftp_server
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.loops import ItemEnumerator
from tests.support.encryption import encrypted_data
from tests.support.engine_runs import EngineRuns, add_task, codes

STRING = "Data Source=db1;Initial Catalog=Sales;Provider=MSOLEDBSQL.1;"


def get(runs: EngineRuns, package: PackageBuilder | ProjectBuilder, reference: str, **arguments: Any) -> RunConnection:
    """Return what a task sees of a connection manager."""
    seen: list[RunConnection] = []
    runs.run(package, {"T": lambda context: seen.append(context.connections.get(reference))}, **arguments)
    return seen[0]


def package_with_connection() -> PackageBuilder:
    package = PackageBuilder("P")
    package.connection_managers.add_oledb("Sales", STRING, retain=True)
    add_task(package, "T")
    return package


def test_a_connection_manager_is_found_by_guid_ref_id_and_name(runs: EngineRuns) -> None:
    package = package_with_connection()
    id_ = next(iter(package.connection_managers)).id
    for reference in (id_, id_.lower(), id_.strip("{}"), "Package.ConnectionManagers[Sales]", "Sales"):
        found = get(runs, package, reference)
        assert (found.name, found.kind, found.connection_string, found.retains) == ("Sales", "OLEDB", STRING, True)


def test_the_connection_managers_of_the_project_are_found(runs: EngineRuns) -> None:
    project = ProjectBuilder("Project")
    id_ = project.connection_managers.add_oledb("Shared", STRING).id
    add_task(project.add_package("P"), "T")
    for reference in (id_, f"{id_}:external", "Project.ConnectionManagers[Shared]", "Shared"):
        assert get(runs, project, reference).name == "Shared"


@pytest.mark.parametrize(
    ("reference", "advice"),
    [("Other", "Choose another one"), ("Project.ConnectionManagers[db1.Sales]", "Add the file db1.Sales.conmgr")],
)
def test_an_unknown_connection_manager_fails_the_task(runs: EngineRuns, reference: str, advice: str) -> None:
    result = runs.run(package_with_connection(), {"T": lambda context: context.connections.get(reference)})
    assert codes(result) == [0xC001000E]
    assert any(advice in message.text for message in result.messages)


@pytest.mark.parametrize(
    "arguments",
    [
        {"parameters": {"CM.Sales.ServerName": "db2"}},
        {"property_overrides": {"\\Package.Connections[Sales].Properties[ServerName]": "db2"}},
        {"connections": {"Sales": {"Data Source": "db2"}}},
        {"connections": {"sales": STRING.replace("db1", "db2")}},
    ],
    ids=["parameter", "property override", "key", "string"],
)
def test_the_ways_to_change_a_connection_manager(runs: EngineRuns, arguments: dict[str, Any]) -> None:
    found = get(runs, package_with_connection(), "Sales", **arguments)
    assert "Data Source=db2" in found.connection_string
    assert "Initial Catalog=Sales" in found.connection_string


def test_a_replacement_of_another_type_is_an_error(runs: EngineRuns) -> None:
    wrong: Any = {"Sales": 7}
    with pytest.raises(LoadError, match=r"connections\['Sales'\] is of the Python type int"):
        get(runs, package_with_connection(), "Sales", connections=wrong)


def test_expressions_win_over_settings_and_replacements_over_expressions(runs: EngineRuns) -> None:
    package = package_with_connection()
    next(iter(package.connection_managers)).set_expression("InitialCatalog", '"Expression"')
    override = {"\\Package.Connections[Sales].Properties[InitialCatalog]": "Override"}
    found = get(runs, package, "Sales", property_overrides=override)
    assert "Initial Catalog=Expression" in found.connection_string
    replaced = get(runs, package, "Sales", property_overrides=override, connections={"Sales": {"Database": "Given"}})
    assert "Database=Given" in replaced.connection_string
    assert "Expression" not in replaced.connection_string


def test_a_whole_replacement_needs_no_expression_of_what_it_replaces(runs: EngineRuns) -> None:
    package = package_with_connection()
    for name in ("InitialCatalog", "ConnectionString"):
        next(iter(package.connection_managers)).set_expression(name, "@[$Project::Unknown]")
    replacement = "Driver=x;Server=y"
    for given in (replacement, {"ConnectionString": replacement}, {"Driver": "x", "Server": "y"}):
        found = get(runs, package, "Sales", connections={"SALES": given})
        assert parse_odbc_string(found.connection_string, "Sales").get("server") == "y"


def test_what_a_lone_package_uses_of_its_project_is_listed(tmp_path: Path) -> None:
    project = ProjectBuilder("Whole")
    sales = project.connection_managers.add_oledb("Sales", STRING)
    project.add_parameter("Region", "north", data_type="String")
    package = project.add_package("Load")
    rows = package.add_variable("Rows", None, data_type="Object")
    package.add_execute_sql("Delete", sales, "DELETE T")
    package.add_variable("Area", "", data_type="String", expression="@[$Project::Region]")
    flow = package.add_data_flow("Copy")
    source = flow.add_oledb_source("Read", sales, [Column("A")], table="T")
    flow.add_recordset_destination("Keep", source.output, rows)
    project.add_package("Only").add_execute_sql("Delete", sales, "DELETE T")
    project.save(tmp_path)
    assert [(one.can_run, one.values) for one in check_package(tmp_path)] == [(True, ())] * 2
    file, other = tmp_path / "alone" / "Load.dtsx", tmp_path / "alone" / "Only.dtsx"
    file.parent.mkdir()
    for one in (file, other):
        (tmp_path / one.name).rename(one)
    assert [one.what for one in check_package(other)[0].values] == [f"the connection manager {sales.id}"]
    (checked,) = check_package(file)
    assert checked.can_run
    assert {(one.where, one.what) for one in checked.values} == {
        ("\\Package\\Delete", "the connection manager Sales"),
        ("\\Package\\Copy", "the connection manager Sales"),
        ("\\Package.Variables[$Project::Region]", "the parameter"),
    }
    with pytest.raises(UnsupportedError, match="folder or project file of the whole project"):
        run_package(file)


def test_each_task_alone_names_the_connection_managers_of_its_project(tmp_path: Path) -> None:
    project = ProjectBuilder("Sales")
    managers = project.connection_managers
    mart = managers.add_oledb("Mart", "Provider=SQLNCLI11;Data Source=.;")
    file, other = managers.add_file("File", "in.csv"), managers.add_file("Other", "out", usage="existing folder")
    package = project.add_package("Load")
    package.add_bulk_insert("Insert", file, mart, "dbo.T")
    package.add_file_system("Copy", "CopyFile", file, other)
    project.save(tmp_path / "project")
    assert check_package(tmp_path / "project")[0].values == ()
    (tmp_path / "project" / "Load.dtsx").rename(tmp_path / "Load.dtsx")
    (checked,) = check_package(tmp_path / "Load.dtsx")
    assert [(one.where.rpartition("\\")[2], one.what) for one in checked.values] == [
        ("Insert", f"the connection manager {file.id}"),
        ("Insert", f"the connection manager {mart.id}"),
        ("Copy", f"the connection manager {file.id}"),
        ("Copy", f"the connection manager {other.id}"),
    ]


def test_an_expression_is_evaluated_each_time_a_connection_is_used(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    name = package.add_variable("Name", "")
    manager = package.connection_managers.add_file("Target", "none")
    manager.set_expression("ConnectionString", '"/data/" + @[User::Name]')
    loop = package.add_foreach_loop("Loop", ItemEnumerator((((8, "a"),), ((8, "b"),))), mappings=[name])
    add_task(loop, "T")
    seen: list[str] = []
    runs.run(package, {"T": lambda context: seen.append(context.connections.get("Target").connection_string)})
    assert seen == ["/data/a", "/data/b"]


def test_an_expression_without_a_value_fails_the_task(runs: EngineRuns) -> None:
    package = package_with_connection()
    next(iter(package.connection_managers)).set_expression("ServerName", "@[User::Missing]")
    result = runs.run(package, {"T": lambda context: context.connections.get("Sales")})
    assert codes(result) == [0xC0017003]


def test_passwords_do_not_appear_in_messages(runs: EngineRuns) -> None:
    package = package_with_connection()

    def task(context: TaskContext) -> None:
        found = context.connections.get("Sales")
        context.error(f"Login failed: {found.properties['Password']} {found.connection_string}", 0xC0202009)

    result = runs.run(package, {"T": task}, parameters={"CM.Sales.Password": "Canary-1"})
    assert "Canary-1" not in repr(result.messages)
    assert codes(result) == [0xC0202009]


def test_passwords_with_special_characters_do_not_appear_in_quoted_messages(runs: EngineRuns) -> None:
    package = package_with_connection()
    password = "Can\\ary;'\"}<é"

    def task(context: TaskContext) -> None:
        found = context.connections.get("Sales").properties["Password"]
        for text in (repr(found), json.dumps(found), f"Pwd={{{found.replace('}', '}}')}}}", escape(found)):
            context.error(f"Login failed: {text}", 0xC0202009)

    result = runs.run(package, {"T": task}, parameters={"CM.Sales.Password": password})
    assert len(codes(result)) == 4
    assert not any("ary;" in one.text for one in result.messages)


def test_paths_of_windows_are_mapped(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    seen: list[Path] = []
    task = {"T": lambda context: seen.append(context.connections.path("C:\\Data\\in\\a.csv"))}
    runs.run(package, task, path_map={"c:\\data": str(tmp_path)})
    runs.run(package, task, path_map=[f"C:\\Data\\in={tmp_path}"])
    assert seen == [tmp_path / "in" / "a.csv", tmp_path / "a.csv"]


ENCRYPTED = b"""<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="P" DTS:ExecutableType="Microsoft.Package"
  DTS:DTSID="{00000000-0000-0000-0000-000000000001}" DTS:ProtectionLevel="2">
  <DTS:Property DTS:Name="PackageFormatVersion">8</DTS:Property>
  <DTS:ConnectionManagers>
    <DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[Sales]" DTS:CreationName="OLEDB"
      DTS:DTSID="{00000000-0000-0000-0000-000000000002}" DTS:ObjectName="Sales">
      <DTS:ObjectData><DTS:ConnectionManager DTS:ConnectionString="Data Source=db1;User ID=etl;">
        <DTS:Password DTS:Name="Password" Sensitive="1" Encrypted="1">AQAAANCMnd8BFdERjHoAwE/Cl+s</DTS:Password>
      </DTS:ConnectionManager></DTS:ObjectData>
    </DTS:ConnectionManager>
  </DTS:ConnectionManagers>
  <DTS:Executables>
    <DTS:Executable DTS:refId="Package\\T" DTS:ObjectName="T" DTS:ExecutableType="Microsoft.ScriptTask"
      DTS:DTSID="{00000000-0000-0000-0000-000000000003}">
      <DTS:ObjectData><ScriptProject Name="S" ReadOnlyVariables="USED"/></DTS:ObjectData>
    </DTS:Executable>
  </DTS:Executables>
</DTS:Executable>
"""


def test_an_encrypted_password_that_the_package_uses_is_refused(runs: EngineRuns) -> None:
    used = ENCRYPTED.replace(b"USED", b"{00000000-0000-0000-0000-000000000002}")
    with pytest.raises(UnsupportedError) as raised:
        runs.run(used)
    assert [(one.where, one.what) for one in raised.value.refusals] == [
        ("\\Package.Connections[Sales]", "the sensitive property Password")
    ]
    assert runs.run(used, connections={"Sales": {"Password": "given"}}).succeeded
    assert runs.run(used, parameters={"CM.Sales.Password": "given"}).succeeded
    assert runs.run(ENCRYPTED.replace(b"USED", b"")).succeeded


def test_a_check_lists_an_encrypted_password_as_a_value_that_the_user_gives(tmp_path: Path) -> None:
    package = tmp_path / "P.dtsx"
    package.write_bytes(
        ENCRYPTED.replace(b'<ScriptProject Name="S" ReadOnlyVariables="USED"/>', b"").replace(
            b'"Microsoft.ScriptTask"', b'"STOCK:SEQUENCE" DTS:Description="{00000000-0000-0000-0000-000000000002}"'
        )
    )
    [checked] = check_package(package)
    assert (checked.can_run, checked.refusals) == (True, ())
    assert [one.what for one in checked.values] == ["the sensitive property Password"]
    with pytest.raises(UnsupportedError, match="the sensitive property Password"):
        run_package(package)


def test_an_encrypted_password_of_a_disabled_task_is_not_refused(runs: EngineRuns) -> None:
    used = ENCRYPTED.replace(b"USED", b"{00000000-0000-0000-0000-000000000002}")
    assert runs.run(used.replace(b'DTS:ObjectName="T"', b'DTS:ObjectName="T" DTS:Disabled="True"')).succeeded
    assert runs.run(used, property_overrides={"\\Package\\T.Properties[Disable]": "True"}).succeeded


def test_the_password_of_the_package_opens_its_encrypted_values(runs: EngineRuns) -> None:
    root = etree.fromstring(ENCRYPTED.replace(b"USED", b"{00000000-0000-0000-0000-000000000002}"))
    stored = next(one for one in root.iter() if one.get("Sensitive"))
    del stored.attrib["Encrypted"]
    stored.text = "Canary-4"
    owner = stored.getparent()
    assert owner is not None
    owner.replace(stored, encrypted_data(stored, "opensesame"))
    data = etree.tostring(root)
    with pytest.raises(UnsupportedError, match="the sensitive property Password"):
        runs.run(data)
    seen: list[str] = []

    def task(context: TaskContext) -> None:
        seen.append(context.connections.get("Sales").properties["Password"])
        context.information(f"The password is {seen[0]}.", 0)

    result = runs.run(data, {"T": task}, password="opensesame")
    assert seen == ["Canary-4"]
    assert "Canary-4" not in repr(result.messages)


def test_a_replacement_that_names_no_connection_manager_is_refused(runs: EngineRuns) -> None:
    with pytest.raises(UnsupportedError, match=r"Sale: the connection string that replaces it.*Did you mean Sales\?"):
        runs.run(package_with_connection(), connections={"Sale": STRING})


@pytest.mark.parametrize(
    "replacement",
    [
        "Server=db1;UID=etl;PWD=Canary-5",
        'Data Source=db1;User ID=etl;Password="Canary-5";',
        {"Password": "Canary-5"},
        {"Driver": "FreeTDS", "PWD": "Canary-5"},
        {"Connection String": "Server=db1;PWD={Canary-5}"},
        {"Access Token": "Canary-5"},
    ],
)
def test_the_secrets_of_replacements_do_not_appear_in_messages(runs: EngineRuns, replacement: Any) -> None:
    result = runs.run(
        package_with_connection(),
        {"T": lambda context: context.error("Login failed with Canary-5.", 0xC0202009)},
        connections={"Sales": replacement},
    )
    assert "Canary-5" not in repr(result.messages)


@pytest.mark.parametrize(
    "arguments",
    [
        {"connections": {"Sales": {"Server": "db2"}}},
        {"parameters": {"CM.Sales.ServerName": "db2"}},
        {"property_overrides": {"\\Package.Connections[Sales].Properties[ServerName]": "db2"}},
    ],
)
def test_single_keys_of_an_odbc_connection_are_replaced(runs: EngineRuns, arguments: dict[str, Any]) -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_odbc("Sales", "DRIVER={PostgreSQL Unicode};Server=db1;Database=sales;UID=etl")
    add_task(package, "T")
    found = parse_odbc_string(get(runs, package, "Sales", **arguments).connection_string, "Sales")
    assert dict(found) == {"DRIVER": "PostgreSQL Unicode", "Database": "sales", "UID": "etl", "Server": "db2"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"parameters": {"CM.Orders.ConectionString": "/other.csv"}},
        {"property_overrides": {"\\Package.Connections[Orders].Properties[ColumnDelimiter]": ";"}},
    ],
)
def test_a_property_that_a_connection_manager_does_not_have_is_an_error(
    runs: EngineRuns, arguments: dict[str, Any]
) -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_flat_file("Orders", "/orders.csv", [FlatFileColumn("Id")])
    add_task(package, "T")
    with pytest.raises(PathError, match=r"property 'C(onectionString|olumnDelimiter)'"):
        runs.run(package, **arguments)


def test_an_expression_of_a_property_that_a_connection_manager_does_not_have_fails(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    manager = package.connection_managers.add_file("File", "/a.txt")
    manager.set_expression("Path", '"/b.txt"')
    add_task(package, "T")
    assert codes(runs.run(package, {"T": lambda context: context.connections.get("File")})) == [0xC0017004]


def test_properties_of_flat_files_are_found_without_regard_to_case(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_flat_file("Orders", "/orders.csv", [FlatFileColumn("Id")])
    add_task(package, "T")
    path = "\\Package.Connections[Orders].Properties[dataRowsToSkip]"
    assert get(runs, package, "Orders", property_overrides={path: "3"}).properties["DataRowsToSkip"] == "3"


@pytest.mark.parametrize("is_user", [True, False])
def test_the_server_of_an_ftp_connection_can_be_replaced(runs: EngineRuns, is_user: bool) -> None:
    package = PackageBuilder("P")
    package.connection_managers.add_ftp("Ftp", "old")
    add_task(package, "T")
    arguments: dict[str, Any] = {"parameters": {"CM.Ftp.ServerName": "new", "CM.Ftp.ServerPort": 2121}}
    if is_user:
        arguments = {"connections": {"Ftp": {"ServerName": "new", "ServerPort": "2121"}}}
    found = ftp_server(get(runs, package, "Ftp", **arguments))
    assert (found.host, found.port) == ("new", 2121)


def test_a_reference_to_a_deleted_connection_manager_fails_the_validation(tmp_path: Path) -> None:
    package = PackageBuilder("P")
    mart = package.connection_managers.add_oledb("Mart", STRING)
    package.add_execute_sql("Load", mart, "SELECT 1")
    text = package.to_bytes().replace(
        f'SQLTask:Connection="{mart.id}"'.encode(), f'SQLTask:Connection="{mart.id}:invalid"'.encode()
    )
    assert b":invalid" in text
    (tmp_path / "P.dtsx").write_bytes(text)
    assert check_package(tmp_path / "P.dtsx")[0].can_run
    result = run_package(tmp_path / "P.dtsx")
    assert not result.succeeded
    assert 0xC001000E in codes(result)
