"""LIKE and PATINDEX patterns."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.tsql.values import patterns

MATCHES: list[tuple[str, str, str | None, bool]] = [
    ("abc", "a%c", None, True),
    ("abc", "A_C", None, True),
    ("abc", "ab", None, False),
    ("", "%", None, True),
    ("", "", None, True),
    ("", "_", None, False),
    ("aXbXc", "%x%x%", None, True),
    ("aXb", "%x%x%", None, False),
    ("aa", "a%a", None, True),
    ("a", "a%a", None, False),
    ("a5", "a[0-9]", None, True),
    ("a5", "a[^0-9]", None, False),
    ("-", "[a-]", None, True),
    ("b", "[a-c]", None, True),
    ("b", "[c-a]", None, False),
    ("b", "[^c-a]", None, True),
    ("]", "]", None, True),
    ("[", "[[]", None, True),
    ("[", "[", None, False),
    ("%", "[%]", None, True),
    ("x", "[%]", None, False),
    ("50%", "50!%", "!", True),
    ("50x", "50!%", "!", False),
    ("a]", "a[!]]", "!", True),
    ("a^", "a[!^]", "!", True),
    ("a!", "a!", "!", False),
    ("line\nbreak", "line_break", None, True),
    ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}x", "%X", None, True),
]


@pytest.mark.parametrize(("text", "pattern", "escape", "matches"), MATCHES)
def test_like(text: str, pattern: str, escape: str | None, matches: bool) -> None:
    assert patterns.like(text, pattern, escape) is matches


@pytest.mark.parametrize(
    ("text", "pattern", "position"),
    [
        ("ab3d", "%[0-9]%", 3),
        ("abc", "b", 0),
        ("abc", "abc", 1),
        ("abcab", "%ab", 4),
        ("abcab", "ab%", 1),
        ("xxabyyab", "%ab%", 3),
        ("xxabyycd", "%ab%cd%", 3),
        ("abc", "%", 1),
        ("abc", "%z%", 0),
    ],
)
def test_patindex(text: str, pattern: str, position: int) -> None:
    assert patterns.position(text, pattern) == position


ALPHABET = st.text(alphabet="ab", max_size=8)


def _by_definition(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_by_definition(text[skipped:], pattern[1:]) for skipped in range(len(text) + 1))
    return bool(text) and pattern[0] in (text[0], "_") and _by_definition(text[1:], pattern[1:])


@given(text=ALPHABET, pattern=st.text(alphabet="ab%_", max_size=8))
def test_like_agrees_with_its_definition(text: str, pattern: str) -> None:
    assert patterns.like(text, pattern) is _by_definition(text, pattern)


@given(
    text=st.text(max_size=20), pattern=st.text(alphabet="a%_[]^-\\!", max_size=20), escape=st.sampled_from([None, "!"])
)
def test_every_pattern_can_be_read(text: str, pattern: str, escape: str | None) -> None:
    patterns.like(text, pattern, escape)
    patterns.position(text, pattern)


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


@pytest.mark.parametrize("pattern", ["%a%a%a%a%a%a%a%a%b", "%" + "a_" * 20 + "b", "%[ab]%[ab]%[ab]%[ab]%[ab]%[ab]%c"])
def test_the_time_grows_with_the_length_of_the_text_alone(pattern: str) -> None:
    """A matcher that tries again needs thousands of times as long for ten times the text."""
    short = min(_seconds(lambda: patterns.like("a" * 2_000, pattern)) for _ in range(3))
    long = min(_seconds(lambda: patterns.like("a" * 20_000, pattern)) for _ in range(3))
    assert long < 500 * max(short, 1e-6)
