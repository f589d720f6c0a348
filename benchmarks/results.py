"""Results of benchmarks: ratios measured in one run, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS_FILE = Path(__file__).with_name("results.json")
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of ours and of the peer.

    :param benchmark: the benchmark's name.
    :param case: the measured thing and its size.
    :param unit: of ``ours`` and ``peer``.
    :param ours: the figure of this package.
    :param peer: the peer's figure; None where the peer was not run.
    :param peer_name: the peer's name.
    :param ratio: how many times better our figure is than the peer's, less than 1 for worse; None without a peer, and
        where one of the figures is zero.
    """

    benchmark: str
    case: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float | None


def cost(benchmark: str, case: str, unit: str, *, ours: float, peer: float | None, peer_name: str) -> Result:
    """A result of which less is better."""
    return Result(benchmark, case, unit, ours, peer, peer_name, _quotient(peer, ours))


def rate(benchmark: str, case: str, unit: str, *, ours: float, peer: float | None, peer_name: str) -> Result:
    """A result of which more is better."""
    return Result(benchmark, case, unit, ours, peer, peer_name, _quotient(ours, peer))


def _quotient(dividend: float | None, divisor: float | None) -> float | None:
    return dividend / divisor if dividend and divisor else None


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of a benchmark.

    :param text: the goal, and the figure that was reached.
    :param reached: whether the goal was reached.
    """

    text: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark's outcome.

    :param title: the title of the table.
    :param results: the rows.
    :param note: facts that a reader needs to judge the figures.
    :param goals: the goals.
    """

    title: str
    results: Sequence[Result]
    note: str
    goals: Sequence[Goal] = ()


def show(report: Report, console: Console) -> None:
    """Print a report."""
    table = Table(title=report.title, title_justify="left")
    for heading in ("case", "unit"):
        table.add_column(heading)
    for heading in ("ours", "peer", "times better"):
        table.add_column(heading, justify="right")
    table.add_column("peer is")
    for result in report.results:
        table.add_row(
            result.case,
            result.unit,
            number(result.ours),
            NOT_RUN if result.peer is None else number(result.peer),
            "" if result.ratio is None else number(result.ratio),
            result.peer_name,
        )
    console.print(table)
    for goal in report.goals:
        console.print(f"  goal {'reached' if goal.reached else 'MISSED'}: {goal.text}")
    console.print(f"  {report.note}")


def number(value: float) -> str:
    """A figure with three significant digits."""
    if value == 0:
        return "0"
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 4
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def append(results: Sequence[Result], path: Path = RESULTS_FILE) -> None:
    """Add results to the list in a JSON file; it is created if it is missing.

    :param results: the results.
    :param path: the file. Default: ``benchmarks/results.json``.
    """
    known = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*known, *(asdict(result) for result in results)], indent=1) + "\n")
