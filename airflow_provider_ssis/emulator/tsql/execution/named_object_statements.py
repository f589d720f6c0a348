"""The statements that create and drop synonyms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.user_table_statements import check_free, new_place
from airflow_provider_ssis.emulator.tsql.language import named_object_syntax as n
from airflow_provider_ssis.emulator.tsql.language import named_objects
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import NamedObject, Synonym, UserTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_CLASSES: Final[dict[str, type[NamedObject]]] = {named_objects.SYNONYM: Synonym}


async def _create_synonym(interpreter: Runner, statement: n.CreateSynonym, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    place = _place(session, statement.name, "CREATE SYNONYM", statement.line)
    await _create(session, place, Synonym(place.database, place.schema, place.name, statement.base))
    return ()


async def _create(session: SessionState, place: UserTable, item: NamedObject) -> None:
    async with session.transactions.writing([place], session.options):
        check_free(session, place)
        session.transactions.write([], lambda: session.transactions.user_tables.define(item))


async def _drop(interpreter: Runner, statement: n.DropObjects, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    for name in statement.names:
        found = session.metadata.item(*qualified(name, session.database))
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
        session.transactions.write([], lambda: session.transactions.user_tables.undefine(item))


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
    n.CreateSynonym: _create_synonym,
    n.DropObjects: _drop,
}
