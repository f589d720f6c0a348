"""Configurations of a project give the built file its parameter values and its target server version."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.project.build import build_ispac, build_project
from airflow_provider_ssis.project.errors import (
    BuildError,
)
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from tests.support.ssis_projects import (
    SALES,
    configuration,
    make_project,
    package,
    parameter,
    write_project_folder,
)


def values(ispac: bytes) -> dict[str, object]:
    project = read_ispac(ispac)
    return {one.name: one.value for one in (*project.parameters, *project.packages[0].parameters)}


def test_a_configuration_gives_parameters_their_values(tmp_path: Path) -> None:
    by_id = SALES.packages[0].parameters[0].id.lower()
    production = configuration(
        "Production &amp; more",
        (by_id, "ignored", "9000"),
        ("", "Project::Region", "south"),
        ("", "project::region", None),
    )
    write_project_folder(tmp_path, SALES, configurations=production)
    before, after = values(build_ispac(tmp_path)), values(build_ispac(tmp_path, configuration="production & MORE"))
    assert (before["BatchSize"], before["Region"]) == (500, "north")
    assert (after["BatchSize"], after["Region"]) == (9000, "south")


def test_a_configuration_gives_a_value_where_there_was_none(tmp_path: Path) -> None:
    project = make_project("Sales", parameters=[parameter("Region")])
    write_project_folder(tmp_path, project, configurations=configuration("Test", ("", "Project::Region", "east")))
    assert read_ispac(build_ispac(tmp_path, configuration="Test")).parameters[0].value == "east"


def test_settings_without_effect_give_warnings(tmp_path: Path) -> None:
    settings_ = configuration("Test", ("{1}", "Project::Missing", "1"), ("", "Project::Key", "secret"))
    write_project_folder(tmp_path, SALES, configurations=settings_)
    built = build_project(tmp_path, configuration="Test")
    assert built.warnings == (
        "Sales.dtproj: the configuration 'Test' sets Project::Missing, which is not a parameter of the project",
        "Sales.dtproj: the configuration 'Test' sets Project::Key, which is sensitive: set its value on the server",
    )
    assert b"secret" not in open_ispac(built.ispac).parts["Project.params"]


def test_an_invalid_setting_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES, configurations=configuration("Test", ("", "Load Sales::BatchSize", "many")))
    with pytest.raises(BuildError, match="sets Load Sales::BatchSize to a value that is not valid for its type Int32"):
        build_ispac(tmp_path, configuration="Test")


def test_an_unknown_configuration_is_rejected_with_the_known_ones(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES, configurations=configuration("Test"))
    with pytest.raises(BuildError, match=r"no configuration 'Prod'. Its configurations: 'Development', 'Test'"):
        build_ispac(tmp_path, configuration="Prod")


@pytest.mark.parametrize("text", ["\r\n", "\t", " ", "\n"])
def test_white_space_is_a_value_of_a_configuration_where_it_is_marked(tmp_path: Path, text: str) -> None:
    """Row delimiters are such values. An XML parser reads an unescaped line break as LF."""
    escaped = text.replace("\r", "&#13;")
    marked = configuration("Test", ("", "Project::Region", escaped)).replace("<Value>", '<Value xml:space="preserve">')
    unmarked = configuration("Other", ("", "Project::Region", escaped))
    write_project_folder(tmp_path, SALES, configurations=marked + unmarked)
    assert values(build_ispac(tmp_path, configuration="Test"))["Region"] == text
    assert values(build_ispac(tmp_path, configuration="Other"))["Region"] == ""


def test_a_value_of_a_configuration_replaces_one_of_white_space(tmp_path: Path) -> None:
    project = make_project("Sales", parameters=[parameter("Region", value=" ")])
    write_project_folder(tmp_path, project, configurations=configuration("Test", ("", "Project::Region", "x")))
    built = open_ispac(build_ispac(tmp_path, configuration="Test"))
    assert built.project.parameters[0].value == "x"
    assert b"preserve" not in built.parts["Project.params"]


def test_white_space_in_the_manifest_is_a_value_where_it_is_marked(tmp_path: Path) -> None:
    delimiters = [
        parameter("CM.File.HeaderRowDelimiter", value="\r\n"),
        parameter("CM.File.RowDelimiter", value="x"),
    ]
    path = write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx", parameters=delimiters)]))
    path.write_bytes(path.read_bytes().replace(b'"Value">x<', b'"Value">\r\n      <'))
    built = open_ispac(build_ispac(tmp_path))
    assert [one.value for one in built.project.packages[0].parameters] == ["\r\n", ""]
    assert b'xml:space="preserve"' in built.parts["@Project.manifest"]


# --- target server version


def target(name: str, version: str) -> str:
    return configuration(name).replace("<Options>", f"<Options><TargetServerVersion>{version}</TargetServerVersion>")


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ("SQLServer2012", 110),
        ("SQLServer2014", 120),
        ("SQLServer2016", 130),
        ("SQLServer2017", 140),
        ("SQLServer2019", 150),
        ("SQLServer2022", 160),
        ("SQLServer2025", 170),
    ],
)
def test_the_manifest_gets_the_target_server_version(tmp_path: Path, option: str, number: int) -> None:
    package_format = 6 if number < 130 else 8
    packages = [replace(each, format_version=package_format) for each in SALES.packages]
    write_project_folder(tmp_path, replace(SALES, packages=tuple(packages)), configurations=target("Test", option))
    for name in (None, "Test"):
        built = build_project(tmp_path, configuration=name)
        assert (built.project.target_server_version, built.warnings) == (number, ())
        assert read_ispac(built.ispac) == built.project


def test_the_target_server_version_is_where_visual_studio_writes_it(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES, configurations=target("Test", "SQLServer2019"))
    manifest = open_ispac(build_ispac(tmp_path)).parts["@Project.manifest"].decode()
    names = re.findall(r'<SSIS:Property SSIS:Name="(\w+)"', manifest.partition("</SSIS:Properties>")[0])
    assert names[-3:] == ["Description", "TargetServerVersion", "FormatVersion"]


def test_the_chosen_configuration_decides_about_the_target_server_version(tmp_path: Path) -> None:
    configurations = target("A", "SQLServer2017") + target("B", "SQLServer2022") + configuration("C")
    write_project_folder(tmp_path, SALES, configurations=configurations)
    assert build_project(tmp_path, configuration="B").project.target_server_version == 160
    assert build_project(tmp_path, configuration="C").project.target_server_version is None
    built = build_project(tmp_path)
    assert built.project.target_server_version == 140
    (warning,) = built.warnings
    assert warning == (
        "Sales.dtproj: the target server versions of its configurations differ; SQLServer2017 of 'A' is used. "
        "Choose a configuration"
    )


@pytest.mark.parametrize(
    ("option", "package_format", "warned"),
    [("SQLServer2014", 8, True), ("SQLServer2014", 6, False), ("SQLServer2016", 8, False), ("SQLServer2016", 6, False)],
)
def test_a_package_in_a_format_that_the_target_cannot_read_gives_a_warning(
    tmp_path: Path, option: str, package_format: int, warned: bool
) -> None:
    project = make_project("Sales", [replace(package("Load.dtsx"), format_version=package_format)])
    write_project_folder(tmp_path, project, configurations=target("Test", option))
    warnings = build_project(tmp_path).warnings
    assert ["has the package format 8" in one for one in warnings] == ([True] if warned else [])


def test_an_unknown_target_server_version_gives_a_warning(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES, configurations=target("Test", "SQLServer2030"))
    built = build_project(tmp_path)
    assert built.project.target_server_version is None
    assert built.warnings == (
        "Sales.dtproj: the configuration 'Test' has the unknown target server version 'SQLServer2030'",
    )
