"""The statements that create and drop databases and schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_CREATORS: Final = "dbcreator"
_FIXED_SCHEMAS: Final = ("dbo", "guest", "sys", "information_schema")


# --- databases


async def _create_database(
    interpreter: Runner, statement: table_syntax.CreateDatabase, frame: Frame
) -> Iterable[Event]:
    session, engine, name = interpreter.session, interpreter.session.engine, statement.name
    _check_outside(session, "CREATE DATABASE")
    if not session.principal.has_server_role(_CREATORS):
        raise SqlError(262, "CREATE DATABASE permission denied in database 'master'.", severity=14)
    if engine.metadata.database_name(name) is not None:
        raise SqlError(1801, f"Database '{name}' already exists. Choose a different database name.", state=3)
    # Not in a thread: two sessions may create databases at the same time.
    engine.databases.create(name, session.principal.name)
    return ()


async def _drop_database(interpreter: Runner, statement: table_syntax.DropDatabase, frame: Frame) -> Iterable[Event]:
    session, engine = interpreter.session, interpreter.session.engine
    _check_outside(session, "DROP DATABASE")
    for name in statement.names:
        known = engine.metadata.database_name(name)
        if known is None and statement.if_exists:
            continue
        found = None if known is None else engine.databases.get(known)
        if known is not None and found is None:
            raise SqlError(3708, f"Cannot drop the database '{known}', because it is a system database.", state=4)
        if found is None or not session.owns(found):
            text = f"Cannot drop the database '{name}': it does not exist, or you do not have permission."
            raise SqlError(3701, text, severity=11)
        if any(each.database.lower() == name.lower() for each in engine.sessions) or engine.table_locks.any_in(
            f"{found.storage}.".lower()
        ):
            raise SqlError(3702, f"Cannot drop database '{found.name}', because it is currently in use.", state=4)
        engine.databases.drop(found.name)
    return ()


def _check_outside(session: SessionState, statement: str) -> None:
    if session.in_transaction:
        raise SqlError(226, f"{statement} statement not allowed within multi-statement transaction.", state=6)


# --- schemas


async def _create_schema(interpreter: Runner, statement: table_syntax.CreateSchema, frame: Frame) -> Iterable[Event]:
    session, name = interpreter.session, statement.name
    database = session.database
    check_right(session, database, "ALTER", "CREATE SCHEMA")
    lock = UserTable(database, name, "", ())
    async with session.transactions.writing([lock], session.options):
        if session.metadata.schema_id(database, name) is not None:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        session.transactions.write([], lambda: session.transactions.user_tables.create_schema(database, name))
    return ()


async def _drop_schema(interpreter: Runner, statement: table_syntax.DropSchema, frame: Frame) -> Iterable[Event]:
    session, name = interpreter.session, statement.name
    database = session.database
    check_right(session, database, "ALTER", "DROP SCHEMA")
    lock = UserTable(database, name, "", ())
    async with session.transactions.writing([lock], session.options):
        if session.metadata.schema_id(database, name) is None:
            if statement.if_exists:
                return ()
            raise SqlError(15151, f"Cannot drop the schema '{name}': it does not exist, or you do not have permission.")
        if name.lower() in _FIXED_SCHEMAS:
            raise SqlError(15150, f"Cannot drop the schema '{name}'.")
        inside = [item.name for _, item in session.metadata.objects(database) if item.schema.lower() == name.lower()]
        if inside:
            text = f"Cannot drop schema '{name}' because it is being referenced by object '{inside[0]}'."
            raise SqlError(3729, text)
        session.transactions.write([], lambda: session.transactions.user_tables.drop_schema(database, name))
    return ()


AWAITED: Final[AwaitedTable] = {
    table_syntax.CreateDatabase: _create_database,
    table_syntax.DropDatabase: _drop_database,
    table_syntax.CreateSchema: _create_schema,
    table_syntax.DropSchema: _drop_schema,
}
