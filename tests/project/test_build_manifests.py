"""The manifest of a built file agrees with the packages and connection managers, which can be newer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import Parameter, ParameterValue
from airflow_provider_ssis.project.visual_studio.changes import NO_CHANGES, Changes
from tests.support import ssis_xml
from tests.support.ssis_projects import (
    SALES,
    connection,
    make_project,
    package,
    parameter,
    task,
    write_project_folder,
)

CM = parameter("CM.Mart.ServerName", "String", "mart")


def test_a_manifest_older_than_its_package_is_brought_up_to_date(tmp_path: Path) -> None:
    """Visual Studio writes the manifest of a project file from the packages, not from the .dtproj."""
    write_project_folder(tmp_path, SALES)
    newer = replace(
        package("Load Sales.dtsx", task("Task"), parameters=[parameter("Rows", "Int32", 1)]),
        version_build=7,
        version_guid="{AAAAAAAA-0000-0000-0000-000000000000}",
        description="new",
    )
    (tmp_path / "Load Sales.dtsx").write_bytes(ssis_xml.dtsx(newer))
    built = build_project(tmp_path)
    (warning,) = built.warnings
    assert "its parameters are newer than those in Sales.dtproj (BatchSize, Rows)" in warning
    (found,) = [one for one in built.project.packages if one.name == "Load Sales.dtsx"]
    assert (found.version_build, found.version_guid, found.description) == (7, newer.version_guid, "new")
    assert [(one.name, one.value) for one in found.parameters if not one.name.startswith("CM.")] == [("Rows", 1)]
    assert read_ispac(built.ispac) == built.project


@pytest.mark.parametrize(
    ("old", "new", "changes", "value"),
    [
        (parameter("P", "Int32", 1), parameter("P", "Int32", 2), NO_CHANGES, 2),
        (parameter("P", "Int32", 1), parameter("P", "String", " x "), NO_CHANGES, " x "),
        (parameter("P", "Boolean", False), parameter("P", "Boolean", True), NO_CHANGES, True),
        (parameter("P", "Int32", 1), parameter("P", "Int32", 2), Changes(values={"Load::P": "3"}), 3),
        (parameter("P", "Int32", 1), parameter("P", "Int32", 2, sensitive=True), NO_CHANGES, None),
        (parameter("P", "Int32", None, sensitive=True), parameter("P", "Int32", 2), NO_CHANGES, 2),
    ],
)
def test_the_values_of_a_package_win_over_those_of_an_older_manifest(
    tmp_path: Path, old: Parameter, new: Parameter, changes: Changes, value: ParameterValue
) -> None:
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx", parameters=[old])]))
    (tmp_path / "Load.dtsx").write_bytes(ssis_xml.dtsx(package("Load.dtsx", parameters=[new])))
    built = build_project(tmp_path, changes=changes)
    (found,) = built.project.packages[0].parameters
    assert (found.value, found.sensitive) == (value, new.sensitive)
    assert read_ispac(built.ispac) == built.project


def test_new_parameters_stand_where_visual_studio_puts_them(tmp_path: Path) -> None:
    """Behind the connection parameters until 2016, and before them since 2017."""
    old, new = parameter("A", "Int32", 1), parameter("B", "Int32", 2)
    for folder, declared in ((tmp_path / "2016", [CM, old]), (tmp_path / "2017", [old, CM])):
        folder.mkdir()
        write_project_folder(folder, make_project("Sales", [package("Load.dtsx", parameters=declared)]))
        (folder / "Load.dtsx").write_bytes(ssis_xml.dtsx(package("Load.dtsx", parameters=[old, new])))
    names = [
        [one.name for one in build_project(tmp_path / year).project.packages[0].parameters] for year in ("2016", "2017")
    ]
    assert names == [[CM.name, "A", "B"], ["A", "B", CM.name]]


_OLD = "Data Source=old;Initial Catalog=Mart;Provider=MSOLEDBSQL19.1;"
_NEW = "Data Source=new;Initial Catalog=Mart;User ID=etl;Provider=MSOLEDBSQL19.1;"


def _connection_parameters(name: str) -> list[Parameter]:
    values = {"ConnectionString": _OLD, "ServerName": "old", "InitialCatalog": "Mart", "UserName": "", "Own": "x"}
    return [parameter(f"CM.{name}.{key}", "String", value) for key, value in values.items()]


@pytest.mark.parametrize("of_project", [False, True])
def test_the_connection_strings_of_connection_managers_win_over_those_of_an_older_manifest(
    tmp_path: Path, of_project: bool
) -> None:
    declared, managers = _connection_parameters("Mart"), [connection("Mart", _NEW)]
    project = (
        make_project("Sales", [package("Load.dtsx")], connection_managers=managers, parameters=declared)
        if of_project
        else make_project("Sales", [package("Load.dtsx", connection_managers=managers, parameters=declared)])
    )
    write_project_folder(tmp_path, project)
    built = build_project(tmp_path)
    (warning,) = built.warnings
    assert "CM.Mart.ConnectionString, CM.Mart.ServerName, CM.Mart.UserName" in warning
    found = built.project.parameters if of_project else built.project.packages[0].parameters
    assert [one.value for one in found] == [_NEW, "new", "Mart", "etl", "x"]
    assert read_ispac(built.ispac) == built.project


@pytest.mark.parametrize("of_project", [False, True])
@pytest.mark.parametrize("listed", [[], ["Renamed"], ["Kept", "Renamed", "Mart.Old"]])
def test_connection_parameters_are_added_and_removed_with_their_connection_managers(
    tmp_path: Path, listed: list[str], of_project: bool
) -> None:
    """As Visual Studio's build does; CM.Mart.DW. and CM.Mart. belong to different connection managers."""
    before = [parameter("Rows", "Int32", 1), *(parameter(f"CM.{name}.ServerName", value=name) for name in listed)]
    managers = [
        connection("Mart", "Data Source=a;Initial Catalog=b;User ID=c;"),
        connection("Mart.DW", "Data Source=d;Password=x;", "ADO.NET:System.Data.SqlClient.SqlConnection"),
        connection("File", r"C:\in.csv", "FLATFILE"),
        connection("Mail", "", "SMTP"),
        *([connection("Kept", "Data Source=Kept;")] if "Kept" in listed else []),
    ]
    project = (
        make_project("Sales", [package("Load.dtsx")], before, managers)
        if of_project
        else make_project("Sales", [package("Load.dtsx", parameters=before, connection_managers=managers)])
    )
    write_project_folder(tmp_path, project)
    built = build_project(tmp_path)
    found = built.project.parameters if of_project else built.project.packages[0].parameters
    assert {one.name: (one.data_type, one.value, one.sensitive) for one in found} == {
        "Rows": ("Int32", 1, False),
        **({"CM.Kept.ServerName": ("String", "Kept", False)} if "Kept" in listed else {}),
        "CM.Mart.ConnectionString": ("String", "Data Source=a;Initial Catalog=b;User ID=c;", False),
        "CM.Mart.InitialCatalog": ("String", "b", False),
        "CM.Mart.Password": ("String", None, True),
        "CM.Mart.RetainSameConnection": ("Boolean", False, False),
        "CM.Mart.ServerName": ("String", "a", False),
        "CM.Mart.UserName": ("String", "c", False),
        "CM.Mart.DW.ConnectionString": ("String", None, False),
        "CM.Mart.DW.InitialCatalog": ("String", "", False),
        "CM.Mart.DW.Password": ("String", None, True),
        "CM.Mart.DW.RetainSameConnection": ("Boolean", False, False),
        "CM.Mart.DW.ServerName": ("String", "d", False),
        "CM.Mart.DW.UserName": ("String", "", False),
        "CM.File.ConnectionString": ("String", r"C:\in.csv", False),
    }
    (warning,) = built.warnings
    assert "CM.Mart.ServerName" in warning
    assert ("CM.Renamed.ServerName" in warning) == ("Renamed" in listed)
    assert read_ispac(built.ispac) == built.project
    assert "Password=x" not in warning


def test_connection_parameters_of_a_package_without_connection_managers_are_kept(tmp_path: Path) -> None:
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx", parameters=[CM])]))
    built = build_project(tmp_path)
    assert built.project.packages[0].parameters == (CM,)
    (warning,) = built.warnings
    assert warning == ("Load.dtsx: has no connection manager, but Sales.dtproj lists CM.Mart.ServerName; they are kept")


def test_a_connection_parameter_that_a_build_sets_wins_over_its_connection_manager(tmp_path: Path) -> None:
    loaded = package(
        "Load.dtsx", connection_managers=[connection("Mart", _NEW)], parameters=_connection_parameters("Mart")
    )
    write_project_folder(tmp_path, make_project("Sales", [loaded]))
    built = build_project(tmp_path, changes=Changes(values={"Load::CM.Mart.ServerName": "given"}))
    values = [one.value for one in built.project.packages[0].parameters]
    assert values == [_NEW, "given", "Mart", "etl", "x"]


@pytest.mark.parametrize("name", ["New", "CM.New.ServerName"])
def test_a_build_sets_parameters_that_only_the_package_has(tmp_path: Path, name: str) -> None:
    old = [parameter("Old", "String", "x"), parameter("CM.Old.ServerName", "String", "x")]
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx", parameters=old)]))
    newer = package(
        "Load.dtsx", connection_managers=[connection("New", _NEW)], parameters=[parameter("New", "String", "x")]
    )
    (tmp_path / "Load.dtsx").write_bytes(ssis_xml.dtsx(newer))
    built = build_project(tmp_path, changes=Changes(values={f"Load::{name}": "given"}))
    assert {one.name: one.value for one in built.project.packages[0].parameters}[name] == "given"
    assert read_ispac(built.ispac) == built.project
    with pytest.raises(BuildError, match=f"no parameter 'Load::{name.replace('New', 'Old')}'"):
        build_project(tmp_path, changes=Changes(values={f"Load::{name.replace('New', 'Old')}": "given"}))


def test_a_connection_parameter_stays_where_an_expression_or_the_same_text_sets_it(tmp_path: Path) -> None:
    loaded = package(
        "Load.dtsx", connection_managers=[connection("Mart", _NEW)], parameters=_connection_parameters("Mart")
    )
    write_project_folder(tmp_path, make_project("Sales", [loaded]))
    path = tmp_path / "Load.dtsx"
    expression = (
        b'<DTS:PropertyExpression DTS:Name="ConnectionString">@[User::C]</DTS:PropertyExpression><DTS:ObjectData>'
    )
    path.write_bytes(path.read_bytes().replace(b"<DTS:ObjectData>", expression, 1))
    built = build_project(tmp_path)
    assert built.warnings == ()
    assert built.project.packages[0].parameters[0].value == _OLD


def test_another_spelling_of_the_same_values_changes_nothing(tmp_path: Path) -> None:
    write_project_folder(
        tmp_path, make_project("Sales", [package("Load.dtsx", parameters=[parameter("P", "Double", 1.0)])])
    )
    before = build_project(tmp_path)
    path = tmp_path / "Load.dtsx"
    path.write_bytes(path.read_bytes().replace(b">1.0<", b">1.<"))
    after = build_project(tmp_path)
    assert (after.project, after.warnings) == (before.project, ())
