"""The SQL Server Destination: a fast load, which works on any machine here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.stored_options import CODE_PAGES, code_page_refusals
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_TABLE, Load, TableDestination
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.target_columns import target_columns
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_NONE = -1
_SECONDS = 30
_PROPERTIES = CODE_PAGES | {
    "BulkInsertCheckConstraints",
    "BulkInsertFireTriggers",
    "BulkInsertFirstRow",
    "BulkInsertKeepIdentity",
    "BulkInsertKeepNulls",
    "BulkInsertLastRow",
    "BulkInsertMaxErrors",
    "BulkInsertOrder",
    "BulkInsertTableName",
    "BulkInsertTablock",
    "MaxInsertCommitSize",
    "Timeout",
}


class SqlServerDestination(TableDestination):
    """Writes a table of SQL Server with a bulk load."""

    classes: ClassVar[tuple[str, ...]] = ("SQLServerDestination",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({INPUT}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties, and options that write only some of the rows, accept errors or need an order."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from code_page_refusals(plan)
        yield from negative_numbers(plan, "MaxInsertCommitSize", "Timeout")
        if plan.text("BulkInsertOrder").strip():
            why = "the server rejects rows that are not in this order, and the engine does not pass the order on"
            yield Refusal(plan.path, "the property BulkInsertOrder", why, "Remove its value.")
        for name in ("BulkInsertFirstRow", "BulkInsertLastRow", "BulkInsertMaxErrors"):
            if number_of(plan.stored.properties, name, _NONE) not in (_NONE, 0):
                yield Refusal(plan.path, f"the property {name}", "the engine writes all rows or none", "Set it to -1.")

    def load(self, context: TaskContext) -> Load:
        """Return the table and the options of the component."""
        plan, properties = self.plan, self.plan.stored.properties
        table = plan.text("BulkInsertTableName")
        if not table.strip():
            raise TaskFailure(f"{plan.stored.name} has no table. Choose one.", NO_TABLE)
        return Load(
            WriteOptions(
                table,
                target_columns(plan, plan.stored.inputs[0]),
                is_fast=True,
                is_bulk=True,
                keep_identity=flag_of(properties, "BulkInsertKeepIdentity"),
                keep_nulls=flag_of(properties, "BulkInsertKeepNulls"),
                check_constraints=flag_of(properties, "BulkInsertCheckConstraints", default=True),
                table_lock=flag_of(properties, "BulkInsertTablock", default=True),
                fire_triggers=flag_of(properties, "BulkInsertFireTriggers"),
                timeout=number_of(properties, "Timeout", _SECONDS),
            ),
            number_of(properties, "MaxInsertCommitSize"),
        )
