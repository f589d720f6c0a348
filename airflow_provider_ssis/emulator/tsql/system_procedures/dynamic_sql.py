"""``sp_executesql`` and prepared statements: SQL text with parameters, run inside a call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX, TableValue
from airflow_provider_ssis.emulator.session import Event, ResultColumns
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument, as_table
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome
from airflow_provider_ssis.emulator.tsql.execution.runner import DynamicProcedure, Runner
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter, parse_signature
from airflow_provider_ssis.emulator.tsql.system_procedures import describe
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.recent import Recent

_METADATA_WANTED: Final = 1


async def execute_sql(
    runner: Runner, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """``sp_executesql @stmt, @params, values …``."""
    text = _text("sp_executesql", arguments, 0, "@stmt")
    declarations = _text("sp_executesql", arguments, 1, "@params") if len(arguments) > 1 else ""
    async with aclosing(_run(runner, text, declarations, arguments[2:], frame, outcome)) as events:
        async for event in events:
            yield event


async def prepare(
    runner: Runner, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """``sp_prepare @handle OUTPUT, @params, @stmt, @options``; option 1 asks for the columns of the result."""
    declarations, text = (_text("sp_prepare", arguments, place, name) for place, name in ((1, "@params"), (2, "@stmt")))
    columns = describe.first_result_set(runner.session, text, _declared(declarations))
    _set_handle(runner, arguments, outcome, text, declarations)
    outcome.status = 0
    if columns and len(arguments) > 3 and arguments[3].value == _METADATA_WANTED:
        yield ResultColumns(columns)


async def prepare_and_execute(
    runner: Runner, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """``sp_prepexec @handle OUTPUT, @params, @stmt, values …``."""
    declarations, text = (
        _text("sp_prepexec", arguments, place, name) for place, name in ((1, "@params"), (2, "@stmt"))
    )
    _set_handle(runner, arguments, outcome, text, declarations)
    async with aclosing(_run(runner, text, declarations, arguments[3:], frame, outcome)) as events:
        async for event in events:
            yield event


async def execute_prepared(
    runner: Runner, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """``sp_execute @handle, values …``."""
    statement = runner.session.prepared(arguments[0].value if arguments else None)
    if statement.declarations is None:
        events_ = runner.call(split_name(statement.text), arguments[1:], frame, outcome)
    else:
        events_ = _run(runner, statement.text, statement.declarations, arguments[1:], frame, outcome)
    async with aclosing(events_) as events:
        async for event in events:
            yield event


async def prepare_and_call(
    runner: Runner, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """``sp_prepexecrpc @handle OUTPUT, @procedure, arguments …``: what ODBC makes of ``{CALL procedure (?)}``."""
    name = _text("sp_prepexecrpc", arguments, 1, "@procedure")
    _set_handle(runner, arguments, outcome, name, None)
    async with aclosing(runner.call(split_name(name), arguments[2:], frame, outcome)) as events:
        async for event in events:
            yield event


DYNAMIC_PROCEDURES: Final[dict[str, DynamicProcedure]] = {
    "sp_executesql": execute_sql,
    "sp_prepare": prepare,
    "sp_prepexec": prepare_and_execute,
    "sp_execute": execute_prepared,
    "sp_prepexecrpc": prepare_and_call,
}
"""The procedures that run SQL text; their arguments are those of the text too, so none has a fixed signature."""


async def _run(
    runner: Runner,
    text: str,
    declarations: str,
    values: Sequence[ActualArgument],
    caller: Frame,
    outcome: Outcome,
) -> AsyncGenerator[Event]:
    """Run SQL text with its parameters as variables."""
    session = runner.session
    frame = caller.inside()
    given = _matched(_declared(declarations), values)
    for parameter, argument in given:
        name = parameter.name.lower()
        if parameter.type.schema is not None:
            if not (argument.default or isinstance(argument.value, TableValue)):
                raise SqlError(206, f"Operand type clash: {argument.type} is incompatible with {parameter.type.name}.")
            found = session.metadata.table_type(session.database, parameter.type.schema, parameter.type.name)
            if found is None:
                raise SqlError(
                    2715, f"Parameter {parameter.name}: cannot find the data type {parameter.type}.", state=3
                )
            # A driver sends DEFAULT for a table without rows.
            rows = TableValue(found.columns, ()) if argument.default else argument.value
            value = as_table(rows, found.columns, parameter.name, date_order=session.options.date_order)
            tables.declare_table_value(session, name, found, value, frame)
        else:
            given_value = conversion.assign(argument.value, argument.type, parameter.type, session.options.date_order)
            frame.declare(name, parameter.type, given_value)
    try:
        async with aclosing(runner.nested(text, frame)) as events:
            async for event in events:
                yield event
        outcome.status = session.last_error
    finally:
        for parameter, argument in given:
            if argument.output:
                outcome.outputs.append((argument, parameter.type, frame.values[parameter.name.lower()]))


def _matched(
    parameters: Sequence[ProcedureParameter], values: Sequence[ActualArgument]
) -> list[tuple[ProcedureParameter, ActualArgument]]:
    """The values by the parameters that they go to.

    :raises SqlError: 8178, 8144, 8145, 8162: they do not fit.
    """
    given: dict[str, tuple[ProcedureParameter, ActualArgument]] = {}
    by_name = {parameter.name.lower(): parameter for parameter in parameters}
    for position, value in enumerate(values):
        if value.name:
            parameter = by_name.get(value.name.lower())
            if parameter is None:
                raise SqlError(8145, f"{value.name} is not a parameter of the statement.", state=2)
        elif position < len(parameters):
            parameter = parameters[position]
        else:
            raise SqlError(8144, "The statement has more values than parameters.", state=2)
        if value.output and not parameter.output:
            raise SqlError(
                8162, f"{parameter.name} is not an OUTPUT parameter and cannot be passed as OUTPUT.", state=2
            )
        given[parameter.name.lower()] = (parameter, value)
    for parameter in parameters:
        if parameter.name.lower() not in given:
            raise SqlError(8178, f"The statement expects the parameter '{parameter.name}', which was not supplied.")
    return list(given.values())


_LONGEST_REMEMBERED: Final = 20_000
_DECLARED: Final[Recent[str, tuple[ProcedureParameter, ...]]] = Recent(512)
"""The declarations that were parsed last: drivers send them with each call of a prepared statement."""


def _declared(declarations: str) -> tuple[ProcedureParameter, ...]:
    known = _DECLARED.get(declarations)
    if known is not None:
        return known
    try:
        parsed = parse_signature(declarations)
        if len(declarations) <= _LONGEST_REMEMBERED:
            _DECLARED.put(declarations, parsed)
        return parsed
    except ValueError as error:
        raise SqlError(102, f"Incorrect syntax in the declaration of parameters: {error}.", severity=15) from None


def _text(procedure: str, arguments: Sequence[ActualArgument], position: int, name: str) -> str:
    """An argument that is SQL text; declarations may be NULL.

    :raises SqlError: 201 it is missing, 214 it is not a Unicode string.
    """
    if position >= len(arguments):
        raise SqlError(201, f"Procedure '{procedure}' expects parameter '{name}', which was not supplied.", state=4)
    argument = arguments[position]
    if argument.value is None and name == "@params":
        return ""
    if argument.value is None or argument.type.name not in ("nvarchar", "nchar", "ntext"):
        raise SqlError(
            214, f"Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'.", state=2, procedure=procedure
        )
    text: str = conversion.convert(argument.value, argument.type, NVARCHAR_MAX)
    return text


def _set_handle(
    runner: Runner, arguments: Sequence[ActualArgument], outcome: Outcome, text: str, declarations: str | None
) -> None:
    handle: Any = runner.session.prepare(text, declarations, replaces=arguments[0].value)
    outcome.outputs.append((arguments[0], INT, handle))
