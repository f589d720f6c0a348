"""Connection managers and parameters of a project that a package uses, if the project is not loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.package.connection_references import connection_references
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import INVALID, Pipeline

_MANAGER = re.compile(r"Project\.ConnectionManagers\[(.*)\]")
_PARAMETER = re.compile(r"@\[\$Project::([^\]]+)\]", re.IGNORECASE)
_ADVICE = "Give the folder or project file of the whole project"


def missing_project_parts(
    root: DtsContainer, text: str, managers: Iterable[DtsConnectionManager], parameters: Iterable[Parameter]
) -> Iterator[Refusal]:
    """Yield the parts of its project that a package without a project names.

    :param root: the container of the package.
    :param text: the texts of the package that can have an effect.
    :param managers: the connection managers that are known.
    :param parameters: the parameters of the project that are known, from a file Project.params next to the package.
    """
    known = {name.casefold() for manager in managers for name in (manager.name, manager.id)}
    used = [(container, one) for container in root.walk_enabled() for one in dict.fromkeys(_references(container))]
    names = {id_: name for _, (id_, name) in used if id_ and name}
    for container, (id_, name) in used:
        if known.isdisjoint(one.casefold() for one in (id_, name) if one):
            what = f"the connection manager {name or names.get(id_, id_)}"
            advice = f"{_ADVICE}, or add its .conmgr file to the folder of the package."
            yield Refusal(container.path, what, "the package does not contain it", advice, needs_value=True)
    declared = {one.name.casefold() for one in parameters}
    for name in sorted({each for each in _PARAMETER.findall(text) if each.casefold() not in declared}):
        where = f"{root.path}.Variables[$Project::{name}]"
        yield Refusal(where, "the parameter", "it belongs to the project", f"{_ADVICE}.", needs_value=True)


def _references(container: DtsContainer) -> Iterator[tuple[str, str]]:
    """Yield the GUID and the name of each connection manager; what the reference does not contain is empty."""
    try:
        data = container.data()
    except ProjectError:
        return  # reported with the executable
    for id_, ref_id in connection_references(data, container.expressions):
        if id_.endswith(INVALID) and not ref_id:
            continue  # the designer marks a connection manager that was deleted; the validation fails
        reference = id_.removesuffix(":external")
        if found := _MANAGER.fullmatch(ref_id):
            yield reference, found[1]
        elif not isinstance(data, Pipeline):
            yield (reference, "") if reference.startswith("{") else ("", reference)
