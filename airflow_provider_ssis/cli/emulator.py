"""``airflow-ssis emulator``: the embedded SSISDB as a separate process."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import EmulatorServer, Endpoint

PASSWORD_VARIABLE = "AIRFLOW_SSIS_EMULATOR_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of the login sa."""

_LARGEST_PORT = 65535
_SECONDS_TO_STOP = 10.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "emulator",
        help="serve an embedded SSISDB",
        description="Serve an embedded SSISDB over SQL Server's wire protocol until interrupted. "
        "Package runs are simulated and move no data.",
    )
    parser.add_argument(
        "--host", type=host_name, default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)"
    )
    parser.add_argument("--port", type=port_number, default=0, help="port to listen on (default: any free port)")
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--password-file",
        type=file_path,
        help="file with the password of the login sa, in its first line. "
        f"Without it, the environment variable {PASSWORD_VARIABLE}; without that, a random password",
    )
    password.add_argument(
        "--password",
        type=not_empty,
        help="the password itself. Other users of this machine can read it in the process list",
    )
    parser.add_argument(
        "--edition",
        choices=["azure", "box"],
        default="azure",
        help="azure accepts SQL logins everywhere; box refuses them where SQL Server does (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir", type=file_path, help="folder that keeps the catalog over restarts (default: memory)"
    )
    parser.add_argument(
        "--instance", type=not_empty, help="instance name; a SQL Server Browser (UDP port 1434) answers with the port"
    )
    parser.add_argument(
        "--keytab", type=file_path, help="accept Kerberos tickets for the service principal in this file"
    )
    parser.add_argument(
        "--token-key", type=file_path, help="accept access tokens of Entra ID signed for this public key (PEM file)"
    )
    parser.add_argument("--json", action="store_true", help="print how to connect as one line of JSON")
    parser.add_argument("--verbose", action="store_true", help="log each connection and refused login")
    parser.set_defaults(run=run)


def port_number(text: str) -> int:
    """A port to listen on, as the command line takes it.

    :raises argparse.ArgumentTypeError: the text is not a port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port: give a number from 0 (any free port) to {_LARGEST_PORT}"
        )
    return int(text)


def host_name(text: str) -> str:
    """An address to listen on, as the command line takes it.

    :raises argparse.ArgumentTypeError: the text is empty, which the operating system takes for all addresses.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError(
            "it is empty: give 127.0.0.1 for this machine, 0.0.0.0 or :: for all addresses"
        )
    return text


def not_empty(text: str) -> str:
    """The value of an option that an empty text would switch off.

    :raises argparse.ArgumentTypeError: the text is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: give a value, or leave the option out")
    return text


def file_path(text: str) -> Path:
    """The path of a file or folder.

    :raises argparse.ArgumentTypeError: the text is empty, which would be the current folder.
    """
    return Path(not_empty(text))


def password_from(options: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    """The password of the login sa; None for a random one.

    :raises ValueError: the file or the variable holds no password.
    :raises OSError: the file cannot be read.
    """
    if options.password_file is not None:
        try:
            lines = options.password_file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise ValueError(f"{options.password_file} is not text in UTF-8") from None
        if not lines or not lines[0]:
            raise ValueError(f"the first line of {options.password_file} is empty. Write the password there")
        return str(lines[0])
    if options.password is not None:
        return str(options.password)
    password = environment.get(PASSWORD_VARIABLE)
    if password is not None and not password:
        raise ValueError(f"the environment variable {PASSWORD_VARIABLE} is empty. Give it a password, or unset it")
    return password


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM.

    :returns: 0 after a stop, 1 when the server cannot start, 2 for options that do not fit.
    """
    try:
        from airflow_provider_ssis.emulator.server import Edition, EmulatorServer
    except ModuleNotFoundError as error:
        print(
            f"airflow-ssis emulator: the package {error.name} is missing. "
            "Install the extra: pip install 'airflow-provider-ssis[emulator]'",
            file=sys.stderr,
        )
        return 1
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    # The catalog's files hold sensitive values. DuckDB creates some of them while it runs.
    os.umask(0o077)
    try:
        server = EmulatorServer(
            host=options.host,
            port=options.port,
            password=password_from(options, os.environ),
            edition=Edition(options.edition),
            data_dir=options.data_dir,
            instance=options.instance,
            keytab=options.keytab,
            token_key=None if options.token_key is None else options.token_key.read_text(encoding="utf-8"),
        )
        asyncio.run(_serve(server, as_json=options.json))
    except ValueError as error:
        print(f"airflow-ssis emulator: {error}.", file=sys.stderr)
        return 2
    except OSError as error:
        what = f"use {error.filename}" if error.filename else f"serve on {options.host}:{options.port}"
        print(f"airflow-ssis emulator: cannot {what}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


async def _serve(server: EmulatorServer, *, as_json: bool) -> None:
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
        announce(endpoint, as_json=as_json)
        await stop.wait()
    finally:
        await server.stop()


def announce(endpoint: Endpoint, *, as_json: bool) -> None:
    """Print how to connect. The password is printed only here: without it, no client could log in."""
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
    print(f"Embedded SSISDB on {endpoint.host}:{endpoint.port}, login {endpoint.user}. Stop it with Ctrl+C.\n")
    print(f"ODBC:     {endpoint.odbc_connection_string}")
    print(f"Airflow:  export AIRFLOW_CONN_SSIS_DEFAULT='{endpoint.airflow_uri}'", flush=True)
