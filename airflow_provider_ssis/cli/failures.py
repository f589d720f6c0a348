"""How a command fails: one line on standard error, or an object with ``--json``, and an exit code."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import suppress

import click

from airflow_provider_ssis.cli.output import printable


def sentence(message: str) -> str:
    """The message of an error with a full stop, unless it ends in punctuation or is empty."""
    return message if not message or message[-1] in ".!?:;" else f"{message}."


class CommandFailed(Exception):
    """A command could not do its work.

    :param message: what happened, where, and what to do next; a missing full stop is added. Empty if that is printed
        already.
    :param exit_code: the exit code of the process. Default: 1.
    :param cause: the error that JSON names by its type and number. Default: this one.
    """

    def __init__(self, message: str, exit_code: int = 1, *, cause: Exception | None = None) -> None:
        super().__init__(sentence(message))
        self.exit_code = exit_code
        self.cause = cause or self
        context = click.get_current_context(silent=True)
        self.command = context.command_path if context else "airflow-ssis"
        self.as_json = bool(context and context.params.get("as_json"))

    def show(self) -> None:
        """Print the message: an object if the command prints JSON, else on standard error after the command's name."""
        if str(self) and not (self.as_json and _shown_as_json(str(self), self.cause, self.exit_code)):
            click.echo(f"{self.command}: {printable(str(self))}", err=True)


_WRITE_ERRORS = frozenset({errno.EAGAIN, errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPIPE})


class OutputFailed(CommandFailed):
    """The output of a command, or a file that it names, cannot be written, or the system failed otherwise.

    :param error: what the system said.
    :param exit_code: the exit code of the process. Default: 1.
    :param more: what the user should know of the command's work. Default: nothing.
    """

    def __init__(self, error: OSError, exit_code: int = 1, more: str = "") -> None:
        if error.filename is not None:
            what = f"cannot read or write {error.filename}"
        elif error.errno in _WRITE_ERRORS:
            what = "the output cannot be written"
        else:
            # Such as a connection that timed out.
            what = type(error).__name__
        text = ": ".join(filter(None, (what, error.strerror or str(error)))) + (f". {more}" if more else "")
        # A closed pipe, as that of head, needs no message.
        super().__init__("" if isinstance(error, BrokenPipeError) and not more else text, exit_code)
        self.as_json = False


def show_usage_error(error: click.UsageError, exit_code: int, *, as_json: bool) -> None:
    """Print an error of the command line, with how the command is used.

    :param error: the error.
    :param exit_code: the exit code of the process.
    :param as_json: print an object instead, if the command has the option ``--json``.
    """
    has_json = error.ctx is not None and any(param.name == "as_json" for param in error.ctx.command.params)
    if not (as_json and has_json and _shown_as_json(error.format_message(), click.UsageError(""), exit_code)):
        error.show()


def drop_output() -> None:
    """Let nothing more be written on the standard output, so that the end of the process does not fail on it."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _shown_as_json(text: str, cause: Exception, exit_code: int) -> bool:
    """Print an error as an object, on one line because some commands have printed such lines before."""
    number = getattr(cause, "number", None)
    found = {"error": sentence(text), "type": type(cause).__name__, "number": number, "exit_code": exit_code}
    try:
        click.echo(json.dumps(found))
    except OSError:
        return False
    return True
