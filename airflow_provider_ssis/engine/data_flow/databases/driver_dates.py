"""Dates and times of a driver, converted to a declared type."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, marked
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.expressions.arrow import arrow_type

_T = DataTypeCode
_S = ValueStatus

TICKS_BEFORE_UNIX = (date(1970, 1, 1).toordinal() - 1) * 86_400 * 10_000_000
"""The ticks of 100 ns from 0001-01-01 to 1970-01-01."""

_YEAR_1753 = (date(1753, 1, 1).toordinal() - date(1970, 1, 1).toordinal()) * 86_400 * 1_000_000


def _fraction_step(type_: ColumnType) -> int:
    """The microseconds of the smallest fraction that a type keeps."""
    return int(10 ** max(0, 6 - type_.scale))


def to_timestamp2(array: pa.Array, type_: ColumnType) -> Converted:
    """DT_DBTIMESTAMP2: a lost fraction is a truncation."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us"))
    numbers = array.cast(pa.int64())
    if pa.types.is_int64(arrow_type(type_)):
        ticks = array if pa.types.is_int64(array.type) else pc.add(pc.multiply(numbers, 10), TICKS_BEFORE_UNIX)
        return Converted(ticks)
    step = _fraction_step(type_)
    if step == 1:
        return Converted(array)
    values = numbers.fill_null(0).to_numpy(zero_copy_only=False)
    kept = values // step * step
    cut = pa.array(kept, mask=array.is_null().to_numpy(zero_copy_only=False)).cast(pa.timestamp("us"))
    return marked(cut, _S.TRUNCATED, values != kept, keep=True)


def to_timestamp(array: pa.Array, type_: ColumnType) -> Converted:
    """DT_DBTIMESTAMP begins in 1753 and keeps three fraction digits; DT_DATE keeps as many."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us"))
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    early = ~missing & (values < _YEAR_1753) & (type_.code is _T.DT_DBTIMESTAMP)
    return marked(pa.array(values // 1000, mask=missing).cast(pa.timestamp("ms")), _S.OVERFLOW, early)


def to_date(array: pa.Array, _type: ColumnType) -> Converted:
    """DT_DBDATE: the time is dropped."""
    if pa.types.is_date(array.type):
        return Converted(array.cast(pa.date32()))
    return Converted(pc.floor_temporal(array, unit="day").cast(pa.date32()))


def to_time(array: pa.Array, type_: ColumnType) -> Converted:
    """DT_DBTIME and DT_DBTIME2: a lost fraction is a truncation."""
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.time64("us"))
    array = array.cast(pa.time64("ns"))
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if type_.code is _T.DT_DBTIME:
        seconds = (values // 1_000_000_000).astype(np.int32)
        cut = pa.array(seconds, mask=missing).cast(pa.time32("s"))
        return marked(cut, _S.TRUNCATED, values % 1_000_000_000 != 0, keep=True)
    step = 10 ** (9 - min(type_.scale, 7))
    kept = values // step * step
    times = pa.array(kept, mask=missing).cast(pa.time64("ns"))
    return marked(times, _S.TRUNCATED, values != kept, keep=True)
