"""The statements that create and drop databases, schemas and the tables in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.names import is_global, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import ForeignKey
from airflow_provider_ssis.emulator.tsql.query.rules.foreign_keys import (
    referred,
    referred_columns,
    violation_query,
)
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import family

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


# --- tables


def new_table(session: SessionState, declaration: s.TableDeclaration, name: Sequence[str]) -> UserTable:
    """The table that a CREATE TABLE or SELECT … INTO makes.

    :raises SqlError: 262, 916, the login may not; 2702, 2760, there is no such database or schema.
    """
    place = new_place(session, name, "CREATE TABLE")
    return replace(place, columns=declaration.columns, rules=declaration.rules.named())


def new_place(session: SessionState, name: Sequence[str], denied: str) -> UserTable:
    """Where a new object belongs: a table without columns.

    :param denied: the statement, for the error.
    :raises SqlError: 262, 916, the login may not; 2702, 2760, there is no such database or schema.
    """
    database, schema, last = qualified(name, session.database)
    check_right(session, database, "ALTER", denied, schema, last)
    known = session.metadata.database_name(database) or database
    number = session.metadata.schema_id(known, schema)
    found = None if number is None else session.metadata.schema_name(known, number)
    if found is None or schema.lower() in ("sys", "information_schema"):
        text = f"The specified schema name '{schema}' either does not exist or you do not have permission to use it."
        raise SqlError(2760, text, ends_batch=True)
    return UserTable(known, found, last, ())


def check_free(session: SessionState, table: UserTable) -> None:
    """See that nothing has the name of a new table.

    :raises SqlError: 2714.
    """
    names = {table.name, *_constraint_names(table)}
    taken = {table.name.lower()} if session.metadata.object_id(table.database, table.text) is not None else set()
    for _, item in session.metadata.objects(table.database):
        if isinstance(item, UserTable) and item.schema.lower() == table.schema.lower():
            taken |= {each.lower() for each in _constraint_names(item)}
    for name in names:
        if name.lower() in taken:
            text = f"There is already an object named '{name}' in the database."
            raise SqlError(2714, text, state=6, ends_batch=True)


def _constraint_names(table: UserTable) -> set[str]:
    rules = table.rules
    found = {each.name for group in (rules.checks, rules.foreign_keys) for each in group}
    found |= {each.name for each in rules.defaults if each.name}
    return found | {key.name for key in rules.keys if key.number == 2627}


async def create(session: SessionState, statement: table_syntax.CreateTable) -> None:
    """``CREATE TABLE`` in a database."""
    table = new_table(session, statement.table, statement.name)
    table = tables.with_types(session, table)
    async with session.transactions.writing(tables.written_with(session, table), session.options):
        check_free(session, table)
        tables.check_rules(session, table)
        for key in table.rules.foreign_keys:
            check_foreign_key(session, table, key)
        session.transactions.write([], lambda: session.transactions.user_tables.create(table))
        note_global(session, table)


def note_global(session: SessionState, table: UserTable) -> None:
    """Let the session that created a global temporary table drop it when it ends."""
    if is_global(table.name):
        session.engine.global_tables[table.storage_name.lower()] = session.spid, table


def check_foreign_key(session: SessionState, table: UserTable, key: ForeignKey) -> None:
    """See that a new FOREIGN KEY refers to a key of a table, with the same types.

    :raises SqlError: 1767, 1769, 1773, 1776, 1778, 8139; 1761, 1785: its actions cannot be taken.
    """
    metadata = session.metadata.copy()
    metadata.add(table)
    parent = referred(metadata, table, key)
    _check_actions(metadata, table, key)
    names = referred_columns(parent, key)
    if len(names) != len(key.columns):
        raise SqlError(8139, f"Foreign key '{key.name}' has another number of columns than the key it refers to.")
    for name, wanted in zip(key.columns, names, strict=True):
        mine = next((column for column in table.columns if column.name.lower() == name.lower()), None)
        other = next((column for column in parent.columns if column.name.lower() == wanted.lower()), None)
        if mine is None:
            raise SqlError(
                1769, f"Foreign key '{key.name}' references invalid column '{name}' in table '{table.name}'."
            )
        if other is None:
            raise SqlError(1770, f"Foreign key '{key.name}' references invalid column '{wanted}' in '{parent.name}'.")
        if family(mine.type) != family(other.type):
            text = f"Column '{parent.name}.{other.name}' has another type than '{table.name}.{name}' in '{key.name}'."
            raise SqlError(1778, text, state=0)
    wanted_names = {name.lower() for name in names}
    if not any({name.lower() for name in each.columns} == wanted_names for each in parent.rules.candidate_keys):
        text = f"There are no primary or candidate keys in table '{parent.name}' for the foreign key '{key.name}'."
        raise SqlError(1776, text, state=0)


def _check_actions(metadata: Metadata, table: UserTable, key: ForeignKey) -> None:
    """See that the actions of a FOREIGN KEY can be taken.

    :raises SqlError: 1761, SET NULL on a column that is never NULL; 1785, a table would be reached in two ways.
    """
    for action, word in ((key.on_delete, "DELETE"), (key.on_update, "UPDATE")):
        names = {name.lower() for name in key.columns}
        never_null = any(column.name.lower() in names and not column.nullable for column in table.columns)
        if action == "SET NULL" and never_null:
            text = f"Foreign key '{key.name}' cannot have ON {word} SET NULL: its columns must allow NULL."
            raise SqlError(1761, text)
        if action and _reaches_twice(metadata, table, key):
            text = (
                f"Foreign key '{key.name}' on table '{table.name}' may cause cycles or several cascade paths. Use ON "
                f"{word} NO ACTION."
            )
            raise SqlError(1785, text, state=0)


def _reaches_twice(metadata: Metadata, table: UserTable, key: ForeignKey) -> bool:
    """Whether a change of the table that a new key refers to, or of one above it, reaches a table in two ways."""
    waiting = [referred(metadata, table, key)]
    above = {}
    while waiting:
        each = waiting.pop()
        if each.storage_name not in above:
            above[each.storage_name] = each
            keys = [one for one in each.rules.foreign_keys if one.on_delete or one.on_update]
            waiting += [referred(metadata, each, one) for one in keys]
    return any(_repeats(metadata, each) for each in above.values())


def _repeats(metadata: Metadata, start: UserTable) -> bool:
    reached = {start.storage_name}
    waiting = [start]
    while waiting:
        for child, key in metadata.referring(waiting.pop()):
            if key.on_delete or key.on_update:
                if child.storage_name in reached:
                    return True
                reached.add(child.storage_name)
                waiting.append(child)
    return False


def check_foreign_rows(session: SessionState, table: UserTable, key: ForeignKey) -> None:
    """See that the rows of a table obey a new FOREIGN KEY.

    :raises SqlError: 547.
    """
    parent = referred(session.metadata, table, key)
    if session.read(violation_query(table, key, parent)):
        text = f"The rows of table '{table.name}' conflict with the FOREIGN KEY constraint '{key.name}'."
        raise SqlError(547, text, state=0)


async def drop(session: SessionState, name: Sequence[str]) -> bool:
    """``DROP TABLE`` in a database.

    :returns: whether there was such a table.
    :raises SqlError: 3726, another table refers to it.
    """
    table = session.metadata.relation(*qualified(name, session.database))
    if not isinstance(table, UserTable):
        return False
    check_right(session, table.database, "ALTER", "DROP TABLE", table.schema, table.name)
    async with session.transactions.writing([table], session.options):
        now = session.metadata.relation(table.database, table.schema, table.name)
        if not isinstance(now, UserTable):
            return False
        others = [key for child, key in session.metadata.referring(now) if child.storage_name != now.storage_name]
        if others:
            text = (
                f"Could not drop object '{table.name}' because the FOREIGN KEY constraint '{others[0].name}' uses it."
            )
            raise SqlError(3726, text, ends_batch=True)
        session.transactions.write([], lambda: session.transactions.user_tables.drop(now))
    return True


AWAITED: Final[AwaitedTable] = {
    table_syntax.CreateDatabase: _create_database,
    table_syntax.DropDatabase: _drop_database,
    table_syntax.CreateSchema: _create_schema,
    table_syntax.DropSchema: _drop_schema,
}
