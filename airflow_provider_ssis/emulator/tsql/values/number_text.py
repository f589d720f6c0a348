"""Numbers as text, and back, as SQL Server writes and reads them; rounding of decimals."""

from __future__ import annotations

import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, LARGEST_PRECISION, MONEY

WIDE: Final = Context(prec=800, rounding=ROUND_HALF_UP)
"""Wide enough for every digit of a float."""
_INTEGER = re.compile(r"\s*([+-]?)\s*(\d+)\s*")
_DECIMAL = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*")
_FLOAT = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
_MONEY = re.compile(r"\s*([+-]?)\s*[$£€¥]?\s*([+-]?)(\d[\d,]*\.?\d*|\.\d+)\s*")


def parse_bit(text: str) -> bool:
    """``'true'``, ``'false'`` in any case, or a whole number, of which 0 is false."""
    word = text.strip().lower()
    return word == "true" if word in ("true", "false") else parse_integer(text) != 0


def parse_integer(text: str) -> int:
    """A whole number; blanks alone are 0."""
    if not text.strip():
        return 0
    match = _INTEGER.fullmatch(text)
    if match is None or not match[2].isascii():
        raise ValueError(f"not a whole number: {text!r}")
    return int(match[1] + match[2])


def parse_decimal(text: str) -> Decimal:
    """A decimal number without an exponent."""
    if _DECIMAL.fullmatch(text) is None or not text.isascii():
        raise ValueError(f"not a decimal number: {text!r}")
    return Decimal(text.strip())


def parse_float(text: str) -> float:
    """A floating-point number, infinite where float does not reach; blanks alone are 0."""
    if not text.strip():
        return 0.0
    if _FLOAT.fullmatch(text) is None or not text.isascii():
        raise ValueError(f"not a number: {text!r}")
    return float(text)


def parse_money(text: str) -> Decimal:
    """An amount, with an optional currency sign and commas; blank text is 0."""
    if not text.strip():
        return Decimal(0)
    match = _MONEY.fullmatch(text)
    if match is None:
        raise ValueError(f"not an amount: {text!r}")
    sign = "-" if "-" in (match[1], match[2]) else ""
    return Decimal(sign + match[3].replace(",", ""))


def rounded(value: Decimal, scale: int) -> Decimal:
    """A decimal with this number of fractional digits; halves are rounded away from zero, and zero has no sign."""
    try:
        result = value.quantize(Decimal(1).scaleb(-scale), context=WIDE)
    except InvalidOperation:
        return value  # far out of the range of any type: the range check rejects it
    return result or result.copy_abs()


def from_float(value: float) -> Decimal:
    """The decimal that a float is taken for: its shortest text."""
    try:
        return Decimal(repr(value))
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error


def single(value: float) -> float:
    """A float in the precision of real.

    :raises OverflowError: real does not reach there.
    """
    # With a byte order, struct refuses what does not fit; without one it makes it infinite.
    narrow: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return narrow


def decimal_type(value: Decimal) -> SqlType:
    """The decimal type that holds a value exactly."""
    _, digits, exponent = value.as_tuple()
    scale = max(-exponent, 0) if isinstance(exponent, int) else 0
    whole = max(len(digits) + (exponent if isinstance(exponent, int) else 0), 0)
    precision = min(max(whole + scale, 1), LARGEST_PRECISION)
    return SqlType("numeric", precision=precision, scale=min(scale, precision))


def render(value: Any, type: SqlType, style: int | None) -> str:  # noqa: A002 - the field's own word
    """A number as CONVERT writes it.

    :param style: for float: 0 at most 6 digits, 1 always 8, 2 always 16, 3 always 17; for money: 0 two digits behind
        the point, 1 with commas, 2 four digits.
    """
    if type.name == "bit":
        return "1" if value else "0"
    if type.name in APPROXIMATE:
        return _float_text(value, style or 0)
    if type.name in MONEY:
        places = 4 if style == 2 else 2
        return f"{rounded(value, places):{',' if style == 1 else ''}.{places}f}"
    if isinstance(value, Decimal):
        return f"{rounded(value, type.scale or 0):f}"
    return str(value)


def _float_text(value: float, style: int) -> str:
    if style in (1, 2, 3):
        return _wide_exponent(f"{value:.{ {1: 7, 2: 15, 3: 16}[style] }e}")
    return _wide_exponent(f"{value:.6g}")


def _wide_exponent(text: str) -> str:
    """C's exponent of at least two digits as SQL Server's of three."""
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(3)}" if mark else text
