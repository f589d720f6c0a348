"""The settings of an execution: values and options, and the T-SQL that checks and sets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_ssis.catalog.argument_limits import check_argument, utf16_length
from airflow_provider_ssis.catalog.codes import LoggingLevel, ObjectType
from airflow_provider_ssis.catalog.errors import InvalidArgument, WrongParameterType
from airflow_provider_ssis.catalog.parameter_types import (
    MAX_STRING,
    OFFSET_REJECTED,
    ValueDoesNotFit,
    check_value,
    property_text,
)
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.catalog.sql.parameter_values import (
    ValueExpression,
    plain,
    typed_expression,
    value_expression,
)
from airflow_provider_ssis.catalog.sql.statements import MarkerValue


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an execution gets before it starts.

    :param title: what it is, for messages: ``the parameter 'X' of the package``.
    :param owner: what has the parameter, for messages.
    :param name: the parameter's name, or the property's path.
    :param object_type: the kind of object whose parameter it is. None for a property.
    :param value: the value.
    :param sql: the statements that set it. They need the variables of the creating batch.
    :param values: the values for their markers.
    :param lookup: the SSIS types that the value fits, if the parameter's type must be looked up. None: it need not.
    :param reads_type: the statements read the parameter's type from the table variable ``@types``.
    :param is_optional: a missing parameter is not an error: the value becomes a property override.
    """

    title: str
    owner: str
    name: str
    object_type: ObjectType | None
    value: Value = field(repr=False)
    sql: str = field(repr=False)
    values: tuple[MarkerValue, ...] = field(repr=False)
    lookup: ValueExpression | None = None
    reads_type: bool = False
    is_optional: bool = False


def settings_of(request: ExecutionRequest) -> list[Setting]:
    """Everything that a request sets, in the order in which it is set.

    :raises InvalidArgument: a property is set twice, an argument is too long, or there is no such logging level.
    :raises WrongParameterType: a value fits no SSIS type.
    """
    _reject_repeated_properties(request)
    return [
        *(_parameter(ObjectType.PROJECT, name, value) for name, value in request.project_parameters.items()),
        *(_parameter(ObjectType.PACKAGE, name, value) for name, value in request.parameters.items()),
        *(
            _connection_manager(manager, name, value)
            for manager, properties in request.connection_managers.items()
            for name, value in properties.items()
        ),
        *(_property(path, value) for path, value in request.property_overrides.items()),
        *(_option(name, data_type, value) for name, data_type, value in _options(request)),
    ]


def customized_level_of(request: ExecutionRequest) -> str | None:
    """The name of the customized logging level that a request asks for; None if it asks for none."""
    return _logging_level(request.logging_level)[1]


def connection_property_path(manager: str, name: str) -> str:
    """The path of a connection manager's property, for a property override."""
    return rf"\Package.Connections[{manager}].Properties[{name}]"


def _options(request: ExecutionRequest) -> Iterator[tuple[str, str, bool | int | str]]:
    """The server options with their SSIS types."""
    level, customized = _logging_level(request.logging_level)
    if level is not None:
        yield "LOGGING_LEVEL", "Int32", level
    if customized is not None:
        yield "CUSTOMIZED_LOGGING_LEVEL", "String", customized
    if request.synchronized:
        yield "SYNCHRONIZED", "Boolean", True
    if request.caller_info is not None:
        yield "CALLER_INFO", "String", request.caller_info


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
            check_argument("customized logging level", wanted)
            return LoggingLevel.CUSTOMIZED.value, wanted
        wanted = int(word)
    if wanted not in names.values():
        raise InvalidArgument(
            f"The logging level {wanted} does not exist",
            advice=f"Levels are {', '.join(f'{level.value} ({level.name})' for level in names.values())}, or the name "
            "of a customized level.",
        )
    return int(wanted), None


OWNERS = {ObjectType.PROJECT: "project", ObjectType.PACKAGE: "package", ObjectType.EXECUTION: "server's options"}


def _parameter(object_type: ObjectType, name: str, value: Value) -> Setting:
    check_argument("parameter", name)
    owner = OWNERS[object_type]
    title = f"the parameter {name!r} of the {owner}"
    expression = _expression(title, value)
    if expression.is_constant:
        sql = f"SET @value = {expression.sql};\n{_set_parameter(object_type)}"
        values: tuple[MarkerValue, ...] = (*expression.texts, name)
    else:
        sql = (
            f"SELECT @name = ?, {expression.text_assignments};\nSET @data_type = {_type_of(object_type)};\n"
            f"SET @value = {expression.sql};\n{_set_parameter(object_type, '@name')}"
        )
        values = (name, *expression.texts)
    return Setting(
        title=title,
        owner=f"the {owner}",
        name=name,
        object_type=object_type,
        value=value,
        sql=sql,
        values=values,
        lookup=expression,
        reads_type=not expression.is_constant,
    )


def _option(name: str, data_type: str, value: bool | int | str) -> Setting:
    if name == "CALLER_INFO":
        check_argument(name, str(value))
    expression = typed_expression(value, data_type)
    return Setting(
        title=f"the server option {name}",
        owner="the server's options",
        name=name,
        object_type=ObjectType.EXECUTION,
        value=value,
        sql=f"SET @value = {expression.sql};\n{_set_parameter(ObjectType.EXECUTION)}",
        values=(*expression.texts, name),
    )


def _connection_manager(manager: str, name: str, value: Value) -> Setting:
    """A connection manager's property: a parameter if the catalog has one for it, else a property override."""
    title = f"the property {name!r} of the connection manager {manager!r}"
    expression = _expression(title, value)
    override, override_values = _override(title, connection_property_path(manager, name), value)
    parameter = f"CM.{manager}.{name}"
    set_it = _set_parameter("@object_type", "@name")
    return Setting(
        title=title,
        owner="the package",
        name=parameter,
        object_type=None,
        value=value,
        # A package's own connection manager hides the project's: PACKAGE is the higher number.
        sql=(
            f"SET @name = ?;\nSET @object_type = (SELECT MAX(t.object_type) FROM @types AS t WHERE {_NAMED});\n"
            f"IF @object_type IS NULL\nBEGIN\n{override}END\nELSE\nBEGIN\n"
            + (
                ""
                if expression.is_constant
                else f"SELECT {expression.text_assignments};\nSET @data_type = {_type_of('@object_type')};\n"
            )
            + f"SET @value = {expression.sql};\n{set_it}END;\n"
        ),
        values=(parameter, *override_values, *expression.texts),
        lookup=expression,
        reads_type=True,
        is_optional=True,
    )


def _property(path: str, value: Value) -> Setting:
    title = f"the property {path!r}"
    sql, values = _override(title, path, value)
    return Setting(title=title, owner="", name=path, object_type=None, value=value, sql=sql, values=tuple(values))


def _override(title: str, path: str, value: Value) -> tuple[str, list[MarkerValue]]:
    check_argument("property path", path)
    moment = plain(value)
    _reject_no_value(title, moment)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        # SSIS would convert the text to a property of type DateTime without its offset.
        raise WrongParameterType(f"The value for {title} cannot be sent: {OFFSET_REJECTED}", advice="")
    text = property_text(moment)
    utf16_length(f"value of {title}", text)
    sql = (
        "EXEC catalog.set_execution_property_override_value @execution_id = @execution_id, @property_path = ?, "
        "@property_value = ?, @sensitive = ?;\n"
    )
    return sql, [path, text, int(isinstance(value, Sensitive))]


def _reject_no_value(title: str, value: object) -> None:
    try:
        check_value(value)
    except ValueDoesNotFit as misfit:
        raise WrongParameterType(f"The value for {title} cannot be sent: {misfit}", advice="") from None


def _expression(title: str, value: Value) -> ValueExpression:
    _reject_no_value(title, plain(value))
    expression = value_expression(value)
    if not expression.data_types:
        raise WrongParameterType(
            f"The value for {title} fits no SSIS type",
            advice=f"Pass true or false, a number, text of at most {MAX_STRING} characters, or a date with an optional "
            "time and without a time zone.",
        )
    return expression


def _set_parameter(object_type: ObjectType | str, name: str = "?") -> str:
    number = object_type if isinstance(object_type, str) else object_type.value
    return (
        f"EXEC catalog.set_execution_parameter_value @execution_id = @execution_id, @object_type = {number}, "
        f"@parameter_name = {name}, @parameter_value = @value;\n"
    )


def _type_of(object_type: ObjectType | str) -> str:
    """The SSIS type of the parameter ``@name``."""
    number = object_type if isinstance(object_type, str) else object_type.value
    return f"(SELECT t.data_type FROM @types AS t WHERE t.object_type = {number} AND {_NAMED})"


def _reject_repeated_properties(request: ExecutionRequest) -> None:
    """A second override of one path would overwrite every override of every execution (a fault of SSISDB)."""
    paths = [
        *request.property_overrides,
        *(
            connection_property_path(manager, name)
            for manager, properties in request.connection_managers.items()
            for name in properties
        ),
    ]
    seen: set[str] = set()
    for path in paths:
        if path.lower() in seen:
            raise InvalidArgument(f"The property {path!r} is set twice", advice="Set each property once.")
        seen.add(path.lower())


# As bytes, because names of parameters are case-sensitive.
_NAMED = "CAST(t.name AS varbinary(256)) = CAST(@name AS varbinary(256))"
