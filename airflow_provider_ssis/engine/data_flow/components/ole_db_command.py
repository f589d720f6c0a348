"""The OLE DB Command: runs a statement for each row.

A parameter returns its value to the column that is mapped to it if the metadata marks it as an output parameter, and
the statement has ``OUTPUT`` after its marker or uses it for the return value. pyodbc has no output parameters: the
statement goes through ``sp_executesql``, and a SELECT returns the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyodbc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.connections.sql_text import marker_count, with_names, without_call_escape
from airflow_provider_ssis.engine.connections.sql_types import declared_type
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.database import (
    ERROR_OF_PROVIDER,
    driver_text,
    open_database,
)
from airflow_provider_ssis.engine.data_flow.databases.driver_columns import convert_values
from airflow_provider_ssis.engine.data_flow.databases.inserting import driver_values
from airflow_provider_ssis.engine.data_flow.databases.statuses import COMMAND_CODES, Statuses, row_codes
from airflow_provider_ssis.engine.data_flow.databases.stored_options import CODE_PAGES, code_page_refusals
from airflow_provider_ssis.engine.data_flow.databases.table_writer import status_of
from airflow_provider_ssis.engine.data_flow.databases.target_columns import convert_for_target
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type, number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import EXTERNAL_COLUMN, INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import NOT_USED

_FAIL = "FailComponent"
_MISSING_COMMAND, _TOO_FEW = 0xC0202001, 0xC0207013
_INPUT, _OUTPUT = 1, 2
"""The bits of DBParamInfoFlags for a parameter that gets a value, and for one that returns a value."""
_NO_OUTPUTS = frozenset(
    (DataTypeCode.DT_DBTIME2, DataTypeCode.DT_DBTIMESTAMP2, DataTypeCode.DT_DBTIMESTAMPOFFSET, DataTypeCode.DT_FILETIME)
)
"""Types whose values pyodbc returns without their last digit, or not at all."""
_INFO_FLAGS = "DBParamInfoFlags"
_RETURNS = re.compile(r"\s*(?:\{\s*\?\s*=|exec(?:ute)?\s+\?\s*=)", re.IGNORECASE)
"""A call that uses the return value of a procedure as its first parameter."""
_WITH_OUTPUT = re.compile(r"\0(\d+)\0\s+OUT(?:PUT)?\b", re.IGNORECASE)
_CONSTANTS = -1
"""The place of the statement and of its declarations among the values."""
_NUMBERED = re.compile(r"param_(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A marker of the statement.

    :param column: the lineage id of the column whose value it gets.
    :param source: its type in the flow.
    :param target: the type of the parameter.
    :param flags: its DBParamInfoFlags.
    """

    column: str
    source: ColumnType
    target: ColumnType
    flags: int = 0


class OleDbCommand(RowComponent):
    """Runs a statement for each row; the rows continue unchanged."""

    classes: ClassVar[tuple[str, ...]] = ("OLEDBCommand",)
    parts: ClassVar[StoredParts] = StoredParts(
        {EXTERNAL_COLUMN: frozenset({"DBParamInfoFlags"})}, dispositions=frozenset({INPUT})
    )

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
        """Yield unknown properties, and output parameters of types that the driver does not return."""
        yield from unknown_properties(plan, CODE_PAGES | {"CommandTimeout", "SqlCommand"})
        yield from code_page_refusals(plan)
        yield from negative_numbers(plan, "CommandTimeout")
        for column in plan.stored.inputs[0].external_columns:
            type_ = column_type(column.data_type)
            if number_of(column.properties, _INFO_FLAGS) & _OUTPUT and type_.code in _NO_OUTPUTS:
                yield Refusal(
                    plan.path,
                    f"the output parameter {column.name} of the type {type_}",
                    "the engine's driver does not return all of its digits",
                    "Return a text, and convert it in the data flow.",
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
            flags = number_of(target.properties, _INFO_FLAGS)
            type_ = column_type(target.data_type)
            found[position] = _Parameter(column.lineage_id, flow[column.lineage_id].type, type_, flags)
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
        self._outputs = self._output_numbers()
        if self._outputs and not self._database.is_sql_server:
            raise TaskFailure(
                f"{self.plan.stored.name} has output parameters, which work with SQL Server only. Use a Lookup.",
                ERROR_OF_PROVIDER,
            )
        self._text, self._order = self._sent() if self._outputs else (self._sql, tuple(range(len(self._markers))))
        self._timeout = number_of(self.plan.stored.properties, "CommandTimeout")

    def _output_numbers(self) -> tuple[int, ...]:
        """The markers whose parameters return values."""
        is_call = with_names(self._sql, str).lstrip().startswith("{")
        marked = with_names(self._sql, lambda number: f"\0{number}\0")
        numbers = {int(each) for each in _WITH_OUTPUT.findall(marked)}
        if _RETURNS.match(self._sql):
            numbers.add(0)
        return tuple(
            number
            for number, marker in enumerate(self._markers)
            if marker.flags & _OUTPUT and (is_call or number in numbers)
        )

    def _sent(self) -> tuple[str, tuple[int, ...]]:
        """The T-SQL that returns the output values, and the order in which it takes the values of the markers."""
        names = [f"@P{number}" for number in range(1, len(self._markers) + 1)]
        text = without_call_escape(self._sql, lambda number: number in self._outputs)
        types = [declared_type(marker.target) for marker in self._markers]
        outputs = {number: f"@output_{number}" for number in self._outputs}
        given = [number for number in self._outputs if self._markers[number].flags & _INPUT]
        declared = ", ".join(
            f"{name} {type_}{' OUTPUT' if number in outputs else ''}"
            for number, (name, type_) in enumerate(zip(names, types, strict=True))
        )
        variables = "".join(
            f"DECLARE {name} {types[number]}{' = ?' if number in given else ''}; " for number, name in outputs.items()
        )
        arguments = ", ".join(
            f"{name} = {outputs[number]} OUTPUT" if number in outputs else f"{name} = ?"
            for number, name in enumerate(names)
        )
        self._constants = (with_names(text, lambda number: names[number]), declared)
        inputs = tuple(number for number in range(len(names)) if number not in outputs)
        shown = ", ".join(outputs.values())
        return f"{variables}EXEC sp_executesql ?, ?, {arguments}; SELECT {shown}", (*given, _CONSTANTS, *inputs)

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
        returned: dict[int, Sequence[Any]] = {}
        stops = self._disposition == _FAIL
        for row in range(batch.num_rows):
            if bad[row]:
                if stops:
                    break
                continue
            try:
                returned[row] = self._run([column[row] for column in columns])
            except pyodbc.Error as error:
                self._database.cancel.check()
                statuses[row] = status_of(error)
                reasons[row] = driver_text(error)
                if stops:
                    break
        errors += self._errors(statuses, "", reasons)
        batch, more = self._with_outputs(batch, returned)
        found = apply_dispositions(self.plan, batch, [*errors, *more], first_row)
        if found.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, found.redirected
        kept = batch if found.kept is None else batch.filter(pa.array(found.kept))
        yield self.plan.main_output.key, kept

    def _with_outputs(
        self, batch: pa.RecordBatch, returned: Mapping[int, Sequence[Any]]
    ) -> tuple[pa.RecordBatch, list[ColumnErrors]]:
        """The rows with the values that the statements returned."""
        errors: list[ColumnErrors] = []
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        for index, number in enumerate(self._outputs):
            marker = self._markers[number]
            values = pa.array([returned[row][index] if row in returned else None for row in range(batch.num_rows)])
            read = convert_values(values, marker.target)
            converted = convert_for_target(read.values, marker.target, marker.source)
            for statuses in (read.statuses, converted.statuses):
                errors += [] if statuses is None else self._errors(statuses, marker.column)
            is_new = pa.array([row in returned for row in range(batch.num_rows)])
            arrays[marker.column] = pc.if_else(is_new, converted.values, arrays[marker.column])
        if not self._outputs:
            return batch, errors
        return pa.RecordBatch.from_arrays(list(arrays.values()), schema=batch.schema), errors

    def _run(self, values: list[Any]) -> Sequence[Any]:
        """Run the statement; returns the values of the output parameters."""
        cursor = self._cursor
        cancel = self._database.cancel
        sent: list[Any] = []
        for number in self._order:
            sent += self._constants if number == _CONSTANTS else [values[number]]
        last: Sequence[Any] = ()
        with self._database.use, time_limit(self._timeout, cursor.cancel), cancel.interrupts(cursor.cancel):
            cursor.execute(self._text, *sent)
            # Errors of later statements of the text arrive with their results.
            while True:
                if self._outputs and cursor.description:
                    last = cursor.fetchone() or ()
                if not cursor.nextset():
                    return last

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
