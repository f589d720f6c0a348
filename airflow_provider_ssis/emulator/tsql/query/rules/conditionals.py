"""CASE, IIF, CHOOSE, COALESCE, ISNULL, NULLIF: values that depend on conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import compared
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced, unified
from airflow_provider_ssis.emulator.tsql.query.rules.names import null_of
from airflow_provider_ssis.emulator.tsql.query.typed import NULL_TYPE, Evaluate, Predicate, Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, FunctionRule, ValueRule


def _case(binder: Binder, node: exp.Case) -> Typed:
    only(node, "this", "ifs", "default")
    subject = binder.value(node.this) if node.this is not None else None
    conditions: list[Predicate] = []
    for branch in node.args["ifs"]:
        if subject is None:
            conditions.append(binder.predicate(branch.this))
        else:
            conditions.append(compared(binder, "=", subject, binder.value(branch.this)))
    results = [binder.value(branch.args["true"]) for branch in node.args["ifs"]]
    default = node.args.get("default")
    otherwise = binder.value(default) if default is not None else null_of(NULL_TYPE, bare=True)
    return chosen(binder, conditions, [*results, otherwise])


def chosen(binder: Binder, conditions: Sequence[Predicate], results: Sequence[Typed]) -> Typed:
    """The first result whose condition is true, the last result when none is."""
    if all(result.bare_null for result in results):
        raise SqlError(8133, "At least one of the results of CASE must be something other than the word NULL.")
    *results, otherwise = unified(binder, results)
    branches = "".join(
        f" WHEN {condition.sql} THEN {result.sql}" for condition, result in zip(conditions, results, strict=True)
    )
    return Typed(
        f"CASE{branches} ELSE {otherwise.sql} END",
        otherwise.type,
        nullable=any(each.nullable for each in (*results, otherwise)),
        evaluate=_first_true([each.evaluate for each in conditions], [each.evaluate for each in (*results, otherwise)]),
    )


def _first_true(conditions: Sequence[Evaluate | None], results: Sequence[Evaluate | None]) -> Evaluate | None:
    asks = [condition for condition in conditions if condition is not None]
    gives = [result for result in results if result is not None]
    if len(asks) != len(conditions) or len(gives) != len(results):
        return None

    def evaluate(values: Mapping[str, Any]) -> Any:
        for ask, give in zip(asks, gives, strict=False):
            if ask(values):
                return give(values)
        return gives[-1](values)

    return evaluate


def _is_null(value: Typed, *, negated: bool = False) -> Predicate:
    evaluate: Evaluate | None = None
    if (ask := value.evaluate) is not None:

        def evaluate(values: Mapping[str, Any]) -> bool:
            return (ask(values) is None) is not negated

    return Predicate(f"({value.sql} IS {'NOT ' if negated else ''}NULL)", evaluate)


def iif(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``IIF(condition, value, value)``."""
    condition, first, second = nodes
    return chosen(binder, [binder.predicate(condition)], [binder.value(first), binder.value(second)])


def coalesce(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``COALESCE(value, ...)``: of the type that all values share."""
    values = binder.values(nodes)
    if all(value.bare_null for value in values):
        raise SqlError(4127, "At least one of the arguments of COALESCE must be something other than the word NULL.")
    values = unified(binder, values)
    if len(values) == 1:
        return values[0]
    return chosen(binder, [_is_null(value, negated=True) for value in values[:-1]], values)


def isnull(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``ISNULL(value, replacement)``: of the type of the first."""
    value, replacement = binder.values(nodes)
    if value.bare_null:
        return replacement
    replacement = coerced(binder, replacement, value.type)
    result = chosen(binder, [_is_null(value, negated=True)], [value, replacement])
    return Typed(result.sql, result.type, nullable=value.nullable and replacement.nullable, evaluate=result.evaluate)


def nullif(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``NULLIF(value, other)``: NULL if they are equal."""
    value, other = binder.values(nodes)
    if value.bare_null:
        raise SqlError(4151, "The first argument of NULLIF must be something other than the word NULL.")
    return chosen(binder, [compared(binder, "=", value, other)], [null_of(value.type), value])


def choose(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    """``CHOOSE(index, value, ...)``: the value at the index, from 1; NULL outside."""
    index = coerced(binder, binder.value(nodes[0]), SqlType("int"))
    values = binder.values(nodes[1:])
    conditions = [
        compared(binder, "=", index, binder.value(exp.Literal.number(position)))
        for position in range(1, len(values) + 1)
    ]
    return chosen(binder, conditions, [*values, null_of(NULL_TYPE, bare=True)])


def _outermost(sign: str) -> FunctionRule:
    """``GREATEST(value, ...)`` and ``LEAST(value, ...)``: NULL counts only where nothing else does."""

    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        found, *others = binder.values(nodes)
        for other in others:
            keeps = [compared(binder, sign, found, other), _is_null(other)]
            found = chosen(binder, keeps, [found, found, other])
        return found

    return rule


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.Case: _case}

FUNCTIONS: Final[dict[str, tuple[int, int | None, FunctionRule]]] = {
    "choose": (2, None, choose),
    "coalesce": (1, None, coalesce),
    "greatest": (1, None, _outermost(">=")),
    "iif": (3, 3, iif),
    "isnull": (2, 2, isnull),
    "least": (1, None, _outermost("<=")),
    "nullif": (2, 2, nullif),
}
"""By lower-case name: the fewest arguments, the most (None: any number), and the rule."""
