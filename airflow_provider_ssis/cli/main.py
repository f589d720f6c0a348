"""The command ``airflow-ssis``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from airflow_provider_ssis.cli import build, doctor, emulator


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with one subcommand for each module of this package that has one."""
    parser = argparse.ArgumentParser(
        prog="airflow-ssis",
        description="Work with SQL Server Integration Services from any machine: build project files, test "
        "connections, and run an embedded SSISDB.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('airflow-provider-ssis')}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (build, doctor, emulator):
        command.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    :param arguments: the command line without the program's name. Default: None, that of the process.
    :returns: the exit code of the command: 0 succeeded, 1 failed with a message on standard error, 2 wrong usage.
    """
    options = make_parser().parse_args(arguments)
    result: int = options.run(options)
    return result


if __name__ == "__main__":
    sys.exit(main())
