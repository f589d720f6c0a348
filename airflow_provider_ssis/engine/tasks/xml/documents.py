"""XML documents in variables and files, without external entities and without the network."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.engine.errors import TaskFailure

if TYPE_CHECKING:
    from lxml.etree import _Element

_RELATIVE = re.compile(r"[\s(]*(?:[\w.-]+:)?[\w.*@-]+\s*(?:[/\[|)]|$)")
_ABSOLUTE = re.compile(r"(?:^|[\s(|,\[=<>+])/(?!/)")


def parse_document(text: str | bytes, what: str, code: int, *, base: str | None = None) -> _Element:
    """Return the root element of an XML document.

    :param text: the document.
    :param what: its name in errors: ``The result of the query``.
    :param code: the code of the failure.
    :param base: the path of the file, to which a DTD is relative. Default: none.
    :raises TaskFailure: it is not well-formed.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities="internal", no_network=True, load_dtd=False)
    data = text.encode("utf-8") if isinstance(text, str) else text
    if isinstance(text, str):
        # A declaration in a text names the encoding of a file that the text is no longer in.
        parser = etree.XMLParser(resolve_entities="internal", no_network=True, load_dtd=False, encoding="utf-8")
    try:
        return etree.fromstring(data, parser, base_url=base)
    except etree.XMLSyntaxError as error:
        raise TaskFailure(f"{what} is not well-formed XML: {error.msg}.", code) from None


def document_of(value: object, what: str, code: int) -> _Element:
    """Return the root element of a document in a variable or file: a text, bytes, or a parsed document.

    :param value: the document.
    :param what: its name in errors.
    :param code: the code of the failure.
    :raises TaskFailure: it is not an XML document.
    """
    from lxml import etree

    if isinstance(value, (str, bytes)):
        return parse_document(value, what, code)
    if isinstance(value, etree._ElementTree):
        value = value.getroot()
    if isinstance(value, etree._Element):
        return value
    raise TaskFailure(f"{what} is not an XML document.", code)


def select(node: _Element, expression: str, code: int) -> list[Any]:
    """Return the nodes that an XPath expression selects: elements, and texts of attributes and text nodes.

    :param node: the context node. An absolute expression begins at the document.
    :param expression: the expression, of XPath 1.0.
    :param code: the code of the failure.
    :raises TaskFailure: the expression is not valid, or its value is not a set of nodes.
    """
    found = evaluate(node, expression, code)
    if not isinstance(found, list):
        raise TaskFailure(f"The XPath expression {expression!r} selects no nodes: its value is a single one.", code)
    return found


def evaluate(node: _Element, expression: str, code: int) -> Any:
    """Return the value of an XPath expression: a list of nodes, a float, a text, or a bool.

    :param node: the context node.
    :param expression: the expression, of XPath 1.0.
    :param code: the code of the failure.
    :raises TaskFailure: the expression is not valid.
    """
    from lxml import etree

    try:
        if node.getparent() is not None:
            return node.xpath(expression)
        if not _RELATIVE.match(expression):
            return node.getroottree().xpath(expression)
        if _ABSOLUTE.search(expression):
            raise TaskFailure(
                f"The XPath expression {expression!r} has relative and absolute paths. Begin all of them with '/'.",
                code,
            )
        # A relative expression begins at the document, of which lxml has no node.
        document = etree.Element("document")
        document.append(copy.deepcopy(node))
        return document.xpath(expression)
    except etree.XPathError as error:
        raise TaskFailure(f"The XPath expression {expression!r} is not valid: {error}.", code) from None
