"""The connection of a command: options, environment variables, and the connector that they describe.

The first of these that is given applies: ``--uri``, ``--conn-id``, ``--host`` or ``--extra data_source=…`` with the
other options, and the same as environment variables. Only ``--conn-id`` imports Airflow.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from airflow_provider_ssis.cli.option_values import FilePath, Number, Pair, read_password, reject_together, unique

if TYPE_CHECKING:
    from airflow_provider_ssis.hooks.connection_fields import ConnectionFields, PlainFields
    from airflow_provider_ssis.hooks.connector import CatalogConnector

URI_VARIABLE = "AIRFLOW_SSIS_URI"
AIRFLOW_VARIABLE = "AIRFLOW_CONN_SSIS_DEFAULT"
"""Airflow's variable for its default connection, read without Airflow if nothing else is given."""
PASSWORD_VARIABLE = "AIRFLOW_SSIS_PASSWORD"  # noqa: S105 - the name of a variable
APPLICATION = "airflow-ssis"
"""The program's name in the server's session lists."""

_SINGLE = ("uri", "conn_id", "host")


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The values of the options; None where an option is not given."""

    uri: str | None
    conn_id: str | None
    host: str | None
    port: int | None
    login: str | None
    password_file: Path | None
    database: str | None
    extras: Mapping[str, str]

    def connector(self) -> CatalogConnector:
        """What opens the connection. Nothing is connected yet.

        :raises click.UsageError: no connection is given, or its value cannot be read.
        :raises airflow_process.UnreadableConnection: Airflow cannot read the connection.
        """
        conn_id = self.conn_id
        if conn_id is None and not self.is_given:
            conn_id = click.get_current_context().obj
        if conn_id is not None:
            from airflow_provider_ssis.cli.airflow_process import hook_of

            return hook_of(conn_id)
        from airflow_provider_ssis.hooks.connector import StandaloneConnector

        return StandaloneConnector(_named(self._fields()))

    @property
    def is_given(self) -> bool:
        """Whether the options describe a connection without Airflow."""
        return self.uri is not None or self.host is not None or "data_source" in self.extras

    def _fields(self) -> PlainFields:
        from airflow_provider_ssis.hooks.connection_fields import PlainFields

        if self.uri is not None:
            return fields_of_uri(self.uri, "the URI")
        if self.is_given:
            return PlainFields(
                conn_id="options",
                host=self.host,
                port=self.port,
                login=self.login,
                password=self._password(),
                schema=self.database,
                extra=json.dumps(dict(self.extras)) if self.extras else None,
            )
        value = os.environ.get(AIRFLOW_VARIABLE)
        if value:
            return fields_of_uri(value, f"the environment variable {AIRFLOW_VARIABLE}")
        raise click.UsageError(
            f"No connection is given. Use --uri, --host, --conn-id or the environment variable {URI_VARIABLE}.",
            click.get_current_context(),
        )

    def _password(self) -> str | None:
        """From the file, else the environment, else typed by the user if there is a login to need it."""
        if self.password_file is not None:
            return read_password(self.password_file)
        password = os.environ.get(PASSWORD_VARIABLE)
        if password or not self.login or "kerberos_keytab" in self.extras or not sys.stdin.isatty():
            return password
        typed: str = click.prompt(f"Password of {self.login}", hide_input=True, err=True)
        return typed


def take_connection(options: dict[str, Any]) -> ConnectionOptions:
    """Remove the values of :data:`CONNECTION_PARAMETERS` from the options of the current command.

    :param options: the options as click passes them.
    :raises click.UsageError: options exclude each other, or one is malformed.
    """
    reject_together(*_SINGLE)
    context = click.get_current_context()
    values = {name: options.pop(name) for name in (each.name for each in CONNECTION_PARAMETERS) if name}
    # A connection on the command line replaces one in the environment.
    given = [name for name in _SINGLE if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        values |= {name: None for name in _SINGLE if name not in given}
    return ConnectionOptions(extras=unique(values.pop("extra"), "--extra"), **values)


def fields_of_uri(value: str, what: str) -> PlainFields:
    """The fields in a connection URI or JSON object.

    :param value: the text.
    :param what: what the text is, for the message.
    :raises click.UsageError: it cannot be read. The message shows nothing of it.
    """
    from airflow_provider_ssis.hooks.connection_fields import read_fields
    from airflow_provider_ssis.hooks.connection_values import HOW_TO_WRITE, problem_in

    problem = problem_in(value) if value.strip() else "it is empty"
    if problem is None:
        try:
            return read_fields(value, conn_id="command line")
        except ValueError:
            problem = "a part of it is malformed"
    raise click.UsageError(f"{what} cannot be read: {problem}. {HOW_TO_WRITE}") from None


def _named(fields: PlainFields) -> ConnectionFields:
    """The fields, with this program's name for the server unless they have one."""
    from dataclasses import replace

    try:
        extra = json.loads(fields.extra) if fields.extra else {}
    except ValueError:
        return fields  # the connector reports it
    if not isinstance(extra, dict) or "application_name" in {str(name).lower() for name in extra}:
        return fields
    return replace(fields, extra=json.dumps({**extra, "application_name": APPLICATION}))


CONNECTION_PARAMETERS = (
    click.Option(
        ["--uri"],
        envvar=URI_VARIABLE,
        metavar="URI",
        help="Connection URI or JSON object, as in Airflow's AIRFLOW_CONN_... variables. Other users of this machine "
        f"can read options in the process list: the environment variable {URI_VARIABLE} hides it.",
    ),
    click.Option(
        ["--conn-id"],
        envvar="AIRFLOW_SSIS_CONN_ID",
        metavar="ID",
        help="Id of a connection in Airflow, instead of a URI.",
    ),
    click.Option(["--host"], envvar="AIRFLOW_SSIS_HOST", metavar="SERVER", help="Server, instead of a URI."),
    click.Option(
        ["--port"], type=Number(0, 65535), envvar="AIRFLOW_SSIS_PORT", metavar="PORT", help="Port of the server."
    ),
    click.Option(
        ["--login"],
        envvar="AIRFLOW_SSIS_LOGIN",
        metavar="LOGIN",
        help="SQL login, DOMAIN\\user for NTLM, or client id. Without it: the Kerberos ticket of this machine.",
    ),
    click.Option(
        ["--password-file"],
        type=FilePath(allow_dash=True),
        metavar="FILE",
        help="File with the password in its first line; - is the standard input. Without it: the environment variable "
        f"{PASSWORD_VARIABLE}, else it is asked for on a terminal.",
    ),
    click.Option(["--database"], envvar="AIRFLOW_SSIS_DATABASE", metavar="NAME", help="Database. Without it: SSISDB."),
    click.Option(
        ["--extra"],
        type=Pair("FIELD=VALUE"),
        multiple=True,
        help="A further field of the connection, such as encrypt=strict. Can be repeated.",
    ),
)
