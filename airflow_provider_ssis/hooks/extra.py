"""The extra fields of an Airflow connection: typed reading, and errors that name the field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ssis.catalog.errors import ConnectError
from airflow_provider_ssis.odbc.field_values import UnsafeValue, check_characters

if TYPE_CHECKING:
    from airflow_provider_ssis.hooks.connection_fields import ConnectionFields

Value = TypeVar("Value")


class InvalidConnection(ConnectError):
    """The Airflow connection lacks a required field, or a field cannot be used."""


class DriverUnsuitable(InvalidConnection):
    """The ODBC driver does not support an option of the connection."""


class Extra:
    """The extra fields of a connection. Remembers which ones were read.

    Upper and lower case do not matter in their names.

    :param conn_id: the connection's id, for messages.
    :param fields: the fields.
    :raises InvalidConnection: the extra is not a mapping (Airflow accepts any JSON), or has a field twice.
    """

    def __init__(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        self._conn_id = conn_id
        if not isinstance(fields, Mapping):
            raise self.invalid(
                "has an extra that is not a JSON object",
                'Write it as an object of fields and values, such as {"encrypt": "yes"}.',
            )
        self._spellings: dict[str, str] = {}
        self._fields: dict[str, Any] = {}
        for name, value in fields.items():
            lowered = str(name).lower()
            if lowered in self._fields:
                raise self.invalid(
                    f"has the extra field {lowered!r} twice, as {self._spellings[lowered]!r} and {name!r}",
                    "Remove one of them.",
                )
            self._spellings[lowered], self._fields[lowered] = str(name), value
        self._known: list[str] = []

    @classmethod
    def of(cls, connection: ConnectionFields) -> Extra:
        """The extra fields of an Airflow connection.

        :param connection: the connection.
        :raises InvalidConnection: the extra is not a JSON object.
        """
        conn_id = connection.conn_id or ""
        if connection.extra:
            # Airflow itself treats such an extra as empty, so that encryption, for instance, would be ignored.
            try:
                fields = json.loads(connection.extra)
            except ValueError:
                raise InvalidConnection(
                    f"The connection {conn_id!r} has an extra that is not JSON",
                    advice='Write it as a JSON object, such as {"encrypt": "yes"}.',
                ) from None
            if not isinstance(fields, Mapping):
                return cls(conn_id, fields)
        return cls(conn_id, connection.extra_dejson)

    def get(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """A field's value, None if it is missing or empty.

        :param name: the field.
        :param read: converts the value, or raises ``ValueError``.
        :raises InvalidConnection: the value cannot be converted.
        """
        self._known.append(name)
        if not self.has(name):
            return None
        value = self._fields[name]
        try:
            return read(value)
        except ValueError as error:
            raise self.invalid(f"has an invalid extra field {name!r}: {error}", "Correct the field.") from None

    def has(self, name: str) -> bool:
        """Whether the field has a value."""
        return self._fields.get(name) not in (None, "")

    def invalid(self, problem: str, advice: str) -> InvalidConnection:
        """The exception for a problem with this connection.

        :param problem: the sentence after "The connection 'id'".
        :param advice: what to do.
        """
        return InvalidConnection(f"The connection {self._conn_id!r} {problem}", advice=advice)

    def refuse_unknown(self) -> None:
        """Refuse fields that were never read: a misspelt ``encrypt`` must not be ignored.

        :raises InvalidConnection: there are some.
        """
        unknown = sorted(set(self._fields) - set(self._known) - _OF_THE_BASE_HOOK)
        if not unknown:
            return
        hints = [hint for name in unknown if (hint := self._hint(name))]
        raise self.invalid(
            f"has unknown extra fields: {', '.join(self._spellings[name] for name in unknown)}",
            " ".join([*hints, f"Known fields: {', '.join(sorted(self._known))}."]),
        )

    def _hint(self, name: str) -> str | None:
        plain = {known.replace("_", ""): known for known in self._known}
        word = name.replace("_", "").replace(" ", "").replace("-", "")
        spelling = self._spellings[name]
        if word in _STANDARD_FIELDS:
            return f"Instead of {spelling!r}, use {_STANDARD_FIELDS[word]}."
        meant = plain.get(word) or plain.get(_ODBC_NAMES.get(word, ""))
        if meant is None:
            close = get_close_matches(word, plain, n=1)
            meant = plain[close[0]] if close else None
        return None if meant is None else f"Did you mean {meant!r} instead of {spelling!r}?"


_OF_THE_BASE_HOOK = {
    "dialect",
    "escape_column_names",
    "escape_word_format",
    "insert_statement_format",
    "placeholder",
    "replace_statement_format",
    "sqlalchemy_scheme",
}
"""Extra fields that Airflow's hooks for SQL databases read themselves."""

_STANDARD_FIELDS = {
    **dict.fromkeys(("uid", "user", "userid", "username"), "the connection's login"),
    **dict.fromkeys(("pwd",), "the connection's password"),
    **dict.fromkeys(("server", "datasource", "address", "addr"), "the connection's host"),
    **dict.fromkeys(("database", "initialcatalog"), "the connection's schema (database)"),
    "port": "the connection's port",
    **dict.fromkeys(
        ("trustedconnection", "integratedsecurity"),
        "the field 'authentication' with the value 'kerberos', without login",
    ),
}
"""Names of connection string keywords that repeat a standard field of the connection, without ``_`` and blanks."""

_ODBC_NAMES = {
    "app": "applicationname",
    "dsn": "datasource",
    "encryption": "encrypt",
    "timeout": "querytimeout",
    "connecttimeout": "logintimeout",
    "connectiontimeout": "logintimeout",
    "servercertificate": "trustedcertificates",
    "keytab": "kerberoskeytab",
}
"""Names of connection string keywords for extra fields with another name, without ``_`` and blanks."""

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def text(value: Any) -> str:
    """Reads text without control characters."""
    if isinstance(value, bool | list | dict):
        raise ValueError("it must be text")
    try:
        check_characters("value", str(value))
    except UnsafeValue as error:
        raise ValueError(str(error)) from None
    return str(value)


def one_of(choices: Mapping[str, Value]) -> Callable[[Any], Value]:
    """Reads one of these words, in upper or lower case."""

    def read(value: Any) -> Value:
        word = str(value).strip().lower()
        if word not in choices:
            close = get_close_matches(word, choices, n=1)
            meant = f". Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"it must be one of {', '.join(choices)}{meant}")
        return choices[word]

    return read


boolean = one_of(_BOOLEANS)
"""Reads true or false."""


def host(value: Any) -> str:
    """Reads a server with an optional instance or port."""
    name, comma, port = text(value).partition(",")
    if not name.strip() or (comma and not (port.strip().isascii() and port.strip().isdigit())):
        raise ValueError("it must be HOST, HOST\\INSTANCE or HOST,PORT")
    return str(value)


def whole_number(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Reads a whole number within bounds."""

    def read(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            # JSON has numbers too large for any float, which Python reads as infinity.
            raise ValueError("it must be a whole number") from None
        if isinstance(value, bool) or (isinstance(value, float) and value != number):
            raise ValueError("it must be a whole number")
        if number < least or (most is not None and number > most):
            raise ValueError(f"it must be at least {least}" + ("" if most is None else f" and at most {most}"))
        return number

    return read
