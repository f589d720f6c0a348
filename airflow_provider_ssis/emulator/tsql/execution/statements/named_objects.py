"""The statements that create, alter and drop synonyms, sequences and table types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.sequence_rules import altered_sequence, new_sequence
from airflow_provider_ssis.emulator.tsql.execution.statements.user_tables import check_free, new_place
from airflow_provider_ssis.emulator.tsql.language import named_object_syntax as n
from airflow_provider_ssis.emulator.tsql.language import named_objects
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    LocalTable,
    NamedObject,
    Routine,
    SequenceObject,
    Synonym,
    TableType,
    UserTable,
)
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import name_parts
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import expression_of
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_CLASSES: Final[dict[str, type[NamedObject]]] = {
    named_objects.SYNONYM: Synonym,
    named_objects.SEQUENCE: SequenceObject,
    named_objects.TYPE: TableType,
}


async def _create_synonym(interpreter: Runner, statement: n.CreateSynonym, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    place = _place(session, statement.name, "CREATE SYNONYM", statement.line)
    await _create(session, place, Synonym(place.database, place.schema, place.name, statement.base))
    return ()


async def _create_sequence(interpreter: Runner, statement: n.CreateSequence, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    place = _place(session, statement.name, "CREATE SEQUENCE", statement.line)
    sequence = new_sequence(place.database, place.schema, place.name, statement.type, statement.options)
    await _create(session, place, sequence)
    return ()


async def _alter_sequence(interpreter: Runner, statement: n.AlterSequence, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    place = new_place(session, statement.name, "ALTER SEQUENCE")
    async with session.transactions.writing([place], session.options):
        old = session.metadata.sequence(place.database, place.schema, place.name)
        last = session.engine.sequences.last(old)
        new = altered_sequence(old, statement.options, last, restarts=statement.restarts)
        session.transactions.write([], lambda: session.transactions.user_tables.define(new))
    return ()


async def _create_type(interpreter: Runner, statement: n.CreateTableType, frame: Frame) -> Iterable[Event]:
    session, declaration = interpreter.session, statement.table
    if declaration.rules.foreign_keys:
        raise not_supported("FOREIGN KEY in a table type", line=statement.line)
    place = _place(session, statement.name, "CREATE TYPE", statement.line)
    # Its variables are made as this one.
    model = tables.with_types(session, LocalTable(f"@{place.name}", declaration.columns, rules=declaration.rules))
    tables.check_rules(session, model)
    item = TableType(place.database, place.schema, place.name, model.columns, declaration.rules)
    async with session.transactions.writing([place], session.options):
        if session.metadata.table_type(place.database, place.schema, place.name) is not None:
            text = f"The type '{place.schema}.{place.name}' already exists, or you do not have permission to create it."
            raise SqlError(219, text)
        session.transactions.write([], lambda: session.transactions.user_tables.define(item))
    return ()


async def _create(session: SessionState, place: UserTable, item: NamedObject) -> None:
    async with session.transactions.writing([place], session.options):
        check_free(session, place)
        session.transactions.write([], lambda: session.transactions.user_tables.define(item))


async def _drop(interpreter: Runner, statement: n.DropObjects, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    for name in statement.names:
        place = qualified(name, session.database)
        is_type = statement.kind == named_objects.TYPE
        found = session.metadata.table_type(*place) if is_type else session.metadata.item(*place)
        if not isinstance(found, _CLASSES[statement.kind]):
            if statement.if_exists:
                continue
            text = (
                f"Cannot drop the {statement.kind.lower()} '{'.'.join(name)}': it does not exist, or you do not have "
            )
            raise SqlError(3701, f"{text}permission.", severity=11, state=5)
        await _drop_one(session, statement.kind, found)
    return ()


async def _drop_one(session: SessionState, kind: str, item: NamedObject) -> None:
    place = new_place(session, (item.database, item.schema, item.name), f"DROP {kind}")
    async with session.transactions.writing([place], session.options):
        if isinstance(item, SequenceObject):
            _check_unused(session, item)
        if isinstance(item, TableType):
            _check_no_parameter(session, item)
        session.transactions.write([], lambda: session.transactions.user_tables.undefine(item))


def _check_no_parameter(session: SessionState, item: TableType) -> None:
    """Check that no procedure has a parameter of a table type.

    :raises SqlError: 3732.
    """
    wanted = item.schema.lower(), item.name.lower()
    for _, routine in session.metadata.objects(item.database):
        for parameter in routine.parameters if isinstance(routine, Routine) else ():
            if ((parameter.type.schema or "").lower(), parameter.type.name.lower()) == wanted:
                text = (
                    f"Cannot drop type '{item.schema}.{item.name}' because it is being referenced by '{routine.name}'."
                )
                raise SqlError(3732, text)


def _check_unused(session: SessionState, sequence: SequenceObject) -> None:
    """Check that no DEFAULT uses a sequence.

    :raises SqlError: 3729.
    """
    for _, table in session.metadata.user_tables(sequence.database):
        for default in table.rules.defaults:
            nodes = expression_of(default.expression).find_all(exp.NextValueFor)
            names = [qualified(name_parts(node.this), sequence.database) for node in nodes]
            if any(session.metadata.item(*session.metadata.resolved(name)) == sequence for name in names):
                text = f"Cannot DROP SEQUENCE '{sequence.name}' because it is being referenced by '{default.name}'."
                raise SqlError(3729, text)


def _place(session: SessionState, name: Sequence[str], action: str, line: int) -> UserTable:
    """Where a new object belongs: in the current database.

    :raises SqlError: 166, the name has a database.
    """
    if len(name) > _NAME_PARTS and name[0]:
        text = f"'{action}' does not allow specifying the database name as a prefix to the object name."
        raise SqlError(166, text, severity=15, line=line)
    return new_place(session, name, action)


_NAME_PARTS: Final = 2

AWAITED: Final[AwaitedTable] = {
    n.AlterSequence: _alter_sequence,
    n.CreateSequence: _create_sequence,
    n.CreateSynonym: _create_synonym,
    n.CreateTableType: _create_type,
    n.DropObjects: _drop,
}
