"""Rows in the types of the external columns of a destination, with the errors of their conversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, Mask
from airflow_provider_ssis.engine.data_flow.databases.statuses import Codes, row_codes
from airflow_provider_ssis.engine.data_flow.databases.target_columns import TargetColumn, convert_for_target
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors


@dataclass(frozen=True, slots=True, eq=False)
class TargetRows:
    """Rows for a destination.

    :param rows: the values, with the names of the external columns.
    :param errors: the errors of the columns.
    :param bad: the rows with an error.
    """

    rows: pa.RecordBatch
    errors: list[ColumnErrors]
    bad: Mask


def convert_columns(batch: pa.RecordBatch, columns: Sequence[TargetColumn]) -> list[Converted]:
    """Convert the columns of a batch to the types of the external columns."""
    return [convert_for_target(batch.column(column.lineage_id), column.source, column.target) for column in columns]


def target_rows(
    columns: Sequence[TargetColumn], converted: Sequence[Converted], codes: Codes, disposition: str
) -> TargetRows:
    """Return converted columns as rows with their errors.

    :param columns: the columns that are written, at least one.
    :param converted: their values.
    :param codes: the row error code of each status.
    :param disposition: of the input, for errors and truncations.
    """
    rows = pa.RecordBatch.from_arrays([each.values for each in converted], names=[column.name for column in columns])
    errors: list[ColumnErrors] = []
    bad = np.zeros(rows.num_rows, np.bool_)
    for column, each in zip(columns, converted, strict=True):
        if each.statuses is None:
            continue
        bad |= each.statuses != 0
        for truncated in (False, True):
            found = row_codes(each.statuses, codes, truncated=truncated)
            if found.any():
                name = f'the column "{column.name}"'
                errors.append(ColumnErrors(found, truncated, disposition, column.lineage_id, name))
    return TargetRows(rows, errors, bad)
