"""The canonical form of SSIS files: the same content, the same text, and nothing that SSIS reads is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.comparison.canonical import canonical
from airflow_provider_ssis.project.safe_xml import parse_xml
from tests.support.dtsx_text import package_text
from tests.support.places import SHARED
from tests.support.xml_strategies import documents

SUFFIXES = (".dtsx", ".conmgr", ".params", ".dtproj", ".dtsConfig")
FILES = [path for path in sorted(SHARED.rglob("*")) if path.suffix in SUFFIXES] if SHARED.is_dir() else []


def content(data: bytes) -> bytes:
    """What SSIS reads from a file."""
    return etree.tostring(parse_xml(data, "A"), method="c14n2")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_files_keep_their_content(path: Path) -> None:
    data = path.read_bytes()
    new = canonical(data, path.name)
    assert content(new) == content(data)
    assert canonical(new, path.name) == new


@given(documents("Root"))
@settings(max_examples=100, deadline=None)
def test_any_document_keeps_its_content(data: bytes) -> None:
    try:
        before = content(data)
    except Exception:  # noqa: BLE001 what cannot be read is tested elsewhere
        return
    new = canonical(data, "A")
    assert content(new) == before
    assert canonical(new, "A") == new


def test_order_and_line_breaks_of_attributes_make_no_difference() -> None:
    one = b'<a xmlns:x="u" x:refId="r" b="1" a="2"><c/></a>'
    other = b'<a b="1"\r\n  a="2"   x:refId="r"   xmlns:x="u">\r\n\t<c></c></a>'
    assert canonical(one, "A") == canonical(other, "A")
    assert canonical(one, "A").decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<a\n  xmlns:x="u"\n  x:refId="r"\n  a="2"\n  b="1">\n  <c />\n</a>\n'
    )


@pytest.mark.parametrize(
    "inner",
    [
        "<b>two\nlines &amp; &lt;more&gt;</b>",
        '<b c="&#xD;&#xA;&#x9;&quot;&lt;"/>',
        '<b xml:space="preserve">  </b>',
        '<b xml:space="preserve"> <c/> </b>',
        "<b><![CDATA[<x> & \n]]></b>",
        "<b><![CDATA[ ]]></b>",
        "<b>text<c/>more</b>",
        "<b>&#xD;&#xA;x</b>",
        "<!-- kept --><b/><?kept x?>",
        '<b xmlns="other"><c xmlns=""/></b>',
    ],
)
def test_values_are_kept(inner: str) -> None:
    data = f"<a>{inner}</a>".encode()
    new = canonical(data, "A")
    assert content(new) == content(data)
    assert canonical(new, "A") == new
    assert (b"<![CDATA[" in data) == (b"<![CDATA[" in new)
    assert (b"kept" in data) == (b"kept" in new)


def test_layout_and_machine_names_are_removed_on_request() -> None:
    data = package_text(
        "<DTS:Variables/><DTS:DesignTimeProperties><![CDATA[<x/>]]></DTS:DesignTimeProperties>",
        'DTS:CreatorName="PC\\me" DTS:CreatorComputerName="PC" DTS:CreationDate="1/1/2020"',
    )
    old = package_text(
        '<DTS:Property DTS:Name="CreatorName">PC\\me</DTS:Property><DTS:PackageVariable/><DTS:Property DTS:Name="X">1'
        "</DTS:Property>"
    )
    for each in (data, old):
        new = canonical(each, "A", layout=False, machine=False)
        assert not any(word in new for word in (b"Creat", b"PC", b"Design", b"PackageVariable"))
        assert new != canonical(each, "A")
    assert b"<DTS:Variables />" in canonical(data, "A", layout=False)


def test_the_command_formats_files_and_checks_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package_text("<DTS:Variables></DTS:Variables>"))
    (tmp_path / "notes.txt").write_text("text")
    assert main(["fmt", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out == f"would format {path}\n"
    assert main(["fmt", str(tmp_path)]) == 0
    assert path.read_bytes() == canonical(path.read_bytes(), "Load.dtsx")
    assert main(["fmt", str(tmp_path), "--check"]) == 0
    assert main(["fmt", str(tmp_path / "notes.txt")]) == 2
    path.write_text("<broken")
    assert main(["fmt", str(path)]) == 2


def test_signed_and_broken_files_stay_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {
        "a.dtsx": package_text('<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'),
        "b.dtsx": b"<broken",
        "c.dtsx": package_text("<DTS:Variables></DTS:Variables>"),
    }
    for name, data in texts.items():
        (tmp_path / name).write_bytes(data)
    assert main(["fmt", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == f"formatted {tmp_path / 'c.dtsx'}\n"
    assert "digital signature" in printed.err
    assert "2 files cannot be formatted" in printed.err
    assert {name for name, data in texts.items() if (tmp_path / name).read_bytes() == data} == {"a.dtsx", "b.dtsx"}
