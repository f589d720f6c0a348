"""Faults for future requests: the connection drops, the answer is late, or the answer is an error.

A :class:`FaultBook` keeps the faults; each request, and each login, takes the faults that match it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from airflow_provider_ssis.emulator.session import Message

DEFAULT_ERROR: Final = "This error was injected into the embedded SSISDB."
_SEVERITIES: Final = range(11, 26)


class When(Enum):
    """Whether a fault happens before or after a request is processed."""

    BEFORE = "before"
    """The request has arrived and is not processed yet."""
    AFTER = "after"
    """The request is processed and no answer is sent yet."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks without an answer."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer is late by some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """The answer is an error, and the request is not processed."""

    message: Message


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the test's process is called, in the server's thread."""

    function: Callable[[], object]


Effect = Drop | Delay | Refuse | Call


@dataclass(slots=True)
class _Fault:
    statement: str
    when: When
    effect: Effect
    of_login: bool
    left: int | None
    procedure: str | None = None

    def is_for(self, text: str | None, when: When) -> bool:
        if self.procedure is not None or self.when is not when or self.of_login is not (text is None):
            return False
        return text is None or self.statement in text


class FaultBook:
    """The faults of future requests. Can be used from any thread::

        ssisdb.faults.drop(statement="start_execution", when="after")

    Arguments that the methods share: ``statement`` is a part of the request's text, in any case; by default any
    request matches. ``when`` is ``before`` or ``after`` the request is processed. ``times`` is the number of requests
    to which the fault applies, 1 by default; None applies until :meth:`clear`. Requests that call a procedure of schema
    ``emulator`` get no faults.

    :raises ValueError: from any method, for an invalid time or number.
    """

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def drop(self, *, statement: str = "", when: When | str = When.AFTER, times: int | None = 1) -> None:
        """Drop the connection: before the request is processed, or after that and before the answer."""
        self._add(statement, When(when), Drop(), times)

    def delay(
        self, seconds: float, *, statement: str = "", when: When | str = When.AFTER, times: int | None = 1
    ) -> None:
        """Delay the answer by some seconds."""
        if not 0 <= seconds <= _LONGEST_DELAY:
            raise ValueError(f"the delay is {seconds}; give 0 to {_LONGEST_DELAY} seconds")
        self._add(statement, When(when), Delay(seconds), times)

    def error(
        self,
        number: int,
        *,
        message: str = DEFAULT_ERROR,
        severity: int = 16,
        statement: str = "",
        procedure: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Answer with an error, and do not process the request.

        :param procedure: let the call of this procedure of schema ``catalog`` or ``internal`` raise the error instead,
            as a deadlock does: statements before the call have taken effect, and CATCH blocks handle the error.
            An empty name is any procedure. ``statement`` is not used then. Default: None.
        """
        refuse = Refuse(_message(number, message, severity))
        self._add(statement, When.BEFORE, refuse, times, procedure=procedure)

    def refuse_login(
        self, number: int = 18456, *, message: str = DEFAULT_ERROR, severity: int = 14, times: int | None = 1
    ) -> None:
        """Refuse logins with an error, as a server does while it starts or fails over."""
        self._add("", When.BEFORE, Refuse(_message(number, message, severity)), times, of_login=True)

    def drop_login(self, *, times: int | None = 1) -> None:
        """Drop connections while they log in."""
        self._add("", When.BEFORE, Drop(), times, of_login=True)

    def call(
        self,
        function: Callable[[], object],
        *,
        statement: str = "",
        when: When | str = When.BEFORE,
        times: int | None = 1,
    ) -> None:
        """Call a function at this moment, in the server's thread: for example to kill the client."""
        self._add(statement, When(when), Call(function), times)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def draw(self, text: str | None, when: When) -> list[Effect]:
        """The effects on a request, or on a login.

        :param text: the request's text; None for a login.
        :param when: before or after it is processed.
        """
        if not self._faults or (text is not None and "emulator." in (text := text.lower())):
            return []
        return self._draw(lambda fault: fault.is_for(text, when))

    def draw_error(self, procedure: str) -> Message | None:
        """The error that the call of a procedure raises, or None.

        :param procedure: the procedure's name, without its schema.
        """
        if not self._faults:
            return None
        drawn = self._draw(lambda fault: fault.procedure is not None and fault.procedure in ("", procedure.lower()))
        return next((effect.message for effect in drawn if isinstance(effect, Refuse)), None)

    def _draw(self, is_wanted: Callable[[_Fault], bool]) -> list[Effect]:
        with self._lock:
            drawn = [fault for fault in self._faults if is_wanted(fault)]
            for fault in drawn:
                if fault.left is not None:
                    fault.left -= 1
            self._faults = [fault for fault in self._faults if fault.left != 0]
        return [fault.effect for fault in drawn]

    def _add(
        self,
        statement: str,
        when: When,
        effect: Effect,
        times: int | None,
        *,
        of_login: bool = False,
        procedure: str | None = None,
    ) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times is {times}; a fault applies to at least one request")
        name = None if procedure is None else procedure.lower()
        with self._lock:
            self._faults.append(_Fault(statement.lower(), when, effect, of_login, times, name))


def _message(number: int, text: str, severity: int) -> Message:
    if severity not in _SEVERITIES:
        raise ValueError(f"the severity is {severity}; errors have 11 to 25")
    return Message(number, severity, 1, text)


_LONGEST_DELAY: Final = 3600
