"""RAISERROR and THROW: the errors that batches raise themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_ssis.emulator.session import Message
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

USER_MESSAGE: Final = 50000
"""The number of a message that is given by its text."""

_LARGEST_INFORMATION: Final = 10
_LARGEST_FOR_ALL: Final = 18
_LARGEST_SEVERITY: Final = 25
_LARGEST_STATE: Final = 255
_LARGEST_NUMBER: Final = 2147483647
_LONGEST: Final = 2044
_SIXTY_FOUR_BITS: Final = 1 << 64
_THIRTY_TWO_BITS: Final = 1 << 32
_WIDEST: Final = 1000
_PLACE = re.compile(
    r"%(?P<flags>[-+0# ]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+))?(?P<size>h|l|I64)?(?P<type>[%a-zA-Z])"
)

_LAST_SYSTEM_MESSAGE: Final = 50_000
"""Messages with higher numbers are those that users add."""


def raised(
    message: Any, severity: Any, state: Any, arguments: Sequence[Any], options: frozenset[str], line: int
) -> Message:
    """What RAISERROR sends where its severity makes it no error.

    :param message: the text with its places; the numbers of stored messages mean nothing to this server.
    :param options: LOG, NOWAIT, SETERROR.
    :raises SqlError: the error, where the severity makes it one; 2732, 2754, 2786, 2787 for faults of the call.
    """
    if isinstance(message, int) and message > _LAST_SYSTEM_MESSAGE:
        text = (
            f"Error {message}, severity {severity}, state {state} was raised, but no message with that error number "
            "was found in sys.messages. Pass the text of the message to RAISERROR."
        )
        raise SqlError(18054, text)
    if isinstance(message, int):
        raise SqlError(2732, f"No message with the number {message} exists. Pass the text of the message to RAISERROR.")
    if not all(isinstance(number, int | None) for number in (severity, state)):
        raise SqlError(2748, "The severity and the state of RAISERROR must be integers.")
    severity = min(max(severity or 0, 0), _LARGEST_SEVERITY)
    if severity > _LARGEST_FOR_ALL and "LOG" not in options:
        raise SqlError(2754, f"Only system administrators can raise errors of severity {severity}, and only WITH LOG.")
    state = min(max(state or 0, 0), _LARGEST_STATE)
    text = formatted(str(message or ""), arguments)
    if severity > _LARGEST_INFORMATION:
        error = SqlError(USER_MESSAGE, text, severity=severity, state=state)
        error.by_raiserror = True
        raise error
    # SQL Server sends severity 10 as 0.
    return Message(USER_MESSAGE, 0 if severity == _LARGEST_INFORMATION else severity, state, text, line)


def thrown(number: Any, message: Any, state: Any) -> SqlError:
    """The error that ``THROW number, message, state`` raises.

    :raises SqlError: 35100, the number is not one for users.
    """
    if not isinstance(number, int) or not USER_MESSAGE <= number <= _LARGEST_NUMBER:
        raise SqlError(
            35100, f"The error number {number} of THROW is out of range. Use {USER_MESSAGE} or higher.", ends_batch=True
        )
    if not isinstance(state, int | None):
        raise SqlError(2748, "The state of THROW must be an integer.", ends_batch=True)
    kept = min(max(state or 0, 0), _LARGEST_STATE)
    return SqlError(number, str(message or ""), state=kept, ends_batch=True)


def thrown_again(error: SqlError) -> SqlError:
    """The error that THROW without arguments raises: the one that the CATCH block caught."""
    return SqlError(
        error.number,
        error.text,
        severity=error.severity,
        state=error.state,
        procedure=error.procedure,
        line=error.line,
        ends_batch=True,
    )


def formatted(text: str, arguments: Sequence[Any]) -> str:
    """A message with its places filled in, as "RAISERROR (Transact-SQL)" describes them.

    :raises SqlError: 2786 an argument of the wrong kind, 2787 an unknown place.
    """
    left = list(arguments)

    def fill(match: re.Match[str]) -> str:
        kind = match["type"]
        if kind == "%":
            return "%"
        if kind not in "sdiouxX":
            raise SqlError(2787, f"Invalid format specification: '{match.group()}'.")
        width, precision = (_size(size, left) for size in (match["width"], match["precision"]))
        shape = f"%{match['flags']}{width}{'.' + precision if precision else ''}"
        value = left.pop(0) if left else None
        if value is None:
            return "(null)"
        if kind == "s" and isinstance(value, str):
            return f"{shape}s" % (value,)
        if kind == "s" or isinstance(value, bool) or not isinstance(value, int):
            wanted = "text" if kind == "s" else "whole number"
            raise SqlError(2786, f"The argument for {match.group()} in the message is no {wanted}.")
        if kind in "ouxX" and value < 0:
            value += _SIXTY_FOUR_BITS if match["size"] == "I64" or value < -(1 << 31) else _THIRTY_TWO_BITS
        return f"{shape}{'d' if kind in 'iu' else kind}" % (value,)

    filled = _PLACE.sub(fill, text)
    return filled if len(filled) <= _LONGEST + 3 else filled[:_LONGEST] + "..."


def _size(size: str | None, left: list[Any]) -> str:
    """A width or precision; ``*`` takes it from the arguments."""
    if size is None:
        return ""
    value = (left.pop(0) if left else 0) if size == "*" else int(size)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SqlError(2786, "The argument for * in the message is not an integer.")
    return str(min(max(value, 0), _WIDEST))
