"""Every statement with the function that runs it."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution import (
    call_statements,
    control_flow,
    cursor_statements,
    data_statements,
    message_statements,
    principal_statements,
    session_statements,
    table_statements,
)
from airflow_provider_ssis.emulator.tsql.execution.handlers import AwaitedTable, ImmediateTable, StreamedTable

IMMEDIATE: Final[ImmediateTable] = {
    **control_flow.IMMEDIATE,
    **cursor_statements.IMMEDIATE,
    **principal_statements.IMMEDIATE,
    **session_statements.IMMEDIATE,
    **table_statements.IMMEDIATE,
}
AWAITED: Final[AwaitedTable] = {
    **cursor_statements.AWAITED,
    **message_statements.AWAITED,
    **session_statements.AWAITED,
    **table_statements.AWAITED,
}
STREAMED: Final[StreamedTable] = {
    **call_statements.STREAMED,
    **control_flow.STREAMED,
    **cursor_statements.STREAMED,
    **data_statements.STREAMED,
    **message_statements.STREAMED,
}
