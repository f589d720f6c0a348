"""The texts of a run's messages, in the form of the catalog."""

from __future__ import annotations

from datetime import datetime, timedelta


def validating(name: str) -> str:
    """Return ``Load:Validation has started.``."""
    return f"{name}:Validation has started."


def validated(name: str) -> str:
    """Return ``Load:Validation is complete.``."""
    return f"{name}:Validation is complete."


def started(name: str, time: datetime) -> str:
    """Return ``Load:Start, 10:15:00.``."""
    return f"{name}:Start, {time:%H:%M:%S}."


def finished(name: str, began: datetime, ended: datetime) -> str:
    """Return ``Load:Finished, 10:15:01, Elapsed time: 00:00:01.234.``."""
    seconds, milliseconds = divmod((ended - began) // timedelta(milliseconds=1), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{name}:Finished, {ended:%H:%M:%S}, Elapsed time: {hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}."


def error(name: str, text: str) -> str:
    """Return ``Load:Error: The disk is full.``."""
    return f"{name}:Error: {text}"


def warning(name: str, text: str) -> str:
    """Return ``Load:Warning: The disk is nearly full.``."""
    return f"{name}:Warning: {text}"


def information(name: str, text: str) -> str:
    """Return ``Load:Information: Validation phase is beginning.``."""
    return f"{name}:Information: {text}"


def progress(name: str, phase: str, percent: int) -> str:
    """Return ``Load:Progress: Validating - 100 percent complete``."""
    return f"{name}:Progress: {phase} - {percent} percent complete"


def task_failed(name: str) -> str:
    """Return ``Load:Task failed.``."""
    return f"{name}:Task failed."


def cancelled(name: str) -> str:
    """Return ``Load:Cancelled: the execution was stopped.``."""
    return f"{name}:Cancelled: the execution was stopped."


def variable_changed(name: str, variable: str) -> str:
    """Return ``Load:The value of the variable User::Rows has changed.``."""
    return f"{name}:The value of the variable {variable} has changed."


def maximum_errors_reached(errors: int, maximum: int) -> str:
    """Return the warning of an executable that fails because of errors in it."""
    return (
        f"SSIS Warning Code DTS_W_MAXIMUMERRORCOUNTREACHED. The executables succeeded, but the number of errors"
        f" ({errors}) reached the maximum ({maximum}). Change MaximumErrorCount, or fix the errors."
    )


def execution_value(value: object) -> str:
    """Return an execution value as text; it can be any object of a user's function."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 the object decides what its text is
        return f"a value of the type {type(value).__name__}"
