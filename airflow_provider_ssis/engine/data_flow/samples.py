"""Random numbers of samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of
from airflow_provider_ssis.engine.refusals import Refusal


def generator(plan: ComponentPlan) -> np.random.Generator:
    """Return the random numbers of a sampling component.

    The same SamplingSeed gives the same sample of the same rows in each run, but not the sample of Integration
    Services. The seed 0 means a different sample in each run.
    """
    seed = number_of(plan.stored.properties, "SamplingSeed")
    return np.random.default_rng(seed if seed > 0 else None)


def sample_outputs(plan: ComponentPlan) -> tuple[str | None, str | None]:
    """Return the keys of the outputs for selected and for other rows; None for an output without a path."""
    found: dict[bool, str] = {}
    for output in plan.stored.outputs:
        if output.key in plan.attached:
            found[flag_of(output.properties, "Selected")] = output.key
    return found.get(True), found.get(False)


def sample_refusals(plan: ComponentPlan) -> Iterator[Refusal]:
    """Yield a refusal unless one output gets the selected rows and one the others."""
    flags = sorted(flag_of(output.properties, "Selected") for output in plan.stored.outputs)
    if flags != [False, True]:
        why = "one output gets the selected rows (Selected is true), and one the others"
        yield Refusal(plan.path, "the property Selected of the outputs", why, "Add the component again.")
