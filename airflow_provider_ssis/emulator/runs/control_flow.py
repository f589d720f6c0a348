"""The executables of a control flow, and how many tasks and packages it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_provider_ssis.project.models import Executable, ExecutableKind, Project

LOOPS: Final = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)
LOOP_TURNS: Final = 3
"""The iterations of loop containers whose iterations are not known: a simulation has no files and rows to enumerate."""


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
    """The iterations of a container, as far as they are known before it runs."""
    if container.kind not in LOOPS:
        return 1
    return LOOP_TURNS if container.foreach_items is None else len(container.foreach_items.items)
