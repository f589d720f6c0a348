"""``airflow-ssis emulator``: the embedded SSISDB as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import Endpoint

_LARGEST_PORT = 65535


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "emulator",
        help="serve an embedded SSISDB",
        description="Serve an embedded SSISDB over SQL Server's wire protocol until interrupted. "
        "It stands in for the SSISDB catalog; package runs are simulated and move no data.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)")
    parser.add_argument("--port", type=port_number, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--password", help="password of the login sa (default: a random one)")
    parser.add_argument(
        "--edition",
        choices=["azure", "box"],
        default="azure",
        help="azure accepts SQL logins everywhere; box refuses them where SQL Server does (default: %(default)s)",
    )
    parser.add_argument("--data-dir", type=Path, help="folder that keeps the catalog over restarts (default: memory)")
    parser.add_argument("--instance", help="name under which a SQL Server Browser (UDP port 1434) tells of the server")
    parser.add_argument("--keytab", type=Path, help="accept Kerberos tickets for the service principal in this file")
    parser.add_argument(
        "--token-key", type=Path, help="accept access tokens of Entra ID signed for this public key (PEM file)"
    )
    parser.add_argument("--json", action="store_true", help="print how to connect as one line of JSON")
    parser.add_argument("--verbose", action="store_true", help="log each connection and refused login")
    parser.set_defaults(run=run)


def port_number(text: str) -> int:
    """A port to listen on, as the command line takes it.

    :raises argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 (any free one) to {_LARGEST_PORT}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM.

    :returns: 0 after a clean stop, 1 when the server cannot start.
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

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        server = EmulatorServer(
            host=options.host,
            port=options.port,
            password=options.password,
            edition=Edition(options.edition),
            data_dir=options.data_dir,
            instance=options.instance,
            keytab=options.keytab,
            token_key=None if options.token_key is None else options.token_key.read_text(encoding="utf-8"),
        )
        endpoint = await server.start()
        try:
            announce(endpoint, as_json=options.json)
            await stop.wait()
        finally:
            await server.stop()

    try:
        asyncio.run(serve())
    except OSError as error:
        what = f"use {error.filename}" if error.filename else f"serve on {options.host}:{options.port}"
        print(f"airflow-ssis emulator: cannot {what}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def announce(endpoint: Endpoint, *, as_json: bool) -> None:
    """Print how to connect: the one place where the password is shown, since without it nobody could log in."""
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
