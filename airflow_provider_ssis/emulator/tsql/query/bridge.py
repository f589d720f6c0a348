"""Python functions that DuckDB calls.

What SQL Server does to a value is written once, in Python (``conversion.py``, ``functions/``); a query that needs it
for each row calls it through a handful of DuckDB functions, one for each kind of result, whose first argument names
the Python function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
from duckdb.func import SPECIAL

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.query import text_keys
from airflow_provider_ssis.emulator.tsql.query.engine_errors import of_python
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, out_of_memory
from airflow_provider_ssis.emulator.tsql.values.limits import MOST_COMPUTED, SMALL
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


@dataclass(slots=True)
class QueryRun:
    """One run of a query in the thread that runs it.

    :param session: the values that the session supplies.
    :param is_cancelled: whether the run is to stop.
    :param error: the error that a Python function raised.
    :param produced: characters and bytes of the large values that Python functions returned so far.
    """

    session: Mapping[str, Any]
    is_cancelled: Callable[[], bool]
    error: SqlError | None = None
    produced: int = 0

    def check(self, value: Any) -> None:
        """Count a large value.

        :raises SqlError: 701, the query produces more text than the server may hold.
        """
        if isinstance(value, str | bytes) and len(value) > SMALL:
            self.produced += len(value)
            if self.produced > MOST_COMPUTED:
                raise out_of_memory()


class _Functions:
    """The function that DuckDB calls. It knows no connection: the two would be a cycle that is never collected."""

    def __init__(self) -> None:
        self.known: dict[str, _Function] = {}
        self._local = threading.local()

    @property
    def runs(self) -> list[QueryRun]:
        """The runs in this thread, of which each began inside the one before: the query of a function in a query."""
        try:
            return self._local.runs  # type: ignore[no-any-return]
        except AttributeError:
            runs: list[QueryRun] = []
            self._local.runs = runs
            return runs

    def __call__(self, key: str, *arguments: Any) -> Any:
        function, run = self.known[key], self.runs[-1]
        try:
            if run.is_cancelled():
                raise cancelled()
            values = [decode(type_, value) for type_, value in zip(function.arguments, arguments, strict=True)]
            value = function.call(*values)
            run.check(value)
            if value is None:
                return None
            if function.result.name in _CARRIERS:
                return encode(function.result, value, zoned=True)
            # DuckDB reads no number of 38 decimals with an exponent, as in 1E-38.
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        except Exception as error:
            # DuckDB reports an exception as text alone: the run keeps the error of SQL Server.
            run.error = of_python(error)
            raise


class Bridge:
    """The Python functions of one DuckDB instance."""

    def __init__(self) -> None:
        self._functions = _Functions()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._entry: Callable[..., Any] | None = None

    @property
    def session(self) -> Mapping[str, Any]:
        """The values that the session of the query in this thread supplies."""
        return self._functions.runs[-1].session

    def enter(self, run: QueryRun) -> None:
        """Begin a run in this thread; DuckDB calls the functions in the thread that executes a query."""
        self._functions.runs.append(run)

    def leave(self) -> None:
        """End the last run in this thread."""
        self._functions.runs.pop()

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the functions known to a DuckDB instance; only the first call does anything."""
        if self._cursor is not None:
            return
        # A separate cursor, because a rolled back transaction would remove the functions. It stays open, because
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
        text_keys.install(self._cursor)
        for carrier in sorted({*_CARRIERS.values(), _TEXT}):
            for is_volatile in (False, True):
                self._cursor.create_function(
                    _function_name(carrier, is_volatile=is_volatile),
                    call,
                    None,
                    structs.get(carrier) or duckdb.sqltype(carrier),
                    null_handling=SPECIAL,
                    side_effects=is_volatile,
                )

    def close(self) -> None:
        """Release the DuckDB instance."""
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
        *,
        is_volatile: bool = False,
    ) -> str:
        """The DuckDB expression that calls a Python function.

        :param key: names the function: two calls of one key are calls of one function with arguments of the same types.
        :param function: takes and returns Python values as in ``datatypes.py``; None is NULL.
        :param arguments: DuckDB expressions.
        :param types: their T-SQL types.
        :param is_volatile: DuckDB calls it once for each row, and not while it plans the query, when it ignores errors
            and calls the function again later.
        """
        full_key = "|".join((key, ",".join(map(str, types)), str(result)))
        self._functions.known.setdefault(full_key, _Function(function, tuple(types), result))
        carrier = _CARRIERS.get(result.name, _TEXT)
        key_text = "'" + full_key.replace("'", "''") + "'"
        sql = f"{_function_name(carrier, is_volatile=is_volatile)}({', '.join([key_text, *arguments])})"
        target = duckdb_type(result, zoned=True)
        return sql if target == carrier or carrier in ("ZONED", "VARIANT") else f"CAST({sql} AS {target})"


def _function_name(carrier: str, *, is_volatile: bool = False) -> str:
    return f"tsql_{'volatile_' if is_volatile else ''}{carrier.lower()}"
