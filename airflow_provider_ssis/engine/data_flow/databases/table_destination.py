"""The base of the destinations that write a table of a database."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.converted import Mask
from airflow_provider_ssis.engine.data_flow.databases.database import (
    ERROR_OF_PROVIDER,
    Database,
    open_database,
    other_users,
)
from airflow_provider_ssis.engine.data_flow.databases.external_columns import check_code_pages, check_external_columns
from airflow_provider_ssis.engine.data_flow.databases.statuses import DESTINATION_CODES, Codes, ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.table_writer import (
    TableWriter,
    WriteError,
    WriteOptions,
    columns_of_table,
)
from airflow_provider_ssis.engine.data_flow.databases.target_rows import convert_columns, target_rows
from airflow_provider_ssis.engine.data_flow.databases.writers import open_writer
from airflow_provider_ssis.engine.data_flow.row_errors import (
    IGNORE,
    REDIRECT,
    ColumnErrors,
    apply_dispositions,
    error_rows,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import NOT_USED

NO_TABLE = 0xC0202042
"""DTS_E_DESTINATIONTABLENAMENOTPROVIDED."""

_FAIL = "FailComponent"
NO_COLUMNS = 0xC0202025
"""DTS_E_CANNOTCREATEACCESSOR."""
_MAY_BE_CUT = 0x802092A7
_ROW_VERSION, _READ_ONLY = 0xC0202048, 0xC0202049
_REDIRECT_IN_TRANSACTION = 0xC02092A5
_LOAD_IN_TRANSACTION = 0xC02092A4


@dataclass(frozen=True, slots=True)
class Load:
    """The table and the options of a destination.

    :param options: how the table is written.
    :param commit_rows: the most rows that are committed together; 0 for one commit at the end. Rows are also committed
        at the end of each batch that arrives.
    """

    options: WriteOptions
    commit_rows: int


class TableDestination(RowComponent):
    """A destination that writes a table of a database."""

    has_thread: ClassVar[bool] = True
    codes: ClassVar[Codes] = DESTINATION_CODES

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0
        self._resources = ExitStack()
        self._input = plan.stored.inputs[0]
        self._next_row = 1
        stored = self._input.error_disposition
        self.disposition = _FAIL if stored == NOT_USED else stored

    @abstractmethod
    def load(self, context: TaskContext) -> Load:
        """Return the table and the options.

        :raises TaskFailure: no table is chosen, or the options contradict each other.
        """

    def validate(self, context: TaskContext) -> None:
        """Compare the external columns with the table, and check the options."""
        load = self.load(context)
        if not load.options.columns:
            raise TaskFailure(
                f"{self.plan.stored.name} writes nothing: no column is mapped to a column of the table. Map one.",
                NO_COLUMNS,
            )
        for column in load.options.columns:
            is_text = column.source.code in STRINGS and column.target.code in STRINGS | LARGE_OBJECTS
            if is_text and column.target.length and column.source.length > column.target.length:
                text = (
                    f"Text of the column {column.name} may be too long: the flow has {column.source.length} characters,"
                    f" the table {column.target.length}."
                )
                context.warning(text, _MAY_BE_CUT, subcomponent=self.plan.subcomponent)
        if not self.plan.stored.validate_external_metadata:
            return
        with open_database(context, self.plan.stored) as database:
            used = {column.name for column in load.options.columns}
            table = load.options.table
            check_external_columns(context, self.plan, database.connection, table, self._input.external_columns, used)
            pages = {column.name: column.target.code_page for column in load.options.columns if column.target.code_page}
            check_code_pages(context, self.plan, database, table, pages)
            self._check_writable(database, load)

    def _check_writable(self, database: Database, load: Load) -> None:
        read_only = {
            column.name.lower(): column.read_only
            for column in columns_of_table(database.connection, load.options.table)
            if column.read_only
        }
        for column in load.options.columns:
            reason = read_only.get(column.name.lower())
            if reason:
                raise TaskFailure(
                    f"The column {column.name} of {load.options.table} cannot be written: it is {reason}. Remove its "
                    f"mapping from {self.plan.stored.name}.",
                    _ROW_VERSION if "version" in reason else _READ_ONLY,
                )

    def open(self, context: TaskContext) -> None:
        """Connect, and prepare the writer."""
        self._load = self.load(context)
        self._database = self._resources.enter_context(open_database(context, self.plan.stored))
        if self._database.in_package_transaction and self._database.is_retained and self._load.options.is_bulk:
            raise TaskFailure(
                f"{self.plan.stored.name} cannot load in a transaction on a connection that is retained. Choose a "
                "connection manager that does not retain its connection, or no fast load.",
                _LOAD_IN_TRANSACTION,
            )
        if self._database.in_package_transaction and self.disposition == REDIRECT:
            raise TaskFailure(
                f"{self.plan.stored.name} cannot redirect rows in a transaction. Choose another disposition, or no "
                "transaction for the task.",
                _REDIRECT_IN_TRANSACTION,
            )
        if not self._load.commit_rows and self._database.is_shared and not self._database.in_transaction:
            self._check_only_writer()
        self._writer: TableWriter = open_writer(
            self._database, self._load.options, single_transaction=not self._load.commit_rows
        )

    def _check_only_writer(self) -> None:
        """Check that no other component writes on the connection: its commits would be those of this component."""
        for other in other_users(self.plan.stored):
            if any(each.get("hasSideEffects") == "true" for each in other.iterfind("inputs/input")):
                raise TaskFailure(
                    f"{self.plan.stored.name} commits its rows at the end, and {other.get('name')} commits rows on the "
                    "same retained connection. Choose another maximum insert commit size, or another connection "
                    "manager.",
                    _LOAD_IN_TRANSACTION,
                )

    def close(self, *, failed: bool) -> None:
        """Roll back what is not committed, and disconnect."""
        writer: TableWriter | None = getattr(self, "_writer", None)
        try:
            if writer is not None:
                writer.close(failed=failed)
        finally:
            self._resources.close()

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Write a batch; returns the rows with errors."""
        first_row = self._next_row
        self._next_row += batch.num_rows
        options = self._load.options
        target = target_rows(options.columns, convert_columns(batch, options.columns), self.codes, self.disposition)
        rows, bad = target.rows, target.bad
        if target.errors and self.disposition == _FAIL and not options.is_fast:
            # Row by row, the rows before the first bad one are written.
            self._write_good(batch, rows, np.arange(int(np.argmax(bad))), first_row)
        found = apply_dispositions(self.plan, batch, target.errors, first_row)
        error_key = self.plan.error_output.key if self.plan.error_output is not None else ""
        if found.redirected is not None:
            yield error_key, found.redirected
        for emitted in self._write_good(batch, rows, np.flatnonzero(~bad), first_row):
            yield error_key, emitted

    def _write_good(
        self, batch: pa.RecordBatch, rows: pa.RecordBatch, indexes: np.ndarray, first_row: int
    ) -> list[pa.RecordBatch]:
        """Write rows in commits; returns the rows that are redirected."""
        if len(indexes) != rows.num_rows:
            rows = rows.take(pa.array(indexes))
        size = self._load.commit_rows or rows.num_rows
        redirected = []
        for start in range(0, rows.num_rows, max(size, 1)):
            part = rows.slice(start, size)
            for failed, error in self._write_part(part):
                where = indexes[start : start + size][failed]
                outcome = self._rejected(batch, where, error, first_row)
                if outcome is not None:
                    redirected.append(outcome)
        return redirected

    def _write_part(self, rows: pa.RecordBatch) -> Iterator[tuple[Mask, WriteError]]:
        """Write rows that are committed together; yield those that the database rejects."""
        assert self.counts.rows is not None  # noqa: S101 set by __init__
        everything = np.ones(rows.num_rows, np.bool_)
        try:
            self._writer.write(rows)
        except WriteError as error:
            if self._load.options.is_fast or rows.num_rows == 1:
                yield everything, error
                return
        else:
            self.counts.rows += rows.num_rows
            return
        for index in range(rows.num_rows):
            try:
                self._writer.write(rows.slice(index, 1))
            except WriteError as error:
                yield np.arange(rows.num_rows) == index, error
            else:
                self.counts.rows += 1

    def _rejected(
        self, batch: pa.RecordBatch, indexes: np.ndarray, error: WriteError, first_row: int
    ) -> pa.RecordBatch | None:
        """Apply the disposition to rows that the database rejected."""
        # A fast load does not report which row was at fault, so the rows have no status.
        code = self.codes[ValueStatus.UNKNOWN if self._load.options.is_fast else error.status]
        if self.disposition == IGNORE and self._load.commit_rows:
            return None
        if self.disposition == REDIRECT:
            numbers = np.zeros(len(indexes), np.int32)
            return error_rows(self.plan, batch, indexes, np.full(len(indexes), code, np.uint32), numbers)
        codes = np.zeros(batch.num_rows, np.uint32)
        codes[indexes] = code
        name = f'the input "{self._input.name}"'
        errors = ColumnErrors(codes, False, _FAIL, "", name, lambda _row: self._reason(error, indexes, first_row))
        apply_dispositions(self.plan, batch, [errors], first_row)
        return None

    def _reason(self, error: WriteError, indexes: np.ndarray, first_row: int) -> TaskFailure:
        count = self.counts.rows if self._load.commit_rows else 0
        start, end = first_row + int(indexes[0]), first_row + int(indexes[-1])
        rows = f"row {start}" if start == end else f"rows {start} to {end}"
        return TaskFailure(
            f"{self._load.options.table} did not accept {rows}: {error.reason} Committed before: {count or 'no'} rows.",
            ERROR_OF_PROVIDER,
            subcomponent=self.plan.subcomponent,
        )

    def finish(self) -> Iterable[Emitted]:
        """Commit."""
        try:
            self._writer.finish()
        except WriteError as error:
            raise TaskFailure(
                f"{self._load.options.table} did not accept the rows: {error.reason} No row was committed.",
                ERROR_OF_PROVIDER,
                subcomponent=self.plan.subcomponent,
            ) from error
        return ()
