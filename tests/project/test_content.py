"""Two project files are compared by content, however they were packed and written."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from airflow_provider_ssis.project.archive import archive_of
from airflow_provider_ssis.project.build import build_ispac
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError
from airflow_provider_ssis.project.ispac import open_ispac
from airflow_provider_ssis.project.limits import Limits
from tests.support.ssis_projects import (
    connection,
    data_flow,
    ispac_parts,
    make_project,
    package,
    parameter,
    write_ispac,
    write_project_folder,
    zip_of,
)

SAMPLE = make_project(
    "Sales",
    [
        package("Load Sales.dtsx", data_flow("Orders"), parameters=[parameter("BatchSize", "Int32", 500)]),
        package("Child.dtsx", entry_point=False),
    ],
    [parameter("Region", value="north"), parameter("CM.Mart.ServerName", value="mart")],
    [connection("Mart", "Data Source=mart;")],
)


def hash_with(parts: dict[str, bytes]) -> str:
    return content_hash(zip_of({**ispac_parts(SAMPLE), **parts}))


def test_packing_makes_no_difference() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in reversed(ispac_parts(SAMPLE).items()):
            archive.writestr(name.replace(" ", "%20"), data)
    assert content_hash(buffer.getvalue()) == content_hash(write_ispac(SAMPLE))


@pytest.mark.parametrize(
    "same",
    [
        b'<p:a xmlns:p="u" b="1" c="2"><p:d/></p:a>',
        b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<p:a c="2" b="1"  xmlns:p="u">\r\n<p:d></p:d></p:a>',
        b'<!-- note --><a xmlns="u" c="2" b="1">\n  <d/>\n</a>\n',
        '<?xml version="1.0" encoding="utf-16"?><p:a xmlns:p="u" b="1" c="2"><p:d/></p:a>'.encode("utf-16"),
        b'<p:a xmlns:p="u" xmlns:unused="v" b="1" c="2"><p:d> </p:d></p:a>',
    ],
)
def test_how_xml_is_written_makes_no_difference(same: bytes) -> None:
    assert hash_with({"Mart.conmgr": same}) == hash_with({"Mart.conmgr": b'<a xmlns="u" b="1" c="2"><d/></a>'})


@pytest.mark.parametrize(
    "different",
    [
        b'<a xmlns="u" b="1" c="3"><d/></a>',
        b'<a xmlns="u" b="1" c="2" e=""><d/></a>',
        b'<a xmlns="v" b="1" c="2"><d/></a>',
        b'<a xmlns="u" b="1" c="2"/>',
        b'<a xmlns="u" b="1" c="2"><d/><d/></a>',
        b'<a xmlns="u" b="1" c="2"><d><d/></d></a>',
        b'<a xmlns="u" b="1" c="2"><d/>x</a>',
        b'<a xmlns="u" b="1" c="2"><d>x</d></a>',
        b'<a xmlns="u" b="1" c="2">x<d/></a>',
        b'<a xmlns="u" b="1" c="2"><d xml:space="preserve"> </d></a>',
        b"not XML",
    ],
)
def test_content_makes_a_difference(different: bytes) -> None:
    assert hash_with({"Mart.conmgr": different}) != hash_with({"Mart.conmgr": b'<a xmlns="u" b="1" c="2"><d/></a>'})


def test_the_same_texts_in_other_places_make_a_difference() -> None:
    documents = [b"<a><b>c</b></a>", b"<a><b/>c</a>", b"<a>b<c/></a>", b"<a>bc</a>", b'<a b="c"/>', b"<ab>c</ab>"]
    assert len({hash_with({"Mart.conmgr": document}) for document in documents}) == len(documents)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "other"},
        {"parameters": (parameter("Region", value="south"), *SAMPLE.parameters[1:])},
        {"packages": SAMPLE.packages[:1]},
        {"packages": (SAMPLE.packages[0], replace(SAMPLE.packages[1], version_build=1))},
    ],
)
def test_the_hash_changes_with_the_project(change: dict[str, object]) -> None:
    changed = replace(SAMPLE, **change)  # type: ignore[arg-type]  # fields of different types
    assert content_hash(write_ispac(changed)) != content_hash(write_ispac(SAMPLE))


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\x00", b"<unfinished", b"<!DOCTYPE a><a/>", b"<a>" * 300 + b"</a>" * 300]
)
def test_a_part_that_is_not_xml_has_a_stable_hash(data: bytes) -> None:
    first = hash_with({"notes.bin": data})
    assert first == hash_with({"notes.bin": data})
    assert first != hash_with({"notes.bin": data + b"x"})
    assert first != hash_with({})


def test_a_file_that_is_not_an_archive_has_no_hash() -> None:
    with pytest.raises(InvalidArchiveError):
        content_hash(b"PK")
    with pytest.raises(LimitExceededError):
        content_hash(write_ispac(SAMPLE), limits=Limits(parts=1))


# --- Visual Studio's build


def as_visual_studio_builds(folder: Path, target_server_version: int | None) -> bytes:
    """Return the project file that Visual Studio builds from a folder, by the facts known about its output.

    The manifest has CRLF, no XML declaration and the target server version; the content types have a byte order mark;
    files have a byte order mark and CRLF; attributes are in another order.
    """
    parts = dict(open_ispac(build_ispac(folder)).parts)
    manifest = parts.pop("@Project.manifest").decode()
    manifest = re.sub(r'\s*<SSIS:Property SSIS:Name="TargetServerVersion">\d+</SSIS:Property>', "", manifest)
    if target_server_version is not None:
        manifest = manifest.replace(
            '<SSIS:Property SSIS:Name="FormatVersion">',
            f'<SSIS:Property SSIS:Name="TargetServerVersion">{target_server_version}</SSIS:Property>'
            '<SSIS:Property SSIS:Name="FormatVersion">',
        )
    content_types = parts.pop("[Content_Types].xml")
    written = {}
    for name, data in parts.items():
        root = etree.fromstring(data)
        for element in root.iter(etree.Element):
            attributes = sorted(element.attrib.items(), reverse=True)
            element.attrib.clear()
            element.attrib.update(attributes)
        text = etree.tostring(root, encoding="unicode")
        written[name] = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n' + text.replace("\n", "\r\n").encode()
    written["@Project.manifest"] = re.sub(r">\s*<", ">\r\n<", manifest).encode()
    written["[Content_Types].xml"] = b"\xef\xbb\xbf" + content_types.replace(b" />", b"/>")
    return archive_of(written)


@pytest.mark.parametrize("target", [None, ("SQLServer2019", 150), ("SQLServer2025", 170)])
def test_visual_studios_build_has_the_same_hash(tmp_path: Path, target: tuple[str, int] | None) -> None:
    path = write_project_folder(tmp_path, SAMPLE)
    if target is not None:
        option = f"<OutputPath>bin</OutputPath><TargetServerVersion>{target[0]}</TargetServerVersion>".encode()
        path.write_bytes(path.read_bytes().replace(b"<OutputPath>bin</OutputPath>", option))
    theirs = as_visual_studio_builds(tmp_path, target and target[1])
    ours = build_ispac(tmp_path)
    assert theirs != ours
    assert content_hash(theirs) == content_hash(ours)
