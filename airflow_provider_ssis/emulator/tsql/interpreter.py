"""Runs the statements of a batch, one after the other, and says what happened as events."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb

from airflow_provider_ssis.emulator.datatypes import (
    INT,
    NVARCHAR_MAX,
    Column,
    SqlType,
    TableValue,
)
from airflow_provider_ssis.emulator.session import Event, Message, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql import conversion, parser, raiserror, storage
from airflow_provider_ssis.emulator.tsql import statements as s
from airflow_provider_ssis.emulator.tsql.calls import ActualArgument, bind
from airflow_provider_ssis.emulator.tsql.environment import Environment
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.metadata import LocalTable, qualified
from airflow_provider_ssis.emulator.tsql.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.queries import CompiledQuery
from airflow_provider_ssis.emulator.tsql.system_procedures import SYSTEM_PROCEDURES

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.session import TsqlSession

_DEEPEST: Final = 32
_STATEMENTS_BETWEEN_PAUSES: Final = 200
_DELAY = re.compile(r"\s*(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.:](\d{1,7}))?)?)\s*")


@dataclass(slots=True)
class Frame:
    """The variables of a batch or of dynamic SQL.

    :param variables: type and value by name, in lower case.
    :param level: ``@@NESTLEVEL``.
    """

    variables: dict[str, tuple[SqlType, Any]] = field(default_factory=dict)
    tables: dict[str, LocalTable] = field(default_factory=dict)
    level: int = 0
    return_value: int = 0

    @property
    def in_procedure(self) -> bool:
        """Whether its statements run inside a procedure or dynamic SQL."""
        return self.level > 0


class BatchEnded(Exception):
    """An error ended the batch; it was told already."""


class _Returned(Exception):
    """RETURN."""


class _Broken(Exception):
    """BREAK."""


class _Continued(Exception):
    """CONTINUE."""


class Interpreter:
    """The interpreter of one session."""

    def __init__(self, session: TsqlSession) -> None:
        self._session = session
        self._try_depth = 0
        self._statements = 0

    async def run(self, batch: parser.Batch, frame: Frame) -> AsyncIterator[Event]:
        """Run a batch.

        :param frame: its variables; dynamic SQL gets its parameters there.
        """
        frame.variables.update(batch.literals)
        self._try_depth = 0
        try:
            async for event in self._list(batch.statements, frame):
                yield event
        except (_Returned, BatchEnded):
            return
        finally:
            self._session.drop_tables(list(frame.tables.values()))

    async def nested(self, text: str, frame: Frame) -> AsyncIterator[Event]:
        """Run dynamic SQL: ``EXEC ('…')``, ``sp_executesql``, a prepared statement.

        :raises SqlError: a syntax error, or one that a TRY around it is to catch.
        """
        if frame.level > _DEEPEST:
            raise SqlError(
                217, f"Procedures and dynamic SQL are nested more than {_DEEPEST} levels deep.", ends_batch=True
            )
        batch = parser.parse(text)
        frame.variables.update(batch.literals)
        try:
            async for event in self._list(batch.statements, frame):
                yield event
        except _Returned:
            return
        finally:
            self._session.drop_tables(list(frame.tables.values()))

    # --- statements

    async def _list(self, statements: Sequence[s.Statement], frame: Frame) -> AsyncIterator[Event]:
        session = self._session
        for statement in statements:
            self._statements += 1
            if self._statements % _STATEMENTS_BETWEEN_PAUSES == 0:
                # An endless loop must leave room for others, and for the cancel that ends it.
                await asyncio.sleep(0)
            try:
                async for event in self._statement(statement, frame):
                    yield event
            except SqlError as error:
                error.line = error.line or statement.line
                session.last_error = error.number
                session.row_count = 0
                if self._try_depth:
                    raise
                yield error.message()
                yield StatementDone(is_error=True, in_procedure=frame.in_procedure)
                if session.options.xact_abort or session.transaction_state == -1:
                    for event in session.abort_transaction():
                        yield event
                    raise BatchEnded from None
                if error.ends_batch:
                    raise BatchEnded from None
            else:
                if not isinstance(statement, s.TryCatch | s.If | s.While | s.Block | s.Raiserror):
                    session.last_error = 0

    async def _statement(self, statement: s.Statement, frame: Frame) -> AsyncIterator[Event]:
        match statement:
            case s.Query():
                events = self._query(statement, frame)
            case s.Execute():
                events = self._execute(statement, frame)
            case s.ExecuteText():
                events = self._execute_text(statement, frame)
            case s.InsertExecute():
                events = self._insert_execute(statement, frame)
            case s.Block():
                events = self._list(statement.body, frame)
            case s.If():
                events = self._if(statement, frame)
            case s.While():
                events = self._while(statement, frame)
            case s.TryCatch():
                events = self._try(statement, frame)
            case s.BeginTransaction() | s.CommitTransaction() | s.RollbackTransaction() | s.SaveTransaction():
                events = self._transaction(statement)
            case s.WaitFor():
                await self._wait(statement, frame)
                return
            case _:
                for event in self._simple(statement, frame):
                    yield event
                return
        async for event in events:
            yield event

    def _simple(self, statement: s.Statement, frame: Frame) -> Sequence[Event]:
        """The statements that need nothing to wait for."""
        session = self._session
        match statement:
            case s.DeclareVariable(name=name, type=sql_type, value=text):
                if name.lower() in frame.variables:
                    raise SqlError(134, f"The variable name '{name}' is declared twice.", severity=15, ends_batch=True)
                frame.variables[name.lower()] = (sql_type, None)
                if text is not None:
                    self._assign(name, text, frame)
            case s.DeclareTable():
                self._declare_table(statement, frame)
            case s.SetVariable(name=name, value=text):
                self._assign(name, text, frame)
            case s.SetOption(words=words):
                self._set_option(words)
            case s.Print(value=text):
                value, source = self._value(text, frame)
                shown = conversion.convert(value, source, NVARCHAR_MAX)
                return [Message(0, 0, 1, shown or " ", statement.line)]
            case s.Raiserror():
                return self._raiserror(statement, frame)
            case s.Throw():
                self._throw(statement, frame)
            case s.Return(value=text):
                if text is not None:
                    value, source = self._value(text, frame)
                    frame.return_value = conversion.assign(value, source, INT) or 0
                raise _Returned
            case s.Break():
                raise _Broken
            case s.Continue():
                raise _Continued
            case s.Use(database=name):
                return session.use(name)
            case s.CreateTable(name=name, columns=columns):
                if name.lower() in session.local_tables:
                    raise SqlError(2714, f"There is already a table named '{name}'.", state=6)
                self._make_table(LocalTable(name, columns))
            case s.DropTable():
                self._drop_tables(statement)
            case _:
                raise SqlError(102, f"{type(statement).__name__} is not supported.", severity=15, ends_batch=True)
        return ()

    # --- values

    def _compile(self, text: s.Text, frame: Frame) -> CompiledQuery:
        session = self._session
        return session.engine.compiler.compile(
            text.sql,
            line=text.line,
            variables={name: sql_type for name, (sql_type, _) in frame.variables.items()},
            database=session.database,
            connection=session.connection,
            local_tables={**session.local_tables, **frame.tables},
        )

    def _fetch(self, query: CompiledQuery, frame: Frame) -> list[tuple[Any, ...]]:
        session = self._session
        try:
            return session.engine.compiler.run(query, session.connection, Environment(session, frame))
        except SqlError:
            self._check_transaction()
            raise

    def _check_transaction(self) -> None:
        """DuckDB gives a transaction up at its first error; T-SQL calls such a one doomed."""
        session = self._session
        if not session.in_transaction:
            return
        try:
            session.connection.execute("SELECT 1")
        except duckdb.TransactionException:
            session.doom()

    def _value(self, text: s.Text, frame: Frame) -> tuple[Any, SqlType]:
        """The value of an expression, and its type."""
        query = self._compile(s.Text(f"SELECT {text.sql}", text.line), frame)
        rows = self._fetch(query, frame)
        return rows[0][0], query.columns[0].type

    def _holds(self, condition: s.Text, frame: Frame) -> bool:
        text = f"SELECT CASE WHEN {condition.sql} THEN 1 ELSE 0 END"
        return bool(self._fetch(self._compile(s.Text(text, condition.line), frame), frame)[0][0])

    def _assign(self, name: str, text: s.Text, frame: Frame) -> None:
        if name.lower() not in frame.variables:
            raise undeclared(name)
        value, source = self._value(text, frame)
        self.set_variable(frame, name, value, source)

    def set_variable(self, frame: Frame, name: str, value: Any, source: SqlType) -> None:
        """Give a variable a value of some type.

        :raises SqlError: 137 it is not declared; 206, 245 and others: the value does not convert.
        """
        try:
            target, _ = frame.variables[name.lower()]
        except KeyError:
            raise undeclared(name) from None
        frame.variables[name.lower()] = (target, conversion.assign(value, source, target))

    # --- queries

    async def _query(self, statement: s.Query, frame: Frame) -> AsyncIterator[Event]:
        session = self._session
        if session.options.implicit_transactions and not session.in_transaction:
            for event in session.begin_transaction():
                yield event
        query = self._compile(statement.text, frame)
        if statement.into:
            if statement.into.lower() in session.local_tables:
                raise SqlError(2714, f"There is already a table named '{statement.into}'.", state=6)
            rows = self._fetch(query, frame)
            table = LocalTable(statement.into, query.columns)
            self._make_table(table)
            self._insert(table, query.columns, rows)
            session.row_count = len(rows)
        elif query.writes:
            session.row_count = self._fetch(query, frame)[0][0]
        elif query.assignments:
            rows = self._fetch(query, frame)
            for name, column, value in zip(query.assignments, query.columns, rows[-1] if rows else (), strict=False):
                self.set_variable(frame, name, value, column.type)
            session.row_count = len(rows)
        else:
            rows = [] if session.options.format_only else self._fetch(query, frame)
            yield ResultColumns(query.columns)
            yield Rows(rows)
            session.row_count = len(rows)
        if query.assignments:
            return
        count = None if session.options.nocount else session.row_count
        yield StatementDone(count, in_procedure=frame.in_procedure)

    def _make_table(self, table: LocalTable) -> None:
        self._session.connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
        self._session.local_tables[table.name.lower()] = table

    def _declare_table(self, statement: s.DeclareTable, frame: Frame) -> None:
        session = self._session
        columns = statement.columns
        if statement.type:
            database, schema, name = qualified(statement.type, session.database)
            table_type = session.engine.metadata.table_type(database, schema, name)
            if table_type is None:
                raise SqlError(2715, f"Cannot find the data type {schema}.{name}.", ends_batch=True)
            columns = table_type.columns
        table = LocalTable(statement.name, columns, frame.level)
        session.connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
        frame.tables[statement.name.lower()] = table

    def _drop_tables(self, statement: s.DropTable) -> None:
        for name in statement.names:
            table = self._session.local_tables.get(name.lower())
            if table is None and not statement.if_exists:
                text = f"Cannot drop the table '{name}': it does not exist, or you do not have permission."
                raise SqlError(3701, text, severity=11, state=5)
            if table is not None:
                self._session.drop_tables([table])

    def _insert(self, table: LocalTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
        if len(columns) != len(table.columns):
            raise SqlError(213, "The number of values does not match the columns of the table.")
        places = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table.storage_name} VALUES ({places})"
        for row in rows:
            values = [
                storage.encode(
                    target.type,
                    conversion.store(value, source.type, target.type, table=table.name, column=target.name),
                    zoned=True,
                )
                for value, source, target in zip(row, columns, table.columns, strict=True)
            ]
            self._session.connection.execute(sql, values)

    async def _insert_execute(self, statement: s.InsertExecute, frame: Frame) -> AsyncIterator[Event]:
        tables = {**self._session.local_tables, **frame.tables}
        table = tables.get(statement.table.lower())
        if table is None:
            raise SqlError(208, f"Invalid object name '{statement.table}'.")
        if statement.columns:
            raise SqlError(40000, "INSERT … EXEC with a list of columns is not supported.", ends_batch=True)
        columns: tuple[Column, ...] = ()
        count = 0
        async for event in self._statement(statement.execute, frame):
            if isinstance(event, ResultColumns):
                columns = event.columns
            elif isinstance(event, Rows):
                self._insert(table, columns, event.rows)
                count += len(event.rows)
            elif isinstance(event, Message):
                yield event
        self._session.row_count = count
        yield StatementDone(None if self._session.options.nocount else count, in_procedure=frame.in_procedure)

    # --- control flow

    async def _if(self, statement: s.If, frame: Frame) -> AsyncIterator[Event]:
        branch = statement.then if self._holds(statement.condition, frame) else statement.otherwise
        if branch is not None:
            async for event in self._list((branch,), frame):
                yield event

    async def _while(self, statement: s.While, frame: Frame) -> AsyncIterator[Event]:
        while self._holds(statement.condition, frame):
            try:
                async for event in self._list((statement.body,), frame):
                    yield event
            except _Continued:
                continue
            except _Broken:
                return

    async def _try(self, statement: s.TryCatch, frame: Frame) -> AsyncIterator[Event]:
        session = self._session
        self._try_depth += 1
        inside = True
        try:
            async for event in self._list(statement.body, frame):
                yield event
        except SqlError as error:
            self._try_depth -= 1
            inside = False
            if session.options.xact_abort and session.in_transaction:
                session.doom()
            session.errors.append(error)
            try:
                async for event in self._list(statement.handler, frame):
                    yield event
            finally:
                session.errors.pop()
        finally:
            if inside:
                self._try_depth -= 1

    async def _transaction(self, statement: s.Statement) -> AsyncIterator[Event]:
        session = self._session
        match statement:
            case s.BeginTransaction():
                events = session.begin_transaction()
            case s.CommitTransaction():
                events = await session.commit_transaction()
            case s.RollbackTransaction(name=name):
                events = session.roll_back_transaction(name)
            case s.SaveTransaction(name=name):
                events = session.save_transaction(name)
            case _:
                events = []
        for event in events:
            yield event

    async def _wait(self, statement: s.WaitFor, frame: Frame) -> None:
        value, source = self._value(statement.value, frame)
        text = conversion.convert(value, source, NVARCHAR_MAX) or ""
        match = _DELAY.fullmatch(text)
        if match is None:
            raise SqlError(148, f"'{text}' is no time for WAITFOR. Write it as hh:mm:ss.", severity=15, ends_batch=True)
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
        delay = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds + float(f"0.{match[4] or 0}"))
        if statement.until:
            now = self._session.engine.now()
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            delay = (midnight + delay - now) % dt.timedelta(days=1)
        await asyncio.sleep(delay.total_seconds())

    # --- errors

    def _raiserror(self, statement: s.Raiserror, frame: Frame) -> Sequence[Event]:
        (text, _), (severity, _), (state, _), *rest = (self._value(each, frame) for each in statement.arguments)
        if isinstance(text, int):
            raise SqlError(2732, f"Error number {text} has no message. Give RAISERROR the message's text.")
        severity = min(max(int(severity or 0), 0), raiserror.LARGEST_SEVERITY)
        state = min(max(int(state or 0), 0), 255) or 1
        message = raiserror.format_message(str(text or ""), [value for value, _ in rest])
        if severity > raiserror.LARGEST_INFORMATION:
            raise SqlError(raiserror.USER_MESSAGE, message, severity=severity, state=state)
        number = raiserror.USER_MESSAGE if "SETERROR" in statement.options else 0
        self._session.last_error = number
        return [Message(number, severity, state, message, statement.line)]

    def _throw(self, statement: s.Throw, frame: Frame) -> None:
        if not statement.arguments:
            if not self._session.errors:
                raise SqlError(
                    10704, "THROW without arguments stands outside a CATCH block.", severity=15, ends_batch=True
                )
            again = self._session.errors[-1]
            raise SqlError(
                again.number,
                again.text,
                severity=again.severity,
                state=again.state,
                procedure=again.procedure,
                line=again.line,
                ends_batch=True,
            )
        (number, _), (text, _), (state, _) = (self._value(each, frame) for each in statement.arguments)
        if not isinstance(number, int) or number < raiserror.USER_MESSAGE:
            raise SqlError(
                35100, f"THROW takes error numbers from {raiserror.USER_MESSAGE}, not {number}.", ends_batch=True
            )
        raise SqlError(number, str(text or ""), state=int(state or 0), ends_batch=True)

    def _set_option(self, words: tuple[str, ...]) -> None:
        options = self._session.options
        names, switch = {word.rstrip(",") for word in words[:-1]}, words[-1] == "ON"
        if "NOCOUNT" in names:
            options.nocount = switch
        if "XACT_ABORT" in names:
            options.xact_abort = switch
        if "IMPLICIT_TRANSACTIONS" in names:
            options.implicit_transactions = switch
        if "FMTONLY" in names:
            options.format_only = switch
        if words[0] == "LOCK_TIMEOUT":
            digits = "".join(words[1:])
            if not re.fullmatch(r"-?\d+", digits):
                raise SqlError(102, f"Incorrect syntax near '{digits}'.", severity=15, ends_batch=True)
            options.lock_timeout = int(digits)

    # --- procedures

    async def _execute(self, statement: s.Execute, frame: Frame) -> AsyncIterator[Event]:
        arguments = [self._argument(argument, frame) for argument in statement.arguments]
        parts = statement.procedure
        if statement.variable:
            value = frame.variables.get(statement.variable.lower(), (NVARCHAR_MAX, None))[1]
            parts = tuple(re.findall(r"[^.\[\]\"]+", str(value or "")))
        if statement.status and statement.status.lower() not in frame.variables:
            raise undeclared(statement.status)
        outcome = Outcome()
        try:
            async for event in self.call(parts, arguments, frame.level + 1, outcome):
                yield event
        finally:
            for argument, value_type, value in outcome.outputs:
                self.set_variable(frame, str(argument.target), value, value_type)
            if statement.status and outcome.status is not None:
                self.set_variable(frame, statement.status, outcome.status, INT)

    def _argument(self, argument: s.Argument, frame: Frame) -> ActualArgument:
        if argument.value is None:
            return ActualArgument(argument.name, INT, None, default=True)
        if argument.variable and argument.variable.lower() in frame.tables:
            table = frame.tables[argument.variable.lower()]
            return ActualArgument(argument.name, SqlType(table.name), self._table_value(table, frame))
        if argument.output and argument.variable.lower() not in frame.variables:
            raise undeclared(argument.variable)
        value, source = self._value(argument.value, frame)
        return ActualArgument(argument.name, source, value, argument.output, target=argument.variable)

    def _table_value(self, table: LocalTable, frame: Frame) -> TableValue:
        query = self._compile(s.Text(f"SELECT * FROM {table.name}", 1), frame)
        return TableValue(table.columns, tuple(self._fetch(query, frame)))

    async def call(
        self, parts: Sequence[str], arguments: Sequence[ActualArgument], level: int, outcome: Outcome
    ) -> AsyncIterator[Event]:
        """Call a procedure.

        :param parts: of its name.
        :param level: the nesting level inside it.
        :param outcome: gets the return status and the values of OUTPUT arguments, also when an error leaves the call.
        :raises SqlError: 2812 there is no such procedure; those of the arguments; those of the procedure itself.
        """
        session = self._session
        if not parts:
            raise SqlError(2812, "Could not find a stored procedure without a name.", state=62)
        name = parts[-1].lower()
        if name in SYSTEM_PROCEDURES:
            async for event in SYSTEM_PROCEDURES[name](session, self, arguments, level, outcome):
                yield event
            return
        database, schema, _ = qualified(parts, session.database)
        procedure = session.engine.procedure(database, schema, parts[-1])
        if procedure is None:
            raise SqlError(2812, f"Could not find stored procedure '{'.'.join(parts)}'.", state=62)
        if session.options.implicit_transactions and not session.in_transaction:
            for event in session.begin_transaction():
                yield event
        async for event in self._run_procedure(procedure, arguments, outcome):
            yield event

    async def _run_procedure(
        self, procedure: Procedure, arguments: Sequence[ActualArgument], outcome: Outcome
    ) -> AsyncIterator[Event]:
        session = self._session
        bound = bind(procedure, arguments, session.engine.metadata)
        call = ProcedureCall(session, bound.values)
        error: SqlError | None = None
        try:
            outcome.status = await procedure.body(call) or 0
        except SqlError as raised:
            error = raised
            error.procedure = error.procedure or procedure.name
            error.line = error.line or 1
            outcome.status = 1
        for parameter, argument in bound.outputs:
            if parameter.key in call.outputs:
                outcome.outputs.append((argument, parameter.type, call.outputs[parameter.key]))
        for event in call.events:
            yield event
        if error is not None:
            raise error

    async def _execute_text(self, statement: s.ExecuteText, frame: Frame) -> AsyncIterator[Event]:
        value, source = self._value(statement.text, frame)
        text = conversion.convert(value, source, NVARCHAR_MAX)
        async for event in self.nested(text or "", Frame(level=frame.level + 1)):
            yield event


@dataclass(slots=True)
class Outcome:
    """What a procedure call left behind.

    :param status: the return status; None where the call did not come to it.
    :param outputs: OUTPUT arguments with the types and values that they get.
    """

    status: int | None = None
    outputs: list[tuple[ActualArgument, SqlType, Any]] = field(default_factory=list)


def undeclared(name: str) -> SqlError:
    """Error 137."""
    return SqlError(137, f'Must declare the scalar variable "{name}".', severity=15, state=2, ends_batch=True)
