"""The values of one node for all rows of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.datatypes import DATES, DECIMALS, STRINGS, TIMES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.number_types import scale_of

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Errors = npt.NDArray[np.uint32]

_T = DataTypeCode
_EXACT = Context(prec=60)
_INT64 = (-(2**63), 2**63 - 1)

DTYPES: dict[DataTypeCode, Any] = {
    _T.DT_BOOL: np.bool_,
    _T.DT_I1: np.int8,
    _T.DT_I2: np.int16,
    _T.DT_I4: np.int32,
    _T.DT_I8: np.int64,
    _T.DT_UI1: np.uint8,
    _T.DT_UI2: np.uint16,
    _T.DT_UI4: np.uint32,
    _T.DT_UI8: np.uint64,
    _T.DT_R4: np.float32,
    _T.DT_R8: np.float64,
} | dict.fromkeys(((DATES | TIMES | DECIMALS) - {_T.DT_DBTIMESTAMPOFFSET}), np.int64)
"""The numpy types of values: dates and times are ticks, and decimals numbers without their point.

Decimals that do not fit, and values of the other types, are Python objects; text is an Arrow array.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """The values of one node for all rows of a batch.

    Rows with an error are NULL, so that operations on them have no further errors.

    :param type: the type.
    :param data: one value for each row: of a type in :data:`DTYPES`, Python objects, or text as an Arrow array with its
        own NULLs. None if all rows have the same ``value``.
    :param valid: which rows are not NULL; None: all. Text has its own NULLs. Default: None.
    :param errors: the code of each row's error, 0 for none; None: no row has one. Default: None.
    :param value: the value of all rows, without ``data``. Default: None, NULL.
    """

    type: ColumnType
    data: Array | pa.StringArray | None
    valid: Mask | None = None
    errors: Errors | None = None
    value: Any = None

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value."""
        return self.data is None

    @property
    def is_text(self) -> bool:
        """Whether it is DT_STR or DT_WSTR."""
        return self.type.code in STRINGS

    @property
    def is_objects(self) -> bool:
        """Whether the values are Python objects."""
        return isinstance(self.data, np.ndarray) and self.data.dtype == object


def constant(type_: ColumnType, value: Value | None, errors: Errors | None = None) -> Vector:
    """A vector whose rows all have the same value."""
    return Vector(type_, None, errors=errors, value=value)


def valid_rows(vector: Vector) -> Mask | None:
    """Which rows are not NULL; None: all."""
    if isinstance(vector.data, pa.Array):
        if vector.data.null_count == 0:
            return None
        mask: Mask = vector.data.is_valid().to_numpy(zero_copy_only=False)
        return mask
    return vector.valid


def both_valid(vectors: Iterable[Vector]) -> Mask | None:
    """Which rows are NULL in no vector; None: all."""
    result: Mask | None = None
    for vector in vectors:
        mask = valid_rows(vector)
        if mask is not None:
            result = mask if result is None else result & mask
    return result


def first_errors(vectors: Iterable[Vector]) -> Errors | None:
    """The errors of the first vector that has one, row by row."""
    result: Errors | None = None
    for vector in vectors:
        if vector.errors is not None:
            result = vector.errors if result is None else np.where(result != 0, result, vector.errors)
    return result


def marked(failed: Mask, code: Code, valid: Mask | None) -> Errors | None:
    """The errors of the rows that failed and are not NULL; None if there are none."""
    if valid is not None:
        failed = failed & valid
    return np.where(failed, np.uint32(code), np.uint32(0)) if failed.any() else None


def either_errors(first: Errors | None, second: Errors | None) -> Errors | None:
    """The first errors, and the second where the first have none."""
    if first is None or second is None:
        return second if first is None else first
    return np.where(first != 0, first, second)


def without_errors(vector: Vector) -> Vector:
    """The vector with NULL in the rows that have an error."""
    errors = vector.errors
    if errors is None or (vector.is_constant and vector.value is None):
        return vector
    good = errors == 0
    if vector.is_constant:
        return from_list(vector.type, [vector.value if fine else None for fine in good.tolist()], errors)
    if isinstance(vector.data, pa.Array):
        data = pa.compute.if_else(pa.array(good), vector.data, pa.scalar(None, pa.string()))
        return Vector(vector.type, data, None, errors)
    valid = good if vector.valid is None else vector.valid & good
    return Vector(vector.type, vector.data, valid, errors)


# -- Python values -----------------------------------------------------------------------------------------------------


def unscaled(value: Decimal, type_: ColumnType) -> int:
    """A decimal without its point."""
    return int(value.scaleb(scale_of(type_), context=_EXACT))


def decimal(number: int, scale: int) -> Decimal:
    """The reverse of :func:`unscaled`."""
    return Decimal(number).scaleb(-scale, context=_EXACT)


def to_list(vector: Vector, rows: int) -> list[Value | None]:
    """The values as the scalar evaluator has them.

    :param vector: the vector.
    :param rows: the number of rows.
    """
    if vector.data is None:
        return [vector.value] * rows
    if isinstance(vector.data, pa.Array):
        texts: list[Value | None] = vector.data.to_pylist()
        return texts
    values: list[Value | None] = vector.data.tolist()
    if vector.type.code in DECIMALS and not vector.is_objects:
        scale = scale_of(vector.type)
        values = [decimal(int(value), scale) for value in vector.data]
    if vector.valid is not None:
        return [value if good else None for value, good in zip(values, vector.valid.tolist(), strict=True)]
    return values


def from_list(type_: ColumnType, values: Sequence[Value | None], errors: Errors | None = None) -> Vector:
    """The reverse of :func:`to_list`.

    Arrow's text is UTF-8, which has no halves of surrogate pairs: a text with one becomes an error of its row.

    :param type_: the type.
    :param values: the values.
    :param errors: the errors. Default: None, none.
    """
    if type_.code in STRINGS:
        try:
            return Vector(type_, pa.array(values, pa.string()), None, errors)
        except UnicodeEncodeError:
            bad = np.array([isinstance(value, str) and not _is_utf8(value) for value in values])
            texts = [None if failed else value for value, failed in zip(values, bad, strict=True)]
            broken = marked(bad, Code.DTS_E_EXPREVALDATACONVERSIONFAILED, None)
            return Vector(type_, pa.array(texts, pa.string()), None, either_errors(errors, broken))
    valid = np.array([value is not None for value in values], dtype=np.bool_)
    dtype = DTYPES.get(type_.code, object)
    numbers: Sequence[Any] = values
    if type_.code in DECIMALS:
        numbers = [None if value is None else unscaled(value, type_) for value in values]
        if any(number is not None and not _INT64[0] <= number <= _INT64[1] for number in numbers):
            numbers, dtype = values, object
    if dtype is object:
        data = np.empty(len(values), dtype=object)
        data[:] = values
    else:
        data = np.array([0 if number is None else number for number in numbers], dtype=dtype)
    return Vector(type_, data, None if valid.all() else valid, errors)


def is_unencodable(vector: Vector) -> bool:
    """Whether all rows have the same text, with half of a surrogate pair."""
    return vector.is_constant and isinstance(vector.value, str) and not _is_utf8(vector.value)


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
