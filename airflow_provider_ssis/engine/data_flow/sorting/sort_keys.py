"""Columns by which rows are ordered or grouped, as DuckDB expressions with the order of Integration Services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.sorting.linguistic import is_known_locale, key_expression, unknown_flags
from airflow_provider_ssis.engine.refusals import Refusal

OTHER_LOCALE = "Choose a locale without an alternative sort order in the component's LocaleID."


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of a key.

    :param lineage_id: the column.
    :param name: its name, for people.
    :param flags: the flags of the comparison of strings. Default: none.
    :param descending: whether the greatest value comes first. Default: False.
    """

    lineage_id: str
    name: str
    type: ColumnType
    flags: int = 0
    descending: bool = False

    @property
    def is_text(self) -> bool:
        """Whether values are compared linguistically."""
        return self.type.code in STRINGS

    def expression(self, locale_id: int, value: str | None = None) -> str:
        """Return the DuckDB expression by which the values compare.

        :param locale_id: the locale of the component.
        :param value: the expression of the value. Default: the column.
        """
        value = quoted(self.lineage_id) if value is None else value
        if self.is_text:
            return key_expression(value, locale_id, self.flags)
        if self.type.code is DataTypeCode.DT_DBTIMESTAMPOFFSET:
            return f"{value}.ticks"
        return value

    def refusals(self, path: str, locale_id: int) -> Iterator[Refusal]:
        """Yield why the engine cannot compare by this column."""
        what = f"the key column {self.name}"
        if self.type.code in LARGE_OBJECTS:
            yield Refusal(path, what, f"values of type {self.type} have no order", "Convert it to DT_STR or DT_WSTR.")
        if not self.is_text:
            return
        if unknown_flags(self.flags):
            yield Refusal(path, what, f"the comparison flags {unknown_flags(self.flags):#x} are unknown")
        if not is_known_locale(locale_id):
            yield Refusal(path, what, f"the order of the locale {locale_id} is not available", OTHER_LOCALE)


def order_by(keys: Sequence[KeyColumn], locale_id: int) -> str:
    """Return the terms of ORDER BY. NULL is lower than each value.

    :param keys: the columns, the most important first.
    :param locale_id: the locale of the component.
    """
    return ", ".join(
        f"{key.expression(locale_id)} {'DESC NULLS LAST' if key.descending else 'ASC NULLS FIRST'}" for key in keys
    )


def quoted(name: str) -> str:
    """Return a name as DuckDB reads it."""
    return '"' + name.replace('"', '""') + '"'


def comparable(values: pa.Array) -> pa.Array:
    """Return the values by which a column is ordered or grouped: of DT_DBTIMESTAMPOFFSET the moments."""
    return values.flatten()[0] if pa.types.is_struct(values.type) else values


class GroupStarts:
    """Finds the rows of a sorted stream whose key differs from that of the row before."""

    def __init__(self) -> None:
        self._last: list[pa.Array] | None = None

    def of(self, keys: Sequence[pa.Array]) -> npt.NDArray[np.bool_]:
        """Return for each row of the next batch whether it has a new key.

        :param keys: the columns of the key; the batch is not empty.
        """
        rows = len(keys[0])
        if self._last is None:
            before = [pa.concat_arrays([key.slice(0, 1), key.slice(0, rows - 1)]) for key in keys]
        else:
            before = [
                pa.concat_arrays([last, key.slice(0, rows - 1)]) for last, key in zip(self._last, keys, strict=True)
            ]
        same = np.ones(rows, np.bool_)
        for key, previous in zip(keys, before, strict=True):
            same &= equal_values(key, previous)
        if self._last is None:
            same[0] = False
        self._last = [key.slice(rows - 1, 1) for key in keys]
        return ~same


def equal_values(left: pa.Array, right: pa.Array) -> npt.NDArray[np.bool_]:
    """Return where two columns have the same value, or both NULL.

    Values of DT_DBTIMESTAMPOFFSET are the same if their offsets are, too.
    """
    if pa.types.is_struct(left.type):
        parts = [equal_values(*pair) for pair in zip(left.flatten(), right.flatten(), strict=True)]
        whole: npt.NDArray[np.bool_] = np.logical_and.reduce(parts)
        return whole
    same = pc.fill_null(pc.equal(left, right), False)
    if left.null_count and right.null_count:
        same = pc.or_(same, pc.and_(left.is_null(), right.is_null()))
    found: npt.NDArray[np.bool_] = same.to_numpy(zero_copy_only=False)
    return found
