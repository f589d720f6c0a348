"""Starting a run: round trips and time, with parameters and over a slow network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.airflow_home import ODBC, connect_airflow
from benchmarks.incumbent import NAME as INCUMBENT
from benchmarks.incumbent import IncumbentService, connection_uri
from benchmarks.results import Goal, Report, Result, cost
from benchmarks.servers import CatalogService
from benchmarks.tasks import Took, execute
from benchmarks.workers import Worker

NAME = "start"
PLAIN = "SQLExecuteQueryOperator over ODBC"
_RUN_SECONDS = 30.0
_MOST_TIMES_PLAIN = 1.2
"""How many times as long as the plain operator a start may take without a network delay."""


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param parameters: numbers of parameters.
    :param delays: seconds by which the network lengthens a round trip.
    :param repetitions: starts of which the median counts.
    :param incumbent: the Python of the environment that the incumbent is installed in.
    """

    parameters: Sequence[int]
    delays: Sequence[float]
    repetitions: int
    incumbent: Path


FULL = Size(
    parameters=(0, 10, 50),
    delays=(0.0, 0.005, 0.05),
    repetitions=4,
    incumbent=Path(".nox/incumbent/bin/python").absolute(),
)
SMALLEST = Size(parameters=(0, 2), delays=(0.005,), repetitions=1, incumbent=Path(sys.executable))


@dataclass(frozen=True, slots=True)
class Start:
    """The cost of a start, as the median of several.

    :param seconds: from the task's first line until the run was started and the connection closed.
    :param cpu: processor seconds of the task's process meanwhile.
    :param requests: round trips after the login.
    :param round_trips: all round trips on the network: those of TCP's, TLS's and the login's too.
    """

    seconds: float
    cpu: float
    requests: float
    round_trips: float


def run(size: Size) -> Report:
    """Measure.

    :raises FileNotFoundError: the incumbent has no environment.
    """
    if not size.incumbent.exists():
        raise FileNotFoundError(f"{size.incumbent} is missing; `make bench` or `nox --session incumbent` makes it")
    results: list[Result] = []
    requests: set[int] = set()
    times_plain: list[float] = []
    with Worker(CatalogService) as server, Worker(IncumbentService, python=size.incumbent) as incumbent:
        _deploy(server, max(size.parameters))
        server.call("let_runs_take", _RUN_SECONDS)
        for delay in size.delays:
            port = server.call("delay", delay)
            connect_airflow(server.started, port=port)
            for count in size.parameters:
                incumbent.call("prepare", connection_uri(server.started, port=port), _values(count))
                ours, plain, theirs = (
                    _measure(server, size.repetitions, start)
                    for start in (_ours(count), _plain(count), lambda number: incumbent.call("execute", number))
                )
                requests.add(_requests_to_start(server, count))
                if not delay:
                    times_plain.append(ours.seconds / plain.seconds)
                for peer, name in ((theirs, INCUMBENT), (plain, PLAIN)):
                    if delay == size.delays[0]:
                        results += _rows(f"{count} parameters", ours, peer, name)
                    case = f"{count} parameters: time, {delay * 1000:g} ms delay"
                    results.append(
                        cost(NAME, case, "ms", ours=ours.seconds * 1000, peer=peer.seconds * 1000, peer_name=name)
                    )
    return Report(
        "Starting a run",
        results,
        goals=[
            Goal(
                "2 round trips once connected, for any number of parameters: " + ", ".join(map(str, sorted(requests))),
                requests == {2},
            ),
            *(
                [
                    Goal(
                        f"without a network delay, at most {_MOST_TIMES_PLAIN} times as long as {PLAIN}, for "
                        f"{', '.join(map(str, size.parameters))} parameters: "
                        + ", ".join(f"{times:.2f}" for times in times_plain),
                        max(times_plain) <= _MOST_TIMES_PLAIN,
                    )
                ]
                if times_plain
                else []
            ),
        ],
        note=(
            "Each is a whole task without its wait: connect, log in, start, disconnect. The network's round "
            "trips include all of that. Requests count from the login on; those of the peers include their "
            "drivers' requests about transactions and options. Both peers send one batch that creates and starts at "
            "once; ours saves "
            "the execution's id in between and holds a lock, so that a crash neither loses nor doubles a run. "
            "Time includes the embedded SSISDB's own, which is most of it without delay."
        ),
    )


def _rows(case: str, ours: Start, peer: Start, name: str) -> list[Result]:
    """The results that do not depend on the network's delay."""
    return [
        cost(NAME, f"{case}: requests", "requests", ours=ours.requests, peer=peer.requests, peer_name=name),
        cost(NAME, f"{case}: network", "round trips", ours=ours.round_trips, peer=peer.round_trips, peer_name=name),
        cost(NAME, f"{case}: processor", "ms", ours=ours.cpu * 1000, peer=peer.cpu * 1000, peer_name=name),
    ]


def _deploy(server: Worker, parameters: int) -> None:
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    from tests.support.ssis_projects import make_ispac, package, parameter, task

    load = package("Load.dtsx", task("Copy"), parameters=[parameter(_name(n)) for n in range(parameters)])
    connect_airflow(server.started)
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", make_ispac("Mart", packages=[load]))


def _measure(server: Worker, repetitions: int, start: Callable[[int], Took]) -> Start:
    # The first start imports and compiles; it does not count.
    start(0)
    starts = []
    for number in range(1, repetitions + 1):
        requests, round_trips = server.call("traffic").requests, server.call("round_trips")
        took = start(number)
        starts.append(
            Start(
                seconds=took.seconds,
                cpu=took.cpu,
                requests=server.call("traffic").requests - requests,
                round_trips=server.call("round_trips") - round_trips,
            )
        )
    return Start(
        seconds=median(each.seconds for each in starts),
        cpu=median(each.cpu for each in starts),
        requests=median(each.requests for each in starts),
        round_trips=median(each.round_trips for each in starts),
    )


def _name(number: int) -> str:
    return f"Parameter{number}"


def _values(count: int) -> dict[str, str]:
    return {_name(number): f"value {number}" for number in range(count)}


def _ours(count: int) -> Callable[[int], Took]:
    from airflow_provider_ssis.operators.run import SsisRunPackageOperator

    operator = SsisRunPackageOperator(
        task_id="load",
        folder="Sales",
        project="Mart",
        package="Load.dtsx",
        parameters=_values(count),
        deferrable=True,
    )
    return lambda number: execute(operator, number)


def _requests_to_start(server: Worker, count: int) -> int:
    """The number of requests on an open connection until the run is started."""
    from airflow_provider_ssis.catalog.requests import ExecutionRequest
    from airflow_provider_ssis.executions.deadline import Deadline
    from airflow_provider_ssis.executions.submit import OnPreviousRun, Submission, TaskStamp, submit
    from airflow_provider_ssis.executions.task_state import TaskState
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    from tests.support.task_runs import LogRecord

    submission = Submission(
        request=ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx", parameters=_values(count)),
        stamp=TaskStamp("nightly", str(time.time_ns()), "load", -1, 1),
        is_stamped=True,
        alone=False,
        on_previous_run=OnPreviousRun.FAIL,
        lookback=3600,
        deadline=Deadline(None),
        stop_timeout=10.0,
        poll_interval=1.0,
        outage_timeout=10.0,
    )
    with SsisCatalogHook().open_catalog() as catalog:
        before = server.call("traffic").requests
        submit(catalog, submission, TaskState(None), before_start=lambda execution_id: None, log=LogRecord())
        requests: int = server.call("traffic").requests - before
    return requests


def _plain(count: int) -> Callable[[int], Took]:
    from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

    from airflow_provider_ssis.odbc.drivers import find_driver

    values = "".join(
        f"EXEC catalog.set_execution_parameter_value @id, 30, N'{name}', N'{value}';\n"
        for name, value in _values(count).items()
    )
    operator = SQLExecuteQueryOperator(
        task_id="load",
        conn_id=ODBC,
        hook_params={"driver": find_driver().name},
        autocommit=True,
        split_statements=False,
        sql=(
            "SET NOCOUNT ON; DECLARE @id bigint;\n"
            "EXEC catalog.create_execution @folder_name = N'Sales', @project_name = N'Mart',"
            " @package_name = N'Load.dtsx', @execution_id = @id OUTPUT;\n"
            f"{values}EXEC catalog.start_execution @id;\nSELECT @id AS execution_id;"
        ),
    )
    return lambda number: execute(operator, number)
