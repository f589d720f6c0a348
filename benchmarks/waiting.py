"""Waiting for executions in the triggerer: what it costs, and how soon an end is seen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.sql.statements import MAX_MARKERS
from benchmarks.airflow_home import connect_airflow, log_level
from benchmarks.results import Goal, Report, Result, cost
from benchmarks.servers import CatalogService
from benchmarks.waiters import Lag, Usage, WaiterService, looking_alone, ours
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

NAME = "waiting"
PEER = "a loop per trigger"
_AGE_SECONDS = 600.0
"""Executions that began a while ago: young ones are looked at sooner, which only ours does."""
_GROUPS = 13
_LONGEST_END_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param counts: numbers of executions.
    :param most_with_peer: the most for which the peer is run too.
    :param poll_interval: seconds between two looks, of both.
    :param looks: looks during which to measure.
    """

    counts: Sequence[int]
    most_with_peer: int
    poll_interval: float
    looks: int


FULL = Size(counts=(10, 100, 1000, 5000), most_with_peer=1000, poll_interval=4.0, looks=3)
SMALLEST = Size(counts=(10,), most_with_peer=10, poll_interval=0.2, looks=2)


@dataclass(frozen=True, slots=True)
class Wait:
    """What waiting for some executions took.

    :param window: seconds during which the traffic and the usage were measured.
    :param connections: connections opened from the first look to the end of the window.
    :param requests: requests that the server saw per second.
    :param looks: looks at one execution per second.
    :param usage: what the triggers' process used.
    :param lag_at_first: the event loop's lag while the triggers came and looked first.
    :param lag: the same while they waited.
    :param lag_at_ends: the same while the executions ended.
    :param seconds_to_event: from the end of each execution to its event.
    """

    count: int
    window: float
    connections: int
    requests: float
    looks: float
    usage: Usage
    lag_at_first: Lag
    lag: Lag
    lag_at_ends: Lag
    seconds_to_event: Sequence[float]

    @property
    def cpu_per_look(self) -> float:
        """Processor milliseconds for a look at one execution."""
        return self.usage.cpu * 1000 / (self.looks * self.window)

    @property
    def collection(self) -> float:
        """The longest garbage collection, in seconds."""
        return max(lag.collection for lag in (self.lag_at_first, self.lag, self.lag_at_ends))

    @property
    def cpu_share(self) -> float:
        """Percent of one processor."""
        return self.usage.cpu * 100 / self.window


def run(size: Size) -> Report:
    """Measure."""
    results: list[Result] = []
    goals: list[Goal] = []
    for count in size.counts:
        mine = _measure(size, count, ours)
        peer = _measure(size, count, looking_alone) if count <= size.most_with_peer else None
        results += _rows(mine, peer)
        goals += _goals(mine, peer, size)
    return Report(
        f"Waiting, a look every {size.poll_interval:g} s",
        results,
        note=(
            "The peer's triggers share one thread, as Airflow gives it; where that cannot keep the interval, it "
            "makes fewer looks than asked for, which the row 'looks' shows, and a look's cost is what compares "
            "the two. Executions end over two intervals. A garbage collection holds up all threads of a "
            "process, whosever objects they are; Airflow's own are most of them."
        ),
        goals=goals,
    )


def _measure(size: Size, count: int, make: Callable[[float], Callable[[int], BaseTrigger]]) -> Wait:
    with Worker(CatalogService) as server:
        connect_airflow(server.started)
        ids = server.call("store_executions", count, OperationStatus.RUNNING, _AGE_SECONDS)
        # As in a triggerer, where each task's log is written.
        with log_level("INFO"), Worker(WaiterService, make, size.poll_interval) as waiters:
            waiters.call("begin_lag")
            waiters.call("wait_for", ids)
            time.sleep(1.5 * size.poll_interval)
            lag_at_first = waiters.call("end_lag")

            waiters.call("begin_usage")
            before, began = server.call("traffic"), time.monotonic()
            time.sleep(size.looks * size.poll_interval)
            usage = waiters.call("end_usage")
            after, window = server.call("traffic"), time.monotonic() - began

            waiters.call("begin_lag")
            time.sleep(1.2 * size.poll_interval)
            lag = waiters.call("end_lag")
            waiters.call("begin_lag")
            ended = _end_all(server, ids, 2 * size.poll_interval)
            seen = _all_seen(waiters, count)
            lag_at_ends = waiters.call("end_lag")
    requests, logins = after.requests - before.requests, after.logins - before.logins
    # Ours look at as many at once as there are markers; the others log in for each look.
    looks = logins if make is looking_alone else count * requests / math.ceil(count / MAX_MARKERS)
    return Wait(
        count=count,
        window=window,
        connections=after.logins,
        requests=requests / window,
        looks=looks / window,
        usage=usage,
        lag_at_first=lag_at_first,
        lag=lag,
        lag_at_ends=lag_at_ends,
        seconds_to_event=[seen[execution_id] - ended[execution_id] for execution_id in ids],
    )


def _end_all(server: Worker, ids: Sequence[int], seconds: float) -> dict[int, float]:
    """Let executions end in groups, over so many seconds."""
    ended: dict[int, float] = {}
    groups = min(_GROUPS, len(ids))
    for number in range(groups):
        group = ids[number::groups]
        ended |= dict.fromkeys(group, server.call("end_executions", group))
        time.sleep(seconds / groups)
    return ended


def _all_seen(waiters: Worker, count: int) -> dict[int, float]:
    deadline = time.monotonic() + _LONGEST_END_SECONDS
    while len(seen := waiters.call("seen")) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(seen)} of {count} ends were seen after {_LONGEST_END_SECONDS:g} s")
        time.sleep(0.2)
    found: dict[int, float] = seen
    return found


def _rows(mine: Wait, peer: Wait | None) -> list[Result]:
    figures: list[tuple[str, str, Callable[[Wait], float]]] = [
        ("connections opened", "connections", lambda wait: wait.connections),
        ("queries at the server", "per second", lambda wait: wait.requests),
        ("processor per poll", "ms", lambda wait: wait.cpu_per_look),
        ("processor", "% of one", lambda wait: wait.cpu_share),
        ("memory per waiting task", "KiB", lambda wait: wait.usage.memory / 1024 / wait.count),
        ("worst event-loop lag, first polls", "ms", lambda wait: wait.lag_at_first.worst * 1000),
        ("worst event-loop lag, waiting", "ms", lambda wait: wait.lag.worst * 1000),
        ("worst event-loop lag, ends", "ms", lambda wait: wait.lag_at_ends.worst * 1000),
        ("longest garbage collection", "ms", lambda wait: wait.collection * 1000),
        ("mean time from end to event", "s", lambda wait: sum(wait.seconds_to_event) / wait.count),
        ("worst time from end to event", "s", lambda wait: max(wait.seconds_to_event)),
    ]
    rows = [
        cost(
            NAME,
            f"{mine.count}: {label}",
            unit,
            ours=figure(mine),
            peer=None if peer is None else figure(peer),
            peer_name=PEER,
        )
        for label, unit, figure in figures
    ]
    looks = cost(
        NAME,
        f"{mine.count}: polls of executions",
        "per second",
        ours=mine.looks,
        peer=None if peer is None else peer.looks,
        peer_name=PEER,
    )
    return [*rows[:2], looks, *rows[2:]]


def _goals(mine: Wait, peer: Wait | None, size: Size) -> list[Goal]:
    goals = []
    if mine.count == 1000:
        queries = mine.requests * size.poll_interval
        goals.append(
            Goal(f"1,000 wait on one connection: {mine.connections}", mine.connections == 1),
        )
        goals.append(Goal(f"1,000 take at most 2 queries a tick: {queries:.2g}", queries <= 2))
        if peer is not None:
            ratio = peer.cpu_per_look / mine.cpu_per_look
            goals.append(Goal(f"1,000 take at least 50 times less processor: {ratio:.0f} times", ratio >= 50))
    if mine.count == 5000:
        lags = [lag.worst for lag in (mine.lag_at_first, mine.lag, mine.lag_at_ends)]
        figures = " / ".join(f"{lag * 1000:.0f}" for lag in lags)
        goals.append(
            Goal(f"event-loop lag under 100 ms at 5,000: {figures} ms at first polls / waiting / ends", max(lags) < 0.1)
        )
    return goals
