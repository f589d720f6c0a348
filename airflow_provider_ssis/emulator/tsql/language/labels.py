"""Labels and GOTO.

A GOTO may leave the blocks around it, and jump to any label of a list of statements that contains it. SQL Server also
allows a jump into a block; this server does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


class Labels:
    """The labels of a batch, and the jumps to them."""

    def __init__(self) -> None:
        self._lists: tuple[int, ...] = ()
        self._next = 0
        self._labels: dict[str, int] = {}
        self._jumps: list[tuple[s.GoTo, str, tuple[int, ...]]] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Read a list of statements."""
        self._next += 1
        around, self._lists = self._lists, (*self._lists, self._next)
        try:
            yield
        finally:
            self._lists = around

    def label(self, stream: TokenStream) -> s.Label:
        """``name:``.

        :raises SqlError: 132, the batch has the label twice.
        """
        token = stream.advance()
        stream.advance()
        name = token.text.lower()
        if name in self._labels:
            text = f"The label '{token.text}' is declared twice. Labels must be unique within a batch."
            raise SqlError(132, text, severity=15, line=token.line)
        self._labels[name] = self._lists[-1]
        return s.Label(token.line, name)

    def goto(self, stream: TokenStream) -> s.GoTo:
        """``GOTO name``; :meth:`check` looks for the label."""
        line = stream.advance().line
        name = stream.identifier()
        jump = s.GoTo(line, name.lower())
        self._jumps.append((jump, name, self._lists))
        return jump

    def check(self) -> None:
        """Check that each GOTO has its label.

        :raises SqlError: 133, the batch has no such label; 40514, the jump leads into a block.
        """
        for jump, name, lists in self._jumps:
            place = self._labels.get(jump.name)
            if place is None:
                text = f"A GOTO statement references the label '{name}', which is not declared."
                raise SqlError(133, text, severity=15, line=jump.line)
            if place not in lists:
                raise not_supported("GOTO into a block", line=jump.line)
