"""Texts and bytes that are longer than their column: bytes of the code page for DT_STR, UTF-16 units for DT_WSTR."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.conversions.conversions import fit


def fitted(values: pa.Array, type_: ColumnType) -> tuple[pa.Array, npt.NDArray[np.bool_] | None]:
    """Return the values of a column cut to the length of their type, and which of them were cut; None for none.

    :param values: texts or bytes; values of other types are returned as they are.
    :param type_: the type of the column.
    """
    is_bytes = type_.code is DataTypeCode.DT_BYTES
    if not (type_.code in STRINGS or is_bytes) or type_.length <= 0:
        return values, None
    lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
    suspects = np.flatnonzero(lengths > type_.length)  # UTF-8 has at least as many bytes as units
    if not len(suspects):
        return values, None
    too_long = np.zeros(len(values), np.bool_)
    changed = values.to_pylist()
    for row in suspects:
        value = changed[row]
        changed[row] = value[: type_.length] if is_bytes else fit(value, type_)
        too_long[row] = changed[row] != value
    if not too_long.any():
        return values, None
    return pa.array(changed, values.type), too_long
