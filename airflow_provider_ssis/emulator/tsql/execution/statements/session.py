"""SET, USE and the statements about transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable, ImmediateTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import find_table
from airflow_provider_ssis.emulator.tsql.language import options
from airflow_provider_ssis.emulator.tsql.language import security_contexts as c
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


async def _set_variable(interpreter: Runner, statement: s.SetVariable, frame: Frame) -> Iterable[Event]:
    await interpreter.evaluator.assign(statement.name, statement.value, frame)
    interpreter.session.row_count = 1
    return ()


def _set_option(interpreter: Runner, statement: s.SetOption, frame: Frame) -> Iterable[Event]:
    value = statement.value
    if value.startswith("@"):
        value = str(frame.values[value.lower()]).upper()
    for name in statement.options:
        options.apply(interpreter.session.options, name, value)
    interpreter.session.row_count = 0
    return ()


def _set_identity_insert(interpreter: Runner, statement: s.SetIdentityInsert, frame: Frame) -> Iterable[Event]:
    session, name = interpreter.session, ".".join(statement.table)
    table = find_table(session, statement.table, frame)
    if table is None:
        raise SqlError(1088, f"Cannot find the table '{name}': it does not exist, or you do not have permission.")
    if table.rules.identity is None:
        raise SqlError(
            8106,
            f"Table '{name}' does not have the identity property. SET IDENTITY_INSERT needs an identity column.",
        )
    other = session.identity_insert
    if statement.on and other not in ("", table.storage_name) and _is_there(session, other, frame):
        raise SqlError(
            8107,
            f"IDENTITY_INSERT is already ON for table '{session.identity_insert_name}'. Set it OFF there before "
            f"'{name}'.",
        )
    if statement.on:
        session.identity_insert, session.identity_insert_name = table.storage_name, table.name
    elif other == table.storage_name:
        session.identity_insert = ""
    return ()


def _is_there(session: SessionState, storage_name: str, frame: Frame) -> bool:
    """Whether a table, given by its DuckDB name, still exists."""
    known: list[WritableTable] = [*frame.tables.values()]
    for database in session.engine.databases.all():
        known += [item for _, item in session.metadata.objects(database.name) if isinstance(item, UserTable)]
    return any(table.storage_name == storage_name for table in known)


def _transaction(interpreter: Runner, statement: s.TransactionStatement, frame: Frame) -> Iterable[Event]:
    transactions = interpreter.session.transactions
    name = statement.name
    if name.startswith("@"):
        name = str(frame.values[name] or "")
    interpreter.session.row_count = 0
    match statement:
        case s.BeginTransaction():
            return transactions.begin(name)
        case s.CommitTransaction():
            return transactions.commit()
        case s.SaveTransaction():
            return transactions.save(name)
    return transactions.roll_back(name)


def _use(interpreter: Runner, statement: s.Use, frame: Frame) -> Iterable[Event]:
    interpreter.session.row_count = 0
    return interpreter.session.use(statement.database)


def _execute_as(interpreter: Runner, statement: c.ExecuteAs, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    name = str(frame.values[statement.name] or "") if statement.is_variable else statement.name
    if statement.kind == c.CALLER:
        session.impersonation.act_as_caller(session)
    elif statement.kind == c.LOGIN:
        session.impersonation.act_as_login(session, name, is_final=statement.is_final)
    else:
        session.impersonation.act_as_user(session, name, is_final=statement.is_final)
    session.row_count = 0
    return ()


def _revert(interpreter: Runner, statement: c.Revert, frame: Frame) -> Iterable[Event]:
    interpreter.session.impersonation.revert(interpreter.session)
    interpreter.session.row_count = 0
    return ()


def _set_user_access(interpreter: Runner, statement: s.SetUserAccess, frame: Frame) -> Iterable[Event]:
    """Only the mode is kept: other sessions are not shut out."""
    session = interpreter.session
    name = statement.database or session.database
    database = session.engine.metadata.database_name(name)
    if database is None or not session.principal.is_sysadmin:
        raise SqlError(
            5011, f"Database '{name}' does not exist, or you have no permission to alter it.", severity=14, state=9
        )
    session.engine.metadata.set_single_user(database, on=statement.single_user)
    session.row_count = 0
    return ()


def _set_database_option(interpreter: Runner, statement: s.SetDatabaseOption, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    name = statement.database or session.database
    found = session.engine.databases.get(name)
    if found is None and session.metadata.database_name(name) is not None:
        raise not_supported("ALTER DATABASE of a database of the server itself")
    if found is None or not session.owns(found):
        text = f"Database '{name}' does not exist, or you have no permission to alter it."
        raise SqlError(5011, text, severity=14, state=9)
    session.row_count = 0
    return ()


IMMEDIATE: Final[ImmediateTable] = {
    s.SetOption: _set_option,
    s.SetIdentityInsert: _set_identity_insert,
    s.BeginTransaction: _transaction,
    s.CommitTransaction: _transaction,
    s.RollbackTransaction: _transaction,
    s.SaveTransaction: _transaction,
    s.Use: _use,
    s.SetUserAccess: _set_user_access,
    s.SetDatabaseOption: _set_database_option,
    c.ExecuteAs: _execute_as,
    c.Revert: _revert,
}

AWAITED: Final[AwaitedTable] = {
    s.SetVariable: _set_variable,
}
