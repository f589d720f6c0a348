"""Outages: how long a task tolerates that the server cannot be reached while an execution runs.

A task that waits for an execution has reached the catalog before. A refused login is therefore part of the outage, for
a short time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    CatalogMissing,
    ConnectError,
    ConnectionLost,
    LoginFailed,
    ServerUnreachable,
    StatementTimeout,
    TransientError,
)
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ssis.executions.deadline import Clock, Deadline
    from airflow_provider_ssis.executions.message_log import TaskLog

Result = TypeVar("Result")

LOGIN_GRACE = 120.0
"""Seconds during which refused logins count as part of an outage: after a failover, a server may accept connections
before its logins and databases are available."""

BACKOFF = RetryPolicy(first_delay=1.0, longest_delay=30.0)
"""How fast to retry during an outage."""

_MAX_DOUBLINGS = 10
_TEMPORARY = (TransientError, ServerUnreachable, StatementTimeout)
_TEMPORARY_AT_FIRST = (LoginFailed, CatalogMissing)


class OutageTolerance:
    """Counts failures until the outage has lasted too long. A success ends the outage.

    :param limit: seconds that an outage may last.
    :param clock: seconds that never go backwards. Default: the system's.
    """

    def __init__(self, limit: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._began: float | None = None
        self._login_refused_since: float | None = None
        self._failures = 0

    @property
    def limit(self) -> float:
        """Seconds that an outage may last."""
        return self._limit

    @property
    def is_active(self) -> bool:
        """True from the first failure until the next success."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """How long the outage has lasted; 0 without one."""
        return 0.0 if self._began is None else self._clock() - self._began

    def record_failure(self, error: Exception, *, affects_all: bool = False) -> float:
        """Record that a call failed.

        :param error: why. An error that is not a :class:`CatalogError` counts as temporary.
        :param affects_all: the call fails for every execution, so the cause is the server, and any error may be
            temporary. Default: False.
        :return: seconds to wait before the next attempt: longer each time, with a random part.
        :raises Exception: the same error, if it is not temporary or the outage has lasted too long.
        """
        now = self._clock()
        if self._began is None:
            self._began = now
        if not isinstance(error, _TEMPORARY_AT_FIRST):
            self._login_refused_since = None
        elif self._login_refused_since is None:
            self._login_refused_since = now
        if self._is_final(error, now, affects_all):
            raise error
        self._failures += 1
        return BACKOFF.delay(min(self._failures, _MAX_DOUBLINGS))

    def record_success(self) -> float | None:
        """Record that a call succeeded.

        :return: how long the outage lasted in seconds; None if there was none.
        """
        if self._began is None:
            return None
        lasted = self.seconds
        self._began = self._login_refused_since = None
        self._failures = 0
        return lasted

    def _is_final(self, error: Exception, now: float, affects_all: bool) -> bool:
        if self.seconds >= self._limit:
            return True
        if self._login_refused_since is not None:
            # Counted from the first refusal: the server may have been down for long before it accepts connections.
            return now - self._login_refused_since >= LOGIN_GRACE
        return not affects_all and isinstance(error, CatalogError) and not isinstance(error, _TEMPORARY)


def retry_during_outage(
    call: Callable[[], Result],
    tolerance: OutageTolerance,
    log: TaskLog,
    *,
    execution_id: int | None = None,
    deadline: Deadline = NO_DEADLINE,
    clock: Clock = SYSTEM_CLOCK,
) -> Result:
    """Call the catalog until it answers, or until the outage has lasted too long.

    :param call: the call; it must be safe to repeat.
    :param tolerance: how long an outage may last.
    :param log: the task's log, for the start and the end of an outage.
    :param execution_id: the execution that the task waits for, for the log. Default: none.
    :param deadline: when to stop retrying, however short the outage was. Default: never.
    :param clock: the time. Default: the system's.
    :raises CatalogError: it is not temporary, or the outage lasted too long.
    """
    while True:
        try:
            answer = call()
        except CatalogError as error:
            is_first = not tolerance.is_active
            delay = tolerance.record_failure(error)
            if deadline.passed:
                raise
            if is_first:
                log.warning("%s", outage_text(error, tolerance.limit, execution_id))
        else:
            if (lasted := tolerance.record_success()) is not None:
                log.info("%s", recovery_text(lasted))
            return answer
        clock.sleep(deadline.limit(delay))


def outage_text(error: Exception, limit: float, execution_id: int | None = None) -> str:
    """The line of the task log about the start of an outage.

    :param error: why the first call failed.
    :param limit: seconds that the outage may last.
    :param execution_id: the execution that the task waits for. Default: none.
    """
    reason = error.reason if isinstance(error, CatalogError) else str(error)
    server = getattr(error, "server", None) or "the server"
    is_lost = isinstance(error, ConnectionLost | ConnectError)
    what = f"Lost the connection to {server}" if is_lost else f"Cannot read the catalog on {server}"
    unknown = "" if execution_id is None else f" The status of execution {execution_id} is not known until then."
    return f"{what} ({reason.strip().rstrip('.')}). The task keeps waiting, up to {duration_text(limit)}.{unknown}"


def recovery_text(seconds: float) -> str:
    """The line of the task log about the end of an outage.

    :param seconds: how long it lasted.
    """
    return f"The catalog answers again, after an outage of {duration_text(seconds)}."


def duration_text(seconds: float) -> str:
    """A duration for people: ``15 minutes``, ``150 s``."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} minutes" if minutes >= 2 and rest == 0 else f"{seconds:.0f} s"
