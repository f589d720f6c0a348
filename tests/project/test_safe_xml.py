"""XML from strangers is read without entities, external references or unbounded work."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.limits import Limits
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from pathlib import Path

BILLION_LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True))
    + "]><lolz>&j;</lolz>"
)


def test_a_document_becomes_its_root_element() -> None:
    root = parse_xml(b'<a b="1"><c>text</c></a>', "Load.dtsx")
    assert (root.tag, root.get("b"), root.findtext("c")) == ("a", "1", "text")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf<a>\xc3\xa9</a>",
        b'<?xml version="1.0"?>\r\n<a>\xc3\xa9</a>',
        b'<?xml version="1.0" encoding="windows-1252"?><a>\xe9</a>',
        '<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"),
    ],
    ids=["byte order mark", "declaration", "windows-1252", "utf-16"],
)
def test_encodings_of_windows_tools_are_read(data: bytes) -> None:
    assert parse_xml(data, "Project.params").text == "é"


def test_entities_that_multiply_are_refused_before_they_do() -> None:
    tracemalloc.start()
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(BILLION_LAUGHS.encode(), "Load.dtsx")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_external_entities_are_refused(tmp_path: Path, scheme: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("never shown")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{scheme}://{secret}">]><a>&x;</a>'
    with pytest.raises(InvalidPartError) as caught:
        parse_xml(document.encode(), "Load.dtsx")
    assert caught.value.part == "Load.dtsx"
    assert caught.value.line == 1
    assert "never shown" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a SYSTEM 'http://localhost/a.dtd'><a/>",
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
    ],
    ids=["external", "bare", "parameter entity"],
)
def test_any_document_type_is_refused(document: str) -> None:
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(document.encode(), "Load.dtsx")
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(f'<?xml version="1.0" encoding="utf-16"?>{document}'.encode("utf-16"), "Load.dtsx")


def test_an_undeclared_entity_is_refused() -> None:
    with pytest.raises(InvalidPartError):
        parse_xml(b"<a>&secret;</a>", "Load.dtsx")


def test_deep_nesting_is_refused_with_its_line() -> None:
    document = b"\n".join([b"<a>"] * 300 + [b"</a>"] * 300)
    with pytest.raises(LimitExceededError, match="deeper than 200 levels") as caught:
        parse_xml(document, "Load.dtsx")
    assert caught.value.line == 201


def test_nesting_of_a_million_levels_harms_nobody() -> None:
    with pytest.raises(LimitExceededError, match="deeper"):
        parse_xml(b"<a>" * 1_000_000, "Load.dtsx")


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="more than 10 elements"):
        parse_xml(b"<a>" + b"<b/>" * 10 + b"</a>", "Load.dtsx", limits=Limits(xml_elements=10))


def test_too_many_attributes_are_refused() -> None:
    """Comparing a hundred thousand attributes with each other would take minutes."""
    attributes = " ".join(f'a{number}=""' for number in range(100_000))
    with pytest.raises(LimitExceededError, match="more than 1000 attributes"):
        parse_xml(f"<a {attributes}/>".encode(), "Load.dtsx")


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="MiB allowed"):
        parse_xml(b"<a>" + b" " * 100 + b"</a>", "Load.dtsx", limits=Limits(part_bytes=100))


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b"<a></b>", b"no xml", b"<a>\xff</a>", b"<x:a/>", b"\x00" * 10, b'<?xml encoding="nope"?><a/>'],
)
def test_what_is_not_well_formed_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InvalidPartError) as caught:
        parse_xml(data, "Load.dtsx")
    assert str(caught.value).startswith("Load.dtsx")
    assert "take it from its source again" in str(caught.value)


def test_a_script_of_more_than_ten_megabytes_is_no_attack() -> None:
    """Compiled scripts stand in packages as one long text."""
    text = b"QUFB" * (3 * 2**20)
    assert len(parse_xml(b"<a>" + text + b"</a>", "Load.dtsx").text or "") == len(text)


def test_comments_and_sections_are_kept_for_writing_again_only() -> None:
    document = b"<a><!-- why --><![CDATA[<layout/>]]></a>"
    assert len(parse_xml(document, "Load.dtsx")) == 0
    kept = parse_xml(document, "Load.dtsx", keep_all=True)
    assert len(kept) == 1
