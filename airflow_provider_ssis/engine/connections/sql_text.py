"""The text of a SQL statement: batches, and the places of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\]|--[^\n]*", re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SEPARATOR = re.compile(r"[ \t]*GO[ \t]*(?:(?P<count>\d+)[ \t]*)?;?[ \t]*(?:--[^\n]*)?(?=\r?\n|$)", re.IGNORECASE)
_NAME = re.compile(r"@@[\w#$]*|[@:][\w#$]+")
_CALL = re.compile(
    r"\s*\{\s*(?P<result>\?\s*=)?\s*call\s+(?P<name>[^\s({}]+)\s*(?:\((?P<arguments>.*)\))?\s*\}\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_LITERAL = re.compile(r"'(?:[^']|'')*'?")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place in a statement.

    :param kind: ``marker``, ``name`` or ``separator``.
    """

    kind: str
    start: int
    end: int


def _marks(text: str) -> Iterator[_Mark]:
    """Yield the parameters and batch separators outside of strings, quoted names and comments."""
    position = 0
    while position < len(text):
        if position == 0 or text[position - 1] == "\n":
            separator = _SEPARATOR.match(text, position)
            if separator is not None:
                yield _Mark("separator", position, separator.end())
                position = separator.end()
                continue
        character = text[position]
        if character in "'\"[-" and (quoted := _QUOTED.match(text, position)):
            position = quoted.end()
        elif text.startswith("/*", position):
            position = _end_of_comment(text, position)
        elif character == "?":
            yield _Mark("marker", position, position + 1)
            position += 1
        elif character in "@:" and (name := _NAME.match(text, position)):
            if not name[0].startswith("@@") and (position == 0 or not _is_name(text[position - 1])):
                yield _Mark("name", position, name.end())
            position = name.end()
        else:
            position += 1


def _is_name(character: str) -> bool:
    return character.isalnum() or character in "_:@"


def _end_of_comment(text: str, start: int) -> int:
    """Comments nest in T-SQL."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


class RepeatedBatch(ValueError):
    """A separator ``GO`` has a count."""


def batches(text: str) -> list[str]:
    """Split a statement at lines that consist of ``GO``. Empty batches are left out.

    :param text: the statement.
    :raises RepeatedBatch: a ``GO`` has a count, which Integration Services does not know.
    """
    found: list[str] = []
    start = 0
    for mark in _marks(text):
        if mark.kind == "separator":
            separator = _SEPARATOR.match(text, mark.start)
            if separator is not None and separator["count"]:
                raise RepeatedBatch
            found.append(text[start : mark.start])
            start = mark.end
    found.append(text[start:])
    return [batch for batch in found if batch.strip()]


def marker_count(text: str) -> int:
    """Return the number of parameter markers ``?`` of a batch."""
    return sum(mark.kind == "marker" for mark in _marks(text))


def with_names(text: str, name: Callable[[int], str]) -> str:
    """Return a batch with names instead of its markers ``?``.

    :param text: the batch.
    :param name: returns the name for the number of a marker, from 0.
    """
    pieces: list[str] = []
    position = 0
    for number, mark in enumerate(mark for mark in _marks(text) if mark.kind == "marker"):
        pieces += (text[position : mark.start], name(number))
        position = mark.end
    return "".join((*pieces, text[position:]))


def with_markers(text: str, names: dict[str, int]) -> tuple[str, list[int]]:
    """Return a batch with markers ``?`` instead of named parameters, and the numbers of the parameters in order.

    :param text: the batch.
    :param names: the number of each parameter by name without ``@``, in lower case.
    """
    pieces: list[str] = []
    order: list[int] = []
    position = 0
    for mark in _marks(text):
        number = names.get(text[mark.start + 1 : mark.end].lower()) if mark.kind == "name" else None
        if number is not None:
            pieces += (text[position : mark.start], "?")
            order.append(number)
            position = mark.end
    return "".join((*pieces, text[position:])), order


def without_call_escape(text: str, is_output: Callable[[int], bool]) -> str:
    """Return a call in ODBC's form, ``{? = call p(?, ?)}``, as EXEC of T-SQL; another statement is returned as it is.

    :param text: the batch.
    :param is_output: whether the parameter with a number, from 0, is an output parameter.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        return text
    first = 1 if call["result"] else 0
    arguments = with_names(
        call["arguments"] or "", lambda number: "? OUTPUT" if is_output(first + number) else "?"
    ).strip()
    return f"EXEC {'? = ' if first else ''}{call['name']} {arguments}".rstrip()


def shown(text: str) -> str:
    """Return the start of a statement for messages, without the literals in it, which can be secrets.

    :param text: the statement.
    """
    plain = " ".join(_LITERAL.sub("'***'", text).split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."
