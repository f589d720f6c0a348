"""Text as a value of type xml. Facts: Microsoft Learn, "Create instances of XML data", "Serialization of XML data"."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.xml_parsing import decoded, parsed

TEXTS = [
    ("", ""),
    ("text", "text"),
    ("text<b/>more", "text<b/>more"),
    ("<a/><b></b>", "<a/><b/>"),
    ("<a  b='1' ></a >", '<a b="1"/>'),
    ("<a> <b> x </b>\n</a>", "<a><b> x </b></a>"),
    ('<a xml:space="preserve"> <b/> </a>', '<a xml:space="preserve"> <b/> </a>'),
    ('<?xml version="1.0" encoding="utf-8"?>\n<a/>', "<a/>"),
    ("<a><![CDATA[<x> & y]]></a>", "<a>&lt;x&gt; &amp; y</a>"),
    ("<a b='\"&amp;&#10;&lt;'>&gt;é€</a>", '<a b="&quot;&amp;&#x0A;&lt;">&gt;é€</a>'),
    ("<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE b>]]></a>", "<!-- <!DOCTYPE a> --><a>&lt;!DOCTYPE b&gt;</a>"),
    ("<a><!-- c --><?p q?></a>", "<a><!-- c --><?p q?></a>"),
    ('<a xmlns="u" xmlns:p="v"><p:b p:c="1"/><d xmlns=""/></a>',) * 2,
    ('<a xml:lang="en"/>',) * 2,
]
ERRORS = [
    ("<a>", 9400, "line 1, character 3"),
    ("\n<a>\n<b></a>", 9436, "line 3, character"),
    ("</a>", 9400, "line 1, character 4"),
    ("<a>&nbsp;</a>", 9448, "line 1"),
    ('<a b="1" b="2"/>', 9437, "line 1"),
    ("<p:a/>", 9459, "line 1"),
    ("<1/>", 9455, "line 1"),
    ("a & b", 9455, "line 1"),
    ("\x01", 9420, "line 1"),
    ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 6359, "DTD"),
    ("<!-- b --><?c d?>\n<!DOCTYPE a><a/>", 6359, "DTD"),
    ("<a>" * 129 + "</a>" * 129, 6335, "128"),
    ("<a>" * 3000 + "</a>" * 3000, 6335, "128"),
]


@pytest.mark.parametrize(("text", "xml"), TEXTS)
def test_texts(text: str, xml: str) -> None:
    assert parsed(text, is_unicode=False) == xml
    assert parsed(xml, is_unicode=True) == xml


@pytest.mark.parametrize(("text", "number", "part"), ERRORS, ids=[str(each[1]) for each in ERRORS])
def test_errors(text: str, number: int, part: str) -> None:
    with pytest.raises(SqlError) as raised:
        parsed(text, is_unicode=False)
    assert raised.value.number == number
    assert part in raised.value.text


def test_nvarchar_has_no_encoding_of_bytes() -> None:
    with pytest.raises(SqlError) as raised:
        parsed('<?xml version="1.0" encoding="utf-8"?><a/>', is_unicode=True)
    assert raised.value.number == 9402
    assert parsed('<?xml version="1.0" encoding="UTF-16"?><a/>', is_unicode=True) == "<a/>"


def test_styles_keep_space_and_refuse_a_dtd() -> None:
    assert parsed("<a> <b/> </a>", is_unicode=False, style=1) == "<a> <b/> </a>"
    with pytest.raises(SqlError) as raised:
        parsed("<!DOCTYPE a []><a/>", is_unicode=False, style=2)
    assert raised.value.number == 40514
    with pytest.raises(SqlError):
        parsed("<a/>", is_unicode=False, style=4)


def test_bytes_have_a_mark_or_are_utf_8() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decoded("<a>é</a>".encode(encoding)) == "<a>é</a>"
    with pytest.raises(SqlError):
        decoded(b"<a>\xff</a>")
