"""Feed mutated inputs to the project: ``python -m scripts.fuzz [target ...] [--seconds 60] [--seed 1]``.

Each fault is printed and its input is kept. ``--seed S --first N --count 1`` makes one input again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from random import SystemRandom

from tests.fuzz.target import faults
from tests.fuzz.targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """Fuzz until the end of the given time or count; returns 1 if there was a fault, else 0."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description="Feed mutated inputs to the project.")
    parser.add_argument("targets", nargs="*", metavar="target", help=f"{', '.join(TARGETS)} (default: all)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="how long to run each target (default: 60 s)")
    length.add_argument("--count", type=int, help="how many inputs to feed to each target")
    parser.add_argument("--seed", type=int, help="repeats the inputs of that seed (default: a new one)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input (default: 0)")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.targets if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}; choose from {', '.join(TARGETS)}")
    seed = SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    seconds = 60.0 if given.seconds is None and given.count is None else given.seconds
    found = 0
    for name in given.targets or TARGETS:
        print(f"{name}: seed {seed}", flush=True)
        for fault in faults(TARGETS[name](), seed=seed, first=given.first, count=given.count, seconds=seconds):
            print(f"FAULT {fault}", flush=True)
            found += 1
    print(f"{found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
