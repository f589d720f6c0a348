"""The ODBC Destination: writes a table in batches or row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.stored_options import ODBC, odbc_binding_refusals
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_TABLE, Load, TableDestination
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.target_columns import target_columns
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, REDIRECT
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import (
    negative_numbers,
    other_values,
    unknown_properties,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_BATCH = 1
_ROWS = 1000
_PROPERTIES = ODBC | {"InsertMethod", "TableName", "TransactionSize"}


class OdbcDestination(TableDestination):
    """Writes a table with INSERT statements. Each batch is committed; an explicit NULL stays NULL."""

    classes: ClassVar[tuple[str, ...]] = ("ODBCDestination",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({INPUT}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and values, and transactions that the engine would commit too early."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from odbc_binding_refusals(plan)
        yield from negative_numbers(plan, "BatchSize", "StatementTimeout", "TransactionSize")
        why = "it is not an insert method of an ODBC Destination"
        yield from other_values(plan, "InsertMethod", ("0", "1"), why, "Set it to 0 (rows) or 1 (batches).")
        size = number_of(plan.stored.properties, "TransactionSize")
        if size > plan.buffer_rows:
            yield Refusal(
                plan.path,
                f"the value {size} of the property TransactionSize",
                f"the engine commits each batch of at most {plan.buffer_rows} rows",
                "Set it to 0, or choose a smaller size.",
            )

    def load(self, context: TaskContext) -> Load:
        """Return the table and the options of the component."""
        plan, properties = self.plan, self.plan.stored.properties
        table = plan.text("TableName")
        if not table.strip():
            raise TaskFailure(f"{plan.stored.name} has no table. Choose one.", NO_TABLE)
        size = number_of(properties, "TransactionSize")
        # Rows of one transaction are committed together, also if they are inserted one by one.
        is_together = bool(size) or number_of(properties, "InsertMethod", _BATCH) == _BATCH
        # The statements of a batch report errors of single rows, so only a failure stops the whole batch.
        is_fast = is_together and self.disposition not in (IGNORE, REDIRECT)
        rows = size or number_of(properties, "BatchSize", _ROWS) or plan.buffer_rows
        return Load(
            WriteOptions(
                table,
                target_columns(plan, plan.stored.inputs[0]),
                is_fast=is_fast,
                keep_identity=True,
                keep_nulls=True,
                timeout=number_of(properties, "StatementTimeout"),
            ),
            rows,
        )
