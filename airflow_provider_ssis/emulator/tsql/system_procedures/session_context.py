"""``sp_set_session_context``, whose values ``SESSION_CONTEXT`` returns."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.session_state import ContextValue
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _set(call: ProcedureCall) -> None:
    context = call.session.context
    key = call.arguments["key"]
    if not key:
        raise SqlError(15666, "Cannot set key in the session context. The key cannot be NULL or empty.")
    known = context.get(key.lower())
    if known is not None and known.read_only:
        text = f"Cannot set key '{key}' in the session context. The key has been set as read_only for this session."
        raise SqlError(15664, text)
    context[key.lower()] = ContextValue(call.arguments["value"], bool(call.arguments["read_only"]))


PROCEDURES: Final = (
    Procedure(
        *("master", "sys", "sp_set_session_context"),
        *(parse_signature("@key sysname, @value sql_variant, @read_only bit = 0"), _set),
    ),
)
