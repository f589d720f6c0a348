"""The OLE DB Command: runs a statement for each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyodbc

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.engine.connections.sql_text import marker_count
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.database import (
    ERROR_OF_PROVIDER,
    driver_text,
    open_database,
)
from airflow_provider_ssis.engine.data_flow.databases.inserting import driver_values
from airflow_provider_ssis.engine.data_flow.databases.statuses import COMMAND_CODES, Statuses, row_codes
from airflow_provider_ssis.engine.data_flow.databases.stored_options import CODE_PAGES, code_page_refusals
from airflow_provider_ssis.engine.data_flow.databases.table_writer import status_of
from airflow_provider_ssis.engine.data_flow.databases.target_columns import convert_for_target
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.stored_columns import column_type, number_of
from airflow_provider_ssis.engine.data_flow.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import NOT_USED

_FAIL = "FailComponent"
_MISSING_COMMAND, _TOO_FEW = 0xC0202001, 0xC0207013
_OUTPUT = 2
"""The bit of DBParamInfoFlags for a parameter that returns a value."""
_INFO_FLAGS = "DBParamInfoFlags"
_RETURNS = re.compile(r"\s*(?:\{\s*\?\s*=|exec(?:ute)?\s+\?\s*=)", re.IGNORECASE)
"""A call that uses the return value of a procedure as its first parameter."""
_NUMBERED = re.compile(r"param_(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A marker of the statement.

    :param column: the lineage id of the column whose value it gets.
    :param source: its type in the flow.
    :param target: the type of the parameter.
    """

    column: str
    source: ColumnType
    target: ColumnType


class OleDbCommand(RowComponent):
    """Runs a statement for each row; the rows go on unchanged."""

    classes: ClassVar[tuple[str, ...]] = ("OLEDBCommand",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._resources = ExitStack()
        self._input = plan.stored.inputs[0]
        self._next_row = 1
        self._sql = plan.text("SqlCommand")
        stored = self._input.error_disposition
        self._disposition = _FAIL if stored == NOT_USED else stored

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties, and parameters that return a value."""
        yield from unknown_properties(plan, CODE_PAGES | {"CommandTimeout", "SqlCommand"})
        yield from code_page_refusals(plan)
        yield from negative_numbers(plan, "CommandTimeout")
        for column in plan.stored.inputs[0].external_columns:
            flags = number_of(column.properties, _INFO_FLAGS)
            if flags & _OUTPUT:
                yield Refusal(
                    plan.path,
                    f"the output parameter {column.name}",
                    "the engine's driver returns no output parameters to columns",
                    "Use a Lookup, or write the value to a table.",
                )

    def validate(self, context: TaskContext) -> None:
        """Check that there is a statement, and a column for each of its parameters."""
        if not self._sql.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no statement. Write one.", _MISSING_COMMAND)
        self._parameters()

    def _parameters(self) -> tuple[_Parameter, ...]:
        external = {column.key: (index, column) for index, column in enumerate(self._input.external_columns)}
        flow = self.plan.inputs[self._input.key].by_lineage
        found: dict[int, _Parameter] = {}
        for column in self._input.columns:
            if column.external_key not in external or column.lineage_id not in flow:
                continue
            index, target = external[column.external_key]
            position = self._position(index, target.name)
            found[position] = _Parameter(column.lineage_id, flow[column.lineage_id].type, column_type(target.data_type))
        count = marker_count(self._sql)
        missing = [number for number in range(count) if number not in found]
        if missing:
            raise TaskFailure(
                f"The statement of {self.plan.stored.name} has {count} parameters; no column is mapped to number "
                f"{missing[0] + 1}. Map a column to each of them.",
                _TOO_FEW,
            )
        return tuple(found[number] for number in range(count))

    def _position(self, index: int, name: str) -> int:
        """The position of a marker: ``Param_2`` is the third; those of a procedure are in the order of the columns."""
        match = _NUMBERED.fullmatch(name)
        if match:
            return int(match[1])
        returns = _RETURNS.match(self._sql) is not None
        first = self._input.external_columns[0].name.upper() if self._input.external_columns else ""
        return index - 1 if first == "@RETURN_VALUE" and not returns else index

    def open(self, context: TaskContext) -> None:
        """Connect."""
        self._database = self._resources.enter_context(open_database(context, self.plan.stored))
        self._cursor = self._database.connection.cursor()
        self._resources.callback(self._close_cursor)
        self._markers = self._parameters()
        self._timeout = number_of(self.plan.stored.properties, "CommandTimeout")

    def _close_cursor(self) -> None:
        with suppress(pyodbc.Error):
            self._cursor.close()

    def close(self, *, failed: bool) -> None:
        """Disconnect."""
        self._resources.close()

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Run the statement for each row."""
        first_row = self._next_row
        self._next_row += batch.num_rows
        converted = [convert_for_target(batch.column(one.column), one.source, one.target) for one in self._markers]
        columns = [driver_values(each.values, one.target) for each, one in zip(converted, self._markers, strict=True)]
        errors = []
        bad = np.zeros(batch.num_rows, np.bool_)
        for each, one in zip(converted, self._markers, strict=True):
            if each.statuses is not None:
                bad |= each.statuses != 0
                errors += self._errors(each.statuses, one.column)
        statuses: Statuses = np.zeros(batch.num_rows, np.uint8)
        reasons: dict[int, str] = {}
        stops = self._disposition == _FAIL
        for row in range(batch.num_rows):
            if bad[row]:
                if stops:
                    break
                continue
            try:
                self._run([column[row] for column in columns])
            except pyodbc.Error as error:
                self._database.cancel.check()
                statuses[row] = status_of(error)
                reasons[row] = driver_text(error)
                if stops:
                    break
        errors += self._errors(statuses, "", reasons)
        found = apply_dispositions(self.plan, batch, errors, first_row)
        if found.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, found.redirected
        kept = batch if found.kept is None else batch.filter(pa.array(found.kept))
        yield self.plan.main_output.key, kept

    def _run(self, values: list[Any]) -> None:
        cursor = self._cursor
        cancel = self._database.cancel
        with self._database.use, time_limit(self._timeout, cursor.cancel), cancel.interrupts(cursor.cancel):
            cursor.execute(self._sql, *values)
            # Errors of later statements of the text arrive with their results.
            while cursor.nextset():
                pass

    def _errors(self, statuses: Statuses, column: str, reasons: dict[int, str] | None = None) -> list[ColumnErrors]:
        found = []
        name = f'the column "{self._name(column)}"' if column else f'the input "{self._input.name}"'
        for truncated in (False, True):
            codes = row_codes(statuses, COMMAND_CODES, truncated=truncated)
            if codes.any():
                detail = None if reasons is None else self._detail(reasons)
                found.append(ColumnErrors(codes, truncated, self._disposition, column, name, detail))
        return found

    def _detail(self, reasons: dict[int, str]) -> Any:
        def failure(row: int) -> TaskFailure:
            text = f"The statement of {self.plan.stored.name} failed: {reasons.get(row, 'no reason')}"
            return TaskFailure(text, ERROR_OF_PROVIDER, subcomponent=self.plan.subcomponent)

        return failure

    def _name(self, lineage_id: str) -> str:
        return self.plan.inputs[self._input.key].by_lineage[lineage_id].name
