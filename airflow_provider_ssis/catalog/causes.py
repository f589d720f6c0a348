"""Why an execution failed: the first errors among its messages, without those that only say that others came before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.models import EventMessage


def first_causes(messages: Iterable[EventMessage], limit: int = 3) -> list[EventMessage]:
    """The first causes of a failure, in the order in which they occurred.

    :param messages: messages of the execution; only those of type ERROR and TASK_FAILED matter, in any order.
    :param limit: the most causes wanted. Default: 3.
    :return: errors that are no mere consequence; if all are, the first one; without any error, the tasks that failed.
    """
    ordered = sorted(messages, key=_position)
    errors = _distinct(message for message in ordered if message.message_type is MessageType.ERROR)
    causes = [error for error in errors if not is_consequence(error)]
    failed = [message for message in ordered if message.message_type is MessageType.TASK_FAILED]
    return (causes or errors[:1] or failed)[:limit]


def is_consequence(message: EventMessage) -> bool:
    """True for a message that says only that something failed because of an earlier error."""
    if message.code_hex in CONSEQUENCES:
        return True
    symbol = _SYMBOL.search(message.message)
    return symbol is not None and symbol["symbol"] in CONSEQUENCES.values()


def advice_for(message: EventMessage) -> str | None:
    """What to look at for a message whose code is known to need it, None for others."""
    return ADVICE.get(message.code_hex or "")


def describe(message: EventMessage) -> str:
    """The message as one line with its code and where it comes from, and what to look at on a second one.

    >>> describe(message)
    "Load Customers (\\\\Package\\\\Load Customers in Load.dtsx, 0xC0202009): ..."
    """
    place = " in ".join(part for part in (message.package_path, message.package_name) if part)
    details = ", ".join(part for part in (place, message.code_hex) if part)
    source = message.message_source_name or "Integration Services"
    text = f"{source} ({details}): {message.message.strip()}" if details else f"{source}: {message.message.strip()}"
    advice = advice_for(message)
    return f"{text}\n  {advice}" if advice else text


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

CONSEQUENCES = {
    "0x80019002": "DTS_W_MAXIMUMERRORCOUNTREACHED",
    "0xC0047021": "DTS_E_THREADFAILED",
    "0xC0047022": "DTS_E_PROCESSINPUTFAILED",
    "0xC0047038": "DTS_E_PRIMEOUTPUTFAILED",
    "0xC004706B": "DTS_E_INDIVIDUALVALIDATIONSTATUSFAILED",
    "0xC004700C": "DTS_E_VALIDATIONFAILEDONCOMPONENTS",
    "0xC0024107": "DTS_E_TASKVALIDATIONERROR",
}
"""Codes and symbols of messages that only follow from others (Microsoft's reference of Integration Services errors)."""

ADVICE = {
    "0xC0202009": "Look at the database provider's own message and error code in the text.",
    "0xC020801C": "Check the connection manager: connection string, driver, and that the run's account may log in.",
    "0xC0016016": "Check the protection level: secrets saved with another user's key or password cannot be read.",
    "0xC0014005": "The server lacks the provider or component, or has it for 32 bits only: try the 32-bit runtime.",
    "0xC0011007": "The server cannot load the package: a newer version's, or with a component not installed.",
    "0xC0010018": "A property of the package cannot be read: a newer version's, or a component's not installed.",
    "0xC001000A": "The package to run is not in the msdb store.",
    "0xC00470FE": "The component needs a higher edition of SQL Server.",
    "0xC0012024": "The task needs a higher edition of SQL Server, or Integration Services is not installed there.",
    "0xC0209029": "Look at the column named: a row could not be processed and the component fails on errors.",
    "0xC020902A": "Look at the column named: a text is longer than the column, and truncation is an error there.",
    "0xC02020A1": "A source value does not convert to the column: check type, code page and length.",
    "0xC0047062": "A script or custom component raised a .NET exception; its text follows.",
    "0xC0047048": "The data flow cannot write its spool files: disk full, or no rights on BufferTempStoragePath.",
    "0xC0202071": "A SQL Server Destination loads only into the server it runs on and needs rights for bulk loads.",
    "0xC0012050": "The child package of an Execute Package Task fails validation.",
    "0xC002F210": "Look at the SQL error in the text, and at the task's ResultSet and parameter settings.",
    "0xC0029151": "Compare the process's exit code with the one that the task expects.",
}
"""What to look at, by code."""
