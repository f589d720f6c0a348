"""The command ``airflow-ssis``: for people and for CI."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from airflow_provider_ssis.cli import build, doctor, emulator


def make_parser() -> argparse.ArgumentParser:
    """The command line of ``airflow-ssis``: one subcommand for each module of this folder."""
    parser = argparse.ArgumentParser(
        prog="airflow-ssis",
        description="SQL Server Integration Services from any machine: build projects, try connections, run an "
        "embedded SSISDB.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('airflow-provider-ssis')}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (build, doctor, emulator):
        command.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    :param arguments: the command line without the program's name; that of the process by default.
    :returns: the exit code: 0 done, 1 failed (with a line on standard error that says why), 2 wrong usage.
    """
    options = make_parser().parse_args(arguments)
    result: int = options.run(options)
    return result


if __name__ == "__main__":
    sys.exit(main())
