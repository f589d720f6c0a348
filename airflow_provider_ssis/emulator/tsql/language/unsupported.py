"""Valid T-SQL statements that this server does not support: each gets error 40514 with its name and line."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_ALONE: Final = frozenset(
    """CHECKPOINT KILL LINENO READTEXT RECONFIGURE SETUSER
    SHUTDOWN UPDATETEXT
    WRITETEXT""".split()
)
"""Statements that one word names. All of them are reserved words."""

_WITH_OBJECT: Final = frozenset("ADD ALTER BACKUP BULK CREATE DBCC DROP DUMP LOAD OPEN RESTORE".split())
"""Statements that are named with the word after them: ALTER TABLE. All of them are reserved words."""

_PAIRS: Final = frozenset(
    {
        ("BEGIN", "DISTRIBUTED"),
        ("BEGIN", "DIALOG"),
        ("BEGIN", "CONVERSATION"),
        ("BEGIN", "ATOMIC"),
        ("CLOSE", "ALL"),
        ("CLOSE", "MASTER"),
        ("CLOSE", "SYMMETRIC"),
        ("DISABLE", "TRIGGER"),
        ("ENABLE", "TRIGGER"),
        ("END", "CONVERSATION"),
        ("GET", "CONVERSATION"),
        ("MOVE", "CONVERSATION"),
        ("RECEIVE", "TOP"),
        ("RECEIVE", "*"),
        ("SEND", "ON"),
        ("UPDATE", "STATISTICS"),
        ("WAITFOR", "("),
        ("WITH", "XMLNAMESPACES"),
    }
)
"""Statements that two words name, of which the first alone is a name or another statement."""

_SKIPPED: Final = ("OR", "UNIQUE", "CLUSTERED", "NONCLUSTERED", "COLUMNSTORE", "PRIMARY", "EXTERNAL", "IF", "EXISTS")
"""Words between CREATE and the kind of object that it creates. ALTER is one in CREATE OR ALTER."""


def unsupported_statement(stream: TokenStream) -> SqlError | None:
    """The error for the statement at the current token; None for a statement that this server has, or no statement."""
    word, following = stream.now.text.upper(), stream.following.text.upper()
    line = stream.now.line
    if (word, following) in _PAIRS:
        return not_supported(f"{word} {following}" if following.isalpha() else word, line=line)
    if word in _ALONE:
        return not_supported(word, line=line)
    if word == "OPEN" and following not in ("MASTER", "SYMMETRIC"):
        return None
    if word not in _WITH_OBJECT or (word in ("ALTER", "CREATE", "DROP") and following == "TABLE"):
        return None
    if (word, following) in (("ALTER", "DATABASE"), ("BULK", "INSERT")):
        return None
    if word in ("CREATE", "DROP") and following in ("DATABASE", "SCHEMA"):
        # CREATE DATABASE AUDIT SPECIFICATION and CREATE SCHEMA COLLECTION have a second word.
        return None
    start = stream.position
    stream.advance()
    while stream.now.is_word(*_SKIPPED) or (stream.position > start + 1 and stream.now.is_word("ALTER")):
        stream.advance()
    if word in ("CREATE", "DROP") and stream.now.is_word("INDEX"):
        stream.position = start
        return None
    name = f"{word} {stream.now.text.upper()}" if stream.now.kind is Kind.WORD else word
    stream.position = start
    return not_supported(name, line=line)
