"""The values of enumerations and numbers that SSIS accepts, by their numbers in Microsoft's object model.

Packages store the numbers of executables' properties and the names of tasks' properties. Source: the enumerations of
``Microsoft.SqlServer.Dts.Runtime`` and of the tasks; isolation levels are those of .NET.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Choices = Mapping[int, str]

SQL_SOURCES: Final[Choices] = {1: "DirectInput", 2: "FileConnection", 3: "Variable"}
MAIL_SOURCES: Final[Choices] = {0: "DirectInput", 1: "FileConnection", 2: "Variable"}
RESULT_TYPES: Final[Choices] = {1: "None", 2: "SingleRow", 3: "Rowset", 4: "XML"}
PRIORITIES: Final[Choices] = {1: "High", 3: "Normal", 5: "Low"}
FILE_OPERATIONS: Final[Choices] = dict(
    enumerate(
        (
            "CopyFile MoveFile DeleteFile RenameFile SetAttributes CreateDirectory CopyDirectory MoveDirectory"
            " DeleteDirectory DeleteDirectoryContent"
        ).split()
    )
)
FTP_OPERATIONS: Final[Choices] = dict(
    enumerate("Send Receive DeleteLocal DeleteRemote MakeDirLocal MakeDirRemote RemoveDirLocal RemoveDirRemote".split())
)

NUMBERED: Final[Mapping[str, Choices]] = {
    "CheckpointUsage": {0: "Never", 1: "IfExists", 2: "Always"},
    "EvalOp": {1: "Expression", 2: "Constraint", 3: "ExpressionAndConstraint", 4: "ExpressionOrConstraint"},
    "ForceExecutionResult": {-1: "None", 0: "Success", 1: "Failure", 2: "Completion"},
    "ISOLevel": {
        -1: "Unspecified",
        16: "Chaos",
        256: "ReadUncommitted",
        4096: "ReadCommitted",
        65536: "RepeatableRead",
        1048576: "Serializable",
        16777216: "Snapshot",
    },
    "TransactionOption": {0: "NotSupported", 1: "Supported", 2: "Required"},
    "Value": {0: "Success", 1: "Failure", 2: "Completion"},
}
"""Stored properties of executables and precedence constraints that are numbers of an enumeration."""

MINIMUMS: Final[Mapping[str, int]] = {
    "CodePage": 0,
    "LocaleID": -1,
    "MaxConcurrentExecutables": -1,
    "MaxErrorCount": 0,
    "TimeOut": 0,
    "VersionBuild": 0,
    "VersionMajor": 0,
    "VersionMinor": 0,
}
"""The smallest values of stored properties that are whole numbers."""

_LARGEST: Final = 2**31 - 1


def number_problem(name: str, value: int) -> str | None:
    """Return what is wrong with the value of a property that is stored as a number; None if it is valid.

    :param name: the stored name of the property.
    :param value: the number.
    """
    if name in NUMBERED:
        return None if value in NUMBERED[name] else f"is one of {listed(NUMBERED[name])}"
    smallest = MINIMUMS.get(name, -_LARGEST - 1)
    if not smallest <= value <= _LARGEST or (name == "MaxConcurrentExecutables" and value == 0):
        return f"is a whole number from {smallest} to {_LARGEST}" + (
            ", without 0" if name == "MaxConcurrentExecutables" else ""
        )
    return None


def listed(choices: Choices) -> str:
    """Return the values of an enumeration for an error: ``0 NotSupported, 1 Supported, 2 Required``."""
    return ", ".join(f"{number} {name}" for number, name in choices.items())


def chosen(text: str, choices: Choices) -> int | None:
    """Return the number of a value that is given by number or name, without regard to case; None for an unknown one."""
    wanted = text.strip().casefold()
    return next((number for number, name in choices.items() if wanted in (str(number), name.casefold())), None)
