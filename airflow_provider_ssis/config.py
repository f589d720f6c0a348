"""The section ``[ssis]`` of Airflow's configuration: what can be set there, and reading it.

Each option stands here once: Airflow shows it from this table, and the provider reads it with this table's default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SECTION = "ssis"


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
    "Seconds between two looks at an execution that a task waits for, where the task sets no poll_interval itself. "
    "An execution that has just started is looked at sooner.",
)
STOP_TIMEOUT = Option(
    "stop_timeout",
    "float",
    60.0,
    "Seconds that a task which was killed or timed out waits for the execution that it stopped to end. "
    "A pending execution can only be stopped once it runs, so the wait for that is part of it.",
)
STAMP_EXECUTIONS = Option(
    "stamp_executions",
    "boolean",
    True,
    "Whether each execution names the Airflow task instance that created it in the server option CALLER_INFO.",
)
OPTIONS = (POLL_INTERVAL, STOP_TIMEOUT, STAMP_EXECUTIONS)


def poll_interval() -> float:
    """Seconds between two looks at an execution, where a task does not say."""
    return _number(POLL_INTERVAL)


def stop_timeout() -> float:
    """Seconds to wait for an execution to end after its task was killed or timed out."""
    return _number(STOP_TIMEOUT)


def stamp_executions() -> bool:
    """Whether executions name the task instance that created them."""
    # Here and below: during provider discovery, which reads this table, Airflow's configuration does not exist yet.
    from airflow.providers.common.compat.sdk import conf

    return bool(conf.getboolean(SECTION, STAMP_EXECUTIONS.name, fallback=STAMP_EXECUTIONS.default))


def _number(option: Option) -> float:
    from airflow.providers.common.compat.sdk import conf

    return float(conf.getfloat(SECTION, option.name, fallback=option.default))
