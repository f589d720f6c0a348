"""BULK INSERT: the rows of a file on the server's machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, Column
from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable, done
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right, find_table
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.query.compiler import MOST_ROWS
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, not_supported, out_of_memory
from airflow_provider_ssis.emulator.tsql.values.precedence import BINARIES

_ROLE: Final = "bulkadmin"
_ROWS: Final = "#rows of a file"
_REFUSED_TYPES: Final = (*BINARIES, "sql_variant", "xml", "text", "ntext", "image")
_MOST_ERRORS: Final = 10
_MOST_BYTES: Final = 2**28
"""The size of a file, which is read as a whole."""
_ENCODINGS: Final = {"65001": "utf-8-sig", "1252": "cp1252", "ACP": "cp1252", "RAW": "ascii", "OEM": "ascii"}
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}
_TOO_LONG: Final = (2628, 8152)


async def _bulk_insert(interpreter: Runner, statement: s.BulkInsert, frame: Frame) -> Iterable[Event]:
    session, name = interpreter.session, ".".join(statement.table)
    if not session.principal.has_server_role(_ROLE):
        raise SqlError(4834, "You do not have permission to use the bulk load statement.", severity=16)
    table = find_table(session, statement.table, frame)
    if table is None:
        raise SqlError(208, f"Invalid object name '{name}'.")
    if isinstance(table, UserTable) and not session.may("INSERT", table.database, table.schema, table.name):
        raise SqlError(229, f"The INSERT permission was denied on the object '{table.name}'.", severity=14, state=5)
    columns = [column for column in table.columns if not table.rules.is_computed(column.name)]
    for column in columns:
        if column.type.name in _REFUSED_TYPES:
            raise not_supported(f"BULK INSERT into a column of type {column.type.name}")
    options = dict(statement.options)
    skips_checks = "CHECK_CONSTRAINTS" not in options and (table.rules.checks or table.rules.foreign_keys)
    if isinstance(table, UserTable) and (skips_checks or "KEEPIDENTITY" in options):
        check_right(session, table.database, "ALTER", "ALTER TABLE")
    stops, order = session.worker.is_cancelled, session.options.date_order
    load = partial(_rows, table, columns, statement.path, options, stops, order)
    rows, errors = await session.worker.run(load)
    async with session.transactions.writing(tables.written_with(session, table), session.options):
        tables.check_current(session, table)
        await session.worker.run(partial(_store, session, table, columns, rows, options, frame))
    session.row_count = len(rows)
    failures = [Message(error.number, 16, 1, error.text, statement.line) for error in errors]
    return [*failures, done(session, frame, len(rows))]


def _rows(
    table: WritableTable,
    columns: Sequence[Column],
    path: str,
    options: dict[str, str],
    is_cancelled: Callable[[], bool],
    date_order: str,
) -> tuple[list[tuple[Any, ...]], list[SqlError]]:
    """The rows of a file that can be converted, and the errors of the others.

    :raises SqlError: 4860 there is no such file, 4865 too many rows cannot be converted, 4866 a row has another number
        of fields than the table has columns.
    """
    first, last = _number(options, "FIRSTROW", 1), _number(options, "LASTROW", 0)
    most = _number(options, "MAXERRORS", _MOST_ERRORS)
    rows: list[tuple[Any, ...]] = []
    errors: list[SqlError] = []
    for number, fields in enumerate(_records(_text(path, options), options, len(columns)), start=1):
        if is_cancelled():
            raise cancelled()
        if number < first:
            continue
        if last and number > last:
            break
        if len(fields) != len(columns):
            text = (
                f"The bulk load failed: row {number} has {len(fields)} fields, and the table {len(columns)} columns. "
                "Check the field terminator and the row terminator."
            )
            raise SqlError(4866, text)
        try:
            pairs = zip(columns, fields, strict=False)
            rows.append(tuple(_value(table, column, field, date_order) for column, field in pairs))
        except SqlError as error:
            errors.append(_conversion_error(table, columns, fields, number, error, date_order))
            if len(errors) > most:
                raise SqlError(
                    4865,
                    f"Cannot bulk load because the maximum number of errors ({most}) was exceeded. {errors[0].text}",
                ) from None
        if len(rows) > MOST_ROWS:
            raise out_of_memory()
    return rows, errors


def _value(table: WritableTable, column: Column, field: str, date_order: str) -> Any:
    if not field:
        return None
    return conversion.store(field, NVARCHAR_MAX, column.type, table=table.name, column=column.name, order=date_order)


def _conversion_error(
    table: WritableTable, columns: Sequence[Column], fields: Sequence[str], row: int, error: SqlError, date_order: str
) -> SqlError:
    for place, (column, field) in enumerate(zip(columns, fields, strict=False), start=1):
        try:
            _value(table, column, field, date_order)
        except SqlError:
            what = "truncation" if error.number in _TOO_LONG else "type mismatch or invalid character"
            number = 4863 if error.number in _TOO_LONG else 4864
            text = f"Bulk load data conversion error ({what}) for row {row}, column {place} ({column.name})."
            return SqlError(number, text)
    return error


def _store(
    session: SessionState,
    table: WritableTable,
    columns: Sequence[Column],
    rows: list[tuple[Any, ...]],
    options: dict[str, str],
    frame: Frame,
) -> None:
    """Add the rows with one INSERT: without CHECK_CONSTRAINTS, it checks no CHECK and no FOREIGN KEY."""
    keeps_identity = "KEEPIDENTITY" in options
    named = [column for column in columns if keeps_identity or not table.rules.is_identity(column.name)]
    if "CHECK_CONSTRAINTS" not in options:
        table = replace(table, rules=replace(table.rules, checks=(), foreign_keys=()))
    given = LocalTable(
        _ROWS, tuple(Column(f"c{place}", column.type) for place, column in enumerate(columns, start=1)), level=1
    )
    values = []
    for place, column in enumerate(columns, start=1):
        if column not in named:
            continue
        default = None if "KEEPNULLS" in options else table.rules.default_of(column.name)
        values.append(f"c{place}" if default is None else f"ISNULL(c{place}, {default})")
    names = ", ".join(bracketed(column.name) for column in named)
    source = ["FROM", bracketed(_ROWS)]
    text = " ".join([f"INSERT INTO {table.text} ({names}) SELECT", ", ".join(values), *source])
    local = {given.name: given}
    metadata = None
    if isinstance(table, LocalTable):
        local[table.name.lower()] = table
    else:
        metadata = session.metadata.copy()
        metadata.add(table)
    query = tables.compiled(session, text, local, metadata)
    gives_identity = any(table.rules.is_identity(column.name) for column in named)
    run = tables.change_runner(session, query, Environment(session, frame), identity_insert=gives_identity)

    def insert() -> None:
        try:
            session.local_tables.create(given)
            session.local_tables.insert(given, given.columns, rows)
            run()
        finally:
            session.local_tables.drop(given)

    session.transactions.write([table], insert)


# --- the file


def _text(path: str, options: dict[str, str]) -> str:
    data = _data(Path(path))
    is_wide = options.get("DATAFILETYPE", "char").lower() == "widechar"
    code_page = "UTF-16" if is_wide else options.get("CODEPAGE", "OEM").upper()
    encoding = "utf-16" if is_wide else _ENCODINGS.get(code_page)
    if encoding is None:
        raise not_supported(f"BULK INSERT … CODEPAGE = '{code_page}'")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        what = "characters other than ASCII" if encoding == "ascii" else f"bytes that are not of code page {code_page}"
        raise not_supported(f"BULK INSERT of {what}: give CODEPAGE = '65001' or '1252'. It") from None


def _data(path: Path) -> bytes:
    """The content of a file. A pipe or device, whose end may never come, is not one."""
    try:
        if path.is_file():
            if path.stat().st_size > _MOST_BYTES:
                raise out_of_memory()
            return path.read_bytes()
    except OSError:
        pass  # the same error as for a file that does not exist
    text = f'Cannot bulk load. The file "{path}" does not exist, or the server may not read it.'
    raise SqlError(4860, text)


def _records(text: str, options: dict[str, str], count: int) -> Iterator[list[str]]:
    """The fields of each row.

    :param count: the number of columns: without FORMAT = 'CSV', the last field is all that is left of the row.
    """
    field = _terminator(options.get("FIELDTERMINATOR", "," if options.get("FORMAT") else "\\t"))
    row, quote = options.get("ROWTERMINATOR", "\\n"), options.get("FIELDQUOTE", '"')
    if not (field and row):
        raise not_supported("BULK INSERT with an empty FIELDTERMINATOR or ROWTERMINATOR")
    if len(quote) != 1:
        raise not_supported(f"BULK INSERT … FIELDQUOTE = '{quote}', which is not one character,")
    ends = re.compile(r"\r?\n" if row == "\\n" else re.escape(_terminator(row)))
    if options.get("FORMAT", "").upper() == "CSV":
        yield from _csv(text, re.escape(field), ends.pattern, quote)
        return
    lines = ends.split(text)
    if lines and not lines[-1]:
        lines.pop()
    for line in lines:
        yield line.split(field, count - 1)


def _csv(text: str, field: str, row: str, quote: str) -> Iterator[list[str]]:
    """Rows whose fields may be in quotation marks; a quotation mark inside is doubled."""
    mark = re.escape(quote)
    piece = re.compile(
        rf"(?:{mark}(?P<quoted>[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+){mark}|(?P<plain>(?!{mark}).*?))"
        rf"(?P<end>{field}|{row}|\Z)",
        re.DOTALL,
    )
    position = 0
    fields: list[str] = []
    while position < len(text):
        match = piece.match(text, position)
        if match is None:
            raise SqlError(
                4879, "The bulk load failed: a quoted field of the CSV file does not end before a terminator."
            )
        quoted = match["quoted"]
        fields.append(match["plain"] if quoted is None else quoted.replace(quote * 2, quote))
        position = match.end()
        if re.fullmatch(field, match["end"]) and match["end"]:
            if position == len(text):
                fields.append("")
            else:
                continue
        yield fields
        fields = []


def _terminator(text: str) -> str:
    """A terminator as it is written: ``\\t``, ``0x0a``, any text."""
    if re.fullmatch(r"0x(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text[2:]).decode("latin-1")
    return re.sub(r"\\([nrt0\\])", lambda match: _ESCAPES[match[1]], text)


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal():
        raise SqlError(102, f"Incorrect syntax near '{text}': {name} needs a number.", severity=15)
    return int(text)


AWAITED: Final[AwaitedTable] = {
    s.BulkInsert: _bulk_insert,
}
