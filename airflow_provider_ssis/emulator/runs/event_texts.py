"""The texts of a run's messages, in the form of the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import quoteattr

from airflow_provider_ssis.emulator.runs.request import DataTap
from airflow_provider_ssis.project.models import Parameter, ParameterValue

PATH_NOT_RESOLVED: Final = 0xC001F02F - (1 << 32)
"""DTS_E_COULDNOTRESOLVEPACKAGEPATH."""
PROPERTY_NOT_SET: Final = 0xC0204006 - (1 << 32)
"""DTS_E_FAILEDTOSETPROPERTY."""
ENCRYPTED: Final = 0xC0016016 - (1 << 32)
"""DTS_E_UNPROTECTXMLFAILED."""

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


def encrypted(package_name: str) -> str:
    """A package that cannot be read."""
    return f"The package {package_name} is encrypted as a whole; it cannot be read without its password."


def too_large(executables: int | None) -> str:
    """A run that is too large to be simulated.

    :param executables: how many executables it had when it was ended; None: it is nested too deeply.
    """
    if executables is None:
        return "The containers and packages of this run are nested too deeply to be simulated. Nest fewer of them."
    return (
        f"The simulated run was ended after {executables} tasks and containers, each iteration of a loop counted. The"
        " iterations of nested loops multiply: disable some of them with a property override."
    )
