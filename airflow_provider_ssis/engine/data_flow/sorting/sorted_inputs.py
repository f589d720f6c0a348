"""The declared sort keys of an input, and the checks of Merge and Merge Join."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from typing import NoReturn

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import KeyColumn
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

NOT_SORTED = 0xC02020AF
_TYPES, _DIRECTIONS, _FLAGS = 0xC02020B4, 0xC02020B6, 0xC02020BA


def sort_keys(plan: ComponentPlan, input_key: str) -> list[KeyColumn]:
    """Return the columns by which the rows of an input are sorted, the most important first.

    The key ends before the first position whose column does not arrive.
    """
    columns = {abs(column.sort_key_position): column for column in plan.inputs[input_key].columns}
    positions = takewhile(columns.__contains__, count(1))
    return [
        KeyColumn(column.lineage_id, column.name, column.type, column.comparison_flags, column.sort_key_position < 0)
        for column in map(columns.__getitem__, positions)
    ]


def common_keys(plan: ComponentPlan, columns: int | None = None) -> tuple[list[KeyColumn], list[KeyColumn]]:
    """Return the sort keys of the first and the second input, which have the same types, directions and flags.

    :param columns: how many columns of the keys to use. Default: as many as both have.
    :raises TaskFailure: an input is not sorted, or the keys do not agree.
    """
    first, second = (sort_keys(plan, one.key) for one in plan.stored.inputs)
    for one, keys in zip(plan.stored.inputs, (first, second), strict=True):
        if not keys:
            _fail(
                plan,
                f"has the input {one.name}, whose rows are not sorted. Add a Sort, or mark the output of the source as "
                "sorted if its query sorts the rows",
                NOT_SORTED,
            )
    used = min(len(first), len(second)) if columns is None else columns
    if used > min(len(first), len(second)):
        _fail(plan, f"needs {used} key columns, but an input is sorted by fewer", 0xC02020B3)
    for left, right in zip(first[:used], second[:used], strict=True):
        both = f"the key columns {left.name} and {right.name}"
        if (left.type.code, left.type.scale) != (right.type.code, right.type.scale):
            _fail(plan, f"has {both} of the types {left.type} and {right.type}. Convert one of them", _TYPES)
        if left.descending != right.descending:
            _fail(plan, f"has {both}, of which one is sorted in descending order", _DIRECTIONS)
        if left.flags != right.flags:
            _fail(plan, f"has {both} with different comparison flags", _FLAGS)
    return first[:used], second[:used]


def key_refusals(plan: ComponentPlan) -> Iterator[Refusal]:
    """Yield the unsupported sort keys of the inputs."""
    for one in plan.stored.inputs:
        if one.key not in plan.inputs:
            yield Refusal(
                plan.path, f"the input {one.name}", "no path leads to it", "Connect it, or remove the component."
            )
            continue
        for column in plan.inputs[one.key].columns:
            if column.sort_key_position:
                key = KeyColumn(column.lineage_id, column.name, column.type, column.comparison_flags)
                yield from key.refusals(plan.path, plan.locale_id)


def _fail(plan: ComponentPlan, text: str, code: int) -> NoReturn:
    raise TaskFailure(f"{plan.stored.name} {text}.", code, subcomponent=plan.subcomponent)
