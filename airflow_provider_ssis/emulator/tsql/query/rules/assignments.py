"""``SELECT @a = ..., @b = ...``.

SQL Server takes the rows one after the other, and the assignments of a row from left to right. Where no assignment
reads what another one wrote, the last row says all. Everywhere else the SELECT is taken apart: what is read from the
sources is fetched once, then each right-hand side is computed for each row, with what the variables hold by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.functions.dates import TAKE_DATE_PART
from airflow_provider_ssis.emulator.tsql.query.grammar import GRAMMAR
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import NAMES as AGGREGATES
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_SOURCE_PARTS: Final = ("with_", "from_", "joins", "where", "group", "having", "order")


@dataclass(frozen=True, slots=True)
class Assignments:
    """A SELECT of values for variables.

    :param rows: the fetched values: those of the variables, or with steps those that the steps read.
    :param variables: where the values go, in their order.
    :param steps: for assignments that follow from one another, the SELECT of each value: it reads the columns of a row
        of ``rows`` as the variables that :func:`cell_name` names. Empty where the last of ``rows`` holds the values.
    :param one_row: the rows depend on the variables, so the steps are equivalent to SQL Server only while
        there is no second row.
    """

    rows: exp.Expr
    variables: tuple[str, ...] = ()
    steps: tuple[exp.Select, ...] = ()
    one_row: bool = False


def split_assignments(tree: exp.Expr) -> Assignments:
    """A SELECT taken apart into values and variables; no variables for any other query.

    :raises SqlError: 141, a SELECT that assigns must not return data too; 40514, it has no meaning row by row.
    """
    if not isinstance(tree, exp.Select):
        return Assignments(tree)
    targets = tuple(_target(item) for item in tree.expressions)
    if not any(targets):
        return Assignments(tree)
    if not all(targets):
        raise SqlError(141, "A SELECT that assigns variables must not also return data.", severity=15)
    select = tree.copy()
    values = [item.expression for item in select.expressions]
    if not _follow_from_each_other(values, targets, has_source=select.args.get("from_") is not None):
        select.set("expressions", values)
        return Assignments(select, targets)
    return _row_by_row(select, values, targets)


def cell_name(position: int) -> str:
    """The variable as which a step reads a column, from 1; with its blank no batch can declare it."""
    return f"@ {position}"


def _target(item: exp.Expr) -> str:
    if isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter):
        return f"@{item.this.name.lower()}" if not isinstance(item.this.this, exp.Parameter) else ""
    return ""


def _reads(node: exp.Expr, variables: frozenset[str]) -> bool:
    """Whether something in a tree is one of the variables."""
    return any(
        not isinstance(parameter.this, exp.Parameter) and f"@{parameter.name.lower()}" in variables
        for parameter in node.find_all(exp.Parameter)
    )


def _follow_from_each_other(values: list[exp.Expr], targets: tuple[str, ...], *, has_source: bool) -> bool:
    """Whether a value may read what an assignment wrote: one before it, or with sources one of the row before."""
    return any(
        _reads(value, frozenset(targets if has_source else targets[:place])) for place, value in enumerate(values)
    )


def _row_by_row(select: exp.Select, values: list[exp.Expr], targets: tuple[str, ...]) -> Assignments:
    has_source = select.args.get("from_") is not None
    if select.args.get("distinct") is not None:
        raise not_supported("A SELECT DISTINCT whose assignments read the variables that it assigns")
    order = select.args.get("order")
    if order is not None and any(isinstance(item.this, exp.Literal) for item in order.expressions):
        raise not_supported("ORDER BY a position in a SELECT whose assignments read the variables that it assigns")
    variables = frozenset(targets)
    cells: tuple[exp.Expr, ...] = ()
    if has_source:
        move = _Cells(variables, grouped=select.args.get("group") is not None)
        values = [move.out_of(value) for value in values]
        cells = tuple(move.taken)
    select.set("expressions", list(cells) or [exp.Literal.number(1)])
    parts = [part for name in _SOURCE_PARTS for part in _listed(select.args.get(name))]
    return Assignments(
        select,
        targets,
        tuple(exp.Select(expressions=[value]) for value in values),
        one_row=has_source and any(_reads(part, variables) for part in parts),
    )


def _listed(part: exp.Expr | list[exp.Expr] | None) -> list[exp.Expr]:
    if part is None:
        return []
    return part if isinstance(part, list) else [part]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Moves what reads the sources out of the values, into columns to be fetched.

    :param variables: those that the SELECT assigns.
    :param grouped: the query has GROUP BY, where a column alone may mean nothing: expressions are moved whole. Without
        it columns alone are moved, so that a CASE around them still decides which value is computed.
    :param taken: the columns so far.
    """

    variables: frozenset[str]
    grouped: bool
    taken: list[exp.Expr] = field(default_factory=list)

    def out_of(self, value: exp.Expr) -> exp.Expr:
        """A value without what reads the sources.

        :raises SqlError: 40514, a part of it reads both the sources and the variables, in a way that has no order.
        """
        if not _reads(value, self.variables):
            return self._cell(value)
        if _is_aggregate(value):
            if self.grouped:
                raise not_supported("An aggregate over a variable that the same SELECT with GROUP BY assigns")
            # It returns one row, and reads the variables as they were before the SELECT.
            return self._cell(value)
        if isinstance(value, exp.Window):
            raise not_supported("A window function over a variable that the same SELECT assigns")
        if isinstance(value, exp.Query) or _tests_subquery(value):
            raise not_supported("A subquery together with a variable that the same SELECT with FROM assigns")
        self._clear(value)
        return value

    def _clear(self, node: exp.Expr) -> None:
        for child in _operands(node):
            reads = _reads(child, self.variables)
            if not reads and _tests_subquery(child):
                child.replace(self._tested(child))
            elif reads or self._is_fetched(child):
                child.replace(self.out_of(child))
            else:
                self._clear(child)

    def _is_fetched(self, node: exp.Expr) -> bool:
        if self.grouped and type(node) in GRAMMAR.values:
            return any(_is_read(part) for part in node.walk())
        return _is_read(node)

    def _tested(self, condition: exp.Expr) -> exp.Expr:
        """A condition as the comparison of a column, which is unknown where the condition is."""
        holds, fails = (
            exp.If(this=test, true=exp.Literal.number(number))
            for test, number in ((condition.copy(), 1), (exp.Not(this=exp.Paren(this=condition.copy())), 0))
        )
        return exp.EQ(this=self._cell(exp.Case(ifs=[holds, fails])), expression=exp.Literal.number(1))

    def _cell(self, value: exp.Expr) -> exp.Expr:
        self.taken.append(value.copy())
        return exp.Parameter(this=exp.Var(this=cell_name(len(self.taken))[1:]))


def _operands(node: exp.Expr) -> list[exp.Expr]:
    children = list(node.iter_expressions())
    # A date part looks like a column.
    return children[1:] if _function(node) in TAKE_DATE_PART else children


def _is_aggregate(node: exp.Expr) -> bool:
    return _function(node.this if isinstance(node, exp.WithinGroup) else node) in AGGREGATES


def _function(node: exp.Expr) -> str:
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def _is_read(node: exp.Expr) -> bool:
    """Whether a node as a whole is a value that is read from the sources."""
    return isinstance(node, exp.Column | exp.Window | exp.Query) or _is_aggregate(node)


def _tests_subquery(node: exp.Expr) -> bool:
    """Whether a node is a condition on the rows of a subquery."""
    if isinstance(node, exp.Exists) or (isinstance(node, exp.In) and node.args.get("query") is not None):
        return True
    return any(isinstance(child, exp.Any | exp.All) for child in node.iter_expressions())
