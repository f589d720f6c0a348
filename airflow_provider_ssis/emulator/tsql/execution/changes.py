"""Runs a change through the stage (``query/change.py``): checks its rows, applies them, and reads its OUTPUT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.local_tables import LocalTables
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Key
from airflow_provider_ssis.emulator.tsql.query.change import DELETED, INSERTED, STAGE, UPDATED, Change, Part
from airflow_provider_ssis.emulator.tsql.query.compiler import CompiledQuery, QueryCompiler
from airflow_provider_ssis.emulator.tsql.query.engine_errors import no_null
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import decode, duckdb_type, quoted

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
    """

    def __init__(
        self,
        compiler: QueryCompiler,
        tables: LocalTables,
        query: CompiledQuery,
        values: Mapping[str, Any],
        *,
        identity_insert: bool,
        in_transaction: Callable[[], bool],
    ) -> None:
        if query.change is None:
            raise ValueError("the query changes no rows through the stage")
        self._compiler = compiler
        self._tables = tables
        self._query = query
        self._change: Change = query.change
        self._values = values
        self._identity_insert = identity_insert
        self._in_transaction = in_transaction
        self._first: int | None = None

    def run(self, connection: duckdb.DuckDBPyConnection) -> Applied:
        """Change the rows: all of them or none.

        :raises SqlError: 515, 544, 545, 547, 2601, 2627, 8672 and the errors of expressions.
        """
        self._check_identity_option()
        with self._compiler.running(self._query, self._values) as execute, self._atomic(connection):
            execute(
                Part(
                    f"CREATE OR REPLACE TEMPORARY TABLE {STAGE} AS {self._change.rows.sql}", self._change.rows.arguments
                ),
                connection,
            )
            try:
                return self._staged(execute, connection)
            finally:
                self._drop(connection)

    def _staged(self, execute: _Execute, connection: duckdb.DuckDBPyConnection) -> Applied:
        change = self._change
        if change.once:
            _check_once(connection)
        identity = self._number(connection)
        self._check_nulls(connection)
        for check, part in change.checks:
            if execute(part, connection):
                text = (
                    f"The statement conflicts with the CHECK constraint '{check.name}' of table '{change.table.name}'."
                )
                raise SqlError(547, text, state=0)
        for key in change.table.rules.keys:
            if self._may_repeat(key):
                check_key(connection, change.table, key)
        outputs = tuple(
            [tuple(map(decode, types, row)) for row in execute(output.query, connection)]
            for output in change.outputs
            for types in [[column.type for column in output.columns]]
        )
        _apply(connection, change)
        count = connection.execute(f"SELECT count(*) FROM {STAGE}").fetchall()[0][0]
        return Applied(count, outputs, self._assigned(connection), identity)

    @contextmanager
    def _atomic(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The statements as one transaction of DuckDB, where none is open."""
        if self._in_transaction():
            yield
            return
        connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _drop(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            connection.execute(f"DROP TABLE IF EXISTS {STAGE}")
        except duckdb.TransactionException:
            # An error of DuckDB has ended the transaction, and the stage with it.
            return

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

    def _number(self, connection: duckdb.DuckDBPyConnection) -> int | None:
        """Give the new rows their IDENTITY values, and note those that were given."""
        change = self._change
        identity = change.table.rules.identity
        if identity is None or INSERTED not in change.kinds:
            return None
        names = [column.name.lower() for column in change.table.columns]
        place = names.index(identity.column.lower()) + 1
        inserted = f"FROM {STAGE} WHERE k = '{INSERTED}'"
        count = connection.execute(f"SELECT count(*) {inserted}").fetchall()[0][0]
        if not count:
            return None
        if change.gives_identity:
            extreme = "max" if identity.increment > 0 else "min"
            last, furthest = connection.execute(
                f"SELECT arg_max(n{place}, p), {extreme}(n{place}) {inserted}"
            ).fetchall()[0]
            if furthest is not None:
                self._tables.note_identity(change.table, int(furthest))
            return None if last is None else int(last)
        if self._first is None:
            self._first = self._tables.take_identities(change.table, count)
        kind = duckdb_type(change.table.columns[place - 1].type)
        connection.execute(
            f"UPDATE {STAGE} SET n{place} = CAST($1::HUGEINT + (p - 1) * $2::HUGEINT AS {kind}) WHERE k = '{INSERTED}'",
            [self._first, identity.increment],
        )
        return self._first + (int(count) - 1) * identity.increment

    def _check_nulls(self, connection: duckdb.DuckDBPyConnection) -> None:
        """See that no row has NULL where the table does not allow it.

        :raises SqlError: 515.
        """
        change = self._change
        tests = [
            (f"n{place}", column.name) for place, column in enumerate(change.table.columns, 1) if not column.nullable
        ]
        if not tests or change.kinds == {DELETED}:
            return
        names = " ".join(f"WHEN {sql} IS NULL THEN '{place}'" for place, (sql, _) in enumerate(tests))
        nulls = " OR ".join(f"{sql} IS NULL" for sql, _ in tests)
        found = connection.execute(
            f"SELECT CASE {names} END FROM {STAGE} WHERE k <> '{DELETED}' AND ({nulls}) LIMIT 1"
        ).fetchall()
        if found:
            raise no_null(change.table.name, tests[int(found[0][0])][1])

    def _may_repeat(self, key: Key) -> bool:
        change = self._change
        if INSERTED in change.kinds:
            return True
        updated = {name.lower() for name in change.updated}
        return UPDATED in change.kinds and any(name.lower() in updated for name in key.columns)

    def _assigned(self, connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...] | None:
        variables = self._change.variables
        if not variables:
            return None
        listed = ", ".join(f"x{place}" for place in range(1, len(variables) + 1))
        rows = connection.execute(f"SELECT {listed} FROM {STAGE} ORDER BY p DESC LIMIT 1").fetchall()
        return (
            tuple(decode(type_, value) for (_, type_), value in zip(variables, rows[0], strict=True)) if rows else None
        )


def _check_once(connection: duckdb.DuckDBPyConnection) -> None:
    """See that MERGE changes each row once.

    :raises SqlError: 8672.
    """
    if connection.execute(
        f"SELECT r FROM {STAGE} WHERE r IS NOT NULL GROUP BY r HAVING count(*) > 1 LIMIT 1"
    ).fetchall():
        raise SqlError(
            8672,
            "MERGE tried to update or delete the same row more than once, because several rows of the source match it. "
            "Make the ON clause match one source row at most, or group the source.",
        )


def check_key(connection: duckdb.DuckDBPyConnection, table: LocalTable, key: Key) -> None:
    """See that the rows of the stage repeat no key: of each other, or of a row that stays.

    :raises SqlError: 2627; 2601 for a unique index.
    """
    names = [column.name.lower() for column in table.columns]
    places = [names.index(name.lower()) + 1 for name in key.columns]
    columns = [table.columns[place - 1] for place in places]
    mine = [key_expression(table, f"s.n{place}", place) for place in places]
    theirs = [
        key_expression(table, f"b.{quoted(column.name)}", place) for place, column in zip(places, columns, strict=True)
    ]
    shown = ", ".join(f"CAST(any_value(s.n{place}) AS VARCHAR)" for place in places)
    matches = " AND ".join(f"{one} IS NOT DISTINCT FROM {other}" for one, other in zip(mine, theirs, strict=True))
    groups = f"GROUP BY {', '.join(mine)}"
    kept = f"FROM {STAGE} AS s WHERE s.k <> '{DELETED}'"
    stays = f"NOT EXISTS (SELECT 1 FROM {STAGE} AS c WHERE c.r = b.rowid)"
    old = f"EXISTS (SELECT 1 FROM {table.storage_name} AS b WHERE {matches} AND {stays})"
    found = connection.execute(
        f"SELECT {shown} {kept} {groups} HAVING count(*) > 1 UNION ALL SELECT {shown} {kept} AND {old} {groups}"
    ).fetchall()
    if found:
        raise duplicate(table, key, found[0])


def duplicate(table: LocalTable, key: Key, values: tuple[Any, ...]) -> SqlError:
    """The error for a key that is there already."""
    shown = ", ".join("<NULL>" if value is None else str(value) for value in values)
    text = (
        f"Cannot insert a duplicate key into '{table.name}': {key.kind} '{key.name}' has the value ({shown}) already."
    )
    return SqlError(key.number, text, severity=14)


def key_expression(table: LocalTable, text: str, place: int) -> str:
    """The value by which keys are compared: text without regard to case and trailing blanks."""
    if table.columns[place - 1].type.name in ("char", "varchar", "nchar", "nvarchar"):
        return f"lower(rtrim({text}))"
    return text


def _apply(connection: duckdb.DuckDBPyConnection, change: Change) -> None:
    table = change.table
    if DELETED in change.kinds:
        connection.execute(
            f"DELETE FROM {table.storage_name} WHERE rowid IN (SELECT r FROM {STAGE} WHERE k = '{DELETED}')"
        )
    if UPDATED in change.kinds and change.updated:
        names = [column.name for column in table.columns]
        listed = ", ".join(f"{quoted(name)} = s.n{names.index(name) + 1}" for name in change.updated)
        connection.execute(
            f"UPDATE {table.storage_name} AS b SET {listed} FROM {STAGE} AS s WHERE b.rowid = s.r AND s.k = '{UPDATED}'"
        )
    if INSERTED in change.kinds:
        values = ", ".join(f"n{place}" for place in range(1, len(table.columns) + 1))
        connection.execute(
            f"INSERT INTO {table.storage_name} SELECT {values} FROM {STAGE} WHERE k = '{INSERTED}' ORDER BY p"
        )
