"""The ADO.NET Source: a table or query of a database."""

from __future__ import annotations

from typing import ClassVar

import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.query_source import MISSING_COMMAND, Query, QuerySource
from airflow_provider_ssis.engine.errors import TaskFailure

_TABLE = "0"
_SECONDS = "30"


class AdoNetSource(QuerySource):
    """Reads a table or query; it has no parameters and no variables."""

    classes: ClassVar[tuple[str, ...]] = ("ADONETSource",)

    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return what to read, by the access mode: 0 a table, 2 a query. Version 0 has queries only."""
        is_table = self.plan.text("AccessMode", "2") == _TABLE
        text = self.plan.text("TableOrViewName" if is_table else "SqlCommand")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no table or query. Choose one.", MISSING_COMMAND)
        timeout = int(self.plan.text("CommandTimeout") or _SECONDS)
        return Query(table=text, timeout=timeout) if is_table else Query(sql=text, timeout=timeout)
