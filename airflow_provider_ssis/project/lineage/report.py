"""The lineage of an SSIS file as plain data, and as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.lineage.overrides import Overrides
from airflow_provider_ssis.project.lineage.package_lineage import (
    DatasetUse,
    PackageCall,
    TaskLineage,
    package_lineage,
)
from airflow_provider_ssis.project.lineage.package_values import Evaluate
from airflow_provider_ssis.project.package.connections import DtsConnectionManager, read_dts_connection_manager

FORMAT = 1
_ENCRYPTED = "the package {} is encrypted as a whole, so its tables are not known"
_MISSING = "the package {} is not in the project"


def lineage_of_files(
    files: SsisFiles, evaluate: Evaluate, given: Mapping[str, Any] | None = None, *, machine: str = ""
) -> dict[str, tuple[TaskLineage, ...]]:
    """Return the lineage of each package, by the name of its file.

    A package that is encrypted as a whole has a note instead of tables.

    :param files: the project or package.
    :param evaluate: evaluates expressions.
    :param given: values of parameters. Default: the design defaults.
    :param machine: the machine that runs the packages. Default: unknown.
    :raises ProjectError: a package cannot be read.
    """
    managers = _project_managers(files)
    parameters = files.project_parameters()
    known = {name.lower() for name in files.package_names}
    found: dict[str, tuple[TaskLineage, ...]] = {}
    for name in files.package_names:
        if files.is_encrypted(name):
            found[name] = (PackageCall(name, frozenset()).unread(_ENCRYPTED.format(name)),)
            continue
        one = package_lineage(
            files.package(name),
            evaluate=evaluate,
            parameters=parameters,
            managers=managers,
            given=given,
            machine=machine,
        )
        # A package alone does not show the other packages of its project.
        missing = (call for call in one.calls if files.is_project and call.package.lower() not in known)
        found[name] = (*one.tasks, *(call.unread(_MISSING.format(call.package)) for call in missing))
    return found


def lineage_of_run(
    files: SsisFiles,
    package: str,
    evaluate: Evaluate,
    given: Mapping[str, Any],
    *,
    machine: str = "",
    overrides: Overrides | None = None,
) -> dict[str, tuple[TaskLineage, ...]]:
    """Return the lineage of a package and of the packages that it runs, by the name of its file.

    :param files: the project.
    :param package: the package that is started.
    :param evaluate: evaluates expressions.
    :param given: values of parameters of the project and of the started package.
    :param machine: the machine that runs the packages. Default: unknown.
    :param overrides: what the run replaces in the package that is started. Default: nothing.
    :raises ProjectError: a package cannot be read.
    """
    overrides = overrides or Overrides()
    managers = _project_managers(files)
    parameters = files.project_parameters()
    known = {name.lower(): name for name in files.package_names}
    of_project = {name: value for name, value in given.items() if name.startswith("$Project::")}
    of_children = Overrides(connections=overrides.connections)
    pending = [(package, PackageCall(package, frozenset()))]
    seen: set[PackageCall] = set()
    found: dict[str, tuple[TaskLineage, ...]] = {}
    while pending:
        caller, wanted = pending.pop(0)
        name = known.get(wanted.package.lower(), "")
        call = PackageCall(name, wanted.parameters)
        if not name or files.is_encrypted(name):
            note = (_ENCRYPTED if name else _MISSING).format(wanted.package)
            found[caller] = tuple(dict.fromkeys((*found.get(caller, ()), wanted.unread(note))))
            continue
        if call in seen:
            continue
        # The values that a package passes to another are known only when it runs.
        passed = {f"$Package::{one}": None for one in wanted.parameters}
        one = package_lineage(
            files.package(name),
            evaluate=evaluate,
            parameters=parameters,
            managers=managers,
            given=of_project | passed if seen else given,
            machine=machine,
            overrides=of_children if seen else overrides,
        )
        seen.add(call)
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *one.tasks)))
        pending += [(name, each) for each in one.calls]
    return found


def _project_managers(files: SsisFiles) -> list[DtsConnectionManager]:
    names = () if files.manifest is None else files.manifest.connection_managers
    return [read_dts_connection_manager(files.root(name), name) for name in names]


def to_data(lineage: Mapping[str, Iterable[TaskLineage]]) -> dict[str, Any]:
    """Return lineage as plain data, ready for JSON.

    :param lineage: the tasks by package.
    """
    return {
        "format": FORMAT,
        "packages": [{"file": name, "tasks": [_task(one) for one in tasks]} for name, tasks in lineage.items()],
    }


def to_text(lineage: Mapping[str, Iterable[TaskLineage]]) -> str:
    """Return lineage as an indented list.

    :param lineage: the tasks by package.
    """
    return "".join(f"{line}\n" for line in _lines(lineage))


def _task(found: TaskLineage) -> dict[str, Any]:
    return {
        "task": found.task,
        "kind": found.kind,
        "reads": [_use(one) for one in found.reads],
        "writes": [_use(one) for one in found.writes],
        "columns": [
            {
                "namespace": one.target.namespace,
                "name": one.target.name,
                "column": one.column,
                "origins": [
                    {"namespace": dataset.namespace, "name": dataset.name, "column": column}
                    for dataset, column in one.origins
                ],
            }
            for one in found.columns
        ],
        "notes": list(found.notes),
    }


def _use(use: DatasetUse) -> dict[str, Any]:
    return {"namespace": use.dataset.namespace, "name": use.dataset.name, "columns": list(use.columns)}


def _lines(lineage: Mapping[str, Iterable[TaskLineage]]) -> Iterator[str]:
    for name, tasks in lineage.items():
        yield f"Package {name}"
        for task in tasks:
            yield f"  {task.task} [{task.kind}]"
            for verb, uses in (("reads", task.reads), ("writes", task.writes)):
                for use in uses:
                    columns = f" ({', '.join(use.columns)})" if use.columns else ""
                    yield f"    {verb} {use.dataset.namespace} {use.dataset.name}{columns}"
            for one in task.columns:
                origins = ", ".join(f"{dataset.name}.{column}" for dataset, column in one.origins)
                yield f"    {one.target.name}.{one.column} <- {origins}"
            for note in task.notes:
                yield f"    not known: {note}"
