"""The one exception of the T-SQL layer."""

from __future__ import annotations

from airflow_provider_ssis.emulator.session import Message


class SqlError(Exception):
    """An error as SQL Server reports it.

    :param number: the message number, such as 208.
    :param text: the message, in our own words.
    :param severity: 11 to 16 for errors that the user can mend, 17 and above for those of the server.
    :param state: tells places apart that raise the same number.
    :param procedure: the procedure that raised it; filled in by the interpreter when empty.
    :param line: line in the batch or procedure, from 1; 0 lets the interpreter fill in that of the statement.
    :param ends_batch: what follows in the batch is not run; otherwise the next statement is, as SQL Server does for
        most errors of severity 16.
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
        ends_batch: bool = False,
    ) -> None:
        super().__init__(text)
        self.number = number
        self.text = text
        self.severity = severity
        self.state = state
        self.procedure = procedure
        self.line = line
        self.ends_batch = ends_batch

    def __str__(self) -> str:
        place = f", Procedure {self.procedure}" if self.procedure else ""
        return f"Msg {self.number}, Level {self.severity}, State {self.state}{place}, Line {self.line}: {self.text}"

    def message(self) -> Message:
        """The error as the client gets it."""
        return Message(self.number, self.severity, self.state, self.text, self.line or 1, self.procedure)
