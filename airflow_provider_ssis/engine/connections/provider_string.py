"""Read the connection strings of OLE DB, ADO.NET and ODBC, and write those of ODBC.

Sources: Microsoft Learn, "Connection String Syntax" (ADO.NET) and "SQLDriverConnect"; the OLE DB Programmer's Guide,
"Initialization string format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from airflow_provider_ssis.engine.errors import TaskFailure

_KEY = re.compile(r"\s*((?:[^=;]|==)+?)\s*=(?!=)\s*", re.DOTALL)
_QUOTED = {
    quote: re.compile(rf"{quote}((?:[^{quote}]|{quote}{quote})*){quote}\s*(?:;|$)", re.DOTALL) for quote in ("'", '"')
}
_BRACED = re.compile(r"\{((?:[^}]|\}\})*)\}\s*(?:;|$)", re.DOTALL)
_PLAIN = re.compile(r"([^;]*?)\s*(?:;|$)", re.DOTALL)
_NOTHING = re.compile(r"[\s;]*")
_ODBC_SPECIAL = set("[]{}();?*=!@, '\"")


@dataclass(frozen=True, slots=True)
class StringPairs:
    """The pairs of a connection string. Keys are compared without case, blanks and underscores.

    :param pairs: the pairs as they are written. Not part of the ``repr``, because they can contain a password.
    :param values: the values by compact key: ``initialcatalog``.
    """

    pairs: tuple[tuple[str, str], ...] = field(repr=False)
    values: dict[str, str] = field(repr=False)

    def get(self, *keys: str) -> str:
        """Return the first value of some keys that is not empty; empty if there is none.

        :param keys: compact keys.
        """
        return next((found for key in keys if (found := self.values.get(key, ""))), "")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)


def compact(key: str) -> str:
    """Return a key without blanks and underscores, in lower case.

    :param key: the key: ``Trust Server Certificate``, ``TrustServerCertificate``.
    """
    return key.replace(" ", "").replace("_", "").lower()


def parse_provider_string(text: str, name: str) -> StringPairs:
    """Read a connection string of OLE DB or ADO.NET. Of a repeated key, the last value counts.

    :param text: the connection string.
    :param name: the connection manager, for errors.
    :raises TaskFailure: 0xC0024108, it does not consist of pairs of key and value.
    """
    return _parse(text, name, _QUOTED, last=True)


def parse_odbc_string(text: str, name: str) -> StringPairs:
    """Read a connection string of ODBC. Of a repeated key, the first value counts.

    :param text: the connection string.
    :param name: the connection manager, for errors.
    :raises TaskFailure: 0xC0024108, it does not consist of pairs of key and value.
    """
    return _parse(text, name, {"{": _BRACED}, last=False)


def odbc_string(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a connection string of ODBC: values with special characters are put into braces.

    :param pairs: keys and values.
    """
    return "".join(f"{key}={_braced(value)};" for key, value in pairs)


def _braced(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}" if set(value) & _ODBC_SPECIAL else value


def _parse(text: str, name: str, quotes: dict[str, re.Pattern[str]], *, last: bool) -> StringPairs:
    pairs: list[tuple[str, str]] = []
    values: dict[str, str] = {}
    position = _end(_NOTHING.match(text))
    while position < len(text):
        key = _KEY.match(text, position)
        if key is None:
            raise _malformed(name, f"pair {len(pairs) + 1} is not a key, '=' and a value")
        shown = key[1].replace("==", "=")
        quote = quotes.get(text[key.end() : key.end() + 1])
        found = (quote or _PLAIN).match(text, key.end())
        if found is None:
            raise _malformed(name, f"the value of {shown!r} has no closing quote, or text after it")
        value = found[1]
        if quote is not None:
            closing = "}" if quote is _BRACED else text[key.end()]
            value = value.replace(closing * 2, closing)
        pairs.append((shown, value))
        if last or compact(shown) not in values:
            values[compact(shown)] = value
        position = _end(_NOTHING.match(text, found.end()))
    return StringPairs(tuple(pairs), values)


def _end(match: re.Match[str] | None) -> int:
    return 0 if match is None else match.end()


def _malformed(name: str, problem: str) -> TaskFailure:
    return TaskFailure(
        f'The connection string of the connection manager "{name}" is not valid: {problem}. Write it as '
        "key=value;key=value, with quotes around a value that contains a semicolon.",
        0xC0024108,
    )
