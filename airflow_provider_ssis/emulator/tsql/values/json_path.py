"""JSON texts and the paths into them, as JSON_VALUE, JSON_QUERY, JSON_MODIFY and OPENJSON use them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_PATH: Final = re.compile(r"\s*(?:(?P<mode>lax|strict)\s+)?\$(?P<steps>.*)", re.DOTALL)
_STEP: Final = re.compile(r'\.(?P<name>[A-Za-z_]\w*)|\."(?P<quoted>(?:[^"\\]|\\.)*)"|\[(?P<index>\d+)\]')
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()
_REMEMBERED: Final = 64

NULL, STRING, NUMBER, BOOLEAN, ARRAY, OBJECT = range(6)
"""The types of values, as OPENJSON numbers them."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path.

    :param strict: a path that leads to nothing is an error.
    :param steps: names and indexes.
    """

    strict: bool
    steps: tuple[str | int, ...]


@lru_cache(maxsize=_REMEMBERED)
def parse_path(text: str) -> Path:
    """Read a path.

    :raises SqlError: 13607, it is none.
    """
    match = _PATH.fullmatch(text)
    if match is None:
        raise _bad_path(text)
    steps: list[str | int] = []
    place, rest = 0, match["steps"]
    while place < len(rest):
        step = _STEP.match(rest, place)
        if step is None:
            raise _bad_path(text)
        if step["index"] is not None:
            steps.append(int(step["index"]))
        else:
            steps.append(step["name"] or json.loads(f'"{step["quoted"]}"'))
        place = step.end()
    return Path(match["mode"] == "strict", tuple(steps))


def _bad_path(text: str) -> SqlError:
    return SqlError(13607, f"JSON path is not properly formatted: '{text}'.")


@lru_cache(maxsize=_REMEMBERED)
def is_json(text: str, *, scalar: bool = False) -> bool:
    """Whether a text is a JSON object or array.

    :param scalar: any JSON value.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return scalar or isinstance(value, dict | list)


def _no_constant(word: str) -> Any:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(word)


def check_json(text: str) -> None:
    """Check that a text is JSON.

    :raises SqlError: 13609, it is not.
    """
    if not is_json(text):
        raise SqlError(13609, "JSON text is not properly formatted.", state=4)


def find(text: str, path: Path) -> str | None:
    """The text of the value at a path; None where there is nothing.

    :raises SqlError: 13609 no JSON; 13608 nothing there, of a strict path.
    """
    check_json(text)
    start = _blanks(text, 0)
    for step in path.steps:
        member = next((value for key, value in _members(text, start) if key == step), None)
        if member is None:
            if path.strict:
                raise SqlError(*_NOT_FOUND)
            return None
        start = member
    return text[start : _end(text, start)]


_NOT_FOUND: Final = (13608, "Property cannot be found on the specified JSON path.")


def changed(text: str, path: Path, value: str | None, *, append: bool = False) -> str:
    """The text with another value at a path; the rest stays as it is written.

    A lax path that leads to nothing adds a property to an object that exists. NULL removes a property, or sets it to
    null if the path is strict; in an array it is null.

    :param value: JSON; None for NULL.
    :param append: add it to the array at the path.
    :raises SqlError: 13609 no JSON; 13608 nothing there, of a strict path; 40514 not supported.
    """
    check_json(text)
    if append:
        return _appended(text, path, value)
    if not path.steps:
        raise not_supported("JSON_MODIFY of a whole text")
    *parents, last = path.steps
    start = _place(text, parents)
    found = {} if start is None else dict(_members(text, start))
    if start is not None and last in found:
        begin, end = found[last], _end(text, found[last])
        if value is None and not path.strict and text[start] == "{":
            return _without(text, start, list(found.values()), begin)
        return f"{text[:begin]}{'null' if value is None else value}{text[end:]}"
    if path.strict:
        raise SqlError(*_NOT_FOUND)
    if start is None or value is None or text[start] != ("[" if isinstance(last, int) else "{"):
        return text
    if isinstance(last, int):
        raise not_supported("JSON_MODIFY of an element after the end of an array, without append,")
    return _added(text, start, f"{json.dumps(last, ensure_ascii=False)}:{value}")


def _appended(text: str, path: Path, value: str | None) -> str:
    start = _place(text, path.steps)
    if start is not None and text[start] == "[":
        return _added(text, start, "null" if value is None else value)
    if path.strict:
        raise SqlError(*_NOT_FOUND)
    raise not_supported("JSON_MODIFY with append where there is no array")


def _place(text: str, steps: Sequence[str | int]) -> int | None:
    """The place of the value to which steps lead; None where there is nothing."""
    place: int | None = _blanks(text, 0)
    for step in steps:
        place = None if place is None else dict(_members(text, place)).get(step)
    return place


def _added(text: str, start: int, member: str) -> str:
    """The text with a member at the end of the object or array that starts there."""
    places = [place for _, place in _members(text, start)]
    end = _end(text, places[-1]) if places else start + 1
    return f"{text[:end]}{',' if places else ''}{member}{text[end:]}"


def _without(text: str, start: int, places: Sequence[int], removed: int) -> str:
    """The text without the property of an object whose value is at a place, and without its comma.

    :param start: the place of the object.
    :param places: those of all values, in their order.
    """
    position = places.index(removed)
    end = _end(text, removed)
    if position > 0:
        return text[: _end(text, places[position - 1])] + text[end:]
    if len(places) > 1:
        end = text.index(",", end) + 1
    return text[: start + 1] + text[end:]


@lru_cache(maxsize=_REMEMBERED)
def members(text: str) -> tuple[tuple[str, str], ...]:
    """The keys and the texts of the values of an object or array."""
    start = _blanks(text, 0)
    return tuple((str(key), text[place : _end(text, place)]) for key, place in _members(text, start))


def kind(text: str) -> int:
    """The type of a value, by its text."""
    return {"{": OBJECT, "[": ARRAY, '"': STRING, "t": BOOLEAN, "f": BOOLEAN, "n": NULL}.get(text[:1], NUMBER)


def scalar(text: str) -> str | None:
    """A value that is neither an object nor an array, as text; None for null."""
    found = kind(text)
    if found == NULL:
        return None
    return str(json.loads(text)) if found == STRING else text


def _members(text: str, start: int) -> list[tuple[str | int, int]]:
    """The keys or indexes of an object or array, each with the place of its value."""
    found: list[tuple[str | int, int]] = []
    if text[start] not in "{[":
        return found
    is_object, place = text[start] == "{", _blanks(text, start + 1)
    while text[place] not in "}]":
        key: Any = len(found)
        if is_object:
            key, place = _DECODER.raw_decode(text, place)
            place = _blanks(text, _blanks(text, place) + 1)
        found.append((key, place))
        place = _blanks(text, _end(text, place))
        if text[place] == ",":
            place = _blanks(text, place + 1)
    return found


def _end(text: str, start: int) -> int:
    return _DECODER.raw_decode(text, start)[1]


def _blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    return match.end() if match else place
