"""Prepares an executable: applies settings and property expressions to its stored values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.evaluation import (
    PROPERTY_NOT_EVALUATED,
    PROPERTY_NOT_SET,
    Evaluation,
    failure,
)
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.properties.property_table import (
    PACKAGE,
    is_of_component,
    with_container_property,
    with_data_property,
    with_enumerator_property,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.loops import ForeachLoop

_WITHOUT_EFFECT: Final = frozenset(
    "certificatecontext checksignatureonload dumpdescriptor dumponanyerror dumponcodes enabledump packagepassword"
    " packagepriorityclass packagetype protectionlevel suppressconfigurationwarnings updateobjects".split()
)
PACKAGE_PROPERTIES: Final = frozenset(PACKAGE) | _WITHOUT_EFFECT
"""Properties of packages that are read elsewhere, or that have no effect on a run here."""


@dataclass(slots=True)
class Prepared:
    """An executable with the values that its properties have now.

    :param container: the executable.
    :param data: the stored data of its task or loop.
    :param failures: why properties could not be set; the executable cannot run then.
    """

    container: DtsContainer
    data: ContainerData
    failures: list[TaskFailure]


def prepare(evaluation: Evaluation, frame: Frame) -> Prepared:
    """Apply the settings of the user and of configurations, and then the property expressions, which take precedence.

    :param evaluation: evaluates the expressions.
    :param frame: the frame of the executable as stored, whose variables the expressions can use.
    """
    prepared = Prepared(frame.container, frame.package.data_of(frame.container), [])
    path = frame.container.path
    for name, value in frame.package.settings.executables.get(path, {}).items():
        _set(prepared, name, value, f"The property {name} of {path}")
    for name, expression in frame.container.expressions.items():
        if is_of_component(prepared.data, name):
            continue
        where = f"The expression of the property {name} of {path}"
        try:
            value = evaluation.value(frame, expression)
        except (ExpressionError, TaskFailure) as error:
            prepared.failures.append(failure(where, error, PROPERTY_NOT_EVALUATED))
            continue
        _set(prepared, name, value, where)
    return prepared


def package_property(evaluation: Evaluation, frame: Frame, name: str, stored: Any) -> Any:
    """Return a property of a package: its expression, what the user or a configuration sets, or the stored value.

    :param frame: the package.
    :param name: the property: ``CheckpointFileName``.
    :raises TaskFailure: its expression has no value, or the value is not one of the property.
    """
    value = stored
    where = f"The property {name} of {frame.container.path}"
    for key, found in frame.package.settings.executables.get(frame.container.path, {}).items():
        if key.lower() == name.lower():
            value = found
    for key, expression in frame.container.expressions.items():
        if key.lower() == name.lower():
            try:
                value = evaluation.value(frame, expression)
            except (ExpressionError, TaskFailure) as error:
                where = f"The expression of the property {name} of {frame.container.path}"
                raise failure(where, error, PROPERTY_NOT_EVALUATED) from None
    try:
        return PACKAGE[name.lower()](value)
    except ValueError as error:
        raise TaskFailure(f"{where} cannot be set: {error}.", PROPERTY_NOT_SET) from None


def prepare_enumerator(evaluation: Evaluation, frame: Frame, loop: ForeachLoop) -> ForeachLoop:
    """Apply settings and property expressions to the enumerator of a Foreach loop.

    :param frame: the loop.
    :raises TaskFailure: an expression has no value, or its value does not fit.
    """
    path = frame.container.path
    values: dict[str, Any] = dict(frame.package.settings.enumerators.get(path, {}))
    for name, expression in loop.expressions.items():
        try:
            values[name] = evaluation.value(frame, expression)
        except (ExpressionError, TaskFailure) as error:
            where = f"The expression of the property {name} of the enumerator of {path}"
            raise failure(where, error, PROPERTY_NOT_EVALUATED) from None
    for name, value in values.items():
        try:
            loop = with_enumerator_property(loop, name, value)
        except ValueError as error:
            text = f"The property {name} of the enumerator of {path} cannot be set: {error}."
            raise TaskFailure(text, PROPERTY_NOT_SET) from None
    return loop


def _set(prepared: Prepared, name: str, value: Any, where: str) -> None:
    try:
        changed = with_container_property(prepared.container, name, value)
        if changed is not None:
            prepared.container = changed
        elif prepared.container.kind is ExecutableKind.PACKAGE and name.lower() in PACKAGE_PROPERTIES:
            return
        else:
            prepared.data = with_data_property(prepared.data, name, value)
    except ValueError as error:
        prepared.failures.append(TaskFailure(f"{where} cannot be set: {error}.", PROPERTY_NOT_SET))
