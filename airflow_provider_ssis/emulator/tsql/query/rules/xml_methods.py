"""The methods of the type xml: value, query, exist and nodes, with the paths that XQuery shares with XPath 1.0.

``nodes`` returns the markup of each node. A path of another method is evaluated inside the node, so it cannot leave it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIT, NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_XML: Final = SqlType("xml")
NODE: Final = SqlType("xml", schema="nodes")
"""The type of a column of ``nodes``, which only the methods can use."""
_SEPARATOR: Final = "\x1e"
"""It precedes each node of a value: XML cannot contain it."""
_ARGUMENTS: Final = {"value": 2, "query": 1, "exist": 1}
_ABSOLUTE: Final = re.compile(r"(?<![\w\])*.@/:'\"])/")
"""A slash that begins a path."""
_XQUERY: Final = re.compile(r"\b(?:for|let|return|declare|sql:variable|sql:column)\b|\{")
_SINGLE: Final = re.compile(r"^[./]$|\[\s*(?:\d+|last\(\))\s*\]\s*(?:\)|$)|\)\s*$|^\w+\(")
"""A path to one node at most: itself, one with a number at its end, or a function."""
_SINGLE_IN_NODE: Final = re.compile(r"(?:\./)?@[\w.:-]+|\.")
"""A path that is that of one node at most inside a node."""
_LEAVES_NODE: Final = re.compile(r"\.\.|\b(?:ancestor|parent|preceding|following)(?:-\w+)*::")
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
    value = _owner(binder, node.this)
    path = method.expressions[0].name
    select = _compiled(path, value)
    key = f"{path} {value.type == NODE}"
    if name == "exist":
        return binder.call(f"xml exist {key}", lambda text: bool(select(text)), [value], BIT)
    if name == "query":
        return binder.call(f"xml query {key}", lambda text: "".join(map(_markup, select(text))), [value], _XML)
    target = _type(method.expressions[1].name)
    is_single = _SINGLE.search(path.strip()) or (value.type == NODE and _SINGLE_IN_NODE.fullmatch(path.strip()))
    if not is_single:
        text = f"XQuery [value()]: 'value()' requires a singleton: write ({path})[1]."
        raise SqlError(2389, text)
    found = binder.call(f"xml value {key}", lambda text: _first(select(text)), [value], NVARCHAR_MAX)
    return coerced(binder, found, target, explicit=True)


def xml_nodes(binder: Binder, owner: exp.Expr, method: exp.Anonymous) -> BoundQuery:
    """``value.nodes('path')`` in FROM.

    :param owner: the value.
    """
    if len(method.expressions) != 1 or not isinstance(method.expressions[0], exp.Literal | exp.National):
        raise SqlError(8172, 'The argument of the xml data type method "nodes" must be a string literal.', severity=15)
    value = _owner(binder, owner)
    path = method.expressions[0].name
    select = _compiled(path, value)

    def listed(text: str) -> str | None:
        return "".join(f"{_SEPARATOR}{_markup(node)}" for node in select(text)) or None

    found = binder.call(f"xml nodes {path} {value.type == NODE}", listed, [value], NVARCHAR_MAX)
    alias = binder.compilation.alias()
    parts = f"string_split({alias}.t, chr({ord(_SEPARATOR)}))[2:]"
    rows = f"(SELECT {found.sql} AS t) AS {alias}"
    sql = f"SELECT unnest({parts}) AS c1, unnest(range(1, len({parts}) + 1)) AS place FROM {rows}"
    return BoundQuery(sql, (Typed("c1", NODE, nullable=False),), has_place=True)


def _owner(binder: Binder, node: exp.Expr) -> Typed:
    """The value whose method is called."""
    if isinstance(node, exp.Identifier):
        node = exp.Column(this=node.copy())
    elif isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        node = exp.Column(this=node.expression.copy(), table=node.this.copy())
    value = binder.value(node)
    if value.type not in (_XML, NODE):
        raise SqlError(258, f"Cannot call methods on {value.type}.", severity=15)
    return value


def check_not_node(value: Typed) -> None:
    """Check that the result of a query is not a column of ``nodes``.

    :raises SqlError: 493.
    """
    if value.type == NODE:
        text = (
            f"The column '{value.name}' that the nodes() method returned cannot be used directly. Use exist(), "
            "nodes(), query() or value() of it."
        )
        raise SqlError(493, text)


def _type(text: str) -> SqlType:
    try:
        return SqlType.parse(text)
    except ValueError:
        raise SqlError(243, f"Type {text} is not a defined system type.") from None


def _compiled(path: str, value: Typed) -> Callable[[str], list[Any]]:
    """The nodes that a path finds in a value: relative to an element around the whole value, or inside a node."""
    if _XQUERY.search(path):
        raise not_supported("XQuery beyond paths")
    if value.type == NODE and (_LEAVES_NODE.search(path) or _ABSOLUTE.search(path)):
        raise not_supported(f"The path {path!r}, which leaves the node of nodes(),")
    if path.strip() == "/":
        path = "."
    try:
        evaluate = etree.XPath(path if value.type == NODE else _ABSOLUTE.sub("./", path))
    except etree.XPathSyntaxError:
        raise not_supported(f"The XQuery expression {path!r}") from None
    return partial(_nodes, evaluate, in_node=value.type == NODE)


def _nodes(evaluate: etree.XPath, text: str, *, in_node: bool) -> list[Any]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(f"<x>{_DECLARATION.sub('', text)}</x>", parser)
    except etree.XMLSyntaxError as error:
        raise SqlError(9400, f"XML parsing: {error.msg}") from None
    found = evaluate(root[0] if in_node and len(root) else root)
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


def _markup(node: Any) -> str:
    if isinstance(node, etree._Element):
        return str(etree.tostring(node, encoding="unicode", with_tail=False))
    return str(node).replace("&", "&amp;").replace("<", "&lt;")
