"""FOR XML and FOR JSON: the rows of a query as one text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.json_values import holds_json
from airflow_provider_ssis.emulator.tsql.query.rules.sources import derived_columns
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed
from airflow_provider_ssis.emulator.tsql.values import json_text, xml_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_XML: Final = SqlType("xml")
_CHUNK: Final = 2033
"""Characters of a row in which SQL Server sends the text to a client."""
_COLUMNS: Final = {
    "XML": "XML_F52E2B61-18A1-11d1-B105-00805F49916B",
    "JSON": "JSON_F52E2B61-18A1-11d1-B105-00805F49916B",
}
"""The names of the column, the same for all queries."""
_XSI: Final = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_KNOWN: Final = {
    "XML": ("PATH", "RAW", "AUTO", "ELEMENTS", "TYPE", "ROOT", "BINARY"),
    "JSON": ("PATH", "AUTO", "ROOT", "INCLUDE_NULL_VALUES", "WITHOUT_ARRAY_WRAPPER"),
}

Writer = Callable[..., str | None]


@dataclass(frozen=True, slots=True)
class _Format:
    """How rows become a text.

    :param row: from the values of a row.
    :param between: the rows; ``before`` and ``after`` all of them.
    """

    key: str
    row: Writer
    type: SqlType
    between: str = ""
    before: str = ""
    after: str = ""


def formatted(binder: Binder, node: exp.Query, query: BoundQuery) -> BoundQuery:
    """A query with its FOR clause, which makes one row of its rows; without one, the query itself."""
    clause = node.args.get("for_")
    if clause is None:
        return query
    kind = str(clause.args.get("kind"))
    if kind not in _KNOWN:
        raise not_supported(f"FOR {kind}")
    options = _options(kind, clause)
    write = _xml(node, query, options) if kind == "XML" else _json(node, query, options)
    alias, rows = binder.compilation.alias(), binder.compilation.alias()
    columns = derived_columns(alias, query.columns)
    if columns:
        piece = binder.call(write.key, write.row, columns, NVARCHAR_MAX, strict=False).sql
    inner = " ".join(
        ["SELECT", f"{piece} AS piece, row_number() OVER () AS place", "FROM", f"({query.sql}) AS {alias}"]
    )
    text = f"string_agg({rows}.piece, {_quoted(write.between)} ORDER BY {rows}.place)"
    whole = f"{_quoted(write.before)} || {text} || {_quoted(write.after)}"
    sql = " ".join(["SELECT", f"{whole} AS c1", "FROM", f"({inner}) AS {rows}"])
    return BoundQuery(sql, (Typed("c1", write.type, name=_COLUMNS[kind]),))


def in_parts(query: BoundQuery, tree: exp.Expr) -> BoundQuery:
    """The outermost query of a statement: its text goes to the client in rows of 2,033 characters, or in no row."""
    clause = tree.args.get("for_")
    if clause is None or query.columns[0].type == _XML:
        return query
    places = f"range(0, length(whole.c1), {_CHUNK})"
    source = f"({query.sql}) AS whole, unnest({places}) AS part(place)"
    chunk = f"substring(whole.c1, CAST(part.place AS INTEGER) + 1, {_CHUNK}) AS c1"
    return BoundQuery(" ".join(["SELECT", chunk, "FROM", f"{source} ORDER BY part.place"]), query.columns)


def _options(kind: str, clause: exp.Expr) -> dict[str, str | None]:
    """The options with their values; None for an option without one."""
    found: dict[str, str | None] = {}
    for option in clause.expressions:
        word = option.this
        value: str | None = None
        if isinstance(word, exp.XMLKeyValueOption):
            value = word.expression.name if word.expression is not None else None
            word = word.this
        name, _, rest = word.name.upper().partition(" ")
        if name not in _KNOWN[kind]:
            raise not_supported(f"FOR {kind} … {name}")
        found[name] = rest or value
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- XML


def _xml(node: exp.Query, query: BoundQuery, options: dict[str, str | None]) -> _Format:
    names = [column.name for column in query.columns]
    types = [column.type for column in query.columns]
    result = _XML if "TYPE" in options else NVARCHAR_MAX
    before = after = between = ""
    if "ROOT" in options:
        root = options["ROOT"] if options["ROOT"] is not None else "root"
        before, after = f"<{root}>", f"</{root}>"
    nil = options.get("ELEMENTS") == "XSINIL"
    if "PATH" in options:
        row = options["PATH"] if options["PATH"] is not None else "row"
        seen: list[str] = []
        for name in names:
            xml_text.check_path(name, bool(row), seen)
            seen.append(name)
        if nil:
            raise not_supported("FOR XML PATH … ELEMENTS XSINIL")
        write: Writer = partial(_path_row, names, types, row)
        if not row and xml_text.is_list(names):
            write, between = partial(_list_item, names, types), " "
    elif "RAW" in options or "AUTO" in options:
        given = options.get("RAW")
        row = _source_name(node) if "AUTO" in options else given if given is not None else "row"
        if any(not name for name in names):
            raise SqlError(6809, "FOR XML RAW and AUTO need a name for each column. Add an alias.")
        encoded = [xml_text.encoded_name(name) for name in names]
        opening = f"{xml_text.encoded_name(row)}{_XSI if nil and not before else ''}"
        if nil and before:
            before = f"{before[:-1]}{_XSI}>"
        write = partial(_flat_row, encoded, types, opening, elements="ELEMENTS" in options, nil=nil)
    else:
        raise not_supported("FOR XML EXPLICIT")
    key = f"for xml {sorted(options.items(), key=str)} {names} {row}"
    return _Format(key, write, result, between, before, after)


def _list_item(names: Sequence[str], types: Sequence[SqlType], *values: Any) -> str | None:
    """The values of a row of data() alone; None for no value, which a list leaves out."""
    return xml_text.path_row(names, types, values, "") or None


def _path_row(names: Sequence[str], types: Sequence[SqlType], row: str, *values: Any) -> str:
    return xml_text.path_row(names, types, values, row)


def _flat_row(names: Sequence[str], types: Sequence[SqlType], row: str, *values: Any, elements: bool, nil: bool) -> str:
    name, _, rest = row.partition(" ")
    text = xml_text.flat_row(names, types, values, name, elements=elements, nil=nil)
    return f"<{name} {rest}{text[len(name) + 1 :]}" if rest else text


def _source_name(node: exp.Query) -> str:
    """The element or the nesting of FOR … AUTO, which here has one source."""
    clause = node.args.get("from_") if isinstance(node, exp.Select) else None
    if clause is None:
        raise SqlError(6819, "FOR XML AUTO and FOR JSON AUTO need a source in FROM.")
    if node.args.get("joins"):
        raise not_supported("FOR XML AUTO and FOR JSON AUTO with several sources (use PATH)")
    source = clause.this
    if source.alias:
        return str(source.alias)
    return ".".join(part.name for part in source.parts) if isinstance(source, exp.Table) else "row"


# --- JSON


def _json(node: exp.Query, query: BoundQuery, options: dict[str, str | None]) -> _Format:
    if "AUTO" in options:
        _source_name(node)
    elif "PATH" not in options:
        raise SqlError(102, "Incorrect syntax near 'FOR JSON': PATH or AUTO is expected.", severity=15)
    bare = "WITHOUT_ARRAY_WRAPPER" in options
    if bare and "ROOT" in options:
        raise SqlError(13620, "ROOT and WITHOUT_ARRAY_WRAPPER cannot be used together in FOR JSON.")
    names = [column.name for column in query.columns]
    json_text.check_names(names)
    types = [column.type for column in query.columns]
    raw = _raw_columns(node, len(names))
    nulls = "INCLUDE_NULL_VALUES" in options
    before, after = ("", "") if bare else ("[", "]")
    if "ROOT" in options:
        root = options["ROOT"] if options["ROOT"] is not None else "root"
        before, after = f"{{{json_text.json_string(root)}:[", "]}"
    key = f"for json {sorted(options.items(), key=str)} {names} {raw}"
    write = partial(_json_row, names, types, raw, nulls=nulls)
    return _Format(key, write, NVARCHAR_MAX, between=",", before=before, after=after)


def _json_row(names: Sequence[str], types: Sequence[SqlType], raw: Sequence[bool], *values: Any, nulls: bool) -> str:
    return json_text.json_row(names, types, raw, values, nulls=nulls)


def _raw_columns(node: exp.Query, count: int) -> list[bool]:
    """Which columns hold JSON already."""
    items = node.expressions if isinstance(node, exp.Select) else []
    raw = [holds_json(item.this if isinstance(item, exp.Alias) else item) for item in items]
    return raw if len(raw) == count else [False] * count
