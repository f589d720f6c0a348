"""Arguments of operators and sensors after templating, which can be text instead of a number, a flag or a mapping."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing

VALUE_ARGUMENTS = {
    "parameters": 1,
    "project_parameters": 1,
    "connection_managers": 2,
    "project_connection_managers": 2,
    "property_overrides": 1,
}
"""The run operator's arguments that hold values, with the number of names above each value."""

PROTECTED_ARGUMENTS = {**VALUE_ARGUMENTS, "variables": 1}
"""The arguments of all operators that may hold sensitive values."""

SHORTEST_MASKED = 5
"""Airflow's log masker ignores shorter texts."""

_SCALARS = (bool, int, float, Decimal, str, date, UUID)
_WRAPPER_KEYS = frozenset({"value", "sensitive"})
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})
_PARAMETER = re.compile(r"(?:project_)?parameters\[(.+)\]", re.DOTALL)
_NOTHING = "None"
"""The text of a template that rendered to Python's None."""


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
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is not text, or empty.
    :raises RenderedToNothing: it is the text ``None``.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidTaskArgument(f"The argument {name!r} is {value!r:.100} after templating. Give a name.")
    if value.strip() == _NOTHING:
        raise RenderedToNothing(name)
    return value


def optional_text(name: str, value: Any) -> str | None:
    """A text, or None if it is empty, as templates give it for nothing.

    :param name: the argument's name, for the message.
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is not text.
    :raises RenderedToNothing: it is the text ``None``.
    """
    return None if value is None or value == "" else required_text(name, value)


def flag(name: str, value: Any) -> bool:
    """True or False, or the text of one, as templates give it.

    :param name: the argument's name, for the message.
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is neither.
    """
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidTaskArgument(f"The argument {name!r} is {value!r:.100} after templating. Give True or False.")
    return word in _TRUE


def _optional_flag(name: str, value: Any) -> bool | None:
    return None if value is None or value == "" else flag(name, value)


def execution_id_of(value: Any) -> int:
    """An execution id: a number, its text, or what a run operator returned.

    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is not an id.
    """
    found = value.get("execution_id") if isinstance(value, Mapping) else value
    if isinstance(found, str) and found.strip().isdecimal():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidTaskArgument(
            f"The argument 'execution_id' is {value!r:.100} after templating, which is not an execution id. If it "
            "comes from another task's XCom, check whether that task ran and pushed it."
        )
    return found


def values_of(name: str, value: Any) -> dict[str, Value]:
    """Values by name, such as ``{"Region": "North", "Password": {"value": "…", "sensitive": True}}``.

    :param name: the argument's name, for messages.
    :param value: a mapping, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: it has another form, or a value in it cannot be sent. The message shows no value.
    """
    return {key: _value(f"{name}[{key!r}]", item) for key, item in _mapping(name, value).items()}


def nested_values_of(name: str, value: Any) -> dict[str, dict[str, Value]]:
    """Values by two names, such as ``{"Warehouse": {"ServerName": "dw01"}}``.

    :param name: the argument's name, for messages.
    :param value: a mapping of mappings, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: as :func:`values_of`.
    """
    return {key: values_of(f"{name}[{key!r}]", item) for key, item in _mapping(name, value).items()}


def names_of(name: str, value: Any) -> dict[str, str]:
    """Names by name, such as the variables that give values to parameters: ``{"Region": "Where"}``.

    :param name: the argument's name, for messages.
    :param value: a mapping, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: it has another form.
    """
    return {key: required_text(f"{name}[{key!r}]", item) for key, item in _mapping(name, value).items()}


def list_of_names(name: str, value: Any) -> list[str]:
    """Names in a list.

    :param name: the argument's name, for messages.
    :param value: a list, the JSON text of one, or None for nothing.
    :raises InvalidTaskArgument: it has another form.
    """
    if isinstance(value, str) and value.strip() == _NOTHING:
        raise RenderedToNothing(name)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            value = None
        if not isinstance(value, list):
            raise InvalidTaskArgument(f"{name} is not a JSON list after templating. Give a list of names.")
    if value is not None and not isinstance(value, str | list | tuple | set):
        raise InvalidTaskArgument(f"{name} is {value!r:.100} after templating. Give a list of names.")
    return [required_text(name, each) for each in value or ()]


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
        project_parameters=project_parameters_of(task.project_parameters, task.project_connection_managers),
        connection_managers=nested_values_of("connection_managers", task.connection_managers),
        property_overrides=values_of("property_overrides", task.property_overrides),
        logging_level=_logging_level(task),
        use32bit=flag("use_32bit_runtime", task.use_32bit_runtime),
        run_in_scale_out=_optional_flag("run_in_scale_out", task.run_in_scale_out),
        use_any_worker=_optional_flag("use_any_worker", task.use_any_worker),
        caller_info=optional_text("caller_info", task.caller_info),
    )


def _logging_level(task: Any) -> LoggingLevel | int | str | None:
    """The logging level; None for the server's default.

    :raises RenderedToNothing: a template rendered to the text ``None``, which would otherwise be the level None.
    """
    level = task.logging_level
    if isinstance(level, str) and level.strip() == _NOTHING and not task.has_literal_logging_level:
        raise RenderedToNothing("logging_level")
    return None if level == "" else level


def project_parameters_of(parameters: Any, connection_managers: Any) -> dict[str, Value]:
    """The values of project parameters. The catalog treats properties of project connection managers as parameters.

    :param parameters: the run operator's argument ``project_parameters``.
    :param connection_managers: its argument ``project_connection_managers``.
    :raises InvalidTaskArgument: an argument has another form, or a parameter is given in both.
    """
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


def protect(name: str, value: Any, *, names: int) -> Any:
    """An argument that holds values, with each sensitive value in a form that nothing shows.

    A value is sensitive if it is in a mapping with the keys ``value`` and ``sensitive``, in upper or lower case, or in
    the JSON text of such a mapping. Numbers, and texts that Airflow's masker ignores, become :class:`Sensitive`.

    :param name: the argument's name, for messages.
    :param value: the argument after templating.
    :param names: how many levels of names are above each value: 1 for parameters, 2 for connection managers.
    :raises InvalidTaskArgument: a mapping with the key ``sensitive`` is not of that form. The message shows no value.
    """
    if isinstance(value, str):
        decoded = _decoded(name, value, is_whole=names > 0)
        return value if decoded is None else protect(name, decoded, names=names)
    if isinstance(value, list | tuple):
        return [protect(name, item, names=0) for item in value]
    if not isinstance(value, Mapping):
        return value
    if names > 0:
        if _folded(value) == _WRAPPER_KEYS:
            raise InvalidTaskArgument(
                f"The argument {name} is a value with the mark 'sensitive', but a mapping of names to values is needed "
                'here: {"Name": {"value": …, "sensitive": true}}.'
            )
        return {key: protect(f"{name}[{key!r}]", item, names=names - 1) for key, item in value.items()}
    wrapper = _wrapper(name, value)
    if wrapper is None:
        return {key: protect(f"{name}[{key!r}]", item, names=0) for key, item in value.items()}
    inner, is_sensitive = wrapper
    is_maskable = isinstance(inner, str) and (len(inner) >= SHORTEST_MASKED or inner.strip() == _NOTHING)
    if is_sensitive and inner is not None and not is_maskable and not isinstance(inner, Sensitive):
        inner = Sensitive(inner)
    return {"value": inner, "sensitive": is_sensitive}


def secrets_in(value: Any) -> Iterator[str]:
    """The sensitive texts in an argument, at any depth, as Airflow's masker takes them.

    :param value: the argument before or after templating.
    """
    if isinstance(value, Mapping):
        if _is_sensitive(value):
            yield from _texts_in(value)
        else:
            for item in value.values():
                yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            decoded = json.loads(value)
        except ValueError:
            return
        for secret in secrets_in(decoded):
            # Encoded as in the text, and decoded.
            yield from {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


def _texts_in(value: Any) -> Iterator[str]:
    """All texts and numbers in a mapping that is marked sensitive, but its mark."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).strip().casefold() != "sensitive":
                yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, Sensitive):
        yield str(value.value)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _folded(value: Mapping[Any, Any]) -> set[str]:
    return {str(key).strip().casefold() for key in value}


def _is_sensitive(value: Mapping[Any, Any]) -> bool:
    marks = [item for key, item in value.items() if str(key).strip().casefold() == "sensitive"]
    # At the level of names, "sensitive" may be a parameter's name. Masking its value is harmless.
    return any(str(mark).strip().casefold() not in _FALSE for mark in marks)


def _wrapper(name: str, value: Mapping[Any, Any]) -> tuple[Any, bool] | None:
    """The value in a wrapper and whether it is sensitive; None if the mapping has not the form of a wrapper.

    :raises InvalidTaskArgument: it has the key ``sensitive`` and is not a wrapper.
    """
    keys = _folded(value)
    if "sensitive" in keys and (keys != _WRAPPER_KEYS or len(keys) != len(value)):
        raise InvalidTaskArgument(
            f'The value of {name} has the key "sensitive" and is not of the form {{"value": …, "sensitive": true}}. '
            f"Its keys are: {', '.join(sorted(map(str, value)))}."
        )
    if not keys or not keys <= _WRAPPER_KEYS or "value" not in keys:
        return None
    inner = next(item for key, item in value.items() if str(key).strip().casefold() == "value")
    is_sensitive = _is_sensitive(value)
    if is_sensitive and not isinstance(inner, (*_SCALARS, Sensitive)) and inner is not None:
        raise InvalidTaskArgument(
            f"The value of {name} is marked sensitive and is of the Python type {type(inner).__name__}: give true or "
            "false, a number, text or a date."
        )
    return inner, is_sensitive


def _decoded(name: str, text: str, *, is_whole: bool) -> Any:
    """The JSON object in a text, if a value in it is marked sensitive; None for any other text.

    :param is_whole: whether the text should be a whole mapping of names to values.
    :raises InvalidTaskArgument: the text is not JSON and mentions the mark. The message shows nothing of it.
    """
    looks_like_object = text.lstrip().startswith("{")
    if "sensitive" not in text.casefold() or not (is_whole or looks_like_object):
        return None
    try:
        decoded = json.loads(text)
    except ValueError:
        raise InvalidTaskArgument(
            f"The argument {name} has the mark 'sensitive' in a text that is not JSON. It is not shown, because it may "
            "contain a secret. Add | tojson to the template, or give a dict."
        ) from None
    if not isinstance(decoded, Mapping):
        return None
    # A text that is a value is text for the package, unless it is a wrapper itself.
    return decoded if is_whole or _folded(decoded) == _WRAPPER_KEYS else None


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str) and value.strip() == _NOTHING:
        raise RenderedToNothing(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise InvalidTaskArgument(
                f"{name} is not a mapping of names to values after templating: it rendered to {_outline(value)}, which "
                "is not JSON. Add | tojson to the template, or pass the other task's output itself."
            ) from None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidTaskArgument(
            f"{name} is not a mapping of names to values after templating. Give a dict, or its JSON text."
        )
    return value


def _outline(text: str) -> str:
    """A text for a message, without the values in it: the names of a mapping that Python wrote, or its length."""
    try:
        decoded = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        decoded = None
    if not isinstance(decoded, Mapping):
        return f"a text of {len(text)} characters"
    return f"{{{', '.join(f'{key!r}: …' for key in decoded)}}}"


def _value(name: str, value: Any) -> Value:
    if isinstance(value, str) and (decoded := _decoded(name, value, is_whole=False)) is not None:
        value = decoded
    is_explicit = False
    if isinstance(value, Mapping) and (wrapper := _wrapper(name, value)) is not None:
        value, is_sensitive = wrapper
        if is_sensitive and not isinstance(value, Sensitive):
            inner = _value(name, value)
            return inner if isinstance(inner, Sensitive) else Sensitive(inner)
        is_explicit = True
    if isinstance(value, str) and value.strip() == _NOTHING and not is_explicit:
        parameter = _PARAMETER.fullmatch(name)
        raise RenderedToNothing(name, parameter=None if parameter is None else ast.literal_eval(parameter[1]))
    if isinstance(value, (*_SCALARS, Sensitive)):
        return value
    if value is None:
        raise InvalidTaskArgument(
            f"The value of {name} is None, and the catalog takes no NULL: leave it out to use the value that is set in "
            "the catalog. If a template rendered to nothing: did the task that it pulls from push a value?"
        )
    raise InvalidTaskArgument(
        f"The value of {name} is of the Python type {type(value).__name__}: give true or false, a number, text, a "
        'date, or {"value": …, "sensitive": true} around one of these.'
    )
