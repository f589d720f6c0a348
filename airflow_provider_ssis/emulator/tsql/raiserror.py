"""RAISERROR's messages: text with ``%`` places, as "RAISERROR (Transact-SQL)" describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.errors import SqlError

LARGEST_SEVERITY: Final = 25
LARGEST_INFORMATION: Final = 10
USER_MESSAGE: Final = 50000
_PLACE = re.compile(
    r"%(?P<flags>[-+0# ]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+))?(?P<size>h|l|I64)?(?P<type>[%a-zA-Z])"
)
_LONGEST: Final = 2044


def format_message(text: str, arguments: Sequence[Any]) -> str:
    """The message with its places filled in.

    :raises SqlError: 2786 an argument of the wrong kind, 2787 an unknown place, 2783 too few arguments are left empty.
    """
    left = list(arguments)

    def fill(match: re.Match[str]) -> str:
        kind = match["type"]
        if kind == "%":
            return "%"
        width, precision = (
            left.pop(0) if size == "*" and left else size for size in (match["width"], match["precision"])
        )
        value = left.pop(0) if left else None
        shape = f"%{match['flags']}{width or ''}{'' if precision is None else f'.{precision}'}"
        if value is None:
            return "(null)"
        if kind == "s":
            return (shape + "s") % (value,)
        if kind not in "dioxXu":
            raise SqlError(2787, f"Invalid format specification: '{match.group()}'.")
        if isinstance(value, bool) or not isinstance(value, int):
            raise SqlError(2786, f"The argument for {match.group()} in the message is no whole number.")
        if kind in "xXou" and value < 0:
            value += 1 << (64 if match["size"] == "I64" or value < -(1 << 31) else 32)
        return (shape + ("d" if kind in "iu" else kind)) % (value,)

    return _PLACE.sub(fill, text)[:_LONGEST]
