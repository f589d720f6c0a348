"""Expressions over the rows of a component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.conversions.conversions import refuse_unsupported
from airflow_provider_ssis.engine.data_flow.row_errors import TRUNCATED_ROW, ColumnErrors
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.data_flow.stored.component_properties import CHANGED_BY_EXPRESSION
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import text_of
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import (
    Column,
    ExpressionCode,
    ExpressionError,
    Scope,
    Settings,
    compile_expression,
    row_error_code,
)
from airflow_provider_ssis.expressions.arrow import evaluate_batch
from airflow_provider_ssis.project.package.data_flow import (
    ComponentOutput,
    ComponentProperty,
    InputColumn,
    OutputColumn,
)


def expression_text(properties: Mapping[str, ComponentProperty]) -> str:
    """Return the expression of a column or output, with lineage ids; with names where a run sets it."""
    if CHANGED_BY_EXPRESSION in properties:
        return properties[CHANGED_BY_EXPRESSION].text
    return text_of(properties, "Expression") or text_of(properties, "FriendlyExpression")


@dataclass(frozen=True, slots=True)
class RowResult:
    """The values of an expression for all rows.

    :param codes: the code of the error of each row, as the column ErrorCode has it, or 0; None if no row has one.
    """

    values: pa.Array
    codes: npt.NDArray[np.uint32] | None


class RowExpression:
    """An expression over the rows of an input, compiled with the values that variables have now.

    :param plan: the component.
    :param schema: the columns of the input.
    :param text: the expression.
    :param what: its name in messages: ``the column "Total"``.
    :param context: the context of the task.
    :param target: the type to which the result is converted. Default: None, its own.
    :param cut_text: whether casts cut text that is too long. Default: False, that is an error.
    :raises TaskFailure: the expression is wrong.
    """

    def __init__(
        self,
        plan: ComponentPlan,
        schema: RowSchema,
        text: str,
        what: str,
        context: TaskContext,
        target: ColumnType | None = None,
        *,
        cut_text: bool = False,
    ) -> None:
        columns = [
            Column(column.name, column.type, column.component, _lineage(column.lineage_id)) for column in schema.columns
        ]
        scope = Scope(context.scope().variables, columns)
        settings = Settings(locale=plan.locale_id, cut_text=cut_text)
        try:
            self._expression = compile_expression(text, scope, settings, target=target)
        except ExpressionError as error:
            raise TaskFailure(
                f"In {plan.stored.name}, the expression of {what} is wrong: {error}",
                int(error.code),
                subcomponent=plan.subcomponent,
            ) from error
        self._used = [
            column.lineage_id if index in self._expression.columns else None
            for index, column in enumerate(schema.columns)
        ]

    @property
    def type(self) -> ColumnType:
        """The type of the result."""
        return self._expression.type

    def evaluate(self, batch: pa.RecordBatch) -> RowResult:
        """Evaluate the expression for all rows of a batch of the input."""
        columns = [None if name is None else batch.column(name) for name in self._used]
        result = evaluate_batch(self._expression, columns, batch.num_rows)
        if result.errors is not None:
            refuse_unsupported(result.errors)
        return RowResult(result.values, None if result.errors is None else _row_codes(result.errors))


def expression_errors(
    codes: npt.NDArray[np.uint32], owner: OutputColumn | InputColumn | ComponentOutput, lineage_id: str, name: str
) -> Iterator[ColumnErrors]:
    """Yield the errors of an expression, and its truncations: casts to text that is too short.

    :param codes: the code of the error of each row, or 0.
    :param owner: the column or output whose dispositions apply.
    :param lineage_id: the column for ErrorColumn; empty for none.
    :param name: its name in messages.
    """
    is_cut = codes == ExpressionCode.DTS_E_EXPREVALTRUNCATIONASERROR
    failed = np.where(is_cut, np.uint32(0), codes)
    if failed.any():
        yield ColumnErrors(failed, False, owner.error_disposition, lineage_id, name)
    if is_cut.any():
        cut = np.where(is_cut, np.uint32(TRUNCATED_ROW), np.uint32(0))
        yield ColumnErrors(cut, True, owner.truncation_disposition, lineage_id, name)


def _lineage(lineage_id: str) -> tuple[str, ...]:
    return (f"#{lineage_id}", f"#{{{lineage_id}}}")


def _row_codes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    result = codes.copy()
    for code in np.unique(codes[codes != 0]).tolist():
        result[codes == code] = row_error_code(ExpressionCode(code))
    return result
