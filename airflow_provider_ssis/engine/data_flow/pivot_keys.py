"""The values of pivot keys, which packages store as text."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion
from airflow_provider_ssis.engine.errors import TaskFailure

_TEXT = ColumnType(DataTypeCode.DT_WSTR, 4000)
_CANNOT_CONVERT = 0xC02020A7


def typed_keys(plan: ComponentPlan, texts: Sequence[str], type_: ColumnType) -> pa.Array:
    """Return stored pivot keys as values of the type of their column.

    :param texts: the keys as the package stores them.
    :raises TaskFailure: a key cannot be converted, or does not fit; 0xC02020A7.
    """
    try:
        converted = Conversion(_TEXT, type_, plan.locale_id).convert(pa.array(texts, pa.string()))
    except ValueError as error:
        raise _failure(plan, f"needs keys of type {type_}: {error}") from None
    if converted.statuses is not None and converted.statuses.any():
        text = texts[int(converted.statuses.astype(bool).argmax())]
        raise _failure(plan, f"has the pivot key value {text!r}, which is not a value of type {type_}")
    return converted.values


def _failure(plan: ComponentPlan, text: str) -> TaskFailure:
    return TaskFailure(f"{plan.stored.name} {text}.", _CANNOT_CONVERT, subcomponent=plan.subcomponent)
