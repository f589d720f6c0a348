"""Finds damaged parts of a stored control flow, which would be read as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_type_hints

from airflow_provider_ssis.engine.control_flow.precedence import uses_expression
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.dts import DtsContents, dts_text
from airflow_provider_ssis.project.models import EvalOp, ExecutableKind
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.elements import BOOLEANS

if TYPE_CHECKING:
    from lxml.etree import _Element

T = TypeVar("T")
_FLAGS: Final = (
    "Disabled",
    "DelayValidation",
    "DisableEventHandlers",
    "FailPackageOnFailure",
    "FailParentOnFailure",
    "ForceExecValue",
)
_FLAGS_OF_PACKAGES: Final = ("EnableConfig", "SaveCheckpoints")
_VARIABLE: Final = ("EvaluateAsExpression", "RaiseChangedEvent", "ReadOnly")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "ForceExecutionResult": ("-1", "0", "1", "2"),
    "TransactionOption": ("0", "1", "2"),
}
_CHOICES_OF_PACKAGES: Final = {"CheckpointUsage": ("0", "1", "2")}
_ADVICE: Final = "Open the package in Visual Studio, correct it, and save it again."


def damaged_parts(owner: DtsContainer | DtsEventHandler) -> Iterator[Refusal]:
    """Yield the damaged parts of an executable or event handler: values, names and precedence constraints.

    :param owner: the executable, which is not disabled.
    """
    stored = DtsContents(owner.element)
    is_package = isinstance(owner, DtsContainer) and owner.kind is ExecutableKind.PACKAGE
    for name in (*_FLAGS, *(_FLAGS_OF_PACKAGES if is_package else ())):
        text = stored.text(name).strip()
        if text and text.lower() not in BOOLEANS:
            yield Refusal(owner.path, f"the property {name} with the value {text!r}", "it is not a Boolean", _ADVICE)
    for name, known in (*_CHOICES.items(), *(_CHOICES_OF_PACKAGES.items() if is_package else ())):
        text = stored.text(name).strip()
        if text and text not in known:
            what = f"the property {name} with the value {text!r}"
            yield Refusal(owner.path, what, f"the values are {', '.join(known)}", _ADVICE)
    if isinstance(owner, DtsContainer):
        if owner.max_error_count < 0:
            what = f"the property MaxErrorCount with the value {owner.max_error_count}"
            yield Refusal(owner.path, what, "it is a number, 0 or more", _ADVICE)
        for event in _twice(handler.event for handler in owner.event_handlers):
            yield Refusal(owner.path, f"two event handlers of {event}", "an executable has one for each event", _ADVICE)
    for name, element, whose in _flags_inside(owner):
        text = dts_text(element, name).strip()
        if text and text.lower() not in BOOLEANS:
            what = f"the property {name} of {whose} with the value {text!r}"
            yield Refusal(owner.path, what, "it is not a Boolean", _ADVICE)
    for name in _twice(variable.qualified_name for variable in owner.variables):
        yield Refusal(owner.path, f"two variables {name}", "a name is used once in a container", _ADVICE)
    for source, target in _twice((one.source, one.target) for one in owner.constraints):
        what = f"two precedence constraints from {source} to {target}"
        yield Refusal(owner.path, what, "two executables have at most one (0xC0014038)", _ADVICE)
    for one in owner.constraints:
        if one.eval_op is not EvalOp.CONSTRAINT and not uses_expression(one):
            what = f"the precedence constraint from {one.source} to {one.target}"
            yield Refusal(owner.path, what, "it evaluates an expression, but has none (0xC0014021)", _ADVICE)


def _flags_inside(owner: DtsContainer | DtsEventHandler) -> Iterator[tuple[str, _Element, str]]:
    """Yield the Boolean properties of variables and precedence constraints: name, owner, and its name in messages."""
    for variable in owner.variables:
        for name in _VARIABLE:
            yield name, variable.element, f"the variable {variable.qualified_name}"
    for one in owner.constraints:
        yield "LogicalAnd", one.element, f"the precedence constraint to {one.target}"


def damaged_task(container: DtsContainer, data: ContainerData, task: type[Task]) -> Iterator[Refusal]:
    """Yield a task whose data is missing or that of something else.

    :param data: the stored data of the task.
    :param task: the class that runs it.
    """
    if not isinstance(data, _data_type(task)):
        yield Refusal(container.path, "its definition", "the data of the task is missing or damaged", _ADVICE)


@cache
def _data_type(task: type[Task]) -> Any:
    return get_type_hints(task).get("data", object)


def _twice(found: Iterable[T]) -> Iterator[T]:
    return (one for one, count in Counter(found).items() if count > 1)
