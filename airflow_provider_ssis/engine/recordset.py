"""A result set in a variable of the type Object, for Execute SQL, the Recordset destination and loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.datatypes import ColumnType


@dataclass(frozen=True, slots=True)
class RecordColumn:
    """A column of a record set.

    :param name: its name.
    :param type: its type, where one is known. Default: None.
    """

    name: str
    type: ColumnType | None = None


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Rows with named columns. Iterating over it yields the rows, each time from the first one.

    :param columns: the columns.
    :param rows: the rows, of Python values: bool, int, float, Decimal, str, bytes, datetime, date, time, UUID, or None
        for NULL. Not part of the ``repr``.
    """

    columns: tuple[RecordColumn, ...]
    rows: Sequence[tuple[Any, ...]] = field(repr=False)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def record_sets(value: object) -> tuple[RecordSet, ...] | None:
    """Return the tables in an object: a record set, or a list of them, as a DataSet of .NET has it.

    :param value: the value of a variable.
    :returns: the tables; None if the object has none.
    """
    if isinstance(value, RecordSet):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, RecordSet) for each in value):
        return tuple(value)
    return None
