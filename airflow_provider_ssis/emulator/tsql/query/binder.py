"""The binder: gives every name its meaning and every expression its type, and writes DuckDB SQL.

The rules for the single node kinds are in the other modules of this package, each a table from sqlglot's class to a
function; ``grammar.py`` puts the tables together. A node kind without a rule is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, Column, SqlType
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Evaluate, Predicate, Typed
from airflow_provider_ssis.emulator.tsql.values.date_styles import MDY
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type, quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable
    from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
    from airflow_provider_ssis.emulator.tsql.query.bridge import Bridge

ValueRule = Callable[["Binder", Any], Typed]
PredicateRule = Callable[["Binder", Any], Predicate]
FunctionRule = Callable[["Binder", Sequence[exp.Expr]], Typed]
QueryRule = Callable[["Binder", Any], BoundQuery]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules by node kind."""

    values: Mapping[type[exp.Expr], ValueRule]
    predicates: Mapping[type[exp.Expr], PredicateRule]
    queries: Mapping[type[exp.Expr], QueryRule]


@dataclass(frozen=True, slots=True)
class Argument:
    """The value of one ``$n`` in the compiled text."""

    evaluate: Evaluate
    type: SqlType
    is_list: bool = False


Guard = Callable[[Mapping[str, Any]], None]
"""A check before a query runs: raises SqlError if the session may not run it."""


class ColumnSource(Protocol):
    """A source whose text depends on the columns that a query reads."""

    @property
    def columns(self) -> Sequence[Column]:
        """All of its columns."""

    def source(self, alias: str, wanted: Collection[str], *, sees_all: bool) -> str:
        """The DuckDB text, with at least the wanted columns, as those of a view."""


@dataclass(slots=True)
class Compilation:
    """The state that all binders of one statement share.

    :param database: the current database.
    :param variables: types of the variables, by lower-case name with its ``@``.
    :param local_tables: table variables and temporary tables, by lower-case name with its ``@`` or ``#``.
    :param zone_minutes: the server's offset.
    :param sees_all: whether the login may see all rows of the views.
    :param has_large_values: whether a value may be longer than 8,000 bytes, other than one of a variable.
    :param large_variables: the variables whose type allows such values.
    :param joins: the calls so far that return a value as long as their arguments.
    :param needed: the names of the values that the session has to supply.
    :param sources: the DuckDB names of the tables that it reads, in lower case.
    :param guards: the checks before the query runs, by the name of the table.
    :param date_order: SET DATEFORMAT.
    :param chained: the database, in lower case, of the view or function whose text is bound: who may use it may use
        what it reads there.
    """

    grammar: Grammar
    metadata: Metadata
    bridge: Bridge
    database: str
    variables: Mapping[str, SqlType]
    local_tables: Mapping[str, LocalTable]
    zone_minutes: int = 0
    sees_all: bool = False
    date_order: str = MDY
    needed: dict[str, None] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)
    chained: str = ""
    sources: set[str] = field(default_factory=set)
    arguments: list[Argument] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    aliases: int = 0
    views: list[ColumnSource] = field(default_factory=list)
    has_large_values: bool = False
    large_variables: dict[str, None] = field(default_factory=dict)
    joins: int = 0

    def with_variables(self, variables: Mapping[str, SqlType]) -> Compilation:
        """The state for another statement of the same session, with additional variables."""
        return Compilation(
            self.grammar,
            self.metadata,
            self.bridge,
            self.database,
            {**self.variables, **variables},
            self.local_tables,
            self.zone_minutes,
            self.sees_all,
            self.date_order,
        )

    def alias(self) -> str:
        """A DuckDB alias that nothing else in the statement has."""
        self.aliases += 1
        return f"s{self.aliases}"

    def view(self, view: ColumnSource) -> str:
        """The DuckDB text of a view as a source; :meth:`finished` gives it the columns that the text reads."""
        self.views.append(view)
        return f"{_VIEW}{len(self.views) - 1}{_MARK_END}"

    def argument(self, key: str, evaluate: Evaluate, type: SqlType) -> str:  # noqa: A002 - the field's own word
        """The DuckDB expression for a value that is computed in Python once for each run.

        :param key: arguments of one key share one place.
        """
        place = self.places.setdefault(key, len(self.arguments))
        if place == len(self.arguments):
            self.arguments.append(Argument(evaluate, type))
        return f"CAST({_MARK}{place}{_MARK_END} AS {duckdb_type(type, zoned=True)})"

    def rows_argument(self, key: str, evaluate: Evaluate, type: SqlType) -> str:  # noqa: A002 - the field's own word
        """The DuckDB expression for a list of values of one type, computed in Python once for each run."""
        place = self.places.setdefault(key, len(self.arguments))
        if place == len(self.arguments):
            self.arguments.append(Argument(evaluate, type, is_list=True))
        return f"CAST({_MARK}{place}{_MARK_END} AS {duckdb_type(type, zoned=True)}[])"

    def finished(self, sql: str) -> tuple[str, tuple[Argument, ...]]:
        """The text with ``$1`` ... for the arguments that it really uses, and these in order."""
        order: dict[int, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"${order.setdefault(int(match[1]), len(order) + 1)}"

        text = _MARKED.sub(number, _VIEW_SOURCE.sub(partial(self._view_source, sql), sql))
        return text, tuple(self.arguments[place] for place in order)

    def _view_source(self, sql: str, match: re.Match[str]) -> str:
        view, alias = self.views[int(match["place"])], match["alias"]
        wanted = {column.name for column in view.columns if f"{alias}.{quoted(column.name)}" in sql}
        return view.source(alias, wanted, sees_all=self.sees_all)


_LARGE_TYPES: Final = frozenset({"text", "ntext", "image", "xml", "sql_variant"})
_MOST_JOINS: Final = 32
"""Calls of a query that may each return a value as long as all its variables, and still take no time."""
_MARK = "\x01"
_MARK_END = "\x02"
_VIEW = "\x03"
_VIEW_SOURCE = re.compile(f"{_VIEW}(?P<place>\\d+){_MARK_END} AS (?P<alias>s\\d+)")
_MARKED = re.compile(f"{_MARK}(\\d+){_MARK_END}")


@dataclass(frozen=True, slots=True)
class CommonTable:
    """A common table expression.

    :param sql_name: its DuckDB name.
    """

    name: str
    sql_name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Binder:
    """Binds the nodes of one query block.

    :param parameters: the arguments of the client's function whose body it is, by name in lower case with ``@``.
    """

    compilation: Compilation
    scope: Scope = field(default_factory=Scope)
    common_tables: tuple[CommonTable, ...] = ()
    parameters: Mapping[str, Typed] = field(default_factory=dict)

    def value(self, node: exp.Expr) -> Typed:
        """Bind an expression.

        :raises SqlError: unknown name, incompatible types, or a node kind that is not supported.
        """
        rule = self.compilation.grammar.values.get(type(node))
        if rule is None:
            if type(node) in self.compilation.grammar.predicates:
                raise SqlError(102, f"Incorrect syntax near {near(node)!r}: a condition is not a value.", severity=15)
            raise not_understood(node)
        if self.scope.grouped is not None and (key := self._grouping_key(node, rule)) is not None:
            return key
        try:
            return rule(self, node)
        except SqlError as error:
            raise located(error, node) from None

    def values(self, nodes: Sequence[exp.Expr]) -> list[Typed]:
        """Bind expressions in order."""
        return [self.value(node) for node in nodes]

    def predicate(self, node: exp.Expr) -> Predicate:
        """Bind a condition."""
        rule = self.compilation.grammar.predicates.get(type(node))
        if rule is None:
            if type(node) in self.compilation.grammar.values:
                raise SqlError(
                    4145, f"A condition is expected instead of an expression near {near(node)!r}.", severity=15
                )
            raise not_understood(node)
        try:
            return rule(self, node)
        except SqlError as error:
            raise located(error, node) from None

    def query(self, node: exp.Expr) -> BoundQuery:
        """Bind a query inside the current block, which it may refer to."""
        inner = replace(self, scope=Scope(parent=self.scope))
        return inner.query_here(node)

    def query_here(self, node: exp.Expr) -> BoundQuery:
        """Bind a query in the current scope."""
        rule = self.compilation.grammar.queries.get(type(node))
        if rule is None:
            raise not_understood(node)
        try:
            return rule(self, node)
        except SqlError as error:
            raise located(error, node) from None

    def within(self, scope: Scope) -> Binder:
        """A binder of the same statement for another scope."""
        return replace(self, scope=scope)

    def outside(self, parameters: Mapping[str, Typed]) -> Binder:
        """A binder for the text of a view or function, which sees nothing of the query around it.

        :param parameters: the arguments of the function.
        """
        return Binder(self.compilation, Scope(), (), parameters)

    def with_tables(self, tables: Sequence[CommonTable]) -> Binder:
        """A binder that knows these common table expressions too."""
        return replace(self, common_tables=(*self.common_tables, *tables))

    def ungrouped(self) -> Binder:
        """A binder for the argument of an aggregate: the rows of the group, not the group."""
        scope = self.scope
        return self.within(Scope(parent=scope.parent, sources=scope.sources, clause=Clause.AGGREGATE))

    def session_value(self, name: str, type: SqlType) -> Typed:  # noqa: A002 - the field's own word
        """A value that the session supplies at run time, by its name in ``CompiledQuery.parameters``."""
        self.compilation.needed[name] = None

        def evaluate(values: Mapping[str, Any]) -> Any:
            return values[name]

        if self._is_large(type):
            self.compilation.large_variables[name] = None
        return Typed(self.compilation.argument(name, evaluate, type), type, evaluate=evaluate)

    def computed(self, key: str, evaluate: Evaluate, type: SqlType) -> Typed:  # noqa: A002 - the field's own word
        """A value that Python computes once for each run, from the values that the session supplies.

        :param key: names the value apart from all others in the statement.
        """
        self._note_size(type)
        return Typed(self.compilation.argument(key, evaluate, type), type, evaluate=evaluate)

    def _note_size(self, type: SqlType) -> None:  # noqa: A002 - the field's own word
        if self._is_large(type):
            self.compilation.has_large_values = True

    @staticmethod
    def _is_large(type: SqlType) -> bool:  # noqa: A002 - the field's own word
        return type.length == MAX or type.name in _LARGE_TYPES

    def session_call(self, name: str, arguments: Sequence[Typed], result: SqlType) -> Typed:
        """A call, for each row, of a function that the session supplies."""
        self.compilation.needed[name] = None
        bridge = self.compilation.bridge
        return self.call(name, lambda *values: bridge.session[name](*values), arguments, result, strict=False)

    def call(
        self,
        key: str,
        function: Callable[..., Any],
        arguments: Sequence[Typed],
        result: SqlType,
        *,
        strict: bool = True,
        is_volatile: bool = False,
        adds_length: bool = True,
    ) -> Typed:
        """A call of a Python function for each row, or once where no row matters.

        :param key: names the function; see ``Bridge.call``.
        :param strict: NULL among the arguments makes the result NULL, and the function is not called.
        :param is_volatile: see ``Bridge.call``.
        :param adds_length: whether the result may be longer than all arguments together.
        """
        call = _strict(function) if strict else function
        if not arguments and not is_volatile:
            return self.computed(key, lambda values: call(), result)
        if adds_length or self.compilation.joins >= _MOST_JOINS:
            self._note_size(result)
        self.compilation.joins += self._is_large(result)
        sql = self.compilation.bridge.call(
            key,
            call,
            [argument.sql for argument in arguments],
            [argument.type for argument in arguments],
            result,
            is_volatile=is_volatile,
        )
        evaluators = [argument.evaluate for argument in arguments]
        evaluate: Evaluate | None = None
        if all(each is not None for each in evaluators):

            def evaluate(values: Mapping[str, Any]) -> Any:
                return call(*[each(values) for each in evaluators if each is not None])

        return Typed(sql, result, evaluate=evaluate)

    def _grouping_key(self, node: exp.Expr, rule: ValueRule) -> Typed | None:
        """What an expression of a grouped query reads as, if it is one of those that the query groups by."""
        try:
            bound = rule(self.ungrouped(), node)
        except SqlError:
            # It contains an aggregate or an error, which the rule itself reports.
            return None
        reading = (self.scope.grouped or {}).get(bound.sql)
        if reading is None:
            return None
        return replace(bound, sql=reading, evaluate=None, nullable=bound.nullable or self.scope.subtotals)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return None if any(argument is None for argument in arguments) else function(*arguments)

    return call


def near(node: exp.Expr) -> str:
    """The text that an error points at."""
    text = node.name or node.sql(dialect="tsql")
    return text if len(text) <= 40 else text[:40]


def located(error: SqlError, node: exp.Expr) -> SqlError:
    """An error with the line of a node, counted from the statement's first, unless it has one already."""
    if not error.line:
        line = node.meta.get("line") or next(
            (part.meta["line"] for part in node.find_all(exp.Identifier) if "line" in part.meta), 0
        )
        error.line = int(line)
    return error


def not_understood(node: exp.Expr) -> SqlError:
    """Error 102: a form of a query without a rule here."""
    return located(
        SqlError(102, f"Incorrect syntax near {near(node)!r}: this form is not supported by this server.", severity=15),
        node,
    )


def only(node: exp.Expr, *understood: str) -> None:
    """Check that a node has no part beyond those that its rule reads.

    :raises SqlError: 102, it has; passing over it would give a wrong answer.
    """
    for part, value in node.args.items():
        if value not in (None, False, []) and part not in understood:
            raise SqlError(
                102,
                f"Incorrect syntax near {near(node)!r}: the part {part!r} is not supported by this server.",
                severity=15,
            )
