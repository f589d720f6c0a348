"""``airflow-ssis emulator``: the embedded SSISDB as a separate process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import (
    FilePath,
    Pair,
    Pairs,
    not_empty,
    read_password,
    reject_together,
    unique,
)
from airflow_provider_ssis.cli.script_functions import script_functions

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.endpoint import Endpoint
    from airflow_provider_ssis.emulator.loop_server import EmulatorServer

PASSWORD_VARIABLE = "AIRFLOW_SSIS_EMULATOR_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of the login sa."""

_LARGEST_PORT = 65535
_SECONDS_TO_STOP = 10.0


def port_number(text: str) -> int:
    """A port to listen on, as the command line takes it.

    :raises click.BadParameter: the text is not a port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT):
        raise click.BadParameter(f"{text!r} is not a port: give a number from 0 (any free port) to {_LARGEST_PORT}")
    return int(text)


def host_name(text: str) -> str:
    """An address to listen on, as the command line takes it.

    :raises click.BadParameter: the text is empty, which the operating system takes for all addresses.
    """
    if not text.strip():
        raise click.BadParameter("it is empty: give 127.0.0.1 for this machine, 0.0.0.0 or :: for all addresses")
    return text


@click.command("emulator")
@click.option("--host", type=host_name, default="127.0.0.1", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=port_number, default="0", metavar="PORT", help="Port to listen on; 0 is any free port.")
@click.option(
    "--password-file",
    type=FilePath(allow_dash=True),
    metavar="FILE",
    help="File with the password of the login sa, in its first line; - is the standard input. "
    f"Without it, the environment variable {PASSWORD_VARIABLE}; without that, a random password.",
)
@click.option(
    "--password",
    type=not_empty,
    metavar="TEXT",
    help="The password itself. Other users of this machine can read it in the process list.",
)
@click.option(
    "--edition",
    type=click.Choice(["azure", "box"]),
    default="azure",
    help="azure accepts SQL logins everywhere; box refuses them where SQL Server does.",
)
@click.option(
    "--data-dir",
    type=FilePath(),
    metavar="FOLDER",
    help="Folder that keeps the catalog over restarts. Without it, the catalog is kept in memory.",
)
@click.option(
    "--instance",
    type=not_empty,
    metavar="NAME",
    help="Instance name; a SQL Server Browser (UDP port 1434) answers with the port.",
)
@click.option(
    "--keytab", type=FilePath(), metavar="FILE", help="Accept Kerberos tickets for the service principal in this file."
)
@click.option(
    "--token-key",
    type=FilePath(),
    metavar="FILE",
    help="Accept access tokens of Entra ID signed for this public key (PEM file).",
)
@click.option("--quirks", is_flag=True, help="Repeat the known faults of a real catalog instead of avoiding them.")
@click.option("--execute", is_flag=True, help="Execute packages with the engine instead of simulating them.")
@click.option(
    "--connection",
    type=Pair("NAME=VALUE"),
    multiple=True,
    help="With --execute: a connection string for a connection manager, as for run. embedded:NAME is a database of "
    "this server.",
)
@click.option(
    "--map-path",
    type=Pair("WINDOWS=HERE"),
    multiple=True,
    help="With --execute: a folder of this machine for one of Windows: 'C:\\data=/data'.",
)
@click.option(
    "--script",
    type=Pair("PATH=MODULE:FUNCTION"),
    multiple=True,
    help="With --execute: a Python function in place of a script.",
)
@click.option("--json", "as_json", is_flag=True, help="Print how to connect as one line of JSON, with the password.")
@click.option("--verbose", is_flag=True, help="Log each connection and refused login.")
def command(
    host: str,
    port: int,
    password_file: Path | None,
    password: str | None,
    edition: str,
    data_dir: Path | None,
    instance: str | None,
    keytab: Path | None,
    token_key: Path | None,
    quirks: bool,
    execute: bool,
    connection: Pairs,
    map_path: Pairs,
    script: Pairs,
    as_json: bool,
    verbose: bool,
) -> None:
    """Serve an embedded SSISDB over SQL Server's wire protocol until interrupted. Package runs are simulated and move
    no data, or executed on this machine with --execute.

    Exit code 0: stopped by SIGINT or SIGTERM; 1: the server cannot start; 2: wrong options.
    """
    reject_together("password_file", "password")
    if not execute and (connection or map_path or script):
        raise click.UsageError("--connection, --map-path and --script need --execute.")
    secret = _password(password_file, password, os.environ)
    try:
        from airflow_provider_ssis.emulator.loop_server import EmulatorServer
        from airflow_provider_ssis.emulator.runs.execute_settings import ExecuteSettings
        from airflow_provider_ssis.emulator.ssisdb import Edition
    except ModuleNotFoundError as error:
        raise CommandFailed(
            f"the package {error.name} is missing. Install the extra: pip install 'airflow-provider-ssis[emulator]'"
        ) from None
    from airflow_provider_ssis.engine.errors import EngineError, require_extra

    try:
        if execute:
            require_extra()
        script_functions(script)
    except EngineError as error:
        raise CommandFailed(str(error)) from None
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    # The catalog's files hold sensitive values. DuckDB creates some of them while it runs.
    os.umask(0o077)
    try:
        settings = ExecuteSettings(
            connections=unique(connection, "--connection"),
            path_map=unique(map_path, "--map-path"),
            scripts=unique(script, "--script"),
        )
        server = EmulatorServer(
            host=host,
            port=port,
            password=secret.value,
            edition=Edition(edition),
            data_dir=data_dir,
            instance=instance,
            keytab=keytab,
            token_key=None if token_key is None else token_key.read_text(encoding="utf-8", errors="replace"),
            quirks=quirks,
            execute=settings if execute else False,
        )
        asyncio.run(_serve(server, secret.origin, as_json=as_json))
    except ValueError as error:
        raise CommandFailed(f"{error}.", exit_code=2) from None
    except OSError as error:
        what = f"use {error.filename}" if error.filename else f"serve on {host}:{port}"
        raise CommandFailed(f"cannot {what}: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True)
class _Password:
    """The password of the login sa.

    :param value: the password; None for a random one.
    :param origin: where the user has it; None if it has to be printed.
    """

    value: str | None
    origin: str | None


def _password(file: Path | None, password: str | None, environment: Mapping[str, str]) -> _Password:
    """The password of the login sa.

    :raises click.UsageError: the file cannot be read, or the file or the variable holds no password.
    """
    if file is not None:
        return _Password(read_password(file), f"in the file {file}")
    if password is not None:
        return _Password(password, "of --password")
    password = environment.get(PASSWORD_VARIABLE)
    if password is None:
        return _Password(None, None)
    if not password:
        raise click.UsageError(
            f"The environment variable {PASSWORD_VARIABLE} is empty. Give it a password, or unset it."
        )
    return _Password(password, f"in the environment variable {PASSWORD_VARIABLE}")


async def _serve(server: EmulatorServer, origin: str | None, *, as_json: bool) -> None:
    """Serve until a signal arrives. After that, the process ends within some seconds, even during heavy statements."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(number: int, frame: FrameType | None) -> None:
        # A statement that cannot be interrupted must not keep the process alive: its thread would be waited for.
        timer = threading.Timer(_SECONDS_TO_STOP, os._exit, [0])
        timer.daemon = True
        timer.start()
        loop.call_soon_threadsafe(stop.set)

    # Not the loop's own handlers: these run even while the loop is busy.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    endpoint = await server.start()
    try:
        _announce(endpoint, origin, as_json=as_json)
        await stop.wait()
    finally:
        await server.stop()


def _announce(endpoint: Endpoint, origin: str | None, *, as_json: bool) -> None:
    """Print how to connect.

    :param origin: where the user has the password. None: it is random, and printed only here.
    :param as_json: JSON, which programs read: always with the password.
    """
    if as_json:
        print(
            json.dumps(
                {
                    "host": endpoint.host,
                    "port": endpoint.port,
                    "user": endpoint.user,
                    "password": endpoint.password,
                    "odbc": endpoint.odbc_connection_string,
                    "airflow_uri": endpoint.airflow_uri,
                }
            ),
            flush=True,
        )
        return
    shown = endpoint if origin is None else replace(endpoint, password="PASSWORD")  # noqa: S106 - in place of it
    print(f"Embedded SSISDB on {shown.host}:{shown.port}, login {shown.user}. Stop it with Ctrl+C.\n")
    print(f"ODBC:     {shown.odbc_connection_string}")
    print(f"Airflow:  export AIRFLOW_CONN_SSIS_DEFAULT='{shown.airflow_uri}'", flush=True)
    if origin is not None:
        print(f"\nPASSWORD is the password {origin}.", flush=True)
