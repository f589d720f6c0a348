"""Arguments of procedures: which goes to which parameter, and in what type it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType, TableValue
from airflow_provider_ssis.emulator.tsql.metadata.objects import Routine, TableType
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.signatures import REQUIRED, ProcedureParameter
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.date_styles import MDY
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_CONVERSION_FAILED: Final = 245

UNTYPED_TABLE: Final = SqlType("table")
"""The type of a table variable that was declared by its columns, which is not a table type's."""


@dataclass(frozen=True, slots=True)
class ActualArgument:
    """An argument of a call.

    :param name: with ``@``; empty where it goes by its position.
    :param default: the caller asked for the parameter's default.
    :param target: what gets the value of an OUTPUT parameter: a variable, or the position in a remote call.
    """

    name: str
    type: SqlType
    value: Any
    output: bool = False
    default: bool = False
    target: str | int = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """The arguments of a call by the parameters that they go to.

    :param values: by :attr:`ProcedureParameter.key`.
    :param outputs: the OUTPUT arguments, with the parameter of each.
    """

    values: Mapping[str, Any]
    outputs: tuple[tuple[ProcedureParameter, ActualArgument], ...]


def bind(procedure: Routine, arguments: Sequence[ActualArgument], metadata: Metadata, date_order: str = MDY) -> Bound:
    """Bind arguments to the parameters of a procedure.

    :param date_order: SET DATEFORMAT.
    :raises SqlError: 119, 201, 8114, 8143, 8144, 8145, 8146, 8162 and others: the arguments do not fit.
    """
    by_key = {parameter.key: parameter for parameter in procedure.parameters}
    given: dict[str, ActualArgument] = {}
    named = False
    for position, argument in enumerate(arguments):
        if argument.name:
            named = True
            key = argument.name.lstrip("@").lower()
            if key not in by_key:
                raise _error(8145, f"{argument.name} is not a parameter of procedure {procedure.name}.", procedure)
        elif named:
            number = position + 1
            raise _error(
                119,
                f"Argument {number} must have the form @name = value, because an argument before it has.",
                procedure,
            )
        elif not procedure.parameters:
            raise _error(8146, f"Procedure {procedure.name} has no parameters and arguments were supplied.", procedure)
        elif position >= len(procedure.parameters):
            raise _error(8144, f"Procedure {procedure.name} has too many arguments specified.", procedure)
        else:
            key = procedure.parameters[position].key
        if key in given:
            raise _error(8143, f"Parameter {by_key[key].name} was given more than once.", procedure)
        given[key] = argument
    outputs = []
    values = {}
    for parameter in procedure.parameters:
        actual = given.get(parameter.key)
        if actual is None or actual.default:
            table_type = table_type_of(procedure, parameter, metadata)
            if table_type is not None:
                # A table that the caller leaves out is empty.
                values[parameter.key] = TableValue(table_type.columns, ())
                continue
            if parameter.default is REQUIRED:
                text = f"Procedure '{procedure.name}' expects parameter '{parameter.name}', which was not supplied."
                raise _error(201, text, procedure, state=4)
            values[parameter.key] = parameter.default
        else:
            values[parameter.key] = _converted(procedure, parameter, actual, metadata, date_order)
        if actual is not None and actual.output:
            if not parameter.output:
                text = f"Parameter {parameter.name} is not an OUTPUT parameter and cannot be passed as OUTPUT."
                raise _error(8162, text, procedure, state=2)
            outputs.append((parameter, actual))
    return Bound(values, tuple(outputs))


def _converted(
    procedure: Routine, parameter: ProcedureParameter, actual: ActualArgument, metadata: Metadata, date_order: str
) -> Any:
    if parameter.type.schema is not None:
        return _table(procedure, parameter, actual, metadata, date_order)
    try:
        return conversion.assign(actual.value, actual.type, parameter.type, date_order)
    except SqlError as error:
        if error.number != _CONVERSION_FAILED:
            raise _error(error.number, error.text, procedure, state=error.state) from None
        text = f"Error converting data type {actual.type.name} to {parameter.type.name} for parameter {parameter.name}."
        raise _error(8114, text, procedure, state=5) from None


def table_type_of(procedure: Routine, parameter: ProcedureParameter, metadata: Metadata) -> TableType | None:
    """The table type of a parameter; None for a parameter of another type, and where there is no such type."""
    if parameter.type.schema is None:
        return None
    return metadata.table_type(procedure.database, parameter.type.schema, parameter.type.name)


def _table(
    procedure: Routine, parameter: ProcedureParameter, actual: ActualArgument, metadata: Metadata, date_order: str
) -> TableValue:
    table_type = table_type_of(procedure, parameter, metadata)
    # A client may send the rows without the name of their type.
    is_other = bool(actual.type.name) and str(actual.type).lower() != str(parameter.type).lower()
    if table_type is None or not isinstance(actual.value, TableValue) or actual.type == UNTYPED_TABLE or is_other:
        text = f"Operand type clash: {actual.type} is incompatible with {parameter.type.name}."
        raise _error(206, text, procedure, state=2)
    return as_table(actual.value, table_type.columns, parameter.name, procedure.name, date_order)


def as_table(
    value: TableValue, columns: tuple[Column, ...], parameter: str, procedure: str = "", date_order: str = MDY
) -> TableValue:
    """A table as a parameter of a table type holds it: clients send columns without names.

    :param columns: of the table type.
    :param parameter: its name, for messages.
    :param date_order: SET DATEFORMAT.
    :raises SqlError: 500, 515, 2628, and those of conversions: the table does not fit.
    """
    if len(value.columns) != len(columns):
        text = f"{parameter} takes a table of {len(columns)} columns, not {len(value.columns)}."
        raise SqlError(500, text, procedure=procedure, ends_batch=False)
    rows = []
    for row in value.rows:
        converted = []
        for item, source, target in zip(row, value.columns, columns, strict=True):
            if item is None and not target.nullable:
                text = f"Column '{target.name}' of {parameter} does not allow NULL."
                raise SqlError(515, text, state=2, procedure=procedure, ends_batch=False)
            converted.append(
                item
                if source.type == target.type
                else conversion.store(
                    item, source.type, target.type, table=parameter, column=target.name, order=date_order
                )
            )
        rows.append(tuple(converted))
    return TableValue(columns, tuple(rows))


def _error(number: int, text: str, procedure: Routine, *, state: int = 1) -> SqlError:
    return SqlError(number, text, state=state, procedure=procedure.name, ends_batch=False)
