"""What shall go wrong with requests to come: the connection drops, the answer is late or an error.

A :class:`FaultBook` keeps the faults; each request, and each login, draws from it those that are for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from airflow_provider_ssis.emulator.session import Message

DEFAULT_ERROR: Final = "The server answers with an error because it was told to."
_SEVERITIES: Final = range(11, 26)


class When(Enum):
    """On which side of a request's processing a fault happens."""

    BEFORE = "before"
    """The request has come and nothing was done yet."""
    AFTER = "after"
    """Everything was done, and no answer has been sent."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks without an answer."""


@dataclass(frozen=True, slots=True)
class Delay:
    """It takes so many seconds longer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error is the answer, in place of doing what was asked for."""

    message: Message


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the test's own process is called, on the server's thread."""

    function: Callable[[], object]


Effect = Drop | Delay | Refuse | Call


@dataclass(slots=True)
class _Fault:
    statement: str
    when: When
    effect: Effect
    of_login: bool
    left: int | None

    def is_for(self, text: str | None, when: When) -> bool:
        if self.when is not when or self.of_login is not (text is None):
            return False
        return text is None or self.statement in text


class FaultBook:
    """The faults to come. May be used from any thread::

        ssisdb.faults.drop(statement="start_execution", when="after")

    Arguments that the methods share: ``statement`` is a part of the request's text, in any case; left out, any request
    is meant. ``when`` is ``before`` or ``after`` the request is processed. ``times`` is how many requests the fault is
    for, once by default; None holds until :meth:`clear`. Requests that call a procedure of schema ``emulator`` have no
    faults.

    :raises ValueError: from any method, for a time or number that cannot be.
    """

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def drop(self, *, statement: str = "", when: When | str = When.AFTER, times: int | None = 1) -> None:
        """Break the connection: before the request is processed, or after it and before its answer."""
        self._add(statement, When(when), Drop(), times)

    def delay(
        self, seconds: float, *, statement: str = "", when: When | str = When.AFTER, times: int | None = 1
    ) -> None:
        """Let the answer come so many seconds late."""
        if not 0 <= seconds <= _LONGEST_DELAY:
            raise ValueError(f"a delay is 0 to {_LONGEST_DELAY} seconds, not {seconds}")
        self._add(statement, When(when), Delay(seconds), times)

    def error(
        self,
        number: int,
        *,
        message: str = DEFAULT_ERROR,
        severity: int = 16,
        statement: str = "",
        times: int | None = 1,
    ) -> None:
        """Answer with an error instead of processing the request."""
        self._add(statement, When.BEFORE, Refuse(_message(number, message, severity)), times)

    def refuse_login(
        self, number: int = 18456, *, message: str = DEFAULT_ERROR, severity: int = 14, times: int | None = 1
    ) -> None:
        """Refuse logins with an error, as a server that starts or fails over does."""
        self._add("", When.BEFORE, Refuse(_message(number, message, severity)), times, of_login=True)

    def drop_login(self, *, times: int | None = 1) -> None:
        """Break connections while they log in."""
        self._add("", When.BEFORE, Drop(), times, of_login=True)

    def call(
        self,
        function: Callable[[], object],
        *,
        statement: str = "",
        when: When | str = When.BEFORE,
        times: int | None = 1,
    ) -> None:
        """Call a function at that moment, on the server's thread: to kill the client, or to count."""
        self._add(statement, When(when), Call(function), times)

    def clear(self) -> None:
        """Take back all faults."""
        with self._lock:
            self._faults.clear()

    def draw(self, text: str | None, when: When) -> list[Effect]:
        """What happens to a request, or to a login.

        :param text: the request's text; None for a login.
        :param when: the side of its processing.
        """
        if not self._faults or (text is not None and "emulator." in (text := text.lower())):
            return []
        with self._lock:
            drawn = [fault for fault in self._faults if fault.is_for(text, when)]
            for fault in drawn:
                if fault.left is not None:
                    fault.left -= 1
            self._faults = [fault for fault in self._faults if fault.left != 0]
        return [fault.effect for fault in drawn]

    def _add(self, statement: str, when: When, effect: Effect, times: int | None, *, of_login: bool = False) -> None:
        if times is not None and times < 1:
            raise ValueError(f"a fault happens at least once, not {times} times")
        with self._lock:
            self._faults.append(_Fault(statement.lower(), when, effect, of_login, times))


def _message(number: int, text: str, severity: int) -> Message:
    if severity not in _SEVERITIES:
        raise ValueError(f"an error's severity is 11 to 25, not {severity}")
    return Message(number, severity, 1, text)


_LONGEST_DELAY: Final = 3600
