"""XML from strangers: no document type, hence no entities and no external references; bounded size and depth."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

from lxml import etree

from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits


def parse_xml(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS, keep_all: bool = False) -> etree._Element:
    """The root element of an XML document.

    :param data: the document, in any encoding that XML declares.
    :param part: the document's name in errors.
    :param limits: bounds of its size, depth and number of elements.
    :param keep_all: keep comments, processing instructions and CDATA sections, for writing the document again.
    :raises LimitExceededError: the document exceeds a limit.
    :raises InvalidPartError: the document is not well-formed, or has a document type declaration.
    """
    if len(data) > limits.part_bytes:
        raise LimitExceededError(
            f"has {len(data) / MEBIBYTE:.0f} MiB, more than the {limits.part_bytes / MEBIBYTE:.0f} MiB allowed",
            part=part,
        )
    _inspect(data, part, limits)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # libxml2's own limits are too low for script binaries; ours were checked above
        remove_comments=not keep_all,
        remove_pis=not keep_all,
        strip_cdata=not keep_all,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidPartError(f"is not well-formed XML: {error}", part=part, advice=_DAMAGED) from None


def _inspect(data: bytes, part: str, limits: Limits) -> None:
    """Stop at a document type declaration or beyond a limit, before a tree is built.

    Expat reports a document type before it reads what is declared in it, which libxml2 does not.
    """
    parser = expat.ParserCreate()
    depth = elements = 0

    def start_element(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > limits.xml_depth:
            _exceeds(f"nests elements deeper than {limits.xml_depth} levels", parser, part)
        if elements > limits.xml_elements:
            _exceeds(f"has more than {limits.xml_elements} elements", parser, part)
        if len(attributes) > limits.xml_attributes:
            _exceeds(f"has an element with more than {limits.xml_attributes} attributes", parser, part)

    def end_element(name: str) -> None:
        nonlocal depth
        depth -= 1

    def start_doctype(*declaration: object) -> NoReturn:
        raise InvalidPartError(
            "has a document type declaration, which SSIS never writes and which could hide entities",
            part=part,
            line=parser.CurrentLineNumber,
            advice="Remove it",
        )

    parser.StartElementHandler = start_element
    parser.EndElementHandler = end_element
    parser.StartDoctypeDeclHandler = start_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InvalidPartError(
            f"is not well-formed XML: {expat.ErrorString(error.code)}", part=part, line=error.lineno, advice=_DAMAGED
        ) from None
    except (ValueError, LookupError) as error:
        raise InvalidPartError(f"is not readable XML: {error}", part=part, advice=_DAMAGED) from None


def _exceeds(problem: str, parser: expat.XMLParserType, part: str) -> NoReturn:
    raise LimitExceededError(problem, part=part, line=parser.CurrentLineNumber)


_DAMAGED = "The file is damaged: take it from its source again, or save it again in Visual Studio"
