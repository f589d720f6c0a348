"""The ODBC Source: a table or query of a database."""

from __future__ import annotations

from typing import ClassVar

import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.query_source import MISSING_COMMAND, Query, QuerySource
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import OutputColumn

_TABLE = "0"


class OdbcSource(QuerySource):
    """Reads a table or query; the dispositions are those of the output, for all columns."""

    classes: ClassVar[tuple[str, ...]] = ("SSISODBCSrc", "Attunity.SSISODBCSrc")

    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return what to read, by the access mode: 0 a table, 1 a query."""
        is_table = self.plan.text("AccessMode", _TABLE) == _TABLE
        text = self.plan.text("TableName" if is_table else "SqlCommand")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no table or query. Choose one.", MISSING_COMMAND)
        timeout = int(self.plan.text("StatementTimeout") or 0)
        return Query(table=text, timeout=timeout) if is_table else Query(sql=text, timeout=timeout)

    def _dispositions(self, column: OutputColumn) -> tuple[str, str]:
        output = self.plan.main_output
        return output.error_disposition, output.truncation_disposition
