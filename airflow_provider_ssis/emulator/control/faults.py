"""Fault injection through T-SQL, for any client: procedures of schema ``emulator``.

They do what the methods of :class:`FaultBook` do::

    EXEC emulator.drop_connection @statement = N'start_execution', @moment = N'after';

``@statement`` is a part of the request's text (left out: any request), ``@moment`` is ``before`` or ``after`` it is
processed, ``@times`` is the number of requests that the fault is for (1 unless given; NULL: until
``EXEC emulator.clear_faults``). Members of sysadmin may call them.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.control.procedures import Arguments, Declared, declared_procedures
from airflow_provider_ssis.emulator.faults.book import DEFAULT_ERROR, FaultBook
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure


def drop_connection(faults: FaultBook, given: Arguments) -> None:
    """Break the connection of a request."""
    faults.drop(statement=given["statement"] or "", when=given["moment"], times=given["times"])


def delay_answer(faults: FaultBook, given: Arguments) -> None:
    """Delay the answer of a request by ``@seconds``."""
    faults.delay(given["seconds"], statement=given["statement"] or "", when=given["moment"], times=given["times"])


def answer_with_error(faults: FaultBook, given: Arguments) -> None:
    """Answer a request with the error ``@number`` and ``@message`` instead of processing it.

    With ``@procedure``, the call of that procedure raises the error.
    """
    faults.error(
        given["number"],
        message=given["message"],
        severity=given["severity"],
        statement=given["statement"] or "",
        procedure=given["procedure"],
        times=given["times"],
    )


def refuse_login(faults: FaultBook, given: Arguments) -> None:
    """Refuse logins with the error ``@number`` and ``@message``."""
    faults.refuse_login(given["number"], message=given["message"], times=given["times"])


def clear_faults(faults: FaultBook, given: Arguments) -> None:
    """Remove all faults."""
    faults.clear()


_FOR: Final = "@statement nvarchar(max) = NULL, @times int = 1"
_MOMENT: Final = "@moment nvarchar(6) = N'after'"
_MESSAGE: Final = f"@message nvarchar(2048) = N'{DEFAULT_ERROR}'"
DECLARED: Final[tuple[Declared[FaultBook], ...]] = (
    (drop_connection, f"{_FOR}, {_MOMENT}"),
    (delay_answer, f"@seconds float, {_FOR}, {_MOMENT}"),
    (answer_with_error, f"@number int, {_MESSAGE}, @severity int = 16, {_FOR}, @procedure nvarchar(128) = NULL"),
    (refuse_login, f"@number int = 18456, {_MESSAGE}, @times int = 1"),
    (clear_faults, ""),
)
"""The procedures, each with its parameters as T-SQL declares them."""


def fault_procedures(database: str, faults: FaultBook) -> list[Procedure]:
    """The procedures that inject faults.

    :param database: the database of the procedures.
    :param faults: gets the faults.
    """
    return declared_procedures(database, faults, DECLARED, may_be_null=frozenset({"times"}))
