"""Rewrite statements of T-SQL into forms that sqlglot reads, with the same tables and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokens import Token  # type: ignore[attr-defined]

QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
BLOCKS = frozenset({"BEGIN", "END", "ELSE"})
CONDITIONS = frozenset({"IF", "WHILE"})
WITHOUT_TABLES = frozenset(
    "PRINT RAISERROR WAITFOR RETURN BREAK CONTINUE GOTO COMMIT ROLLBACK SAVE OPEN CLOSE FETCH DEALLOCATE GRANT REVOKE "
    "DENY BACKUP RESTORE DBCC RECONFIGURE CHECKPOINT KILL SHUTDOWN CREATE DROP ALTER".split()
) | {"UPDATE STATISTICS"}
"""Statements that read and write no rows of tables, except CREATE TABLE and ALTER TABLE … SWITCH."""
_CHANGES = QUERIES - {"SELECT"}
_QUERY_STARTS = (["SELECT"], ["WITH"], ["("])
_CALLS = frozenset({"EXEC", "EXECUTE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement.

    :param head: its first word: ``SELECT``; that of the main statement after common table expressions.
    :param text: its text; for IF and WHILE a query with the condition.
    """

    head: str
    text: str


def word_of(token: Token) -> str:
    """Return a word in upper case; empty for a text or a quoted name.

    :param token: the token.
    """
    from sqlglot import TokenType

    if token.token_type in (TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER):
        return ""
    return str(token.text).upper()


def rewritten(head: str, members: Sequence[Token], batch: str) -> Iterator[Statement]:
    """Yield what a statement reads, writes and calls, as statements that sqlglot reads; nothing if it uses no table.

    :param head: its first word, or that of the main statement after common table expressions.
    :param members: its tokens.
    :param batch: the text of its batch.
    """
    words = [word_of(one) for one in members]
    everything = range(len(members))
    if head in CONDITIONS:
        yield Statement("SELECT", f"SELECT 1 WHERE {_text(members, everything[1:], batch)}")
    elif head == "ALTER" and words[1:2] == ["TABLE"] and "SWITCH" in words and "TO" in words:
        # The rows of one table become those of another.
        source = _text(members, range(2, words.index("SWITCH")), batch)
        to = words.index("TO") + 1
        target = _text(members, _name(words, to), batch)
        yield Statement("INSERT", f"INSERT INTO {target} SELECT * FROM {source}")  # noqa: S608 it is not executed
    elif head == "CREATE" and (start := _after_as(words)) is not None:
        name = _text(members, _name(words, words.index("TABLE") + 1), batch)
        if words[start : start + 1] in _QUERY_STARTS:
            yield Statement(head, f"CREATE TABLE {name} AS {_text(members, everything[start:], batch)}")
        elif words[1] == "TABLE":  # AS NODE, AS EDGE, AS FileTable
            yield Statement(head, _text(members, everything[: start - 1], batch))
    elif head == "THROW" or head in BLOCKS or (head in WITHOUT_TABLES and words[:2] != ["CREATE", "TABLE"]):
        return
    elif head == "BULK" and "FROM" in words[3:]:
        yield Statement(head, f"TRUNCATE TABLE {_text(members, range(2, words.index('FROM')), batch)}")
    elif head in ("SET", "DECLARE") and "SELECT" not in words:
        return
    elif head == "DECLARE" and "CURSOR" in words:
        yield Statement("SELECT", _text(members, everything[words.index("SELECT") :], batch))
    elif head in _CHANGES:
        yield from _change(head, members, words, batch)
    else:
        yield Statement(head, _text(members, everything, batch))


def _change(head: str, members: Sequence[Token], words: list[str], batch: str) -> Iterator[Statement]:
    """Yield INSERT, UPDATE, DELETE and MERGE without the parts that sqlglot does not read."""
    outer = outer_numbers(words)
    start = next(number for number in outer if words[number] == head)
    kept = list(range(len(members)))

    def leave_out(numbers: range) -> None:
        kept[:] = [number for number in kept if number not in numbers]

    def find(*wanted: str, after: int = start) -> int | None:
        return next((number for number in outer if number > after and words[number] in wanted), None)

    if words[start + 1 : start + 3] == ["TOP", "("]:
        end = _closing(words, start + 2) + 1
        leave_out(range(start + 1, end + (words[end : end + 1] == ["PERCENT"])))
    output = find("OUTPUT")
    into = None if output is None else find("INTO", after=output)
    if into is not None:
        target = _name(words, into + 1)
        end = target.stop if words[target.stop : target.stop + 1] != ["("] else _closing(words, target.stop) + 1
        leave_out(range(into, end))
        yield Statement("INSERT", f"INSERT INTO {_text(members, target, batch)} DEFAULT VALUES")
    if head == "INSERT":
        hints, rows = find("WITH"), find("SELECT", "VALUES", "DEFAULT", *_CALLS)
        if hints is not None and (rows is None or hints < rows) and words[hints + 1 : hints + 2] == ["("]:
            leave_out(range(hints, _closing(words, hints + 1) + 1))
        if rows is not None and words[rows] in _CALLS:
            yield Statement(words[rows], "")
            yield Statement(head, f"{_text(members, [one for one in kept if one < rows], batch)} DEFAULT VALUES")
            return
    if head == "DELETE":
        first = find("FROM")
        if first is not None and find("FROM", after=first) is not None:
            leave_out(range(first, first + 1))
    yield Statement(head, _text(members, kept, batch))


def _after_as(words: Sequence[str]) -> int | None:
    """Return the number of the word after AS of CREATE TABLE … AS, also of an external table; None without AS."""
    if "TABLE" not in words[1:3] or words[1] not in ("TABLE", "EXTERNAL"):
        return None
    return next((number + 1 for number in outer_numbers(words) if number > 2 and words[number] == "AS"), None)


def outer_numbers(words: Sequence[str]) -> list[int]:
    """Return the numbers of the words outside of parentheses.

    :param words: the words of a statement.
    """
    found, depth = [], 0
    for number, word in enumerate(words):
        depth -= word == ")"
        if depth == 0:
            found.append(number)
        depth += word == "("
    return found


def _closing(words: Sequence[str], opening: int) -> int:
    """Return the number of the parenthesis that ends a pair; the last word if none does."""
    depth = 0
    for number in range(opening, len(words)):
        depth += {"(": 1, ")": -1}.get(words[number], 0)
        if depth == 0:
            return number
    return len(words) - 1


def _name(words: Sequence[str], start: int) -> range:
    """Return the numbers of the words of a name with dots, which begins with # or @ for what is temporary."""
    end = start
    while words[end : end + 1] in (["#"], ["@"]):
        end += 1
    end += words[end : end + 1] != ["."]
    while words[end : end + 1] == ["."]:
        end += 1
        end += words[end : end + 1] != ["."]
    return range(start, min(end, len(words)))


def _text(members: Sequence[Token], numbers: Sequence[int], batch: str) -> str:
    """Return the text of some tokens, with the space and comments between neighbours."""
    parts: list[str] = []
    last = None
    for number in numbers:
        token = members[number]
        between = batch[members[last].end + 1 : token.start] if last is not None and last + 1 == number else " "
        parts += [between if last is not None else "", batch[token.start : token.end + 1]]
        last = number
    return "".join(parts)
