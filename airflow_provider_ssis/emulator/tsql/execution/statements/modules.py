"""The statements that create, alter and drop views, procedures and functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.function_checks import check_statements
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.user_tables import new_place
from airflow_provider_ssis.emulator.tsql.language import module_syntax as m
from airflow_provider_ssis.emulator.tsql.language import parser
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    Module,
    UserFunction,
    UserProcedure,
    UserTable,
    UserView,
)
from airflow_provider_ssis.emulator.tsql.metadata.signatures import (
    ProcedureParameter,
    parse_signature,
    with_typed_default,
)
from airflow_provider_ssis.emulator.tsql.query.rules.ordering import check_inner_order
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import inner_sequence
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_CLASSES: Final[dict[str, type[Module]]] = {
    m.VIEW: UserView,
    m.PROCEDURE: UserProcedure,
    m.FUNCTION: UserFunction,
}


async def _define(interpreter: Runner, statement: m.DefineModule, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    if len(statement.name) > 2 and statement.name[0]:
        text = f"'CREATE/ALTER {statement.kind}' does not allow specifying the database name as a prefix."
        raise SqlError(166, text, severity=15, line=statement.line)
    place = new_place(session, statement.name, f"CREATE {statement.kind}")
    async with session.transactions.writing([place], session.options):
        known = session.metadata.item(place.database, place.schema, place.name)
        fits = isinstance(known, _CLASSES[statement.kind])
        if known is not None and not (fits and statement.alters):
            raise SqlError(2714, f"There is already an object named '{place.name}' in the database.", state=3)
        if known is None and not statement.creates:
            raise SqlError(208, f"Invalid object name '{'.'.join(statement.name)}'.", state=6)
        module = _module(session, statement, place)
        session.transactions.write([], lambda: session.transactions.user_tables.define(module))
    return ()


def _module(session: SessionState, statement: m.DefineModule, place: UserTable) -> Module:
    database, schema, name = place.database, place.schema, place.name
    if statement.kind == m.VIEW:
        columns = _columns(session, statement.body, database)
        if statement.columns and len(statement.columns) != len(columns):
            text = f"View '{name}' has {len(columns)} columns, and names for {len(statement.columns)}."
            raise SqlError(8158 if len(columns) > len(statement.columns) else 8159, text)
        if statement.columns:
            columns = tuple(replace(each, name=given) for each, given in zip(columns, statement.columns, strict=True))
        _check_names(columns, name)
        return UserView(database, schema, name, columns, statement.body, statement.definition)
    parameters = _parameters(statement)
    if statement.kind == m.PROCEDURE:
        for each in parameters:
            kind = each.type
            if kind.schema is not None and session.metadata.table_type(database, kind.schema, kind.name) is None:
                text = f"Cannot find the data type {kind}: parameter '{each.name}'."
                raise SqlError(2715, text, state=3, line=statement.line)
        variables = {each.name.lower(): each.type for each in parameters if each.type.schema is None}
        tables = frozenset(each.name.lower() for each in parameters if each.type.schema is not None)
        parser.parse(statement.body, variables, tables, in_module=True)
        arguments = (parameters, statement.signature, statement.body, statement.definition)
        return UserProcedure(database, schema, name, *arguments, _as_owner(session, statement, database))
    function = UserFunction(
        *(database, schema, name, parameters, statement.signature, statement.returns, ()),
        *(statement.body, statement.definition, statement.has_statements),
    )
    if statement.table is not None:
        table = statement.table
        function = replace(function, columns=table.columns, table=table.name, rules=table.rules)
    if statement.has_statements:
        check_statements(function)
        return function
    return _checked(session, function)


def _as_owner(session: SessionState, statement: m.DefineModule, database: str) -> bool:
    """Whether a procedure runs as dbo, which only owners of the database may ask for.

    :raises SqlError: 15151.
    """
    if not (statement.as_owner or statement.as_self):
        return False
    created = session.engine.databases.get(database)
    if created is None or "db_owner" not in created.roles_of(created.user(session.principal)):
        if statement.as_self:
            raise not_supported("PROCEDURE … WITH EXECUTE AS SELF of a user other than dbo", line=statement.line)
        text = "Cannot find the user 'dbo', because it does not exist or you do not have permission."
        raise SqlError(15151, text, line=statement.line)
    return True


def _parameters(statement: m.DefineModule) -> tuple[ProcedureParameter, ...]:
    """The parameters, with defaults of their types."""
    try:
        found = parse_signature(statement.signature)
    except ValueError as error:
        text = f"Incorrect syntax in the parameters of '{statement.name[-1]}': {error}."
        raise SqlError(102, text, severity=15, line=statement.line) from None
    if len({each.key for each in found}) != len(found):
        raise SqlError(134, "A parameter name is declared twice.", severity=15, state=2, line=statement.line)
    return tuple(map(with_typed_default, found))


def _columns(session: SessionState, text: str, database: str) -> tuple[Column, ...]:
    """The columns of the query of a view."""
    parsed = QueryText.parse(text)
    if parsed.tree.find(exp.NextValueFor) is not None:
        raise inner_sequence()
    check_inner_order(parsed.tree)
    query = session.engine.compiler.compile(
        parsed,
        variables={},
        database=database,
        connection=session.connection,
        sees_all=session.sees_all,
        metadata=session.metadata,
    )
    if query.writes or query.assignments or not query.columns:
        raise SqlError(156, "A view needs a SELECT.", severity=15)
    return query.columns


def _check_names(columns: tuple[Column, ...], name: str) -> None:
    for place, column in enumerate(columns, start=1):
        if not column.name:
            raise SqlError(4511, f"Column {place} of '{name}' has no name. Add one with AS.")
    if len({column.name.lower() for column in columns}) != len(columns):
        raise SqlError(4506, f"Column names in each view or function must be unique: '{name}'.")


def _checked(session: SessionState, function: UserFunction) -> UserFunction:
    """A function that compiles, with the columns of its table."""
    metadata = session.metadata.copy()
    metadata.add(function)
    nulls = ", ".join(f"CAST(NULL AS {each.type})" for each in function.parameters)
    call = f"[{function.schema.replace(']', ']]')}].[{function.name.replace(']', ']]')}]({nulls})"
    text = " ".join(["SELECT", call if function.returns is not None else f"* FROM {call} AS f"])
    query = session.engine.compiler.compile(
        QueryText.parse(text),
        variables={},
        database=function.database,
        connection=session.connection,
        sees_all=session.sees_all,
        metadata=metadata,
    )
    if function.returns is not None:
        return function
    check_inner_order(QueryText.parse(function.body).tree.unnest())
    _check_names(query.columns, function.name)
    return replace(function, columns=query.columns)


async def _drop(interpreter: Runner, statement: m.DropModules, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    for name in statement.names:
        database, schema, last = qualified(name, session.database)
        found = session.metadata.item(database, schema, last)
        if not isinstance(found, _CLASSES[statement.kind]):
            if statement.if_exists and found is None:
                continue
            text = (
                f"Cannot drop the {statement.kind.lower()} '{'.'.join(name)}': it does not exist, or you do not have "
            )
            raise SqlError(3701, f"{text}permission.", severity=11, state=5)
        await _drop_one(session, found)
    return ()


async def _drop_one(session: SessionState, module: Module) -> None:
    place = new_place(session, (module.database, module.schema, module.name), "DROP")
    async with session.transactions.writing([place], session.options):
        session.transactions.write([], lambda: session.transactions.user_tables.undefine(module))


AWAITED: Final[AwaitedTable] = {
    m.DefineModule: _define,
    m.DropModules: _drop,
}
