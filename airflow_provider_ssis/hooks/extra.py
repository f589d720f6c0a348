"""The extra fields of an Airflow connection, by name and type; what cannot be read is told with the field's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from airflow_provider_ssis.catalog.errors import ConnectError

Value = TypeVar("Value")


class InvalidConnection(ConnectError):
    """The Airflow connection does not say what it must, or says something that nothing understands."""


class Extra:
    """The extra fields of a connection; remembers which were asked for.

    :param conn_id: the connection's id, for messages.
    :param fields: the fields.
    :raises InvalidConnection: they are no fields, but a list, say, which Airflow lets through.
    """

    def __init__(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        self._conn_id = conn_id
        if not isinstance(fields, Mapping):
            raise self.invalid(
                "has an extra that is no JSON object",
                'Write it as fields with values, {"encrypt": "yes"} for instance.',
            )
        self._fields = {str(name).lower(): value for name, value in fields.items()}
        self._known: list[str] = []

    def get(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """A field's value, None where it is not filled in.

        :param name: the field.
        :param read: makes a value of what stands there, or raises ``ValueError``.
        :raises InvalidConnection: it cannot be read.
        """
        self._known.append(name)
        if not self.has(name):
            return None
        value = self._fields[name]
        try:
            return read(value)
        except ValueError as error:
            raise self.invalid(
                f"has an extra field {name!r} that cannot be read: {error}", "Correct the field."
            ) from None

    def has(self, name: str) -> bool:
        """Whether the field is filled in."""
        return self._fields.get(name) not in (None, "")

    def invalid(self, what: str, advice: str) -> InvalidConnection:
        """The exception for something about this connection."""
        return InvalidConnection(f"The connection {self._conn_id!r} {what}", advice=advice)

    def refuse_unknown(self) -> None:
        """Refuse fields that nobody asked for.

        :raises InvalidConnection: there are some.
        """
        # A misspelt field would otherwise be left out in silence, encryption for instance.
        unknown = sorted(set(self._fields) - set(self._known) - _OF_THE_BASE_HOOK)
        if unknown:
            raise self.invalid(
                f"has unknown extra fields: {', '.join(unknown)}", f"Known are: {', '.join(sorted(self._known))}."
            )


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


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def one_of(choices: Mapping[str, Value]) -> Callable[[Any], Value]:
    """Reads one of these words, in any case."""

    def read(value: Any) -> Value:
        word = str(value).strip().lower()
        if word not in choices:
            raise ValueError(f"it is one of {', '.join(choices)}")
        return choices[word]

    return read


boolean = one_of(_BOOLEANS)
"""Reads yes or no."""


def host(value: Any) -> str:
    """Reads a server with or without instance or port."""
    host, comma, port = str(value).partition(",")
    if not host.strip() or (comma and not port.strip().isdigit()):
        raise ValueError("it is HOST, HOST\\INSTANCE or HOST,PORT")
    return str(value)


def whole_number(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Reads a number within bounds."""

    def read(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            # JSON has numbers too large for any float, which Python reads as infinity.
            raise ValueError("it is a whole number") from None
        if isinstance(value, float) and value != number:
            raise ValueError("it is a whole number")
        if number < least or (most is not None and number > most):
            raise ValueError(f"it is at least {least}" + ("" if most is None else f" and at most {most}"))
        return number

    return read
