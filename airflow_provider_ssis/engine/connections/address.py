"""Where and how a connection manager connects, in the form that the ODBC driver manager needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.secrets import Secrets


@dataclass(frozen=True, slots=True)
class OdbcAddress:
    """A connection string of ODBC, with the settings that are not keywords.

    :param string: the connection string. Contains the password; not part of the ``repr``.
    :param label: the server or data source, for messages.
    :param login_timeout: seconds to wait for the connection. Default: 15, as OLE DB and ADO.NET.
    :param query_timeout: seconds to wait for each statement. Default: 0, no limit.
    :param attributes: connection attributes to set before connecting, by number.
    :param environment: variables that must be set while the driver connects; None for none.
    :param secrets: texts that no message may contain; not part of the ``repr``.
    """

    string: str = field(repr=False)
    label: str
    login_timeout: int = 15
    query_timeout: int = 0
    attributes: Mapping[int, int] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def without_secrets(self, text: str) -> str:
        """Return a text with asterisks instead of secrets.

        :param text: a message of the driver.
        """
        found = Secrets()
        for secret in self.secrets:
            found.add(secret)
        return found.masked(text)


class NoOdbc(TaskFailure):
    """A connection manager has no counterpart in ODBC on this machine.

    :param name: the connection manager.
    :param why: the reason, as a sentence without its end.
    :param advice: the next step for the user.
    """

    def __init__(self, name: str, why: str, advice: str) -> None:
        super().__init__(f'The connection manager "{name}" cannot be used: {why}. {advice}', 0xC001401D)
        self.why = why
        self.advice = advice


REPLACE = "Replace the connection with an ODBC connection string (--connection NAME=STRING)."


def seconds(name: str, key: str, text: str, default: int) -> int:
    """Return the value of a key that holds a number of seconds or bytes.

    :param name: the connection manager, for errors.
    :param key: the key, for errors.
    :param text: the value; empty for the default.
    :param default: the default.
    :raises NoOdbc: it is not a whole number.
    """
    text = text.strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise NoOdbc(name, f"the value of {key!r} in its connection string is not a whole number", "Correct it.")
    return int(text)


_TRUE = frozenset({"true", "yes", "1", "-1", "sspi"})
_FALSE = frozenset({"false", "no", "0", ""})


def flag(name: str, key: str, text: str) -> bool:
    """Return the value of a key that is true or false.

    :param name: the connection manager, for errors.
    :param key: the key, for errors.
    :param text: the value; an empty one is false.
    :raises NoOdbc: it is neither.
    """
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise NoOdbc(name, f"the value of {key!r} in its connection string is neither true nor false", "Correct it.")
