"""Run simulated packages in tests, without a clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airflow_provider_ssis.catalog.codes import ExecutionResult, LoggingLevel, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.control_flow import packages_run_by
from airflow_provider_ssis.emulator.runs.records import (
    EventRecord,
    ExecutableRecord,
    Record,
    StatisticsRecord,
)
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.emulator.runs.simulation import simulate
from airflow_provider_ssis.emulator.runs.steps import Pause, RunStopped
from airflow_provider_ssis.project.models import Package, Parameter, Project
from tests.support.ssis_projects import make_project

START = dt.datetime(2024, 1, 31, 10, 15, tzinfo=dt.timezone(dt.timedelta(hours=2)))


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a run.

    :param seconds: its simulated duration.
    """

    status: OperationStatus
    records: list[Record]
    seconds: float

    @property
    def events(self) -> list[EventRecord]:
        return [record for record in self.records if isinstance(record, EventRecord)]

    @property
    def statistics(self) -> list[StatisticsRecord]:
        return [record for record in self.records if isinstance(record, StatisticsRecord)]

    @property
    def executables(self) -> list[ExecutableRecord]:
        return [record for record in self.records if isinstance(record, ExecutableRecord)]

    def texts(self, *types: MessageType) -> list[str]:
        """The texts of the messages of these types."""
        return [event.message for event in self.events if event.message_type in types]

    @property
    def results(self) -> dict[str, ExecutionResult]:
        """The result of the last iteration of each executable, by execution path."""
        return {record.execution_path: record.execution_result for record in self.statistics}

    @property
    def ran(self) -> list[str]:
        """The names of the executables that began, in order."""
        names = {(record.package_name, record.package_path): record.name_of for record in map(_Named, self.statistics)}
        return [
            names[event.package_name or "", event.package_path or ""]
            for event in self.events
            if event.message_type is MessageType.PRE_EXECUTE
        ]


class _Named:
    """A statistic with the name of its executable, the last part of its path."""

    def __init__(self, record: StatisticsRecord) -> None:
        self.package_name = record.package_name
        self.package_path = record.package_path
        self.name_of = record.package_path.rpartition("\\")[2]


def request(
    package: Package,
    *others: Package,
    level: LoggingLevel = LoggingLevel.BASIC,
    overrides: dict[str, str | None] | None = None,
    parameters: Iterable[Parameter] = (),
    execution_id: int = 1,
) -> RunRequest:
    """The execution of the first of a project's packages."""
    project: Project = make_project("Mart", [package, *others], parameters)
    return RunRequest(
        execution_id=execution_id,
        folder_name="Sales",
        project_name="Mart",
        project=project,
        package_name=package.name,
        logging_level=level,
        property_overrides=overrides or {},
    )


def play(
    asked: RunRequest, scripts: ScriptBook | None = None, *, stop_when: Callable[[Played], bool] | None = None
) -> Played:
    """Run a simulation to its end.

    :param stop_when: stop it at the first pause at which this is true of the result so far.
    """
    book = scripts or ScriptBook()
    script = book.draw(asked.folder_name, asked.project_name, packages_run_by(asked.project, asked.package_name))
    steps = simulate(asked, script, START)
    records: list[Record] = []
    seconds = 0.0
    try:
        step = next(steps)
        while True:
            if not isinstance(step, Pause):
                records.append(step)
                step = next(steps)
                continue
            seconds = max(seconds, step.until)
            so_far = Played(OperationStatus.RUNNING, records, seconds)
            stopped = stop_when is not None and stop_when(so_far)
            step = steps.throw(RunStopped(seconds)) if stopped else next(steps)
    except StopIteration as end:
        return Played(end.value, records, seconds)


def run(package: Package, *others: Package, scripts: ScriptBook | None = None) -> Played:
    """Run a package at the logging level Basic."""
    return play(request(package, *others), scripts)
