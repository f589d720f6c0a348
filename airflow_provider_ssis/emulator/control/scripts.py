"""Scripts for runs through T-SQL, for any client: procedures of schema ``emulator``.

They do what the methods of :class:`ScriptBook` do, and take the same names::

    EXEC emulator.fail_executable @package_name = N'LoadSales.dtsx', @executable = N'Load Orders',
        @message = N'The disk is full.', @code = 0xC0202009;

All take ``@package_name``, ``@project_name`` and ``@folder_name``, which select the runs of a script (default: all;
``*`` and ``?`` match any characters), and ``@times``, the number of executions to which it applies (default: all, until
``EXEC emulator.clear_scripts``). ``@executable`` is the name or the package path of a task or container; by default the
script applies to the package itself. Members of sysadmin can call them.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.emulator.control.procedures import Arguments, Declared, declared_procedures
from airflow_provider_ssis.emulator.runs.scripts import (
    DEFAULT_ERROR,
    DEFAULT_ERROR_CODE,
    DEFAULT_MESSAGE,
    ScriptBook,
)
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure

_RUN: Final = (
    "@package_name nvarchar(260) = NULL, @project_name nvarchar(128) = NULL, @folder_name nvarchar(128) = NULL,"
    " @times int = NULL"
)
_EXECUTABLE: Final = f"@executable nvarchar(4000) = NULL, {_RUN}"


def fail_executable(scripts: ScriptBook, given: Arguments) -> None:
    """Let an executable raise an error and fail: ``@message``, ``@code``, of a data flow ``@component``."""
    scripts.fail(message=given["message"], code=given["code"], component=given["component"], **given.executable)


def take_time(scripts: ScriptBook, given: Arguments) -> None:
    """Let an executable take ``@seconds``; those of a package or container are spread over the tasks in it."""
    scripts.take(given["seconds"], **given.executable)


def write_messages(scripts: ScriptBook, given: Arguments) -> None:
    """Let an executable write ``@count`` messages: ``@message``, ``@message_type`` 70, 110 or 120, ``@code``."""
    scripts.write(
        given["count"],
        message=given["message"],
        message_type=MessageType(given["message_type"]),
        code=given["code"],
        **given.executable,
    )


def raise_warning(scripts: ScriptBook, given: Arguments) -> None:
    """Let an executable write a warning: ``@message``, ``@code``."""
    scripts.warn(given["message"], code=given["code"], **given.executable)


def end_unexpectedly(scripts: ScriptBook, given: Arguments) -> None:
    """Let the process that runs a package die at an executable: status 6."""
    scripts.crash(**given.executable)


def hang_in_pending(scripts: ScriptBook, given: Arguments) -> None:
    """Let runs hang in pending for ``@seconds``; left out, until ``EXEC emulator.release_pending``."""
    scripts.hang(given["seconds"], **given.run)


def release_pending(scripts: ScriptBook, given: Arguments) -> None:
    """Let all runs start that hang in pending."""
    scripts.release()


def finish_with_status(scripts: ScriptBook, given: Arguments) -> None:
    """Let runs end in ``@status``, regardless of their executables: 3, 4, 6, 7 or 9."""
    scripts.finish(OperationStatus(given["status"]), **given.run)


def clear_scripts(scripts: ScriptBook, given: Arguments) -> None:
    """Remove all scripts; runs that hang in pending start."""
    scripts.clear()


DECLARED: Final[tuple[Declared[ScriptBook], ...]] = (
    (
        fail_executable,
        (
            f"@message nvarchar(max) = N'{DEFAULT_ERROR}', @code bigint = {DEFAULT_ERROR_CODE},"
            f" @component nvarchar(4000) = NULL, {_EXECUTABLE}"
        ),
    ),
    (take_time, f"@seconds float, {_EXECUTABLE}"),
    (
        write_messages,
        (
            f"@count int = 1, @message nvarchar(max) = N'{DEFAULT_MESSAGE}', @message_type smallint = 70,"
            f" @code bigint = NULL, {_EXECUTABLE}"
        ),
    ),
    (raise_warning, f"@message nvarchar(max), @code bigint = NULL, {_EXECUTABLE}"),
    (end_unexpectedly, _EXECUTABLE),
    (hang_in_pending, f"@seconds float = NULL, {_RUN}"),
    (release_pending, ""),
    (finish_with_status, f"@status int, {_RUN}"),
    (clear_scripts, ""),
)
"""The procedures, each with its parameters as T-SQL declares them."""


def scripting_procedures(database: str, scripts: ScriptBook) -> list[Procedure]:
    """The procedures of schema ``emulator``.

    :param database: the database of the procedures.
    :param scripts: gets the scripts.
    """
    return declared_procedures(database, scripts, DECLARED)
