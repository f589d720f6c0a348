"""Waiting for executions in the triggerer: its cost, and the time until an end is noticed."""

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
from benchmarks.waiters import Lag, Usage, WaiterService, ours, polling_alone
from benchmarks.workers import Worker

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

NAME = "waiting"
PEER = "a loop per trigger"
_AGE_SECONDS = 600.0
"""The age of the executions. Our poller polls young ones more often, the peer does not."""
_GROUPS = 13
_LONGEST_END_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param counts: numbers of executions.
    :param most_with_peer: the largest number for which the peer is run too.
    :param poll_interval: seconds between two polls, of both.
    :param polls: polls during which to measure.
    """

    counts: Sequence[int]
    most_with_peer: int
    poll_interval: float
    polls: int


FULL = Size(counts=(10, 100, 1000, 5000), most_with_peer=1000, poll_interval=4.0, polls=3)
SMALLEST = Size(counts=(10,), most_with_peer=10, poll_interval=0.2, polls=2)


@dataclass(frozen=True, slots=True)
class Wait:
    """The cost of waiting for some executions.

    :param window: seconds during which the traffic and the usage were measured.
    :param connections: connections opened from the first poll to the end of the window.
    :param requests: requests to the server per second.
    :param polls: polls of one execution per second.
    :param usage: the usage of the triggers' process.
    :param lag_at_first: the event loop's lag while the triggers started and polled first.
    :param lag: the same while they waited.
    :param lag_at_ends: the same while the executions ended.
    :param seconds_to_event: from the end of each execution to its event.
    """

    count: int
    window: float
    connections: int
    requests: float
    polls: float
    usage: Usage
    lag_at_first: Lag
    lag: Lag
    lag_at_ends: Lag
    seconds_to_event: Sequence[float]

    @property
    def cpu_per_poll(self) -> float:
        """Processor milliseconds per poll of one execution."""
        return self.usage.cpu * 1000 / (self.polls * self.window)

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
        peer = _measure(size, count, polling_alone) if count <= size.most_with_peer else None
        results += _rows(mine, peer)
        goals += _goals(mine, peer, size)
    return Report(
        f"Waiting, a poll every {size.poll_interval:g} s",
        results,
        note=(
            "The peer's triggers share one thread, as in Airflow; where that cannot keep the interval, it "
            "makes fewer polls, as the row 'polls' shows, so the cost of a poll compares "
            "the two. Executions end over two intervals. A garbage collection stops all threads of a "
            "process; most of the objects are Airflow's own."
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
            time.sleep(size.polls * size.poll_interval)
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
    # Our poller polls as many at once as there are markers; the peer logs in for each poll.
    polls = logins if make is polling_alone else count * requests / math.ceil(count / MAX_MARKERS)
    return Wait(
        count=count,
        window=window,
        connections=after.logins,
        requests=requests / window,
        polls=polls / window,
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
        ("processor per poll", "ms", lambda wait: wait.cpu_per_poll),
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
    polls = cost(
        NAME,
        f"{mine.count}: polls of executions",
        "per second",
        ours=mine.polls,
        peer=None if peer is None else peer.polls,
        peer_name=PEER,
    )
    return [*rows[:2], polls, *rows[2:]]


def _goals(mine: Wait, peer: Wait | None, size: Size) -> list[Goal]:
    goals = []
    if mine.count == 1000:
        queries = mine.requests * size.poll_interval
        goals.append(
            Goal(f"1,000 wait on one connection: {mine.connections}", mine.connections == 1),
        )
        goals.append(Goal(f"1,000 take at most 2 queries a tick: {queries:.2g}", queries <= 2))
        if peer is not None:
            ratio = peer.cpu_per_poll / mine.cpu_per_poll
            goals.append(Goal(f"1,000 take at least 50 times less processor: {ratio:.0f} times", ratio >= 50))
    if mine.count == 5000:
        lags = [lag.worst for lag in (mine.lag_at_first, mine.lag, mine.lag_at_ends)]
        figures = " / ".join(f"{lag * 1000:.0f}" for lag in lags)
        goals.append(
            Goal(f"event-loop lag under 100 ms at 5,000: {figures} ms at first polls / waiting / ends", max(lags) < 0.1)
        )
    return goals
