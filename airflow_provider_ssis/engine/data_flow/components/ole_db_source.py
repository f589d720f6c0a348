"""The OLE DB Source: a table or query of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.databases.parameters import parameter_values
from airflow_provider_ssis.engine.data_flow.databases.query_source import (
    MISSING_COMMAND,
    Query,
    QuerySource,
    text_of_variable,
)
from airflow_provider_ssis.engine.data_flow.databases.stored_options import CODE_PAGES, code_page_refusals
from airflow_provider_ssis.engine.data_flow.error_outputs import error_output_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_TABLE, _TABLE_OF_VARIABLE, _COMMAND, _COMMAND_OF_VARIABLE = "0", "1", "2", "3"
_PROPERTIES = CODE_PAGES | {
    "AccessMode",
    "CommandTimeout",
    "OpenRowset",
    "OpenRowsetVariable",
    "ParameterMapping",
    "SqlCommand",
    "SqlCommandVariable",
}
_NO_TABLE = 0xC0202100
"""DTS_E_SOURCETABLENAMENOTPROVIDED."""


class OleDbSource(QuerySource):
    """Reads a table or query through ODBC."""

    classes: ClassVar[tuple[str, ...]] = ("OLEDBSource",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({OUTPUT_COLUMN}))

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and access modes, and code pages that contradict each other."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from error_output_refusals(plan)
        yield from code_page_refusals(plan)
        yield from negative_numbers(plan, "CommandTimeout")
        mode = plan.text("AccessMode", _TABLE)
        if mode not in (_TABLE, _TABLE_OF_VARIABLE, _COMMAND, _COMMAND_OF_VARIABLE):
            yield Refusal(plan.path, f"the access mode {mode}", "it is not one of an OLE DB Source (0 to 3)")

    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return the table or query, by the access mode."""
        plan = self.plan
        mode = plan.text("AccessMode", _TABLE)
        if mode == _TABLE:
            return Query(table=_chosen(plan, "OpenRowset", "a table", _NO_TABLE))
        if mode == _TABLE_OF_VARIABLE:
            variable = plan.text("OpenRowsetVariable")
            return Query(table=text_of_variable(context, variable, "the name of a table"))
        if mode == _COMMAND:
            sql = _chosen(plan, "SqlCommand", "a query", MISSING_COMMAND)
        else:
            sql = text_of_variable(context, plan.text("SqlCommandVariable"), "a query")
        parameters = parameter_values(context, connection, sql, plan.text("ParameterMapping"))
        return Query(sql=sql, parameters=tuple(parameters), timeout=int(plan.text("CommandTimeout") or 0))


def _chosen(plan: ComponentPlan, name: str, what: str, code: int) -> str:
    text = plan.text(name)
    if not text.strip():
        raise TaskFailure(f"{plan.stored.name} has no value in the property {name}. Choose {what}.", code)
    return text
