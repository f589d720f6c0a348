"""Arguments of operators and sensors after templating, which can be text instead of a number, a flag or a mapping."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing
from airflow_provider_ssis.executions.sensitive_values import (
    FALSE_WORDS,
    NOTHING,
    SCALARS,
    has_mark,
    marked_object,
    wrapper_of,
)

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


_TRUE = frozenset({"true", "1", "yes"})
_PARAMETER = re.compile(r"(?:project_)?parameters\[(.+)\]", re.DOTALL)


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


def shown(value: Any) -> str:
    """A wrong argument for a message, without the values in a mapping or list or its text, which may be secrets.

    :param value: the argument after templating.
    """
    if isinstance(value, Mapping) and value:
        return f"a mapping with the keys {', '.join(map(repr, value))}"
    if isinstance(value, list | tuple | set) and value:
        return f"a {type(value).__name__} of {len(value)} items"
    if isinstance(value, str) and has_mark(value):
        return "a text with the mark 'sensitive'"
    return f"{value!r:.100}"


def required_text(name: str, value: Any) -> str:
    """A text that must not be empty.

    :param name: the argument's name, for the message.
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is not text, empty, or a value that is marked sensitive, which messages would show.
    :raises RenderedToNothing: it is the text ``None``.
    """
    if not isinstance(value, str) or not value.strip() or has_mark(value):
        raise InvalidTaskArgument(f"The argument {name!r} is {shown(value)}. Give a name.")
    if value.strip() == NOTHING:
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


def optional_secret(name: str, value: Any) -> str | None:
    """A text that no message shows, or None if it is empty.

    :param name: the argument's name, for the message.
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is not text.
    :raises RenderedToNothing: it is the text ``None``.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidTaskArgument(f"The argument {name!r} is of the Python type {type(value).__name__}. Give text.")
    return optional_text(name, value)


def flag(name: str, value: Any) -> bool:
    """True or False, or the text of one, as templates give it.

    :param name: the argument's name, for the message.
    :param value: the argument after templating.
    :raises InvalidTaskArgument: it is neither.
    """
    word = str(value).strip().lower()
    if word not in _TRUE | FALSE_WORDS:
        raise InvalidTaskArgument(f"The argument {name!r} is {shown(value)}. Give True or False.")
    return word in _TRUE


def _optional_flag(name: str, value: Any) -> bool | None:
    return None if value is None or value == "" else flag(name, value)


def check_any_worker(run_in_scale_out: Any, use_any_worker: Any) -> None:
    """Check that an execution for Scale Out may run on any worker: operators cannot choose workers.

    :raises InvalidTaskArgument: no worker could run the execution, which would stay pending.
    """
    any_worker = _optional_flag("use_any_worker", use_any_worker)
    if any_worker is False and _optional_flag("run_in_scale_out", run_in_scale_out) is not False:
        raise InvalidTaskArgument(
            "use_any_worker=False is not supported: this operator cannot choose Scale Out workers, so none could run "
            "the execution, and it would stay pending. Leave use_any_worker out to run on any enabled worker. To "
            "choose workers, call create_execution, add_execution_worker and start_execution of the hook's catalog."
        )


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
            f"The argument 'execution_id' is {shown(value)}, which is not an execution id. If it "
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
    if isinstance(value, str) and value.strip() == NOTHING:
        raise RenderedToNothing(name)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            value = None
        if not isinstance(value, list):
            raise InvalidTaskArgument(f"{name} is not a JSON list. Give a list of names.")
    if value is not None and not isinstance(value, str | list | tuple | set):
        raise InvalidTaskArgument(f"{name} is {shown(value)}. Give a list of names.")
    return [required_text(name, each) for each in value or ()]


def environment_of(task: Any) -> tuple[str | None, str | None]:
    """The arguments ``environment`` and ``environment_folder``, each None for nothing.

    :param task: the operator, before or after templating.
    :raises InvalidTaskArgument: one is not text, or there is a folder without an environment.
    """
    environment = optional_text("environment", task.environment)
    folder = optional_text("environment_folder", task.environment_folder)
    if folder is not None and environment is None:
        raise InvalidTaskArgument(
            f"environment_folder is {shown(folder)}, and environment is not given. Give the environment's name too, or "
            "leave environment_folder out."
        )
    return environment, folder


def execution_request(task: Any) -> ExecutionRequest:
    """The request of a run operator, from its arguments after templating.

    :param task: the operator.
    :raises InvalidTaskArgument: an argument cannot be used.
    """
    run_in_scale_out = _optional_flag("run_in_scale_out", task.run_in_scale_out)
    use_any_worker = _optional_flag("use_any_worker", task.use_any_worker)
    check_any_worker(run_in_scale_out, use_any_worker)
    environment, environment_folder = environment_of(task)
    return ExecutionRequest(
        folder=required_text("folder", task.folder),
        project=required_text("project", task.project),
        package=required_text("package", task.package),
        environment=environment,
        environment_folder=environment_folder,
        parameters=values_of("parameters", task.parameters),
        project_parameters=project_parameters_of(task.project_parameters, task.project_connection_managers),
        connection_managers=nested_values_of("connection_managers", task.connection_managers),
        property_overrides=values_of("property_overrides", task.property_overrides),
        logging_level=_logging_level(task),
        use32bit=flag("use_32bit_runtime", task.use_32bit_runtime),
        run_in_scale_out=run_in_scale_out,
        use_any_worker=use_any_worker,
        caller_info=optional_text("caller_info", task.caller_info),
    )


def _logging_level(task: Any) -> LoggingLevel | int | str | None:
    """The logging level; None for the server's default.

    :raises InvalidTaskArgument: it is neither a number nor a name.
    :raises RenderedToNothing: a template rendered to the text ``None``, which would otherwise be the level None.
    """
    level = task.logging_level
    is_other = isinstance(level, bool) or not isinstance(level, int | str | None)
    if is_other or (isinstance(level, str) and has_mark(level)):
        raise InvalidTaskArgument(f"The argument 'logging_level' is {shown(level)}. Give a level's number or name.")
    if isinstance(level, str) and level.strip() == NOTHING and not task.has_literal_logging_level:
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


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str) and value.strip() == NOTHING:
        raise RenderedToNothing(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise InvalidTaskArgument(
                f"{name} is not a mapping of names to values: it is {_outline(value)}, which is not JSON. Give a dict. "
                "In a template, add | tojson, or pass the other task's output itself."
            ) from None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidTaskArgument(f"{name} is not a mapping of names to values. Give a dict, or its JSON text.")
    return value


def _outline(text: str) -> str:
    """A text for a message, without the values in it: the names of a mapping that Python wrote, or its length."""
    try:
        decoded = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        decoded = None
    if not isinstance(decoded, Mapping):
        return f"a text of {len(text)} character{'s' if len(text) != 1 else ''}"
    return f"{{{', '.join(f'{key!r}: …' for key in decoded)}}}"


def _value(name: str, value: Any) -> Value:
    if isinstance(value, str) and (decoded := marked_object(name, value, is_whole=False)) is not None:
        value = decoded
    is_explicit = False
    if isinstance(value, Mapping) and (wrapper := wrapper_of(name, value)) is not None:
        value, is_sensitive = wrapper
        if is_sensitive and not isinstance(value, Sensitive):
            inner = _value(name, value)
            return inner if isinstance(inner, Sensitive) else Sensitive(inner)
        is_explicit = True
    if isinstance(value, str) and value.strip() == NOTHING and not is_explicit:
        parameter = _PARAMETER.fullmatch(name)
        raise RenderedToNothing(name, parameter=None if parameter is None else ast.literal_eval(parameter[1]))
    if isinstance(value, (*SCALARS, Sensitive)):
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
