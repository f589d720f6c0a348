"""The section ``[ssis]`` of Airflow's configuration: what can be set there, and reading it.

Each option stands here once: Airflow shows it from this table, and the provider reads it with this table's default.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

SECTION = "ssis"

_DEFAULT_HEARTBEAT = 5.0
"""Airflow's default of ``[workers] min_heartbeat_interval``."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the section.

    :param name: its name.
    :param type: ``boolean``, ``float``, ``integer`` or ``string``.
    :param default: its value where nothing is set.
    :param description: what it does, for Airflow's configuration reference.
    """

    name: str
    type: str
    default: bool | float
    description: str

    def as_provider_info(self) -> dict[str, Any]:
        """The option as Airflow's provider metadata describes it."""
        return {
            "description": self.description,
            "type": self.type,
            "version_added": "0.1.0",
            "example": None,
            "default": str(self.default),
        }


POLL_INTERVAL = Option(
    "poll_interval",
    "float",
    10.0,
    "Seconds between two polls of an execution that a task waits for, if the task itself sets no poll_interval. The "
    "polls of an execution that has just started are closer together.",
)
LONGEST_POLL_INTERVAL = Option(
    "longest_poll_interval",
    "float",
    60.0,
    "The longest poll interval in seconds. The interval of an execution that runs for hours grows with its age, by "
    "1/360 of it: to 10 seconds after one hour, and 60 after six.",
)
PENDING_TIMEOUT = Option(
    "pending_timeout",
    "float",
    1800.0,
    "Seconds that a started execution may stay pending, because the server does not run it yet. Then its task fails. 0 "
    "means no limit. The execution stays pending: a retry of the task continues to wait for it.",
)
RETRY_TIMEOUT = Option(
    "retry_timeout",
    "float",
    60.0,
    "Seconds in which a call to the catalog is repeated after a transient error, such as a deadlock, a busy catalog or "
    "a lost connection, if repeating does no harm. 0 means that such an error fails the call at once.",
)
OUTAGE_TIMEOUT = Option(
    "outage_timeout",
    "float",
    900.0,
    "Seconds that an outage of the server may last before the tasks that wait for its executions fail.",
)
LOOKBACK_HOURS = Option(
    "lookback_hours",
    "float",
    168.0,
    "How many hours back a task searches for an execution that an earlier try created. The server reads the stamps of "
    "all executions of the package in this time, so a longer time is more work.",
)
STOP_TIMEOUT = Option(
    "stop_timeout",
    "float",
    60.0,
    "Seconds that a killed or timed-out task waits for the end of the execution that it stops. The catalog cannot stop "
    "a pending execution, so the wait until it runs counts too.",
)
DEFER_AFTER = Option(
    "defer_after",
    "float",
    20.0,
    "Seconds that a task waits on its worker before it defers or is rescheduled. An execution that ends sooner needs "
    "neither the triggerer nor a second worker process. 0 means that the task defers at once.",
)
RESUME_AFTER = Option(
    "resume_after",
    "float",
    30.0,
    "The least number of seconds between the deferral or reschedule of a task and its return to a worker. Airflow "
    "fails a task that returns before the scheduler has seen the end of its worker process. If [workers] "
    "min_heartbeat_interval is longer than its default, the difference is added. 0 means no such limit.",
)
GC_FREEZE_AT = Option(
    "gc_freeze_at",
    "integer",
    100,
    "Number of tasks deferred on one connection at which a triggerer excludes its loaded objects from garbage "
    "collection (Python's gc.freeze, once). A full collection would otherwise block its event loop for 100 ms. 0 means "
    "never.",
)
STAMP_EXECUTIONS = Option(
    "stamp_executions",
    "boolean",
    True,
    "Whether each execution names the Airflow task instance that created it in the server option CALLER_INFO.",
)
ALLOW_DRIVER_PATH = Option(
    "allow_driver_path",
    "boolean",
    False,
    "Whether a connection may name the path of an ODBC driver's library. If it may, a user who may edit connections "
    "can load any library of the machine.",
)
OPTIONS = (
    POLL_INTERVAL,
    LONGEST_POLL_INTERVAL,
    PENDING_TIMEOUT,
    RETRY_TIMEOUT,
    OUTAGE_TIMEOUT,
    LOOKBACK_HOURS,
    STOP_TIMEOUT,
    DEFER_AFTER,
    RESUME_AFTER,
    GC_FREEZE_AT,
    STAMP_EXECUTIONS,
    ALLOW_DRIVER_PATH,
)


def poll_interval() -> float:
    """Seconds between two polls of an execution, if the task sets no interval."""
    return _number(POLL_INTERVAL)


def longest_poll_interval() -> float:
    """Seconds between two polls of an execution that has run for hours."""
    return _number(LONGEST_POLL_INTERVAL)


def pending_timeout() -> float | None:
    """Seconds that an execution may be pending; None for no limit."""
    return _number(PENDING_TIMEOUT) or None


def retry_timeout() -> float:
    """Seconds in which a call is repeated after a transient error."""
    return _number(RETRY_TIMEOUT)


def outage_timeout() -> float:
    """Seconds that an outage of the server may last."""
    return _number(OUTAGE_TIMEOUT)


def lookback() -> int:
    """Seconds in the past in which to search for an execution of the same task instance."""
    return int(_number(LOOKBACK_HOURS) * 3600)


def default_deferrable() -> bool:
    """Whether operators defer by default: Airflow's own ``[operators] default_deferrable``."""
    from airflow.providers.common.compat.sdk import conf

    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def stop_timeout() -> float:
    """Seconds to wait for an execution to end after its task was killed or timed out."""
    return _number(STOP_TIMEOUT)


def defer_after() -> float:
    """Seconds that a task waits on its worker before it leaves it."""
    return _number(DEFER_AFTER)


def resume_after() -> float:
    """Seconds after which a task that has left its worker may come back; 0 for no limit."""
    from airflow.providers.common.compat.sdk import conf

    wanted = _number(RESUME_AFTER)
    # How long a supervisor may sleep before it sees the end of its process. Airflow 2 has no such option.
    heartbeat = float(conf.getfloat("workers", "min_heartbeat_interval", fallback=_DEFAULT_HEARTBEAT))
    return wanted + max(0.0, heartbeat - _DEFAULT_HEARTBEAT) if wanted else 0.0


def gc_freeze_at() -> int:
    """Number of triggers on one connection at which the triggerer's objects are frozen; 0 for never."""
    return int(_number(GC_FREEZE_AT))


def stamp_executions() -> bool:
    """Whether executions name the task instance that created them."""
    return _flag(STAMP_EXECUTIONS)


def allow_driver_path() -> bool:
    """Whether a connection may name the path of a driver's library."""
    return _flag(ALLOW_DRIVER_PATH)


@contextmanager
def read_once() -> Iterator[None]:
    """Read each option once while the block lasts, or the function that this decorates.

    A task needs some options a dozen times before it starts an execution, and Airflow searches for them each time.
    """
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


_known: ContextVar[dict[str, float] | None] = ContextVar("airflow_provider_ssis.config", default=None)
"""The options that were read in the block of :func:`read_once`; None outside of one."""


def _flag(option: Option) -> bool:
    return bool(_read(option, "getboolean"))


def _number(option: Option) -> float:
    return float(_read(option, "getfloat"))


def _read(option: Option, getter: str) -> float:
    known = _known.get()
    if known is not None and option.name in known:
        return known[option.name]
    # During provider discovery, which reads the table of options, Airflow's configuration does not exist yet.
    from airflow.providers.common.compat.sdk import conf

    value: float = getattr(conf, getter)(SECTION, option.name, fallback=option.default)
    if known is not None:
        known[option.name] = value
    return value
