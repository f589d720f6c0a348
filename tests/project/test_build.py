"""Project folders are built into project files: reproducibly, or with an error that names the file."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.build import build_ispac, build_project
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
from airflow_provider_ssis.project.models import Parameter, Project, ProtectionLevel
from tests.support.project_strategies import damaged, projects
from tests.support.ssis_projects import (
    SALES,
    configuration,
    connection,
    event_handler,
    execute_package,
    make_project,
    package,
    parameter,
    write_ispac,
    write_project_folder,
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
    write_project_folder(first, SALES)
    write_project_folder(second, SALES)
    for path in second.iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    assert build_ispac(first) == build_ispac(first) == build_ispac(second)


def test_parts_are_in_visual_studios_order(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
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
    write_project_folder(tmp_path, SALES)
    path = tmp_path / "Child.dtsx"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert open_ispac(build_ispac(tmp_path)).parts["Child.dtsx"] == path.read_bytes()


def test_line_ends_do_not_change_the_content_hash(tmp_path: Path) -> None:
    """Version control changes line ends when it checks files out."""
    write_project_folder(tmp_path, SALES)
    built = content_hash(build_ispac(tmp_path))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert content_hash(build_ispac(tmp_path)) == built


def test_the_manifest_has_empty_properties_if_the_project_file_was_pretty_printed(tmp_path: Path) -> None:
    path = write_project_folder(tmp_path, SALES)
    path.write_bytes(path.read_bytes().replace(b'"VersionComments"/>', b'"VersionComments">\r\n    </SSIS:Property>'))
    manifest = open_ispac(build_ispac(tmp_path)).parts["@Project.manifest"]
    assert b'<SSIS:Property SSIS:Name="VersionComments"/>' in manifest
    assert b"XMLSchema" not in manifest


# --- which project


@pytest.mark.parametrize("as_text", [True, False])
def test_the_dtproj_itself_may_be_the_source(tmp_path: Path, as_text: bool) -> None:
    write_project_folder(tmp_path, SALES)
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
    write_project_folder(tmp_path, SALES)
    (tmp_path / missing).unlink()
    with pytest.raises(BuildError, match=r"is missing in .*, but Sales\.dtproj refers to it") as caught:
        build_ispac(tmp_path)
    assert caught.value.part == missing


def test_files_are_found_without_case_and_keep_the_name_of_the_project(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
    (tmp_path / "Child.dtsx").rename(tmp_path / "CHILD.DTSX")
    assert "Child.dtsx" in open_ispac(build_ispac(tmp_path)).parts


def test_a_project_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    path = write_project_folder(tmp_path / "project", SALES)
    (tmp_path / "Child.dtsx").write_bytes((tmp_path / "project" / "Child.dtsx").read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"Child.dtsx"', b'"../Child.dtsx"'))
    with pytest.raises(
        InvalidPartError, match=r"lists '\.\./Child\.dtsx', which is not the name of a \.dtsx file in the same folder"
    ):
        build_ispac(tmp_path / "project")


def test_a_file_too_large_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
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
    write_project_folder(tmp_path, SALES)
    with pytest.raises(LimitExceededError, match=problem):
        build_ispac(tmp_path, limits=limits)


def test_a_file_that_could_not_be_read_again_is_not_built(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
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
    write_project_folder(tmp_path, SALES)
    path = tmp_path / "Child.dtsx"
    path.write_bytes(path.read_bytes().replace(b' DTS:ProtectionLevel="0"', b""))
    built = build_project(tmp_path)
    assert [one for one in built.warnings if one.startswith("Child.dtsx: names no protection level")]


def test_a_package_of_another_level_than_its_project_is_rejected(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
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
    packages = tuple(replace(one, protection_level=level) for one in SALES.packages)
    write_project_folder(tmp_path, replace(SALES, protection_level=level, packages=packages), configurations=settings_)
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


def test_a_built_file_equals_one_made_by_code(tmp_path: Path) -> None:
    write_project_folder(tmp_path, SALES)
    assert read_ispac(build_ispac(tmp_path)) == read_ispac(write_ispac(SALES))
