"""CREATE TABLE and DROP TABLE for the tables of databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements import foreign_keys
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.names import is_global, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


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
    """Check that nothing has the name of a new table.

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
            foreign_keys.check_foreign_key(session, table, key)
        session.transactions.write([], lambda: session.transactions.user_tables.create(table))
        note_global(session, table)


def note_global(session: SessionState, table: UserTable) -> None:
    """Let the session that created a global temporary table drop it when it ends."""
    if is_global(table.name):
        session.engine.global_tables[table.storage_name.lower()] = session.spid, table


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
