"""How a batch is sent: as it is, through sp_executesql, or as a call of a procedure.

pyodbc has no output parameters. Where a batch has some, T-SQL declares variables for them, and a SELECT at the end of
the batch returns their values. Named parameters of ADO.NET go through ``sp_executesql``, as SqlClient sends them.
Values never become part of the T-SQL text; names do after a check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.engine.connections.sql_text import (
    marker_count,
    with_markers,
    with_names,
    without_call_escape,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.tasks.sql.parameters import SqlParameter

_LONGEST_SIZED_TEXT = 4000
_PLACE = "\0"
_ASSIGNED = re.compile(r"@([\w#$]+)\s*=\s*$")


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter with the value to send; None for an output parameter."""

    parameter: SqlParameter
    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A batch with the values of its markers.

    :param values: the values.
    :param sizes: for each value its ODBC type, size and scale; None to leave it to the driver.
    :param outputs: the parameters whose values the last result set has.
    """

    sql: str
    values: tuple[Any, ...] = ()
    sizes: tuple[tuple[int, int, int] | None, ...] = ()
    outputs: tuple[SqlParameter, ...] = ()


def call_of(
    batch: str,
    parameters: Sequence[SqlParameter],
    read: Callable[[str], object],
    *,
    kind: str,
    is_procedure: bool,
    is_sql_server: bool,
) -> Call:
    """Return how a batch is sent.

    :param batch: the batch, or the name of a procedure.
    :param parameters: the parameters of the task in their order.
    :param read: returns the value of a variable.
    :param kind: the type of connection: ``OLEDB``, ``ADO.NET``, ``ODBC``, ...
    :param is_procedure: whether the batch is the name of a procedure.
    :param is_sql_server: whether the server is SQL Server.
    :raises TaskFailure: the parameters do not fit the batch, or a value does not convert.
    """
    named = kind == "ADO.NET"
    markers = 0 if named else marker_count(batch)
    if not is_procedure and not named and markers not in (0, len(parameters)):
        raise TaskFailure(
            f"The statement has {markers} parameter markers (?), and the task maps {len(parameters)} parameters."
            " Map one parameter for each marker.",
            0xC002F210,
        )
    if not is_procedure and (not parameters or (not named and not markers)):
        return Call(batch)
    if not is_sql_server and any(each.is_output for each in parameters):
        raise TaskFailure("Output parameters work with SQL Server only. Use a result set instead.", 0xC00291E4)
    bound = [
        Bound(each, None if each.is_output else each.value(read(each.variable), truncates=named)) for each in parameters
    ]
    if is_procedure:
        return _procedure(batch.strip(), bound) if is_sql_server else _escape(batch.strip(), bound)
    if named:
        return _statement(batch, bound) if is_sql_server else _positional(batch, bound)
    if is_sql_server and bound[0].parameter.name:
        batch = _with_argument_name(batch, bound[0].parameter)
    if any(each.is_output for each in parameters):
        text = without_call_escape(batch, lambda number: parameters[number].is_output)
        names = [f"P{number}" for number in range(1, len(bound) + 1)]
        return _statement(with_names(text, lambda number: f"@{names[number]}"), bound, names)
    return Call(batch, *_sent(bound))


def _with_argument_name(batch: str, parameter: SqlParameter) -> str:
    """The call of a procedure with the name of its only marker, so that the server finds the parameter by this name."""
    text = without_call_escape(batch, lambda _: parameter.is_output)
    before, _, after = with_names(text, lambda _: _PLACE).partition(_PLACE)
    written = _ASSIGNED.search(before)
    if written is None:
        return f"{before} @{parameter.name} = ?{after}"
    if written[1].lower() != parameter.name.lower():
        raise TaskFailure(
            f"The statement assigns its marker (?) to @{written[1]}, and the mapping has the name @{parameter.name}. "
            "Use the same name, or the number 0.",
            0xC00291DA,
        )
    return text


def _sent(bound: Sequence[Bound]) -> tuple[tuple[Any, ...], tuple[tuple[int, int, int] | None, ...]]:
    return tuple(each.value for each in bound), tuple(each.parameter.input_size(each.value) for each in bound)


def _positional(batch: str, bound: Sequence[Bound]) -> Call:
    numbers = {each.parameter.name.lower(): number for number, each in enumerate(bound)}
    text, order = with_markers(batch, numbers)
    return Call(text, *_sent([bound[number] for number in order]))


def _escape(procedure: str, bound: Sequence[Bound]) -> Call:
    return Call(f"{{call {procedure}({', '.join('?' for _ in bound)})}}", *_sent(bound))


def _text_size(text: str) -> tuple[int, int, int]:
    import pyodbc

    return pyodbc.SQL_WVARCHAR, len(text) if len(text) <= _LONGEST_SIZED_TEXT else 0, 0


def _statement(text: str, bound: Sequence[Bound], names: Sequence[str] = ()) -> Call:
    """Through sp_executesql, whose parameters have their own names and types."""
    names = names or [each.parameter.name for each in bound]
    declared = ", ".join(
        f"@{name} {each.parameter.declaration(each.value)}{' OUTPUT' if each.parameter.is_output else ''}"
        for name, each in zip(names, bound, strict=True)
    )
    values, sizes = _sent([each for each in bound if not each.parameter.is_output])
    return Call(
        f"{_variables(bound)}EXEC sp_executesql ?, ?, {_arguments(names, bound)}{_select(bound)}",
        (text, declared, *values),
        (_text_size(text), _text_size(declared), *sizes),
        _outputs(bound),
    )


def _procedure(name: str, bound: Sequence[Bound]) -> Call:
    returned = next((each for each in bound if each.parameter.direction == "ReturnValue"), None)
    given = [each for each in bound if each is not returned]
    result = "" if returned is None else f"@{_variable(bound, returned)} = "
    arguments = _arguments([each.parameter.name for each in given], given, bound)
    values, sizes = _sent([each for each in given if not each.parameter.is_output])
    return Call(
        f"DECLARE @procedure_name nvarchar(776) = ?; {_variables(bound)}"
        f"EXEC {result}@procedure_name {arguments}{_select(bound)}",
        (name, *values),
        (_text_size(name), *sizes),
        _outputs(bound),
    )


def _outputs(bound: Sequence[Bound]) -> tuple[SqlParameter, ...]:
    return tuple(each.parameter for each in bound if each.parameter.is_output)


def _variable(bound: Sequence[Bound], one: Bound) -> str:
    return f"output_{next(number for number, each in enumerate(bound) if each is one)}"


def _variables(bound: Sequence[Bound]) -> str:
    return "".join(
        f"DECLARE @{_variable(bound, each)} {each.parameter.declaration(None)}; "
        for each in bound
        if each.parameter.is_output
    )


def _arguments(names: Sequence[str], bound: Sequence[Bound], among: Sequence[Bound] = ()) -> str:
    among = among or bound
    return ", ".join(
        f"@{name} = @{_variable(among, each)} OUTPUT" if each.parameter.is_output else f"@{name} = ?"
        for name, each in zip(names, bound, strict=True)
    )


def _select(bound: Sequence[Bound]) -> str:
    shown = ", ".join(f"@{_variable(bound, each)}" for each in bound if each.parameter.is_output)
    return f"; SELECT {shown}" if shown else ""
