"""Columns that a component copies from its input to new columns of its output."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import fits
from airflow_provider_ssis.engine.errors import TaskFailure

MISMATCH: Final = 0xC02020C1
"""DTS_E_METADATAMISMATCHWITHOUTPUTCOLUMN."""


def check_copy(plan: ComponentPlan, arriving: RowColumn, declared: RowColumn) -> None:
    """Check the declared type of a column that gets the values of an arriving column.

    :param plan: the component.
    :param arriving: the arriving column.
    :param declared: the column of the output.
    :raises TaskFailure: 0xC02020C1, the declared type is another.
    """
    if not fits(arriving.type, declared.type):
        raise TaskFailure(
            f"{plan.stored.name} has the output column {declared.name} of type {declared.type}, but its input column "
            f"{arriving.name} has the type {arriving.type}. Open the component in Visual Studio and save it again.",
            MISMATCH,
            subcomponent=plan.subcomponent,
        )
