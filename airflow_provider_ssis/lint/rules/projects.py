"""Rules about projects: files, protection, references between packages, ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Subject
from airflow_provider_ssis.project.dts import dts_text
from airflow_provider_ssis.project.manifest.project_manifest import MANIFEST
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask
from airflow_provider_ssis.project.protection.encryption import USER_KEY_LEVELS

T = TypeVar("T")


@rule(
    "P001",
    "file-cannot-be-read",
    Severity.ERROR,
    explanation="A file that is damaged, encrypted, or not valid for its kind cannot be checked, built or deployed.",
    fix="Restore the file, or save it again in Visual Studio",
)
def unreadable(subject: Subject) -> Iterator[Hit]:
    """The runner reports these: reading comes before all rules."""
    yield from ()


@rule(
    "P201",
    "protection-levels-differ",
    Severity.ERROR,
    explanation="The server and Visual Studio reject a project if a package has another protection level.",
    fix="Set the protection level of the package to that of its project",
)
def levels_differ(subject: Subject) -> Iterator[Hit]:
    """Find packages with another protection level than their project."""
    if subject.manifest is None:
        return
    wanted = subject.manifest.protection_level
    for one in subject.packages:
        found = one.package.protection_level
        if found is not wanted and dts_text(one.package.element, "ProtectionLevel"):
            yield one.place(one.package), f"the package has {found.label}, its project {wanted.label}"


@rule(
    "P202",
    "user-key",
    Severity.WARNING,
    explanation=(
        "Only the author's Windows account can decrypt the sensitive values. A server or another user cannot."
    ),
    fix="Use DontSaveSensitive and set sensitive values on the server, or protect the project with a password",
)
def user_key(subject: Subject) -> Iterator[Hit]:
    """Find projects, and packages of the package deployment model, whose values are encrypted with a user key."""
    if subject.manifest is not None:
        if subject.manifest.protection_level in USER_KEY_LEVELS:
            level = subject.manifest.protection_level.label
            yield (
                subject.manifest_place(),
                f"the project has the protection level {level}",
            )
        return
    for one in subject.packages:
        if one.package.protection_level in USER_KEY_LEVELS:
            yield one.place(one.package), f"the package has the protection level {one.package.protection_level.label}"


@rule(
    "P301",
    "duplicate-id",
    Severity.WARNING,
    explanation=(
        "Copied packages and tasks keep their id. Then an id in logs, events and overrides refers to two objects."
    ),
    fix="Generate a new id in Visual Studio (property ID)",
)
def duplicate_ids(subject: Subject) -> Iterator[Hit]:
    """Find packages of a project, and executables and connection managers of a package, with the same id."""
    packages: dict[str, str] = {}
    for one in subject.packages:
        own = one.package.container.id
        if own and own in packages:
            yield one.place(one.package), f"the package has the same id as {packages[own]}"
        packages.setdefault(own, one.file)
        seen: dict[str, str] = {}
        for executable in one.executables[1:]:
            container = executable.container
            if container.id and container.id in seen:
                message = f"{container.path} has the same id as {seen[container.id]}"
                yield one.place(container, container.path), message
            seen.setdefault(container.id, container.path)
        ids: dict[str, str] = {}
        for manager in one.package.connection_managers:
            if manager.id and manager.id.upper() in ids:
                message = f"the connection manager {manager.name} has the same id as {ids[manager.id.upper()]}"
                yield one.manager_place(manager), message
            ids.setdefault(manager.id.upper(), manager.name)


@rule(
    "P303",
    "duplicate-name",
    Severity.WARNING,
    explanation=(
        "Property paths, logs and expressions refer to objects by name. They cannot refer to both of two "
        "objects with the same name."
    ),
    fix="Rename one of the objects",
)
def duplicate_names(subject: Subject) -> Iterator[Hit]:
    """Find variables, parameters and connection managers with the same name; tasks are an error of reading."""
    project = {manager.name for _, manager in subject.project_managers}
    for one in subject.packages:
        path = one.package.container.path
        managers = one.package.connection_managers
        for manager in (*_repeated(managers, lambda each: each.name), *(m for m in managers if m.name in project)):
            yield one.manager_place(manager), f"two connection managers have the name {manager.name}"
        for own in _repeated(one.package.parameters, lambda each: each.name):
            yield one.place(own, f"{path}::{own.name}"), f"two parameters have the name {own.name}"
        for owner, _ in one.scopes:
            for variable in _repeated(owner.variables, lambda each: each.qualified_name):
                where = f"{owner.path}.Variables[{variable.qualified_name}]"
                yield one.place(variable, where), f"two variables have the name {variable.qualified_name}"


def _repeated(objects: Iterable[T], name: Callable[[T], str]) -> Iterator[T]:
    """Yield the objects whose name an earlier one has."""
    seen: set[str] = set()
    for one in objects:
        if name(one) in seen:
            yield one
        seen.add(name(one))


@rule(
    "P302",
    "manifest-differs-from-package",
    Severity.WARNING,
    explanation="The server takes parameters from the manifest of a project file, not from the packages in it.",
    fix="Build the project file again",
)
def stale_manifest(subject: Subject) -> Iterator[Hit]:
    """Find packages of a project file whose parameters differ from its manifest. A build of a folder updates it."""
    if subject.manifest is None or subject.files.part != MANIFEST:
        return
    listed = {one.name.casefold(): one for one in subject.manifest.packages}
    for one in subject.packages:
        found = listed.get(one.file.casefold())
        declared = {parameter.name for parameter in one.package.parameters}
        names = {each.name for each in found.parameters if not each.name.startswith("CM.")} if found else declared
        for name in sorted(declared ^ names):
            where = "package" if name in declared else "manifest"
            yield (
                one.place(one.package, f"{one.package.container.name}::{name}"),
                f"only the {where} has the parameter {name}",
            )


@rule(
    "P401",
    "unknown-package",
    Severity.ERROR,
    explanation="An Execute Package task with a project reference fails if the project does not contain the package.",
    fix="Add the package to the project, or correct its name in the task",
)
def unknown_package(subject: Subject) -> Iterator[Hit]:
    """Find Execute Package tasks whose package is not in the project."""
    if not subject.files.is_project:
        return
    known = {name.casefold() for name in subject.files.package_names}
    for one, task, path in _child_packages(subject):
        if task.package_name.casefold() not in known:
            yield one.place(task, path), f"the project does not contain the package {task.package_name!r}"


@rule(
    "P402",
    "unknown-child-parameter",
    Severity.ERROR,
    explanation="An Execute Package task fails if it assigns a value to a parameter that its package does not declare.",
    fix="Correct the assignment, or declare the parameter in the child package",
)
def unknown_child_parameter(subject: Subject) -> Iterator[Hit]:
    """Find assignments to parameters that the child package does not declare."""
    packages = {one.file.casefold(): one.package for one in subject.packages}
    for one, task, path in _child_packages(subject):
        child = packages.get(task.package_name.casefold())
        declared = () if child is None else [parameter.name for parameter in child.parameters]
        for assignment in task.assignments if child is not None else ():
            if assignment.parameter not in declared:
                yield one.place(task, path), f"{task.package_name} has no parameter {assignment.parameter!r}"


@rule(
    "P403",
    "package-runs-itself",
    Severity.ERROR,
    explanation="Packages that run each other in a cycle never end.",
    fix="Remove one of the Execute Package tasks",
)
def circle(subject: Subject) -> Iterator[Hit]:
    """Find packages that run themselves, directly or through others."""
    children: dict[str, set[str]] = {}
    for one, task, path in _child_packages(subject):
        if not one.is_disabled(path):
            children.setdefault(one.file.casefold(), set()).add(task.package_name.casefold())
    for one in subject.packages:
        reached: set[str] = set()
        pending = [one.file.casefold()]
        while pending:
            new = children.get(pending.pop(), set()) - reached
            reached |= new
            pending += new
        if one.file.casefold() in reached:
            yield one.place(one.package), f"{one.file} runs itself, directly or through other packages"


def _child_packages(subject: Subject) -> Iterator[tuple[CheckedPackage, ExecutePackageTask, str]]:
    """Yield the Execute Package tasks with a project reference to a fixed package."""
    for one in subject.packages:
        for executable in one.executables:
            task = executable.data
            is_fixed = "PackageName" not in executable.container.expressions
            if isinstance(task, ExecutePackageTask) and task.use_project_reference and task.package_name and is_fixed:
                yield one, task, executable.container.path
