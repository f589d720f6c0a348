"""The rows of a bulk load on their way into a table.

Rows of the types of their columns go straight into the table, each part of the load as one Arrow table. All others are
collected in a temporary table and added by one INSERT, which converts them and applies all rules.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import duckdb

from airflow_provider_ssis.emulator.datatypes import MAX, Column, SqlType
from airflow_provider_ssis.emulator.session import BulkRows
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.changes import duplicate, repeated_key
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.session_state import BulkTarget, SessionState
from airflow_provider_ssis.emulator.tsql.language.bulk_statements import CHECK_CONSTRAINTS, KEEP_NULLS
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.query.engine_errors import no_null, translated
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import create_table, duckdb_type, quoted

_PART: Final = "rows of a bulk load"
"""The DuckDB name of the Arrow table with a part of the rows."""

_COLLECTED: Final = "#rows of a bulk load"
_INTEGERS: Final = ("tinyint", "smallint", "int", "bigint")
_AS_THEY_ARE: Final = frozenset(
    (*_INTEGERS, "bit", "real", "float", "money", "smallmoney", "date", "datetime", "smalldatetime", "uniqueidentifier")
)
_TEXTS: Final = ("char", "varchar", "nchar", "nvarchar")
_BYTES: Final = ("binary", "varbinary")


def load_of(session: SessionState, target: BulkTarget, wire: Sequence[Column]) -> DirectLoad | StagedLoad:
    """How the rows of a bulk load get into their table.

    :param wire: the columns as the client sends them.
    :raises SqlError: 4816, they are not as many as INSERT BULK names.
    """
    if len(wire) != len(target.columns):
        text = f"The bulk load has {len(wire)} columns, and INSERT BULK names {len(target.columns)}."
        raise SqlError(4816, text, ends_batch=True)
    table, rules = target.table, target.table.rules
    if CHECK_CONSTRAINTS not in target.options:
        rules = replace(rules, checks=(), foreign_keys=())
        table = replace(table, rules=rules)
    fits = all(
        fits_column(source.type, _column(table, column.name).type)
        for source, column in zip(wire, target.columns, strict=True)
    )
    given = {column.name.lower() for column in target.columns}
    defaults = any(each.column.lower() not in given or KEEP_NULLS not in target.options for each in rules.defaults)
    inspected = rules.checks or rules.foreign_keys or rules.computed or any(key.filter for key in rules.keys)
    if isinstance(table, UserTable) and fits and not (defaults or inspected):
        return DirectLoad(session, table, target)
    return StagedLoad(session, table, target, wire)


def fits_column(source: SqlType, target: SqlType) -> bool:
    """Whether each value of a type is one of a column's type, if it is not too long, and DuckDB keeps it so."""
    name = target.name
    if name in _INTEGERS and source.name in _INTEGERS:
        return _INTEGERS.index(source.name) <= _INTEGERS.index(name)
    if name in ("decimal", "numeric"):
        if source.name not in ("decimal", "numeric"):
            return False
        scale, wanted = source.scale or 0, target.scale or 0
        return wanted >= scale and (target.precision or 0) - wanted >= (source.precision or 0) - scale
    if name in ("time", "datetime2", "datetimeoffset"):
        return source.name == name and (7 if target.scale is None else target.scale) >= (source.scale or 0)
    if name == "nvarchar":
        return source.name in _TEXTS
    if name == "varchar":
        return source.name in ("char", "varchar")
    if name == "varbinary":
        return source.name in _BYTES
    return name in _AS_THEY_ARE and source.name == name


class _Load:
    """The common part of both ways."""

    def __init__(self, session: SessionState, table: WritableTable, target: BulkTarget) -> None:
        self._session = session
        self._table = table
        self._target = target
        self._count = 0

    @contextmanager
    def _arrow(self, part: BulkRows, more: Sequence[tuple[str, Any]] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
        """A part of the rows as a DuckDB source with the columns ``c1`` ….

        :param more: further columns.
        """
        import pyarrow as pa

        names = [f"c{place}" for place in range(1, len(part.arrays) + 1)]
        arrays = [*part.arrays, *(array for _, array in more)]
        rows = pa.Table.from_arrays(arrays, [*names, *(name for name, _ in more)])
        connection = self._session.connection
        connection.register(_PART, rows)
        try:
            yield connection
        except duckdb.Error as error:
            raise translated(error) from None
        finally:
            with suppress(duckdb.Error):
                connection.unregister(_PART)

    def _check_lengths(self, part: BulkRows) -> None:
        """Check that no value is longer than INSERT BULK says.

        :raises SqlError: 4815.
        """
        for place, (column, longest) in enumerate(zip(self._target.columns, part.longest, strict=True), start=1):
            length = column.type.length
            if length not in (None, MAX) and longest > length:
                text = (
                    f"Received an invalid column length from the bcp client for colid {place}: column '{column.name}' "
                    f"takes {length} characters, and a value has {longest}."
                )
                raise SqlError(4815, text, ends_batch=True)


class DirectLoad(_Load):
    """Adds the rows to the table as they come."""

    def __init__(self, session: SessionState, table: UserTable, target: BulkTarget) -> None:
        super().__init__(session, table, target)
        self._columns = [_column(table, column.name) for column in target.columns]
        given = {column.name.lower() for column in self._columns}
        identity = table.rules.identity
        self._generates = identity is not None and identity.column.lower() not in given
        self._missing = next(
            (
                column.name
                for column in table.columns
                if not column.nullable and column.name.lower() not in given and not table.rules.is_identity(column.name)
            ),
            None,
        )

    def add(self, part: BulkRows) -> None:
        """Add rows.

        :raises SqlError: 4815, 2628, 515.
        """
        self._check_lengths(part)
        table = self._table
        if self._missing is not None and part.count:
            raise no_null(table.name, self._missing)
        for column, array, longest in zip(self._columns, part.arrays, part.longest, strict=True):
            if array.null_count and not column.nullable:
                raise no_null(table.name, column.name)
            length = column.type.length
            if length not in (None, MAX) and longest > length:
                text = (
                    f"Column '{column.name}' of table '{table.name}' takes {length} characters; a value has {longest}."
                )
                raise SqlError(2628, text)
        identities = self._session.identities_of(table)
        first = identities.next(table) if self._generates else None
        insert = partial(self._insert, part, first)
        self._session.transactions.write([], insert)
        self._count += part.count

    def _insert(self, part: BulkRows, first: int | None) -> None:
        table, identity = self._table, self._table.rules.identity
        names = [quoted(column.name) for column in self._columns]
        values = [
            f"CAST(c{place} AS {duckdb_type(column.type, zoned=True)})"
            for place, column in enumerate(self._columns, start=1)
        ]
        more: list[tuple[str, Any]] = []
        identities = self._session.identities_of(table)
        if first is not None and identity is not None:
            import numpy as np
            import pyarrow as pa

            more.append(("i", pa.array(first + np.arange(part.count, dtype=np.int64) * identity.increment)))
            names.append(quoted(identity.column))
            values.append(f"CAST(i AS {duckdb_type(_column(table, identity.column).type)})")
        sql = f"INSERT INTO {table.storage_name} ({', '.join(names)}) SELECT {', '.join(values)} FROM {quoted(_PART)}"
        with self._arrow(part, more) as connection:
            connection.execute(sql)
        if identity is None or not part.count:
            return
        if first is not None:
            identities.note(table, first + (part.count - 1) * identity.increment)
        else:
            extreme = "max" if identity.increment > 0 else "min"
            import pyarrow.compute as pc

            place = [column.name.lower() for column in self._columns].index(identity.column.lower())
            furthest = pc.min_max(part.arrays[place])[extreme].as_py()
            identities.note(table, int(furthest))

    def finish(self) -> int:
        """Check that the rows obey the keys of the table.

        :returns: the number of rows.
        :raises SqlError: 2601, 2627.
        """
        for key in self._table.rules.keys:
            found = self._session.read(repeated_key(self._table, key))
            if found:
                raise duplicate(self._table, key, found[0][0])
        return self._count

    def close(self) -> None:
        """Nothing is left."""


class StagedLoad(_Load):
    """Collects the rows, and adds them with one INSERT."""

    def __init__(self, session: SessionState, table: WritableTable, target: BulkTarget, wire: Sequence[Column]) -> None:
        super().__init__(session, table, target)
        columns = tuple(Column(f"c{place}", column.type) for place, column in enumerate(wire, start=1))
        self._collected = LocalTable(_COLLECTED, columns)
        self._parts: list[BulkRows] = []
        self._begin()

    def _begin(self) -> None:
        connection, collected = self._session.connection, self._collected
        connection.execute(f"DROP TABLE IF EXISTS {collected.storage_name}")
        connection.execute(create_table(collected.storage_name, collected.columns, temporary=True))

    def add(self, part: BulkRows) -> None:
        """Collect rows.

        :raises SqlError: 4815.
        """
        self._check_lengths(part)
        self._collect(part)
        self._count += part.count
        if self._session.transactions.repeats:
            self._parts.append(part)

    def _collect(self, part: BulkRows) -> None:
        values = ", ".join(
            f"CAST({column.name} AS {duckdb_type(column.type, zoned=True)})" for column in self._collected.columns
        )
        with self._arrow(part) as connection:
            connection.execute(f"INSERT INTO {self._collected.storage_name} SELECT {values} FROM {quoted(_PART)}")

    def finish(self) -> int:
        """Add the rows to the table.

        :returns: their number.
        :raises SqlError: 515, 547, 2601, 2627 and the errors of conversions.
        """
        session, table = self._session, self._table
        query = tables.compiled(session, self._insert_text(), *self._names())
        frame = Frame(ChainMap())
        is_first = True

        def repeated() -> None:
            nonlocal is_first
            if not is_first:
                self._begin()
                for part in self._parts:
                    self._collect(part)
            is_first = False

        run = tables.change_runner(session, query, Environment(session, frame), identity_insert=self._gives_identity)

        def insert() -> None:
            repeated()
            run()

        session.transactions.write([table], insert)
        return self._count

    @property
    def _gives_identity(self) -> bool:
        return any(self._table.rules.is_identity(column.name) for column in self._target.columns)

    def _names(self) -> tuple[dict[str, LocalTable], Any]:
        """The tables of the INSERT: without the constraints that the load does not check."""
        local = {_COLLECTED: self._collected}
        if isinstance(self._table, LocalTable):
            return {**local, self._table.name: self._table}, None
        metadata = self._session.metadata.copy()
        metadata.add(self._table)
        return local, metadata

    def _insert_text(self) -> str:
        rules = self._table.rules
        values = []
        for place, column in enumerate(self._target.columns, start=1):
            default = None if KEEP_NULLS in self._target.options else rules.default_of(column.name)
            values.append(f"c{place}" if default is None else f"ISNULL(c{place}, {default})")
        names = ", ".join(bracketed(column.name) for column in self._target.columns)
        source = bracketed(_COLLECTED)
        return " ".join([f"INSERT INTO {self._table.text} ({names}) SELECT", ", ".join(values), "FROM", source])

    def close(self) -> None:
        """Drop the collected rows."""
        with suppress(duckdb.Error):
            self._session.connection.execute(f"DROP TABLE IF EXISTS {self._collected.storage_name}")


def _column(table: WritableTable, name: str) -> Column:
    return next(column for column in table.columns if column.name.lower() == name.lower())
