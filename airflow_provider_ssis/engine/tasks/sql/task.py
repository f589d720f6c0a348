"""The Execute SQL task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.interruption import QueryTimeout, interruptible
from airflow_provider_ssis.engine.connections.sql_text import RepeatedBatch, batches, marker_count, shown
from airflow_provider_ssis.engine.connections.transactions import TransactionConnections
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.recordset import RecordSet
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.sql.calls import Call, call_of
from airflow_provider_ssis.engine.tasks.sql.parameters import OLE_DB_KINDS, SqlParameter, sql_parameters
from airflow_provider_ssis.engine.tasks.sql.results import BatchResults, read_results
from airflow_provider_ssis.engine.tasks.sql.values import text_of, variable_value
from airflow_provider_ssis.engine.tasks.sql.workbook_statements import run_on_workbook, workbook_statements
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.engine.tasks.text_source import SOURCE_TYPES, SourceCodes, source_text
from airflow_provider_ssis.project.package.elements import attributes
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask

if TYPE_CHECKING:
    import pyodbc

_QUERY_FAILED = 0xC002F210
_CANNOT_ASSIGN = 0xC002F309
_KINDS = ("OLEDB", "ADO", "ADO.NET", "ODBC", "EXCEL")
_RESULT_TYPES = ("None", "SingleRow", "Rowset", "XML")
_SOURCE_CODES = SourceCodes(no_text=0xC00291E9, no_file_connection=0xC00291E7, no_file=0xC00291E8)


class SqlTask(Task):
    """Runs SQL on a connection, with parameters from variables and results into variables."""

    data: ExecuteSqlTask

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield source types and result types that do not exist, and results that must not be converted."""
        for what, value, known in (
            ("source type", self.data.source_type, SOURCE_TYPES),
            ("result type", self.data.result_type, _RESULT_TYPES),
        ):
            if value not in known:
                yield Refusal(self.container.path, f"the {what} {value!r}", f"the types are {', '.join(known)}")
        mode = attributes(self.data.element).get("TypeConversionMode", "").strip().lower()
        returns = self.data.result_type == "SingleRow" or any(one.direction != "Input" for one in self.data.parameters)
        if mode == "none" and returns:
            what = "the property TypeConversionMode with the value None"
            why = "the engine converts the values that a statement returns to the types of the variables"
            yield Refusal(self.container.path, what, why, "Set it to Allowed.")

    def validate(self, context: TaskContext) -> None:
        """Check the connection, the mappings, the variables, and a statement that does not depend on the run."""
        manager = self._manager(context)
        parameters = sql_parameters(
            self.data.parameters,
            manager.kind,
            is_procedure=self._is_procedure(manager),
            statement=self.data.source if self.data.source_type == "DirectInput" else None,
        )
        self._check_results(manager)
        names = [each.variable for each in parameters] + [each.variable for each in self.data.results]
        for name in names if self.data.source_type != "Variable" else [*names, self.data.source]:
            try:
                context.type_of(name)
            except TaskFailure as error:
                raise TaskFailure(f"There is no variable {name}.", 0xC00291EA, causes=[error]) from None
        if self.data.source_type == "DirectInput" and not self.data.source.strip():
            raise _no_statement()
        if manager.kind == "EXCEL":
            self._check_workbook()

    def _check_workbook(self) -> None:
        if self.data.result_type != "None" or self.data.parameters:
            raise TaskFailure(
                "A statement on an Excel file has no result and no parameters here. Read sheets with an Excel Source.",
                _QUERY_FAILED,
            )
        if self.data.source_type == "DirectInput":
            for part in self._parts(self.data.source):
                workbook_statements(part)

    def run(self, context: TaskContext) -> int | None:
        """Run the batches of the statement.

        :returns: the number of rows that the first batch changed; None if the server did not report it.
        """
        manager = self._manager(context)
        if manager.kind == "ODBC" and isinstance(context.connections, TransactionConnections):
            raise TaskFailure(
                f'The ODBC connection manager "{manager.name}" cannot take part in a transaction. Use an OLE DB'
                " connection manager, or set TransactionOption of the task to NotSupported.",
                0xC002F308,
            )
        is_procedure = self._is_procedure(manager)
        text = self._text(context)
        parameters = sql_parameters(self.data.parameters, manager.kind, is_procedure=is_procedure, statement=text)
        parts = [text] if is_procedure else self._parts(text)
        if manager.kind == "EXCEL":
            run_on_workbook(context, manager, parts)
            return None
        if parameters and not is_procedure and manager.kind != "ADO.NET" and not any(map(marker_count, parts)):
            raise TaskFailure(
                "The task maps parameters, but the statement has no parameter marker (?). Write the"
                " markers, or remove the mappings.",
                _QUERY_FAILED,
            )
        results: list[BatchResults] = []
        with ExitStack() as stack:
            connection = self._connect(context, stack)
            is_sql_server = "sql server" in str(_product(connection)).lower()
            for part in parts:
                call = call_of(
                    part,
                    parameters,
                    context.read,
                    kind=manager.kind,
                    is_procedure=is_procedure,
                    is_sql_server=is_sql_server,
                )
                found = self._execute(context, connection, call, manager, part)
                self._assign_outputs(context, call.outputs, found)
                results.append(found)
        self._assign_result(context, results[0], manager)
        return results[0].affected

    def _parts(self, text: str) -> list[str]:
        try:
            parts = batches(text)
        except RepeatedBatch:
            raise TaskFailure(
                "A line GO has a count, which is not supported. Repeat the batch.", _QUERY_FAILED
            ) from None
        if not parts:
            raise _no_statement()
        return parts

    def _is_procedure(self, manager: RunConnection) -> bool:
        return self.data.is_stored_procedure and manager.kind == "ADO.NET"

    def _manager(self, context: TaskContext) -> RunConnection:
        if not self.data.connection:
            raise TaskFailure("The task has no connection manager. Choose one.", 0xC00291D7)
        try:
            found = context.connections.get(self.data.connection)
        except TaskFailure as error:
            text = f"The connection manager {self.data.connection} of the task does not exist."
            raise TaskFailure(text, 0xC00291EB, causes=[error]) from None
        if found.kind not in _KINDS:
            raise TaskFailure(
                f'The connection manager "{found.name}" has the type {found.kind}, on which SQL cannot run here. Types:'
                f" {', '.join(_KINDS)}.",
                0xC00291D6,
            )
        return found

    def _check_results(self, manager: RunConnection) -> None:
        kind, results = self.data.result_type, self.data.results
        if kind in ("Rowset", "XML"):
            if len(results) != 1:
                raise TaskFailure(f"The result type {kind} needs one result mapping, not {len(results)}.", 0xC00291E2)
            if results[0].name.strip() != "0":
                raise TaskFailure(f"The name of the result must be 0 for the result type {kind}.", 0xC00291E3)
        if kind == "XML" and manager.kind == "ODBC":
            raise TaskFailure("A result of the type XML is not possible over ODBC. Use OLE DB or ADO.NET.", 0xC00291D5)

    def _text(self, context: TaskContext) -> str:
        text = source_text(context, self.data.source_type, self.data.source, self.data.code_page, _SOURCE_CODES)
        if not text.strip():
            raise _no_statement()
        return text

    def _connect(self, context: TaskContext, stack: ExitStack) -> pyodbc.Connection:
        try:
            return stack.enter_context(context.connections.odbc(self.data.connection))
        except TaskFailure as error:
            name = context.connections.get(self.data.connection).name
            text = f'The connection "{name}" could not be opened.'
            raise TaskFailure(text, 0xC00291EC, causes=[error]) from None

    def _execute(
        self, context: TaskContext, connection: pyodbc.Connection, call: Call, manager: RunConnection, text: str
    ) -> BatchResults:
        import pyodbc

        rows = {"None": 0, "SingleRow": 1}.get(self.data.result_type)
        cursor = connection.cursor()
        try:
            with interruptible(cursor, context.cancel, self.data.timeout):
                if call.values:
                    cursor.setinputsizes(call.sizes)
                cursor.execute(call.sql, *call.values)
                found = read_results(
                    cursor,
                    rows=rows,
                    has_outputs=bool(call.outputs),
                    ignores_late=manager.kind in OLE_DB_KINDS,
                )
        except QueryTimeout:
            failure = self._failure(f"the query did not end within {self.data.timeout} seconds (TimeOut)", shown(text))
        except pyodbc.Error as error:
            failure = self._failure(driver_message(error), shown(text))
        else:
            for problem in found.ignored:
                context.warning(
                    f"The server reported an error after the first result set, which OLE DB does not see: {problem}", 0
                )
            return found
        finally:
            cursor.close()
        raise failure

    def _failure(self, reason: str, query: str) -> TaskFailure:
        return TaskFailure(
            f'Executing the query "{query}" failed with the following error: "{reason}". Check the query, the'
            " result type, the parameters and the connection.",
            _QUERY_FAILED,
        )

    def _assign_outputs(self, context: TaskContext, outputs: tuple[SqlParameter, ...], found: BatchResults) -> None:
        for parameter, value in zip(outputs, found.outputs, strict=False):
            self._assign(context, parameter.variable, value)

    def _assign_result(self, context: TaskContext, found: BatchResults, manager: RunConnection) -> None:
        kind = self.data.result_type
        if kind == "None":
            return
        if found.first is None:
            raise TaskFailure("The statement returned no result set, but the task expects one.", 0xC00291F9)
        if kind == "Rowset":
            self._assign(context, self.data.results[0].variable, found.first)
        elif kind == "XML":
            self._assign_xml(context, found.first, manager)
        else:
            self._assign_row(context, found.first)

    def _assign_row(self, context: TaskContext, result: RecordSet) -> None:
        if not result.rows:
            raise TaskFailure(
                "The query returned no rows, but the result type SingleRow needs one. Make the query return a row, or"
                " use the result type Rowset.",
                0xC00291EE,
            )
        names = [column.name for column in result.columns]
        for binding in self.data.results:
            self._assign(context, binding.variable, result.rows[0][_column(binding.name, names)])

    def _assign_xml(self, context: TaskContext, result: RecordSet, manager: RunConnection) -> None:
        text = "".join(text_of(row[0]) for row in result.rows if row[0] is not None)
        if manager.kind in OLE_DB_KINDS:
            text = f"<ROOT>{text}</ROOT>"
        variable = self.data.results[0].variable
        if context.type_of(variable) != "Object":
            self._assign(context, variable, text)
            return
        from airflow_provider_ssis.engine.tasks.xml.documents import parse_document

        self._assign(context, variable, parse_document(text, "The result of the query", 0xC00291FC))

    def _assign(self, context: TaskContext, variable: str, value: Any) -> None:
        try:
            converted = variable_value(value, context.type_of(variable))
        except ValueError as error:
            raise TaskFailure(f"The variable {variable} could not be assigned: {error}.", _CANNOT_ASSIGN) from None
        context.write(variable, converted)


def _product(connection: pyodbc.Connection) -> str:
    import pyodbc

    return str(connection.getinfo(pyodbc.SQL_DBMS_NAME))


def _column(name: str, names: list[str]) -> int:
    name = name.strip()
    if name.isascii() and name.isdecimal():
        number = int(name)
        if number >= len(names):
            raise TaskFailure(
                f"The result {number} does not exist: the result set has {len(names)} columns, numbered from 0.",
                0xC00291F6,
            )
        return number
    if name in names:
        return names.index(name)
    fitting = [number for number, each in enumerate(names) if each.lower() == name.lower()]
    if len(fitting) != 1:
        raise TaskFailure(
            f"The result set has no column {name!r}. Its columns: {', '.join(map(repr, names))}.", 0xC00291F7
        )
    return fitting[0]


def _no_statement() -> TaskFailure:
    return TaskFailure("The task has no SQL statement. Set the property SqlStatementSource.", 0xC00291D4)
