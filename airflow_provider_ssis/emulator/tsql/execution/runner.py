"""The interface of the interpreter for statements and procedures, and the procedures of every database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure
from airflow_provider_ssis.emulator.tsql.execution.evaluation import Evaluator
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.language.statements import Statement


class Runner(Protocol):
    """Runs statements in a session."""

    @property
    def session(self) -> SessionState:
        """The state of the session."""

    @property
    def system_procedures(self) -> SystemProcedures:
        """The procedures that every database has."""

    @property
    def evaluator(self) -> Evaluator:
        """Evaluates expressions and queries."""

    try_depth: int
    """The number of TRY blocks that run now."""

    def request(self, events: AsyncGenerator[Event], *, in_procedure: bool = True) -> AsyncGenerator[Event]:
        """Run a whole request of the client and turn its errors into events."""

    def nested(self, text: str, frame: Frame, *, in_module: bool = False) -> AsyncGenerator[Event]:
        """Run dynamic SQL, or the body of a procedure."""

    def run_list(self, statements: Sequence[Statement], frame: Frame) -> AsyncGenerator[Event]:
        """Run statements in order."""

    def call(
        self, parts: Sequence[str], arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
    ) -> AsyncGenerator[Event]:
        """Call a procedure."""

    def begin_implicitly(self) -> Iterable[Event]:
        """Begin the transaction that SET IMPLICIT_TRANSACTIONS ON asks for, if none is open."""


DynamicProcedure = Callable[[Runner, Sequence[ActualArgument], Frame, Outcome], AsyncGenerator[Event]]
"""A procedure that runs SQL text. It takes any arguments: those of the text follow its own."""


@dataclass(frozen=True, slots=True)
class SystemProcedures:
    """The procedures that every database has, by name in lower case.

    :param fixed: with a declared signature.
    :param dynamic: those that run SQL text.
    :param unsupported: those that SQL Server has and this server rejects by name.
    """

    fixed: Mapping[str, Procedure]
    dynamic: Mapping[str, DynamicProcedure]
    unsupported: frozenset[str]
