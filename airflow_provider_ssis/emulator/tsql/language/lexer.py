"""Tokens of T-SQL text, each with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


class Kind(Enum):
    """The kinds of tokens."""

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

    :param text: the text in the batch.
    :param start: its place in the batch.
    :param line: from 1.
    """

    kind: Kind
    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """The position after it."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these bare words, given in upper case."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these symbols."""
        return self.kind is Kind.SYMBOL and self.text in symbols

    @property
    def is_keyword(self) -> bool:
        """Whether it is a reserved word."""
        return self.kind is Kind.WORD and self.text.upper() in KEYWORDS

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


# Possessive quantifiers (``*+``) keep the matcher from noting a way back for each character of a long literal.
STRING_PATTERN: Final = r"[Nn]?'[^']*+(?:''[^']*+)*+'"
QUOTED_PATTERN: Final = r'\[[^\]]*+(?:\]\][^\]]*+)*+\]|"[^"]*+(?:""[^"]*+)*+"'
BINARY_PATTERN: Final = r"0[xX][0-9a-fA-F]*+"

_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*+)
  | (?P<block>/\*)
  | (?P<string>{STRING_PATTERN})
  | (?P<open_string>[Nn]?')
  | (?P<quoted>{QUOTED_PATTERN})
  | (?P<open_quoted>[\["])
  | (?P<binary>{BINARY_PATTERN})
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<variable>@@?[\w@\#$]+)
  | (?P<word>[^\W\d][\w@\#$]*|\#{{1,2}}[\w@\#$]+|\$[^\W\d]\w*)
  | (?P<symbol><=|>=|<>|!=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = {
    "string": Kind.STRING,
    "quoted": Kind.QUOTED,
    "binary": Kind.BINARY,
    "number": Kind.NUMBER,
    "variable": Kind.VARIABLE,
    "word": Kind.WORD,
    "symbol": Kind.SYMBOL,
}
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokenize(text: str) -> list[Token]:
    """The tokens of a batch, followed by one of kind END.

    :raises SqlError: 105, 113: a string, quoted name or comment is not closed.
    """
    tokens = []
    position, line = 0, 1
    while match := _TOKEN.match(text, position):
        group = match.lastgroup or ""
        if group == "block":
            end = comment_end(text, position)
            if end is None:
                raise SqlError(113, "Missing end comment mark '*/'.", severity=15, line=line)
            line += text.count("\n", position, end)
            position = end
            continue
        if group in ("open_string", "open_quoted"):
            near = text[match.end() : match.end() + 30]
            raise SqlError(105, f"Unclosed quotation mark before '{near}'.", severity=15, line=line)
        if kind := _KINDS.get(group):
            tokens.append(Token(kind, match.group(), position, line))
        line += match.group().count("\n")
        position = match.end()
    tokens.append(Token(Kind.END, "", len(text), line))
    return tokens


def without_comments(text: str) -> str:
    """A batch with blanks in place of its comments; every token keeps its position and its line.

    sqlglot knows ``ORDER BY`` as one word, which a comment between the two would split.

    :raises SqlError: 105, 113: see :func:`tokenize`.
    """
    if "--" not in text and "/*" not in text:
        return text
    pieces, end = [], 0
    for token in tokenize(text):
        pieces.append(_NOT_BLANK.sub(" ", text[end : token.start]))
        pieces.append(token.text)
        end = token.end
    return "".join(pieces)


_NOT_BLANK: Final = re.compile(r"[^\s]")


def comment_end(text: str, start: int) -> int | None:
    """The position after the block comment at ``start``; T-SQL nests them. None for one that is not closed."""
    depth = 0
    for match in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return None


def syntax_error(near: str, line: int) -> SqlError:
    """Error 102, or 156 where the offending text is a keyword."""
    if near.upper() in KEYWORDS:
        return SqlError(156, f"Incorrect syntax near the keyword '{near}'.", severity=15, line=line)
    return SqlError(102, f"Incorrect syntax near '{near}'.", severity=15, line=line)


KEYWORDS: Final = frozenset(
    """ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE
    CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC
    DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISK DISTINCT DISTRIBUTED DOUBLE DROP DUMP ELSE END ERRLVL ESCAPE
    EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL
    FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITYCOL IDENTITY_INSERT IF IN INDEX INNER INSERT INTERSECT
    INTO IS JOIN KEY KILL LEFT LIKE LINENO LOAD MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON
    OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN PRIMARY
    PRINT PROC PROCEDURE PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES REPLICATION RESTORE RESTRICT RETURN
    REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SECURITYAUDIT SELECT SESSION_USER SET SETUSER
    SHUTDOWN SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE
    TRY_CONVERT TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE
    WITH WRITETEXT""".split()
)
"""The reserved words ("Reserved Keywords (Transact-SQL)"): a syntax error near one has the number 156.

PRECISION is listed too, but a name in practice: ``sys.columns`` and the answers of system procedures have it."""
