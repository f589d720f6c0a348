"""Queries, changes and INSERT … EXEC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import ArrowRows, Event, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.statements import calls, user_tables
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import StreamedTable, done
from airflow_provider_ssis.emulator.tsql.execution.statements.inherited_identity import inherited_identity
from airflow_provider_ssis.emulator.tsql.execution.statements.insert_targets import Target
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import is_local
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, TableRules
from airflow_provider_ssis.emulator.tsql.query.results import CompiledQuery
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


async def _query(interpreter: Runner, statement: s.Query, frame: Frame) -> AsyncGenerator[Event]:
    session = interpreter.session
    query = await interpreter.evaluator.compile(statement.text, frame)
    returns_rows = not (query.writes or query.assignments or statement.into)
    if session.options.format_only:
        if returns_rows:
            yield ResultColumns(query.columns)
        yield StatementDone(in_procedure=frame.in_procedure)
    else:
        if statement.has_source:
            for event in interpreter.begin_implicitly():
                yield event
        if returns_rows:
            if query.guards:
                # Without the right to read, there is no result, not even an empty one.
                query.check_rights(Environment(session, frame))
            yield ResultColumns(query.columns)
            count = 0
            async with aclosing(interpreter.evaluator.parts(query, frame)) as parts:
                async for rows in parts:
                    count += rows.count if isinstance(rows, ArrowRows) else len(rows)
                    yield rows if isinstance(rows, ArrowRows) else Rows(rows)
            session.row_count = count
            yield done(interpreter.session, frame, count)
        else:
            for event in await _query_without_result(interpreter, query, statement, frame):
                yield event
    session.last_error = 0


async def _query_without_result(
    interpreter: Runner, query: CompiledQuery, statement: s.Query, frame: Frame
) -> Iterable[Event]:
    """INSERT, UPDATE, DELETE, SELECT … INTO, and a SELECT that assigns variables."""
    session = interpreter.session
    if query.writes:
        return await _change(interpreter, query, statement, frame)
    rows = await interpreter.evaluator.rows(query, frame)
    session.row_count = len(rows)
    if query.steps:
        await interpreter.evaluator.assign_rows(query, rows, frame)
        return ()
    if query.assignments:
        for name, column, value in zip(query.assignments, query.columns, rows[-1] if rows else (), strict=False):
            interpreter.evaluator.set_variable(name, value, column.type, frame)
        return ()
    await _fill(interpreter, statement, query.columns, rows, frame)
    return [done(interpreter.session, frame, session.row_count)]


async def _change(interpreter: Runner, query: CompiledQuery, statement: s.Query, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    query, applied = await interpreter.evaluator.change(query, statement.text, frame)
    session.row_count = applied.count
    events: list[Event] = []
    for output, rows in zip(query.change.outputs if query.change else (), applied.outputs, strict=True):
        if output.into is None:
            events += [ResultColumns(output.columns), Rows(rows)]
    return [*events, done(session, frame, applied.count)]


async def _fill(
    interpreter: Runner,
    statement: s.Query,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[Any, ...]],
    frame: Frame,
) -> None:
    """SELECT … INTO."""
    if not all(column.name for column in columns):
        raise SqlError(1038, f"A column of {'.'.join(statement.into)} has no name. Add a name with AS.", severity=15)
    session, identity = interpreter.session, statement.identity
    declared, rules = columns, NO_RULES
    if identity is not None and len(columns) == 1:
        raise not_supported("SELECT … INTO with IDENTITY(…) as the only column")
    if identity is not None:
        place = [column.name for column in columns].index(identity.column)
        declared = (*columns[:place], replace(columns[place], nullable=False), *columns[place + 1 :])
        rules = TableRules(identity)
        columns = (*columns[:place], *columns[place + 1 :])
        rows = [(*row[:place], *row[place + 1 :]) for row in rows]
    names: Sequence[str] = ()
    if identity is None:
        inherited = inherited_identity(session, statement.text.tree, [column.name for column in columns], frame)
        rules = NO_RULES if inherited is None else TableRules(inherited)
        names = () if inherited is None else [column.name for column in columns]
    declaration = s.TableDeclaration(statement.line, statement.into[-1], declared, rules=rules)
    insert = partial(tables.insert_rows, session, frame=frame, names=names, gives_identity=bool(names))
    if is_local(statement.into):
        table = tables.create_table(session, declaration, frame)
        await session.worker.run(partial(insert, table, [(columns, rows)]))
        return
    new = user_tables.new_table(session, declaration, statement.into)
    async with session.transactions.writing([new], session.options):
        user_tables.check_free(session, new)
        session.transactions.write([], partial(session.transactions.user_tables.create, new))
        user_tables.note_global(session, new)
        await session.worker.run(partial(insert, new, [(columns, rows)]))


async def _insert_execute(interpreter: Runner, statement: s.InsertExecute, frame: Frame) -> AsyncGenerator[Event]:
    target = Target(interpreter.session, statement.table, statement.columns, frame)
    call = calls.STREAMED[type(statement.execute)]
    async with aclosing(call(interpreter, statement.execute, frame)) as events:
        async for event in events:
            if isinstance(event, ResultColumns):
                target.expect(event.columns)
            elif isinstance(event, Rows):
                target.take(event.rows)
            elif isinstance(event, ArrowRows):
                target.take(event.rows())
            elif not isinstance(event, StatementDone) or event.is_error:
                yield event
    count = interpreter.session.row_count = await target.insert(interpreter.session)
    yield done(interpreter.session, frame, count)


async def _insert_changed(interpreter: Runner, statement: s.InsertChanged, frame: Frame) -> AsyncGenerator[Event]:
    session, evaluator = interpreter.session, interpreter.evaluator
    change = await evaluator.compile(statement.change, frame)
    outputs = change.change.outputs if change.change is not None else ()
    if len(outputs) != 1 or outputs[0].into is not None:
        raise SqlError(10709, "A change in FROM needs one OUTPUT clause, without INTO.", severity=15)
    names = [column.name.lower() for column in outputs[0].columns]
    is_named = all(names) and len(set(names)) == len(names)
    columns = tuple(
        column if is_named else replace(column, name=f"c{place}")
        for place, column in enumerate(outputs[0].columns, start=1)
    )
    given = LocalTable(s.CHANGED_ROWS, columns, level=1)
    inner = Frame(
        frame.temporary_tables.new_child({given.name: given}),
        frame.level,
        frame.types,
        frame.values,
        frame.table_variables,
    )
    insert = await evaluator.compile(statement.insert, inner)
    environment = Environment(session, frame)
    steps = [(query, {name: environment[name] for name in query.parameters}) for query in (change, insert)]
    for event in interpreter.begin_implicitly():
        yield event
    async with session.transactions.writing([*change.tables, *insert.tables], session.options):
        for table in (*change.tables, *insert.tables):
            tables.check_current(session, table)
        run = partial(tables.insert_changed, session, steps[0], given, steps[1], frame)
        session.row_count = (await session.worker.run(run)).count
    yield done(session, frame, session.row_count)
    session.last_error = 0


STREAMED: Final[StreamedTable] = {
    s.Query: _query,
    s.InsertChanged: _insert_changed,
    s.InsertExecute: _insert_execute,
}
