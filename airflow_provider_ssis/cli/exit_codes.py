"""Exit codes of commands that run packages: those of Microsoft's dtexec, and one more."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus


class ExitCode(IntEnum):
    """The exit codes of dtexec (Microsoft's page on the utility), and :attr:`UNKNOWN`."""

    SUCCEEDED = 0
    FAILED = 1
    CANCELED = 3
    NOT_FOUND = 4
    """The package, its project or its folder was not found."""
    NOT_LOADED = 5
    """The execution was not created or started: no connection, no permission, a missing value, a changed project."""
    WRONG_USAGE = 6
    """The command line, or one of its values, is wrong."""
    UNKNOWN = 7
    """The execution was started, but its end could not be read. dtexec has no such code."""


def exit_code_of_status(status: OperationStatus) -> int:
    """The exit code for the last status of an operation."""
    from airflow_provider_ssis.catalog.codes import OperationStatus

    if status in (OperationStatus.SUCCEEDED, OperationStatus.COMPLETED):
        return ExitCode.SUCCEEDED
    return ExitCode.CANCELED if status is OperationStatus.CANCELED else ExitCode.FAILED


def exit_code_of_error(error: Exception) -> int:
    """The exit code for an error before the package started."""
    from airflow_provider_ssis.catalog import errors

    if isinstance(error, errors.FolderNotFound | errors.ProjectNotFound | errors.PackageNotFound):
        return ExitCode.NOT_FOUND
    wrong = errors.NotFound | errors.AmbiguousEnvironment | errors.WrongParameterType | errors.InvalidArgument
    if isinstance(error, wrong | errors.InvalidName):
        return ExitCode.WRONG_USAGE
    return ExitCode.NOT_LOADED


class RunCommand(click.Command):
    """A command whose exit codes for wrong usage, and for a failure before the start, are dtexec's."""

    usage_exit_code = ExitCode.WRONG_USAGE
    failed_exit_code = ExitCode.NOT_LOADED
