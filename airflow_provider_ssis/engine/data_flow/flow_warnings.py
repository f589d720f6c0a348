"""Warnings about a data flow that runs, but does not do all that it seems to do."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.plan import DataFlowPlan
from airflow_provider_ssis.engine.data_flow.row_errors import REDIRECT

EMPTY = 0x80047034
SOURCE_REMOVED, COMPONENT_REMOVED, UNUSED_COLUMN = 0x8004706F, 0x800470AE, 0x80047076
REDIRECTS_WITHOUT_PATH, PATH_WITHOUT_REDIRECTS = 0x80208386, 0x80208385


def plan_warnings(plan: DataFlowPlan) -> Iterator[tuple[str, int]]:
    """Yield the texts and codes of the warnings about a data flow.

    :param plan: the data flow.
    """
    if not plan.components and not plan.removed:
        yield "The Data Flow task contains no components.", EMPTY
    for stored in plan.removed:
        if stored.inputs:
            yield f'The component "{stored.name}" does not run, because nothing uses its rows.', COMPONENT_REMOVED
        else:
            yield f'The source "{stored.name}" does not run, because no destination receives its rows.', SOURCE_REMOVED
    for component in plan.components:
        yield from _error_output_warnings(component)
    for name, columns in plan.unused.items():
        listed = ", ".join(f'"{column}"' for column in columns)
        yield f"No component after {name} uses the columns {listed}. Remove them to save memory.", UNUSED_COLUMN


def _error_output_warnings(plan: ComponentPlan) -> Iterator[tuple[str, int]]:
    output = plan.error_output
    if output is None:
        return
    name = plan.stored.name
    owners = [end for end in plan.stored.ends if end is not output]
    columns = [column for end in owners for column in end.columns]
    redirects = any(REDIRECT in (each.error_disposition, each.truncation_disposition) for each in (*owners, *columns))
    is_attached = output.key in plan.attached
    if redirects and not is_attached:
        text = f"{name} redirects rows with errors, but no path leads from its error output, so these rows are lost."
        yield text, REDIRECTS_WITHOUT_PATH
    if is_attached and not redirects:
        text = f"The error output of {name} gets no rows, because no disposition redirects them."
        yield text, PATH_WITHOUT_REDIRECTS
