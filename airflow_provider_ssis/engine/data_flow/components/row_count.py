"""Row Count: writes the number of rows into a variable after the last row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

NO_VARIABLE, WRONG_TYPE = 0xC02020EE, 0xC02020EF
_TYPES = ("Int32", "UInt32", "Int64", "UInt64")


class RowCount(RowComponent):
    """Row Count."""

    classes: ClassVar[tuple[str, ...]] = ("RowCount",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._variable = plan.text("VariableName")
        self._rows = 0

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"VariableName"})

    def validate(self, context: TaskContext) -> None:
        """Check that there is a variable for a number of rows."""
        name = self.plan.stored.name
        if not self._variable:
            text = f"{name} has no variable for the number of rows. Choose one in the property VariableName."
            raise TaskFailure(text, NO_VARIABLE)
        found = context.type_of(self._variable)
        if found not in _TYPES:
            text = f"{name} needs a variable of type {', '.join(_TYPES)}; {self._variable} has the type {found}."
            raise TaskFailure(text, WRONG_TYPE)

    def open(self, context: TaskContext) -> None:
        """Keep the context, to write the variable."""
        self._context = context

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Count the rows and send them on."""
        self._rows += batch.num_rows
        for output in self.plan.stored.outputs:
            yield output.key, batch

    def finish(self) -> tuple[Emitted, ...]:
        """Write the number."""
        self._context.write(self._variable, self._rows)
        return ()
