"""XML from untrusted sources is parsed without entities, external references or unbounded work."""

from __future__ import annotations

import re
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.limits import Limits
from airflow_provider_ssis.project.safe_xml import drop_white_space, parse_xml, parse_xml_pieces

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


def test_entities_that_multiply_are_rejected_before_they_are_expanded() -> None:
    tracemalloc.start()
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(BILLION_LAUGHS.encode(), "Load.dtsx")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_external_entities_are_rejected(tmp_path: Path, scheme: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not to be read")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{scheme}://{secret}">]><a>&x;</a>'
    with pytest.raises(InvalidPartError) as caught:
        parse_xml(document.encode(), "Load.dtsx")
    assert caught.value.part == "Load.dtsx"
    assert caught.value.line == 1
    assert "not to be read" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a SYSTEM 'http://localhost/a.dtd'><a/>",
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
    ],
    ids=["external", "bare", "parameter entity"],
)
def test_any_document_type_is_rejected(document: str) -> None:
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(document.encode(), "Load.dtsx")
    with pytest.raises(InvalidPartError, match="document type declaration"):
        parse_xml(f'<?xml version="1.0" encoding="utf-16"?>{document}'.encode("utf-16"), "Load.dtsx")


def test_an_undeclared_entity_is_rejected() -> None:
    with pytest.raises(InvalidPartError):
        parse_xml(b"<a>&secret;</a>", "Load.dtsx")


def test_deep_nesting_is_rejected_with_its_line() -> None:
    document = b"\n".join([b"<a>"] * 300 + [b"</a>"] * 300)
    with pytest.raises(LimitExceededError, match="deeper than the limit of 200 levels") as caught:
        parse_xml(document, "Load.dtsx")
    assert caught.value.line == 201


def test_a_million_nested_elements_are_rejected() -> None:
    with pytest.raises(LimitExceededError, match="deeper"):
        parse_xml(b"<a>" * 1_000_000, "Load.dtsx")


def test_too_many_elements_are_rejected() -> None:
    with pytest.raises(LimitExceededError, match="more elements than the limit of 10"):
        parse_xml(b"<a>" + b"<b/>" * 10 + b"</a>", "Load.dtsx", limits=Limits(xml_elements=10))


def test_too_many_attributes_are_rejected() -> None:
    """Comparing a hundred thousand attributes with each other would take minutes."""
    attributes = " ".join(f'a{number}=""' for number in range(100_000))
    with pytest.raises(LimitExceededError, match="more attributes than the limit of 1000"):
        parse_xml(f"<a {attributes}/>".encode(), "Load.dtsx")


def test_too_many_bytes_are_rejected() -> None:
    with pytest.raises(LimitExceededError, match="more than the limit of"):
        parse_xml(b"<a>" + b" " * 100 + b"</a>", "Load.dtsx", limits=Limits(part_bytes=100))


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b"<a></b>", b"no xml", b"<a>\xff</a>", b"<x:a/>", b"\x00" * 10],
)
def test_a_part_that_is_not_well_formed_is_named(data: bytes) -> None:
    with pytest.raises(InvalidPartError) as caught:
        parse_xml(data, "Load.dtsx")
    assert str(caught.value).startswith("Load.dtsx")
    assert "restore it from its source" in str(caught.value)


def test_a_text_of_more_than_ten_megabytes_is_read() -> None:
    """A package contains each compiled script as one long text."""
    text = b"QUFB" * (3 * 2**20)
    assert len(parse_xml(b"<a>" + text + b"</a>", "Load.dtsx").text or "") == len(text)


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("gb2312", "gbk", "中文數據"),  # Windows reads gb2312 as its superset
        ("GBK", "gbk", "中文"),
        ("gb18030", "gb18030", "中文𠀀"),
        ("big5", "cp950", "繁體"),
        ("shift_jis", "cp932", "日本語①"),
        ("euc-jp", "euc-jp", "日本語"),
        ("iso-2022-jp", "iso-2022-jp", "日本語"),
        ("euc-kr", "cp949", "한국어"),
        ("ks_c_5601-1987", "cp949", "한국어"),
        ("windows-1251", "cp1251", "Привет"),
        ("koi8-r", "koi8-r", "Привет"),
        ("iso-8859-15", "iso-8859-15", "€"),
        ("ibm850", "cp850", "é"),
        ("us-ascii", "ascii", "plain"),
        ("UTF-8", "utf-8", "日本語"),
    ],
)
def test_single_byte_and_multi_byte_encodings_are_read(declared: str, codec: str, text: str) -> None:
    document = f'<?xml version="1.0" encoding="{declared}"?>\n<a b="{text}">{text}</a>'.encode(codec)
    root = parse_xml(document, "Load.dtsx")
    assert (root.text, root.get("b")) == (text, text)
    written = etree.tostring(parse_xml(document, "Load.dtsx", keep_all=True), encoding="utf-8", xml_declaration=True)
    assert parse_xml(written, "Load.dtsx").text == text


def test_a_byte_order_mark_wins_over_the_declaration() -> None:
    document = b'\xef\xbb\xbf<?xml version="1.0" encoding="gb2312"?><a>' + "é中".encode() + b"</a>"
    assert parse_xml(document, "Load.dtsx").text == "é中"


@pytest.mark.parametrize("encoding", ["nope", "base64", "rot13", "idna", "unicode_escape", "utf-7", "x" * 50])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(InvalidPartError) as caught:
        parse_xml(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode(), "Load.dtsx")
    assert str(caught.value) == (
        f"Load.dtsx, line 1, declares the encoding {encoding!r}, which is not supported. Save the file in UTF-8"
    )


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.0"?>'])
def test_wide_encodings_are_recognised_by_their_first_bytes(codec: str, declaration: str) -> None:
    assert parse_xml(f"{declaration}<a>é中𠀀</a>".encode(codec), "Load.dtsx").text == "é中𠀀"


@pytest.mark.parametrize("encoding", ["utf-16", "UTF-32", "unicode", "ISO-10646-UCS-2"])
def test_a_wide_encoding_that_is_only_declared_is_rejected(encoding: str) -> None:
    with pytest.raises(InvalidPartError, match=f"declares the encoding '{encoding}', but is not written in it"):
        parse_xml(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode(), "Load.dtsx")


@pytest.mark.parametrize(
    "prolog",
    [
        "<!-- note -->\n<?instruction a?>\n",
        '<?xml version="1.0"?>\n<!-- <a> ?> -->\n\n',
        '<?xml version="1.0"?><?a -->?>',
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_document_type_after_anything_that_may_precede_it_is_rejected(prolog: str, codec: str) -> None:
    document = f'{prolog}<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>'.encode(codec)
    with pytest.raises(InvalidPartError, match="has a document type declaration"):
        parse_xml(document, "Load.dtsx")


def test_the_text_of_a_document_type_is_not_a_document_type() -> None:
    assert parse_xml(b"<a><![CDATA[<!DOCTYPE b>]]></a>", "Load.dtsx").text == "<!DOCTYPE b>"


@example(b"\xef\xbb\xbf", b"\xef\xbb\xbf")
@given(st.binary(max_size=40), st.sampled_from([b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>", b"<!--", b"<?a"]))
def test_no_prolog_hides_a_document_type(prolog: bytes, start: bytes) -> None:
    try:
        root = parse_xml(start + prolog + b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "Load.dtsx")
    except InvalidPartError:
        return
    assert root.getroottree().docinfo.internalDTD is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_second_byte_order_mark_is_rejected(encoding: str) -> None:
    document = '\ufeff\ufeff<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>'.encode(encoding)
    with pytest.raises(InvalidPartError, match="second byte order mark"):
        parse_xml(document, "Load.dtsx")


@pytest.mark.parametrize(("tags", "attributes"), [(150_000, 0), (10, 250_000)])
def test_large_documents_within_the_limits_are_read(tags: int, attributes: int) -> None:
    leaf = "<b " + " ".join(f'a{number}=""' for number in range(attributes // 250)) + "/>"
    document = f"<a>{'<b/>' * tags}{leaf * 250 if attributes else ''}</a>".encode()
    assert len(parse_xml(document, "Load.dtsx")) == tags + (250 if attributes else 0)


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (b"<a>\n" + b"<b>" * 200 + b"</b>" * 200 + b"</a>", 2),
        (b"<a>\n\n<b " + b" ".join(b'a%d=""' % n for n in range(1001)) + b"/></a>", 3),
    ],
    ids=["depth", "attributes"],
)
def test_small_documents_beyond_the_limits_are_rejected_with_their_line(document: bytes, line: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse_xml(document, "Load.dtsx")
    assert caught.value.line == line


def test_bytes_that_are_not_valid_in_the_declared_encoding_are_rejected_with_their_line() -> None:
    with pytest.raises(InvalidPartError, match=r"not valid in its encoding shift_jis") as caught:
        parse_xml(b'<?xml version="1.0" encoding="shift_jis"?>\n<a>\n\x81\xff</a>', "Load.dtsx")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<a>\r\n</a>", None),
        ("<a> \t</a>", None),
        ("<a>&#13;&#10;</a>", None),
        ('<a xml:space="preserve">&#13;&#10;</a>', "\r\n"),
        ('<a xml:space="default"> </a>', None),
        ("<a>\u00a0</a>", "\u00a0"),
        ("<a>\u2003</a>", "\u2003"),
        ("<a><![CDATA[ ]]></a>", " "),
        ("<a> x </a>", " x "),
        ("<a> <!-- note --> </a>", None),
    ],
)
def test_white_space_is_a_value_where_it_is_marked_only(document: str, text: str | None) -> None:
    assert parse_xml(document.encode(), "Load.dtsx").text == text


def test_the_mark_for_white_space_is_inherited() -> None:
    document = '<a xml:space="preserve"> <b> </b> <c xml:space="default"> <d> </d></c></a>'
    root = parse_xml(document.encode(), "Load.dtsx")
    b, c = root
    assert (b.text, c[0].text) == (" ", None)
    drop_white_space(root)
    assert (root.text, b.text, b.tail, c.text, c[0].text) == (" ", " ", " ", None, None)


@pytest.mark.parametrize(
    "document",
    ["<a>\n <b/>\n <c>x</c>\n</a>", "<a> <![CDATA[]]> <b/><c>x</c> </a>", "<a>&#13;\n<b/>&#32;<c>x</c>\r</a>"],
)
def test_all_white_space_between_elements_can_be_dropped(document: str) -> None:
    root = parse_xml(document.encode(), "Load.dtsx", keep_all=True)
    drop_white_space(root)
    assert (root.text or "", root[0].tail or "", root[1].tail or "") == ("", "", "")


def test_white_space_is_kept_for_writing_the_document_again() -> None:
    document = b"<a>\n  <b> </b>\n</a>"
    assert etree.tostring(parse_xml(document, "Load.dtsx", keep_all=True)) == document


def test_comments_and_cdata_sections_are_kept_on_request_only() -> None:
    document = b"<a><!-- why --><![CDATA[<layout/>]]></a>"
    assert len(parse_xml(document, "Load.dtsx")) == 0
    kept = parse_xml(document, "Load.dtsx", keep_all=True)
    assert len(kept) == 1


MIXED = re.compile(rb"(?<!<e>)(?<!<e xml:space=\"preserve\">)(?<!<e a=\"&lt;\">)<!\[CDATA\[|\]\]>(?!</)")
BLANKS = st.sampled_from(["", " ", "\n  ", " " * 400, "\r\n\t"])
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "a &amp; b",
        " ä€ ",
        "&#32;",
        "<![CDATA[ ]]>",
        "<![CDATA[" + "c < d " * 80 + "]]>",
        "<!-- c -->",
        "<?p i?>",
    ]
)
ELEMENTS = st.recursive(
    st.builds(
        "<e{0}>{1}{2}</e>".format,
        st.sampled_from(["", ' xml:space="preserve"', ' a="<"'.replace("<", "&lt;")]),
        BLANKS,
        TEXTS,
    ),
    lambda inner: st.builds(
        "<n>{0}{1}{2}{3}</n>".format, BLANKS, inner, TEXTS, st.lists(inner, max_size=3).map("\n".join)
    ),
)


@given(document=ELEMENTS, size=st.integers(1, 500), has_mark=st.booleans())
def test_a_document_in_pieces_is_the_same_as_the_whole(document: str, size: int, has_mark: bool) -> None:
    data = b"\xef\xbb\xbf" * has_mark + b'<?xml version="1.0"?>\n' + document.encode()
    found = parse_xml_pieces([data[:40], *(data[at : at + size] for at in range(40, len(data), size))], "P.dtsx")
    if found is None:
        assert MIXED.search(data)  # the white space around such a section depends on the pieces
        return
    assert [(e.tag, e.text, e.tail, dict(e.attrib)) for e in found.iter()] == [
        (e.tag, e.text, e.tail, dict(e.attrib)) for e in parse_xml(data, "P.dtsx").iter()
    ]


@pytest.mark.parametrize(
    "data",
    [
        '<?xml version="1.0" encoding="windows-1252"?><a>\xe4</a>'.encode("cp1252"),
        "<a>ä</a>".encode("utf-16"),
        b"<a><b></a>",
        b"<a>" * 200 + b"</a>" * 200,
        b"<a" + b"".join(b' x%d="1"' % number for number in range(3000)) + b"/>",
        b"<!-- " + b"c" * 100,
    ],
    ids=["code page", "UTF-16", "not well-formed", "deep", "many attributes", "no end"],
)
def test_a_value_that_is_not_read_in_pieces_is_left_to_the_whole(data: bytes) -> None:
    assert parse_xml_pieces([data], "P.dtsx", limits=Limits(xml_depth=100, xml_attributes=1000)) is None


def test_white_space_without_end_is_left_to_the_whole() -> None:
    assert parse_xml_pieces([b"<a>", b" " * 2**23, b"</a>"], "P.dtsx") is None
