"""Project folders are built into project files: reproducibly, or with an error that names the file."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.build import build_ispac, build_project
from airflow_provider_ssis.project.changes import NO_CHANGES, Changes
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import (
    BuildError,
    InvalidPartError,
    LimitExceededError,
    ProjectError,
    ProtectedError,
)
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from airflow_provider_ssis.project.limits import Limits
from airflow_provider_ssis.project.models import Parameter, ParameterValue, Project, ProtectionLevel
from tests.support import ssis_xml
from tests.support.project_strategies import damaged, projects
from tests.support.ssis_projects import (
    connection,
    event_handler,
    execute_package,
    make_project,
    package,
    parameter,
    task,
    write_ispac,
    write_project_folder,
)

SAMPLE = make_project(
    "Sales",
    [
        package("Load Sales.dtsx", task("Task"), parameters=[parameter("BatchSize", "Int32", 500)]),
        package("Child.dtsx"),
    ],
    [
        parameter("Region", value="north"),
        parameter("Key", value=None, sensitive=True),
        parameter("CM.Mart.Password", sensitive=True),
    ],
    [connection("Mart", "Data Source=mart;")],
)
USER_KEY_BLOB = "AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA"


@given(project=projects())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@pytest.mark.slow
def test_a_built_file_contains_the_project_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, project: Project
) -> None:
    folder = tmp_path_factory.mktemp("project")
    write_project_folder(folder, replace(project, name="Sales"))
    built = read_ispac(build_ispac(folder))
    assert without_connection_parameters(built) == without_connection_parameters(replace(project, name="Sales"))


def without_connection_parameters(project: Project) -> Project:
    """A build brings them up to date with the connection managers."""

    def kept(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        return tuple(one for one in parameters if not one.name.startswith("CM."))

    packages = tuple(replace(one, parameters=kept(one.parameters)) for one in project.packages)
    return replace(project, parameters=kept(project.parameters), packages=packages)


def test_building_twice_gives_the_same_bytes_for_any_times_and_permissions(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    write_project_folder(first, SAMPLE)
    write_project_folder(second, SAMPLE)
    for path in second.iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    assert build_ispac(first) == build_ispac(first) == build_ispac(second)


def test_parts_are_in_visual_studios_order(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    opened = open_ispac(build_ispac(tmp_path))
    assert list(opened.parts) == [
        "Load Sales.dtsx",
        "Child.dtsx",
        "Mart.conmgr",
        "Project.params",
        "@Project.manifest",
        "[Content_Types].xml",
    ]
    assert opened.parts["@Project.manifest"].startswith(b"<SSIS:Project ")
    assert b'Extension="conmgr"' in opened.parts["[Content_Types].xml"]


def test_packages_are_copied_byte_for_byte(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    path = tmp_path / "Child.dtsx"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert open_ispac(build_ispac(tmp_path)).parts["Child.dtsx"] == path.read_bytes()


def test_line_ends_do_not_change_the_content_hash(tmp_path: Path) -> None:
    """Version control changes line ends when it checks files out."""
    write_project_folder(tmp_path, SAMPLE)
    built = content_hash(build_ispac(tmp_path))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert content_hash(build_ispac(tmp_path)) == built


def test_the_manifest_has_empty_properties_if_the_project_file_was_pretty_printed(tmp_path: Path) -> None:
    path = write_project_folder(tmp_path, SAMPLE)
    path.write_bytes(path.read_bytes().replace(b'"VersionComments"/>', b'"VersionComments">\r\n    </SSIS:Property>'))
    manifest = open_ispac(build_ispac(tmp_path)).parts["@Project.manifest"]
    assert b'<SSIS:Property SSIS:Name="VersionComments"/>' in manifest
    assert b"XMLSchema" not in manifest


# --- configurations


def configuration(name: str, *settings: tuple[str, str, str | None]) -> str:
    rows = "".join(
        f"<ConfigurationSetting><Id>{id_}</Id><Name>{qualified}</Name>"
        + (f"<Value>{value}</Value>" if value is not None else "")
        + "</ConfigurationSetting>"
        for id_, qualified, value in (("LastModifiedTime", "LastModifiedTime", "2024-01-01T00:00:00Z"), *settings)
    )
    return (
        f"<Configuration><Name>{name}</Name><Options><ParameterConfigurationValues>{rows}"
        "</ParameterConfigurationValues></Options></Configuration>"
    )


def values(ispac: bytes) -> dict[str, object]:
    project = read_ispac(ispac)
    return {one.name: one.value for one in (*project.parameters, *project.packages[0].parameters)}


def test_a_configuration_gives_parameters_their_values(tmp_path: Path) -> None:
    by_id = SAMPLE.packages[0].parameters[0].id.lower()
    production = configuration(
        "Production &amp; more",
        (by_id, "ignored", "9000"),
        ("", "Project::Region", "south"),
        ("", "project::region", None),
    )
    write_project_folder(tmp_path, SAMPLE, configurations=production)
    before, after = values(build_ispac(tmp_path)), values(build_ispac(tmp_path, configuration="production & MORE"))
    assert (before["BatchSize"], before["Region"]) == (500, "north")
    assert (after["BatchSize"], after["Region"]) == (9000, "south")


def test_a_configuration_gives_a_value_where_there_was_none(tmp_path: Path) -> None:
    project = make_project("Sales", parameters=[parameter("Region")])
    write_project_folder(tmp_path, project, configurations=configuration("Test", ("", "Project::Region", "east")))
    assert read_ispac(build_ispac(tmp_path, configuration="Test")).parameters[0].value == "east"


def test_settings_without_effect_give_warnings(tmp_path: Path) -> None:
    settings_ = configuration("Test", ("{1}", "Project::Missing", "1"), ("", "Project::Key", "secret"))
    write_project_folder(tmp_path, SAMPLE, configurations=settings_)
    built = build_project(tmp_path, configuration="Test")
    assert built.warnings == (
        "Sales.dtproj: the configuration 'Test' sets Project::Missing, which is not a parameter of the project",
        "Sales.dtproj: the configuration 'Test' sets Project::Key, which is sensitive: set its value on the server",
    )
    assert b"secret" not in open_ispac(built.ispac).parts["Project.params"]


def test_an_invalid_setting_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE, configurations=configuration("Test", ("", "Load Sales::BatchSize", "many")))
    with pytest.raises(BuildError, match="sets Load Sales::BatchSize to a value that is not valid for its type Int32"):
        build_ispac(tmp_path, configuration="Test")


def test_an_unknown_configuration_is_rejected_with_the_known_ones(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE, configurations=configuration("Test"))
    with pytest.raises(BuildError, match=r"no configuration 'Prod'. Its configurations: 'Development', 'Test'"):
        build_ispac(tmp_path, configuration="Prod")


@pytest.mark.parametrize("text", ["\r\n", "\t", " ", "\n"])
def test_white_space_is_a_value_of_a_configuration_where_it_is_marked(tmp_path: Path, text: str) -> None:
    """Row delimiters are such values. An XML parser reads an unescaped line break as LF."""
    escaped = text.replace("\r", "&#13;")
    marked = configuration("Test", ("", "Project::Region", escaped)).replace("<Value>", '<Value xml:space="preserve">')
    unmarked = configuration("Other", ("", "Project::Region", escaped))
    write_project_folder(tmp_path, SAMPLE, configurations=marked + unmarked)
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
    write_project_folder(tmp_path, SAMPLE, configurations=target("Test", option))
    for name in (None, "Test"):
        built = build_project(tmp_path, configuration=name)
        assert (built.project.target_server_version, built.warnings) == (number, ())
        assert read_ispac(built.ispac) == built.project


def test_the_target_server_version_is_where_visual_studio_writes_it(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE, configurations=target("Test", "SQLServer2019"))
    manifest = open_ispac(build_ispac(tmp_path)).parts["@Project.manifest"].decode()
    names = re.findall(r'<SSIS:Property SSIS:Name="(\w+)"', manifest.partition("</SSIS:Properties>")[0])
    assert names[-3:] == ["Description", "TargetServerVersion", "FormatVersion"]


def test_the_chosen_configuration_decides_about_the_target_server_version(tmp_path: Path) -> None:
    configurations = target("A", "SQLServer2017") + target("B", "SQLServer2022") + configuration("C")
    write_project_folder(tmp_path, SAMPLE, configurations=configurations)
    assert build_project(tmp_path, configuration="B").project.target_server_version == 160
    assert build_project(tmp_path, configuration="C").project.target_server_version is None
    built = build_project(tmp_path)
    assert built.project.target_server_version == 140
    (warning,) = built.warnings
    assert warning == (
        "Sales.dtproj: the target server versions of its configurations differ; SQLServer2017 of 'A' is used. "
        "Choose a configuration"
    )


def test_an_unknown_target_server_version_gives_a_warning(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE, configurations=target("Test", "SQLServer2030"))
    built = build_project(tmp_path)
    assert built.project.target_server_version is None
    assert built.warnings == (
        "Sales.dtproj: the configuration 'Test' has the unknown target server version 'SQLServer2030'",
    )


# --- which project


@pytest.mark.parametrize("as_text", [True, False])
def test_the_dtproj_itself_may_be_the_source(tmp_path: Path, as_text: bool) -> None:
    write_project_folder(tmp_path, SAMPLE)
    path = write_project_folder(tmp_path, make_project("Stock"))
    assert read_ispac(build_ispac(str(path) if as_text else path)).name == "Stock"
    assert read_ispac(build_ispac(path, project="stock")).name == "Stock"
    with pytest.raises(BuildError, match="is not the project 'Sales'"):
        build_ispac(path, project="Sales")
    with pytest.raises(BuildError, match=r"contains no project 'Other\.dtproj'"):
        build_ispac(tmp_path / "Other.dtproj")


def test_one_of_several_projects_is_chosen_by_name(tmp_path: Path) -> None:
    for name in ("Sales", "Stock"):
        write_project_folder(tmp_path, make_project(name))
    for chosen in ("stock", "Stock.dtproj"):
        assert read_ispac(build_ispac(tmp_path, project=chosen)).name == "Stock"
    with pytest.raises(BuildError, match=r"more than one \.dtproj\. Choose one of Sales\.dtproj, Stock\.dtproj"):
        build_ispac(tmp_path)
    with pytest.raises(BuildError, match="no project 'Other'"):
        build_ispac(tmp_path, project="Other")


def test_a_folder_without_a_project_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"contains no \.dtproj"):
        build_ispac(tmp_path)
    with pytest.raises(BuildError, match="cannot be read as a folder: No such file"):
        build_ispac(tmp_path / "missing")


# --- sources that cannot be built


@pytest.mark.parametrize("missing", ["Child.dtsx", "Mart.conmgr", "Project.params"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    write_project_folder(tmp_path, SAMPLE)
    (tmp_path / missing).unlink()
    with pytest.raises(BuildError, match=r"is missing in .*, but Sales\.dtproj refers to it") as caught:
        build_ispac(tmp_path)
    assert caught.value.part == missing


def test_files_are_found_without_case_and_keep_the_name_of_the_project(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    (tmp_path / "Child.dtsx").rename(tmp_path / "CHILD.DTSX")
    assert "Child.dtsx" in open_ispac(build_ispac(tmp_path)).parts


def test_a_project_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    path = write_project_folder(tmp_path / "project", SAMPLE)
    (tmp_path / "Child.dtsx").write_bytes((tmp_path / "project" / "Child.dtsx").read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"Child.dtsx"', b'"../Child.dtsx"'))
    with pytest.raises(
        InvalidPartError, match=r"lists '\.\./Child\.dtsx', which is not the name of a \.dtsx file in the same folder"
    ):
        build_ispac(tmp_path / "project")


def test_a_file_too_large_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    with (tmp_path / "Child.dtsx").open("ab") as file:
        file.write(b" " * 30_000)
    with pytest.raises(LimitExceededError, match=r"Child\.dtsx"):
        build_ispac(tmp_path, limits=Limits(part_bytes=20_000))


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(parts=5), "has more files than the limit of 5"),
        (Limits(total_bytes=5000), "has files of more than the limit of 0 MiB"),
        (Limits(archive_bytes=2000), "the project file is larger than the limit"),
    ],
)
def test_a_project_beyond_the_limits_is_rejected(tmp_path: Path, limits: Limits, problem: str) -> None:
    write_project_folder(tmp_path, SAMPLE)
    with pytest.raises(LimitExceededError, match=problem):
        build_ispac(tmp_path, limits=limits)


def test_a_file_that_could_not_be_read_again_is_not_built(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    with (tmp_path / "Child.dtsx").open("ab") as file:
        file.write(b" " * 5_000_000)
    with pytest.raises(LimitExceededError, match=r"Child\.dtsx unpacks to more than 300 times its size"):
        build_ispac(tmp_path)


@pytest.mark.parametrize(
    "xml",
    [
        "<Project><DeploymentModel>Package</DeploymentModel></Project>",
        "<Project><DTSPackages><DtsPackage/></DTSPackages></Project>",
    ],
    ids=["since 2012", "before"],
)
def test_the_package_deployment_model_is_rejected_with_advice(tmp_path: Path, xml: str) -> None:
    (tmp_path / "Old.dtproj").write_text(xml)
    with pytest.raises(BuildError, match=r"package deployment model.*Convert it in Visual Studio"):
        build_ispac(tmp_path)


@pytest.mark.parametrize("xml", ["<Other/>", "<Project/>", '<Project Sdk="Some.Sdk"/>', "<Project>"])
def test_another_file_than_an_ssis_project_is_rejected(tmp_path: Path, xml: str) -> None:
    (tmp_path / "Odd.dtproj").write_text(xml)
    with pytest.raises(InvalidPartError, match=r"Odd\.dtproj"):
        build_ispac(tmp_path)


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD, "with a password"),
        (ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD, "with a password"),
        (ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY, "only with its author's Windows account"),
        (ProtectionLevel.SERVER_STORAGE, "only by the server that stored it"),
    ],
)
def test_protection_levels_that_need_a_key_are_rejected(tmp_path: Path, level: ProtectionLevel, reason: str) -> None:
    write_project_folder(tmp_path, make_project("Sales", protection_level=level))
    with pytest.raises(ProtectedError, match=f"{level.label}.*{reason}.*DontSaveSensitive"):
        build_ispac(tmp_path)


def test_a_package_that_names_no_level_gives_a_warning(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    path = tmp_path / "Child.dtsx"
    path.write_bytes(path.read_bytes().replace(b' DTS:ProtectionLevel="0"', b""))
    built = build_project(tmp_path)
    assert [one for one in built.warnings if one.startswith("Child.dtsx: names no protection level")]


def test_a_package_of_another_level_than_its_project_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    path = tmp_path / "Child.dtsx"
    path.write_bytes(path.read_bytes().replace(b'ProtectionLevel="0"', b'ProtectionLevel="2"'))
    problem = r"Child\.dtsx has the protection level EncryptSensitiveWithPassword, but its project has DontSaveSens"
    with pytest.raises(BuildError, match=problem):
        build_ispac(tmp_path)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.slow
def test_damage_to_a_file_of_the_folder_gives_a_project_error(tmp_path: Path, data: st.DataObject) -> None:
    settings_ = configuration("Test", ("", "Project::Region", "south"))
    levels = [ProtectionLevel.DONT_SAVE_SENSITIVE, ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY]
    level = data.draw(st.sampled_from(levels))
    packages = tuple(replace(one, protection_level=level) for one in SAMPLE.packages)
    write_project_folder(tmp_path, replace(SAMPLE, protection_level=level, packages=packages), configurations=settings_)
    path = tmp_path / data.draw(st.sampled_from(sorted(path.name for path in tmp_path.iterdir())))
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        build_project(tmp_path, configuration="Test")
    except ProjectError as error:
        assert str(error)  # noqa: PT017 - damage may also leave the project buildable


# --- user key


def test_values_encrypted_with_a_user_key_are_removed_and_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f'SSIS:Sensitive="1">{USER_KEY_BLOB}'
    project = make_project(
        "Sales",
        [package("Load.dtsx", parameters=[parameter("Pin", "Int32", 1, sensitive=True)])],
        [parameter("Key", value="x", sensitive=True), parameter("CM.Mart.ServerName", value="mart")],
        [connection("Mart", "Data Source=mart;")],
        protection_level=ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY,
    )
    dtproj = write_project_folder(tmp_path, project)
    dtproj.write_bytes(dtproj.read_bytes().replace(b'"Value">1', f'"Value" {secret}'.encode()))
    params = tmp_path / "Project.params"
    params.write_bytes(params.read_bytes().replace(b'"Value">x', f'"Value" {secret}'.encode()))
    manager = tmp_path / "Mart.conmgr"
    password = (
        f'><DTS:Password DTS:Name="Password" Sensitive="1">{USER_KEY_BLOB}</DTS:Password></DTS:ConnectionManager>'
    )
    manager.write_bytes(
        manager.read_bytes().replace(b'"Data Source=mart;"/>', f'"Data Source=mart;"{password}'.encode())
    )
    load = tmp_path / "Load.dtsx"
    load.write_bytes(load.read_bytes().replace(b">1</DTS:Property>", f">{USER_KEY_BLOB}</DTS:Property>".encode()))

    with caplog.at_level(logging.WARNING):
        opened = open_ispac(build_ispac(tmp_path))

    reason = ", because only its author's Windows account can decrypt it; set it on the server"
    assert caplog.messages == [
        f"Sales.dtproj: removed the value of the parameter Pin{reason}",
        f"Project.params: removed the value of the parameter Key{reason}",
        f"Load.dtsx: removed the value of the parameter Pin{reason}",
        f"Mart.conmgr: removed the secret Password of Mart{reason}",
    ]
    assert not any(b"AQAAANCMnd8" in data for data in opened.parts.values())
    levels = [opened.project.protection_level, *(one.protection_level for one in opened.project.packages)]
    assert levels == [ProtectionLevel.DONT_SAVE_SENSITIVE] * 2
    assert b'DTS:ProtectionLevel="0"' in opened.parts["Load.dtsx"]
    assert opened.project.parameters[0].value is None
    assert opened.project.packages[0].parameters[0].value is None


def test_a_value_encrypted_with_a_user_key_in_an_unknown_place_is_rejected(tmp_path: Path) -> None:
    project = make_project("Sales", protection_level=ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY)
    write_project_folder(tmp_path, project)
    path = tmp_path / "Package.dtsx"
    path.write_bytes(path.read_bytes().replace(b"<DTS:Variables/>", f"<Odd>{USER_KEY_BLOB}</Odd>".encode()))
    with pytest.raises(
        ProtectedError, match=r"Package\.dtsx contains a value encrypted with a user key in an unknown place"
    ):
        build_ispac(tmp_path)


# --- warnings


def test_a_missing_child_package_gives_a_warning(tmp_path: Path) -> None:
    handler = event_handler("OnError", execute_package("Mail", "Mail.dtsx"))
    write_project_folder(tmp_path, make_project("Sales", [package("Load.dtsx", event_handlers=[handler])]))
    (warning,) = build_project(tmp_path).warnings
    assert warning == (
        "Load.dtsx: \\Package.EventHandlers[OnError]\\Mail runs the package Mail.dtsx, "
        "which the project does not contain"
    )


CM = parameter("CM.Mart.ServerName", "String", "mart")


def test_a_manifest_older_than_its_package_is_brought_up_to_date(tmp_path: Path) -> None:
    """Visual Studio writes the manifest of a project file from the packages, not from the .dtproj."""
    write_project_folder(tmp_path, SAMPLE)
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


def test_a_built_file_equals_one_made_by_code(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SAMPLE)
    assert read_ispac(build_ispac(tmp_path)) == read_ispac(write_ispac(SAMPLE))
