"""The base of Import Column and Export Column: rows with the paths of files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.file_values import message_code
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import InputColumn, OutputColumn

Problem = tuple[int, str]
"""The code of an error of a row, and its reason."""
CANNOT_READ, CANNOT_WRITE, NO_BOM, DISK_FULL = 0xC0209094, 0xC0209095, 0xC02090C4, 0xC02090AE
CONTENT_CODES = frozenset((CANNOT_READ, CANNOT_WRITE, NO_BOM, DISK_FULL))
"""The codes of files that are open."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column with paths, and the one with the content of the files.

    :param stored: the column with the paths, as the package stores it; its disposition is for files that do not open.
    :param content: the column with the content; its disposition is for the reading and writing of open files.
    """

    stored: InputColumn
    content: InputColumn | OutputColumn
    path: RowColumn
    data: RowColumn

    def disposition(self, code: int) -> str:
        """Return what to do with a row that has an error.

        :param code: its code.
        """
        stored = self.content if code in CONTENT_CODES else self.stored
        return stored.error_disposition


@dataclass(frozen=True, slots=True)
class FileColumnCodes:
    """The codes with which the validation fails.

    :param no_columns: no column is chosen.
    :param no_text: paths are not text.
    :param no_blob: the content is not DT_TEXT, DT_NTEXT or DT_IMAGE.
    """

    no_columns: int
    no_text: int
    no_blob: int


class FileColumnComponent(RowComponent):
    """Reads or writes the files of each row."""

    verb: ClassVar[str]
    """Its action on a file: ``read`` or ``write``."""
    check_codes: ClassVar[FileColumnCodes]

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._first_row = 1

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def check(self, columns: Collection[FileColumn]) -> None:
        """Check the types of the columns.

        :raises TaskFailure: there is none, or one has a wrong type.
        """
        if not columns:
            self.fail(f"{self.verb}s no column", self.check_codes.no_columns)
        for one in columns:
            if one.path.type.code not in STRINGS:
                text = f"has paths in the column {one.path.name} of type {one.path.type}. Paths are text"
                self.fail(text, self.check_codes.no_text)
            if one.data.type.code not in LARGE_OBJECTS:
                self.fail(
                    f"{self.verb}s files with the column {one.data.name} of type {one.data.type}. It needs DT_TEXT, "
                    "DT_NTEXT or DT_IMAGE",
                    self.check_codes.no_blob,
                )

    def open(self, context: TaskContext) -> None:
        """Keep the context, which maps paths."""
        self._context = context

    def references(self) -> Iterator[tuple[InputColumn, RowColumn, str, Mapping[str, RowColumn]]]:
        """Yield the columns with paths: stored and in the flow, the reference to the content, and all columns."""
        for one in self.plan.stored.inputs:
            known = self.plan.inputs[one.key].by_lineage
            for column in one.columns:
                reference = reference_of(column.properties, "FileDataColumnID")
                if reference:
                    yield column, known[column.lineage_id], reference, known

    def sort_out(
        self, batch: pa.RecordBatch, rows: pa.RecordBatch, problems: Sequence[tuple[FileColumn, Mapping[int, Problem]]]
    ) -> Iterator[Emitted]:
        """Apply the dispositions; yield the rows of the outputs.

        :param batch: the rows that arrived.
        :param rows: the same rows for the main output.
        :param problems: the problems of each column by the index of their row.
        """
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        errors = [each for one, found in problems for each in self._errors(one, found, batch.num_rows)]
        result = apply_dispositions(self.plan, batch, errors, first_row)
        if result.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, result.redirected
        yield self.plan.main_output.key, rows if result.kept is None else rows.filter(pa.array(result.kept))

    def _errors(self, one: FileColumn, problems: Mapping[int, Problem], rows: int) -> Iterator[ColumnErrors]:
        def detail(row: int) -> TaskFailure:
            code, reason = problems[row]
            text = f"{self.plan.stored.name} could not {self.verb} the file: {reason}"
            return TaskFailure(text, message_code(code), subcomponent=self.plan.subcomponent)

        for stored, column, is_open in ((one.stored, one.path, False), (one.content, one.data, True)):
            codes = np.zeros(rows, np.uint32)
            for row, (code, _) in problems.items():
                if (code in CONTENT_CODES) is is_open:
                    codes[row] = code
            name = f'the column "{column.name}"'
            yield ColumnErrors(codes, False, stored.error_disposition, column.lineage_id, name, detail)

    def fail(self, text: str, code: int) -> NoReturn:
        """Fail the task: the text follows the name of the component."""
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
