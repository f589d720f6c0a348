"""The Foreach ADO.NET Schema Rowset enumerator: the objects of a database, or the tables of an Excel file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.interruption import interruptible
from airflow_provider_ssis.engine.connections.providers import reads_excel
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.control_flow.enumerators.schema_rows import NAMES, schema_rowset
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.loops import SchemaRowsetEnumerator

_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_OWN = frozenset({"connection", "schema"})


def _excel_tables(context: TaskContext, manager: RunConnection) -> Iterator[Sequence[Any]]:
    from airflow_provider_ssis.engine.data_flow.excel.sheets import excel_file, table_names

    for name in table_names(excel_file(context, manager)):
        yield (None, None, name, "TABLE", *[None] * 5)


class SchemaRowsetTurns(ForeachEnumerator[SchemaRowsetEnumerator]):
    """An iteration for each row of a schema rowset."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield other rowsets, and restrictions."""
        if schema_rowset(self.data.schema) is None:
            yield Refusal(
                self.where,
                f"the schema rowset {self.data.schema}",
                f"the engine has these: {', '.join(NAMES)}",
                "Query the schema with an Execute SQL task, and use the ADO enumerator.",
            )
        for name, value in self.data.properties.items():
            if name.lower() not in _OWN and value.strip():
                yield Refusal(
                    self.where,
                    f"the property {name} of the schema rowset",
                    "restrictions are not supported",
                    "Query the schema with an Execute SQL task, and use the ADO enumerator.",
                )

    def validate(self, context: TaskContext) -> None:
        """Check that the connection manager exists."""
        context.connections.get(self.data.connection)

    def turns(self, context: TaskContext) -> Iterator[Sequence[Any]]:
        """Yield the rows in the order of the driver."""
        manager = context.connections.get(self.data.connection)
        rowset = schema_rowset(self.data.schema)
        assert rowset is not None  # noqa: S101 others are refused
        if reads_excel(manager):
            if rowset.name != "Tables":
                raise TaskFailure(f"The engine lists the tables of an Excel file, not {rowset.name}.", _GET_ENUMERATOR)
            yield from _excel_tables(context, manager)
            return
        import pyodbc

        with context.connections.odbc(self.data.connection) as connection:
            cursor = connection.cursor()
            try:
                with interruptible(cursor, context.cancel):
                    rows = list(rowset.rows(cursor))
            except pyodbc.Error as error:
                raise TaskFailure(
                    f"The {rowset.name} could not be listed: {driver_message(error)}.", _GET_ENUMERATOR
                ) from None
            finally:
                cursor.close()
        yield from rows
