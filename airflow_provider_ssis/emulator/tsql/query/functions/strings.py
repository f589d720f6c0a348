"""T-SQL's string functions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import INT, MAX, SqlType, slice_utf16, utf16_length
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.query.functions.table import (
    Function,
    Plain,
    same_as_first,
    widest,
    widest_like_first,
)
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import note_pattern
from airflow_provider_ssis.emulator.tsql.values import number_text, patterns
from airflow_provider_ssis.emulator.tsql.values.code_page import CODE_PAGE, encoded
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.limits import check_size
from airflow_provider_ssis.emulator.tsql.values.precedence import UNICODE, sized
from airflow_provider_ssis.emulator.tsql.values.text_format import format_value

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

_LONGEST_FIXED: Final = 8000


def _length_type(arguments: Sequence[Typed]) -> SqlType:
    return SqlType("bigint") if arguments[0].type.length == MAX else INT


def _non_negative(count: int, function: str) -> int:
    if count < 0:
        raise SqlError(537, f"Invalid length parameter passed to {function}: it must not be negative.")
    return count


def _left(text: str, count: int) -> str:
    return slice_utf16(text, 0, _non_negative(count, "LEFT"))


def _right(text: str, count: int) -> str:
    length = utf16_length(text)
    return slice_utf16(text, max(length - _non_negative(count, "RIGHT"), 0), length)


def _substring(text: str, start: int, count: int) -> str:
    end = start - 1 + _non_negative(count, "SUBSTRING")
    return slice_utf16(text, max(start - 1, 0), max(end, 0))


def _place(text: str, index: int) -> int:
    """The place in a text as T-SQL counts it, from 1: a character above U+FFFF takes two. 0 for not found."""
    return 0 if index < 0 else utf16_length(text[:index]) + 1


def _sliced(arguments: Sequence[Typed]) -> SqlType:
    given, count = arguments[0].type, arguments[-1].constant
    name = "nvarchar" if given.name in UNICODE else "varchar"
    if not isinstance(count, int) or count < 0 or given.length in (None, MAX):
        return sized(name, given.length)
    return sized(name, min(count, given.length or count))


def _charindex(wanted: str, text: str, start: int = 1) -> int:
    if not wanted:
        return 0
    before = slice_utf16(text, 0, max(start - 1, 0))
    # A start within a character is after it.
    begin = len(before) + (utf16_length(before) < start - 1)
    return _place(text, text.lower().find(wanted.lower(), begin))


def _replace(text: str, old: str, new: str) -> str:
    if not old:
        return text
    lowered, wanted = text.lower(), old.lower()
    check_size(len(text) + lowered.count(wanted) * (len(new) - len(old)))
    parts: list[str] = []
    position = 0
    while (found := lowered.find(wanted, position)) != -1:
        parts += [text[position:found], new]
        position = found + len(old)
    return "".join([*parts, text[position:]])


def _stuff(text: str, start: int, count: int, new: str | None) -> str | None:
    if text is None or start is None or count is None or start < 1 or count < 0:
        return None
    length = utf16_length(text)
    if start > length:
        return None
    check_size(len(text) + len(new or ""))
    return slice_utf16(text, 0, start - 1) + (new or "") + slice_utf16(text, start - 1 + count, length)


def _joined(arguments: Sequence[Typed]) -> SqlType:
    unicode = any(argument.type.name in UNICODE for argument in arguments)
    lengths = [argument.type.length for argument in arguments]
    name = "nvarchar" if unicode else "varchar"
    if any(length in (None, MAX) for length in lengths):
        return SqlType(name, length=MAX)
    return sized(name, sum(length or 0 for length in lengths), widen=False)


def _joined_with_separator(arguments: Sequence[Typed]) -> SqlType:
    return widest(_joined(arguments))


def _concat(*texts: str | None) -> str:
    return _join("", texts)


def _concat_ws(separator: str | None, *texts: str | None) -> str:
    return _join(separator or "", texts)


def _join(separator: str, texts: Sequence[str | None]) -> str:
    given = [text for text in texts if text is not None]
    check_size(sum(map(len, given)) + len(separator) * len(given))
    return separator.join(given)


def _replicate(text: str, count: int) -> str | None:
    if count < 0:
        return None
    check_size(len(text) * count)
    return text * count


def _space(count: int) -> str | None:
    return None if count < 0 else " " * min(count, _LONGEST_FIXED)


def _str(number: float, length: int = 10, places: int = 0) -> str:
    text = f"{number_text.rounded(Decimal(repr(number)), min(places, 16)):f}"
    whole = text.split(".", maxsplit=1)[0]
    length = min(length, _LONGEST_FIXED)
    if len(whole) > length:
        return "*" * length
    return text[:length].rstrip(".").rjust(length)


def _quotename(name: str, quote: str = "[") -> str | None:
    pairs = {
        "[": "[]",
        "]": "[]",
        "'": "''",
        '"': '""',
        "(": "()",
        ")": "()",
        "<": "<>",
        ">": "<>",
        "{": "{}",
        "}": "{}",
        "`": "``",
    }
    if utf16_length(name) > 128 or quote[:1] not in pairs:
        return None
    opening, closing = pairs[quote[:1]][0], pairs[quote[:1]][1]
    return opening + name.replace(closing, closing * 2) + closing


def _ascii(text: str) -> int | None:
    return encoded(text[0])[0] if text else None


def _char(code: int) -> str | None:
    return bytes([code]).decode(CODE_PAGE, "replace") if 0 <= code <= 255 else None


def _unicode(text: str) -> int | None:
    # The first of the two halves of a character above U+FFFF.
    return int.from_bytes(text[0].encode("utf-16-le", "surrogatepass")[:2], "little") if text else None


def _nchar(code: int) -> str | None:
    # Half of a surrogate pair is not a character in Python.
    return None if not 0 <= code <= 0xFFFF else "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def _trim(text: str, characters: str = " ") -> str:
    return text.strip(characters)


def _ltrim(text: str, characters: str = " ") -> str:
    return text.lstrip(characters)


def _rtrim(text: str, characters: str = " ") -> str:
    return text.rstrip(characters)


def _translate(text: str, old: str, new: str) -> str:
    if len(old) != len(new):
        raise SqlError(9828, "The second and third arguments of TRANSLATE must have the same length.")
    return text.translate(str.maketrans(old, new))


def _parsename(name: str, part: int) -> str | None:
    parts = split_name(name)
    return parts[-part] or None if 1 <= part <= len(parts) <= 4 else None


_NVARCHAR: Final = SqlType("nvarchar", length=4000)

_PATINDEX: Final = Plain(
    ("text", "text"), INT, lambda form, text: _place(text, patterns.position(text, form) - 1)
).function("patindex")


def _patindex(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    note_pattern(binder, binder.value(nodes[0]))
    return _PATINDEX.rule(binder, nodes)


_UPPER: Final = "CASE WHEN contains({0}, 'ß') THEN {call} ELSE upper({0}) END"
"""DuckDB changes ß; SQL Server does not."""


def _upper(text: str) -> str:
    # One character for each: SQL Server leaves those without an upper case of one character as they are.
    shown = text.upper()
    return shown if len(shown) == len(text) else "".join(_single(each, each.upper()) for each in text)


def _lower(text: str) -> str:
    shown = text.lower()
    return shown if len(shown) == len(text) else "".join(_single(each, each.lower()) for each in text)


def _single(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character


FUNCTIONS: Final = {
    name: plain.function(name)
    for name, plain in {
        "ascii": Plain(("text",), INT, _ascii),
        "char": Plain(("int",), SqlType("char", length=1), _char),
        "charindex": Plain(("text", "text", "int"), INT, _charindex, least=2),
        "concat": Plain(("text", "text"), _joined, _concat, variadic=True, strict=False),
        "concat_ws": Plain(("text", "text", "text"), _joined_with_separator, _concat_ws, variadic=True, strict=False),
        "format": Plain(("any", "text", "text"), _NVARCHAR, format_value, least=2),
        "left": Plain(("text", "int"), _sliced, _left),
        "len": Plain(
            ("text",),
            _length_type,
            lambda text: utf16_length(text.rstrip(" ")),
            native="CASE WHEN strlen({0}) = length({0}) THEN length(rtrim({0}, ' ')) ELSE {call} END",
        ),
        "lower": Plain(("text",), same_as_first, _lower, native="lower({0})"),
        "ltrim": Plain(("text", "text"), same_as_first, _ltrim, least=1),
        "nchar": Plain(("int",), SqlType("nchar", length=1), _nchar),
        "parsename": Plain(("text", "int"), SqlType("nvarchar", length=128), _parsename),
        "quotename": Plain(("text", "text"), SqlType("nvarchar", length=258), _quotename, least=1),
        "replace": Plain(("text", "text", "text"), widest_like_first, _replace),
        "replicate": Plain(("text", "int"), widest_like_first, _replicate),
        "reverse": Plain(("text",), same_as_first, lambda text: text[::-1]),
        "right": Plain(("text", "int"), _sliced, _right),
        "rtrim": Plain(("text", "text"), same_as_first, _rtrim, least=1),
        "space": Plain(("int",), SqlType("varchar", length=8000), _space),
        "str": Plain(("float", "int", "int"), SqlType("varchar", length=8000), _str, least=1),
        "stuff": Plain(("text", "int", "int", "text"), widest_like_first, _stuff, strict=False),
        "substring": Plain(("text", "int", "int"), _sliced, _substring),
        "translate": Plain(("text", "text", "text"), widest_like_first, _translate),
        "trim": Plain(("text", "text"), same_as_first, _trim, least=1),
        "unicode": Plain(("text",), INT, _unicode),
        "upper": Plain(("text",), same_as_first, _upper, native=_UPPER),
    }.items()
} | {"patindex": Function(2, 2, _patindex)}
