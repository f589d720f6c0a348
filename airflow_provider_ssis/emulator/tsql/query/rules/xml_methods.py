"""The methods of the type xml: value, query and exist, with the paths that XQuery shares with XPath 1.0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIT, NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_XML: Final = SqlType("xml")
_ARGUMENTS: Final = {"value": 2, "query": 1, "exist": 1}
_ABSOLUTE: Final = re.compile(r"(?<![\w\])*.@/:'\"])/")
"""A slash that begins a path."""
_XQUERY: Final = re.compile(r"\b(?:for|let|return|declare|sql:variable|sql:column)\b|\{")
_SINGLE: Final = re.compile(r"^[./]$|\[\s*(?:\d+|last\(\))\s*\]\s*(?:\)|$)|\)\s*$|^\w+\(")
"""A path to one node at most: itself, one with a number at its end, or a function."""
_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")


def xml_method(binder: Binder, node: exp.Dot) -> Typed | None:
    """A call of a method; None where the node is none."""
    method = node.expression
    if not isinstance(method, exp.Anonymous) or str(method.this).lower() not in _ARGUMENTS:
        return None
    name = str(method.this).lower()
    if len(method.expressions) != _ARGUMENTS[name]:
        raise SqlError(174, f"The {name} function requires {_ARGUMENTS[name]} argument(s).", severity=15)
    if any(not isinstance(each, exp.Literal | exp.National) for each in method.expressions):
        text = f'The argument of the xml data type method "{name}" must be a string literal.'
        raise SqlError(8172, text, severity=15)
    owner = node.this
    if isinstance(owner, exp.Identifier):
        owner = exp.Column(this=owner.copy())
    elif isinstance(owner, exp.Dot) and isinstance(owner.expression, exp.Identifier):
        owner = exp.Column(this=owner.expression.copy(), table=owner.this.copy())
    value = binder.value(owner)
    if value.type != _XML:
        raise SqlError(258, f"Cannot call methods on {value.type}.", severity=15)
    path = method.expressions[0].name
    evaluate = _compiled(path)
    if name == "exist":
        return binder.call(f"xml exist {path}", lambda text: bool(_nodes(evaluate, text)), [value], BIT)
    if name == "query":
        return binder.call(f"xml query {path}", lambda text: _markup(_nodes(evaluate, text)), [value], _XML)
    target = _type(method.expressions[1].name)
    if not _SINGLE.search(path.strip()):
        text = f"XQuery [value()]: 'value()' requires a singleton: write ({path})[1]."
        raise SqlError(2389, text)
    found = binder.call(f"xml value {path}", lambda text: _first(_nodes(evaluate, text)), [value], NVARCHAR_MAX)
    return coerced(binder, found, target, explicit=True)


def _type(text: str) -> SqlType:
    try:
        return SqlType.parse(text)
    except ValueError:
        raise SqlError(243, f"Type {text} is not a defined system type.") from None


def _compiled(path: str) -> etree.XPath:
    """A path, relative to an element around the whole value."""
    if _XQUERY.search(path):
        raise not_supported("XQuery beyond paths")
    if path.strip() == "/":
        path = "."
    try:
        return etree.XPath(_ABSOLUTE.sub("./", path))
    except etree.XPathSyntaxError:
        raise not_supported(f"The XQuery expression {path!r}") from None


def _nodes(evaluate: etree.XPath, text: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(f"<x>{_DECLARATION.sub('', text)}</x>", parser)
    except etree.XMLSyntaxError as error:
        raise SqlError(9400, f"XML parsing: {error.msg}") from None
    found = evaluate(root)
    return found if isinstance(found, list) else [found]


def _first(nodes: list[Any]) -> str | None:
    if not nodes:
        return None
    node = nodes[0]
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, float):
        return str(int(node)) if node.is_integer() else repr(node)
    return str(node.xpath("string()")) if isinstance(node, etree._Element) else str(node)


def _markup(nodes: list[Any]) -> str:
    return "".join(
        etree.tostring(node, encoding="unicode", with_tail=False)
        if isinstance(node, etree._Element)
        else str(node).replace("&", "&amp;").replace("<", "&lt;")
        for node in nodes
    )
