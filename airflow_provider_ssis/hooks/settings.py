"""From an Airflow connection of type ``ssis`` to what the driver needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ssis.catalog.errors import ConnectError
from airflow_provider_ssis.odbc.connection_string import Encrypt, OdbcTarget

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

DATABASE = "SSISDB"
DEFAULT_APPLICATION_NAME = "Airflow"
DEFAULT_LOGIN_TIMEOUT = 15

Value = TypeVar("Value")


class InvalidConnection(ConnectError):
    """The Airflow connection does not say what it must, or says something that nothing understands."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a connection says.

    :param target: where to connect, as whom and how.
    :param driver: name of the ODBC driver, None for the preferred one of those installed.
    :param login_timeout: seconds to wait for the server to accept a connection.
    :param query_timeout: seconds to wait for the answer to a statement; 0 for no limit.
    """

    target: OdbcTarget
    driver: str | None
    login_timeout: int
    query_timeout: int


def read_settings(connection: Connection) -> Settings:
    """What a connection says, checked.

    :param connection: an Airflow connection of type ``ssis``.
    :raises InvalidConnection: no host, an unknown extra field, or a value that an extra field cannot have.
    """
    extra = _Extra(connection.conn_id or "", connection.extra_dejson)
    if not connection.host:
        raise InvalidConnection(
            f"The connection {connection.conn_id!r} names no host", advice="Enter the server's name as its host."
        )
    if connection.password and not connection.login:
        raise InvalidConnection(
            f"The connection {connection.conn_id!r} has a password but no login",
            advice="Enter the SQL login too, or leave both empty for Windows authentication through Kerberos.",
        )
    intent = extra.get("application_intent", _one_of({each.lower(): each for each in ("ReadWrite", "ReadOnly")}))
    target = OdbcTarget(
        host=connection.host,
        port=connection.port,
        database=connection.schema or DATABASE,
        user=connection.login or None,
        password=connection.password,
        encrypt=extra.get("encrypt", _one_of(_ENCRYPT)) or Encrypt.YES,
        trust_server_certificate=extra.get("trust_server_certificate", _boolean) or False,
        host_name_in_certificate=extra.get("host_name_in_certificate", str),
        server_certificate=extra.get("server_certificate", str),
        application_name=extra.get("application_name", str) or DEFAULT_APPLICATION_NAME,
        application_intent=intent,
        multi_subnet_failover=extra.get("multi_subnet_failover", _boolean),
    )
    login_timeout = extra.get("login_timeout", _seconds)
    settings = Settings(
        target=target,
        driver=extra.get("driver", str),
        login_timeout=DEFAULT_LOGIN_TIMEOUT if login_timeout is None else login_timeout,
        query_timeout=extra.get("query_timeout", _seconds) or 0,
    )
    extra.refuse_unknown()
    return settings


class _Extra:
    """The extra fields of a connection; remembers which were asked for."""

    def __init__(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        self._conn_id = conn_id
        self._fields = {str(name).lower(): value for name, value in fields.items()}
        self._known: list[str] = []

    def get(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        self._known.append(name)
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        try:
            return read(value)
        except ValueError as error:
            raise InvalidConnection(
                f"The connection {self._conn_id!r} has an extra field {name!r} that cannot be read: {error}",
                advice="Correct the field.",
            ) from None

    def refuse_unknown(self) -> None:
        # A misspelt field would otherwise be left out in silence, encryption for instance.
        unknown = sorted(set(self._fields) - set(self._known) - _OF_THE_BASE_HOOK)
        if unknown:
            raise InvalidConnection(
                f"The connection {self._conn_id!r} has unknown extra fields: {', '.join(unknown)}",
                advice=f"Known are: {', '.join(sorted(self._known))}.",
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

_ENCRYPT = {
    "yes": Encrypt.YES,
    "true": Encrypt.YES,
    "mandatory": Encrypt.YES,
    "no": Encrypt.NO,
    "false": Encrypt.NO,
    "optional": Encrypt.NO,
    "strict": Encrypt.STRICT,
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _one_of(choices: Mapping[str, Value]) -> Callable[[Any], Value]:
    def read(value: Any) -> Value:
        word = str(value).strip().lower()
        if word not in choices:
            raise ValueError(f"it is one of {', '.join(choices)}")
        return choices[word]

    return read


_boolean = _one_of(_BOOLEANS)


def _seconds(value: Any) -> int:
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        raise ValueError("it is a whole number of seconds") from None
    if seconds < 0:
        raise ValueError("it is not negative")
    return seconds
