"""Names of tables and columns, as packages store them and as a database needs them."""

from __future__ import annotations

import re

import pyodbc

_CLOSING = {"[": "]", '"': '"', "`": "`", "'": "'"}
_REGULAR = re.compile(r"[^\W\d][\w$#@]*|#{1,2}\w+")


def split_name(text: str) -> list[tuple[str, bool]]:
    """Split the name of a table at its points.

    :param text: ``[dbo].[Orders]``, ``dbo.Orders``, ``"public"."orders"``.
    :returns: each part without its quotes, and whether it had some.
    """
    parts: list[tuple[str, bool]] = []
    position, text = 0, text.strip()
    while position <= len(text):
        closing = _CLOSING.get(text[position : position + 1])
        if closing is None:
            end = text.find(".", position)
            end = len(text) if end < 0 else end
            parts.append((text[position:end].strip(), False))
            position = end + 1
            continue
        start, value = position + 1, ""
        while True:
            end = text.find(closing, start)
            if end < 0:
                return [*parts, (value + text[start:], True)]
            value += text[start:end]
            if text[end + 1 : end + 2] != closing:
                break
            value += closing
            start = end + 2
        parts.append((value, True))
        after = text.find(".", end)
        if after < 0:
            break
        position = after + 1
    return parts


class Quoting:
    """How a database quotes names.

    :param connection: a connection to it.
    """

    def __init__(self, connection: pyodbc.Connection) -> None:
        is_sql_server = "SQL Server" in str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
        quote = str(connection.getinfo(pyodbc.SQL_IDENTIFIER_QUOTE_CHAR) or '"').strip() or '"'
        self._opening, self._closing = ("[", "]") if is_sql_server else (quote, quote)

    def quote(self, name: str) -> str:
        """Return a name in quotes.

        :param name: the name of a column, or one part of that of a table.
        """
        return self._opening + name.replace(self._closing, self._closing * 2) + self._closing

    def table(self, text: str) -> str:
        """Return the name of a table for a statement.

        A part without quotes stays without them if it is a regular identifier, because databases such as PostgreSQL
        then ignore its case.

        :param text: the name as the package stores it.
        """
        return ".".join(
            self.quote(part) if is_quoted or (part and not _REGULAR.fullmatch(part)) else part
            for part, is_quoted in split_name(text)
        )
