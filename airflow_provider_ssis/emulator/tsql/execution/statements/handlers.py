"""How a statement is run: the tables from a statement's class to the function that runs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.emulator.session import Event, StatementDone
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.language import statements as s

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState

ImmediateTable = Mapping[type[s.Statement], Callable[[Runner, Any, Frame], Iterable[Event]]]
"""Statements without expressions; each sets @@ERROR to 0 when it succeeds."""

AwaitedTable = Mapping[type[s.Statement], Callable[[Runner, Any, Frame], Awaitable[Iterable[Event]]]]
"""Statements with expressions; each sets @@ERROR to 0 when it succeeds."""

StreamedTable = Mapping[type[s.Statement], Callable[[Runner, Any, Frame], AsyncGenerator[Event]]]
"""Statements that contain others, may wait or return rows, or set @@ERROR themselves."""


def done(session: SessionState, frame: Frame, count: int) -> StatementDone:
    """The end of a statement that affected or returned rows."""
    return StatementDone(None if session.options.nocount else count, in_procedure=frame.in_procedure)
