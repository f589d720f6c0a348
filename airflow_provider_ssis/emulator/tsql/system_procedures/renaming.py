"""``sp_rename``: of tables, their columns, indexes and constraints."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.maintenance import check_free_name, rename_table
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import mentions
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_CAUTION: Final = "Caution: Changing any part of an object name could break scripts and stored procedures."
_KINDS: Final = ("COLUMN", "OBJECT", "INDEX", "USERDATATYPE", "DATABASE", "STATISTICS")


async def _rename(call: ProcedureCall) -> None:
    session = call.session
    name, new, kind = (call.arguments[each] for each in ("objname", "newname", "objtype"))
    if name is None or new is None or not new:
        raise SqlError(
            15223, "Error: The input parameter 'newname' or 'objname' is not allowed to be null.", severity=11
        )
    kind = (kind or "").upper()
    if kind not in ("", *_KINDS):
        raise SqlError(15249, f"Error: Explicit @objtype '{kind}' is unrecognized.", severity=11)
    if kind in ("USERDATATYPE", "DATABASE", "STATISTICS"):
        raise not_supported(f"sp_rename of {kind}")
    parts = split_name(name)
    if kind in ("", "OBJECT"):
        relation = session.metadata.item(*qualified(parts, session.database)) if len(parts) <= _MOST_PARTS else None
        if isinstance(relation, UserTable):
            await rename_table(session, relation, replace(relation, name=new))
        elif relation is not None:
            raise not_supported("sp_rename of other objects than tables")
        elif not await _rename_constraint(session, parts, new):
            if kind == "OBJECT":
                raise _unknown(name, session, kind)
            await _rename_part(session, name, parts, new, kind)
    else:
        await _rename_part(session, name, parts, new, kind)
    call.info(_CAUTION, number=15477)


_MOST_PARTS: Final = 3


async def _rename_part(session: SessionState, name: str, parts: list[str], new: str, kind: str) -> None:
    """Rename a column or an index, which the table's name precedes."""
    table = session.metadata.relation(*qualified(parts[:-1], session.database)) if len(parts) > 1 else None
    if not isinstance(table, UserTable):
        raise _unknown(name, session, kind)
    check_right(session, table.database, "ALTER", "sp_rename")
    if kind == "INDEX":
        changed = _with_index(table, parts[-1], new)
        if changed == table:
            raise _unknown(name, session, kind)
        known = {index.name.lower() for index in table.rules.indexes} | {key.name.lower() for key in table.rules.keys}
        if new.lower() in known - {parts[-1].lower()}:
            raise SqlError(15335, f"The new name '{new}' is already in use as an index name.", severity=11)
        await _describe(session, table, changed)
        return
    column = next((each for each in table.columns if each.name.lower() == parts[-1].lower()), None)
    if column is None:
        raise _unknown(name, session, kind)
    if any(each.name.lower() == new.lower() and each is not column for each in table.columns):
        raise SqlError(15335, f"The new name '{new}' is already in use as a column name.", severity=11)
    rules = table.rules
    users = [each.condition for each in rules.checks] + [each.expression for each in rules.computed]
    users += [each.filter for each in rules.keys] + [each.filter for each in rules.indexes]
    if any(mentions(text, column.name) for text in users):
        text = f"Object '{name}' cannot be renamed because the object participates in enforced dependencies."
        raise SqlError(15336, text, severity=11)
    children = [child for child, _ in session.metadata.referring(table)]
    async with session.transactions.writing([table, *children], session.options):
        tables.check_current(session, table)
        stored = session.transactions.user_tables
        session.transactions.write([], lambda: stored.rename_column(table, column.name, new))


async def _rename_constraint(session: SessionState, parts: list[str], new: str) -> bool:
    """Rename a constraint; returns whether there is one of the name."""
    if len(parts) > _MOST_PARTS:
        return False
    _, schema, old = qualified(parts, session.database)
    for _, table in session.metadata.user_tables(session.database):
        if table.schema.lower() == schema.lower() and (changed := _with_constraint(table, old, new)) != table:
            check_right(session, table.database, "ALTER", "sp_rename")
            if new.lower() != old.lower():
                check_free_name(session, table, new)
            await _describe(session, table, changed)
            return True
    return False


async def _describe(session: SessionState, table: UserTable, changed: UserTable) -> None:
    async with session.transactions.writing([table], session.options):
        tables.check_current(session, table)
        session.transactions.write([], lambda: session.transactions.user_tables.describe(changed))


def _with_index(table: UserTable, old: str, new: str) -> UserTable:
    rules = table.rules
    indexes = tuple(replace(each, name=new) if each.name.lower() == old.lower() else each for each in rules.indexes)
    keys = tuple(replace(each, name=new) if each.name.lower() == old.lower() else each for each in rules.keys)
    return replace(table, rules=replace(rules, indexes=indexes, keys=keys))


def _with_constraint(table: UserTable, old: str, new: str) -> UserTable:
    rules, lowered = table.rules, old.lower()
    return replace(
        table,
        rules=replace(
            rules,
            defaults=tuple(
                replace(each, name=new) if each.name.lower() == lowered else each for each in rules.defaults
            ),
            checks=tuple(replace(each, name=new) if each.name.lower() == lowered else each for each in rules.checks),
            keys=tuple(replace(each, name=new) if each.name.lower() == lowered else each for each in rules.keys),
            foreign_keys=tuple(
                replace(each, name=new) if each.name.lower() == lowered else each for each in rules.foreign_keys
            ),
        ),
    )


def _unknown(name: str, session: SessionState, kind: str) -> SqlError:
    text = f"No item by the name of '{name}' could be found in the current database '{session.database}'"
    return SqlError(15225, f"{text}, given that @itemtype was input as '{kind or '(null)'}'.", severity=11)


PROCEDURES: Final = (
    Procedure(
        "master",
        "sys",
        "sp_rename",
        parse_signature("@objname nvarchar(1035), @newname sysname, @objtype varchar(13) = NULL"),
        _rename,
    ),
)
