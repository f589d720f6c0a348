"""Parse XML from untrusted sources as SSIS reads it.

Document types are refused, so there are no entities and no external references. Size, depth and number of elements are
limited. White space is handled as by .NET's ``XmlDocument``, with which SSIS reads its files.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from typing import NoReturn
from xml.parsers import expat

from lxml import etree

from airflow_provider_ssis.project.encodings import to_utf8
from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits

XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""A character that XML 1.0 does not allow."""

_CHUNK = 2**20
_DAMAGED = "The file is damaged: restore it from its source, or save it again in Visual Studio"
_FEW_TAGS, _FEW_ATTRIBUTES = 100_000, 200_000
"""So many, and the tree of a document needs some ten megabytes at most."""

_SMALL = 2 * MEBIBYTE
_LONGEST_BLANKS = 4 * MEBIBYTE
_MIXED_CDATA = re.compile(rb"(?:[^>]|[/?\]-]>|</[^<>]*>)<!\[CDATA\[|\]\]>(?:[^<]|<[^/])")
"""A CDATA section with something else before or after it in its element."""
_LONGEST_MIX = 300
"""Bytes of a match of it, but for long names of tags."""
_WITH_BLANK_TEXT = etree.XPath("//text()[contains(' \n\r\t', substring(., 1, 1))][not(normalize-space())]/..")
_MARKED = etree.XPath("//@xml:space/..", namespaces={"xml": "http://www.w3.org/XML/1998/namespace"})


def parse_xml(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS, keep_all: bool = False) -> etree._Element:
    """Parse an XML document.

    The text of an element without children is dropped if it consists of white space, unless ``xml:space="preserve"``
    applies to it: a rule of .NET's ``XmlDocument``.

    :param data: the document, in an encoding that it declares.
    :param part: its name, for errors.
    :param limits: limits on size, depth, and numbers of elements and attributes.
    :param keep_all: keep white space, comments, processing instructions and CDATA sections, to write the document
        again. Default: False.
    :returns: the root element.
    :raises LimitExceededError: the document exceeds a limit.
    :raises InvalidPartError: the document is not well-formed, has a document type declaration, or an encoding that is
        not supported.
    """
    if len(data) > limits.part_bytes:
        raise LimitExceededError(
            f"has {len(data) / MEBIBYTE:.0f} MiB, more than the limit of {limits.part_bytes / MEBIBYTE:.0f} MiB",
            part=part,
        )
    data = to_utf8(data, part)
    _refuse_document_type(data, part)
    # Counts tags, comments and so on, which is fast. What is suspicious by that is checked before a tree is built.
    if _may_be_large(data, limits):
        _check_structure(data, part, limits)
    try:
        root = etree.fromstring(data, _parser(keep_all=keep_all))
    except (etree.XMLSyntaxError, ValueError) as error:
        _check_structure(data, part, limits)
        line = error.lineno if isinstance(error, etree.XMLSyntaxError) else None
        raise InvalidPartError(f"is not well-formed XML: {error}", part=part, line=line, advice=_DAMAGED) from None
    if _exceeds_limits(limits.xml_depth, limits.xml_attributes)(root):
        _check_structure(data, part, limits)
    if not keep_all:
        _drop_blank_values(root, has_marks=b"xml:space" in data)
    return root


def parse_xml_pieces(pieces: Iterable[bytes], part: str, *, limits: Limits = DEFAULT_LIMITS) -> etree._Element | None:
    """Parse an XML document as :func:`parse_xml` does, without holding more of its text than a piece.

    :param pieces: the document in UTF-8, in large pieces.
    :param part: its name, for errors.
    :param limits: limits on size, depth, and numbers of elements and attributes.
    :returns: the root element. None if :func:`parse_xml` must read the document as a whole: its encoding is not UTF-8,
        it is large or damaged, may exceed a limit, or mixes CDATA sections with other content.
    """
    rest = iter(pieces)
    head = next(rest, b"").removeprefix(codecs.BOM_UTF8)
    if to_utf8(head, part) is not head or not _refuse_document_type(head, part):
        return None
    parser = _parser(keep_all=False)
    size = tags = values = 0
    before = b""
    try:
        for piece in _without_cut_blanks(chain([head], rest)):
            before = before[-_LONGEST_MIX:] + piece
            if (b"<![CDATA[" in before or b"]]>" in before) and _MIXED_CDATA.search(before):
                return None  # here the white space that libxml2 keeps depends on the pieces
            size += len(piece)
            tags += piece.count(b"<")
            values += piece.count(b"=")
            if size > limits.part_bytes or tags > min(_FEW_TAGS, limits.xml_elements) or values > _FEW_ATTRIBUTES:
                return None
            parser.feed(piece)
        root = parser.close()
    except (etree.XMLSyntaxError, ValueError):
        return None
    if _exceeds_limits(limits.xml_depth, limits.xml_attributes)(root):
        return None
    _drop_blank_values(root, has_marks=True)
    return root


def drop_white_space(root: etree._Element) -> None:
    """Drop all texts that consist of white space, unless ``xml:space="preserve"`` applies to them.

    :param root: the root element of a document; changed in place.
    """
    is_preserved = _preserving(root)
    _drop_blank_texts(root.iter(), is_preserved)
    for element in root.iter():
        if is_blank(element.tail) and not is_preserved(element.getparent()):
            element.tail = None


def is_blank(text: str | None) -> bool:
    """Return True for a text that consists of white space as XML defines it.

    ``str.isspace`` includes more characters, such as no-break spaces.

    :param text: the text, or None.
    """
    return text is not None and text != "" and not text.strip(" \t\r\n")


def keeps_blank_text(element: etree._Element) -> bool:
    """Return True for an element whose text is a value even if it is white space.

    :param element: an element without children, of a document that was parsed with ``keep_all``.
    """
    return _is_preserved(element) or _is_cdata(element)


@cache
def _exceeds_limits(depth: int, attributes: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (depth + 1)}) or boolean(//@*[{attributes + 1}])")


def _without_cut_blanks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return the text of a document in pieces that are cut so that white space and the tag after it are in one piece.

    Otherwise libxml2 does not see whether the white space is between elements.

    :raises ValueError: there is so much white space that copying it again and again takes long.
    """
    left = b""
    for following in pieces:
        piece = left + following
        end = len(piece.rstrip(b" \t\r\n<"))
        left = piece[end:]
        if len(left) > _LONGEST_BLANKS:
            raise ValueError("too much white space in one place")
        yield piece[:end]
    yield left


def _parser(*, keep_all: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # libxml2's own limits are too low for script binaries
        remove_blank_text=not keep_all,  # between elements only
        remove_comments=not keep_all,
        remove_pis=not keep_all,
        strip_cdata=False,
    )


def _may_be_large(data: bytes, limits: Limits) -> bool:
    """Return True if the tree of a document may need much memory or exceed the limit. A tag has four bytes or more."""
    if len(data) < min(_SMALL, 4 * limits.xml_elements):
        return False
    return data.count(b"<") > min(_FEW_TAGS, limits.xml_elements) or data.count(b"=") > _FEW_ATTRIBUTES


def _refuse_document_type(data: bytes, part: str) -> bool:
    """Refuse a document type declaration, which can only follow the XML declaration, comments and instructions.

    :returns: whether something else follows them.
    """
    if data.startswith(codecs.BOM_UTF8):
        # libxml2 skips it wherever the document starts, and would then accept the declaration after it.
        raise InvalidPartError("has a second byte order mark", part=part, line=1, advice="Save the file again in UTF-8")
    position, end = 0, len(data)
    while position < end:
        for start, stop in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if data.startswith(start, position):
                found = data.find(stop, position + len(start))
                position = end if found < 0 else found + len(stop)
                break
        else:
            if data.startswith(b"<!DOCTYPE", position):
                raise InvalidPartError(
                    "has a document type declaration, which is not accepted because SSIS never writes one",
                    part=part,
                    line=data.count(b"\n", 0, position) + 1,
                    advice="Remove the declaration (<!DOCTYPE …>)",
                )
            if data[position : position + 1] not in (b" ", b"\t", b"\r", b"\n"):
                return True
            position += 1
    return False


def _check_structure(data: bytes, part: str, limits: Limits) -> None:
    """Check that a document is well-formed and within the limits, without building a tree.

    :raises InvalidPartError: the document is not well-formed.
    :raises LimitExceededError: the document exceeds a limit.
    """
    parser = expat.ParserCreate("utf-8")
    depth = elements = 0

    def start_element(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > limits.xml_depth:
            _exceeds(f"nests elements deeper than the limit of {limits.xml_depth} levels", parser, part)
        if elements > limits.xml_elements:
            _exceeds(f"has more elements than the limit of {limits.xml_elements}", parser, part)
        if len(attributes) > limits.xml_attributes:
            _exceeds(f"has an element with more attributes than the limit of {limits.xml_attributes}", parser, part)

    def end_element(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start_element
    parser.EndElementHandler = end_element
    try:
        for start in range(0, len(data), _CHUNK):
            chunk = memoryview(data)[start : start + _CHUNK]
            parser.Parse(chunk, False)
            # Expat waits for the end of a tag, and then builds all its attributes at once.
            if start + len(chunk) - parser.CurrentByteIndex > limits.xml_tag_bytes + _CHUNK:
                limit = limits.xml_tag_bytes / MEBIBYTE
                _exceeds(f"has a tag or comment larger than the limit of {limit:.0f} MiB", parser, part)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InvalidPartError(
            f"is not well-formed XML: {expat.ErrorString(error.code)}", part=part, line=error.lineno, advice=_DAMAGED
        ) from None
    except (ValueError, LookupError) as error:
        raise InvalidPartError(f"is not readable XML: {error}", part=part, advice=_DAMAGED) from None
    finally:
        # The functions refer to the parser and the parser to them: together they would keep its buffer.
        parser.StartElementHandler = parser.EndElementHandler = parser.StartDoctypeDeclHandler = None


def _exceeds(problem: str, parser: expat.XMLParserType, part: str) -> NoReturn:
    raise LimitExceededError(problem, part=part, line=parser.CurrentLineNumber)


def _drop_blank_values(root: etree._Element, *, has_marks: bool) -> None:
    """Drop the white space of elements without children.

    :param has_marks: whether the document may have ``xml:space``.
    """
    is_preserved = _preserving(root) if has_marks else _is_never_preserved
    _drop_blank_texts((element for element in _WITH_BLANK_TEXT(root) if not len(element)), is_preserved)


def _drop_blank_texts(
    elements: Iterable[etree._Element], is_preserved: Callable[[etree._Element | None], bool]
) -> None:
    for element in elements:
        if is_blank(element.text) and not is_preserved(element) and not _is_cdata(element):
            element.text = None


def _preserving(root: etree._Element) -> Callable[[etree._Element | None], bool]:
    """Return a function that returns True for an element whose white space is preserved."""
    marked = _MARKED(root)
    if not marked:
        return _is_never_preserved
    # Visual Studio marks elements without children only, for which their own mark decides.
    return _is_preserved if any(len(element) for element in marked) else _is_preserved_itself


def _is_never_preserved(element: etree._Element | None) -> bool:
    return False


def _is_preserved_itself(element: etree._Element | None) -> bool:
    return element is not None and element.get(XML_SPACE) == "preserve"


def _is_preserved(element: etree._Element | None) -> bool:
    """Return True if the nearest ``xml:space`` of the element and its ancestors says ``preserve``."""
    while element is not None:
        mark = element.get(XML_SPACE)
        if mark is not None:
            return mark == "preserve"
        element = element.getparent()
    return False


def _is_cdata(element: etree._Element) -> bool:
    """Return True if the only text of the element is a CDATA section, which counts as text even if it is blank."""
    return not len(element) and b"<![CDATA[" in etree.tostring(element, with_tail=False)
