"""The embedded SSISDB itself: time to start, throughput, and how that depends on the amount of stored data."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import Endpoint
from benchmarks.airflow_home import connect_airflow
from benchmarks.results import Goal, Report, Result, cost, rate
from benchmarks.servers import BareService, CatalogService
from benchmarks.workers import Service, Worker

NAME = "emulator"
_LEAST_OF_BARE = 0.1
"""The rate of status queries, as a part of the rate of the wire protocol alone."""
PEER = "the wire protocol with one fixed answer"


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param starts: server starts of which the median counts.
    :param connections: numbers of concurrent connections.
    :param seconds: how long they send queries.
    :param few: stored executions, whose statuses are queried.
    :param many: stored executions to compare with.
    :param polls: status queries of which the median counts.
    """

    starts: int
    connections: Sequence[int]
    seconds: float
    few: int
    many: int
    polls: int


FULL = Size(starts=5, connections=(1, 50), seconds=2.0, few=1_000, many=100_000, polls=30)
SMALLEST = Size(starts=1, connections=(1, 2), seconds=0.1, few=100, many=1000, polls=3)


def run(size: Size) -> Report:
    """Measure."""
    round_trips = _round_trips(size)
    status = round_trips[-1]
    return Report(
        "The embedded SSISDB",
        [_start_up(size), *round_trips, *_stored(size)],
        goals=[
            Goal(
                f"{status.case}: at least {_LEAST_OF_BARE:g} of the bare protocol's rate: {status.ratio or 0:.3f}",
                (status.ratio or 0) >= _LEAST_OF_BARE,
            )
        ],
        note=(
            "The peer of start-up and round trips is our own TDS server without a database, which is as fast as "
            "a server in Python can be for this driver: the ratio is the additional cost of T-SQL and the catalog. The "
            "peer of the status query is the same query while fewer executions are stored."
        ),
    )


def _start_up(size: Size) -> Result:
    def seconds(make: Callable[..., Service], *arguments: object) -> float:
        taken = []
        for _ in range(size.starts):
            with Worker(make, *arguments) as server:
                taken.append(server.start_seconds)
        return median(taken)

    ours, peer = seconds(CatalogService), seconds(BareService, 1)
    return cost(NAME, "start-up of the process", "ms", ours=ours * 1000, peer=peer * 1000, peer_name=PEER)


def _round_trips(size: Size) -> list[Result]:
    queries = {
        "SELECT 1": "SELECT 1 AS n",
        "status of an execution": "SELECT status FROM catalog.executions WHERE execution_id = ?",
    }
    results = []
    with Worker(CatalogService) as server, Worker(BareService, 1) as bare:
        (execution_id, *_) = server.call("store_executions", size.few, OperationStatus.SUCCEEDED, 3600.0)
        for name, sql in queries.items():
            values = (execution_id,) if "?" in sql else ()
            for connections in size.connections:
                ours, peer = (
                    _per_second(each.started, connections, size.seconds, sql, values) for each in (server, bare)
                )
                case = f"{name}, {connections} {'connection' if connections == 1 else 'connections'}"
                results.append(rate(NAME, case, "per second", ours=ours, peer=peer, peer_name=PEER))
    return results


def _per_second(endpoint: Endpoint, connections: int, seconds: float, sql: str, values: tuple[int, ...]) -> float:
    """Round trips per second of this number of connections, each in a separate thread."""
    import pyodbc

    opened = [pyodbc.connect(endpoint.odbc(), autocommit=True) for _ in range(connections)]
    counts = [0] * connections
    ready = threading.Barrier(connections + 1)
    end = threading.Event()

    def ask(number: int) -> None:
        cursor = opened[number].cursor()
        cursor.execute(sql, values).fetchall()
        ready.wait()
        while not end.is_set():
            cursor.execute(sql, values).fetchall()
            counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    done, taken = sum(counts), time.perf_counter() - began
    end.set()
    for thread in threads:
        thread.join()
    for connection in opened:
        connection.close()
    return done / taken


def _stored(size: Size) -> list[Result]:
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    with Worker(CatalogService) as server:
        connect_airflow(server.started)
        ids = server.call("store_executions", size.few, OperationStatus.RUNNING, 600.0)
        with SsisCatalogHook().open_catalog() as catalog:
            chosen = {"one execution": ids[:1], f"{len(ids):,} executions": ids}
            few = {name: _status_seconds(catalog, wanted, size.polls) for name, wanted in chosen.items()}
            server.call("store_executions", size.many - size.few, OperationStatus.SUCCEEDED, 3600.0)
            many = {name: _status_seconds(catalog, wanted, size.polls) for name, wanted in chosen.items()}
    return [
        cost(
            NAME,
            f"status of {name} of {size.many:,}",
            "ms",
            ours=many[name] * 1000,
            peer=few[name] * 1000,
            peer_name=f"of {size.few:,}",
        )
        for name in chosen
    ]


def _status_seconds(catalog: Catalog, execution_ids: Sequence[int], times: int) -> float:
    """The median time of the poller's query, in seconds."""
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        catalog.execution_states(execution_ids)
        taken.append(time.perf_counter() - began)
    # The first query is compiled.
    return median(taken[1:])
