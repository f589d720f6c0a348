"""The ODBC Source: a table or query of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.query_source import MISSING_COMMAND, Query, QuerySource
from airflow_provider_ssis.engine.data_flow.databases.stored_options import ODBC, odbc_binding_refusals
from airflow_provider_ssis.engine.data_flow.error_outputs import error_output_refusals
from airflow_provider_ssis.engine.data_flow.row_errors import REDIRECT
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import (
    negative_numbers,
    other_values,
    unknown_properties,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import OutputColumn

_TABLE = "0"
_ROWS, _BATCHES = "0", "1"
_PROPERTIES = ODBC | {"AccessMode", "ExposeCharColumnsAsUnicode", "FetchMethod", "SqlCommand", "TableName"}
"""ExposeCharColumnsAsUnicode chooses the types of columns in the designer; the package stores these types."""


class OdbcSource(QuerySource):
    """Reads a table or query; the dispositions are those of the output, for all columns."""

    classes: ClassVar[tuple[str, ...]] = ("ODBCSource",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({OUTPUT}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and values, and redirected rows of batches."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from error_output_refusals(plan)
        yield from odbc_binding_refusals(plan)
        yield from negative_numbers(plan, "StatementTimeout")
        why = "it is not an access mode of an ODBC Source"
        yield from other_values(plan, "AccessMode", ("0", "1"), why, "Choose a table (0) or a query (1).")
        why = "the engine does not know this value"
        yield from other_values(plan, "FetchMethod", (_ROWS, _BATCHES), why, "Set it to 0 (rows) or 1 (batches).")
        output = plan.main_output
        redirects = REDIRECT in (output.error_disposition, output.truncation_disposition)
        if redirects and plan.text("FetchMethod") == _BATCHES:
            yield Refusal(
                plan.path,
                "redirected rows of batches",
                "an ODBC Source redirects rows only if it fetches them one by one",
                "Set FetchMethod to 0.",
            )

    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return the table or query, by the access mode: 0 a table, 1 a query."""
        is_table = self.plan.text("AccessMode", _TABLE) == _TABLE
        text = self.plan.text("TableName" if is_table else "SqlCommand")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no table or query. Choose one.", MISSING_COMMAND)
        timeout = int(self.plan.text("StatementTimeout") or 0)
        return Query(table=text, timeout=timeout) if is_table else Query(sql=text, timeout=timeout)

    def _dispositions(self, column: OutputColumn) -> tuple[str, str]:
        output = self.plan.main_output
        return output.error_disposition, output.truncation_disposition
