"""Stored procedures whose bodies are Python, and the call that a body receives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Event, Message, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.objects import Routine


@dataclass(frozen=True, slots=True)
class Procedure(Routine):
    """A stored procedure whose body is Python.

    :param body: does the work and returns the return status; None counts as 0.
    :param granted_to: the database role that has EXECUTE on it, as ``HAS_PERMS_BY_NAME`` reports; the body enforces it.
    """

    body: Callable[[ProcedureCall], Awaitable[int | None]]
    granted_to: str = "public"


@dataclass(slots=True)
class ProcedureCall:
    """One call of a procedure: the arguments, the data, and where results go.

    :param session: the caller's session: ``principal``, ``database``, ``spid``, ``engine``, ``in_transaction``.
    :param arguments: by :attr:`ProcedureParameter.key`, converted to the declared types; a sql_variant is a
        ``Variant`` or None, a table type is a ``TableValue``.
    :param outputs: the values from :meth:`set_output`; the interpreter reads them even if the body raised.
    :param events: result sets and messages, in order; the interpreter sends them.
    """

    session: SessionState
    arguments: Mapping[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def set_output(self, name: str, value: Any) -> None:
        """Give an OUTPUT parameter its value. It reaches the caller even if the body raises afterwards.

        :param name: with or without ``@``.
        """
        self.outputs[name.lstrip("@").lower()] = value

    def result_set(self, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
        """Send a result set."""
        self.events += [ResultColumns(tuple(columns)), Rows(list(rows)), StatementDone(len(rows), in_procedure=True)]

    def info(self, text: str, *, number: int = 0, severity: int = 0) -> None:
        """Send an informational message (severity 10 and below)."""
        self.events.append(Message(number, severity, 1, text))

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in the session's own view of the data."""
        return self.session.read(sql, parameters)

    def transaction(self) -> AbstractAsyncContextManager[Store]:
        """The write scope: the session's T-SQL transaction, or a new one if none is open.

        A new one is committed at the end of the block, also when a ``SqlError`` leaves it: a body writes only what
        is to survive. Any other exception rolls it back.
        """
        return self.session.write_scope()
