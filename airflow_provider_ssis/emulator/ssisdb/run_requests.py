"""The request for the run of an execution, from the rows of the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, ObjectType
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT, Variant
from airflow_provider_ssis.emulator.runs.request import DataTap, RunRequest, TapColumn
from airflow_provider_ssis.emulator.ssisdb import scale_out_workers, ssis_types
from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb
from airflow_provider_ssis.emulator.ssisdb.execution_rows import CUSTOMIZED_LOGGING_LEVEL, LOGGING_LEVEL
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.storage import decode
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.data_flow import Component, ComponentOutput, Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage

_AS_GIVEN: Final = ("String", "Decimal")
"""Types whose values need no conversion: it would cut them, or not hold them."""


def run_request(ssisdb: Ssisdb, store: Store, execution_id: int, *, retries: int) -> RunRequest:
    """The request for the run of an execution that starts.

    :param retries: how often a worker of Scale Out runs it again after it failed.
    """
    folder, project, package, version = store.fetch(
        "SELECT folder_name, project_name, package_name, project_lsn FROM internal.executions WHERE execution_id = ?",
        [execution_id],
    )[0]
    parameters: dict[tuple[int, str], Any] = {}
    secrets: dict[tuple[int, str], Any] = {}
    for object_type, name, data_type, sensitive, encoded in store.fetch(
        "SELECT object_type, parameter_name, parameter_data_type, sensitive, parameter_value"
        " FROM internal.execution_parameter_values WHERE execution_id = ?",
        [execution_id],
    ):
        if (value := decode(SQL_VARIANT, encoded)) is not None:
            (secrets if sensitive else parameters)[object_type, name] = _typed(data_type, value)
    overrides = store.fetch(
        "SELECT property_path, property_value FROM internal.execution_property_override_values WHERE execution_id = ?",
        [execution_id],
    )
    level = LoggingLevel(parameters[ObjectType.EXECUTION, LOGGING_LEVEL])
    profile, events, problem = 0, 0, ""
    if level is LoggingLevel.CUSTOMIZED:
        profile, events, problem = _customized(store, parameters.get((ObjectType.EXECUTION, CUSTOMIZED_LOGGING_LEVEL)))
    return RunRequest(
        execution_id=execution_id,
        folder_name=folder,
        project_name=project,
        project=ssisdb.files.project(version),
        package_name=package,
        parameters=parameters,
        sensitive_parameters=secrets,
        project_file=ssisdb.files.path(version),
        property_overrides=dict(overrides),
        logging_level=level,
        customized_events=events,
        customized_profile=profile,
        data_taps=_data_taps(ssisdb, store, execution_id, version, package),
        scale_out=scale_out_workers.begin_job(store, execution_id, retries, ssisdb.engine.now()),
        problem=problem,
    )


def _typed(data_type: str, value: Variant) -> Any:
    """A value in its SSIS type: the catalog keeps it with the type that it was given."""
    if data_type in _AS_GIVEN:
        return value.value
    converted = ssis_types.converted(data_type, value)
    return None if converted is None else converted.value


def _customized(store: Store, name: Any) -> tuple[int, int, str]:
    """The values of a customized logging level, or why there are none."""
    if name is None:
        return (
            0,
            0,
            (
                "The logging level of the execution is Customized, but it names no customized logging level. Set the"
                f" parameter {CUSTOMIZED_LOGGING_LEVEL}, or the catalog property SERVER_CUSTOMIZED_LOGGING_LEVEL."
            ),
        )
    rows = store.fetch(
        "SELECT profile_value, events_value FROM internal.customized_logging_levels"
        " WHERE lower(name) = lower(rtrim(?, ' '))",
        [name],
    )
    if not rows:
        return 0, 0, f"The customized logging level '{name}' of the execution no longer exists."
    return int(rows[0][0]), int(rows[0][1]), ""


# --- data taps


def _data_taps(ssisdb: Ssisdb, store: Store, execution_id: int, version: int, package: str) -> tuple[DataTap, ...]:
    rows = store.fetch(
        "SELECT package_path, CAST(dataflow_task_guid AS VARCHAR), dataflow_path_id_string, filename, max_rows"
        " FROM internal.execution_data_taps WHERE execution_id = ? ORDER BY data_tap_id",
        [execution_id],
    )
    if not rows:
        return ()
    try:
        document = ssisdb.files.document(version, package)
    except (ProjectError, OSError):
        # The run itself reports a package that cannot be read.
        document = None
    return tuple(_data_tap(document, *row) for row in rows)


def _data_tap(
    document: DtsPackage | None, path: str | None, task_id: str | None, id_string: str, file_name: str, limit: int
) -> DataTap:
    guid = None if task_id is None else f"{{{task_id.upper()}}}"
    tap = DataTap(id_string or "", file_name or "", (), path, guid, None if limit < 0 else limit)
    containers = () if document is None else document.container.walk()
    for container in containers:
        if container.kind is ExecutableKind.TASK and tap.is_on(container.path, container.id):
            data = container.data()
            columns = _columns(data, tap.path_id_string) if isinstance(data, Pipeline) else ()
            return replace(tap, columns=columns)
    return tap


def _columns(pipeline: Pipeline, id_string: str) -> tuple[TapColumn, ...]:
    """The columns that a path carries: those of its output, after those of the input that the output passes on."""
    outputs = {output.key: (component, output) for component in pipeline.components for output in component.outputs}
    sources = {path.input_key: path.output_key for path in pipeline.paths}
    found: list[TapColumn] = []
    key: str | None = next((key for key, pair in outputs.items() if _id_string(*pair) == id_string), None)
    seen: set[str] = set()
    while key is not None and key in outputs and key not in seen:
        seen.add(key)
        output = outputs[key][1]
        found[:0] = [TapColumn(column.name, column.data_type.name) for column in output.columns]
        key = sources.get(output.synchronous_input_key) if output.synchronous_input_key else None
    return tuple(found)


def _id_string(component: Component, output: ComponentOutput) -> str:
    return f"Paths[{component.name}.{output.name}]"
