"""What a benchmark found: ratios measured in one run, as a table and as JSON."""

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
    """One thing measured on both sides.

    :param benchmark: the benchmark's name.
    :param case: what was measured, at which size.
    :param unit: of ``ours`` and ``peer``.
    :param ours: the figure of this package.
    :param peer: the peer's figure; None where the peer was not run.
    :param peer_name: who the peer is.
    :param ratio: how many times better ours is than the peer's, less than 1 for worse; None without a peer, and where
        one of the two is zero.
    """

    benchmark: str
    case: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float | None


def cost(benchmark: str, case: str, unit: str, *, ours: float, peer: float | None, peer_name: str) -> Result:
    """Something of which less is better."""
    return Result(benchmark, case, unit, ours, peer, peer_name, _quotient(peer, ours))


def rate(benchmark: str, case: str, unit: str, *, ours: float, peer: float | None, peer_name: str) -> Result:
    """Something of which more is better."""
    return Result(benchmark, case, unit, ours, peer, peer_name, _quotient(ours, peer))


def _quotient(dividend: float | None, divisor: float | None) -> float | None:
    return dividend / divisor if dividend and divisor else None


@dataclass(frozen=True, slots=True)
class Goal:
    """What a benchmark is to reach.

    :param text: the goal, and the figure that was reached.
    :param reached: whether it was.
    """

    text: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark's outcome.

    :param title: heads the table.
    :param results: the rows.
    :param note: what a reader must know to judge the figures.
    :param goals: what was to be reached.
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
    """A figure with three digits that count."""
    if value == 0:
        return "0"
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 4
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def append(results: Sequence[Result], path: Path = RESULTS_FILE) -> None:
    """Add results to the list in a JSON file, which is made if there is none.

    :param results: what was measured.
    :param path: the file. Default: ``benchmarks/results.json``.
    """
    known = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*known, *(asdict(result) for result in results)], indent=1) + "\n")
