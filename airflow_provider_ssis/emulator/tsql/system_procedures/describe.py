"""The columns that a batch would return and its parameters, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, Column, SqlType
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.language import parser
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, tokenize
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import Routine
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import parse_type
from airflow_provider_ssis.emulator.tsql.query.rules.names import written_name

UNKNOWN: Final = SqlType("nvarchar", length=4000)
"""The type of a parameter without any hint: text converts to any other type."""

_ROW_COUNT: Final = SqlType("bigint")
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.In, exp.Between)


def first_result_set(session: SessionState, text: str, parameters: Sequence[ProcedureParameter]) -> tuple[Column, ...]:
    """The columns of the first result set of a batch; none where it returns none.

    :raises SqlError: the batch does not compile.
    """
    given = {parameter.name.lower(): parameter.type for parameter in parameters if parameter.type.schema is None}
    tables = frozenset(parameter.name.lower() for parameter in parameters if parameter.type.schema is not None)
    batch = parser.parse(text, given, tables)
    if batch.tables or tables:
        return ()  # local tables are there only when the batch runs
    variables = {**given, **batch.variables, **{name: literal.type for name, literal in batch.literals.items()}}
    for statement in _all(batch.statements):
        if isinstance(statement, s.Execute | s.ExecuteText) and statement.result_sets:
            return statement.result_sets[0]
        if not isinstance(statement, s.Query) or statement.into:
            continue
        query = session.engine.compiler.compile(
            statement.text,
            variables=variables,
            database=session.database,
            connection=session.connection,
            sees_all=session.sees_all,
            local_tables=session.temporary_tables,
            metadata=session.metadata,
        )
        if query.columns and not query.assignments:
            return query.columns
    return ()


def undeclared_parameters(session: SessionState, text: str, known: Sequence[ProcedureParameter]) -> dict[str, SqlType]:
    """The variables that a batch uses and does not declare, with the types that their places suggest.

    :param known: parameters that are declared already.
    :raises SqlError: the batch cannot be read.
    """
    names: dict[str, SqlType] = {}
    for token in tokenize(text):
        if token.kind is Kind.VARIABLE and not token.text.startswith("@@"):
            names.setdefault(token.text.lower(), UNKNOWN)
    given = {parameter.name.lower(): parameter.type for parameter in known}
    names, named_arguments = _without_declared(text, names, given)
    batch = parser.parse(text, {**names, **given})
    suggested: dict[str, SqlType] = {}
    for statement in _all(batch.statements):
        suggested = {**_suggested(session, statement), **suggested}
    return {name: suggested.get(name, UNKNOWN) for name in names if name not in named_arguments or name in suggested}


def _without_declared(
    text: str, names: Mapping[str, SqlType], given: Mapping[str, SqlType]
) -> tuple[dict[str, SqlType], set[str]]:
    """The names without those that a DECLARE makes; and those that also name an argument of a procedure."""
    tokens = tokenize(text)
    declared = set(given)
    arguments = set()
    declaring = False
    for token, following in pairwise(tokens):
        if token.kind is Kind.WORD:
            declaring = token.is_word("DECLARE") or (declaring and not token.is_keyword)
        elif token.kind is Kind.VARIABLE:
            if declaring and following.kind is not Kind.SYMBOL:
                declared.add(token.text.lower())
            elif following.is_symbol("="):
                arguments.add(token.text.lower())
    return {name: kind for name, kind in names.items() if name not in declared}, arguments


def _all(statements: Sequence[s.Statement]) -> Iterator[s.Statement]:
    """Statements with those inside them."""
    for statement in statements:
        yield statement
        match statement:
            case s.Block(body=body):
                yield from _all(body)
            case s.TryCatch(body=body, handler=handler):
                yield from _all((*body, *handler))
            case s.If(then=then, otherwise=otherwise):
                yield from _all((then,) if otherwise is None else (then, otherwise))
            case s.While(body=inner):
                yield from _all((inner,))


def _suggested(session: SessionState, statement: s.Statement) -> dict[str, SqlType]:
    match statement:
        case s.Execute():
            return _of_arguments(session, statement)
        case s.Query(text=text) | s.SetVariable(value=text) | s.Print(value=text):
            return _of_query(session, text.tree)
        case s.If(condition=text) | s.While(condition=text):
            return _of_query(session, text.tree)
    return {}


def _of_arguments(session: SessionState, statement: s.Execute) -> dict[str, SqlType]:
    """Arguments of a procedure have the types of its parameters."""
    if not statement.procedure:
        return {}
    procedure = session.metadata.routine(*session.metadata.resolved(qualified(statement.procedure, session.database)))
    if procedure is None:
        return {}
    return {
        argument.variable: parameter.type
        for position, argument in enumerate(statement.arguments)
        if argument.variable and (parameter := _parameter(procedure, argument, position)) is not None
    }


def _parameter(procedure: Routine, argument: s.Argument, position: int) -> ProcedureParameter | None:
    if not argument.name:
        return procedure.parameters[position] if position < len(procedure.parameters) else None
    key = argument.name.lstrip("@").lower()
    return next((parameter for parameter in procedure.parameters if parameter.key == key), None)


def _of_query(session: SessionState, tree: exp.Expr) -> dict[str, SqlType]:
    found: dict[str, SqlType] = {}
    for node in tree.find_all(exp.Parameter):
        if isinstance(node.this, exp.Parameter) or isinstance(node.parent, exp.Parameter):
            continue
        suggestion = _of_place(session, tree, node)
        if suggestion is not None:
            found.setdefault(f"@{node.name.lower()}", suggestion)
    return found


def _of_place(session: SessionState, tree: exp.Expr, node: exp.Parameter) -> SqlType | None:
    """The type that a place in a query asks for."""
    place: exp.Expr | None = node.parent
    while isinstance(place, exp.Paren):
        place = place.parent
    if isinstance(place, exp.Cast):
        return _type(place.args["to"])
    if isinstance(place, exp.Convert):
        return _type(place.this)
    if isinstance(place, exp.Limit | exp.Offset | exp.Fetch):
        return _ROW_COUNT
    if isinstance(place, exp.Tuple) and isinstance(tree, exp.Insert):
        return _inserted_type(session, tree, place.expressions.index(node))
    if isinstance(place, _COMPARISONS):
        columns = [part for part in place.iter_expressions() if isinstance(part, exp.Column)]
        return _column_type(session, tree, columns[0]) if columns else None
    return None


def _type(node: exp.Expr) -> SqlType | None:
    return parse_type(node) if isinstance(node, exp.DataType) else None


def _column_type(session: SessionState, tree: exp.Expr, column: exp.Column) -> SqlType | None:
    """The type of a column, looked for in all tables of the query."""
    qualifier = column.table.lower()
    for table in tree.find_all(exp.Table):
        if qualifier and qualifier not in (table.alias.lower(), table.name.lower()):
            continue
        for known in _columns(session, table):
            if known.name.lower() == column.name.lower():
                return _parameter_type(known.type)
    return None


def _inserted_type(session: SessionState, tree: exp.Insert, position: int) -> SqlType | None:
    """The type of the column that a place in VALUES goes to."""
    target = tree.this
    table = target.this if isinstance(target, exp.Schema) else target
    columns = {column.name.lower(): column for column in _columns(session, table)}
    names = [each.name.lower() for each in target.expressions] if isinstance(target, exp.Schema) else list(columns)
    column = columns.get(names[position]) if position < len(names) else None
    return None if column is None else _parameter_type(column.type)


def _columns(session: SessionState, table: exp.Table) -> tuple[Column, ...]:
    if table.this.args.get("temporary"):
        local = session.temporary_tables.get(f"#{table.name.lower()}")
        return local.columns if local is not None else ()
    parts = [part for part in (table.catalog, table.db, written_name(table.this)) if part]
    database, schema, name = qualified(parts, session.database)
    relation = session.metadata.relation(database, schema, name) or SYSTEM_VIEWS.get((schema.lower(), name.lower()))
    return relation.columns if relation is not None else ()


def _parameter_type(sql_type: SqlType) -> SqlType:
    """A parameter compared with a column; one for a short string may be longer than the column."""
    if sql_type.name in ("char", "varchar", "nchar", "nvarchar") and sql_type.length != MAX:
        return SqlType("nvarchar", length=4000) if sql_type.name[0] == "n" else SqlType("varchar", length=8000)
    return sql_type
