"""Tokens of T-SQL text, each with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from airflow_provider_ssis.emulator.tsql.errors import SqlError


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    """A keyword or a bare name, ``#temp`` included."""
    QUOTED = "quoted"
    """A name in brackets or quotation marks."""
    VARIABLE = "variable"
    """``@name`` or ``@@name``."""
    STRING = "string"
    NUMBER = "number"
    BINARY = "binary"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    :param text: as it stands in the batch.
    :param start: its place in the batch.
    :param line: from 1.
    """

    kind: Kind
    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these bare words, given in upper case."""
        return self.kind is Kind.WORD and self.text.upper() in words

    @property
    def value(self) -> str:
        """A name or string without its delimiters."""
        match self.kind:
            case Kind.STRING:
                return self.text[self.text.index("'") + 1 : -1].replace("''", "'")
            case Kind.QUOTED if self.text[0] == "[":
                return self.text[1:-1].replace("]]", "]")
            case Kind.QUOTED:
                return self.text[1:-1].replace('""', '"')
            case _:
                return self.text


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<string>N?'(?:[^']|'')*')
  | (?P<open_string>N?')
  | (?P<quoted>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")
  | (?P<open_quoted>[\["])
  | (?P<binary>0[xX][0-9a-fA-F]*)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<variable>@@?[\w@\#$]+)
  | (?P<word>[^\W\d][\w@\#$]*|\#{1,2}[\w@\#$]+)
  | (?P<symbol><=|>=|<>|!=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|::|[^\w\s])
    """,
    re.VERBOSE,
)
_KINDS = {
    "string": Kind.STRING,
    "quoted": Kind.QUOTED,
    "binary": Kind.BINARY,
    "number": Kind.NUMBER,
    "variable": Kind.VARIABLE,
    "word": Kind.WORD,
    "symbol": Kind.SYMBOL,
}


def tokenize(text: str) -> list[Token]:
    """The tokens of a batch, with one of kind END behind them.

    :raises SqlError: 105, 113: a string, quoted name or comment is not closed.
    """
    tokens = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise syntax_error(text[position], line)
        group = match.lastgroup or ""
        if group == "block":
            end = _comment_end(text, position, line)
            line += text.count("\n", position, end)
            position = end
            continue
        if group in ("open_string", "open_quoted"):
            near = text[position : position + 30].lstrip("N'[\"")
            raise SqlError(105, f"The quotation mark before '{near}' is not closed.", severity=15, line=line)
        if kind := _KINDS.get(group):
            tokens.append(Token(kind, match.group(), position, line))
        line += match.group().count("\n")
        position = match.end()
    tokens.append(Token(Kind.END, "", len(text), line))
    return tokens


def syntax_error(near: str, line: int) -> SqlError:
    """Error 102, or 156 where the offending text is a keyword."""
    if near.upper() in KEYWORDS:
        return SqlError(156, f"Incorrect syntax near the keyword '{near}'.", severity=15, line=line, ends_batch=True)
    return SqlError(102, f"Incorrect syntax near '{near}'.", severity=15, line=line, ends_batch=True)


def _comment_end(text: str, position: int, line: int) -> int:
    """Behind a block comment; T-SQL nests them."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, position):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise SqlError(113, "A comment is not closed: '*/' is missing.", severity=15, line=line, ends_batch=True)


KEYWORDS = frozenset(
    """ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT
    CREATE CROSS CURRENT CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISTINCT DISTRIBUTED
    DOUBLE DROP ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FOR FOREIGN FREETEXT
    FROM FULL FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN
    KEY KILL LEFT LIKE MERGE NATIONAL NOCHECK NOT NULL NULLIF OF OFF ON OPEN OPTION OR ORDER OUTER OVER PERCENT
    PIVOT PLAN PRECISION PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ RECONFIGURE REFERENCES REPLICATION
    RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT RULE SAVE SCHEMA SELECT SET SHUTDOWN SOME
    STATISTICS TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE UNION UNIQUE UNPIVOT
    UPDATE USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH""".split()
)
"""Words that T-SQL keeps for itself: an error near one of them has a number of its own."""
