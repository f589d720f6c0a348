"""The result of converting a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.engine.data_flow.databases.statuses import Statuses, ValueStatus

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A column in the type that it declares.

    :param values: the values, of the type of :func:`airflow_provider_ssis.expressions.arrow.arrow_type`.
    :param statuses: the status of each value; None if all are OK.
    """

    values: pa.Array
    statuses: Statuses | None = None


def marked(values: pa.Array, status: ValueStatus, bad: Mask, *, keep: bool = False) -> Converted:
    """Return values with a status for some of them.

    :param values: the values.
    :param status: the status.
    :param bad: the values that have it.
    :param keep: whether they keep their value, such as text that was cut. Default: False, they become NULL.
    """
    if not bad.any():
        return Converted(values)
    statuses = np.zeros(len(values), np.uint8)
    statuses[bad] = status
    if not keep:
        values = pc.if_else(pa.array(bad), pa.scalar(None, values.type), values)
    return Converted(values, statuses)


def mask_of(values: pa.BooleanArray) -> Mask:
    """Return Boolean values as a mask; NULL is False."""
    found: Mask = values.fill_null(False).to_numpy(zero_copy_only=False)
    return found
