"""The one exception of the T-SQL layer."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.session import Message

BATCH_ENDING: Final = frozenset({217, 235, 241, 242, 244, 245, 248, 295, 1205, 8114, 8169})
"""Errors that end the batch and roll the transaction back, or doom it inside TRY: failed conversions above all."""

NOT_SUPPORTED: Final = 40514
"""The number for valid T-SQL that this server does not support."""


class SqlError(Exception):
    """An error as SQL Server reports it.

    :param number: the message number, such as 208.
    :param text: the message, in our own words.
    :param severity: 11 to 16 for errors that the user can fix, 17 and above for those of the server.
    :param state: distinguishes the places that raise the same number.
    :param procedure: the procedure that raised it; filled in by the interpreter when empty.
    :param line: line in the batch or procedure, from 1; 0 lets the interpreter fill in that of the statement.
    :param ends_batch: the rest of the batch does not run; otherwise the next statement does, as on SQL Server for
        most errors of severity 16. By default as the number has it (:data:`BATCH_ENDING`).
    :param return_status: the return status of the procedure that raises it.
    """

    def __init__(
        self,
        number: int,
        text: str,
        *,
        severity: int = 16,
        state: int = 1,
        procedure: str = "",
        line: int = 0,
        ends_batch: bool | None = None,
        return_status: int = 1,
    ) -> None:
        super().__init__(text)
        self.number = number
        self.text = text
        self.severity = severity
        self.state = state
        self.procedure = procedure
        self.line = line
        self.rolls_back = ends_batch is None and number in BATCH_ENDING
        self.ends_batch = self.rolls_back if ends_batch is None else ends_batch
        self.return_status = return_status
        self.is_placed = bool(procedure)
        """The procedure is known; an error of dynamic SQL has none."""
        self.by_raiserror = False
        """Raised by RAISERROR, to which SET XACT_ABORT does not apply."""

    def place(self, procedure: str) -> None:
        """Note where the error occurred, unless that is known: the statements around it do not change it.

        :param procedure: the module; empty for a batch and for dynamic SQL.
        """
        if not self.is_placed:
            self.procedure = self.procedure or procedure
            self.is_placed = True

    def __str__(self) -> str:
        place = f", Procedure {self.procedure}" if self.procedure else ""
        return f"Msg {self.number}, Level {self.severity}, State {self.state}{place}, Line {self.line}: {self.text}"

    def message(self) -> Message:
        """The error as the client gets it."""
        return Message(self.number, self.severity, self.state, self.text, self.line or 1, self.procedure)


def not_supported(what: str, *, line: int = 0) -> SqlError:
    """The error for a part of T-SQL that this server does not have."""
    return SqlError(NOT_SUPPORTED, f"{what} is not supported by this server.", line=line, ends_batch=True)


def out_of_memory() -> SqlError:
    """The error for a query that needs more memory than this server may use."""
    text = "There is not enough memory to run this query: it produces too much text or too many rows at once."
    return SqlError(701, text, severity=17, state=123, ends_batch=True)


def cancelled() -> SqlError:
    """The error for a query that its client cancelled."""
    return SqlError(3617, "The query was cancelled.", severity=16, ends_batch=True)


def undeclared(name: str, *, line: int = 0) -> SqlError:
    """The error for a variable that no DECLARE before it names."""
    return SqlError(137, f'Must declare the scalar variable "{name}".', severity=15, state=2, line=line)
