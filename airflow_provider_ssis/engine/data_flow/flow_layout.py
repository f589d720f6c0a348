"""Faults in the layout of a data flow, which fail its validation."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.plan import DataFlowPlan
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import ComponentOutput

_INPUT_WITHOUT_PATH = 0xC0047003
"""DTS_E_INPUTWITHOUTPATHS."""
_GROUP_WITHOUT_INPUT = 0xC0047079
"""DTS_E_EXCLGRPNOSYNCINP."""
_ERRORS_WITHOUT_GROUP = 0xC004707A
"""DTS_E_ERROROUTCANTBEONSYNCNONEXCLUSIVEOUTPUT."""
_KEYS_WITHOUT_SORT = 0xC00470AD
"""DTS_E_NONSORTEDOUTPUTHASSORTKEYPOSITIONS."""


def layout_failures(plan: DataFlowPlan) -> Iterator[TaskFailure]:
    """Yield the faults of the inputs and outputs of the components.

    :param plan: the data flow.
    """
    for name, unreached in plan.unreached:
        yield TaskFailure(
            f"No path leads to the input {unreached} of {name}. Connect it, or remove the component.",
            _INPUT_WITHOUT_PATH,
            subcomponent=name,
        )
    for component in plan.components:
        for output in component.stored.outputs:
            yield from _output_failures(component, output)


def _output_failures(component: ComponentPlan, output: ComponentOutput) -> Iterator[TaskFailure]:
    what = f"The output {output.name} of {component.stored.name}"
    is_synchronous = bool(output.synchronous_input_key)
    if output.exclusion_group and not is_synchronous:
        yield TaskFailure(
            f"{what} has the exclusion group {output.exclusion_group}, but no input whose rows it passes on. Set "
            "ExclusionGroup to 0.",
            _GROUP_WITHOUT_INPUT,
            subcomponent=component.subcomponent,
        )
    if output.is_error_output and is_synchronous and not output.exclusion_group:
        yield TaskFailure(
            f"{what} is an error output, so it would get all rows: its exclusion group is 0. Set ExclusionGroup of the "
            "output and of the others of its input to 1.",
            _ERRORS_WITHOUT_GROUP,
            subcomponent=component.subcomponent,
        )
    keys = [column.name for column in output.columns if column.sort_key_position]
    if keys and not output.is_sorted and not is_synchronous:
        yield TaskFailure(
            f"{what} is not sorted, but its columns have sort key positions: {', '.join(keys)}. Set IsSorted of the "
            "output, or remove the positions.",
            _KEYS_WITHOUT_SORT,
            subcomponent=component.subcomponent,
        )
