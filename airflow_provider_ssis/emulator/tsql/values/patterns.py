"""LIKE and PATINDEX patterns."""

from __future__ import annotations

import re
from functools import lru_cache


def like(text: str, pattern: str, escape: str | None = None) -> bool:
    """``text LIKE pattern ESCAPE escape``; case does not matter."""
    return _compiled(pattern, escape).fullmatch(text) is not None


def like_with_blanks(text: str, pattern: str, escape: str | None = None) -> bool:
    """LIKE where neither side is Unicode: the value may have more trailing blanks than the pattern."""
    return like(text, pattern, escape) or like(text.rstrip(" "), pattern, escape)


def position(text: str, pattern: str) -> int:
    """``PATINDEX(pattern, text)``: where the pattern, without its outer ``%``, first stands, from 1; 0 if nowhere."""
    anywhere = pattern.startswith("%")
    inner = pattern[1:] if anywhere else pattern
    open_end = inner.endswith("%")
    inner = inner[:-1] if open_end else inner
    found = re.compile(
        ("" if anywhere else r"\A") + _regex(inner, None) + ("" if open_end else r"\Z"), re.IGNORECASE | re.DOTALL
    ).search(text)
    return found.start() + 1 if found else 0


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str | None) -> re.Pattern[str]:
    return re.compile(_regex(pattern, escape), re.IGNORECASE | re.DOTALL)


def _regex(pattern: str, escape: str | None) -> str:
    parts: list[str] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        index += 1
        if character == escape and index < len(pattern):
            parts.append(re.escape(pattern[index]))
            index += 1
        elif character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        elif character == "[" and (end := pattern.find("]", index + 1)) != -1:
            parts.append(_set(pattern[index:end]))
            index = end + 1
        else:
            parts.append(re.escape(character))
    return "".join(parts)


def _set(inside: str) -> str:
    negated = inside.startswith("^")
    body = inside[1:] if negated else inside
    escaped = re.sub(r"([\\\]\[^&~|])", r"\\\1", body)
    return f"[{'^' if negated else ''}{escaped}]"
