"""Arguments of operators and sensors as templating leaves them: text where a number, a flag or a mapping was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.exceptions import InvalidTaskArgument

_SENSITIVE_KEYS = frozenset({"value", "sensitive"})
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})


def check_choice(name: str, value: Any, choices: type[Enum]) -> None:
    """Check an argument that names one of several choices, when the DAG is parsed.

    :param name: the argument's name.
    :param value: the argument; None if it was not given.
    :param choices: the choices, by value.
    :raises ValueError: there is no such choice.
    """
    known = [choice.value for choice in choices]
    if value is not None and value not in known:
        raise ValueError(f"{name} is {value!r}. Give one of {', '.join(map(repr, known))}.")


def required_text(name: str, value: Any) -> str:
    """A text that must not be empty.

    :param name: the argument's name, for the message.
    :param value: what templating gave.
    :raises InvalidTaskArgument: it is no text, or empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidTaskArgument(f"The argument {name!r} is {value!r:.100} after templating: give it a name.")
    return value


def optional_text(name: str, value: Any) -> str | None:
    """A text, or None where there is none: templates give an empty text for that.

    :param name: the argument's name, for the message.
    :param value: what templating gave.
    :raises InvalidTaskArgument: it is no text.
    """
    return None if value is None or value == "" else required_text(name, value)


def flag(name: str, value: Any) -> bool:
    """A flag: True or False, or a text that a template gave for one.

    :param name: the argument's name, for the message.
    :param value: what templating gave.
    :raises InvalidTaskArgument: it is neither.
    """
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidTaskArgument(f"The argument {name!r} is {value!r:.100} after templating: give it True or False.")
    return word in _TRUE


def execution_id_of(value: Any) -> int:
    """An execution id, out of what a run operator returned, or a text that a template gave for it.

    :param value: what templating gave.
    :raises InvalidTaskArgument: there is no id in it.
    """
    found = value.get("execution_id") if isinstance(value, Mapping) else value
    if isinstance(found, str) and found.strip().isdecimal():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidTaskArgument(
            f"The argument 'execution_id' is {value!r:.100} after templating, which is no execution id. If it comes "
            "from another task's XCom, look whether that task ran and pushed it."
        )
    return found


def values_of(name: str, value: Any) -> dict[str, Value]:
    """Values by name, such as ``{"Region": "North", "Password": {"value": "…", "sensitive": True}}``.

    :param name: the argument's name, for messages.
    :param value: a mapping, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: it is none of these, or a value in it cannot be sent. The message shows no value.
    """
    return {key: _value(f"{name}[{key!r}]", item) for key, item in _mapping(name, value).items()}


def nested_values_of(name: str, value: Any) -> dict[str, dict[str, Value]]:
    """Values by two names, such as ``{"Warehouse": {"ServerName": "dw01"}}``.

    :param name: the argument's name, for messages.
    :param value: a mapping of mappings, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: as :func:`values_of`.
    """
    return {key: values_of(f"{name}[{key!r}]", item) for key, item in _mapping(name, value).items()}


def execution_request(task: Any) -> ExecutionRequest:
    """The request of a run operator, from its arguments after templating.

    :param task: the operator.
    :raises InvalidTaskArgument: an argument cannot be used.
    """
    return ExecutionRequest(
        folder=required_text("folder", task.folder),
        project=required_text("project", task.project),
        package=required_text("package", task.package),
        environment=optional_text("environment", task.environment),
        environment_folder=optional_text("environment_folder", task.environment_folder),
        parameters=values_of("parameters", task.parameters),
        project_parameters=_project_parameters(task.project_parameters, task.project_connection_managers),
        connection_managers=nested_values_of("connection_managers", task.connection_managers),
        property_overrides=values_of("property_overrides", task.property_overrides),
        logging_level=task.logging_level if task.logging_level != "" else None,
        use32bit=flag("use_32bit_runtime", task.use_32bit_runtime),
        caller_info=task.caller_info or None,
    )


def _project_parameters(parameters: Any, connection_managers: Any) -> dict[str, Value]:
    """The values of project parameters. The catalog treats properties of project connection managers as parameters."""
    values = values_of("project_parameters", parameters)
    for manager, properties in nested_values_of("project_connection_managers", connection_managers).items():
        for name, value in properties.items():
            parameter = f"CM.{manager}.{name}"
            if parameter in values:
                raise InvalidTaskArgument(
                    f"The project parameter {parameter!r} is given twice: in project_parameters and in "
                    "project_connection_managers. Leave one out."
                )
            values[parameter] = value
    return values


def secrets_in(value: Any) -> Iterator[str]:
    """The texts that stand in an argument as ``{"value": …, "sensitive": True}``, however deep.

    :param value: what was given, or what templating made of it.
    """
    if _is_sensitive(value):
        yield str(value["value"])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            decoded = json.loads(value)
        except ValueError:
            return
        for secret in secrets_in(decoded):
            # As it stands in the text, and as it is meant.
            yield from {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


def shown_as_text(value: Any) -> Any:
    """A sensitive number as text, because Airflow masks texts only. The catalog's type makes a number of it again.

    :param value: what templating made of an argument or a part of it.
    """
    if _is_sensitive(value) and isinstance(value["value"], int | float | Decimal):
        return {**value, "value": str(value["value"])}
    return value


def _is_sensitive(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) == _SENSITIVE_KEYS
        and str(value["sensitive"]).strip().lower() not in _FALSE
    )


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidTaskArgument(
            f"The argument {name} is no mapping of names to values after templating: give a dict, or JSON text of one."
        )
    return value


def _value(name: str, value: Any) -> Value:
    if isinstance(value, Mapping) and set(value) <= _SENSITIVE_KEYS and "value" in value:
        inner = _value(name, value["value"])
        return Sensitive(inner) if _is_sensitive(value) and not isinstance(inner, Sensitive) else inner
    if isinstance(value, bool | int | float | Decimal | str | date | UUID | Sensitive):
        return value
    if value is None:
        raise InvalidTaskArgument(
            f"The value of {name} is None, and the catalog takes no NULL: leave it out to use the value that is set in "
            "the catalog. If it comes from another task's XCom, look whether that task pushed it."
        )
    raise InvalidTaskArgument(
        f"The value of {name} is of the Python type {type(value).__name__}: give true or false, a number, text, a "
        'date, or {"value": …, "sensitive": true} around one of these.'
    )
