"""The Script task: a Python function takes the place of the .NET code, which cannot run here."""

from __future__ import annotations

import operator
from collections.abc import Iterator, MutableMapping
from typing import Any

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.tasks import ScriptTask as Stored

_REPORTED_FAILURE = 0xC00291AF
_EXCEPTION = 0xC00291B1


class ScriptVariables(MutableMapping[str, Any]):
    """The variables that the task lists, by the name in the list, or by that name without its namespace.

    :param context: the context of the task.
    :param readable: the names that the script may read.
    :param writable: the names that it may also change.
    """

    def __init__(self, context: TaskContext, readable: tuple[str, ...], writable: tuple[str, ...]) -> None:
        self._context = context
        self._writable = frozenset(writable)
        self._names = dict.fromkeys((*readable, *writable))

    def _full(self, name: str) -> str:
        if name in self._names:
            return name
        fitting = [each for each in self._names if each.rpartition("::")[2] == name.rpartition("::")[2]]
        exact = [each for each in fitting if "::" not in name or "::" not in each]
        if len(exact) != 1:
            listed = ", ".join(self._names) or "none"
            raise KeyError(f"{name} is not one variable in the lists of the task (ReadOnlyVariables: {listed})")
        return exact[0]

    def __getitem__(self, name: str) -> Any:
        return self._context.read(self._full(name))

    def __setitem__(self, name: str, value: Any) -> None:
        full = self._full(name)
        if full not in self._writable:
            raise TaskFailure(
                f"The script changes the variable {full}, which is in the list ReadOnlyVariables. Move it to"
                " ReadWriteVariables.",
                _EXCEPTION,
            )
        self._context.write(full, value)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a script cannot remove variables")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class ScriptContext:
    """The argument of the Python function of a Script task.

    :param context: the context of the task.
    :param variables: the variables of the task. Changes are visible at once.
    """

    def __init__(self, context: TaskContext, variables: ScriptVariables) -> None:
        self._context = context
        self.variables = variables
        self.execution_value: Any = None
        """The execution value of the task (``Dts.ExecutionValue``). Default: None."""

    @property
    def connections(self) -> Connections:
        """The connection managers of the run."""
        return self._context.connections

    @property
    def cancel(self) -> CancelToken:
        """Reports that the run was cancelled; a function that takes long calls its ``check`` now and then."""
        return self._context.cancel

    def information(self, text: str, code: int = 0) -> None:
        """Raise OnInformation, as ``Dts.Events.FireInformation``."""
        self._context.information(str(text), _unsigned(code))

    def warning(self, text: str, code: int = 0) -> None:
        """Raise OnWarning, as ``Dts.Events.FireWarning``."""
        self._context.warning(str(text), _unsigned(code))

    def error(self, text: str, code: int = 0) -> None:
        """Raise OnError, as ``Dts.Events.FireError``: it counts for MaximumErrorCount when the function has ended."""
        self._context.error(str(text), _unsigned(code))

    def progress(self, percent: int, text: str = "") -> None:
        """Raise OnProgress, as ``Dts.Events.FireProgress``."""
        self._context.progress(operator.index(percent), str(text))


def _unsigned(code: int) -> int:
    """Return the code of a message, which .NET has as a signed number, without a sign.

    :raises TypeError: it is not a whole number.
    """
    return operator.index(code) & 0xFFFFFFFF


class ScriptTask(Task):
    """Runs the Python function that the user gives for the path of the task.

    The function gets a :class:`ScriptContext`. The task fails if it returns False, or raises an exception.
    """

    data: Stored

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield the task if the user gives no function for it."""
        path = self.container.path
        if path not in options.scripts:
            language = self.data.language or ".NET"
            yield Refusal(
                path,
                "the script",
                f"{language} cannot run here",
                f"Replace it with a Python function: run_package(..., scripts={{{path!r}: function}}) or"
                f" --script '{path}=module:function'.",
            )

    def validate(self, context: TaskContext) -> None:
        """Check the variables in the lists of the task."""
        for name in (*self.data.read_only_variables, *self.data.read_write_variables):
            context.type_of(name)

    def run(self, context: TaskContext) -> Any:
        """Call the function.

        :returns: the execution value that the function sets.
        """
        variables = ScriptVariables(context, self.data.read_only_variables, self.data.read_write_variables)
        script = ScriptContext(context, variables)
        function = context.options.scripts[self.container.path]
        try:
            result = function(script)
        except TaskFailure:
            raise
        except BaseException as error:  # also sys.exit, which must not end the run
            context.cancel.check()
            raise TaskFailure(
                f"The Python function of the script raised {type(error).__name__}: {error}", _EXCEPTION
            ) from error
        if result is False:
            raise TaskFailure("The Python function of the script returned False: failure.", _REPORTED_FAILURE)
        return script.execution_value
