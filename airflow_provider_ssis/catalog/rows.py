"""From rows of result sets to the dataclasses of ``models``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from airflow_provider_ssis.catalog.variants import BASE_TYPE_SUFFIX, VariantValue, variant_value

RowClass = TypeVar("RowClass")


@dataclass(frozen=True, slots=True)
class ResultSet:
    """One result set, fetched whole."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def decode(row_class: type[RowClass], result: ResultSet) -> list[RowClass]:
    """The rows as objects of the class, whose fields are the result set's columns.

    :raises ValueError: a code of a status or type is none of the documented ones.
    """
    any_class: type = row_class
    readers = _readers(any_class)
    return [row_class(**{name: read(row) for name, read in readers.items()}) for row in result.as_dicts()]


def variant_fields(row_class: type) -> frozenset[str]:
    """The fields of a row class that hold values of sql_variant columns."""
    return frozenset(name for name, hint in get_type_hints(row_class).items() if hint == VariantValue)


Reader = Callable[[Mapping[str, Any]], Any]


@cache
def _readers(row_class: type) -> dict[str, Reader]:
    variants = variant_fields(row_class)
    return {
        name: _variant_reader(name) if name in variants else _reader(name, hint)
        for name, hint in get_type_hints(row_class).items()
    }


def _variant_reader(name: str) -> Reader:
    return lambda row: variant_value(row[name], row[name + BASE_TYPE_SUFFIX])


def _reader(name: str, hint: Any) -> Reader:
    members = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    optional = type(None) in members
    wanted = next(member for member in members if member is not type(None))
    return lambda row: _value(row[name], wanted, optional)


def _value(value: Any, wanted: type, optional: bool) -> Any:
    """Drivers differ: a bit may come as an int, a uniqueidentifier as an object, a code is always a plain number."""
    if value is None:
        return None
    if wanted is bool:
        return bool(value)
    if wanted is str:
        return value if isinstance(value, str) else str(value).upper()
    if issubclass(wanted, IntEnum):
        return _code(wanted, int(value), optional)
    return value


def _code(codes: type[IntEnum], value: int, optional: bool) -> IntEnum | None:
    try:
        return codes(value)
    except ValueError:
        # A code that a later version of SSISDB brings must not stop a client from reading the rest of the row.
        if "UNKNOWN" in codes.__members__:
            return codes["UNKNOWN"]
        if optional:
            return None
        raise
