"""Finds parameters of queries in data flows that are mapped to nothing that the engine knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_ssis.engine.loading import LoadedProject
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage

_MAPPING = "ParameterMapping"
_ENTRY = re.compile(r'"([^"]*)"\s*,\s*(\{[0-9a-f-]{36}\})', re.IGNORECASE)


def query_parameter_refusals(
    where: str, pipeline: Pipeline, package: DtsPackage, project: LoadedProject
) -> Iterator[Refusal]:
    """Yield the parameters of sources that are mapped to the id of no variable or parameter.

    The ids of system variables are not stored in packages, so a mapping to a system variable is one of these.

    :param where: the path of the Data Flow task.
    """
    known: set[str] | None = None
    for component in pipeline.components:
        stored = component.properties.get(_MAPPING)
        for name, identifier in _ENTRY.findall(stored.text if stored is not None else ""):
            known = known if known is not None else _ids(package, project)
            if identifier.upper() not in known:
                yield Refusal(
                    f"{where}\\{component.name}",
                    f"the parameter {name.partition(':')[0]} of its query",
                    f"it is mapped to {identifier}, which is not a variable or parameter of the package or its project",
                    "Map it to a variable of the package; for the value of a system variable, give that variable the "
                    "expression @[System::Name].",
                )


def _ids(package: DtsPackage, project: LoadedProject) -> set[str]:
    """The ids of all variables and parameters, in upper case."""
    found = {DtsContents(element).text("DTSID") for element in package.element.iter("{*}Variable")}
    found |= {one.id for one in package.parameters} | {one.id for one in project.parameters}
    return {identifier.upper() for identifier in found if identifier}
