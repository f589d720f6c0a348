"""Errors of rows: the disposition of a column decides whether the task fails, or what becomes of the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.data_flow.component import ComponentPlan


@dataclass(frozen=True, slots=True)
class ColumnErrors:
    """The errors that one column or condition of a component has in a batch.

    :param codes: for each row the code of an error, unsigned, or 0.
    :param truncated: whether they are truncations instead of errors.
    :param disposition: ``FailComponent``, ``IgnoreFailure`` or ``RedirectRow``.
    :param column: the lineage id of the column, for ErrorColumn; empty for the whole row.
    :param name: what a message calls it: ``the column "Amount"``.
    """

    codes: np.ndarray
    truncated: bool
    disposition: str
    column: str
    name: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """The rows of a batch after the dispositions.

    :param kept: the mask of the rows that go on; None for all.
    :param redirected: the rows of the error output, with its schema; None for none.
    """

    kept: np.ndarray | None
    redirected: pa.RecordBatch | None


def apply_dispositions(
    plan: ComponentPlan, batch: pa.RecordBatch, errors: Sequence[ColumnErrors], first_row: int
) -> Sorted:
    """Apply the dispositions of a component to the errors of a batch.

    A row with several errors is redirected once, with its first error. Ignored errors need nothing here: the component
    has put NULL or the cut text into the column.

    :param plan: the component.
    :param batch: the rows that arrived.
    :param errors: the errors of its columns, in the order of the component's columns.
    :param first_row: the number of the first row of the batch, from 1, for messages.
    :returns: the rows that go on and the rows of the error output. Rows are dropped if the error output has no path.
    :raises TaskFailure: an error has the disposition FailComponent; names the component, the column, the row and the
        code with its symbol.
    """
    raise NotImplementedError
