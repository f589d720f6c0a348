"""Split T-SQL into statements, whose ends need no mark in T-SQL. Needs sqlglot, which the extra ``lineage`` brings.

Blocks disappear: what is inside of IF, ELSE, WHILE, BEGIN, TRY and CATCH are statements as all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.lineage.statement_forms import (
    BLOCKS,
    CONDITIONS,
    QUERIES,
    WITHOUT_TABLES,
    Statement,
    outer_numbers,
    rewritten,
    word_of,
)

if TYPE_CHECKING:
    from sqlglot.tokens import Token  # type: ignore[attr-defined]

_BATCH_END = re.compile(r"^\s*GO\s*(?:\d+\s*)?;?\s*$", re.IGNORECASE | re.MULTILINE)
_STARTS = (
    QUERIES
    | BLOCKS
    | CONDITIONS
    | WITHOUT_TABLES
    | frozenset({"WITH", "TRUNCATE", "EXEC", "EXECUTE", "DECLARE", "SET", "USE", "BULK"})
)
"""The words that begin statements. All are reserved, so none is the name of a column or an alias."""
_OPENING, _CLOSING = "(", ")"


def split_statements(sql: str) -> Iterator[Statement]:
    """Yield the statements of batches that read or write tables, or call procedures.

    :param sql: one or several statements of T-SQL, also in batches that ``GO`` separates.
    :raises SqlglotError: it contains a text or comment without an end.
    """
    from sqlglot.dialects.tsql import TSQL

    class Tokenizer(TSQL.Tokenizer):
        COMMANDS = set()  # noqa: RUF012 - else PRINT takes all that follows as its text

    for batch in _BATCH_END.split(sql):
        tokens = Tokenizer(dialect="tsql").tokenize(batch)
        for head, members in _Splitter(tokens).statements():
            yield from rewritten(head, members, batch)


@dataclass
class _Splitter:
    """The statement that is being read: the numbers of its tokens, its head, and whether it has its query yet."""

    tokens: Sequence[Token]
    members: list[int] = field(default_factory=list)
    head: str = ""
    has_query: bool = False

    def statements(self) -> Iterator[tuple[str, list[Token]]]:
        depth = cases = 0
        for number, token in enumerate(self.tokens):
            word = word_of(token)
            if depth == 0 and word == ";":
                yield from self._end()
                continue
            is_in_case = cases > 0
            if word == "CASE":
                cases += 1
            elif word == "END" and is_in_case:
                cases -= 1
            if depth == 0 and not is_in_case and word in _STARTS and self._starts(number, word):
                yield from self._end()
                self.head = word
            elif not self.members:
                self.head = word
            depth = max(depth + {_OPENING: 1, _CLOSING: -1}.get(word, 0), 0)
            self.members.append(number)
            if self.head in BLOCKS and not self._continues_block(number):
                yield from self._end()
        yield from self._end()

    def _end(self) -> Iterator[tuple[str, list[Token]]]:
        if self.members:
            yield self.head, [self.tokens[number] for number in self.members]
        self.members, self.head, self.has_query = [], "", False

    def _continues_block(self, number: int) -> bool:
        """Return True if the next word belongs to the block's own: ``BEGIN TRY``, ``BEGIN TRANSACTION name``."""
        if number + 1 >= len(self.tokens):
            return False
        following = word_of(self.tokens[number + 1])
        first = word_of(self.tokens[self.members[0]])
        if len(self.members) == 1:
            return first != "ELSE" and following in ("TRY", "CATCH", "TRAN", "TRANSACTION", "DISTRIBUTED")
        return word_of(self.tokens[number]) in ("TRAN", "TRANSACTION", "DISTRIBUTED") and following not in _STARTS

    def _starts(self, number: int, word: str) -> bool:
        """Return True if a reserved word begins a statement, and False if it belongs to the one before."""
        if not self.members:
            return True
        before = word_of(self.tokens[number - 1])
        following = word_of(self.tokens[number + 1]) if number + 1 < len(self.tokens) else ""
        if self.head in ("CREATE", "ALTER") and self._is_module():
            return False
        if self.head == "CREATE" and before == "AS" and word in ("SELECT", "WITH"):
            return False  # CREATE TABLE … AS SELECT
        if self.head == "CREATE" and word == "SELECT" and self._has_common_table():
            return False
        if self.head == "WITH":
            if word in QUERIES:
                self.head = word
            return False
        if word == "WITH":
            return following != _OPENING and number + 2 < len(self.tokens) and self._is_common_table(number)
        if word == "SELECT":
            return not (before in ("UNION", "ALL", "EXCEPT", "INTERSECT", "FOR") or self._takes_query())
        if word in ("EXEC", "EXECUTE"):
            return not self._takes_query()
        if word == "SET":
            is_part = self.head in ("UPDATE", "MERGE", "ALTER")
            return not is_part or not self._first("SET", self.head == "MERGE")
        if word in ("DROP", "ALTER"):
            return not (self.head == "ALTER" and self._first(word))
        if word in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            is_action = before == "ON" and self.head in ("CREATE", "ALTER")  # ON DELETE CASCADE, not SET NOCOUNT ON
            is_part = is_action or before in ("THEN", "FOR", "BULK", "AFTER", "OF") or following == "JOIN"
            return not (is_part or self._names_permissions())
        if word == "IF":
            return self.head != "DROP"
        if word == "FETCH":
            return before not in ("ROW", "ROWS")
        return True

    def _takes_query(self) -> bool:
        """Return True for the query or call of an INSERT, or the name of a permission."""
        if self.head == "INSERT" and not self.has_query:
            has_values = any(word_of(self.tokens[number]) == "VALUES" for number in self.members)
            self.has_query = True
            return not has_values
        return self._names_permissions()

    def _names_permissions(self) -> bool:
        return self.head in ("GRANT", "REVOKE", "DENY") and self._first("ON") and self._first("TO")

    def _first(self, word: str, always: bool = False) -> bool:
        return always or all(word_of(self.tokens[number]) != word for number in self.members[1:])

    def _is_module(self) -> bool:
        """Return True for a procedure, view, function or trigger, which is the only statement of its batch."""
        words = [word_of(self.tokens[number]) for number in self.members[1:5]]
        if words[:1] == ["TABLE"]:
            return False  # ALTER TABLE t DISABLE TRIGGER ALL
        return not {"PROC", "PROCEDURE", "VIEW", "FUNCTION", "TRIGGER"}.isdisjoint(words)

    def _has_common_table(self) -> bool:
        """Return True after ``CREATE TABLE … AS WITH``, until the SELECT of its query."""
        words = [word_of(self.tokens[number]) for number in self.members]
        return ("AS", "WITH") in pairwise(words) and "SELECT" not in (words[number] for number in outer_numbers(words))

    def _is_common_table(self, number: int) -> bool:
        return word_of(self.tokens[number + 2]) in ("AS", _OPENING)
