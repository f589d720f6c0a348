"""Operations without a kernel: the scalar evaluator's function, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.expressions.arrow.vectors import Errors, Mask, Vector, constant, from_list, to_list
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.typed import Typed

_FEW = 0.5
"""Texts are computed once for each different text if those are less than this share of the rows."""


def compute_once(typed: Typed, values: Sequence[Value | None], rows: int) -> Vector:
    """Compute an operation whose operands are the same in all rows."""
    value, code = _row(typed, values)
    if not code:
        return constant(typed.type, value)
    return constant(typed.type, None, np.full(rows, code, dtype=np.uint32))


def compute_rows(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector:
    """Compute an operation row by row.

    :param typed: the operation.
    :param operands: its operands; their rows with errors are NULL.
    :param rows: the number of rows.
    """
    varying = [operand for operand in operands if not operand.is_constant]
    if typed.strict and len(varying) == 1 and isinstance(varying[0].data, pa.Array) and rows:
        encoded = varying[0].data.dictionary_encode()
        if len(encoded.dictionary) < _FEW * rows:
            return _compute_distinct(typed, operands, encoded)
    lists = [to_list(operand, rows) for operand in operands]
    return _compute_lists(typed, list(zip(*lists, strict=True)))


def _compute_lists(typed: Typed, rows: Sequence[Sequence[Value | None]]) -> Vector:
    values: list[Value | None] = []
    errors: Errors | None = None
    for index, row in enumerate(rows):
        value, code = _row(typed, row)
        if code:
            if errors is None:
                errors = np.zeros(len(rows), dtype=np.uint32)
            errors[index] = code
        values.append(value)
    return from_list(typed.type, values, errors)


def _row(typed: Typed, row: Sequence[Value | None]) -> tuple[Value | None, int]:
    """The value of a row, and the code of its error or 0."""
    if typed.strict and None in row:
        return None, 0
    assert typed.compute is not None  # noqa: S101 only branches have no function
    try:
        return typed.compute(*row), 0
    except Fault as fault:
        return None, int(fault.code)


def _compute_distinct(typed: Typed, operands: Sequence[Vector], encoded: pa.DictionaryArray) -> Vector:
    size = len(encoded.dictionary)
    lists = [[operand.value] * size if operand.is_constant else encoded.dictionary.to_pylist() for operand in operands]
    distinct = _compute_lists(typed, list(zip(*lists, strict=True)))
    valid: Mask | None = None
    if encoded.null_count:
        valid = encoded.is_valid().to_numpy(zero_copy_only=False)
    indices = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    if not size:
        return constant(typed.type, None)
    errors = None
    if distinct.errors is not None:
        errors = distinct.errors[indices]
        if valid is not None:
            errors = np.where(valid, errors, np.uint32(0))
    if isinstance(distinct.data, pa.Array):
        return Vector(typed.type, distinct.data.take(encoded.indices), None, errors)
    assert isinstance(distinct.data, np.ndarray)  # noqa: S101 computed rows are never a constant
    if distinct.valid is not None:
        valid = distinct.valid[indices] if valid is None else valid & distinct.valid[indices]
    return Vector(typed.type, distinct.data[indices], valid, errors)
