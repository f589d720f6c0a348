"""LIKE and PATINDEX patterns.

A pattern is a list of pieces of fixed length with ``%`` between them. Each piece is searched after the previous one,
and the first place is always the right one, so no place is tried twice: the time grows with the length of the text
times the length of the longest piece.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_WORK_AT_ONCE: Final = 200_000
"""Comparisons of characters that one search may make; then other threads get their turn."""

_NOTHING: Final = "(?!)"
_ANYTHING: Final = "."


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a pattern that matches texts of one length.

    :param literal: its text in lower case, where it has neither ``_`` nor ``[...]``.
    """

    length: int
    literal: str | None
    regex: re.Pattern[str]

    def matches_at(self, text: str, start: int) -> bool:
        """Whether it matches at this place."""
        return start >= 0 and self.regex.match(text, start) is not None

    def find(self, text: str, lowered: str, start: int, end: int) -> int:
        """The first place between start and end where it matches; -1 for none."""
        if not self.length:
            return start
        if self.literal is not None and len(lowered) == len(text):
            return lowered.find(self.literal, start, end)
        window = max(_WORK_AT_ONCE // self.length, 1)
        while start + self.length <= end:
            found = self.regex.search(text, start, min(start + window + self.length - 1, end))
            if found is not None:
                return found.start()
            start += window
        return -1


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that has been read.

    :param pieces: one more than there are ``%``; empty for a pattern that matches nothing.
    """

    pieces: tuple[_Piece, ...]

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if not self.pieces:
            return False
        first, *between = self.pieces
        if not first.matches_at(text, 0):
            return False
        if not between:
            return len(text) == first.length
        last = between.pop()
        end = len(text) - last.length
        if end < first.length or not last.matches_at(text, end):
            return False
        return self._find_all(between, text, first.length, end) is not None

    def position(self, text: str) -> int:
        """The place, from 1, of the first match; 0 for none.

        The pattern may begin and end anywhere in the text at a ``%``, and must begin or end with it elsewhere.
        """
        if not self.pieces or not self.matches(text):
            return 0
        first, *rest = self.pieces
        if first.length or not rest:
            return 1
        piece = rest[0]
        if len(rest) == 1:
            return len(text) - piece.length + 1 if piece.length else 1
        return piece.find(text, text.lower(), 0, len(text)) + 1

    @staticmethod
    def _find_all(pieces: Sequence[_Piece], text: str, start: int, end: int) -> int | None:
        """The position after the last of the pieces, each searched after the previous one; None for no match."""
        lowered = text.lower() if pieces else ""
        for piece in pieces:
            found = piece.find(text, lowered, start, end)
            if found < 0:
                return None
            start = found + piece.length
        return start


def like(text: str, pattern: str, escape: str | None = None) -> bool:
    """``text LIKE pattern ESCAPE escape``; case does not matter."""
    return read(pattern, escape).matches(text)


def like_with_blanks(text: str, pattern: str, escape: str | None = None) -> bool:
    """LIKE without Unicode on either side: the value may have more trailing blanks than the pattern."""
    return like(text, pattern, escape) or like(text.rstrip(" "), pattern, escape)


def position(text: str, pattern: str) -> int:
    """``PATINDEX(pattern, text)``: the place of the first match, from 1; 0 for none."""
    return read(pattern, None).position(text)


@lru_cache(maxsize=256)
def read(pattern: str, escape: str | None) -> Pattern:
    """Read a pattern. One that ends in its escape character, or has a ``[`` without ``]``, matches nothing.

    :raises SqlError: 506, the escape is not one character.
    """
    if escape is not None and len(escape) != 1:
        raise SqlError(506, f"The escape character '{escape}' of LIKE is not one character.")
    pieces: list[list[str]] = [[]]
    literals: list[str | None] = [""]
    index = 0
    while index < len(pattern):
        character = pattern[index]
        index += 1
        literal: str | None = None
        if character == escape:
            if index == len(pattern):
                return Pattern(())
            literal = pattern[index]
            index += 1
        elif character == "%":
            pieces.append([])
            literals.append("")
            continue
        elif character == "_":
            pieces[-1].append(_ANYTHING)
        elif character == "[":
            regex, index = _set(pattern, index, escape)
            if index < 0:
                return Pattern(())
            pieces[-1].append(regex)
        else:
            literal = character
        if literal is None:
            literals[-1] = None
        else:
            pieces[-1].append(re.escape(literal))
            known = literals[-1]
            literals[-1] = None if known is None else known + literal
    return Pattern(tuple(_piece(parts, literal) for parts, literal in zip(pieces, literals, strict=True)))


def _piece(parts: Sequence[str], literal: str | None) -> _Piece:
    lowered = None if literal is None else literal.lower()
    if lowered is not None and len(lowered) != len(parts):
        lowered = None
    return _Piece(len(parts), lowered, re.compile("".join(parts), re.IGNORECASE | re.DOTALL))


def _set(pattern: str, index: int, escape: str | None) -> tuple[str, int]:
    """The regular expression of a ``[...]`` and the position after it; -1 for a set without an end."""
    negated = pattern[index : index + 1] == "^"
    index += negated
    members: list[tuple[str, bool]] = []
    first = True
    while True:
        if index >= len(pattern):
            return "", -1
        character = pattern[index]
        index += 1
        if character == escape and index < len(pattern):
            members.append((pattern[index], False))
            index += 1
        elif character == "]" and not first:
            break
        else:
            members.append((character, character == "-"))
        first = False
    text = _members(members)
    if not text:
        return (_ANYTHING if negated else _NOTHING + _ANYTHING), index
    return f"[{'^' if negated else ''}{text}]", index


def _members(members: Sequence[tuple[str, bool]]) -> str:
    """The members of a set for a regular expression; a range from a later to an earlier character is empty."""
    parts: list[str] = []
    index = 0
    while index < len(members):
        character = members[index][0]
        if index + 2 < len(members) and members[index + 1][1]:
            last = members[index + 2][0]
            if character <= last:
                parts.append(f"{re.escape(character)}-{re.escape(last)}")
            index += 3
        else:
            parts.append(re.escape(character))
            index += 1
    return "".join(parts)
