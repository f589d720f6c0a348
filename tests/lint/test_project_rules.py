"""Each rule about projects finds what it is for, and stays silent where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.archive import archive_of
from airflow_provider_ssis.project.build import build_ispac
from airflow_provider_ssis.project.ispac import open_ispac
from airflow_provider_ssis.project.models import Package, Parameter, ProtectionLevel
from tests.lint.samples import rules_of
from tests.support.ssis_projects import (
    connection,
    execute_package,
    make_project,
    package,
    parameter,
    task,
    write_project_folder,
)

USER_KEY = ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
TESTED = ("P201", "P302", "P401", "P402", "P403")
ASSIGNMENT = (
    b"<ParameterAssignment><ParameterName>Day</ParameterName><BindedVariableOrParameterName>System::StartTime"
    b"</BindedVariableOrParameterName></ParameterAssignment></ExecutePackageTask>"
)


def found(
    folder: Path,
    *packages: Package,
    parameters: tuple[Parameter, ...] = (),
    level: ProtectionLevel = ProtectionLevel.DONT_SAVE_SENSITIVE,
    configuration: LintConfiguration | None = None,
    edit: tuple[str, bytes, bytes] | None = None,
) -> dict[str, list[str]]:
    """Check a project.

    :param edit: a file, and what is replaced in it by what.
    """
    folder.mkdir(exist_ok=True)
    project = make_project("Sales", packages, parameters, [connection("Mart")], protection_level=level)
    write_project_folder(folder, project)
    if edit is not None:
        name, old, new = edit
        data = (folder / name).read_bytes()
        assert old in data
        (folder / name).write_bytes(data.replace(old, new))
    return rules_of(list(check(folder, configuration or LintConfiguration())))


def test_levels_differ(tmp_path: Path) -> None:
    load = package("Load.dtsx", task("A"))
    assert "P201" not in found(tmp_path, load)
    edit = ("Load.dtsx", b'ProtectionLevel="0"', b'ProtectionLevel="2"')
    assert found(tmp_path, load, edit=edit)["P201"] == [
        "the package has EncryptSensitiveWithPassword, its project DontSaveSensitive"
    ]


def test_user_key(tmp_path: Path) -> None:
    load = replace(package("Load.dtsx", task("A")), protection_level=USER_KEY)
    assert found(tmp_path, load, level=USER_KEY)["P202"] == [
        "the project has the protection level EncryptSensitiveWithUserKey"
    ]
    assert "P202" not in found(tmp_path / "b", package("Load.dtsx"))


def test_a_manifest_that_differs_from_its_package(tmp_path: Path) -> None:
    load = package("Load.dtsx", task("A"), parameters=[parameter("Day", "Int32", 1)])
    assert "P302" not in found(tmp_path, load)
    parts = dict(open_ispac(build_ispac(tmp_path)).parts)
    parts["Load.dtsx"] = parts["Load.dtsx"].replace(b'ObjectName="Day"', b'ObjectName="Month"')
    path = tmp_path / "Sales.ispac"
    path.write_bytes(archive_of(parts))
    assert rules_of(list(check(path, LintConfiguration())))["P302"] == [
        "only the manifest has the parameter Day", "only the package has the parameter Month"
    ]  # fmt: skip
    # A build of the folder brings the manifest up to date.
    assert "P302" not in found(tmp_path, load, edit=("Load.dtsx", b'ObjectName="Day"', b'ObjectName="Month"'))


def test_an_unknown_package(tmp_path: Path) -> None:
    load = package("Load.dtsx", execute_package("Run", "Child.dtsx"))
    assert found(tmp_path, load)["P401"] == ["the project does not contain the package 'Child.dtsx'"]
    assert "P401" not in found(tmp_path / "b", load, package("Child.dtsx", task("A")))


def test_an_unknown_parameter_of_a_child_package(tmp_path: Path) -> None:
    load = package("Load.dtsx", execute_package("Run", "Child.dtsx"))
    child = package("Child.dtsx", task("A"))
    edit = ("Load.dtsx", b"</ExecutePackageTask>", ASSIGNMENT)
    assert found(tmp_path, load, child, edit=edit)["P402"] == ["Child.dtsx has no parameter 'Day'"]
    child = package("Child.dtsx", task("A"), parameters=[parameter("Day")])
    assert "P402" not in found(tmp_path / "b", load, child, edit=edit)


def test_packages_that_run_each_other_in_a_circle(tmp_path: Path) -> None:
    one = package("One.dtsx", execute_package("Run", "Two.dtsx"))
    two = package("Two.dtsx", execute_package("Run", "One.dtsx"))
    assert len(found(tmp_path, one, two)["P403"]) == 2
    assert "P403" not in found(tmp_path / "b", one, package("Two.dtsx", task("A")))
    disabled = ("Two.dtsx", b'DTS:ObjectName="Run"', b'DTS:ObjectName="Run" DTS:Disabled="True"')
    assert "P403" not in found(tmp_path / "c", one, two, edit=disabled)


def test_parameters_of_a_project(tmp_path: Path) -> None:
    region = parameter("Region", required=True)
    key = parameter("Key", value="x", sensitive=True)
    rules = found(tmp_path, package("Load.dtsx", task("A")), parameters=(region, key))
    assert rules["P101"] == ["the required parameter Region has no value"]
    assert rules["P102"] == ["nothing uses the parameter Key", "nothing uses the parameter Region"]
    assert rules["P104"] == ["the sensitive parameter Key has a value in plain text"]


def test_findings_of_a_project_have_lines(tmp_path: Path) -> None:
    load = replace(package("Load.dtsx", task("A")), protection_level=USER_KEY)
    found(tmp_path, load, parameters=(parameter("Region", required=True),), level=USER_KEY)
    places = {one.rule: one.place for one in check(tmp_path, LintConfiguration(target="fabric"))}
    for rule, text in (("P101", 'SSIS:Name="Region"'), ("P202", "<SSIS:Project "), ("T103", "<SSIS:Project ")):
        lines = (tmp_path / places[rule].file).read_text().splitlines()
        assert text in lines[(places[rule].line or 0) - 1]


def test_connection_managers_of_a_project(tmp_path: Path) -> None:
    assert found(tmp_path, package("Load.dtsx", task("A")))["C102"] == ["nothing uses the connection manager Mart"]


@pytest.mark.parametrize("target", ["fabric", "sqlserver2016"])
def test_a_project_does_not_fit_its_target(tmp_path: Path, target: str) -> None:
    rules = found(tmp_path, package("Load.dtsx", task("A")), configuration=LintConfiguration(target=target))
    assert ("T103" in rules) == (target == "fabric")


def test_a_package_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    load, other = package("Load.dtsx", execute_package("Run", "Missing.dtsx")), package("Other.dtsx", task("A"))
    rules = found(tmp_path, load, other, edit=("Other.dtsx", b"</DTS:Executable>", b"</broken>"))
    assert len(rules["P001"]) == 1
    assert len(rules["P401"]) == 1


def test_windows_authentication_in_connections_of_packages_and_of_the_project(tmp_path: Path) -> None:
    messages = found(
        tmp_path,
        package("Load.dtsx", task("A")),
        configuration=LintConfiguration(target="linux"),
        edit=("Mart.conmgr", b'ConnectionString="', b'ConnectionString="Integrated Security=SSPI;'),
    )["T103"]
    assert messages == ["Mart uses Windows authentication, which SSIS on Linux does not support"]
