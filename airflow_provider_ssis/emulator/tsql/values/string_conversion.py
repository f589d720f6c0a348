"""Values as strings."""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, cut_utf16, utf16_length
from airflow_provider_ssis.emulator.tsql.values import date_styles, number_text, xml_parsing
from airflow_provider_ssis.emulator.tsql.values.code_page import CODE_PAGE, fitted
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import FIXED_WIDTH, INTEGERS, UNICODE, family


def to_string(value: Any, source: SqlType, target: SqlType, style: int | None) -> str:
    """A value as a string."""
    if target.name == "xml" and source.name != "xml":
        text = xml_parsing.decoded(value) if isinstance(value, bytes) else str(value)
        return xml_parsing.parsed(text, is_unicode=source.name in UNICODE, style=style)
    match family(source):
        case "string":
            text = value
        case "binary":
            text = _text_from_bytes(value, target, style)
        case "guid":
            text = str(value).upper()
            if target.length not in (None, MAX) and (target.length or 0) < len(text):
                raise SqlError(8170, "A uniqueidentifier needs 36 characters as a string.")
        case "datetime" | "moment":
            text = _text_from_moment(value, source, style)
        case _:
            text = number_text.render(value, source, style)
            if target.length not in (None, MAX) and (target.length or 0) < len(text):
                return _number_too_long(source, target)
    return fit_string(text, target)


def _number_too_long(source: SqlType, target: SqlType) -> str:
    if source.name in INTEGERS | {"bit"} and target.name in ("varchar", "char"):
        return fit_string("*", target)
    raise SqlError(8115, f"Arithmetic overflow: a {source.name} value is out of the range of {target}.")


def fit_string(text: str, target: SqlType) -> str:
    """Text as a string type holds it: cut, padded, and in char and varchar only with characters of the code page."""
    if target.name not in UNICODE:
        text = fitted(text)
    if target.length is None or target.length == MAX:
        return text
    if target.name in UNICODE and not text.isascii():
        text = cut_utf16(text.encode("utf-16-le", "surrogatepass"), target.length * 2).decode(
            "utf-16-le", "surrogatepass"
        )
    else:
        text = text[: target.length]
    return text.ljust(target.length - utf16_length(text) + len(text)) if target.name in FIXED_WIDTH else text


def _text_from_bytes(value: bytes, target: SqlType, style: int | None) -> str:
    if style in (1, 2):
        text = value.hex().upper()
        return f"0x{text}" if style == 1 else text
    if target.name in UNICODE:
        return (value if len(value) % 2 == 0 else value + b"\0").decode("utf-16-le", "replace")
    return value.decode(CODE_PAGE, "replace")


def _text_from_moment(value: Any, source: SqlType, style: int | None) -> str:
    date_styles.check_style(style, f"{source.name} to a string")
    try:
        return date_styles.render(value, source, style)
    except ValueError as error:
        raise SqlError(8114, f"Error converting data type {source.name} to a string: {error}.") from None
