"""The commands of ``airflow-ssis`` as ``airflow ssis``: Airflow from 3.2 on finds them in the provider's metadata.

Airflow calls :func:`get_cli_commands` whenever its command line starts, so nothing of the commands is imported here.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_provider_ssis.cli.airflow_process import DEFAULT_CONN_ID
from airflow_provider_ssis.cli.command_table import COMMANDS

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


def get_cli_commands() -> list[CLICommand]:
    """The command ``ssis`` for Airflow's command line. It passes all its arguments on."""
    from airflow.cli.cli_config import ActionCommand, Arg

    width = max(len(entry.name) for entry in COMMANDS)
    listed = "\n".join(f"  {entry.name:<{width}}  {entry.help}" for entry in COMMANDS)
    return [
        ActionCommand(
            name="ssis",
            help="Work with SQL Server Integration Services",
            description="Work with SQL Server Integration Services. Without an option for the connection, commands use "
            f"the connection {DEFAULT_CONN_ID}. 'airflow ssis COMMAND --help' describes a command.",
            epilog=f"commands:\n{listed}",
            func=run,
            args=[
                Arg(  # type: ignore[no-untyped-call]
                    ("arguments",),
                    nargs=argparse.REMAINDER,
                    metavar="COMMAND ...",
                    help="a command of airflow-ssis with its options",
                )
            ],
        )
    ]


def run(options: argparse.Namespace) -> None:
    """Run a command of ``airflow-ssis``, and end the process with its exit code.

    :param options: Airflow's parsed command line.
    """
    from airflow_provider_ssis.cli.main import main

    sys.exit(main(options.arguments or ["--help"], program="airflow ssis", conn_id=DEFAULT_CONN_ID))
