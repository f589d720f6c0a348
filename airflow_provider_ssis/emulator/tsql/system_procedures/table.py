"""The system procedures by name. A new one is a row in the module of its subject."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.runner import SystemProcedures
from airflow_provider_ssis.emulator.tsql.system_procedures import (
    application_locks,
    drivers,
    object_information,
    odbc_catalog,
    renaming,
    roles,
    sequences,
    session_context,
)
from airflow_provider_ssis.emulator.tsql.system_procedures.dynamic_sql import DYNAMIC_PROCEDURES

_FIXED: Final = {
    procedure.name: procedure
    for procedure in (
        *drivers.PROCEDURES,
        *application_locks.PROCEDURES,
        *odbc_catalog.PROCEDURES,
        *roles.PROCEDURES,
        *object_information.PROCEDURES,
        *renaming.PROCEDURES,
        *sequences.PROCEDURES,
        *session_context.PROCEDURES,
    )
}

_CURSORS: Final = frozenset(
    """sp_cursor sp_cursoropen sp_cursorprepare sp_cursorexecute sp_cursorprepexec sp_cursorfetch sp_cursoroption
    sp_cursorclose sp_cursorunprepare""".split()
)

SYSTEM_PROCEDURES: Final = SystemProcedures(_FIXED, DYNAMIC_PROCEDURES, unsupported=_CURSORS)
