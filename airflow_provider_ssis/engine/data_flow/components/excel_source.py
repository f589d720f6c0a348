"""The Excel Source: a sheet, a range, or a simple SELECT from one.

python-calamine reads the whole sheet into memory: a sheet has at most 1,048,576 rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.column_source import ColumnSource
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted
from airflow_provider_ssis.engine.data_flow.databases.database import connection_reference
from airflow_provider_ssis.engine.data_flow.databases.query_source import text_of_variable
from airflow_provider_ssis.engine.data_flow.databases.reading import QueryBatch, column_positions, converted_batch
from airflow_provider_ssis.engine.data_flow.error_outputs import error_output_refusals
from airflow_provider_ssis.engine.data_flow.excel.ranges import Selection, parse_range, parse_select
from airflow_provider_ssis.engine.data_flow.excel.sheets import SheetColumn, excel_file, read_sheet
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_SHEET, _SHEET_OF_VARIABLE, _COMMAND, _COMMAND_OF_VARIABLE = "0", "1", "2", "3"
_PROPERTIES = frozenset(
    (
        "AccessMode",
        "CommandTimeout",
        "OpenRowset",
        "OpenRowsetVariable",
        "ParameterMapping",
        "SqlCommand",
        "SqlCommandVariable",
    )
)
"""CommandTimeout has no effect: no query runs on a database."""


class ExcelSource(ColumnSource):
    """Reads an Excel file, with the types that the drivers of Excel would find."""

    classes: ClassVar[tuple[str, ...]] = ("ExcelSource",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({OUTPUT_COLUMN}))

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._columns: list[SheetColumn] = []

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties, names and statements that the engine cannot read, and parameters."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from error_output_refusals(plan)
        modes = (_SHEET, _SHEET_OF_VARIABLE, _COMMAND, _COMMAND_OF_VARIABLE)
        why = "it is not an access mode of an Excel Source"
        yield from other_values(plan, "AccessMode", modes, why, "Choose a sheet (0, 1) or a query (2, 3).")
        mode = plan.text("AccessMode", _SHEET)
        try:
            if mode == _SHEET:
                parse_range(plan.text("OpenRowset"))
            elif mode == _COMMAND:
                parse_select(plan.text("SqlCommand"))
        except TaskFailure as failure:
            yield Refusal(plan.path, "the sheet or query", failure.text.rstrip("."))
        if plan.text("ParameterMapping"):
            yield Refusal(plan.path, "parameters of a query of Excel", "the engine has no conditions on sheets")

    def _selection(self, context: TaskContext) -> Selection:
        plan = self.plan
        match plan.text("AccessMode", _SHEET):
            case "0":
                return Selection(parse_range(plan.text("OpenRowset")))
            case "1":
                variable = plan.text("OpenRowsetVariable")
                return Selection(parse_range(text_of_variable(context, variable, "the name of a sheet")))
            case "2":
                return parse_select(plan.text("SqlCommand"))
            case _:
                return parse_select(text_of_variable(context, plan.text("SqlCommandVariable"), "a query"))

    def open(self, context: TaskContext) -> None:
        """Read the sheet."""
        manager = context.connections.get(connection_reference(self.plan.stored))
        selection = self._selection(context)
        self._cancel = context.cancel
        self._columns = read_sheet(excel_file(context, manager), selection.cells)
        self._columns = self._chosen_rows(selection)
        if selection.columns is not None:
            self._columns = [self._named(name) for name in selection.columns]

    def _chosen_rows(self, selection: Selection) -> list[SheetColumn]:
        """The columns with the rows of the conditions, and no more than TOP says."""
        if not self._columns:
            return self._columns
        wanted = np.ones(len(self._columns[0].values), np.bool_)
        for name, is_null in selection.nulls:
            wanted &= self._named(name).values.is_null().to_numpy(zero_copy_only=False) == is_null
        indices = np.flatnonzero(wanted)[: selection.count]
        if len(indices) == len(wanted):
            return self._columns
        return [
            replace(
                column,
                values=column.values.take(pa.array(indices)),
                statuses=None if column.statuses is None else column.statuses[indices],
            )
            for column in self._columns
        ]

    def _named(self, name: str) -> SheetColumn:
        for column in self._columns:
            if column.name.lower() == name.lower():
                return column
        raise TaskFailure(
            f"The sheet has no column {name}. It has: {', '.join(column.name for column in self._columns)}.", 0xC0202005
        )

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows of the sheet, and the rows with errors."""
        wanted = self.wanted
        positions = column_positions([column.name for column in self._columns], wanted)
        chosen = [self._columns[position] for position in positions]
        count = len(self._columns[0].values) if self._columns else 0
        size = self.plan.buffer_rows
        for start in range(0, count, size):
            self._cancel.check()
            arrays = [column.values.slice(start, size) for column in chosen]
            batch = converted_batch(arrays, wanted, start + 1)
            statuses = dict(batch.statuses)
            for column, sheet in zip(wanted.columns, chosen, strict=True):
                if sheet.statuses is not None and (part := sheet.statuses[start : start + size]).any():
                    found = statuses.get(column.lineage_id, np.zeros(len(part), np.uint8))
                    statuses[column.lineage_id] = np.where(part != 0, part, found).astype(np.uint8)
            yield from self.sort_out(QueryBatch(batch.rows, batch.first_row, statuses))
