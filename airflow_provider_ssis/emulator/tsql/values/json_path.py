"""JSON texts and the paths into them, as JSON_VALUE, JSON_QUERY and OPENJSON read them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

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
    """See that a text is JSON.

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
                raise SqlError(13608, "Property cannot be found on the specified JSON path.")
            return None
        start = member
    return text[start : _end(text, start)]


@lru_cache(maxsize=_REMEMBERED)
def members(text: str) -> tuple[tuple[str, str], ...]:
    """The keys and the texts of the values of an object or array."""
    start = _blanks(text, 0)
    return tuple((str(key), text[place : _end(text, place)]) for key, place in _members(text, start))


def kind(text: str) -> int:
    """The type of a value, by its text."""
    return {"{": OBJECT, "[": ARRAY, '"': STRING, "t": BOOLEAN, "f": BOOLEAN, "n": NULL}.get(text[:1], NUMBER)


def scalar(text: str) -> str | None:
    """A value that is no object and no array, as text; None for null."""
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
