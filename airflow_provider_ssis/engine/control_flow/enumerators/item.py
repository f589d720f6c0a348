"""The Foreach Item enumerator: fixed rows of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE, parse_value
from airflow_provider_ssis.project.package.loops import ItemEnumerator


class ItemTurns(ForeachEnumerator[ItemEnumerator]):
    """An iteration for each fixed row."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield the values that are not valid for their types."""
        for row, item in enumerate(self.data.items, start=1):
            for column, (code, text) in enumerate(item, start=1):
                try:
                    _value(code, text)
                except ValueError as error:
                    what = f"the value in column {column} of item {row}"
                    yield Refusal(self.where, what, str(error), "Correct the item in the loop")

    def turns(self, context: TaskContext) -> Iterator[Sequence[Any]]:
        """Yield the values of each row."""
        for item in self.data.items:
            yield [_value(code, text) for code, text in item]


def _value(code: int, text: str) -> Any:
    data_type = BY_VARIANT_TYPE.get(code)
    if data_type is None:
        raise ValueError(f"its type code {code} is unknown")
    return parse_value(text, data_type)
