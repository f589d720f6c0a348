"""The Foreach From Variable enumerator: the elements of the object in a variable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.loops import VariableEnumerator

_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""


class VariableTurns(ForeachEnumerator[VariableEnumerator]):
    """An iteration for each element of a list or other iterable, and for each character of a text."""

    def validate(self, context: TaskContext) -> None:
        """Check that the variable exists."""
        context.type_of(self.data.variable)

    def turns(self, context: TaskContext) -> Iterator[Sequence[Any]]:
        """Yield each element as the only value of its iteration."""
        elements = context.read(self.data.variable)
        if not isinstance(elements, Iterable):
            found = "no value" if elements is None else f"a value of the type {type(elements).__name__}"
            raise TaskFailure(
                f"The loop cannot iterate over the variable {self.data.variable}: it contains {found}."
                " A task before the loop must put a list into it.",
                _GET_ENUMERATOR,
            )
        for element in elements:
            yield (element,)
