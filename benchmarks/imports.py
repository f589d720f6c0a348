"""Importing our modules: the additional time compared with Airflow's own base class."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.results import Goal, Report, cost

NAME = "imports"

BASES = {
    "operators": "from airflow.providers.common.compat.sdk import BaseOperator",
    "sensors": "from airflow.providers.common.compat.sdk import BaseSensorOperator",
    "triggers": "from airflow.triggers.base import BaseTrigger",
    "hooks": "from airflow.providers.odbc.hooks.odbc import OdbcHook",
}
"""The import that each of our packages needs in any case."""

_MOST = 1.05


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param packages: names in :data:`BASES`.
    :param repetitions: imports of which the median counts.
    """

    packages: Sequence[str]
    repetitions: int


FULL = Size(packages=tuple(BASES), repetitions=3)
SMALLEST = Size(packages=("sensors",), repetitions=1)


def modules_of(package: str) -> list[str]:
    """The modules of one of our packages, by their full names."""
    name = f"airflow_provider_ssis.{package}"
    path = pkgutil.resolve_name(name).__path__
    return [f"{name}.{module.name}" for module in pkgutil.iter_modules(path)]


def run(size: Size) -> Report:
    """Measure."""
    results = []
    missed = []
    for package in size.packages:
        for module in modules_of(package):
            times = [import_times(BASES[package], module) for _ in range(size.repetitions)]
            base = median(each for each, _ in times)
            # One process imports both, so that a slow process affects both.
            share = median((first + further) / first for first, further in times)
            peer_name = BASES[package].replace(" import ", ".").removeprefix("from ")
            results.append(cost(NAME, module, "ms", ours=base * share / 1000, peer=base / 1000, peer_name=peer_name))
            if share > _MOST:
                missed.append(f"{module.removeprefix('airflow_provider_ssis.')} {share - 1:.1%} more")
    return Report(
        "Importing our modules, compared with the imports that they need in any case",
        results,
        goals=[Goal(f"at most 5 % more than Airflow's own: {', '.join(missed) or 'all'}", not missed)],
        note="Times by python -X importtime, each in a new process; ours includes the peer's.",
    )


def import_times(base: str, module: str) -> tuple[int, int]:
    """Microseconds for a base import, and for a module's imports after it, in a separate process.

    :param base: an import statement.
    :param module: a module's name.
    """
    code = f"import sys\n{base}\nprint('-', file=sys.stderr)\nimport {module}"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 our own interpreter
    before, _, after = done.stderr.partition("\n-\n")
    return _sum(before), _sum(after)


def _sum(lines: str) -> int:
    """The sum of the modules' own times."""
    times = (line.removeprefix("import time:").partition("|")[0].strip() for line in lines.splitlines())
    return sum(int(time) for time in times if time.isdecimal())
