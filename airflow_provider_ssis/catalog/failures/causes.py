"""The causes of a failed execution: the first errors among its messages, without those that are only consequences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.failures.message_codes import (
    ADVICE,
    CONNECTION_FAILURES,
    CONSEQUENCES,
    FAILED_VALIDATION,
    symbol_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from airflow_provider_ssis.catalog.models import EventMessage


def first_causes(messages: Iterable[EventMessage], limit: int = 3) -> list[EventMessage]:
    """The first causes of a failure, in the order in which they occurred.

    :param messages: messages of the execution; only those of type ERROR and TASK_FAILED matter, in any order.
    :param limit: the most causes wanted. Default: 3.
    :return: the errors that are not consequences; if all are, the first one; without errors, the failed tasks.
    """
    ordered = sorted(messages, key=_position)
    errors = _distinct(message for message in ordered if message.message_type is MessageType.ERROR)
    causes = [error for error in errors if not is_consequence(error)]
    failed = [message for message in ordered if message.message_type is MessageType.TASK_FAILED]
    return (causes or errors[:1] or failed)[:limit]


def is_consequence(message: EventMessage) -> bool:
    """True for a message that only reports the consequence of an earlier error."""
    if message.code_hex in CONSEQUENCES:
        return True
    symbol = _SYMBOL.search(message.message)
    return symbol is not None and symbol["symbol"] in map(symbol_of, CONSEQUENCES)


def failed_validation(messages: Iterable[EventMessage]) -> bool:
    """True if the errors of a failed execution report a failed validation.

    A validation that failed because of a connection does not count, because it may succeed later.

    :param messages: the execution's messages of type ERROR.
    """
    codes = {message.code_hex for message in messages}
    return not FAILED_VALIDATION.isdisjoint(codes) and CONNECTION_FAILURES.isdisjoint(codes)


def advice_for(message: EventMessage) -> str | None:
    """What to check for a message, None if its code is unknown."""
    return ADVICE.get(message.code_hex or "")


def describe(message: EventMessage) -> str:
    """The message as one line: the text first, then its code and where it comes from; advice on a second line.

    >>> describe(message)
    "The disk is full. (0xC0202009 DTS_E_OLEDBERROR; \\\\Package\\\\Load Customers in Load.dtsx)"
    """
    text = message.message.strip()
    source = message.message_source_name
    if source and message.package_path:
        # The path names the source.
        text = text.removeprefix(f"{source}:").removeprefix("Error:").strip()
    place = " in ".join(part for part in (message.package_path, message.package_name) if part)
    details = "; ".join(part for part in (_name_of_code(message), place) if part)
    advice = advice_for(message)
    return text + (f" ({details})" if details else "") + (f"\n  {advice}" if advice else "")


def _name_of_code(message: EventMessage) -> str | None:
    symbol = None if message.code_hex is None else symbol_of(message.code_hex)
    return message.code_hex if symbol is None or symbol in message.message else f"{message.code_hex} {symbol}"


def _position(message: EventMessage) -> tuple[int, datetime]:
    # Messages of Scale Out workers have no id; time orders those.
    return message.event_message_id or 0, message.message_time


def _distinct(messages: Iterable[EventMessage]) -> list[EventMessage]:
    """The first of each text: an error may be raised again by each container around the task that raised it."""
    first: dict[str, EventMessage] = {}
    for message in messages:
        first.setdefault(message.message, message)
    return list(first.values())


_SYMBOL = re.compile(r"SSIS (?:Error|Warning) Code (?P<symbol>\w+)")
