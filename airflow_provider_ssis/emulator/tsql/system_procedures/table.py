"""The system procedures by name; a new one is a new row in the module that it belongs to."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.procedures import Procedure
from airflow_provider_ssis.emulator.tsql.system_procedures import application_locks, drivers, odbc_catalog
from airflow_provider_ssis.emulator.tsql.system_procedures.dynamic_sql import DYNAMIC_PROCEDURES

__all__ = ["DYNAMIC_PROCEDURES", "SYSTEM_PROCEDURES", "UNSUPPORTED_PROCEDURES"]

SYSTEM_PROCEDURES: Final[dict[str, Procedure]] = {
    procedure.name: procedure
    for procedure in (*drivers.PROCEDURES, *application_locks.PROCEDURES, *odbc_catalog.PROCEDURES)
}

UNSUPPORTED_PROCEDURES: Final = frozenset(
    """sp_cursor sp_cursoropen sp_cursorprepare sp_cursorexecute sp_cursorprepexec sp_cursorfetch sp_cursoroption
    sp_cursorclose sp_cursorunprepare""".split()
)
"""Server cursors: refused by name, whatever their arguments."""
