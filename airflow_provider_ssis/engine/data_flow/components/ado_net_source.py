"""The ADO.NET Source: a table or query of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.query_source import MISSING_COMMAND, Query, QuerySource
from airflow_provider_ssis.engine.data_flow.error_outputs import error_output_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import (
    negative_numbers,
    other_values,
    unknown_properties,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_TABLE = "0"
_SECONDS = "30"
_PROPERTIES = frozenset(
    ("AccessMode", "AllowImplicitStringConversion", "CommandTimeout", "SqlCommand", "TableOrViewName")
)


class AdoNetSource(QuerySource):
    """Reads a table or query; it has no parameters and no variables."""

    classes: ClassVar[tuple[str, ...]] = ("ADONETSource",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({OUTPUT_COLUMN}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and access modes, and conversions that the component does not allow."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from error_output_refusals(plan)
        yield from negative_numbers(plan, "CommandTimeout")
        why = "it is not an access mode of an ADO.NET Source"
        yield from other_values(plan, "AccessMode", ("0", "2"), why, "Choose a table (0) or a query (2).")
        if flag_of(plan.stored.properties, "AllowImplicitStringConversion", default=True):
            return
        external = {column.key: column for column in plan.main_output.external_columns}
        for column in plan.main_output.columns:
            stored = external.get(column.external_key)
            if stored is not None and stored.data_type.name != column.data_type.name:
                types = f"{stored.data_type.name} in the database and {column.data_type.name} in the flow"
                yield Refusal(
                    plan.path,
                    "the property AllowImplicitStringConversion",
                    f"it forbids the conversion of the column {column.name}, which is {types}",
                    "Set it to true, or give the column the type of the database.",
                )

    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return the table or query, by the access mode: 0 a table, 2 a query. Version 0 has queries only."""
        is_table = self.plan.text("AccessMode", "2") == _TABLE
        text = self.plan.text("TableOrViewName" if is_table else "SqlCommand")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no table or query. Choose one.", MISSING_COMMAND)
        timeout = int(self.plan.text("CommandTimeout") or _SECONDS)
        return Query(table=text, timeout=timeout) if is_table else Query(sql=text, timeout=timeout)
