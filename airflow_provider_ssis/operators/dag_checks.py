"""Checks of arguments when the DAG is parsed, so that an invalid argument is found before the task runs.

Only plain values are checked. A template, and the output of another task, are known when the task runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any
from uuid import UUID

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import (
    PROTECTED_ARGUMENTS,
    environment_of,
    execution_id_of,
    flag,
    nested_values_of,
    optional_text,
    required_text,
    values_of,
)
from airflow_provider_ssis.executions.sensitive_values import secrets_in

_TEMPLATE_MARKS = ("{{", "{%", "{#")
_PLAIN = (bool, int, float, Decimal, str, date, UUID, PurePath, Sensitive, Mapping, list, tuple, set)
_PACKAGE_SUFFIX = ".dtsx"


class SensitiveLiteralWarning(UserWarning):
    """A sensitive value is plain text in the DAG file or in another task's output. Airflow stores and shows both."""


def is_known(value: Any) -> bool:
    """Whether a value is the same when the task runs: it contains no template and no output of another task.

    :param value: an argument, or a part of one.
    """
    if isinstance(value, str):
        return not any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, Mapping):
        return all(is_known(part) for item in value.items() for part in item)
    if isinstance(value, list | tuple | set):
        return all(is_known(item) for item in value)
    return value is None or isinstance(value, _PLAIN)


def check_name(name: str, value: Any) -> None:
    """Check a name that must be given.

    :param name: the argument's name.
    :param value: the argument.
    :raises InvalidTaskArgument: it is empty, or not text.
    """
    if is_known(value):
        required_text(name, value)


def check_optional_text(task: Any, *names: str) -> None:
    """Check texts that may be left out.

    :param task: the operator.
    :param names: the arguments' names.
    :raises InvalidTaskArgument: one is not text.
    """
    for name in names:
        if is_known(value := getattr(task, name)):
            optional_text(name, value)


def check_environment(task: Any) -> None:
    """Check the arguments ``environment`` and ``environment_folder``.

    :param task: the operator.
    :raises InvalidTaskArgument: one is not text, or there is a folder without an environment.
    """
    if is_known(task.environment) and is_known(task.environment_folder):
        environment_of(task)
    else:
        check_optional_text(task, "environment", "environment_folder")


def check_package(value: Any) -> None:
    """Check the name of a package.

    :param value: the argument ``package``.
    :raises InvalidTaskArgument: it is empty, or has no ``.dtsx``.
    """
    check_name("package", value)
    if is_known(value) and _PACKAGE_SUFFIX not in value.lower():
        raise InvalidTaskArgument(f"package is {value!r}. Names of packages end in .dtsx: {value + _PACKAGE_SUFFIX!r}.")


def check_flag(name: str, value: Any) -> None:
    """Check an argument that is True or False.

    :param name: the argument's name.
    :param value: the argument.
    :raises InvalidTaskArgument: it is neither.
    """
    if is_known(value):
        flag(name, value)


def check_switches(task: Any, *names: str) -> None:
    """Check arguments that are True or False and take no template.

    Any text, "false" too, would count as True.

    :param task: the operator.
    :param names: the arguments' names.
    :raises InvalidTaskArgument: one is neither True nor False.
    """
    for name in names:
        value = getattr(task, name)
        if not isinstance(value, bool):
            raise InvalidTaskArgument(f"{name} is {value!r:.100}. Give True or False; {name} takes no template.")


def check_execution_id(value: Any) -> None:
    """Check an execution id.

    :param value: the argument ``execution_id``.
    :raises InvalidTaskArgument: it is not an id.
    """
    if is_known(value):
        execution_id_of(value)


def check_logging_level(value: Any) -> None:
    """Check a logging level.

    :param value: the argument ``logging_level``.
    :raises InvalidTaskArgument: it is a number that is not a level, or text that is nearly the name of a level.
    """
    if value is None or not is_known(value) or value == "":
        return
    levels = [level for level in LoggingLevel if level != LoggingLevel.CUSTOMIZED]
    names = {level.name.lower().replace("_", ""): level for level in levels}
    shown = ", ".join(f"{level.name.title().replace('_', '')} ({level.value})" for level in levels)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidTaskArgument(
            f"logging_level is {value!r:.100}. Give one of {shown}, or a customized level's name."
        )
    word = str(int(value)) if isinstance(value, int) else value.strip().lower().replace("_", "").replace(" ", "")
    if word.lstrip("-").isdecimal():
        if int(word) not in set(levels):
            raise InvalidTaskArgument(f"logging_level is {value!r}. There is no such level. The levels are {shown}.")
    elif word not in names and (similar := get_close_matches(word, names, n=1, cutoff=0.8)):
        raise InvalidTaskArgument(
            f"logging_level is {value!r}. Did you mean {similar[0]!r}? The levels are {shown}. If a customized level "
            f"has this name, give it as a template: {{{{ {value!r} }}}}."
        )


def check_values(task: Any) -> None:
    """Check the arguments of an operator that hold values, and warn about sensitive literals.

    :param task: the operator.
    :raises InvalidTaskArgument: one is not a mapping of names to values. The message shows no value.
    """
    for name, names in PROTECTED_ARGUMENTS.items():
        value = getattr(task, name, None)
        if value is None:
            continue
        for path in _sensitive_literals(name, value):
            warnings.warn(
                f"{path} of the task {task.task_id!r} is marked sensitive, but is plain text in the DAG file or in the "
                "output of another task. Airflow stores and shows both. Take it from a connection or a variable by "
                "template: "
                '{"value": "{{ conn.my_connection.password }}", "sensitive": True}.',
                SensitiveLiteralWarning,
                # The operator's __init__, Airflow's wrapper of it, and then the DAG file.
                stacklevel=4,
            )
        if isinstance(value, Mapping):
            # A mapping can mix templates and plain values, so each value is checked by itself.
            known = {key: _known_part(item, names - 1) for key, item in value.items() if isinstance(key, str)}
            known = {key: item for key, item in known.items() if item is not _UNKNOWN and is_known(key)}
            if not all(isinstance(key, str) for key in value):
                known = dict(value)
            (values_of if names == 1 else nested_values_of)(name, known)
        elif is_known(value):
            (values_of if names == 1 else nested_values_of)(name, value)


_UNKNOWN = object()


def _known_part(value: Any, names: int) -> Any:
    if names > 0 and isinstance(value, Mapping):
        return {key: item for key, item in value.items() if is_known(key) and is_known(item)}
    return value if is_known(value) else _UNKNOWN


def _sensitive_literals(name: str, value: Any) -> Iterator[str]:
    """The paths of the sensitive values that are literals."""
    if not isinstance(value, Mapping) or any(str(key).strip().casefold() == "sensitive" for key in value):
        if is_known(value) and next(secrets_in(value), None) is not None:
            yield name
        return
    for key, item in value.items():
        yield from _sensitive_literals(f"{name}[{key!r}]", item)
