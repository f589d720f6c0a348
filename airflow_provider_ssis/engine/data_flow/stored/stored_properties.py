"""Refusing properties of components that are unknown, or have a value that the engine does not support."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import number_of
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


def other_values(plan: ComponentPlan, name: str, values: Collection[str], why: str, advice: str) -> Iterator[Refusal]:
    """Yield a refusal if a property has another value than those that the engine supports.

    :param name: the property; one that is absent or has no value is not refused.
    :param values: the supported values, in lower case.
    :param why: the reason for the refusal.
    :param advice: the next step for the user.
    """
    value = plan.text(name).strip()
    if value and value.lower() not in values:
        yield Refusal(plan.path, f"the value {value} of the property {name}", why, advice)


def negative_numbers(plan: ComponentPlan, *names: str) -> Iterator[Refusal]:
    """Yield a refusal for each of the properties that is a negative number.

    :param names: the properties, such as times and numbers of rows.
    :raises InvalidPartError: a property is not a number.
    """
    for name in names:
        value = number_of(plan.stored.properties, name)
        if value < 0:
            yield Refusal(
                plan.path, f"the value {value} of the property {name}", "it is negative", "Set it to 0 or more."
            )
