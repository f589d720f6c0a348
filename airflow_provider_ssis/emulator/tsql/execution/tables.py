"""The statements that make, fill and drop local tables."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column, SqlType, TableValue
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import UNTYPED_TABLE
from airflow_provider_ssis.emulator.tsql.execution.changes import Applied, StagedChange, duplicate, repeated_key
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import check_key_columns
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    LocalTable,
    TableType,
    UserTable,
    WritableTable,
    bracketed,
)
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, Key, PlainIndex, TableRules
from airflow_provider_ssis.emulator.tsql.query.change import Cascade
from airflow_provider_ssis.emulator.tsql.query.results import CompiledQuery
from airflow_provider_ssis.emulator.tsql.query.rules.index_filters import check_filter
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


def declare_table(session: SessionState, declaration: s.TableDeclaration, frame: Frame) -> None:
    """``DECLARE @name TABLE (…)``, or with a table type.

    :raises StatementRefused: 2715, there is no such table type.
    """
    name = declaration.name.lower()
    columns, rules, table_type = declaration.columns, declaration.rules, UNTYPED_TABLE
    if declaration.type:
        found = session.metadata.table_type(*qualified(declaration.type, session.database))
        if found is None:
            text = f"Cannot find the data type {'.'.join(declaration.type)}."
            raise StatementRefused(SqlError(2715, text, state=6, line=declaration.line, ends_batch=True))
        columns, rules, table_type = found.columns, found.rules, SqlType(found.name, schema=found.schema)
    table = with_types(session, LocalTable(name, columns, frame.level, rules.named()))
    if declaration.rules.foreign_keys:
        raise StatementRefused(not_supported("FOREIGN KEY in a table variable", line=declaration.line))
    _create_variable(session, frame, table, table_type)


def declare_table_value(
    session: SessionState, name: str, table_type: TableType, value: TableValue, frame: Frame
) -> None:
    """A table-valued parameter of a procedure or of dynamic SQL.

    :raises SqlError: 2627, 2601, the rows repeat a key of the table type.
    """
    rules = TableRules(keys=table_type.rules.keys)
    table = LocalTable(name, value.columns, frame.level, rules, is_readonly=True)
    _create_variable(session, frame, table, SqlType(table_type.name, schema=table_type.schema))
    session.transactions.write([table], lambda: session.local_tables.insert(table, value.columns, value.rows))
    for key in rules.keys:
        found = repeated_in(session, table, key)
        if found:
            raise duplicate(table, key, found[0][0])


def _create_variable(session: SessionState, frame: Frame, table: LocalTable, table_type: SqlType) -> None:
    check_rules(session, table)
    session.transactions.write([table], lambda: session.local_tables.create(table))
    frame.table_variables[table.name] = table
    frame.table_types[table.name] = table_type


def create_table(session: SessionState, declaration: s.TableDeclaration, frame: Frame) -> LocalTable:
    """``CREATE TABLE #name (…)``.

    :raises SqlError: 2714, this batch or dynamic SQL has one of that name.
    """
    name = declaration.name.lower()
    if name in frame.temporary_tables.maps[0]:
        raise SqlError(2714, f"There is already a table named '{declaration.name}'.", state=6, ends_batch=True)
    rules = replace(declaration.rules.named(), foreign_keys=())
    table = with_types(session, LocalTable(name, declaration.columns, frame.level, rules))
    check_rules(session, table)
    session.transactions.write([table], lambda: session.local_tables.create(table))
    frame.temporary_tables[name] = table
    return table


def drop_table(session: SessionState, name: str, frame: Frame) -> bool:
    """``DROP TABLE #name``.

    :returns: whether there was such a table.
    """
    scope = next((tables for tables in frame.temporary_tables.maps if name in tables), None)
    if scope is None:
        return False
    table = scope.pop(name)
    session.transactions.write([table], lambda: session.local_tables.drop(table))
    return True


Definition = TypeVar("Definition", bound=WritableTable)


def with_types(session: SessionState, table: Definition) -> Definition:
    """A new table whose computed columns have the types of their expressions.

    :raises SqlError: 207 and others, an expression is wrong; 1046, it contains a query; 40514, it is not deterministic.
    """
    computed = {each.column.lower(): each.expression for each in table.rules.computed if each.expression}
    if not computed:
        return table
    plain = tuple(column for column in table.columns if column.name.lower() not in computed)
    base = replace(table, columns=plain, rules=NO_RULES)
    metadata: Metadata | None = None
    local: dict[str, LocalTable] = {}
    if isinstance(base, LocalTable):
        local = {base.name.lower(): base}
    else:
        metadata = session.metadata.copy()
        metadata.add(base)
    columns = []
    for column in table.columns:
        text = computed.get(column.name.lower())
        if text is None:
            columns.append(column)
            continue
        query = QueryText.parse(" ".join(["SELECT", f"({text}) AS c", "FROM", base.text]))
        if len(list(query.tree.find_all(exp.Select))) > 1:
            raise SqlError(1046, "Subqueries are not allowed in the expression of a computed column.", severity=15)
        database = session.database if isinstance(base, LocalTable) else base.database
        found = compiled(session, query.sql, local, metadata, database)
        rights_only = all(name == "may()" for name in found.parameters)
        if not rights_only or _CHANGING.search(text) or found.sources != {base.storage_name.lower()}:
            raise not_supported(f"The computed column '{column.name}', whose expression is not deterministic,")
        nullable = column.nullable and found.columns[0].nullable
        columns.append(replace(column, type=found.columns[0].type, nullable=nullable))
    return replace(table, columns=tuple(columns))


_CHANGING: Final = re.compile(r"\b(newid|newsequentialid|rand|crypt_gen_random)\s*\(", re.IGNORECASE)
"""Functions whose values differ from row to row or from run to run."""


def check_rules(session: SessionState, table: WritableTable) -> None:
    """Check that the rules of a new table name its columns, and that defaults, checks and computed columns are right.

    :raises SqlError: 207, 1911 and others.
    """
    for key in table.rules.keys:
        check_key_columns(table, key.columns)
    check_filters(session, table)
    if table.rules.defaults or table.rules.checks or table.rules.computed:
        _compiled_on(session, table, f"INSERT INTO {table.text} DEFAULT VALUES")


def check_filters(session: SessionState, table: WritableTable) -> None:
    """Check that the conditions of filtered indexes are right.

    :raises SqlError: 207, 10609, 10618, 10735 and others.
    """
    indexes: list[Key | PlainIndex] = [*table.rules.keys, *table.rules.indexes]
    for index in indexes:
        if index.filter:
            check_filter(table, index.filter)
            _compiled_on(session, table, " ".join(["SELECT", f"1 AS one FROM {table.text} WHERE {index.filter}"]))


def repeated_in(session: SessionState, table: WritableTable, key: Key) -> list[tuple[Any, ...]]:
    """The values of a key that two rows of a table have, as text in one row; no row for none."""
    if not key.filter:
        return session.read(repeated_key(table, key))
    names = [bracketed(name) for name in key.columns]
    shown = " + N', ' + ".join(f"ISNULL(CONVERT(nvarchar(4000), {name}), N'<NULL>')" for name in names)
    source = f"FROM {table.text} WHERE {key.filter} GROUP BY {', '.join(names)} HAVING COUNT(*) > 1"
    query = _compiled_on(session, table, " ".join(["SELECT", f"TOP (1) {shown}", source]))
    return session.engine.compiler.run(query, session.connection, Environment(session, Frame(ChainMap())))


def _compiled_on(session: SessionState, table: WritableTable, text: str) -> CompiledQuery:
    """A statement on a table that may be new."""
    if isinstance(table, LocalTable):
        return compiled(session, text, {table.name.lower(): table})
    metadata = session.metadata.copy()
    metadata.add(table)
    return compiled(session, text, {}, metadata)


def compiled(
    session: SessionState,
    text: str,
    local_tables: Mapping[str, LocalTable],
    metadata: Metadata | None = None,
    database: str = "",
) -> CompiledQuery:
    """A statement on tables, compiled outside of any batch.

    :param metadata: the names that it sees. Default: those of the session.
    :param database: in which it runs. Default: the current one.
    """
    return session.engine.compiler.compile(
        QueryText.parse(text),
        variables={},
        database=database or session.database,
        connection=session.connection,
        sees_all=session.sees_all,
        date_order=session.options.date_order,
        local_tables=local_tables,
        metadata=metadata or session.metadata,
    )


_Part = tuple[Sequence[Column], Sequence[tuple[Any, ...]]]
"""Rows with their columns."""


def insert_rows(
    session: SessionState,
    table: WritableTable,
    parts: Sequence[_Part],
    frame: Frame,
    names: Sequence[str] = (),
    *,
    gives_identity: bool = False,
) -> None:
    """Add rows to a table, as one INSERT does: all of them or none.

    :param names: the columns of the table that take them; all but the identity column where none is named.
    :param gives_identity: the rows have values for the identity column.
    :raises SqlError: 213, 515, 2627 and others.
    """
    steps = [_insertion(session, table, part, frame, names, gives_identity=gives_identity) for part in parts]
    write = session.transactions.write if len(steps) == 1 else session.transactions.write_steps
    for applied in write([table], lambda: [step() for step in steps]):
        _note_identity(session, applied, frame)


def _insertion(
    session: SessionState,
    table: WritableTable,
    part: _Part,
    frame: Frame,
    names: Sequence[str],
    *,
    gives_identity: bool = False,
) -> Callable[[], Applied]:
    """The action that adds rows to a table."""
    columns, rows = part
    order = session.options.date_order
    if isinstance(table, LocalTable) and table.rules == NO_RULES and not names:

        def insert_plain() -> Applied:
            session.local_tables.insert(table, columns, rows, order)
            return Applied(len(rows), (), None, None)

        return insert_plain
    given = LocalTable(_GIVEN, tuple(replace(column, name=f"c{place}") for place, column in enumerate(columns, 1)), 1)
    listed = f" ({', '.join(map(bracketed, names))})" if names else ""
    text = " ".join([f"INSERT INTO {table.text}{listed} SELECT", "*", "FROM", given.text])
    local = {table.name.lower(): table} if isinstance(table, LocalTable) else {}
    query = compiled(session, text, {**local, given.name: given})
    run = change_runner(session, query, Environment(session, frame), identity_insert=gives_identity or None)

    def insert() -> Applied:
        try:
            session.local_tables.create(given)
            session.local_tables.insert(given, given.columns, rows)
            return run()
        finally:
            session.local_tables.drop(given)

    return insert


_GIVEN: Final = "#given rows"
"""The local table with the rows for :func:`_insertion`; its blank keeps it apart from all others."""


def run_change(session: SessionState, query: CompiledQuery, values: Mapping[str, Any], frame: Frame) -> Applied:
    """Run INSERT, UPDATE, DELETE or MERGE, so that a rollback can undo it.

    :param frame: notes the last IDENTITY value.
    """
    run = change_runner(session, query, values)
    output = query.change.outputs[0] if query.change is not None and query.change.outputs else None
    if query.change is None or output is None or output.into is None:
        applied = session.transactions.write(query.tables, run, query.sources)
        _note_identity(session, applied, frame)
        return applied
    table, columns, names = output.into, output.columns, output.names
    insertion: Callable[[], Applied] | None = None

    def run_with_output() -> tuple[Applied, Applied]:
        nonlocal insertion
        applied = run()
        insertion = insertion or _insertion(session, table, (columns, applied.outputs[0]), frame, names)
        return applied, insertion()

    applied, inserted = session.transactions.write_steps([query.change.table, table], run_with_output)
    _note_identity(session, applied, frame)
    _note_identity(session, inserted, frame)
    return applied


def insert_changed(
    session: SessionState,
    change: tuple[CompiledQuery, Mapping[str, Any]],
    given: LocalTable,
    insert: tuple[CompiledQuery, Mapping[str, Any]],
    frame: Frame,
) -> Applied:
    """Run a change, and an INSERT of the rows that it outputs, so that a rollback can undo both.

    :param change: with its values.
    :param given: the local table that takes the rows of OUTPUT.
    :param insert: reads it; with its values.
    """
    run, run_insert = change_runner(session, *change), change_runner(session, *insert)

    def both() -> tuple[Applied, Applied]:
        applied = run()
        try:
            session.local_tables.create(given)
            session.local_tables.insert(given, given.columns, applied.outputs[0])
            return applied, run_insert()
        finally:
            session.local_tables.drop(given)

    changed, inserted = session.transactions.write_steps([*change[0].tables, *insert[0].tables], both)
    _note_identity(session, changed, frame)
    _note_identity(session, inserted, frame)
    return inserted


def change_runner(
    session: SessionState, query: CompiledQuery, values: Mapping[str, Any], *, identity_insert: bool | None = None
) -> Callable[[], Applied]:
    """The action that runs INSERT, UPDATE, DELETE or MERGE.

    :param identity_insert: whether the statement gives values for the column with IDENTITY. Default: as SET
        IDENTITY_INSERT has it.
    """
    compiler, transactions = session.engine.compiler, session.transactions
    if query.change is None:
        return lambda: Applied(int(compiler.run(query, session.connection, values)[0][0]), (), None, None)
    change = StagedChange(
        compiler,
        session.identities_of(query.change.table),
        query,
        values,
        identity_insert=(
            session.identity_insert == query.change.table.storage_name if identity_insert is None else identity_insert
        ),
        in_transaction=lambda: transactions.writes_permanently,
        cascade=partial(_cascade, session),
    )
    if not query.change.cascades:
        return lambda: change.run(session.connection)

    def run() -> Applied:
        try:
            return change.run(session.connection)
        except BaseException:
            transactions.note_partial()
            raise

    return run


def _cascade(session: SessionState, cascade: Cascade) -> None:
    """Change the rows that refer to changed ones."""
    query = compiled(session, cascade.statement, {cascade.keys.name: cascade.keys})
    change_runner(session, query, Environment(session, Frame(ChainMap())))()
    session.connection.execute(f"DROP TABLE {cascade.keys.storage_name}")


def _note_identity(session: SessionState, applied: Applied, frame: Frame) -> None:
    if applied.identity is not None:
        session.last_identity = frame.last_identity = applied.identity


async def table_value(session: SessionState, name: str, frame: Frame) -> TableValue:
    """The rows of a table variable, as the value of an argument."""
    table = frame.table_variables[name]
    query = compiled(session, f"SELECT * FROM {name}", frame.tables)
    is_cancelled = session.worker.is_cancelled
    run = partial(session.engine.compiler.run, query, session.connection, {}, is_cancelled=is_cancelled)
    return TableValue(table.columns, tuple(await session.worker.run(run)))


def check_current(session: SessionState, table: WritableTable) -> None:
    """Check that a table has not changed since it was found, before it was locked.

    :raises SqlError: 208, 1205.
    """
    if session.is_current(table):
        return
    if isinstance(table, UserTable) and session.metadata.relation(table.database, table.schema, table.name) is None:
        raise SqlError(208, f"Invalid object name '{table.name}': another session has just dropped it.")
    raise SqlError(1205, f"The table '{table.name}' was changed while the statement waited. Run it again.", severity=13)


def written_with(session: SessionState, table: WritableTable) -> list[WritableTable]:
    """A table and those that its FOREIGN KEY constraints concern: none of them must change during a write."""
    if isinstance(table, LocalTable):
        return [table]
    others = [session.metadata.relation(table.database, key.schema, key.table) for key in table.rules.foreign_keys]
    children = [child for child, _ in session.metadata.referring(table)]
    return [table, *children, *(other for other in others if isinstance(other, UserTable))]


def drop_frame(session: SessionState, frame: Frame) -> None:
    """Drop the tables of a frame: its table variables, and inside a procedure or dynamic SQL its temporary tables."""
    for table in frame.table_variables.values():
        session.transactions.discard(table)
    # A cursor of the session may still refer to them.
    frame.table_variables.clear()
    if frame.in_procedure:
        for table in frame.temporary_tables.maps[0].values():
            session.transactions.discard(table)
