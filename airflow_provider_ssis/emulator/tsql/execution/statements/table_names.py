"""The table that a name in a statement means."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.names import TEMPORARY_DATABASE, is_global, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_MARKS = ("#", "@")


def is_local(parts: Sequence[str]) -> bool:
    """Whether a name is that of a temporary table or table variable."""
    return parts[-1].startswith(_MARKS) and not is_global(parts[-1])


def find_table(session: SessionState, parts: Sequence[str], frame: Frame) -> WritableTable | None:
    """The table variable, temporary table or client's table of this name, or None."""
    if is_local(parts):
        return frame.tables.get(parts[-1].lower())
    found = session.metadata.relation(*qualified(parts, session.database))
    return found if isinstance(found, UserTable) else None


def check_right(
    session: SessionState, database: str, right: str, denied: str, schema: str = "", name: str = ""
) -> None:
    """Check that the login has a right in a client's database.

    :param denied: what it is denied, for the error. A permission of this name and the right on the schema are enough.
    :param schema: empty for the whole database.
    :param name: of the object; empty for the whole schema.
    :raises SqlError: 262, it has not; 916, it has no user there; 2702, there is no such database.
    """
    known = session.metadata.database_name(database)
    if known is None:
        raise SqlError(2702, f"Database '{database}' does not exist.", state=2)
    if known != TEMPORARY_DATABASE and session.engine.databases.get(known) is None:
        text = f"{denied} permission denied in database '{known}'. Create a database for it with CREATE DATABASE."
        raise SqlError(262, text, severity=14)
    allowed = session.may(right, known)
    if allowed is None:
        raise session.no_user(known)
    if denied.startswith("CREATE "):
        allowed = session.may(denied, known) and (not schema or session.may(right, known, schema))
    elif schema:
        allowed = session.may(right, known, schema, name)
    if not allowed:
        raise SqlError(262, f"{denied} permission denied in database '{known}'.", severity=14)
