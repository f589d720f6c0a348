"""The ADO.NET Destination: writes a table, as a bulk load or row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.statuses import Codes, ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_TABLE, Load, TableDestination
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.target_columns import target_columns
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, REDIRECT
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_ROW_NOT_WRITTEN = 0xC020844F
_ROW_BY_ROW = 0x802092AA
_SECONDS = 30
_PROPERTIES = frozenset(("BatchSize", "CommandTimeout", "TableOrViewName", "UseBulkInsertWhenPossible"))


class AdoNetDestination(TableDestination):
    """Writes a table. With another disposition than to fail, rows are written one by one."""

    classes: ClassVar[tuple[str, ...]] = ("ADONETDestination",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({INPUT}))
    codes: ClassVar[Codes] = dict.fromkeys(list(ValueStatus)[1:], _ROW_NOT_WRITTEN)

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and negative numbers."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from negative_numbers(plan, "BatchSize", "CommandTimeout")

    def load(self, context: TaskContext) -> Load:
        """Return the table and the options of the component."""
        plan, properties = self.plan, self.plan.stored.properties
        table = plan.text("TableOrViewName")
        if not table.strip():
            raise TaskFailure(f"{plan.stored.name} has no table. Choose one.", NO_TABLE)
        is_fast = self.disposition not in (IGNORE, REDIRECT)
        is_bulk = is_fast and flag_of(properties, "UseBulkInsertWhenPossible")
        return Load(
            WriteOptions(
                table,
                target_columns(plan, plan.stored.inputs[0]),
                is_fast=is_fast,
                is_bulk=is_bulk,
                keep_identity=not is_bulk,
                keep_nulls=not is_bulk,
                check_constraints=not is_bulk,
                fire_triggers=not is_bulk,
                timeout=number_of(properties, "CommandTimeout", _SECONDS),
            ),
            number_of(properties, "BatchSize") or plan.buffer_rows,
        )

    def validate(self, context: TaskContext) -> None:
        """Check the table, and warn that rows are written one by one."""
        super().validate(context)
        if self.disposition in (IGNORE, REDIRECT):
            text = f"{self.plan.stored.name} writes its rows one by one, because errors do not fail it."
            context.warning(text, _ROW_BY_ROW, subcomponent=self.plan.subcomponent)
