"""The parameters of an Execute SQL task: names, types and values, which depend on the type of connection.

Sources: Microsoft Learn, "Execute SQL Task" and "Map query parameters to variables"; the enumerations DBTYPE of OLE DB,
DbType of .NET, and the SQL type codes of ODBC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.datatypes import DataTypeCode as T
from airflow_provider_ssis.engine.connections.sql_types import LONGEST, T_SQL_TYPES
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.tasks.sql.values import python_value, text_in, text_of
from airflow_provider_ssis.project.package.tasks import ParameterBinding

_ANY_SIZE = -1
"""The stored size of a parameter that has none; the message of 0xC002F429 calls it the default."""

OLE_DB_KINDS = frozenset({"OLEDB", "ADO", "EXCEL"})
"""Types of connections whose parameters have the type codes and rules of OLE DB."""

_ADO_NET: Mapping[int, T] = {
    0: T.DT_STR,
    1: T.DT_BYTES,
    2: T.DT_UI1,
    3: T.DT_BOOL,
    4: T.DT_CY,
    5: T.DT_DBDATE,
    6: T.DT_DBTIMESTAMP,
    7: T.DT_DECIMAL,
    8: T.DT_R8,
    9: T.DT_GUID,
    10: T.DT_I2,
    11: T.DT_I4,
    12: T.DT_I8,
    14: T.DT_I1,
    15: T.DT_R4,
    16: T.DT_WSTR,
    17: T.DT_DBTIME2,
    18: T.DT_UI2,
    19: T.DT_UI4,
    20: T.DT_UI8,
    21: T.DT_NUMERIC,
    22: T.DT_STR,
    23: T.DT_WSTR,
    25: T.DT_WSTR,
    26: T.DT_DBTIMESTAMP2,
    27: T.DT_DBTIMESTAMPOFFSET,
}
_ODBC: Mapping[int, T] = {
    **dict.fromkeys((1, 12, -1), T.DT_STR),
    **dict.fromkeys((-8, -9, -10), T.DT_WSTR),
    **dict.fromkeys((-2, -3, -4), T.DT_BYTES),
    **dict.fromkeys((6, 8), T.DT_R8),
    **dict.fromkeys((9, 91), T.DT_DBDATE),
    **dict.fromkeys((10, 92), T.DT_DBTIME),
    **dict.fromkeys((11, 93), T.DT_DBTIMESTAMP),
    2: T.DT_NUMERIC,
    3: T.DT_DECIMAL,
    4: T.DT_I4,
    5: T.DT_I2,
    7: T.DT_R4,
    -5: T.DT_I8,
    -6: T.DT_UI1,
    -7: T.DT_BOOL,
    -11: T.DT_GUID,
}
_OLE_DB_UNUSED = frozenset({T.DT_EMPTY, T.DT_NULL, T.DT_FILETIME, T.DT_IMAGE, T.DT_TEXT, T.DT_NTEXT, T.DT_DBTIMESTAMP2})
_TEXTS = frozenset({T.DT_STR, T.DT_WSTR})
_AS_TEXT = frozenset({T.DT_DBTIME2, T.DT_DBTIMESTAMPOFFSET})
"""Types whose values are sent as text, because Python's have one digit less."""
_NAME = re.compile(r"@?[\w#$]{1,127}")
_CALL = re.compile(r"\s*(?:EXEC(?:UTE)?\s*[\s\[\"](?!\s*[(?])|\{\s*call\b)", re.IGNORECASE)
"""The start of a call of a procedure whose return value is not asked for."""


@dataclass(frozen=True, slots=True)
class SqlParameter:
    """A parameter, ready to be sent.

    :param name: its name without ``@`` (ADO.NET, and OLE DB without numbers); empty elsewhere.
    :param variable: the variable that gives or gets the value.
    :param direction: ``Input``, ``Output`` or ``ReturnValue``.
    :param type: its type.
    :param size: characters or bytes; -1 for those of the value.
    """

    name: str
    variable: str
    direction: str
    type: T
    size: int

    @property
    def is_output(self) -> bool:
        """Whether the variable gets a value."""
        return self.direction != "Input"

    def value(self, given: object, *, truncates: bool) -> Any:
        """Return the value of the variable in the type of the parameter.

        :param given: the value of the variable.
        :param truncates: whether a text that is longer than the size is cut (ADO.NET) and not refused.
        :raises TaskFailure: it does not convert, or is too long.
        """
        if given is None:
            return None
        if self.type in _TEXTS:
            converted: Any = text_of(given)
        else:
            try:
                kind = self._exact(given)
                converted = text_in(given, kind) if self.type in _AS_TEXT else python_value(given, kind)
            except ValueError:
                raise self._failure(f"does not convert to {self.type.name}") from None
        if self.size > 0 and self.type in LONGEST and len(converted) > self.size:
            if not truncates:
                raise self._failure(f"is longer than the parameter's size of {self.size}")
            converted = converted[: self.size]
        return converted

    def _failure(self, problem: str) -> TaskFailure:
        return TaskFailure(f"The value of the variable {self.variable} {problem}.", 0xC002F210)

    def _exact(self, value: object) -> ColumnType:
        scale = max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 10
        scales = {T.DT_DECIMAL: scale, T.DT_NUMERIC: scale, T.DT_DBTIMESTAMP2: 7, **dict.fromkeys(_AS_TEXT, 7)}
        return ColumnType(self.type, precision=38 if self.type is T.DT_NUMERIC else 0, scale=scales.get(self.type, 0))

    def declaration(self, value: object) -> str:
        """Return the type as T-SQL declares it.

        :param value: the value to send, from :meth:`value`.
        """
        if self.type in LONGEST:
            length = max(self.size, len(value) if isinstance(value, (str, bytes)) else 1, 1)
            shown = "max" if length > LONGEST[self.type] or (self.is_output and self.size == _ANY_SIZE) else str(length)
            return f"{ {T.DT_STR: 'varchar', T.DT_WSTR: 'nvarchar'}.get(self.type, 'varbinary') }({shown})"
        if self.type in (T.DT_DECIMAL, T.DT_NUMERIC):
            # An output value has at most 10 digits after the point, unless its input value has more.
            scale = max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 10
            return f"decimal(38, {scale})"
        return T_SQL_TYPES[self.type]

    def input_size(self, value: object) -> tuple[int, int, int] | None:
        """Return the ODBC type, size and scale for ``setinputsizes``; None to leave it to the driver.

        :param value: the value to send, from :meth:`value`.
        """
        import pyodbc

        if self.type in _AS_TEXT:
            return pyodbc.SQL_WVARCHAR, 40, 0
        if self.type in LONGEST:
            length = max(len(value) if isinstance(value, (str, bytes)) else 1, self.size, 1)
            kind = {T.DT_STR: pyodbc.SQL_VARCHAR, T.DT_WSTR: pyodbc.SQL_WVARCHAR}.get(self.type, pyodbc.SQL_VARBINARY)
            return kind, 0 if length > LONGEST[self.type] else length, 0
        if self.type in (T.DT_DECIMAL, T.DT_NUMERIC, T.DT_CY):
            scale = max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 0
            return pyodbc.SQL_DECIMAL, 38, scale
        return {
            T.DT_BOOL: (pyodbc.SQL_BIT, 1, 0),
            T.DT_I1: (pyodbc.SQL_SMALLINT, 5, 0),
            T.DT_UI1: (pyodbc.SQL_SMALLINT, 5, 0),
            T.DT_I2: (pyodbc.SQL_SMALLINT, 5, 0),
            T.DT_UI2: (pyodbc.SQL_INTEGER, 10, 0),
            T.DT_I4: (pyodbc.SQL_INTEGER, 10, 0),
            T.DT_UI4: (pyodbc.SQL_BIGINT, 19, 0),
            T.DT_I8: (pyodbc.SQL_BIGINT, 19, 0),
            T.DT_R4: (pyodbc.SQL_REAL, 24, 0),
            T.DT_R8: (pyodbc.SQL_DOUBLE, 53, 0),
            T.DT_GUID: (pyodbc.SQL_GUID, 16, 0),
            T.DT_DATE: (pyodbc.SQL_TYPE_TIMESTAMP, 23, 3),
            T.DT_DBTIMESTAMP: (pyodbc.SQL_TYPE_TIMESTAMP, 23, 3),
            T.DT_DBTIMESTAMP2: (pyodbc.SQL_TYPE_TIMESTAMP, 27, 7),
            T.DT_DBDATE: (pyodbc.SQL_TYPE_DATE, 10, 0),
        }.get(self.type)


def sql_parameters(
    bindings: Sequence[ParameterBinding], kind: str, *, is_procedure: bool, statement: str | None
) -> tuple[SqlParameter, ...]:
    """Return the parameters of a task in their order.

    :param bindings: the stored bindings.
    :param kind: the type of connection: ``OLEDB``, ``ADO.NET``, ``ODBC``, ...
    :param is_procedure: whether the statement is the name of a procedure.
    :param statement: the statement; None if it is not known yet.
    :raises TaskFailure: names or directions do not fit the type of connection, a type code is unknown, or the size of
        an output text is 0 or negative.
    """
    found = [_parameter(each, kind) for each in _ordered(bindings, kind, statement)]
    returned = [number for number, each in enumerate(found) if each.direction == "ReturnValue"]
    if len(returned) > 1 or (returned and returned[0] != 0 and kind != "ADO.NET"):
        raise TaskFailure("A statement has one return value at most, and it is the first parameter.", 0xC00291E6)
    if returned and kind == "ADO.NET" and not is_procedure:
        raise TaskFailure(
            "A return value over ADO.NET needs the property IsQueryStoredProcedure of the task to be True.", 0xC00291E6
        )
    for each in found:
        if each.is_output and each.type in LONGEST and each.size <= 0 and each.size != _ANY_SIZE:
            raise TaskFailure(
                f"The output parameter for the variable {each.variable} has the size {each.size}. Set ParameterSize of"
                f" the mapping, or {_ANY_SIZE} for a value of any length.",
                0xC002F429,
            )
    return tuple(found)


def _parameter(binding: ParameterBinding, kind: str) -> SqlParameter:
    if binding.direction not in ("Input", "Output", "ReturnValue"):
        raise TaskFailure(f"The direction {binding.direction!r} of a parameter is unknown.", 0xC00291E4)
    code = _type_code(binding.data_type, kind)
    if code is None:
        raise TaskFailure(
            f"The parameter {binding.name!r} has the type {binding.data_type}, which is not a type of {kind}"
            " parameters. Choose the type again in the task.",
            0xC00291F2,
        )
    name = binding.name.strip()
    is_named = kind == "ADO.NET" or (kind == "OLEDB" and not name.isdecimal())
    return SqlParameter(name.lstrip("@") if is_named else "", binding.variable, binding.direction, code, binding.size)


def _type_code(number: int, kind: str) -> T | None:
    if kind == "ADO.NET":
        return _ADO_NET.get(number)
    if kind == "ODBC":
        return _ODBC.get(number)
    try:
        code = T(number)
    except ValueError:
        return None
    return None if code in _OLE_DB_UNUSED else code


def _ordered(bindings: Sequence[ParameterBinding], kind: str, statement: str | None) -> list[ParameterBinding]:
    names = [each.name.strip() for each in bindings]
    if kind == "ADO.NET":
        for name in names:
            if not _NAME.fullmatch(name):
                raise TaskFailure(f"The parameter name {name!r} is not a name like @Id.", 0xC00291DA)
        if len({name.lstrip("@").lower() for name in names}) < len(names):
            raise TaskFailure("Two parameters have the same name.", 0xC00291DA)
        return list(bindings)
    if kind == "ADO":
        return list(bindings)
    numbers = [int(name) if name.isascii() and name.isdecimal() else None for name in names]
    if any(number is None for number in numbers):
        if any(number is not None for number in numbers):
            raise TaskFailure("Parameters have both numbers and names. Use numbers for all.", 0xC00291F3)
        is_call = statement is None or _CALL.match(statement)
        if kind == "OLEDB" and len(names) == 1 and is_call and _NAME.fullmatch(names[0]):
            return list(bindings)  # the provider finds a parameter of a procedure by its name
        raise TaskFailure(
            f"The parameter name {names[0]!r} is not a number. Parameters over {kind} have numbers.", 0xC00291DA
        )
    first = 1 if kind == "ODBC" else 0
    if sorted(number for number in numbers if number is not None) != list(range(first, first + len(numbers))):
        raise TaskFailure(
            f"The parameters have the numbers {', '.join(names)}. Over {kind} they are numbered from {first} without"
            " gaps.",
            0xC00291DA,
        )
    return sorted(bindings, key=lambda each: int(each.name))
