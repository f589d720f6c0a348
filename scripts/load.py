"""Let many clients work on one embedded SSISDB under injected deadlocks and lock timeouts: ``python -m scripts.load``.

Run by ``make load``. The work is done in rounds. After each round, the catalog is compared with the acknowledged writes
and emptied, so that the memory of the server must stay the same.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.concurrent_clients import empty, work_together
from tests.support.emulator_process import MEGABYTE, EmulatorProcess

WARM_UP = 3
"""Rounds after which the server's caches are filled."""
WINDOW = 3
"""Rounds of which the lowest memory counts: DuckDB keeps up to 16 MB of changes until its next checkpoint."""
GROWTH = 0.08
"""How much of its memory the server may grow from the first rounds after the warm-up to the last rounds."""


def main(arguments: Sequence[str]) -> int:
    """Run the rounds; returns 1 if the server's memory grew, else 0. Any other fault is an error."""
    parser = argparse.ArgumentParser(prog="python -m scripts.load", description=__doc__)
    parser.add_argument("--clients", type=int, default=100, help="clients at the same time (default: 100)")
    parser.add_argument("--operations", type=int, default=20_000, help="of all clients together (default: 20000)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of the operations (default: 10)")
    parser.add_argument("--seed", default="load", help="the seed of the clients' choices")
    parser.add_argument("--in-memory", action="store_true", help="keep no data folder")
    given = parser.parse_args(arguments)
    logging.getLogger("airflow_provider_ssis.catalog").setLevel(logging.ERROR)
    memory = []
    with TemporaryDirectory(prefix="ssis-load-") as folder:
        options = [] if given.in_memory else ["--data-dir", str(Path(folder) / "data")]
        with EmulatorProcess(*options) as server:
            for number in range(given.rounds):
                began = time.monotonic()
                outcome = work_together(
                    server,
                    clients=given.clients,
                    operations=given.operations // given.rounds,
                    seed=f"{given.seed}/{number}",
                )
                seconds = time.monotonic() - began
                empty(server)
                memory.append(server.memory("VmRSS") / MEGABYTE)
                print(
                    f"round {number + 1}: {outcome.operations} operations in {seconds:.0f} s, {outcome.repetitions} "
                    f"repetitions, {outcome.executions} executions, conflicts {dict(outcome.conflicts)}, memory "
                    f"{memory[-1]:.0f} MB",
                    flush=True,
                )
    if len(memory) < WARM_UP + 2 * WINDOW:
        print(f"The memory is not judged: that needs {WARM_UP + 2 * WINDOW} rounds.")
        return 0
    grown = min(memory[-WINDOW:]) / min(memory[WARM_UP : WARM_UP + WINDOW]) - 1
    print(f"The memory grew by {grown:.1%} after round {WARM_UP}; at most {GROWTH:.0%} is allowed.")
    return int(grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
