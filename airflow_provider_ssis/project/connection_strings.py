"""Read the connection strings of OLE DB, ADO.NET and ODBC, and find the secrets in them."""

from __future__ import annotations

import re

_PAIR = re.compile(
    r"\s*([^=;]+?)\s*=\s*(\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|\{(?:[^}]|\}\})*\}|[^;]*?)\s*(?:;|$)", re.DOTALL
)
_SECRET = re.compile(
    r"((?:^|;)\s*(?:[\w :]*password|pwd|[\w :]*(?:secret|token|key))\s*=\s*)(?:\"[^\"]*\"|'[^']*'|[^;]*)", re.IGNORECASE
)
_PASSWORD = re.compile(
    r"(?:^|;)(?!\s*(?:update|set|select|delete|declare|with)\b)\s*(?:[\w :]*password|pwd)\s*=\s*"
    r"""(?!\*+\s*(?:;|$)|(?:['{]|\\")?"\s*(?:\+|$))[^;\s]""",
    re.IGNORECASE,
)
"""A password, but neither asterisks in its place, nor the end of a literal to which an expression adds a parameter, nor
a column of this name in SQL."""


def connection_pairs(connection_string: str) -> dict[str, str]:
    """Return the pairs of a connection string, with names in lower case and values without quotes.

    :param connection_string: of OLE DB, ADO.NET or ODBC.
    """
    return {match[1].lower(): _unquoted(match[2]) for match in _PAIR.finditer(connection_string)}


def _unquoted(value: str) -> str:
    for opening, closing in ('""', "''", "{}"):
        if len(value) > 1 and value[0] == opening and value[-1] == closing:
            return value[1:-1].replace(closing * 2, closing)
    return value


def masked(connection_string: str) -> str:
    """Return a connection string without its secrets.

    :param connection_string: the connection string.
    """
    return _SECRET.sub(lambda match: f"{match[1]}***", connection_string)


def has_password(text: str) -> bool:
    """Return True if a connection string, or an expression that makes one, contains a password.

    :param text: the connection string or expression.
    """
    return _PASSWORD.search(text) is not None


def with_pair(connection_string: str, names: tuple[str, ...], value: str) -> str:
    """Return a connection string with another value of a pair, which is added if there is none.

    :param connection_string: the connection string.
    :param names: the names of the pair; the first one is that of a new pair.
    :param value: its value.
    """
    quoted = '"' + value.replace('"', '""') + '"' if re.search(r"[;\"'={}]|^\s|\s$", value) else value
    wanted = [each.lower() for each in names]
    for match in _PAIR.finditer(connection_string):
        if match[1].lower() in wanted:
            return connection_string[: match.start(2)] + quoted + connection_string[match.end(2) :]
    separator = "" if not connection_string or connection_string.rstrip().endswith(";") else ";"
    return f"{connection_string}{separator}{names[0]}={quoted};"
