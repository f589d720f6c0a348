"""Clients that work on one catalog at the same time, and what the catalog must contain afterwards.

Each client keeps a record of the writes that the catalog acknowledged. The clients of a group share a folder, a project
and its versions, so that they also conflict with each other. Every client orders deadlocks (1205) and lock timeouts
(1222) as it works, which hit any client.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
from airflow_provider_ssis.catalog.errors import CatalogError, ProjectChanged, StartInterrupted
from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest
from airflow_provider_ssis.catalog.retries import RetryPolicy
from tests.support.emulator_process import EmulatorProcess
from tests.support.ssis_projects import make_ispac, package, parameter, task
from tests.support.waiting import wait_until

GROUP_SIZE = 5
PROJECT = "Work"
QUICK, SLOW = "Quick.dtsx", "Slow.dtsx"
ISPAC = make_ispac(
    PROJECT,
    packages=[
        package(name, task("Copy"), parameters=[parameter("Token", "Int64", 0), parameter("Title", "String", "")])
        for name in (QUICK, SLOW)
    ],
    parameters=[parameter(f"Limit{member}", "Int64", 0) for member in range(GROUP_SIZE)],
)
FAULTS = ((1205, 13), (1222, 16))
"""Numbers and severities of the errors that are injected."""
FAULT_RATE = 0.4
"""Errors that a client orders for each of its steps."""
PROCEDURES = (
    "create_folder",
    "set_folder_description",
    "create_environment",
    "create_environment_variable",
    "set_environment_variable_value",
    "set_object_parameter_value",
    "deploy_project",
    "create_execution",
    "set_execution_parameter_value",
    "set_execution_property_override_value",
    "start_execution",
    "stop_operation",
)
"""Procedures whose calls raise an error in the middle of a request."""
STATEMENTS = ("catalog.executions", "catalog.object_parameters", "catalog.environment_variables", "catalog.", "")
"""Parts of requests that are answered with an error."""
_RETRY = RetryPolicy(timeout=120.0, first_delay=0.02, longest_delay=0.5)


class CountingClock:
    """The system's clock, which counts the waits before repetitions."""

    def __init__(self) -> None:
        self.waits = 0

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        self.waits += 1
        time.sleep(seconds)


@dataclass(slots=True)
class Acknowledged:
    """The writes of one client that the catalog acknowledged."""

    folders: dict[str, str] = field(default_factory=dict)
    """Descriptions by name."""
    variables: dict[str, dict[str, int]] = field(default_factory=dict)
    """Values of variables by the environment's name and the variable's."""
    versions: list[int] = field(default_factory=list)
    limit: int | None = None
    """The value of the project parameter that only this client sets."""
    executions: dict[int, tuple[int, OperationStatus]] = field(default_factory=dict)
    """Token and final status by id."""
    stops: int = 0


class Client:
    """A client with a connection and a record that it keeps.

    :param server: the server.
    :param number: the client's number, from 0.
    :param seed: the seed of its choices.
    """

    def __init__(self, server: EmulatorProcess, number: int, seed: str) -> None:
        self.number = number
        self.folder = f"Group {number // GROUP_SIZE}"
        self.acknowledged = Acknowledged()
        self.errors: list[str] = []
        self.conflicts: Counter[str] = Counter()
        self.operations = 0
        self.clock = CountingClock()
        self._random = random.Random(f"{seed}/{number}")
        self._tokens = iter(range(number * 1_000_000, (number + 1) * 1_000_000))
        self._faults = server.connect()
        self._catalog = Catalog(server.connect(), retry=_RETRY, clock=self.clock)

    @property
    def catalog(self) -> Catalog:
        """The catalog; each use counts as an operation."""
        self.operations += 1
        return self._catalog

    def work(self, operations: int) -> None:
        """Do random steps until that many operations are done. Errors are recorded."""
        steps = (self.deploy, self.configure, self.describe, self.run, self.run, self.run_keyed, self.stop, self.read)
        end = self.operations + operations
        while self.operations < end:
            if self._random.random() < FAULT_RATE:
                self._order_fault()
            step = self._random.choice(steps)
            try:
                step()
            except CatalogError as error:
                self.errors.append(f"client {self.number}, {step.__name__}: {type(error).__name__}: {error}")
            except AssertionError as error:
                self.errors.append(f"client {self.number}, {step.__name__}: wrong answer: {error}")

    def close(self) -> None:
        """End the session."""
        self._catalog.close()
        self._faults.close()

    def deploy(self) -> None:
        """Deploy the group's project, which its other clients may do at the same moment."""
        self.acknowledged.versions.append(self.catalog.deploy_project(self.folder, PROJECT, ISPAC).object_version_lsn)

    def configure(self) -> None:
        """Create an environment with variables, change one, and set the client's own parameter of the project."""
        name = f"Environment {self._token()}"
        self.catalog.create_environment(self.folder, name)
        variables = self.acknowledged.variables[name] = {}
        for variable in ("A", "B"):
            value = self._token()
            self.catalog.create_environment_variable(self.folder, name, variable, value, data_type="Int64")
            variables[variable] = value
        value = self._token()
        self.catalog.set_environment_variable_value(self.folder, name, "A", value)
        variables["A"] = value
        value = self._token()
        self.catalog.set_object_parameter_value(self.folder, PROJECT, f"Limit{self.number % GROUP_SIZE}", value)
        self.acknowledged.limit = value

    def describe(self) -> None:
        """Create a folder with a description."""
        name, description = f"Folder {self._token()}", f"of client {self.number}"
        folder = self.catalog.create_folder(name, description)
        self.acknowledged.folders[name] = description
        assert folder.description == description, folder

    def run(self) -> None:
        """Create an execution with values, and start it."""
        token = self._token()
        request = self._request(token, QUICK)
        self._start(self.catalog.create_execution(request), token)

    def run_keyed(self) -> None:
        """Create and start an execution by a key, each twice, as two tries of a task do."""
        token = self._token()
        request = self._request(token, QUICK)
        correlation = Correlation(key=f"key {token}", lock=f"lock {token}")
        first = self.catalog.get_or_create_execution(request, correlation)
        self.acknowledged.executions[first.execution_id] = token, OperationStatus.CREATED
        try:
            self.catalog.start_correlated_execution(first.execution_id, correlation)
        except (ProjectChanged, StartInterrupted) as conflict:
            self._note_conflict(conflict, first.execution_id, token)
            return
        self.acknowledged.executions[first.execution_id] = token, OperationStatus.SUCCEEDED
        second = self.catalog.get_or_create_execution(request, correlation)
        assert second.execution_id == first.execution_id, (first, second)
        status = self.catalog.start_correlated_execution(first.execution_id, correlation).status
        assert status is not OperationStatus.CREATED, status

    def stop(self) -> None:
        """Start an execution that takes long, and stop it."""
        token = self._token()
        execution_id = self.catalog.create_execution(self._request(token, SLOW))
        if self._start(execution_id, token):
            wait_until(lambda: self._status(execution_id) is OperationStatus.RUNNING, "the execution runs")
            self.catalog.stop_operation(execution_id)
            self.acknowledged.stops += 1
            self.acknowledged.executions[execution_id] = token, OperationStatus.CANCELED

    def read(self) -> None:
        """Read own writes: they are there as soon as they are acknowledged."""
        known = self.acknowledged
        for execution_id, (token, _) in list(known.executions.items())[-1:]:
            values = {each.parameter_name: each for each in self.catalog.execution_parameter_values(execution_id)}
            assert values["Token"].parameter_value == token, values
        for name, variables in list(known.variables.items())[-1:]:
            rows = self.catalog.environment_variables(self.folder, name)
            assert {each.name: each.value for each in rows} == variables, rows
        if known.versions:
            assert known.versions[-1] in {
                each.object_version_lsn for each in self.catalog.project_versions(self.folder, PROJECT)
            }
        assert len(list(self.catalog.executions(folder=self.folder, project=PROJECT, limit=20))) <= 20

    def _start(self, execution_id: int, token: int) -> bool:
        self.acknowledged.executions[execution_id] = token, OperationStatus.CREATED
        try:
            self.catalog.start_execution(execution_id)
        except (ProjectChanged, StartInterrupted) as conflict:
            self._note_conflict(conflict, execution_id, token)
            return False
        self.acknowledged.executions[execution_id] = token, OperationStatus.SUCCEEDED
        return True

    def _note_conflict(self, conflict: CatalogError, execution_id: int, token: int) -> None:
        """The catalog failed the execution: it was interrupted, or another client of the group deployed in between.

        That is an answer, not a fault to retry.
        """
        self.conflicts[type(conflict).__name__] += 1
        self.acknowledged.executions[execution_id] = token, OperationStatus.FAILED

    def _status(self, execution_id: int) -> OperationStatus:
        execution = self.catalog.execution(execution_id)
        assert execution is not None
        return execution.status

    def _request(self, token: int, name: str) -> ExecutionRequest:
        return ExecutionRequest(
            folder=self.folder,
            project=PROJECT,
            package=name,
            parameters={"Token": token, "Title": f"title {token}"},
            property_overrides={r"\Package.Properties[Disable]": "false"},
        )

    def _token(self) -> int:
        return next(self._tokens)

    def _order_fault(self) -> None:
        number, severity = self._random.choice(FAULTS)
        if self._random.random() < 0.7:
            statement, procedure = "", self._random.choice(PROCEDURES)
        else:
            statement, procedure = self._random.choice(STATEMENTS), None
        self._faults.execute(
            "EXEC emulator.answer_with_error @number = ?, @severity = ?, @statement = ?, @procedure = ?",
            number,
            severity,
            statement,
            procedure,
        ).close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round of clients did.

    :param operations: calls of the client.
    :param repetitions: waits before repeated calls.
    :param conflicts: errors that state a conflict by meaning.
    :param executions: executions that were created.
    """

    operations: int
    repetitions: int
    conflicts: Counter[str]
    executions: int


def work_together(server: EmulatorProcess, *, clients: int, operations: int, seed: str) -> Outcome:
    """Let clients work at the same time, and check the catalog afterwards. It must be empty before.

    :param server: the server.
    :param clients: the number of clients.
    :param operations: the number of operations, of all clients together.
    :param seed: the seed of their choices.
    :raises AssertionError: a client got an error that a retry should have hidden, or the catalog differs from what it
        acknowledged.
    """
    execute = server.administrator.execute
    execute("EXEC catalog.configure_catalog N'MAX_PROJECT_VERSIONS', N'9999'")
    execute("EXEC emulator.take_time @seconds = 3600, @package_name = ?", SLOW)
    groups = [f"Group {number}" for number in range(-(-clients // GROUP_SIZE))]
    first_versions = {}
    with Catalog(server.connect()) as catalog:
        for group in groups:
            catalog.create_folder(group)
            first_versions[group] = catalog.deploy_project(group, PROJECT, ISPAC).object_version_lsn
    with ThreadPoolExecutor(clients) as threads:
        workers = list(threads.map(lambda number: Client(server, number, seed), range(clients)))
        list(threads.map(lambda client: client.work(operations // clients), workers))
    execute("EXEC emulator.clear_faults")
    for worker in workers:
        worker.close()
    with Catalog(server.connect()) as catalog:
        wait_until(lambda: not catalog.running(), "all executions have ended")
        differences = [*(error for worker in workers for error in worker.errors)]
        differences += _differences(catalog, workers, first_versions)
    assert not differences, f"{len(differences)} faults:\n" + "\n".join(differences[:20])
    return Outcome(
        operations=sum(worker.operations for worker in workers),
        repetitions=sum(worker.clock.waits for worker in workers),
        conflicts=sum((worker.conflicts for worker in workers), Counter[str]()),
        executions=sum(len(worker.acknowledged.executions) for worker in workers),
    )


def empty(server: EmulatorProcess) -> None:
    """Delete everything that the clients created."""
    with Catalog(server.connect()) as catalog:
        for project in catalog.projects():
            catalog.delete_project(project.folder_name, project.name)
        for environment in catalog.environments():
            catalog.delete_environment(environment.folder_name, environment.name)
        for folder in catalog.folders():
            catalog.delete_folder(folder.name)
    execute = server.administrator.execute
    execute("EXEC emulator.clear_scripts")
    execute("ALTER DATABASE SSISDB SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    execute("EXEC internal.cleanup_server_log")
    execute("ALTER DATABASE SSISDB SET MULTI_USER")


def _differences(catalog: Catalog, workers: Sequence[Client], first_versions: dict[str, int]) -> Iterator[str]:
    """What the catalog contains otherwise than it acknowledged."""
    records = [worker.acknowledged for worker in workers]
    folders = {name: text for record in records for name, text in record.folders.items()}
    folders |= dict.fromkeys(first_versions, "")
    yield from _compare("folder", [(each.name, each.description or "") for each in catalog.folders()], folders.items())
    variables = [
        (worker.folder, environment, name, value)
        for worker in workers
        for environment, values in worker.acknowledged.variables.items()
        for name, value in values.items()
    ]
    found_variables = [
        (each.folder_name, each.name, variable.name, variable.value)
        for each in catalog.environments()
        for variable in catalog.environment_variables(each.folder_name, each.name)
    ]
    yield from _compare("variable", found_variables, variables)
    versions = [(worker.folder, version) for worker in workers for version in worker.acknowledged.versions]
    found_versions = [
        (group, each.object_version_lsn)
        for group in first_versions
        for each in catalog.project_versions(group, PROJECT)
    ]
    yield from _compare("version", found_versions, [*versions, *first_versions.items()])
    deployments = list(
        catalog.operations(operation_type=OperationType.DEPLOY_PROJECT, status=OperationStatus.SUCCEEDED)
    )
    if len(deployments) != len(versions) + len(first_versions):
        yield f"{len(deployments)} deployments succeeded, {len(versions) + len(first_versions)} were acknowledged"
    limits = {
        (worker.folder, f"Limit{worker.number % GROUP_SIZE}"): worker.acknowledged.limit
        for worker in workers
        if worker.acknowledged.limit is not None
    }
    found_limits = {
        (group, each.parameter_name): each.default_value
        for group in first_versions
        for each in catalog.object_parameters(group, PROJECT)
        if each.value_set
    }
    yield from _compare("parameter", found_limits.items(), limits.items())
    executions = [
        (execution_id, token, status)
        for record in records
        for execution_id, (token, status) in record.executions.items()
    ]
    found_executions = [
        (each.execution_id, _token_of(catalog, each.execution_id), each.status) for each in catalog.executions()
    ]
    yield from _compare("execution", found_executions, executions)
    stops = len(list(catalog.operations(operation_type=OperationType.STOP_OPERATION, status=OperationStatus.SUCCEEDED)))
    if stops != sum(record.stops for record in records):
        yield f"{stops} stops were requested, {sum(record.stops for record in records)} were acknowledged"


def _token_of(catalog: Catalog, execution_id: int) -> object:
    return next(
        each.parameter_value
        for each in catalog.execution_parameter_values(execution_id)
        if each.parameter_name == "Token"
    )


def _compare(what: str, found: object, acknowledged: object) -> Iterator[str]:
    found_times, acknowledged_times = Counter(found), Counter(acknowledged)  # type: ignore[call-overload]
    for each, times in (acknowledged_times - found_times).items():
        yield f"lost, {times} times: {what} {each}"
    for each, times in (found_times - acknowledged_times).items():
        yield f"not acknowledged, {times} times: {what} {each}"
