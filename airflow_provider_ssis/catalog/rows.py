"""From rows of result sets to the dataclasses of ``models``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

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
    plan = [(field.name, *_plan(row_class)[field.name]) for field in fields(row_class)]  # type: ignore[arg-type]  # every row class is a dataclass
    return [
        row_class(**{name: _value(row[name], types, optional) for name, types, optional in plan})
        for row in result.as_dicts()
    ]


@cache
def _plan(row_class: type) -> dict[str, tuple[tuple[Any, ...], bool]]:
    plan = {}
    for name, hint in get_type_hints(row_class).items():
        members = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        plan[name] = (tuple(member for member in members if member is not type(None)), type(None) in members)
    return plan


def _value(value: Any, types: tuple[Any, ...], optional: bool) -> Any:
    """Drivers differ: a bit may come as an int, a uniqueidentifier as an object, a code is always a plain number."""
    if value is None or len(types) != 1:
        return value
    wanted = types[0]
    if wanted is bool:
        return bool(value)
    if wanted is str:
        return value if isinstance(value, str) else str(value).upper()
    if isinstance(wanted, type) and issubclass(wanted, IntEnum):
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
