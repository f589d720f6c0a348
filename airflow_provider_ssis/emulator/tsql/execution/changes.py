"""Runs a change through the stage (``query/change.py``): checks its rows, applies them, and reads its OUTPUT."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Key
from airflow_provider_ssis.emulator.tsql.query.change import (
    DELETED,
    INSERTED,
    NEXT_IDENTITY,
    STAGE,
    UPDATED,
    Cascade,
    Change,
    KeyFilter,
    Part,
    key_expression,
)
from airflow_provider_ssis.emulator.tsql.query.compiler import QueryCompiler
from airflow_provider_ssis.emulator.tsql.query.engine_errors import no_null
from airflow_provider_ssis.emulator.tsql.query.results import CompiledQuery
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import decode, quoted

_KEPT_ROWS: Final = 1000
"""Rows of a stage that may stay until the next statement; replacing a table takes less time than dropping it."""

_ALL_ROWS: Final = KeyFilter("TRUE", "TRUE")

_Execute = Callable[[Part, duckdb.DuckDBPyConnection], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did.

    :param count: the number of changed rows.
    :param outputs: the rows of each OUTPUT clause.
    :param variables: the values for the variables; None where no row changed.
    :param identity: the last IDENTITY value that it generated or inserted; None for none.
    """

    count: int
    outputs: tuple[list[tuple[Any, ...]], ...]
    variables: tuple[Any, ...] | None
    identity: int | None


class StagedChange:
    """One run of a change. It may be run again, with the same IDENTITY values, when a transaction is restarted.

    :param query: with a change.
    :param values: those that the session supplies.
    :param identity_insert: SET IDENTITY_INSERT is ON for the table.
    :param in_transaction: whether DuckDB has an open transaction.
    :param cascade: runs the statement of a FOREIGN KEY's action.
    """

    def __init__(
        self,
        compiler: QueryCompiler,
        identities: Identities,
        query: CompiledQuery,
        values: Mapping[str, Any],
        *,
        identity_insert: bool,
        in_transaction: Callable[[], bool],
        cascade: Callable[[Cascade], None],
    ) -> None:
        if query.change is None:
            raise ValueError("the query changes no rows through the stage")
        self._compiler = compiler
        self._identities = identities
        self._query = query
        self._change: Change = query.change
        self._values = values
        self._identity_insert = identity_insert
        self._in_transaction = in_transaction
        self._cascade = cascade
        self._first: int | None = None

    def run(self, connection: duckdb.DuckDBPyConnection) -> Applied:
        """Change the rows: all of them or none.

        :raises SqlError: 515, 544, 545, 547, 2601, 2627, 8672 and the errors of expressions.
        """
        self._check_identity_option()
        change, values = self._change, self._values
        if change.table.rules.identity is not None and INSERTED in change.kinds:
            if self._first is None:
                self._first = self._identities.next(change.table)
            values = ChainMap({NEXT_IDENTITY: self._first}, dict(values))
        create = Part(f"CREATE OR REPLACE TEMPORARY TABLE {STAGE} AS {change.rows.sql}", change.rows.arguments)
        with self._atomic(connection):
            with self._compiler.running(self._query, values) as execute:
                execute(create, connection)
                applied = self._staged(execute, connection)
            for each in change.cascades:
                self._cascade(each)
        return applied

    def _staged(self, execute: _Execute, connection: duckdb.DuckDBPyConnection) -> Applied:
        change = self._change
        keys = [key for key in change.table.rules.keys if self._may_repeat(key)]
        found = self._found(connection)
        identity = self._identity(found)
        if found["repeated"]:
            raise _changed_twice()
        if found["null_place"] is not None:
            raise no_null(change.table.name, change.table.columns[found["null_place"] - 1].name)
        for check, part in change.checks:
            if execute(part, connection):
                table = change.table.name
                text = f"The statement conflicts with the CHECK constraint '{check.name}' of table '{table}'."
                raise SqlError(547, text, state=0)
        for foreign in change.foreign:
            if _execute(connection, foreign.sql):
                raise SqlError(547, foreign.text, state=0)
        for key in keys:
            shown = self._repeated(connection, key, found["inserted"])
            if shown is not None:
                raise duplicate(change.table, key, shown)
        outputs = tuple(
            [tuple(map(decode, types, row)) for row in execute(output.query, connection)]
            for output in change.outputs
            for types in [[column.type for column in output.columns]]
        )
        for each in change.cascades:
            _execute(connection, f"CREATE OR REPLACE TEMPORARY TABLE {each.keys.storage_name} AS {each.rows}")
        _apply(connection, change)
        assigned = self._assigned(connection)
        if found["total"] > _KEPT_ROWS:
            _execute(connection, f"DROP TABLE {STAGE}")
        return Applied(found["total"], outputs, assigned, identity)

    def _repeated(self, connection: duckdb.DuckDBPyConnection, key: Key, inserted: int) -> str | None:
        """The values of a key that rows repeat, as text; None for none."""
        table, filtered = self._change.table, self._change.filters.get(key.name, _ALL_ROWS)
        if self._change.kinds != {INSERTED}:
            found = _execute(connection, _duplicates(table, key, filtered))
        else:
            # New rows can only repeat each other and the existing rows.
            found = _execute(connection, _among_new(table, key, filtered)) if inserted > 1 else []
            found = found or _execute(connection, _among_old(table, key, filtered))
        return found[0][0] if found else None

    def _found(self, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """What one query of the stage says about its rows."""
        change = self._change
        values = {
            "total": "count(*)",
            "inserted": f"count(*) FILTER (WHERE k = '{INSERTED}')",
            "repeated": f"count(r) - count(DISTINCT r) FILTER (WHERE k <> '{INSERTED}')" if change.once else "0",
            "null_place": "NULL",
        }
        nulls = [place for place, column in enumerate(change.table.columns, 1) if not column.nullable]
        if nulls and change.kinds != {DELETED}:
            cases = " ".join(f"WHEN n{place} IS NULL THEN {place}" for place in nulls)
            values["null_place"] = f"min(CASE {cases} END) FILTER (WHERE k <> '{DELETED}')"
        if change.gives_identity and change.table.rules.identity is not None:
            place = _place(change.table, change.table.rules.identity.column)
            extreme = "max" if change.table.rules.identity.increment > 0 else "min"
            values["last"] = f"arg_max(n{place}, p) FILTER (WHERE k = '{INSERTED}')"
            values["furthest"] = f"{extreme}(n{place}) FILTER (WHERE k = '{INSERTED}')"
        listed = ", ".join(f"{sql} AS {name}" for name, sql in values.items())
        row = _execute(connection, f"SELECT {listed} FROM {STAGE}")[0]
        return dict(zip(values, row, strict=True))

    def _identity(self, found: Mapping[str, Any]) -> int | None:
        """The last IDENTITY value of the new rows; later statements continue after it."""
        change = self._change
        identity = change.table.rules.identity
        if identity is None or not found["inserted"]:
            return None
        if change.gives_identity:
            if found["furthest"] is not None:
                self._identities.note(change.table, int(found["furthest"]))
            return None if found["last"] is None else int(found["last"])
        last = (self._first or 0) + (int(found["inserted"]) - 1) * identity.increment
        self._identities.note(change.table, last)
        return last

    @contextmanager
    def _atomic(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The statements as one transaction of DuckDB, where none is open.

        An INSERT needs none: the statement that adds the rows is the only one that changes the table.
        """
        if self._change.kinds == {INSERTED} or self._in_transaction():
            yield
            return
        connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _check_identity_option(self) -> None:
        change = self._change
        if change.table.rules.identity is None or INSERTED not in change.kinds:
            return
        name = change.table.name
        if change.gives_identity and not self._identity_insert:
            text = f"Cannot insert an explicit value for the identity column of table '{name}': IDENTITY_INSERT is OFF."
            raise SqlError(544, text)
        if self._identity_insert and not change.gives_identity:
            text = f"An explicit value must be given for the identity column of table '{name}': IDENTITY_INSERT is ON."
            raise SqlError(545, text)

    def _may_repeat(self, key: Key) -> bool:
        change = self._change
        identity = change.table.rules.identity
        if change.kinds == {INSERTED} and identity is not None and not change.gives_identity:
            # Generated values are further than all values before.
            return [name.lower() for name in key.columns] != [identity.column.lower()]
        if INSERTED in change.kinds:
            return True
        updated = {name.lower() for name in change.updated}
        return UPDATED in change.kinds and (bool(key.filter) or any(name.lower() in updated for name in key.columns))

    def _assigned(self, connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...] | None:
        variables = self._change.variables
        if not variables:
            return None
        listed = ", ".join(f"x{place}" for place in range(1, len(variables) + 1))
        rows = _execute(connection, f"SELECT {listed} FROM {STAGE} ORDER BY p DESC LIMIT 1")
        return (
            tuple(decode(type_, value) for (_, type_), value in zip(variables, rows[0], strict=True)) if rows else None
        )


def _execute(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement(connection, sql)).fetchall()


def _changed_twice() -> SqlError:
    return SqlError(
        8672,
        "MERGE tried to update or delete the same row more than once, because several rows of the source match it. "
        "Make the ON clause match one source row at most, or group the source.",
    )


def _place(table: WritableTable, name: str) -> int:
    """The place of a column, from 1."""
    return [column.name.lower() for column in table.columns].index(name.lower()) + 1


def _key_texts(table: WritableTable, key: Key) -> tuple[list[str], list[str]]:
    """The values by which rows are compared: those of the stage, and those of the table."""
    places = [_place(table, name) for name in key.columns]
    columns = [table.columns[place - 1] for place in places]
    mine = [key_expression(column.type, f"s.n{place}") for column, place in zip(columns, places, strict=True)]
    theirs = [key_expression(column.type, f"b.{quoted(column.name)}") for column in columns]
    return mine, theirs


def _shown(table: WritableTable, key: Key, form: str) -> str:
    places = [_place(table, name) for name in key.columns]
    parts = ", ".join(f"coalesce(CAST({form.format(f's.n{place}')} AS VARCHAR), '<NULL>')" for place in places)
    return f"concat_ws(', ', {parts}) AS text"


def _among_new(table: WritableTable, key: Key, filtered: KeyFilter) -> str:
    """The query of a key that two new rows have."""
    mine, _ = _key_texts(table, key)
    source = f"{STAGE} AS s WHERE {filtered.new} GROUP BY {', '.join(mine)} HAVING count(*) > 1 LIMIT 1"
    return " ".join(["SELECT", _shown(table, key, "any_value({})"), "FROM", source])


def _among_old(table: WritableTable, key: Key, filtered: KeyFilter) -> str:
    """The query of a key of a new row that a row of the table has."""
    mine, theirs = _key_texts(table, key)
    may_be_null = any(table.columns[_place(table, name) - 1].nullable for name in key.columns)
    sign = "IS NOT DISTINCT FROM" if may_be_null else "="
    matches = " AND ".join(f"{one} {sign} {other}" for one, other in zip(mine, theirs, strict=True))
    matches += f" AND {filtered.old}"
    source = f"{STAGE} AS s SEMI JOIN {table.storage_name} AS b ON {matches} WHERE {filtered.new} LIMIT 1"
    return " ".join(["SELECT", _shown(table, key, "{}"), "FROM", source])


def _duplicates(table: WritableTable, key: Key, filtered: KeyFilter) -> str:
    """The query of a key that rows of the stage repeat: of each other, or of a row that stays."""
    mine, theirs = _key_texts(table, key)
    text = _shown(table, key, "any_value({})")
    matches = " AND ".join(f"{one} IS NOT DISTINCT FROM {other}" for one, other in zip(mine, theirs, strict=True))
    groups = f"GROUP BY {', '.join(mine)}"
    kept = f"FROM {STAGE} AS s WHERE s.k <> '{DELETED}' AND {filtered.new}"
    stays = f"NOT EXISTS (SELECT 1 FROM {STAGE} AS c WHERE c.r = b.rowid)"
    old = f"EXISTS (SELECT 1 FROM {table.storage_name} AS b WHERE {matches} AND {filtered.old} AND {stays})"
    new = f"SELECT {text} {kept} {groups} HAVING count(*) > 1"
    return f"SELECT text FROM ({new} UNION ALL SELECT {text} {kept} AND {old} {groups}) ORDER BY text LIMIT 1"


def repeated_key(table: WritableTable, key: Key) -> str:
    """The query of the values of a key that two rows of a table have; as text."""
    columns = [table.columns[_place(table, name) - 1] for name in key.columns]
    shown = ", ".join(f"coalesce(CAST(any_value({quoted(each.name)}) AS VARCHAR), '<NULL>')" for each in columns)
    groups = ", ".join(key_expression(column.type, quoted(column.name)) for column in columns)
    source = f"{table.storage_name} GROUP BY {groups} HAVING count(*) > 1 LIMIT 1"
    return " ".join(["SELECT", f"concat_ws(', ', {shown})", "FROM", source])


def duplicate(table: WritableTable, key: Key, shown: str) -> SqlError:
    """The error for a key that exists already.

    :param shown: its values.
    """
    text = (
        f"Cannot insert a duplicate key into '{table.name}': {key.kind} '{key.name}' has the value ({shown}) already."
    )
    return SqlError(key.number, text, severity=14)


def _apply(connection: duckdb.DuckDBPyConnection, change: Change) -> None:
    table = change.table
    if DELETED in change.kinds:
        _execute(
            connection, f"DELETE FROM {table.storage_name} WHERE rowid IN (SELECT r FROM {STAGE} WHERE k = '{DELETED}')"
        )
    if UPDATED in change.kinds and change.updated:
        names = [column.name for column in table.columns]
        listed = ", ".join(f"{quoted(name)} = s.n{names.index(name) + 1}" for name in change.updated)
        _execute(
            connection,
            f"UPDATE {table.storage_name} AS b SET {listed} FROM {STAGE} AS s "
            f"WHERE b.rowid = s.r AND s.k = '{UPDATED}'",
        )
    if INSERTED in change.kinds:
        values = ", ".join(f"n{place}" for place in range(1, len(table.columns) + 1))
        _execute(
            connection,
            f"INSERT INTO {table.storage_name} SELECT {values} FROM {STAGE} WHERE k = '{INSERTED}' ORDER BY p",
        )
