"""Errors of rows: the disposition of a column decides whether to fail, ignore the error, or redirect the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.catalog.failures.message_codes import symbol_of
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import InputColumn, OutputColumn

FAILED_ON_ERROR = 0xC0209029
"""DTS_E_INDUCEDTRANSFORMFAILUREONERROR."""

FAILED_ON_TRUNCATION = 0xC020902A
"""DTS_E_INDUCEDTRANSFORMFAILUREONTRUNCATION."""

TRUNCATED_ROW = 0xC020401F
"""DTS_E_TRUNCATIONTRIGGEREDREDIRECTION: the code of a row that was redirected because of a truncation."""

IGNORE, REDIRECT = "IgnoreFailure", "RedirectRow"

_ERROR_CODE, _ERROR_COLUMN = 1, 2
"""The special flags of the columns ErrorCode and ErrorColumn."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The codes with which a component fails.

    :param error: after an error.
    :param truncation: after a truncation.
    """

    error: int = FAILED_ON_ERROR
    truncation: int = FAILED_ON_TRUNCATION


_USUAL = Outcomes()


@dataclass(frozen=True, slots=True)
class ColumnErrors:
    """The errors that one column or condition of a component has in a batch.

    :param codes: for each row the code of an error, unsigned, or 0.
    :param truncated: whether they are truncations instead of errors.
    :param disposition: ``FailComponent``, ``IgnoreFailure`` or ``RedirectRow``.
    :param column: the lineage id of the column, for ErrorColumn; empty for the whole row.
    :param name: its name in messages: ``the column "Amount"``.
    :param detail: returns the message to report before that of the disposition, for the index of a row; None if there
        is none. Default: None.
    """

    codes: npt.NDArray[np.uint32]
    truncated: bool
    disposition: str
    column: str
    name: str
    detail: Callable[[int], TaskFailure] | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """The rows of a batch after the dispositions.

    :param kept: the mask of the rows that continue on the path; None for all.
    :param redirected: the rows of the error output, with its schema; None for none.
    """

    kept: np.ndarray | None
    redirected: pa.RecordBatch | None


def apply_dispositions(
    plan: ComponentPlan,
    batch: pa.RecordBatch,
    errors: Sequence[ColumnErrors],
    first_row: int,
    outcomes: Outcomes = _USUAL,
) -> Sorted:
    """Apply the dispositions of a component to the errors of a batch.

    A row with several errors is redirected once, with its first error. Ignored errors need nothing here: the component
    has put NULL or the cut text into the column.

    :param plan: the component.
    :param batch: the rows that arrived.
    :param errors: the errors of its columns, in the order of the component's columns.
    :param first_row: the number of the first row of the batch, from 1, for messages.
    :param outcomes: the codes with which the component fails. Default: those of most components.
    :returns: the rows that go on and the rows of the error output. Rows are dropped if the error output has no path.
    :raises TaskFailure: an error has the disposition FailComponent; names the component, the column, the row and the
        code with its symbol.
    """
    failures = [each for each in errors if each.disposition != IGNORE]
    if not any(each.codes.any() for each in failures):
        return Sorted(None, None)
    codes = np.zeros(batch.num_rows, np.uint32)
    sources = np.zeros(batch.num_rows, np.int64)
    for index, each in enumerate(failures):
        is_first = (codes == 0) & (each.codes != 0)
        codes[is_first] = each.codes[is_first]
        sources[is_first] = index
    fails = np.array([each.disposition != REDIRECT for each in failures])
    failed = np.flatnonzero((codes != 0) & fails[sources])
    if len(failed):
        row = int(failed[0])
        raise _failure(plan, failures[sources[row]], row, first_row, outcomes)
    numbers = np.array([plan.numbers.get(each.column, 0) if each.column else 0 for each in failures], np.int32)
    bad = codes != 0
    return Sorted(~bad, error_rows(plan, batch, np.flatnonzero(bad), codes[bad], numbers[sources[bad]]))


def status_errors(
    statuses: npt.NDArray[np.uint8],
    codes: Mapping[Status, int],
    column: OutputColumn | InputColumn,
    name: str,
    detail: Callable[[int], TaskFailure] | None = None,
) -> list[ColumnErrors]:
    """Return the errors and the truncations of a conversion.

    :param statuses: a :class:`Status` for each row.
    :param codes: the code of each status, as the component has it.
    :param column: the column whose dispositions apply.
    :param name: its name in messages.
    :param detail: as for :class:`ColumnErrors`. Default: None.
    """
    table = np.zeros(max(Status) + 1, np.uint32)
    for status, code in codes.items():
        table[status] = code
    coded = table[statuses]
    is_cut = statuses == Status.TRUNCATED
    lineage_id = column.lineage_id or column.key
    found = []
    for mask, truncated in ((~is_cut, False), (is_cut, True)):
        chosen = np.where(mask, coded, np.uint32(0))
        if chosen.any():
            disposition = column.truncation_disposition if truncated else column.error_disposition
            found.append(ColumnErrors(chosen, truncated, disposition, lineage_id, name, detail))
    return found


def error_rows(
    plan: ComponentPlan,
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    codes: npt.NDArray[np.uint32],
    columns: npt.NDArray[np.int32],
) -> pa.RecordBatch | None:
    """Return rows for the error output of a component.

    A column of the error output gets the values of the column with its lineage id. The error output of a source has
    copies with different lineage ids: they get the values of the column of the main output with their name.

    :param batch: the rows that arrived; of a source, those of its main output.
    :param rows: the indexes of the rows.
    :param codes: the code of each of them.
    :param columns: the number of the column for each of them.
    :returns: None if no path leads from the error output.
    """
    output = plan.error_output
    if output is None or output.key not in plan.attached:
        return None
    schema = plan.outputs[output.key]
    flags = {column.lineage_id: column.special_flags for column in output.columns}
    taken = batch.take(pa.array(rows))
    by_name = _by_name(plan, schema)
    values: list[pa.Array] = []
    for column, field in zip(schema.columns, schema.arrow, strict=True):
        flag = flags.get(column.lineage_id, 0)
        index = taken.schema.get_field_index(column.lineage_id)
        if flag == _ERROR_CODE:
            values.append(pa.array(codes.view(np.int32)))
        elif flag == _ERROR_COLUMN:
            values.append(pa.array(columns))
        elif index >= 0:
            values.append(taken.column(index))
        elif column.name in by_name:
            values.append(taken.column(by_name[column.name].lineage_id))
        else:
            values.append(pa.nulls(len(rows), field.type))
    return pa.RecordBatch.from_arrays(values, schema=schema.arrow)


def _by_name(plan: ComponentPlan, schema: RowSchema) -> dict[str, RowColumn]:
    """The columns of the main output of a source, by name."""
    if plan.inputs:
        return {}
    main = plan.outputs.get(plan.main_output.key)
    return {} if main is None else {column.name: column for column in main.columns}


def _failure(plan: ComponentPlan, errors: ColumnErrors, row: int, first_row: int, outcomes: Outcomes) -> TaskFailure:
    code = int(errors.codes[row])
    what = "truncation" if errors.truncated else "error"
    outcome = outcomes.truncation if errors.truncated else outcomes.error
    subcomponent = plan.subcomponent
    text = (
        f"SSIS Error Code {symbol_of(f'0x{outcome:08X}')}. In row {first_row + row}, {errors.name} failed with "
        f"0x{code:08X} ({symbol_of(f'0x{code:08X}') or 'an unknown code'}), and its disposition for "
        f"{'truncations' if errors.truncated else 'errors'} is to fail the component. Correct the row, or choose to "
        f"ignore or redirect rows with this {what} in {plan.stored.name}."
    )
    causes = () if errors.detail is None else (errors.detail(row),)
    return TaskFailure(text, outcome, subcomponent=subcomponent, causes=causes)
