"""The ODBC Destination: writes a table in batches or row by row."""

from __future__ import annotations

from typing import ClassVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_TABLE, Load, TableDestination
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.target_columns import target_columns
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, REDIRECT
from airflow_provider_ssis.engine.data_flow.stored_columns import number_of
from airflow_provider_ssis.engine.errors import TaskFailure

_BATCH = 1
_ROWS = 1000


class OdbcDestination(TableDestination):
    """Writes a table with INSERT statements. Each batch is committed; an explicit NULL stays NULL."""

    classes: ClassVar[tuple[str, ...]] = ("SSISODBCDst", "Attunity.SSISODBCDst")

    def load(self, context: TaskContext) -> Load:
        """Return the table and the options of the component."""
        plan, properties = self.plan, self.plan.stored.properties
        table = plan.text("TableName")
        if not table.strip():
            raise TaskFailure(f"{plan.stored.name} has no table. Choose one.", NO_TABLE)
        is_batch = number_of(properties, "InsertMethod", _BATCH) == _BATCH
        # The statements of a batch report errors of single rows, so only a failure stops the whole batch.
        is_fast = is_batch and self.disposition not in (IGNORE, REDIRECT)
        rows = number_of(properties, "TransactionSize") or number_of(properties, "BatchSize", _ROWS) or plan.buffer_rows
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
