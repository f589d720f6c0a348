"""Refusing properties of components that are unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.refusals import Refusal

_DESIGNER = frozenset({"UserComponentTypeName"})


def unknown_properties(plan: ComponentPlan, known: Collection[str]) -> Iterator[Refusal]:
    """Yield a refusal for each property of a component that the engine does not know and that has a value.

    :param known: the properties that the engine knows.
    """
    for name, found in plan.stored.properties.items():
        if name not in known and name not in _DESIGNER and (found.text or found.items):
            yield Refusal(
                plan.path,
                f"the property {name}",
                "the engine does not know this property of the component",
                "Remove it, or run the package on a server.",
            )
