"""Reading the properties of components, inputs, outputs and columns, and refusing those that are unknown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import ComponentProperty
from airflow_provider_ssis.project.package.elements import is_true

_REFERENCE = re.compile(r"#\{(?P<ref_id>.*)\}|#?(?P<number>\d+)", re.DOTALL)
_DESIGNER = frozenset({"UserComponentTypeName"})


def text_of(properties: Mapping[str, ComponentProperty], name: str, default: str = "") -> str:
    """Return the text of a property; the default if it is absent or has no value."""
    found = properties.get(name)
    return default if found is None or found.data_type == "System.Null" else found.text


def flag_of(properties: Mapping[str, ComponentProperty], name: str, default: bool = False) -> bool:
    """Return the value of a Boolean property; the default if it is absent or has no value."""
    return is_true(text_of(properties, name), default=default)


def reference_of(properties: Mapping[str, ComponentProperty], name: str) -> str:
    """Return the lineage id or key to which a property refers; empty if it refers to none.

    :param name: the property, whose text is ``#{refId}``, ``#123`` or ``123``.
    """
    match = _REFERENCE.fullmatch(text_of(properties, name).strip())
    return "" if match is None else match["ref_id"] or match["number"]


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
