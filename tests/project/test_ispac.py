"""Project files are read as written, and damage gives an error that names the part."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.archive import archive_of
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import InvalidArchiveError, InvalidPartError, ProjectError
from airflow_provider_ssis.project.ispac import open_ispac, read_ispac
from tests.support.project_strategies import damaged, projects
from tests.support.ssis_projects import (
    connection,
    data_flow,
    event_handler,
    execute_package,
    ispac_parts,
    make_ispac,
    make_project,
    on_failure,
    on_success,
    package,
    parameter,
    sequence,
    task,
    write_ispac,
    zip_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ssis.project.models import Project

SAMPLE = make_project(
    "Sales",
    [
        package(
            "Load Sales.dtsx",
            task("Truncate"),
            sequence("Copy", data_flow("Orders"), execute_package("Child", "Child.dtsx")),
            constraints=[on_success("Truncate", "Copy")],
            parameters=[parameter("CM.Local.Password", sensitive=True), parameter("BatchSize", "Int32", 500)],
            event_handlers=[
                event_handler("OnError", task("Log"), task("Mail"), constraints=[on_failure("Log", "Mail")])
            ],
        ),
        package("Child.dtsx", entry_point=False),
    ],
    [parameter("Region", value="north"), parameter("CM.Mart.ServerName", value="mart")],
    [connection("Mart", "Data Source=mart;")],
)


@given(projects())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@pytest.mark.slow
def test_what_a_project_holds_is_read_from_its_file(project: Project) -> None:
    assert read_ispac(write_ispac(project)) == project


def test_a_project_is_read_from_bytes_path_and_file(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(write_ispac(SAMPLE))
    with path.open("rb") as file:
        assert read_ispac(file) == read_ispac(path) == read_ispac(path.read_bytes()) == SAMPLE


def with_large_package(end: bytes) -> dict[str, bytes]:
    """The parts of the sample; its first package has five megabytes of text before an end."""
    parts = ispac_parts(SAMPLE)
    name = next(name for name in parts if name.endswith(".dtsx"))
    before, mark, after = parts[name].rpartition(b"</")
    return {**parts, name: before + b"<Script>" + Random(1).randbytes(2_500_000).hex().encode() + end + mark + after}


def test_a_large_package_is_read_as_a_small_one() -> None:
    assert read_ispac(archive_of(with_large_package(b"</Script>"))) == SAMPLE


@pytest.mark.parametrize("end", [b"", b"</Script>\xff"], ids=["not well-formed", "not UTF-8"])
def test_a_large_package_that_is_damaged_is_reported_as_a_small_one(end: bytes) -> None:
    with pytest.raises(InvalidPartError, match=r"\.dtsx.* is not well-formed XML"):
        read_ispac(archive_of(with_large_package(end)))


def test_a_large_package_must_match_its_checksum() -> None:
    data = archive_of(with_large_package(b"</Script>"))
    [entry] = [info for info in zipfile.ZipFile(io.BytesIO(data)).infolist() if info.file_size > 5_000_000]
    checksum = entry.CRC.to_bytes(4, "little")
    with pytest.raises(InvalidArchiveError, match="checksum"):
        read_ispac(data.replace(checksum, bytes(4)))


def test_raw_parts_are_available() -> None:
    opened = open_ispac(write_ispac(SAMPLE))
    assert opened.project == SAMPLE
    assert opened.parts == ispac_parts(SAMPLE)


def test_a_package_is_found_without_case() -> None:
    project = read_ispac(write_ispac(SAMPLE))
    assert project.package("load sales.DTSX") == project.packages[0]
    assert project.package("Other.dtsx") is None


@pytest.mark.parametrize("missing", ["@Project.manifest", "[Content_Types].xml", "Child.dtsx", "Mart.conmgr"])
def test_a_missing_part_is_named(missing: str) -> None:
    parts = ispac_parts(SAMPLE)
    del parts[missing]
    with pytest.raises(InvalidArchiveError) as caught:
        read_ispac(zip_of(parts))
    assert caught.value.part == missing
    assert (
        str(caught.value) == f"{missing} is missing in the project file. Build the project file again from its source"
    )


def test_names_of_parts_are_compared_without_case() -> None:
    parts = ispac_parts(SAMPLE)
    parts["CHILD.DTSX"] = parts.pop("Child.dtsx")
    assert read_ispac(zip_of(parts)) == SAMPLE


@pytest.mark.parametrize(
    ("part", "old", "new", "problem"),
    [
        ("@Project.manifest", b"SSIS:Project ", b"SSIS:Other ", "is not a project manifest|not well-formed"),
        ("@Project.manifest", b'Name="Name">Sales<', b'Name="Name"> <', "has no name for the project"),
        ("@Project.manifest", b"DontSaveSensitive", b"Wrong", "the unknown protection level 'Wrong'"),
        ("@Project.manifest", b'"ProtectionLevel">0<', b'"ProtectionLevel">9<', "the unknown protection level 9"),
        (
            "@Project.manifest",
            b'"VersionMajor">1<',
            b'"VersionMajor">one<',
            "the property VersionMajor of the project is .one.",
        ),
        ("@Project.manifest", b'SSIS:Name="Child.dtsx"', b'SSIS:Name="../Child.dtsx"', "not the name of a .dtsx file"),
        ("@Project.manifest", b'SSIS:Name="Child.dtsx"', b'SSIS:Name="load sales.dtsx"', "lists load sales.dtsx twice"),
        ("@Project.manifest", b'"DataType">9<', b'"DataType">99<', "parameter BatchSize has the unknown data type 99"),
        (
            "@Project.manifest",
            b'"Value">500<',
            b'"Value">many<',
            "parameter BatchSize has a value that is not valid for its type Int32: not a whole number",
        ),
        ("@Project.manifest", b'"BatchSize"', b'"CM.Local.Password"', "contains the parameter CM.Local.Password twice"),
        ("Project.params", b'SSIS:Name="Region"', b'SSIS:Name=""', "a parameter without a name"),
        ("Project.params", b"SSIS:Parameters", b"SSIS:Others", "is not a list of parameters"),
        ("Mart.conmgr", b"DTS:ConnectionManager", b"DTS:Other", "is not a connection manager"),
        ("Mart.conmgr", b'DTS:ObjectName="Mart"', b"", "a connection manager without a name"),
        ("Child.dtsx", b"</DTS:Executable>", b"", "not well-formed"),
    ],
)
def test_a_broken_part_is_named_with_what_is_wrong(part: str, old: bytes, new: bytes, problem: str) -> None:
    parts = ispac_parts(SAMPLE)
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with pytest.raises(InvalidPartError, match=problem) as caught:
        read_ispac(zip_of(parts))
    assert caught.value.part == part
    assert str(caught.value).startswith(part)


def test_a_package_without_metadata_in_the_manifest_is_rejected() -> None:
    parts = ispac_parts(SAMPLE)
    parts["@Project.manifest"] = parts["@Project.manifest"].replace(
        b'PackageMetaData SSIS:Name="Child.dtsx"', b'PackageMetaData SSIS:Name="Missing.dtsx"'
    )
    with pytest.raises(InvalidPartError, match=r"lists the package Child\.dtsx, but has no PackageMetaData for it"):
        read_ispac(zip_of(parts))


def test_no_error_and_no_repr_shows_the_value_of_a_sensitive_parameter() -> None:
    plain = make_project("Sales", parameters=[parameter("Key", "Int32", 4711, sensitive=True)])
    project = read_ispac(write_ispac(plain))
    assert project.parameters[0].value == 4711
    assert "4711" not in repr(project)
    parts = ispac_parts(plain)
    parts["Project.params"] = parts["Project.params"].replace(b"4711", b"hunter2")
    with pytest.raises(InvalidPartError) as caught:
        read_ispac(zip_of(parts))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "mark",
    ['SSIS:Sensitive="1" SSIS:Salt="AAAA" SSIS:IV="AAAA">AAAA', 'SSIS:Sensitive="1">AQAAANCMnd8BFdERjHoAwE/Cl+s'],
)
def test_an_encrypted_value_is_read_as_none(mark: str) -> None:
    parts = ispac_parts(make_project("Sales", parameters=[parameter("Key", value="open", sensitive=True)]))
    parts["Project.params"] = parts["Project.params"].replace(b'"Value">open', f'"Value" {mark}'.encode())
    assert read_ispac(zip_of(parts)).parameters[0].value is None


def test_empty_properties_of_pretty_printed_manifests_are_empty() -> None:
    parts = ispac_parts(make_project("Sales", parameters=[parameter("A", value="x"), parameter("B", value="y")]))
    parts["Project.params"] = parts["Project.params"].replace(b">x<", b">\r\n          <").replace(b">y<", b">  <")
    parts["@Project.manifest"] = parts["@Project.manifest"].replace(
        b'SSIS:Name="Description"/>', b'SSIS:Name="Description">\n  </SSIS:Property>'
    )
    project = read_ispac(zip_of(parts))
    assert project.description == ""
    assert [parameter.value for parameter in project.parameters] == ["", ""]


def test_a_package_encrypted_as_a_whole_has_a_note() -> None:
    parts = ispac_parts(SAMPLE)
    parts["Child.dtsx"] = (
        b'<EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element" Salt="A" IV="B" '
        b'xmlns="http://www.w3.org/2001/04/xmlenc#"><CipherData><CipherValue>AAAA</CipherValue></CipherData></EncryptedData>'
    )
    child = read_ispac(zip_of(parts)).packages[1]
    assert child.control_flow is None
    assert child.note == "Child.dtsx is encrypted as a whole; its control flow cannot be read without its key"


def test_the_same_calls_make_the_same_file() -> None:
    assert make_ispac("Sales", [package("A.dtsx", task("T"))]) == make_ispac("Sales", [package("A.dtsx", task("T"))])


# --- damage


@given(data=st.data())
@settings(max_examples=300, deadline=None)
@pytest.mark.slow
def test_damage_to_the_archive_gives_a_project_error(data: st.DataObject) -> None:
    ispac = data.draw(damaged(write_ispac(SAMPLE)))
    _only_project_errors(ispac)


@given(data=st.data())
@settings(max_examples=500, deadline=None)
@pytest.mark.slow
def test_damage_to_a_part_gives_a_project_error(data: st.DataObject) -> None:
    parts = ispac_parts(SAMPLE)
    name = data.draw(st.sampled_from(sorted(parts)))
    parts[name] = data.draw(damaged(parts[name]))
    _only_project_errors(zip_of(parts))


def _only_project_errors(ispac: bytes) -> None:
    for read in (read_ispac, content_hash):
        try:
            read(ispac)
        except ProjectError as error:
            assert str(error)  # noqa: PT017 - damage may also leave the project readable


def test_a_damaged_file_is_named_and_its_error_survives_pickling(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(b"PK")
    with pytest.raises(ProjectError) as caught:
        read_ispac(path)
    assert str(caught.value).startswith(f"{path}: the project file cannot be read as a zip archive")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 our own bytes


# --- previews of SQL Server 2012


def test_a_project_file_without_parameters_has_none() -> None:
    parts = ispac_parts(SAMPLE)
    del parts["Project.params"]
    assert [one.name for one in read_ispac(zip_of(parts)).parameters] == ["CM.Mart.ServerName"]


def test_parameters_in_the_manifest_are_read() -> None:
    parts = ispac_parts(SAMPLE)
    declared = parts.pop("Project.params").partition(b"?>")[2]
    parts["@Project.manifest"] = parts["@Project.manifest"].replace(b"</SSIS:Project>", declared + b"</SSIS:Project>")
    assert read_ispac(zip_of(parts)) == SAMPLE


def test_package_format_5_is_read() -> None:
    project = replace(SAMPLE, packages=tuple(replace(one, format_version=5) for one in SAMPLE.packages))
    assert read_ispac(write_ispac(project)) == project


# --- connection strings


@pytest.mark.parametrize(
    "inner",
    [
        '<DTS:ConnectionManager DTS:ConnectionString="a=1;"/>',
        '<SmtpConnectionManager ConnectionString="a=1;"/>',
        '<DTS:ConnectionManager><DTS:Property DTS:Name="ConnectionString">a=1;</DTS:Property></DTS:ConnectionManager>',
        "<Vendor><ConnectionString>a=1;</ConnectionString></Vendor>",
        "<Vendor xmlns='urn:vendor'><Settings><ConnectionString>a=1;</ConnectionString></Settings></Vendor>",
        "<ConnectionString>a=1;</ConnectionString>",
    ],
)
def test_connection_strings_are_read_wherever_a_connection_manager_keeps_them(inner: str) -> None:
    parts = ispac_parts(SAMPLE)
    manager = re.sub(
        r"(?s)<DTS:ObjectData>.*</DTS:ObjectData>",
        f"<DTS:ObjectData>{inner}</DTS:ObjectData>",
        parts["Mart.conmgr"].decode(),
    )
    parts["Mart.conmgr"] = manager.encode()
    assert read_ispac(zip_of(parts)).connection_managers[0].connection_string == "a=1;"


def test_a_project_without_packages_is_read() -> None:
    assert read_ispac(write_ispac(replace(SAMPLE, packages=()))).packages == ()
