"""The Recordset Destination: puts the rows into a variable, for a Foreach ADO enumerator or a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.recordset import RecordColumn, RecordSet
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import as_values
from airflow_provider_ssis.expressions.values import to_python

_NO_VARIABLE, _WRONG_TYPE = 0xC020207B, 0xC020929C


class RecordsetDestination(RowComponent):
    """Keeps the chosen columns of all rows in memory, and writes them to the variable at the end."""

    classes: ClassVar[tuple[str, ...]] = ("RecordsetDestination",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0
        self._variable = plan.text("VariableName")
        input_ = plan.stored.inputs[0]
        flow = plan.inputs[input_.key].by_lineage if input_.key in plan.inputs else {}
        self._columns = [flow[column.lineage_id] for column in input_.columns if column.lineage_id in flow]
        self._rows: list[tuple[Any, ...]] = []

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties."""
        yield from unknown_properties(plan, {"VariableName"})

    def validate(self, context: TaskContext) -> None:
        """Check that there is a variable of the type Object."""
        name = self.plan.stored.name
        if not self._variable:
            raise TaskFailure(f"{name} has no variable for its rows. Choose one of the type Object.", _NO_VARIABLE)
        found = context.type_of(self._variable)
        if found != "Object":
            text = f"{name} needs a variable of the type Object; {self._variable} has the type {found}."
            raise TaskFailure(text, _WRONG_TYPE)

    def open(self, context: TaskContext) -> None:
        """Keep the context, to write the variable."""
        self._context = context

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Keep the rows."""
        columns = [
            [None if value is None else to_python(value, column.type) for value in values]
            for column in self._columns
            for values in [as_values(batch.column(column.lineage_id), column.type)]
        ]
        self._rows.extend(zip(*columns, strict=True) if columns else [()] * batch.num_rows)
        self.counts.rows = len(self._rows)
        return ()

    def finish(self) -> Iterable[Emitted]:
        """Write the variable."""
        columns = tuple(RecordColumn(column.name, column.type) for column in self._columns)
        self._context.write(self._variable, RecordSet(columns, tuple(self._rows)))
        return ()
