"""The errors of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

_EXTRA = ("duckdb", "mssql_python", "numpy", "pyarrow", "python_calamine")
"""The modules of the extra ``engine``."""


class EngineError(Exception):
    """The engine cannot run a package, or a part of it."""


class ExtraMissingError(EngineError, ImportError):
    """The extra ``engine``, which data flows need, is not installed, or only a part of it."""


def require_extra() -> None:
    """Check that the packages of the extra ``engine`` are installed. They are not imported.

    :raises ExtraMissingError: one of them is not.
    """
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise ExtraMissingError(
            f"Data flows need Python packages that are not installed here: {', '.join(missing)}. Install the extra: "
            "pip install 'airflow-provider-ssis[engine]'."
        )


class TaskFailure(EngineError):
    """A task or component fails, as it would in Integration Services.

    The run-time raises an OnError event for each message, and the task's result is failure.

    :param text: what happened, where, and what to do. Without secrets and without values of rows.
    :param code: the message code of Integration Services, unsigned: ``0xC0209029``. Default: 0xC002F304, a task failed
        with the following message.
    :param subcomponent: the component of a data flow as messages name it: ``Lookup currency [41]``. Default: none.
    :param causes: failures to report before this one, such as the reason of a driver. Default: none.
    :param is_reported: whether the task has raised OnError for this failure and its causes; only the result is left.
        Default: False.
    """

    def __init__(
        self,
        text: str,
        code: int = 0xC002F304,
        *,
        subcomponent: str | None = None,
        causes: Iterable[TaskFailure] = (),
        is_reported: bool = False,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.subcomponent = subcomponent
        self.causes = tuple(causes)
        self.is_reported = is_reported

    @property
    def chain(self) -> tuple[TaskFailure, ...]:
        """The causes, in the order in which they are reported, then this failure."""
        return (*[each for cause in self.causes for each in cause.chain], self)


class Cancelled(EngineError):
    """The run was cancelled while a task worked; the run-time ends the task with the result "canceled"."""
