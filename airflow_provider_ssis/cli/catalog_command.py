"""Commands that work on a catalog: their connection, ``--json``, and how errors of the catalog become exit codes."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.airflow_process import UnreadableConnection, output_to_stderr
from airflow_provider_ssis.cli.connection_options import CONNECTION_PARAMETERS, ConnectionOptions, take_connection
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.interrupts import interruptible
from airflow_provider_ssis.cli.output import Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.hooks.connector import CatalogConnector

FAILED = 1
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON.")
ExitCodeOf = Callable[[Exception], int]


def catalog_command(
    name: str, *, exit_code_of: ExitCodeOf = lambda error: FAILED, command_class: type[click.Command] = click.Command
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command of a function that gets a client of the catalog and the output, and then its own options.

    The command has the options of the connection and ``--json``. With ``--json`` an error is printed as an object with
    the keys ``error``, ``type``, ``number`` and ``exit_code``.

    :param name: the command's name.
    :param exit_code_of: the exit code for an error. Default: 1 for all.
    :param command_class: the class of the command.
    """
    return _declared(name, exit_code_of, command_class, _with_catalog)


def connector_command(
    name: str, *, exit_code_of: ExitCodeOf = lambda error: FAILED
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command of a function that opens the connections itself: it gets a connector instead of a client."""
    return _declared(name, exit_code_of, click.Command, lambda connector, use: use(connector))


def _declared(
    name: str,
    exit_code_of: ExitCodeOf,
    command_class: type[click.Command],
    call: Callable[[CatalogConnector, Callable[[Any], int | None]], int | None],
) -> Callable[[Callable[..., int | None]], click.Command]:
    def declare(function: Callable[..., int | None]) -> click.Command:
        own = list(reversed(getattr(function, "__click_params__", [])))

        @wraps(function)
        def run(*, as_json: bool, **options: Any) -> int | None:
            output = Output(as_json=as_json)
            with _reported(exit_code_of), interruptible(signal.SIGINT):
                connector = connector_of(take_connection(options), as_json=as_json)
                return call(connector, lambda subject: function(subject, output, **options))

        return command_class(
            name,
            callback=run,
            params=[
                *own,
                _JSON,
                *CONNECTION_PARAMETERS,
            ],
            help=function.__doc__,
        )

    return declare


def _with_catalog(connector: CatalogConnector, use: Callable[[Catalog], int | None]) -> int | None:
    with connector.open_catalog() as catalog:
        return use(catalog)


def connector_of(connection: ConnectionOptions, *, as_json: bool) -> CatalogConnector:
    """What opens the connection, on a machine that has what this needs. Nothing is connected yet.

    :param connection: the options.
    :param as_json: what Airflow prints while it is imported must not mix with JSON.
    :raises click.UsageError: no connection is given, or its value cannot be read.
    :raises UnreadableConnection: Airflow cannot read the connection.
    :raises CommandFailed: Airflow or the driver manager is missing.
    """
    # Without a handler, Python would print what the library logs before the error with the same text.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    with output_to_stderr() if as_json else nullcontext():
        try:
            connector = connection.connector()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "airflow":
                raise
            raise CommandFailed(
                "--conn-id needs Apache Airflow, which is not installed here. Use --uri, or the options of the "
                "connection."
            ) from None
        except ImportError as error:
            raise CommandFailed(str(error)) from None
    try:
        import pyodbc  # noqa: F401 imported here, so that its absence is reported with what to install
    except ImportError as error:
        from airflow_provider_ssis.odbc.drivers import DRIVER_MANAGER_ADVICE

        raise CommandFailed(DRIVER_MANAGER_ADVICE.format(reason=error)) from None
    return connector


@contextmanager
def _reported(exit_code_of: ExitCodeOf) -> Iterator[None]:
    """Report errors of the catalog and of files as failures of the command."""
    from airflow_provider_ssis.catalog.errors import CatalogError
    from airflow_provider_ssis.project.errors import ProjectError

    try:
        yield
    except click.UsageError as error:
        # Those of functions that know nothing of the command get its context, for its name and its exit code.
        error.ctx = error.ctx or click.get_current_context()
        raise
    except (CatalogError, ProjectError, UnreadableConnection) as error:
        raise CommandFailed(str(error), exit_code_of(error), cause=error) from None
