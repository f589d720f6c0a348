"""The texts of a run's messages, in the form of the catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import quoteattr

from airflow_provider_ssis.emulator.runs.request import DataTap
from airflow_provider_ssis.project.models import Parameter, ParameterValue

MAXIMUM_ERRORS_REACHED: Final = 0x80019002 - (1 << 32)
"""DTS_W_MAXIMUMERRORCOUNTREACHED."""
PATH_NOT_RESOLVED: Final = 0xC001F02F - (1 << 32)
"""DTS_E_COULDNOTRESOLVEPACKAGEPATH."""
PROPERTY_NOT_SET: Final = 0xC0204006 - (1 << 32)
"""DTS_E_FAILEDTOSETPROPERTY."""
ENCRYPTED: Final = 0xC0016016 - (1 << 32)
"""DTS_E_UNPROTECTXMLFAILED."""
CHILD_NOT_LOADED: Final = 0xC00220E4 - (1 << 32)
"""DTS_E_TKEXECPACKAGE_UNABLETOLOAD."""

PROPERTY_NOT_EVALUATED: Final = 0xC0017003 - (1 << 32)
"""DTS_E_PROPERTYEXPRESSIONEVAL."""
NO_CONDITION: Final = 0xC001F185 - (1 << 32)
"""DTS_E_NOEVALEXPRESSION."""
RUN_REFUSED: Final = 0x80004005 - (1 << 32)
"""E_FAIL: the settings of the execution do not fit."""
RUN_TOO_LARGE: Final = 0x8000FFFF - (1 << 32)
"""E_UNEXPECTED: a run that is too large to be simulated."""

SIMULATED: Final = "The embedded SSISDB simulates this package: no task is executed, and no row is moved."
"""The first message of a simulated run."""

ENDLESS_LOOP: Final = (
    "The condition of the loop stays true, because no task of this simulated run changes its variables. The loop is "
    "ended."
)


def validating(name: str) -> str:
    """``Load:Validation has started.``"""
    return f"{name}:Validation has started."


def validated(name: str) -> str:
    """``Load:Validation is complete.``"""
    return f"{name}:Validation is complete."


def started(name: str, time: dt.datetime) -> str:
    """``Load:Start, 10:15:00.``"""
    return f"{name}:Start, {time:%H:%M:%S}."


def finished(name: str, began: dt.datetime, ended: dt.datetime) -> str:
    """``Load:Finished, 10:15:01, Elapsed time: 00:00:01.234.``"""
    milliseconds = (ended - began) // dt.timedelta(milliseconds=1)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    elapsed = f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
    return f"{name}:Finished, {ended:%H:%M:%S}, Elapsed time: {elapsed}."


def error(name: str, text: str) -> str:
    """``Load:Error: The disk is full.``"""
    return f"{name}:Error: {text}"


def warning(name: str, text: str) -> str:
    """``Load:Warning: The disk is nearly full.``"""
    return f"{name}:Warning: {text}"


def information(name: str, text: str) -> str:
    """``Load:Information: Validation phase is beginning.``"""
    return f"{name}:Information: {text}"


def progress(name: str, phase: str) -> str:
    """``Load:Progress: Validating - 100 percent complete``"""
    return f"{name}:Progress: {phase} - 100 percent complete"


def task_failed(name: str) -> str:
    """``Load:Task failed.``"""
    return f"{name}:Task failed."


def cancelled(name: str) -> str:
    """``Load:Cancelled: the execution was stopped.``"""
    return f"{name}:Cancelled: the execution was stopped."


def maximum_errors_reached(name: str, errors: int, maximum: int) -> str:
    """The warning of a container that fails because of errors in it."""
    return warning(
        name,
        f"SSIS Warning Code DTS_W_MAXIMUMERRORCOUNTREACHED. The executables succeeded, but the number of errors"
        f" ({errors}) reached the maximum ({maximum}). Change MaximumErrorCount, or fix the errors.",
    )


def parameters_passed(package: str, parameters: Iterable[tuple[Parameter, ParameterValue]]) -> str:
    """The parameters that an Execute Package task passes to its child, as XML; sensitive values are left out."""
    rows = []
    for parameter, value in parameters:
        given = 'Sensitive="True"' if parameter.sensitive else f"Value={quoteattr('' if value is None else str(value))}"
        rows.append(f"<Parameter Name={quoteattr(parameter.name)} DataType={quoteattr(parameter.data_type)} {given}/>")
    return f"<ExecutePackage PackageName={quoteattr(package)}>{''.join(rows)}</ExecutePackage>"


def rows_tapped(tap: DataTap, rows: int, file: str) -> str:
    """What a data tap wrote."""
    return (
        f"The data tap on {tap.path_id_string} wrote {rows} rows to '{file}'. The run was simulated: the rows were "
        "generated, and are not data of the sources."
    )


def rows_not_written(tap: DataTap, reason: str) -> str:
    """Why a data tap wrote no file."""
    return f"The data tap on {tap.path_id_string} could not write its rows to '{tap.file_name}': {reason}"


def nothing_tapped(tap: DataTap) -> str:
    """A tap that no data flow passed."""
    task = tap.package_path or tap.task_id
    return (
        f"The data tap on {tap.path_id_string} of the task '{task}' wrote no file: no data flow of the package with "
        "this task and path ran. Check both; they are compared with case."
    )


def dumped(file: str, reason: str) -> str:
    """A dump that the process wrote."""
    return f"A dump was written to '{file}', because of the message: {reason}"
