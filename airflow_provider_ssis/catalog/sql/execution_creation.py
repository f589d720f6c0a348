"""The batches that check and create an execution with all its settings.

Names and types are checked before the execution is created, so that a mistake leaves no execution behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.catalog.sections.environment_references import (
    REFERENCED_FOLDER,
    REFERENCES,
    reference_conditions,
)
from airflow_provider_ssis.catalog.sql.execution_settings import Setting, customized_level_of
from airflow_provider_ssis.catalog.sql.parameter_values import TEXT_VARIABLES, ValueExpression
from airflow_provider_ssis.catalog.sql.statements import MAX_MARKERS, Batch, MarkerValue, OwnError, guarded

_VARIABLES = (
    "@execution_id bigint, @reference_id bigint, @matches int, @step int, @folder nvarchar(128), "
    "@project nvarchar(128), @package nvarchar(260), @project_id bigint, @object_type smallint, @name nvarchar(128), "
    f"@data_type nvarchar(128), @value sql_variant, {TEXT_VARIABLES}"
)
_TYPES = "DECLARE @types TABLE (object_type smallint, name nvarchar(128), data_type nvarchar(128))"

ON_ERROR = ("execution_id", "step")
"""The variables that say at which setting of which execution an error happened."""

SET_PLACE = (
    "SELECT @folder = ?, @project = ?, @package = ?;\n"
    "SELECT @project_id = p.project_id FROM catalog.projects AS p "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = @folder AND p.name = @project;\n"
)
"""Sets the variables with the package; the values are those of :func:`place_of`."""

SET_EXECUTION = "SET @execution_id = ?;\n"
"""Sets the variable with the execution's id."""

ANY_OBJECT = 0
"""Stands for the object type of a connection manager's parameter, which belongs to the project or the package."""


def place_of(request: ExecutionRequest) -> list[MarkerValue]:
    """Folder, project and package."""
    return [request.folder, request.project, request.package]


def variables(body: str, *more: str) -> str:
    """The declarations for statements of this module; the table of types only if they use it.

    :param body: the statements.
    :param more: further declarations.
    """
    declared = ", ".join([*more, _VARIABLES])
    return f"{declared};\n{_TYPES}" if "@types" in body else declared


@dataclass(frozen=True, slots=True)
class Incomplete:
    """An execution that was created, and whose settings an error interrupted.

    :param execution_id: the execution.
    :param step: the position of the first setting that is not set.
    """

    execution_id: int
    step: int


def creation_batches(
    request: ExecutionRequest,
    settings: Sequence[Setting],
    incomplete: Incomplete | None = None,
    *,
    needs_values: bool = False,
) -> Iterator[Batch]:
    """The batches that create the execution and set everything; each selects the execution's id.

    The first marker of batches after the first is the id; its value here is 0.

    :param incomplete: complete this execution instead of creating one. Default: none.
    """
    steps = creation_steps(request, settings, needs_values=needs_values, incomplete=incomplete)
    for position, batch in enumerate(steps):
        body, values = SET_PLACE + batch.sql, (*place_of(request), *batch.values)
        if position > 0:
            body, values = SET_EXECUTION + body, (0, *values)
        yield guarded(
            f"{body}SELECT @execution_id AS execution_id;", values, declare=variables(body), on_error=ON_ERROR
        )


def creation_steps(
    request: ExecutionRequest,
    settings: Sequence[Setting],
    *,
    needs_values: bool,
    incomplete: Incomplete | None = None,
) -> Iterator[Batch]:
    """The statements that check and create the execution and set everything. They need :func:`variables`.

    There is one step unless the values are too many for one call. Each step needs the variables of :data:`SET_PLACE`,
    and the steps after the first also the execution's id, which :data:`SET_EXECUTION` sets.

    :param request: what to run and how.
    :param settings: everything that the request sets.
    :param needs_values: whether a required parameter without a value is an error: it is if the execution starts with
        these settings.
    :param incomplete: complete this execution instead of creating one. Default: none.
    """
    body, given = "", _checked(settings)
    values: list[MarkerValue] = []
    begin = 0
    if incomplete is not None:
        body, values, begin = SET_EXECUTION, [incomplete.execution_id], incomplete.step
    else:
        for sql, more in (
            _reject_unfit(given),
            _resolve(request),
            _reject_missing(given) if needs_values else ("", []),
            _create(request),
        ):
            body += sql
            values += more
    if settings:
        # From here on, an error interrupts the settings of an execution that exists.
        body += f"SET @step = {begin};\n"
    has_types = False
    for position, setting in enumerate(settings[begin:], start=begin):
        if len(values) + len(setting.values) + _RESERVED_MARKERS > MAX_MARKERS:
            yield Batch(body, tuple(values))
            # Before anything else, so that an error at any point says where to continue.
            body, values, has_types = f"SET @step = {position};\n", [], False
        if setting.reads_type and not has_types:
            body += _READ_TYPES
            has_types = True
        body += f"SET @step = {position};\n{setting.sql}"
        values += setting.values
    yield Batch(body, tuple(values))


_RESERVED_MARKERS = 30
"""Markers that the callers of this module add."""


def _checked(settings: Sequence[Setting]) -> list[tuple[Setting, ValueExpression]]:
    """The settings that are checked before the execution is created.

    What does not fit one call is not checked beforehand. The catalog checks it when it is set.
    """
    wanted = [(setting, setting.lookup) for setting in settings if setting.lookup is not None]
    return wanted[: MAX_MARKERS // 4]


def _reject_unfit(given: Sequence[tuple[Setting, ValueExpression]]) -> _Statements:
    """Ends the batch if a parameter does not exist or its value does not fit its type."""
    if not given:
        return "", []
    rows = ",\n".join(f"({_object_type(setting)}, ?, N'{lookup.type_list}')" for setting, lookup in given)
    return _REJECT_UNFIT.format(rows=rows), [_name(setting) for setting, _ in given]


def _reject_missing(given: Sequence[tuple[Setting, ValueExpression]]) -> _Statements:
    """Ends the batch if a required parameter has no value, which would fail the start of the execution."""
    condition = ""
    names: list[MarkerValue] = []
    for object_type in (ObjectType.PROJECT, ObjectType.PACKAGE):
        own = [_name(setting) for setting, _ in given if setting.object_type in (object_type, None)]
        if own:
            condition += (
                f" AND NOT (v.object_type = {object_type.value} AND {_NAME} IN ({', '.join('?' for _ in own)}))"
            )
            names += own
    return _REJECT_MISSING.format(given=condition), names


def _object_type(setting: Setting) -> int:
    return ANY_OBJECT if setting.object_type is None else setting.object_type.value


def _name(setting: Setting) -> bytes:
    """A name as SQL Server holds it, because names of parameters are case-sensitive and its comparison is not."""
    return setting.name.encode("utf-16-le")


def _resolve(request: ExecutionRequest) -> _Statements:
    """Checks the logging level, and sets ``@reference_id``."""
    body = ""
    values: list[MarkerValue] = []
    customized = customized_level_of(request)
    if customized is not None:
        body += _REQUIRE_LEVEL
        values.append(customized)
    if request.reference_id is not None:
        if request.environment is not None:
            raise InvalidArgument("An execution takes either an environment or a reference id, not both")
        body += "SET @reference_id = ?;\n"
        values.append(request.reference_id)
    elif request.environment is not None:
        conditions, condition_values = reference_conditions(
            request.folder, request.environment, request.environment_folder
        )
        body += (
            f"SELECT @matches = COUNT(DISTINCT {REFERENCED_FOLDER}), @reference_id = MIN(v.reference_id)\n"
            f"FROM {REFERENCES}\n"
            f"WHERE f.name = @folder AND p.name = @project AND {' AND '.join(conditions)};\n"
            f"IF @matches <> 1 {OwnError.UNRESOLVED_ENVIRONMENT.raised};\n"
        )
        values += condition_values
    return body, values


def _create(request: ExecutionRequest) -> _Statements:
    has_reference = request.reference_id is not None or request.environment is not None
    scale_out = {"@runinscaleout": request.run_in_scale_out, "@useanyworker": request.use_any_worker}
    given = {name: int(value) for name, value in scale_out.items() if value is not None}
    body = (
        "EXEC catalog.create_execution @folder_name = @folder, @project_name = @project, @package_name = @package, "
        f"{'@reference_id = @reference_id, ' if has_reference else ''}@use32bitruntime = ?, "
        f"{''.join(f'{name} = ?, ' for name in given)}@execution_id = @execution_id OUTPUT;\n"
    )
    return body, [int(request.use32bit), *given.values()]


_Statements = tuple[str, Sequence[MarkerValue]]
"""Statements, and the values for their markers."""

_PARAMETERS = (
    "FROM catalog.object_parameters AS v WHERE v.project_id = @project_id AND "
    f"(v.object_type = {ObjectType.PROJECT.value} OR "
    f"(v.object_type = {ObjectType.PACKAGE.value} AND v.object_name = @package))"
)
_NAME = "CAST(v.parameter_name AS varbinary(256))"
_READ_TYPES = f"INSERT INTO @types SELECT v.object_type, v.parameter_name, v.data_type {_PARAMETERS};\n"
_REJECT_UNFIT = (
    "IF EXISTS (SELECT 1 FROM (VALUES {rows}) AS w (object_type, name, data_types) "
    f"LEFT JOIN (SELECT v.object_type, {_NAME} AS name, v.data_type {_PARAMETERS}) AS t "
    f"ON t.name = w.name AND (w.object_type = t.object_type OR w.object_type = {ANY_OBJECT}) "
    f"WHERE (t.data_type IS NULL AND w.object_type <> {ANY_OBJECT}) "
    "OR CHARINDEX(N'|' + t.data_type + N'|', w.data_types) = 0) "
    f"{OwnError.UNFIT_SETTINGS.raised};\n"
)
_REJECT_MISSING = (
    f"IF EXISTS (SELECT 1 {_PARAMETERS} AND v.required = 1 "
    f"AND (v.value_set = 0 OR (v.value_type = 'R' AND @reference_id IS NULL)){{given}}) "
    f"{OwnError.MISSING_VALUES.raised};\n"
)
_REQUIRE_LEVEL = (
    "IF NOT EXISTS (SELECT 1 FROM catalog.customized_logging_levels AS v WHERE v.name = ?) "
    f"{OwnError.UNKNOWN_LOGGING_LEVEL.raised};\n"
)
