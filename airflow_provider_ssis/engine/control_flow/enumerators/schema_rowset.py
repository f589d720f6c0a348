"""The Foreach ADO.NET Schema Rowset enumerator: the tables of a database, or of an Excel file.

Databases list their tables through the catalog functions of ODBC. Source of the columns: the OLE DB specification,
"TABLES Rowset".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.interruption import interruptible
from airflow_provider_ssis.engine.connections.providers import reads_excel
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.loops import SchemaRowsetEnumerator

_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_TABLES = frozenset({"tables", "c8b52229-5cf3-11ce-ade5-00aa0044773d"})
"""The name and the GUID of the rowset of tables (DBSCHEMA_TABLES)."""
_OWN = frozenset({"connection", "schema"})


def _excel_tables(context: TaskContext, manager: RunConnection) -> Iterator[Sequence[Any]]:
    from airflow_provider_ssis.engine.data_flow.excel.sheets import excel_file, table_names

    for name in table_names(excel_file(context, manager)):
        yield (None, None, name, "TABLE", *[None] * 5)


class SchemaRowsetTurns(ForeachEnumerator[SchemaRowsetEnumerator]):
    """A turn for each table and view: catalog, schema, name, type, and NULL for the other columns of the rowset."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield other rowsets than that of tables, and restrictions."""
        if self.data.schema.strip("{} ").lower() not in _TABLES:
            yield Refusal(
                self.where,
                f"the schema rowset {self.data.schema}",
                "only the rowset of tables is supported",
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
        """Yield the rows in the order of type, catalog, schema and name."""
        manager = context.connections.get(self.data.connection)
        if reads_excel(manager):
            yield from _excel_tables(context, manager)
            return
        import pyodbc

        with context.connections.odbc(self.data.connection) as connection:
            cursor = connection.cursor()
            try:
                with interruptible(cursor, context.cancel):
                    rows = [tuple(row) for row in cursor.tables().fetchall()]
            except pyodbc.Error as error:
                raise TaskFailure(
                    f"The tables could not be listed: {driver_message(error)}.", _GET_ENUMERATOR
                ) from None
            finally:
                cursor.close()
        for catalog, schema, name, kind, *rest in rows:
            # TABLE_GUID, DESCRIPTION, TABLE_PROPID, DATE_CREATED, DATE_MODIFIED
            yield (catalog, schema, name, kind, None, rest[0] if rest else None, None, None, None)
