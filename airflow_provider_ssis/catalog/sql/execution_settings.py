"""Creating an execution with everything that belongs to it, in one round trip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_provider_ssis.catalog.codes import LoggingLevel, ObjectType
from airflow_provider_ssis.catalog.errors import InvalidArgument, WrongParameterType
from airflow_provider_ssis.catalog.parameter_types import fitting_literals, property_text
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.catalog.sections.environments import REFERENCED_FOLDER, REFERENCES, reference_conditions
from airflow_provider_ssis.catalog.sql.parameter_values import (
    REQUIRE_PARAMETER,
    VALUE_VARIABLES,
    assign_value,
    plain,
)
from airflow_provider_ssis.catalog.sql.statements import MAX_MARKERS, Batch, MarkerValue, OwnError, guarded


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an execution gets before it starts.

    :param title: what it is, for messages: ``the parameter 'X' of the package``.
    :param owner: what has that parameter, for messages.
    :param name: the parameter's name or the property's path.
    :param object_type: whose parameter it is; None for a property.
    :param value: the value.
    :param sql: the statements.
    :param values: the values for their markers.
    """

    title: str
    owner: str
    name: str
    object_type: ObjectType | None
    value: Value = field(repr=False)
    sql: str = field(repr=False)
    values: tuple[MarkerValue, ...] = field(repr=False)


def settings_of(request: ExecutionRequest) -> list[Setting]:
    """Everything that a request sets, in the order in which it is set.

    :raises InvalidArgument: the same property is set twice, or the logging level is none.
    :raises WrongParameterType: a value fits no SSIS type.
    """
    settings = [
        *(_parameter(ObjectType.PROJECT, name, value) for name, value in request.project_parameters.items()),
        *(_parameter(ObjectType.PACKAGE, name, value) for name, value in request.parameters.items()),
        *(
            _connection_manager(manager, name, value)
            for manager, properties in request.connection_managers.items()
            for name, value in properties.items()
        ),
        *(_property(path, value) for path, value in request.property_overrides.items()),
        *(_parameter(ObjectType.EXECUTION, name, value) for name, value in _server_options(request)),
    ]
    _refuse_repeated_properties(request)
    return settings


def creation_batches(request: ExecutionRequest, settings: list[Setting]) -> Iterator[Batch]:
    """The batches that create the execution and set everything; each selects the execution's id.

    Batches after the first begin with the id as the value of their first marker, for which 0 stands here.
    """
    for batch in creation_steps(request, settings):
        yield guarded(
            f"{batch.sql}SELECT @execution_id AS execution_id;", batch.values, declare=VARIABLES, on_error=ON_ERROR
        )


def creation_steps(request: ExecutionRequest, settings: list[Setting]) -> Iterator[Batch]:
    """The statements that create the execution and set everything, which need :data:`VARIABLES`.

    In one batch, unless there are too many values for one call. Those after the first begin with the execution's id as
    the value of their first marker, for which 0 stands here.
    """
    body, values = _create(request)
    for position, setting in enumerate(settings):
        if len(values) + len(setting.values) + 1 > MAX_MARKERS:
            yield Batch(body, tuple(values))
            body, values = "SET @execution_id = ?;\n", [0]
        body += f"SET @step = {position};\n{setting.sql}"
        values += setting.values
    yield Batch(body, tuple(values))


def _create(request: ExecutionRequest) -> tuple[str, list[MarkerValue]]:
    body = "SELECT @folder = ?, @project = ?, @package = ?;\n"
    values: list[MarkerValue] = [request.folder, request.project, request.package]
    reference = ""
    if request.reference_id is not None:
        if request.environment is not None:
            raise InvalidArgument("An execution takes either an environment or a reference id, not both")
        body += "SET @reference_id = ?;\n"
        values.append(request.reference_id)
        reference = "@reference_id = @reference_id, "
    elif request.environment is not None:
        conditions, condition_values = reference_conditions(
            request.folder, request.environment, request.environment_folder
        )
        body += (
            f"SELECT @matches = COUNT(DISTINCT {REFERENCED_FOLDER}), @reference_id = MIN(v.reference_id)\n"
            f"FROM {REFERENCES}\n"  # constants of this package only
            f"WHERE f.name = @folder AND p.name = @project AND {' AND '.join(conditions)};\n"
            f"IF @matches <> 1 {OwnError.UNRESOLVED_ENVIRONMENT.raised};\n"
        )
        values += condition_values
        reference = "@reference_id = @reference_id, "
    body += (
        "EXEC catalog.create_execution @folder_name = @folder, @project_name = @project, @package_name = @package, "
        f"{reference}@use32bitruntime = ?, @execution_id = @execution_id OUTPUT;\n"
    )
    values.append(int(request.use32bit))
    return body, values


def _server_options(request: ExecutionRequest) -> Iterator[tuple[str, Value]]:
    level, customized = _logging_level(request.logging_level)
    if level is not None:
        yield "LOGGING_LEVEL", level
    if customized is not None:
        yield "CUSTOMIZED_LOGGING_LEVEL", customized
    if request.synchronized:
        yield "SYNCHRONIZED", True
    if request.caller_info is not None:
        yield "CALLER_INFO", request.caller_info


def _logging_level(wanted: LoggingLevel | int | str | None) -> tuple[int | None, str | None]:
    """The number of the level, and the name of the customized one."""
    if wanted is None:
        return None, None
    names = {level.name.lower().replace("_", ""): level for level in LoggingLevel if level != LoggingLevel.CUSTOMIZED}
    if isinstance(wanted, str):
        word = wanted.strip().lower().replace("_", "").replace(" ", "")
        if word in names:
            return names[word].value, None
        if not word.isdecimal():
            return LoggingLevel.CUSTOMIZED.value, wanted
        wanted = int(word)
    if wanted not in names.values():
        raise InvalidArgument(
            f"There is no logging level {wanted}",
            advice=f"Levels are {', '.join(f'{level.value} ({level.name})' for level in names.values())}, or the name "
            "of a customized level.",
        )
    return int(wanted), None


_OWNERS = {ObjectType.PROJECT: "project", ObjectType.PACKAGE: "package", ObjectType.EXECUTION: "server's options"}


def _parameter(object_type: ObjectType, name: str, value: Value) -> Setting:
    owner = _OWNERS[object_type]
    title = f"the parameter {name!r} of the {owner}"
    assignment, texts = _assignment(title, value)
    return Setting(
        title=title,
        owner=f"the {owner}",
        name=name,
        object_type=object_type,
        value=value,
        sql=f"{_FIND_PARAMETER}{REQUIRE_PARAMETER}{assignment}{_SET_PARAMETER}",
        values=(object_type.value, name, *texts),
    )


def _connection_manager(manager: str, name: str, value: Value) -> Setting:
    """A connection manager's property: a parameter where the catalog has one of that name, else an override."""
    title = f"the property {name!r} of the connection manager {manager!r}"
    assignment, texts = _assignment(title, value)
    override, override_values = _override(connection_property_path(manager, name), value)
    return Setting(
        title=title,
        owner="the package",
        name=name,
        object_type=None,
        value=value,
        sql=(
            f"{_FIND_CONNECTION_PARAMETER}IF @data_type IS NULL\nBEGIN\n{override}END\n"
            f"ELSE\nBEGIN\n{assignment}{_SET_PARAMETER}END;\n"
        ),
        values=(f"CM.{manager}.{name}", *override_values, *texts),
    )


def _property(path: str, value: Value) -> Setting:
    sql, values = _override(path, value)
    return Setting(
        title=f"the property {path!r}",
        owner="",
        name=path,
        object_type=None,
        value=value,
        sql=sql,
        values=tuple(values),
    )


def connection_property_path(manager: str, name: str) -> str:
    """The path of a connection manager's property, for a property override."""
    return rf"\Package.Connections[{manager}].Properties[{name}]"


def _override(path: str, value: Value) -> tuple[str, list[MarkerValue]]:
    sql = (
        "EXEC catalog.set_execution_property_override_value @execution_id = @execution_id, @property_path = ?, "
        "@property_value = ?, @sensitive = ?;\n"
    )
    return sql, [path, property_text(plain(value)), int(isinstance(value, Sensitive))]


def _assignment(title: str, value: Value) -> tuple[str, list[str]]:
    if not fitting_literals(plain(value)):
        raise WrongParameterType(
            f"The value for {title} is a value of no SSIS type",
            advice="Pass true or false, a number, text of at most 4000 characters, or a date with or without a time.",
        )
    return assign_value(value)


def _refuse_repeated_properties(request: ExecutionRequest) -> None:
    """A second override of one path would overwrite every override of every execution (a fault of SSISDB)."""
    paths = [
        *request.property_overrides,
        *(
            connection_property_path(manager, name)
            for manager, properties in request.connection_managers.items()
            for name in properties
        ),
    ]
    seen: dict[str, str] = {}
    for path in paths:
        if path.lower() in seen:
            raise InvalidArgument(f"The property {path!r} is set twice", advice="Set each property once.")
        seen[path.lower()] = path


_FIND_PARAMETER = (
    "SELECT @object_type = ?, @name = ?, @data_type = NULL, @sensitive = NULL;\n"
    "SELECT @data_type = v.parameter_data_type, @sensitive = v.sensitive FROM catalog.execution_parameter_values AS v "
    "WHERE v.execution_id = @execution_id AND v.object_type = @object_type AND v.parameter_name = @name;\n"
)
# Object types 20 and 30 are project and package; a package's own connection manager hides the project's.
_FIND_CONNECTION_PARAMETER = (
    "SELECT @name = ?, @data_type = NULL, @sensitive = NULL;\n"
    "SELECT TOP (1) @object_type = v.object_type, @data_type = v.parameter_data_type, @sensitive = v.sensitive "
    "FROM catalog.execution_parameter_values AS v "
    "WHERE v.execution_id = @execution_id AND v.object_type IN (20, 30) AND v.parameter_name = @name "
    "ORDER BY v.object_type DESC;\n"
)
_SET_PARAMETER = (
    "EXEC catalog.set_execution_parameter_value @execution_id = @execution_id, @object_type = @object_type, "
    "@parameter_name = @name, @parameter_value = @value;\n"
)
VARIABLES = (
    "@execution_id bigint, @reference_id bigint, @matches int, @step int, @folder nvarchar(128), "
    f"@project nvarchar(128), @package nvarchar(260), {VALUE_VARIABLES}"
)
"""What the statements here declare."""

ON_ERROR = ("execution_id", "step", "data_type", "sensitive")
"""The variables that tell at which setting an error happened."""
