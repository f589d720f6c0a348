"""Python functions that DuckDB calls.

What SQL Server does to a value is written once, in Python (``conversion.py``, ``functions.py``); a query that needs it
for each row calls it through a handful of DuckDB functions, one for each kind of result, whose first argument names
the Python function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
from duckdb.func import SPECIAL

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import decode, duckdb_type, encode

_CARRIERS: Final = {
    "bit": "BOOLEAN",
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "BIGINT"),
    **dict.fromkeys(("real", "float"), "DOUBLE"),
    **dict.fromkeys(("binary", "varbinary", "image"), "BLOB"),
    "uniqueidentifier": "UUID",
    "date": "DATE",
    "time": "TIME",
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2"), "TIMESTAMP"),
    "datetimeoffset": "ZONED",
    "sql_variant": "VARIANT",
}
"""How results cross over; all other types do as text (a DuckDB function has one fixed precision for decimals)."""

_TEXT: Final = "VARCHAR"


@dataclass(frozen=True, slots=True)
class _Function:
    call: Callable[..., Any]
    arguments: tuple[SqlType, ...]
    result: SqlType


class _Functions:
    """What DuckDB calls. It knows no connection: together they would be a cycle that is never collected."""

    def __init__(self) -> None:
        self.known: dict[str, _Function] = {}
        self.error: SqlError | None = None

    def __call__(self, key: str, *arguments: Any) -> Any:
        function = self.known[key]
        try:
            values = [decode(type_, value) for type_, value in zip(function.arguments, arguments, strict=True)]
            value = function.call(*values)
        except SqlError as error:
            self.error = error
            raise
        if value is None:
            return None
        return encode(function.result, value, zoned=True) if function.result.name in _CARRIERS else str(value)


class Bridge:
    """The Python functions of one DuckDB instance."""

    def __init__(self) -> None:
        self._functions = _Functions()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._entry: Callable[..., Any] | None = None
        self.session: Mapping[str, Any] = {}
        """What the session of the query that runs now supplies."""

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the functions known to a DuckDB instance; only the first call does anything."""
        if self._cursor is not None:
            return
        # A cursor of its own, so that no open transaction takes the functions back with it. It stays open, because
        # DuckDB holds on to the Python function only as long as the connection that made it known.
        self._cursor = connection.cursor()
        structs = {
            "ZONED": duckdb.struct_type({"us": "BIGINT", "minutes": "SMALLINT"}),
            "VARIANT": duckdb.struct_type({"type": "VARCHAR", "text": "VARCHAR"}),
        }
        functions = self._functions

        def call(key: str, *arguments: Any) -> Any:
            return functions(key, *arguments)

        # DuckDB does not hold the function that it calls: without this reference it would call freed memory.
        self._entry = call
        for carrier in sorted({*_CARRIERS.values(), _TEXT}):
            self._cursor.create_function(
                _function_name(carrier),
                call,
                None,
                structs.get(carrier) or duckdb.sqltype(carrier),
                null_handling=SPECIAL,
            )

    def close(self) -> None:
        """Let go of the DuckDB instance."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def call(
        self,
        key: str,
        function: Callable[..., Any],
        arguments: Sequence[str],
        types: Sequence[SqlType],
        result: SqlType,
    ) -> str:
        """The DuckDB expression that calls a Python function.

        :param key: names the function: two calls of one key are calls of one function with arguments of the same types.
        :param function: takes and returns Python values as in ``datatypes.py``; None is NULL.
        :param arguments: DuckDB expressions.
        :param types: their T-SQL types.
        """
        full_key = "|".join((key, ",".join(map(str, types)), str(result)))
        self._functions.known.setdefault(full_key, _Function(function, tuple(types), result))
        carrier = _CARRIERS.get(result.name, _TEXT)
        key_text = "'" + full_key.replace("'", "''") + "'"
        sql = f"{_function_name(carrier)}({', '.join([key_text, *arguments])})"
        target = duckdb_type(result, zoned=True)
        return sql if target == carrier or carrier in ("ZONED", "VARIANT") else f"CAST({sql} AS {target})"

    def taken_error(self) -> SqlError | None:
        """The error that a Python function raised since the last call of this, or None."""
        error, self._functions.error = self._functions.error, None
        return error


def _function_name(carrier: str) -> str:
    return f"tsql_{carrier.lower()}"
