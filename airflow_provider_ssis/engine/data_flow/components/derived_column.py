"""Derived Column: adds or replaces columns with the values of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import fitted
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, TRUNCATED_ROW, ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.row_expressions import (
    RowExpression,
    expression_errors,
    expression_text,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import InputColumn, OutputColumn

_WIDE = ColumnType(DataTypeCode.DT_WSTR, length=4000)


@dataclass(frozen=True, slots=True)
class _Derived:
    """A column with an expression.

    :param lineage_id: of the new column, or of the one that is replaced.
    """

    lineage_id: str
    name: str
    type: ColumnType
    stored: InputColumn | OutputColumn
    expression: RowExpression


class DerivedColumn(RowComponent):
    """Derived Column."""

    classes: ClassVar[tuple[str, ...]] = ("DerivedColumn",)
    parts: ClassVar[StoredParts] = StoredParts(
        {
            INPUT_COLUMN: frozenset({"Expression", "FriendlyExpression"}),
            OUTPUT_COLUMN: frozenset({"Expression", "FriendlyExpression"}),
        },
        dispositions=frozenset({INPUT_COLUMN, OUTPUT_COLUMN}),
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._columns: list[_Derived] = []
        self._rows = 0

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and columns without an expression."""
        yield from unknown_properties(plan, ())
        for column in _expressions(plan):
            if not expression_text(column.properties):
                name = column.name or getattr(column, "cached_name", "")
                yield Refusal(plan.path, f"the column {name!r}", "it has no expression", "Give it one, or remove it.")

    def validate(self, context: TaskContext) -> None:
        """Compile the expressions."""
        self._compile(context)

    def open(self, context: TaskContext) -> None:
        """Compile the expressions with the values that variables have now."""
        self._compile(context)

    def _compile(self, context: TaskContext) -> None:
        self._columns = []
        if not self.plan.inputs:
            return
        schema = next(iter(self.plan.inputs.values()))
        own = self.plan.outputs[self.plan.main_output.key].by_lineage
        for column in _expressions(self.plan):
            found = own[column.lineage_id or column.key]
            # Text is measured here: what does not fit is a truncation of the column, not an error.
            target = _WIDE if found.type.code in STRINGS else found.type
            if found.type.code in LARGE_OBJECTS:
                target = found.type
            what = f'the column "{found.name}"'
            expression = RowExpression(
                self.plan,
                schema,
                expression_text(column.properties),
                what,
                context,
                target,
                cut_text=column.truncation_disposition == IGNORE,
            )
            self._columns.append(
                _Derived(
                    found.lineage_id,
                    found.name,
                    found.type,
                    column,
                    expression,
                )
            )

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Compute the columns; all expressions see the values that arrived."""
        values: dict[str, pa.Array] = {}
        errors: list[ColumnErrors] = []
        for column in self._columns:
            result = column.expression.evaluate(batch)
            computed = result.values
            name = f'the column "{column.name}"'
            if result.codes is not None:
                errors += expression_errors(result.codes, column.stored, column.lineage_id, name)
            if column.type.code in STRINGS:
                fit = fitted(computed, _WIDE, column.type)
                computed = fit.values
                if fit.statuses is not None:
                    codes = np.where(fit.statuses != 0, np.uint32(TRUNCATED_ROW), np.uint32(0))
                    errors.append(
                        ColumnErrors(codes, True, column.stored.truncation_disposition, column.lineage_id, name)
                    )
            values[column.lineage_id] = computed
        found = apply_dispositions(self.plan, batch, errors, self._rows + 1)
        self._rows += batch.num_rows
        output = self.plan.main_output.key
        schema = self.plan.outputs[output].arrow
        arrays = [values.get(name) for name in schema.names]
        filled = [
            batch.column(name) if array is None else array for name, array in zip(schema.names, arrays, strict=True)
        ]
        result_batch = pa.RecordBatch.from_arrays(filled, schema=schema)
        yield output, result_batch if found.kept is None else result_batch.filter(pa.array(found.kept))
        error_output = self.plan.error_output
        if found.redirected is not None and error_output is not None:
            yield error_output.key, found.redirected


def _expressions(plan: ComponentPlan) -> Iterator[InputColumn | OutputColumn]:
    """The columns that the component replaces, then those that it adds."""
    for one in plan.stored.inputs:
        yield from (column for column in one.columns if column.usage == "readWrite")
    for output in plan.stored.outputs:
        if not output.is_error_output:
            yield from output.columns
