"""Every statement with the function that runs it."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution import (
    alter_table_statements,
    bulk_files,
    bulk_load,
    call_statements,
    control_flow,
    cursor_statements,
    data_statements,
    maintenance_statements,
    message_statements,
    module_statements,
    named_object_statements,
    principal_statements,
    session_statements,
    switch_statements,
    table_statements,
    user_table_statements,
)
from airflow_provider_ssis.emulator.tsql.execution.handlers import AwaitedTable, ImmediateTable, StreamedTable
from airflow_provider_ssis.emulator.tsql.language import cursor_syntax, table_syntax

IMMEDIATE: Final[ImmediateTable] = {
    **control_flow.IMMEDIATE,
    **cursor_statements.IMMEDIATE,
    **principal_statements.IMMEDIATE,
    **session_statements.IMMEDIATE,
}
AWAITED: Final[AwaitedTable] = {
    **alter_table_statements.AWAITED,
    **control_flow.AWAITED,
    **module_statements.AWAITED,
    **named_object_statements.AWAITED,
    **cursor_statements.AWAITED,
    **maintenance_statements.AWAITED,
    **message_statements.AWAITED,
    **bulk_files.AWAITED,
    **bulk_load.AWAITED,
    **session_statements.AWAITED,
    **switch_statements.AWAITED,
    **table_statements.AWAITED,
    **user_table_statements.AWAITED,
}
STREAMED: Final[StreamedTable] = {
    **call_statements.STREAMED,
    **control_flow.STREAMED,
    **cursor_statements.STREAMED,
    **data_statements.STREAMED,
    **message_statements.STREAMED,
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
