"""Conditions: comparisons, LIKE, IN, BETWEEN, IS NULL, EXISTS, ANY and ALL, AND, OR, NOT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.instants import instant
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced, unified
from airflow_provider_ssis.emulator.tsql.query.text_keys import CODE_PAGE_KEY, UNICODE_KEY
from airflow_provider_ssis.emulator.tsql.query.typed import (
    CASE_SENSITIVE,
    SENSITIVE,
    WINDOWS,
    Evaluate,
    Predicate,
    Typed,
    output_name,
)
from airflow_provider_ssis.emulator.tsql.values import arithmetic
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.patterns import like, like_with_blanks
from airflow_provider_ssis.emulator.tsql.values.precedence import INTEGERS, STRINGS, UNICODE, family
from airflow_provider_ssis.emulator.tsql.values.text_order import text_key

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, PredicateRule

_SIGNS: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TESTS: Final[dict[str, Callable[[int], bool]]] = {
    "=": lambda order: order == 0,
    "<>": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_NVARCHAR_MAX: Final = SqlType("nvarchar", length=MAX)


def order_sql(binder: Binder, value: Typed) -> str:
    """The DuckDB expression that sorts as the value does in T-SQL."""
    if family(value.type) != "string" or value.collation in SENSITIVE:
        return equal_sql(binder, value)
    is_unicode = value.type.name in UNICODE or value.collation == WINDOWS
    if _is_literal(value):
        return _literal(text_key(value.constant, is_unicode=is_unicode).decode())
    return f"{UNICODE_KEY if is_unicode else CODE_PAGE_KEY}(rtrim({value.sql}, ' '))"


def equal_sql(binder: Binder, value: Typed) -> str:
    """The DuckDB expression that is equal where the values are in T-SQL: it groups, and costs less than the order."""
    match family(value.type):
        case "string":
            return _literal(arithmetic.folded(value.constant)) if _is_literal(value) else _fold(value)
        case "variant":
            return binder.call("variant order", arithmetic.variant_sort_text, [value], _NVARCHAR_MAX).sql
        case "guid":
            return binder.call(
                "guid order",
                lambda guid: arithmetic.order_key(value.type, guid),
                [value],
                SqlType("varbinary", length=16),
            ).sql
        case "moment" if value.type.name == "datetimeoffset":
            return instant(value.sql)
        case _:
            return value.sql


def _is_literal(value: Typed) -> bool:
    """Whether a value is a literal of ASCII, of which DuckDB and Python make the same small letters.

    Control characters could be marks of the query's text.
    """
    text = value.constant
    return isinstance(text, str) and text.isascii() and text.isprintable() and value.sql[0] == "'"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fold(value: Typed) -> str:
    if value.collation in SENSITIVE:
        return f"rtrim({value.sql}, ' ')"
    return f"lower(rtrim({value.sql}, ' '))"


def compared(binder: Binder, sign: str, first: Typed, second: Typed) -> Predicate:
    """``first sign second``; the operand whose type has the lower precedence is converted to the other's.

    :raises SqlError: 206, 402: the types do not compare.
    """
    given = first, second
    collation = _collation(sign, first, second)
    first, second = (replace(each, collation=collation) for each in unified(binder, [first, second]))
    type_ = first.type
    if type_.name in ("xml", "text", "ntext", "image"):
        raise SqlError(402, f"Values of type {type_.name} cannot be compared. Convert them first.")
    test = _TESTS[sign]
    is_sensitive = collation in SENSITIVE
    ordering = _NVARCHAR_MAX if collation == WINDOWS else type_
    order = _order_of_texts if is_sensitive else partial(arithmetic.compare, ordering)
    evaluate = _strictly(lambda one, other: test(order(one, other)), first.evaluate, second.evaluate)
    if is_sensitive:
        first, second = (replace(each, constant=None) for each in (first, second))
    if type_.name == "sql_variant":
        found = binder.call("variant compare", arithmetic.compare_variants, [first, second], SqlType("int"))
        return Predicate(f"({found.sql} {sign} 0)", evaluate)
    if type_.name == "uniqueidentifier" and sign in ("=", "<>"):
        return Predicate(f"({first.sql} {sign} {second.sql})", evaluate)
    if all(value.type.name in INTEGERS and not value.bare_null for value in given):
        # DuckDB compares whole numbers of all sizes as they are, and finds them by an index only without a CAST.
        return Predicate(f"({_number(given[0])} {sign} {_number(given[1])})", evaluate)
    if sign in ("=", "<>") and given[0].type.name == "bit" and given[1].constant in (0, 1) and not given[1].bare_null:
        return Predicate(f"({given[0].sql} {sign} {bool(given[1].constant)})", evaluate)
    keys = [key_sql(binder, sign, each) for each in (first, second)]
    return Predicate(f"({keys[0]} {sign} {keys[1]})", evaluate)


def key_sql(binder: Binder, sign: str, value: Typed) -> str:
    """The DuckDB expression by which a comparison compares."""
    return (equal_sql if sign in ("=", "<>") else order_sql)(binder, value)


def _number(value: Typed) -> str:
    return value.sql if value.constant is None else str(value.constant)


def _collation(sign: str, first: Typed, second: Typed) -> str:
    """The collation of a comparison.

    :raises SqlError: 468, the operands have different ones; 40514, this server cannot order by it.
    """
    found = {each.collation for each in (first, second)} - {""}
    if len(found) > 1:
        raise SqlError(468, "Cannot resolve the collation conflict between the operands of a comparison.")
    if found == {CASE_SENSITIVE} and sign not in ("=", "<>"):
        raise not_supported(f"The comparison {sign} with a case-sensitive collation (use a binary one)")
    return found.pop() if found else ""


def _order_of_texts(one: str, other: str) -> int:
    """-1, 0 or 1: as characters, without trailing blanks."""
    first, second = one.rstrip(" "), other.rstrip(" ")
    return (first > second) - (first < second)


def _strictly(function: Callable[[Any, Any], bool], first: Evaluate | None, second: Evaluate | None) -> Evaluate | None:
    if first is None or second is None:
        return None

    def evaluate(values: Mapping[str, Any]) -> bool | None:
        one, other = first(values), second(values)
        return None if one is None or other is None else function(one, other)

    return evaluate


def _comparison(binder: Binder, node: exp.Binary) -> Predicate:
    only(node, "this", "expression")
    sign = _SIGNS[type(node)]
    if isinstance(node.expression, exp.Any | exp.All):
        return _quantified(binder, sign, node.this, node.expression)
    return compared(binder, sign, binder.value(node.this), binder.value(node.expression))


def _distinct_from(binder: Binder, node: exp.NullSafeEQ | exp.NullSafeNEQ) -> Predicate:
    """``IS [NOT] DISTINCT FROM``, which compares NULL as a value."""
    only(node, "this", "expression")
    first, second = unified(binder, [binder.value(node.this), binder.value(node.expression)])
    compared(binder, "=", first, second)
    word = "IS NOT DISTINCT FROM" if isinstance(node, exp.NullSafeEQ) else "IS DISTINCT FROM"
    return Predicate(f"({equal_sql(binder, first)} {word} {equal_sql(binder, second)})")


def _quantified(binder: Binder, sign: str, value_node: exp.Expr, quantifier: exp.Any | exp.All) -> Predicate:
    word = "ALL" if isinstance(quantifier, exp.All) else "ANY"
    return _against_query(binder, sign, word, value_node, quantifier.this)


def _against_query(binder: Binder, sign: str, word: str, value_node: exp.Expr, query_node: exp.Expr) -> Predicate:
    value = binder.value(value_node)
    query = binder.query(query_node.this if isinstance(query_node, exp.Subquery) else query_node)
    if len(query.columns) != 1:
        raise SqlError(116, "A subquery in a comparison must have one column.")
    alias = binder.compilation.alias()
    column = Typed(f"{alias}.{output_name(1)}", query.columns[0].type)
    first, second = unified(binder, [value, column])
    rows = " ".join(["SELECT", key_sql(binder, sign, second), "FROM", f"({query.sql}) AS {alias}"])
    return Predicate(f"({key_sql(binder, sign, first)} {sign} {word} ({rows}))")


def _in(binder: Binder, node: exp.In) -> Predicate:
    only(node, "this", "expressions", "query")
    if node.args.get("query") is not None:
        return _against_query(binder, "=", "ANY", node.this, node.args["query"])
    value, items = binder.value(node.this), [binder.value(item) for item in node.expressions]
    return _in_numbers(binder, value, items) or _in_constants(binder, value, items)


def _in_constants(binder: Binder, value: Typed, items: list[Typed]) -> Predicate:
    """A short list; one of strings that are constant needs the value only once."""
    tests = _any_of([compared(binder, "=", value, item) for item in items])
    pairs = [unified(binder, [value, item]) for item in items]
    texts = [equal_sql(binder, item) for _, item in pairs]
    values = {equal_sql(binder, each) for each, _ in pairs}
    is_text = all(item.constant is not None and item.type.name in STRINGS for _, item in pairs)
    if len(values) > 1 or not is_text or any(each.collation for each in (value, *items)):
        return tests
    return Predicate(f"({values.pop()} IN ({', '.join(texts)}))", tests.evaluate)


def _in_numbers(binder: Binder, value: Typed, items: list[Typed]) -> Predicate | None:
    """A long list of whole numbers as one argument: as text, DuckDB would parse it for each run.

    :return: None for another list, for a short one, and for a value that no row matters to.
    """
    asks = [item.evaluate for item in items if item.evaluate is not None]
    types = {value.type.name, *(item.type.name for item in items)}
    if value.evaluate is not None or len(asks) < max(len(items), _LONG_LIST) or not types <= INTEGERS:
        return None
    compilation = binder.compilation
    numbers = compilation.rows_argument(
        f"list {len(compilation.arguments)}", lambda values: [ask(values) for ask in asks], BIGINT
    )
    return Predicate(f"(CAST({value.sql} AS BIGINT) = ANY (SELECT unnest({numbers})))")


def _any_of(tests: list[Predicate]) -> Predicate:
    """One level of ORs, however long the list is."""
    asks = [test.evaluate for test in tests]
    sql = f"({' OR '.join(test.sql for test in tests)})"
    if any(ask is None for ask in asks):
        return Predicate(sql)

    def evaluate(values: Mapping[str, Any]) -> bool | None:
        answers = {ask(values) for ask in asks if ask is not None}
        return True if True in answers else None if None in answers else False

    return Predicate(sql, evaluate)


def _between(binder: Binder, node: exp.Between) -> Predicate:
    only(node, "this", "low", "high")
    value = binder.value(node.this)
    low = compared(binder, ">=", value, binder.value(node.args["low"]))
    high = compared(binder, "<=", value, binder.value(node.args["high"]))
    return Predicate(f"({low.sql} AND {high.sql})", _either(low.evaluate, high.evaluate, decisive=False))


def _either(first: Evaluate | None, second: Evaluate | None, *, decisive: bool) -> Evaluate | None:
    """OR (decisive True) and AND (decisive False) of three-valued logic."""
    if first is None or second is None:
        return None

    def evaluate(values: Mapping[str, Any]) -> bool | None:
        one: bool | None = first(values)
        if one is decisive:
            return decisive
        other: bool | None = second(values)
        if other is decisive:
            return decisive
        return None if one is None or other is None else not decisive

    return evaluate


def _and(binder: Binder, node: exp.And) -> Predicate:
    first, second = binder.predicate(node.this), binder.predicate(node.expression)
    return Predicate(f"({first.sql} AND {second.sql})", _either(first.evaluate, second.evaluate, decisive=False))


def _or(binder: Binder, node: exp.Or) -> Predicate:
    first, second = binder.predicate(node.this), binder.predicate(node.expression)
    return Predicate(f"({first.sql} OR {second.sql})", _either(first.evaluate, second.evaluate, decisive=True))


def _not(binder: Binder, node: exp.Not) -> Predicate:
    only(node, "this")
    return _negated(binder.predicate(node.this))


def _negated(inner: Predicate) -> Predicate:
    evaluate: Evaluate | None = None
    if (ask := inner.evaluate) is not None:

        def evaluate(values: Mapping[str, Any]) -> bool | None:
            answer: bool | None = ask(values)
            return None if answer is None else not answer

    return Predicate(f"(NOT {inner.sql})", evaluate)


def _is(binder: Binder, node: exp.Is) -> Predicate:
    only(node, "this", "expression")
    if not isinstance(node.expression, exp.Null):
        raise SqlError(102, "Incorrect syntax near 'IS': only NULL and NOT NULL follow it.", severity=15)
    value = binder.value(node.this)
    evaluate: Evaluate | None = None
    if (ask := value.evaluate) is not None:

        def evaluate(values: Mapping[str, Any]) -> bool:
            return ask(values) is None

    return Predicate(f"({value.sql} IS NULL)", evaluate)


def _like(binder: Binder, node: exp.Like | exp.Escape) -> Predicate:
    escape = None
    inner: exp.Expr = node
    if isinstance(node, exp.Escape):
        only(node, "this", "expression")
        escape, inner = binder.value(node.expression), node.this
    only(inner, "this", "expression", "negate")
    if inner.args.get("negate"):
        return _negated(_matches(binder, inner, escape))
    return _matches(binder, inner, escape)


_MOST_WILDCARDS: Final = 2
_SHORT_PATTERN: Final = 100


def _matches(binder: Binder, node: exp.Expr, escape: Typed | None) -> Predicate:
    value, pattern = binder.value(node.this), binder.value(node.expression)
    operands = [_as_text(binder, each) for each in (value, pattern)]
    unicode = any(each.type.name in UNICODE for each in operands)
    if unicode and escape is None and _is_simple(pattern.constant):
        evaluate = _strictly(lambda text, form: like(text, form, None), operands[0].evaluate, operands[1].evaluate)
        return Predicate(f"(lower({operands[0].sql}) LIKE lower({operands[1].sql}))", evaluate)
    note_pattern(binder, pattern)
    arguments = [*operands, _as_text(binder, escape)] if escape is not None else operands
    match = like if unicode else like_with_blanks
    answer = binder.call(match.__name__, match, arguments, SqlType("bit"))
    return Predicate(answer.sql, answer.evaluate)


def note_pattern(binder: Binder, pattern: Typed) -> None:
    """Note that a query with a long or unknown pattern may take more than an instant."""
    if not isinstance(pattern.constant, str) or len(pattern.constant) > _SHORT_PATTERN:
        binder.compilation.has_large_values = True


def _is_simple(pattern: Any) -> bool:
    """Whether DuckDB's own LIKE serves: it knows no sets, and tries again for each ``%`` before a ``%``."""
    return isinstance(pattern, str) and not set("[\\") & set(pattern) and pattern.count("%") <= _MOST_WILDCARDS


def _as_text(binder: Binder, value: Typed) -> Typed:
    if value.type.name in STRINGS:
        return value
    if value.type.name == "sql_variant":
        raise SqlError(8116, "Argument data type sql_variant is invalid for LIKE. Convert it to nvarchar.")
    return coerced(binder, value, SqlType("nvarchar", length=4000))


def _exists(binder: Binder, node: exp.Exists) -> Predicate:
    only(node, "this")
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    query = binder.query(_without_columns(inner))
    return Predicate(f"EXISTS ({query.sql})")


def _without_columns(query: exp.Expr) -> exp.Expr:
    """``SELECT * FROM …`` without its columns, which EXISTS does not read."""
    others = ("distinct", "group", "having", "order")
    is_plain = isinstance(query, exp.Select) and query.args.get("from_") and not any(map(query.args.get, others))
    if not is_plain or [type(each) for each in query.expressions] != [exp.Star]:
        return query
    counted = query.copy()
    counted.set("expressions", [exp.Literal.number(1)])
    return counted


def _paren(binder: Binder, node: exp.Paren) -> Predicate:
    only(node, "this")
    return binder.predicate(node.this)


_LONG_LIST: Final = 8

PREDICATES: Final[dict[type[exp.Expr], PredicateRule]] = {
    **dict.fromkeys(_SIGNS, _comparison),
    exp.In: _in,
    exp.Between: _between,
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _not,
    exp.Is: _is,
    exp.NullSafeEQ: _distinct_from,
    exp.NullSafeNEQ: _distinct_from,
    exp.Like: _like,
    exp.Escape: _like,
    exp.Exists: _exists,
    exp.Paren: _paren,
}
