"""The rules of a control flow: its executables, their order, and which of them may start."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import ExecutionResult
from airflow_provider_ssis.project.models import (
    ConstraintValue,
    EvalOp,
    Executable,
    ExecutableKind,
    PrecedenceConstraint,
    Project,
)

LOOPS: Final = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)
LOOP_TURNS: Final = 3
"""The turns of loop containers whose turns are not known: a simulation has no files and rows to enumerate."""

Results = Mapping[str, ExecutionResult | None]
"""The results of executables, by path; None if it did not start."""

_WANTED: Final = {
    ConstraintValue.SUCCESS: ExecutionResult.SUCCESS,
    ConstraintValue.FAILURE: ExecutionResult.FAILURE,
}


def all_executables(root: Executable) -> Iterator[Executable]:
    """An executable and all inside it, those of event handlers too."""
    yield root
    for handler in root.event_handlers:
        for child in handler.children:
            yield from all_executables(child)
    for child in root.children:
        yield from all_executables(child)


def packages_run_by(project: Project, package_name: str) -> list[str]:
    """The names of a package and of all its child packages, with their child packages."""
    names: dict[str, None] = {}
    waiting = [package_name]
    while waiting:
        package = project.package(waiting.pop())
        if package is None or package.name in names:
            continue
        names[package.name] = None
        if package.control_flow is not None:
            waiting += [child.child_package for child in all_executables(package.control_flow) if child.child_package]
    return list(names)


def tasks_in(executable: Executable, project: Project) -> int:
    """The number of tasks in an executable, with those of child packages, if none fails and all may start."""
    return _tasks_in(executable, project, {})


def _tasks_in(executable: Executable, project: Project, known: dict[str, int]) -> int:
    """The same, with the numbers of the packages that are known already."""
    if executable.disabled:
        return 0
    if executable.kind is not ExecutableKind.TASK:
        return _turns(executable) * sum(_tasks_in(child, project, known) for child in executable.children)
    name = executable.child_package
    package = None if name is None else project.package(name)
    if package is None or package.control_flow is None:
        return 1
    if package.name not in known:
        # Set before it is counted, so that packages that run each other do not recurse without end.
        known[package.name] = 1
        known[package.name] = max(1, _tasks_in(package.control_flow, project, known))
    return known[package.name]


def _turns(container: Executable) -> int:
    """The turns of a container, as far as they are known before it runs."""
    if container.kind not in LOOPS:
        return 1
    return LOOP_TURNS if container.foreach_items is None else len(container.foreach_items.items)


def in_order(children: Sequence[Executable], constraints: Iterable[PrecedenceConstraint]) -> Iterator[Executable]:
    """The executables, each after the sources of its constraints; otherwise in the order of the package.

    Executables whose constraints form a cycle are left out.
    """
    position = {child.path: number for number, child in enumerate(children)}
    followers: dict[str, list[str]] = {child.path: [] for child in children}
    waits = dict.fromkeys(position, 0)
    for constraint in constraints:
        if constraint.source in position and constraint.target in position:
            followers[constraint.source].append(constraint.target)
            waits[constraint.target] += 1
    ready = [position[path] for path, count in waits.items() if count == 0]
    while ready:
        child = children[heapq.heappop(ready)]
        yield child
        for path in followers[child.path]:
            waits[path] -= 1
            if waits[path] == 0:
                heapq.heappush(ready, position[path])


def uses_expression(constraint: PrecedenceConstraint) -> bool:
    """Whether the expression of a constraint counts."""
    return constraint.eval_op is not EvalOp.CONSTRAINT and bool(constraint.expression)


def may_start(
    constraints: Sequence[PrecedenceConstraint], results: Results, untrue: Collection[PrecedenceConstraint] = ()
) -> bool:
    """Whether an executable may start.

    :param constraints: its incoming constraints.
    :param results: the results of their sources.
    :param untrue: the constraints whose expressions are not true. Default: none.
    """
    if not constraints:
        return True
    met = [_is_met(constraint, results.get(constraint.source), constraint not in untrue) for constraint in constraints]
    return all(met) if all(constraint.logical_and for constraint in constraints) else any(met)


def _is_met(constraint: PrecedenceConstraint, result: ExecutionResult | None, is_true: bool) -> bool:
    if result is None:
        return False
    has_outcome = constraint.value is ConstraintValue.COMPLETION or result is _WANTED[constraint.value]
    match constraint.eval_op:
        case EvalOp.EXPRESSION:
            return is_true
        case EvalOp.EXPRESSION_AND_CONSTRAINT:
            return is_true and has_outcome
        case EvalOp.EXPRESSION_OR_CONSTRAINT:
            return is_true or has_outcome
        case _:
            return has_outcome
