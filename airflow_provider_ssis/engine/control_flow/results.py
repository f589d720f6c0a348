"""The result and the execution value of an executable, with the forced values of the package applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.variables.values import stored_value
from airflow_provider_ssis.engine.control_flow.variables.variables import Change, View
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE
from airflow_provider_ssis.project.package.containers import DtsContainer

VALUE_NOT_SAVED: Final = 0xC0019001
"""DTS_E_FAILEDSETEXECVALVARIABLE."""


def final_result(container: DtsContainer, result: Result) -> Result:
    """Return the result that the package forces, or the real one."""
    forced = container.force_execution_result
    return result if forced is None or result is Result.CANCELED else Result(forced)


def execution_value(container: DtsContainer, value: Any) -> Any:
    """Return the execution value that the package forces (ForceExecutionValue), or the real one.

    :param value: the result of the task.
    """
    if not container.force_execution_value:
        return value
    known = BY_VARIANT_TYPE.get(container.execution_value_type)
    text = container.forced_execution_value
    try:
        return text if known is None else stored_value(text, known.name)
    except ValueError:
        return text


def save_execution_value(view: Callable[[], View], container: DtsContainer, value: Any) -> Change | None:
    """Write the execution value to the variable that the package names (ExecValueVariable).

    :param view: returns the variables of the executable.
    :returns: the change, if it raises an event.
    :raises TaskFailure: 0xC0019001, the variable cannot contain it.
    """
    name = container.execution_value_variable
    if not name or value is None:
        return None
    try:
        return view().write(name, value)
    except TaskFailure as error:
        text = f"The execution value cannot be saved in the variable {name}: {error.text}"
        raise TaskFailure(text, VALUE_NOT_SAVED) from None
