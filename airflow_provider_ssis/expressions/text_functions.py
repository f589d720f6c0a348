"""The functions on text, on values. Positions and lengths count UTF-16 units."""

from __future__ import annotations

from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.operators import MAX_TEXT
from airflow_provider_ssis.expressions.text import has_pairs, join_units, map_case, split_units, units


def check_size(length: int) -> None:
    """Refuse a text that is too long.

    :param length: its length.
    :raises Fault: it is longer than :data:`~airflow_provider_ssis.expressions.operators.MAX_TEXT`.
    """
    if length > MAX_TEXT:
        raise Fault(Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, f"The text is longer than {MAX_TEXT} characters")


def left(text: str, count: int) -> str:
    """The first characters."""
    if count < 0:
        raise Fault(Code.DTS_E_EXPREVALFNRIGHTINVALIDLENGTH, f"The length of LEFT is negative: {count}")
    return join_units(split_units(text)[:count]) if has_pairs(text) else text[:count]


def right(text: str, count: int) -> str:
    """The last characters."""
    if count < 0:
        raise Fault(Code.DTS_E_EXPREVALFNRIGHTINVALIDLENGTH, f"The length of RIGHT is negative: {count}")
    if count == 0:
        return ""
    return join_units(split_units(text)[-count:]) if has_pairs(text) else text[-count:]


def substring(text: str, start: int, length: int) -> str:
    """Characters from a position that counts from 1."""
    if start < 1:
        reason = f"The start of SUBSTRING is {start}; the first character is 1"
        raise Fault(Code.DTS_E_EXPREVALFNSUBSTRINGINVALIDSTARTINDEX, reason)
    if length < 0:
        raise Fault(Code.DTS_E_EXPREVALFNSUBSTRINGINVALIDLENGTH, f"The length of SUBSTRING is negative: {length}")
    if has_pairs(text):
        return join_units(split_units(text)[start - 1 : start - 1 + length])
    return text[start - 1 : start - 1 + length]


def find_string(text: str, searched: str, occurrence: int) -> int:
    """The position of an occurrence, which counts from 1; 0 if there is none. Occurrences can overlap."""
    if occurrence < 1:
        reason = f"The occurrence of FINDSTRING is {occurrence}; the first is 1"
        raise Fault(Code.DTS_E_EXPREVALFNFINDSTRINGINVALIDOCCURRENCECOUNT, reason)
    if not searched:
        return 0
    if has_pairs(text) or has_pairs(searched):
        text, searched = split_units(text), split_units(searched)
    position = -1
    for _ in range(min(occurrence, len(text) + 1)):
        position = text.find(searched, position + 1)
        if position < 0:
            return 0
    return position + 1


def replace(text: str, searched: str, replacement: str) -> str:
    """Replace all occurrences; an empty search text replaces nothing."""
    if not searched:
        return text
    if len(replacement) > len(searched):
        check_size(len(text) + text.count(searched) * (len(replacement) - len(searched)))
    return text.replace(searched, replacement)


def replicate(text: str, count: int) -> str:
    """Repeat a text."""
    if count < 0:
        reason = f"The number of times of REPLICATE is negative: {count}"
        raise Fault(Code.DTS_E_EXPREVALFNREPLICATEINVALIDREPEATCOUNT, reason)
    check_size(len(text) * count)
    return text * (count if text else 0)


def reverse(text: str) -> str:
    """The characters in reverse order, by UTF-16 unit."""
    return join_units(split_units(text)[::-1]) if has_pairs(text) else text[::-1]


def upper(text: str) -> str:
    """Upper case, one character for each character."""
    return map_case(text, upper=True)


def lower(text: str) -> str:
    """Lower case, one character for each character."""
    return map_case(text, upper=False)


def trim(text: str) -> str:
    """Remove spaces at both ends; other white space stays."""
    return text.strip(" ")


def left_trim(text: str) -> str:
    """Remove spaces at the start."""
    return text.lstrip(" ")


def right_trim(text: str) -> str:
    """Remove spaces at the end."""
    return text.rstrip(" ")


def length_of(text: str) -> int:
    """The length."""
    return units(text)


def code_point(text: str) -> int | None:
    """The first UTF-16 unit; NULL for an empty text."""
    if not text:
        return None
    first = ord(text[0])
    return first if first < 0x10000 else 0xD800 + (first - 0x10000 >> 10)


def _tokens(text: str, delimiters: str, function: str) -> list[str]:
    if not delimiters:
        raise Fault(Code.DTS_E_EXPREVALFUNCTIONCOMPUTEFAILED, f"The delimiters of {function} are empty")
    if not text:
        return [""]
    first = delimiters[0]
    same = text.translate(dict.fromkeys(map(ord, delimiters), first))
    return [token for token in same.split(first) if token]


def token(text: str, delimiters: str, occurrence: int) -> str:
    """The part of a text between delimiters, each of which is one character; an empty text after the last part."""
    if occurrence < 1:
        reason = f"The occurrence of TOKEN is {occurrence}; the first is 1"
        raise Fault(Code.DTS_E_EXPREVALFUNCTIONCOMPUTEFAILED, reason)
    tokens = _tokens(text, delimiters, "TOKEN")
    return tokens[occurrence - 1] if occurrence <= len(tokens) else ""


def token_count(text: str, delimiters: str) -> int:
    """The number of parts between delimiters."""
    return len(_tokens(text, delimiters, "TOKENCOUNT"))
