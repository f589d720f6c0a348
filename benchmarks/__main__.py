"""The command line: ``python -m benchmarks [name ...] [--smallest]``."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence

from rich.console import Console

from benchmarks.airflow_home import airflow_home
from benchmarks.results import append, show

BENCHMARKS = (
    "imports",
    "expressions",
    "emulator",
    "start",
    "messages",
    "waiting",
    "ssis_files",
    "data_flows",
    "set_components",
    "databases",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run benchmarks, print their tables and add their results to ``benchmarks/results.json``.

    :param arguments: the command line's arguments. Default: those of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measurements against named peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--smallest", action="store_true", help="at the smallest size, to see whether it works")
    options = parser.parse_args(arguments)
    names = options.names or BENCHMARKS
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(BENCHMARKS)}")
    console = Console(width=150)
    with airflow_home():
        for name in names:
            began = time.monotonic()
            module = importlib.import_module(f"benchmarks.{name}")
            report = module.run(module.SMALLEST if options.smallest else module.FULL)
            show(report, console)
            console.print(f"  ({time.monotonic() - began:.0f} s)\n")
            append(report.results)


if __name__ == "__main__":
    main()
