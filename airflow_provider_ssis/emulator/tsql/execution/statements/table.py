"""Every statement with the function that runs it."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.statements import (
    alter_table,
    bulk_insert,
    bulk_load,
    calls,
    control_flow,
    cursors,
    databases_and_schemas,
    maintenance,
    messages,
    modules,
    named_objects,
    principals,
    queries_and_changes,
    session,
    statistics,
    switch_table,
    tables_and_indexes,
)
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import (
    AwaitedTable,
    ImmediateTable,
    StreamedTable,
)
from airflow_provider_ssis.emulator.tsql.language import cursor_syntax, table_syntax

IMMEDIATE: Final[ImmediateTable] = {
    **control_flow.IMMEDIATE,
    **cursors.IMMEDIATE,
    **principals.IMMEDIATE,
    **session.IMMEDIATE,
}
AWAITED: Final[AwaitedTable] = {
    **alter_table.AWAITED,
    **control_flow.AWAITED,
    **modules.AWAITED,
    **named_objects.AWAITED,
    **cursors.AWAITED,
    **maintenance.AWAITED,
    **messages.AWAITED,
    **bulk_insert.AWAITED,
    **bulk_load.AWAITED,
    **session.AWAITED,
    **statistics.AWAITED,
    **switch_table.AWAITED,
    **tables_and_indexes.AWAITED,
    **databases_and_schemas.AWAITED,
}
STREAMED: Final[StreamedTable] = {
    **calls.STREAMED,
    **control_flow.STREAMED,
    **cursors.STREAMED,
    **queries_and_changes.STREAMED,
    **messages.STREAMED,
}
BEGIN_IMPLICITLY: Final = frozenset(
    {
        cursor_syntax.Fetch,
        cursor_syntax.OpenCursor,
        table_syntax.AddToTable,
        table_syntax.AlterColumn,
        table_syntax.AlterIndex,
        table_syntax.CreateIndex,
        table_syntax.CreateSchema,
        table_syntax.DropSchema,
        table_syntax.EnableConstraints,
        table_syntax.CreateTable,
        table_syntax.DropFromTable,
        table_syntax.DropIndex,
        table_syntax.DropTable,
        table_syntax.SwitchTable,
        table_syntax.TransferTable,
        table_syntax.TruncateTable,
    }
)
"""The statements that begin a transaction under SET IMPLICIT_TRANSACTIONS ON, in addition to queries and calls."""
