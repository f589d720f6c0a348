"""The command ``airflow-ssis``."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from airflow_provider_ssis.cli.command_table import COMMANDS
from airflow_provider_ssis.cli.failures import CommandFailed, OutputFailed, drop_output, show_usage_error
from airflow_provider_ssis.cli.lazy_group import LazyGroup, print_version

PROGRAM = "airflow-ssis"
INTERRUPTED = 130
"""The exit code after Ctrl+C, as shells have it."""


class CommandLine(LazyGroup):
    """The commands. One whose output cannot be written fails with a line, and with its exit code for a failure."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command.

        :raises OutputFailed: the help cannot be written.
        """
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            raise OutputFailed(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the context names.

        :raises OutputFailed: its output cannot be written.
        """
        try:
            return super().invoke(ctx)
        except OSError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            raise OutputFailed(error, getattr(command, "failed_exit_code", 1)) from None


@click.group(
    cls=CommandLine,
    name=PROGRAM,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version, help="Print the version."
)
def command_line() -> None:
    """Work with SQL Server Integration Services from any machine: deploy, run and configure projects, build and check
    their files, test connections, and start an embedded SSISDB.
    """


def main(arguments: Sequence[str] | None = None, *, program: str = PROGRAM, conn_id: str | None = None) -> int:
    """Run one command.

    :param arguments: the command line without the program's name. Default: None, that of the process.
    :param program: the program's name in messages. Default: ``airflow-ssis``.
    :param conn_id: the Airflow connection of commands for which no connection is given. Default: none.
    :returns: the exit code of the command: 0 succeeded, 1 failed with a message on standard error, 2 wrong usage,
        130 interrupted; other codes are documented for each command.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    # Without these, because the shell closed them, libraries fail.
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BytesIO())
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        # A character that the encoding of the terminal lacks must not end a command. In the locale C, Python sets
        # "surrogateescape", which passes on bytes of file names only.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = command_line.main(given, prog_name=program, standalone_mode=False, obj=conn_id)
    except click.UsageError as error:
        code: int = getattr(error.ctx and error.ctx.command, "usage_exit_code", error.exit_code)
        with suppress(OSError):
            show_usage_error(error, code, as_json="--json" in given)
        return code
    except (click.ClickException, CommandFailed) as error:
        with suppress(OSError):
            error.show()
        if isinstance(error, OutputFailed):
            drop_output()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
