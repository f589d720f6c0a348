"""Converts rows of result sets to the dataclasses of ``models``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from functools import cache
from operator import itemgetter
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from airflow_provider_ssis.catalog.sql.variants import BASE_TYPE_SUFFIX, VariantValue, variant_value

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
    readers = _readers(any_class, result.columns)
    return [row_class(**{name: read(row) for name, read in readers}) for row in result.rows]


@cache
def variant_fields(row_class: type) -> frozenset[str]:
    """The fields of a row class that hold values of sql_variant columns."""
    return frozenset(name for name, hint in get_type_hints(row_class).items() if hint == VariantValue)


Reader = Callable[[tuple[Any, ...]], Any]
Convert = Callable[[Any], Any]


@cache
def _readers(row_class: type, columns: tuple[str, ...]) -> list[tuple[str, Reader]]:
    """For each field of the class, what reads it from a row: chosen once, not for each row."""
    variants = variant_fields(row_class)
    hints = get_type_hints(row_class)
    places = {name: place for place, name in enumerate(columns)}
    return [
        (
            name,
            _variant_reader(places[name], places[name + BASE_TYPE_SUFFIX])
            if name in variants
            else _reader(places[name], _converter(hint)),
        )
        for name, hint in hints.items()
    ]


def _variant_reader(place: int, place_of_type: int) -> Reader:
    return lambda row: variant_value(row[place], row[place_of_type])


def _reader(place: int, convert: Convert | None) -> Reader:
    if convert is None:
        return itemgetter(place)

    def read(row: tuple[Any, ...]) -> Any:
        value = row[place]
        return None if value is None else convert(value)

    return read


def _converter(hint: Any) -> Convert | None:
    """Drivers differ: a bit may come as an int, a uniqueidentifier as an object, a code is always plain."""
    members = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    optional = type(None) in members
    wanted = next(member for member in members if member is not type(None))
    if wanted is bool:
        return bool
    if wanted is str:
        return _text
    if issubclass(wanted, IntEnum):
        return lambda value: _code(wanted, int(value), optional)
    if issubclass(wanted, StrEnum):
        return lambda value: _code(wanted, value, optional)
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).upper()


def _code(codes: type[Enum], value: int | str, optional: bool) -> Enum | None:
    try:
        return codes(value)
    except ValueError:
        # A code that a later version of SSISDB brings must not stop a client from reading the rest of the row.
        if "UNKNOWN" in codes.__members__:
            return codes["UNKNOWN"]
        if optional:
            return None
        raise
