"""``EXEC … WITH RESULT SETS``: the names and types that the caller gives to the result sets of a procedure or text.

Source: the error numbers are those of SQL Server, 11535 to 11538 and 11553.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import ArrowRows, Event, ResultColumns, Rows
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_FAILED = "EXECUTE does not fit its WITH RESULT SETS clause:"


async def with_result_sets(
    events: AsyncGenerator[Event], result_sets: Sequence[tuple[Column, ...]] | None, date_order: str
) -> AsyncGenerator[Event]:
    """Yield the events of a call, with the result sets as the caller describes them.

    :param events: the events of the call; they are closed.
    :param result_sets: the columns of each result set; None to change nothing.
    :param date_order: SET DATEFORMAT.
    :raises SqlError: 11535, there are more result sets; 11536, fewer; 11537, one has another number of columns; 11538,
        a type does not convert; 11553, a value of a column with NOT NULL is NULL.
    """
    number = 0
    given: tuple[Column, ...] = ()
    async with aclosing(events):
        async for event in events:
            if result_sets is None:
                yield event
            elif isinstance(event, ResultColumns):
                number, given = number + 1, event.columns
                yield ResultColumns(_checked(given, result_sets, number))
            elif isinstance(event, ArrowRows):
                yield Rows(_converted(event.rows(), given, result_sets[number - 1], number, date_order))
            elif isinstance(event, Rows):
                yield Rows(_converted(event.rows, given, result_sets[number - 1], number, date_order))
            else:
                yield event
    if result_sets is not None and number < len(result_sets):
        text = f"{_FAILED} it describes {len(result_sets)} result sets, and only {number} were sent."
        raise SqlError(11536, text)


def _checked(given: tuple[Column, ...], result_sets: Sequence[tuple[Column, ...]], number: int) -> tuple[Column, ...]:
    if number > len(result_sets):
        text = f"{_FAILED} it describes {len(result_sets)} result sets, and more were sent."
        raise SqlError(11535, text)
    columns = result_sets[number - 1]
    if len(columns) != len(given):
        text = f"{_FAILED} result set {number} has {len(columns)} columns there, and {len(given)} were sent."
        raise SqlError(11537, text)
    for position, (sent, described) in enumerate(zip(given, columns, strict=True), 1):
        try:
            conversion.check(sent.type, described.type, explicit=False)
        except SqlError:
            text = (
                f"{_FAILED} column {position} of result set {number} has the type {described.type} there, and "
                f"{sent.type} was sent, which does not convert to it."
            )
            raise SqlError(11538, text) from None
    return columns


def _converted(
    rows: Sequence[tuple[Any, ...]],
    given: tuple[Column, ...],
    columns: tuple[Column, ...],
    number: int,
    date_order: str,
) -> list[tuple[Any, ...]]:
    changed = [
        (position, sent, described)
        for position, (sent, described) in enumerate(zip(given, columns, strict=True))
        if sent.type != described.type or not described.nullable
    ]
    if not changed:
        return list(rows)
    found = []
    for row in rows:
        values = list(row)
        for position, sent, described in changed:
            if values[position] is None and not described.nullable:
                text = f"{_FAILED} column {position + 1} of result set {number} is NOT NULL there, and NULL was sent."
                raise SqlError(11553, text)
            values[position] = conversion.assign(values[position], sent.type, described.type, date_order)
        found.append(tuple(values))
    return found
