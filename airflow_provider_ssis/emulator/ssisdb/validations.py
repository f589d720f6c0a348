"""Runs validations: checks deployed packages, and writes messages and the status of what was checked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    ValidationStatus,
)
from airflow_provider_ssis.emulator.runs.control_flow import all_executables
from airflow_provider_ssis.emulator.runs.levels import Event
from airflow_provider_ssis.emulator.runs.records import EventRecord
from airflow_provider_ssis.emulator.ssisdb.background_writes import BackgroundWriter
from airflow_provider_ssis.emulator.ssisdb.event_rows import write_message
from airflow_provider_ssis.emulator.ssisdb.project_files import ProjectFiles
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.ssisdb.run_log import CatalogRunLog
from airflow_provider_ssis.emulator.ssisdb.validation_checks import (
    Finding,
    ParameterRow,
    VariableRow,
    check_files,
    check_parameter,
)
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.project.models import Executable, Package

log = logging.getLogger(__name__)

_VALIDATION_FAILED: Final = 0xC0024107 - (1 << 32)
"""DTS_E_TASKVALIDATIONERROR."""


@dataclass(frozen=True, slots=True)
class EnvironmentToCheck:
    """An environment reference of a project.

    :param name: of the environment.
    :param variables: by lower-case name; None if the environment does not exist.
    """

    reference_id: int
    name: str
    variables: Mapping[str, VariableRow] | None


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """A validation that begins.

    :param packages: the names of the packages to check.
    :param parameters: of the project (key: empty) and of its packages, by the lower-case name of the package.
    :param environments: those with which the parameters are checked; empty for a check without one.
    :param of_project: whether the project itself gets a status.
    """

    validation_id: int
    project_id: int
    version: int
    packages: tuple[str, ...]
    parameters: Mapping[str, Sequence[ParameterRow]] = field(repr=False)
    environments: tuple[EnvironmentToCheck, ...]
    of_project: bool


class Validations:
    """The validations of a catalog, each a task of the event loop.

    :param engine: has the clock.
    :param writer: writes the results.
    :param run_log: writes the messages.
    :param files: the deployed projects.
    """

    def __init__(self, engine: Engine, writer: BackgroundWriter, run_log: CatalogRunLog, files: ProjectFiles) -> None:
        self._engine = engine
        self._writer = writer
        self._log = run_log
        self._files = files
        self._running: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}

    def start(self, request: ValidationRequest) -> None:
        """Start a validation whose row has the status 2; returns at once."""
        stopped = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._run(request, stopped))
        self._running[request.validation_id] = (task, stopped)
        task.add_done_callback(lambda _: self._running.pop(request.validation_id))

    def has(self, validation_id: int) -> bool:
        """Whether a validation runs."""
        return validation_id in self._running

    def stop(self, validation_id: int) -> None:
        """Stop a validation before its next package."""
        if validation_id in self._running:
            self._running[validation_id][1].set()

    async def close(self) -> None:
        """End all validations without further records."""
        tasks = [task for task, _ in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, request: ValidationRequest, stopped: asyncio.Event) -> None:
        limit = self._time_limit()
        try:
            async with asyncio.timeout(limit):
                status = await self._check(request, stopped)
        except TimeoutError:
            status = OperationStatus.CANCELED
            text = (
                f"The validation was stopped after {limit} s: the catalog property VALIDATION_TIMEOUT sets that limit."
            )
            await self._writer.write(
                lambda store: write_message(
                    store,
                    request.validation_id,
                    self._engine.now(),
                    MessageType.ERROR,
                    MessageSourceType.ENTRY_API,
                    text,
                )
            )
        except Exception:
            # An error of the checks, or of the catalog. No other task reads the result of this one.
            log.exception("Validation %d ended unexpectedly after an error", request.validation_id)
            status = OperationStatus.ENDED_UNEXPECTEDLY
        now = self._engine.now()
        await self._writer.write(
            lambda store: store.execute(
                "UPDATE internal.operations SET status = ?, end_time = ? WHERE operation_id = ?",
                [int(status), now, request.validation_id],
            )
        )

    def _time_limit(self) -> int:
        """The seconds after which a validation is stopped."""
        ((value,),) = self._engine.read(
            "SELECT property_value FROM internal.catalog_properties WHERE property_name = 'VALIDATION_TIMEOUT'"
        )
        return int(value)

    async def _check(self, request: ValidationRequest, stopped: asyncio.Event) -> OperationStatus:
        project = await asyncio.to_thread(self._files.project, request.version)
        problems = await asyncio.to_thread(check_files, self._files.path(request.version), project)
        results: dict[str, bool] = {}
        parameters: dict[int, bool] = {}
        references = {each.reference_id: each.variables is not None for each in request.environments}
        for name in request.packages:
            if stopped.is_set():
                return OperationStatus.CANCELED
            package = project.package(name)
            if package is None:
                raise ValueError(f"the project has no package {name!r}")
            findings = [*problems[""], *problems[name.lower()]]
            findings += self._values(request, name, parameters, references)
            results[name] = all(finding.is_warning for finding in findings)
            await self._log.write(request.validation_id, self._records(package, findings), by_worker=False)
            await asyncio.sleep(0)
        succeeded = all(results.values())
        await self._writer.write(lambda store: self._mark(store, request, results, parameters, references))
        return OperationStatus.SUCCEEDED if succeeded else OperationStatus.FAILED

    @staticmethod
    def _values(
        request: ValidationRequest, package: str, checked: dict[int, bool], references: dict[int, bool]
    ) -> list[Finding]:
        """Check the parameters of the project and of a package in each environment.

        :param checked: gets the result for each parameter.
        :param references: gets the result for each reference.
        """
        found: list[Finding] = []
        rows = [*request.parameters.get("", ()), *request.parameters.get(package.lower(), ())]
        for row in rows:
            checked.setdefault(row.parameter_id, True)
        for environment in request.environments or (None,):
            if environment is not None and environment.variables is None:
                message = (
                    f"The environment '{environment.name}' of the reference {environment.reference_id} does not exist,"
                    " or you have no permission on it. Create it, or delete the reference."
                )
                found.append(Finding(message))
                continue
            for row in rows:
                if environment is None:
                    finding = check_parameter(row, None, {})
                else:
                    finding = check_parameter(row, environment.name, environment.variables or {})
                if finding is None or finding in found:
                    continue
                found.append(finding)
                if not finding.is_warning:
                    checked[row.parameter_id] = False
                    if environment is not None:
                        references[environment.reference_id] = False
        return found

    def _records(self, package: Package, findings: Sequence[Finding]) -> list[EventRecord]:
        """The messages of the check of a package."""
        name = package.name.removesuffix(".dtsx")
        root = package.control_flow
        executables = {} if root is None else {each.path: each for each in all_executables(root)}

        def record(event: Event, text: str, source: Executable | None = root) -> EventRecord:
            path = "\\Package" if source is None else source.path
            return EventRecord(
                message_time=self._engine.now(),
                message_type=event.message_type,
                message_source_type=MessageSourceType.PACKAGE if source is root else MessageSourceType.TASK,
                message=text,
                package_name=package.name,
                event_name=event.event_name,
                message_source_name=name if source is None else source.name,
                message_source_id=package.id if source is None else source.id,
                package_path=path,
                execution_path=path,
                message_code=_VALIDATION_FAILED if event is Event.ERROR else None,
            )

        records = [record(Event.PRE_VALIDATE, texts.validating(name))]
        for finding in findings:
            source = executables.get(_owner(finding.place, executables), root)
            event, text = (Event.WARNING, texts.warning) if finding.is_warning else (Event.ERROR, texts.error)
            records.append(record(event, text(name if source is None else source.name, finding.message), source))
        return [*records, record(Event.POST_VALIDATE, texts.validated(name))]

    def _mark(
        self,
        store: Store,
        request: ValidationRequest,
        packages: Mapping[str, bool],
        parameters: Mapping[int, bool],
        references: Mapping[int, bool],
    ) -> None:
        """Write what the validation found into the rows of what it checked."""
        now = self._engine.now()

        def mark(table: str, succeeded: bool, condition: str, *values: object) -> None:
            store.execute(
                f"UPDATE internal.{table} SET validation_status = ?, last_validation_time = ? WHERE {condition}",
                [(ValidationStatus.SUCCEEDED if succeeded else ValidationStatus.FAILED).value, now, *values],
            )

        for name, succeeded in packages.items():
            mark(
                "packages",
                succeeded,
                "project_id = ? AND project_version_lsn = ? AND lower(name) = lower(rtrim(?, ' '))",
                request.project_id,
                request.version,
                name,
            )
            insert(
                store,
                "extended_operation_info",
                {
                    "info_id": next_id(store, "info_id"),
                    "operation_id": request.validation_id,
                    "object_name": name,
                    "object_type": int(ObjectType.PACKAGE),
                    "reference_id": request.environments[0].reference_id if len(request.environments) == 1 else None,
                    "status": int(OperationStatus.SUCCEEDED if succeeded else OperationStatus.FAILED),
                    "start_time": now,
                    "end_time": now,
                },
            )
        for parameter_id, succeeded in parameters.items():
            mark("object_parameters", succeeded, "parameter_id = ?", parameter_id)
        for reference_id, succeeded in references.items():
            mark("environment_references", succeeded, "reference_id = ?", reference_id)
        if request.of_project:
            mark("projects", all(packages.values()), "project_id = ?", request.project_id)


def _owner(place: str, executables: Collection[str]) -> str:
    """The path of the executable to which an object belongs, by the path of the object; empty for none."""
    owners = [path for path in executables if place == path or place.startswith((f"{path}\\", f"{path}."))]
    return max(owners, key=len, default="")
