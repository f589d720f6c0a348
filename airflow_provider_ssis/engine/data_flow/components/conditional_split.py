"""Conditional Split: each row goes to the output of the first condition that is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.row_expressions import (
    RowExpression,
    expression_errors,
    expression_text,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import ComponentOutput

NULL_CONDITION = 0xC020902C
"""DTS_E_TXSPLITSTATIC_EXPRESSIONEVALUATEDTONULL."""

NOT_BOOLEAN = 0xC020700B


class ConditionalSplit(RowComponent):
    """Conditional Split."""

    classes: ClassVar[tuple[str, ...]] = ("ConditionalSplit",)
    parts: ClassVar[StoredParts] = StoredParts(
        {OUTPUT: frozenset({"Expression", "FriendlyExpression", "EvaluationOrder", "IsDefaultOut"})},
        dispositions=frozenset({OUTPUT}),
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._rows = 0
        self._conditions: list[tuple[ComponentOutput, RowExpression]] = []

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, outputs without an order, and several with one order or as the default."""
        yield from unknown_properties(plan, ())
        orders = [text_of(output.properties, "EvaluationOrder") for output in _conditional(plan)]
        for output, order in zip(_conditional(plan), orders, strict=True):
            if not order.isdecimal():
                yield Refusal(plan.path, f"the output {output.name!r}", "it has no number in EvaluationOrder")
            elif sum(other.isdecimal() and int(other) == int(order) for other in orders) > 1:
                yield Refusal(plan.path, f"the output {output.name!r}", f"another one has its EvaluationOrder {order}")
        if sum(map(_is_default, plan.stored.outputs)) > 1:
            yield Refusal(plan.path, "the default output", "there are several")

    @property
    def _default(self) -> ComponentOutput | None:
        return next((output for output in self.plan.stored.outputs if _is_default(output)), None)

    def validate(self, context: TaskContext) -> None:
        """Compile the conditions."""
        self._compile(context)

    def _compile(self, context: TaskContext) -> None:
        schema = next(iter(self.plan.inputs.values()), None)
        if schema is None:
            return
        ordered = sorted(_conditional(self.plan), key=lambda one: int(text_of(one.properties, "EvaluationOrder")))
        self._conditions = []
        for output in ordered:
            what = f'the condition of the output "{output.name}"'
            text = expression_text(output.properties)
            cuts = output.truncation_disposition == IGNORE
            condition = RowExpression(self.plan, schema, text, what, context, cut_text=cuts)
            if condition.type.code is not DataTypeCode.DT_BOOL:
                problem = f"In {self.plan.stored.name}, {what} is not a Boolean but {condition.type}."
                raise TaskFailure(problem, NOT_BOOLEAN)
            self._conditions.append((output, condition))

    def open(self, context: TaskContext) -> None:
        """Compile the conditions with the values that variables have now."""
        self._compile(context)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Split the rows."""
        rows = batch.num_rows
        undecided = np.ones(rows, np.bool_)
        chosen: list[tuple[str, np.ndarray]] = []
        errors: list[ColumnErrors] = []
        for output, condition in self._conditions:
            is_true, codes = _evaluate(condition, batch)
            codes = np.where(undecided, codes, np.uint32(0))
            name = f'the condition of the output "{output.name}"'
            for found in expression_errors(codes, output, "", name):
                errors.append(found)
                if found.disposition != IGNORE:
                    undecided = undecided & (found.codes == 0)
            chosen.append((output.key, undecided & is_true))
            undecided = undecided & ~is_true
        yield from self._split(batch, chosen, undecided, errors)

    def _split(
        self,
        batch: pa.RecordBatch,
        chosen: Sequence[tuple[str, np.ndarray]],
        undecided: np.ndarray,
        errors: Sequence[ColumnErrors],
    ) -> Iterator[Emitted]:
        found = apply_dispositions(self.plan, batch, errors, self._rows + 1)
        self._rows += batch.num_rows
        default = self._default
        for key, mask in (*chosen, *(() if default is None else ((default.key, undecided),))):
            if key not in self.plan.attached or not mask.any():
                continue
            yield key, batch if mask.all() else batch.filter(pa.array(mask))
        error_output = self.plan.error_output
        if found.redirected is not None and error_output is not None:
            yield error_output.key, found.redirected


def _conditional(plan: ComponentPlan) -> Iterator[ComponentOutput]:
    return (output for output in plan.stored.outputs if not output.is_error_output and not _is_default(output))


def _is_default(output: ComponentOutput) -> bool:
    return output.is_default or flag_of(output.properties, "IsDefaultOut")


def _evaluate(condition: RowExpression, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """Where the condition is true, and the code of the error in each row or 0."""
    result = condition.evaluate(batch)
    is_true = result.values.fill_null(False).to_numpy(zero_copy_only=False)
    codes = np.zeros(batch.num_rows, np.uint32) if result.codes is None else result.codes
    is_null = result.values.is_null().to_numpy(zero_copy_only=False) & (codes == 0)
    return is_true, np.where(is_null, np.uint32(NULL_CONDITION), codes)
