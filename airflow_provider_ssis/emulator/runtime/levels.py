"""What each logging level writes ("Enable Logging for Package Execution on the SSIS Server")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.catalog.codes import LoggingLevel

ALL_EVENTS: Final = frozenset(
    {
        "OnVariableValueChanged",
        "OnExecutionStatusChanged",
        "OnPreExecute",
        "OnPostExecute",
        "OnPreValidate",
        "OnPostValidate",
        "OnWarning",
        "OnInformation",
        "OnError",
        "OnTaskFailed",
        "OnProgress",
        "OnQueryCancel",
        "OnBreakpointHit",
        "OnCustomEvent",
        "Diagnostic",
        "DiagnosticEx",
        "NonDiagnostic",
    }
)
_DIAGNOSTIC: Final = frozenset({"OnCustomEvent", "Diagnostic", "DiagnosticEx", "NonDiagnostic"})


@dataclass(frozen=True, slots=True)
class Logged:
    """What a run writes.

    :param events: names of events.
    :param executables: the rows of ``executables`` and ``executable_statistics``.
    :param phases: the rows of ``execution_component_phases``.
    :param data: the rows of ``execution_data_statistics``.
    """

    events: frozenset[str]
    executables: bool = True
    phases: bool = False
    data: bool = False


LEVELS: Final = {
    LoggingLevel.NONE: Logged(frozenset(), executables=False),
    LoggingLevel.BASIC: Logged(ALL_EVENTS - _DIAGNOSTIC),
    LoggingLevel.PERFORMANCE: Logged(frozenset({"OnError", "OnWarning"}), phases=True),
    LoggingLevel.VERBOSE: Logged(ALL_EVENTS, phases=True, data=True),
    LoggingLevel.RUNTIME_LINEAGE: Logged(ALL_EVENTS - _DIAGNOSTIC | {"DiagnosticEx"}),
    LoggingLevel.CUSTOMIZED: Logged(ALL_EVENTS - _DIAGNOSTIC),
}
