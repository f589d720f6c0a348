"""The error outputs of sources, which have copies of the columns of the main output."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.row_errors import REDIRECT
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import arrow_type


def error_output_refusals(plan: ComponentPlan, *, has_texts: bool = False) -> Iterator[Refusal]:
    """Yield the columns of an error output that the engine could only fill with NULL.

    A copy belongs to the column with its name: a column that was renamed, or whose type was changed, has no copy.

    :param plan: a source.
    :param has_texts: whether all copies are texts. Default: False.
    """
    sources = [output for output in plan.stored.outputs if not output.is_error_output]
    dispositions = {one.error_disposition for one in sources} | {one.truncation_disposition for one in sources}
    for output in sources:
        dispositions |= {column.error_disposition for column in output.columns}
        dispositions |= {column.truncation_disposition for column in output.columns}
    if REDIRECT not in dispositions:
        return
    types = {column.name: column.type for output in sources for column in plan.outputs[output.key].columns}
    for output in plan.stored.outputs:
        if not output.is_error_output or output.key not in plan.attached:
            continue
        own = {column.lineage_id or column.key for column in output.columns if not column.special_flags}
        for column in plan.outputs[output.key].columns:
            if column.lineage_id not in own:
                continue
            what = f"the column {column.name} of the error output {output.name}"
            if column.name not in types:
                why = "the main output has no column with this name"
                yield Refusal(plan.path, what, why, "Give both columns the same name.")
            elif not has_texts and arrow_type(types[column.name]) != arrow_type(column.type):
                why = f"its type {column.type} is not {types[column.name]}, the type in the main output"
                yield Refusal(plan.path, what, why, "Give both columns the same type.")
