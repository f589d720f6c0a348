"""Two engines that do the same work, each in a process without anything else in its memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figures:
    """What some work took.

    :param seconds: the time.
    :param processor: the processor time of the process during the work, in seconds.
    :param megabytes: the most memory that the process ever had, its libraries included.
    :param rows: the rows that the work gave. Default: 0.
    """

    seconds: float
    processor: float
    megabytes: float
    rows: int = 0


def measure(module: str, *arguments: str) -> Figures:
    """Run a module in a process; it prints its figures with :func:`print_figures`.

    :param module: the module's name.
    :param arguments: its arguments.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 our own module
    return Figures(**json.loads(done.stdout))


def print_figures(work: Callable[[], int]) -> None:
    """Do the work, and print what it took.

    :param work: returns the number of rows.
    """
    began, processor = time.perf_counter(), time.process_time()
    rows = work()
    figures = Figures(time.perf_counter() - began, time.process_time() - processor, _peak_megabytes(), rows)
    sys.stdout.write(json.dumps(asdict(figures)))


def _peak_megabytes() -> float:
    """The peak of this process. That of getrusage may be its parent's, from before the program was loaded."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
