"""Evaluating an expression for all rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.expressions.arrow import arithmetic, branches, calendar, casts, texts
from airflow_provider_ssis.expressions.arrow.arithmetic import Kernel
from airflow_provider_ssis.expressions.arrow.carriers import from_arrow, to_arrow
from airflow_provider_ssis.expressions.arrow.rows import compute_once, compute_rows
from airflow_provider_ssis.expressions.arrow.vectors import (
    Errors,
    Vector,
    constant,
    either_errors,
    first_errors,
    from_list,
    is_unencodable,
    to_list,
    without_errors,
)
from airflow_provider_ssis.expressions.compiled import Expression
from airflow_provider_ssis.expressions.typed import Typed, post_order

_SLICE = 32_768
"""The rows that are computed at once: their values fit into the processor's cache."""

_TABLES = (arithmetic.KERNELS, texts.KERNELS, calendar.KERNELS, casts.KERNELS, branches.KERNELS)
_KERNELS: dict[str, tuple[Kernel, ...]] = {
    operation: tuple(table[operation] for table in _TABLES if operation in table)
    for operation in {name for table in _TABLES for name in table}
}
"""The kernels of each operation. One that cannot compute the operands returns None, and the next one is tried."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The values of an expression for all rows.

    :param values: the values, of the type that :func:`~.carriers.arrow_type` returns; NULL in rows with an error.
    :param errors: the code of each row's error, a number of
        :class:`~airflow_provider_ssis.expressions.ExpressionCode`, and 0 for none; None if no row has one.
    """

    values: pa.Array
    errors: Errors | None


def evaluate_batch(
    expression: Expression, columns: Sequence[pa.Array | pa.ChunkedArray | None], rows: int
) -> BatchResult:
    """Evaluate an expression for all rows of a batch.

    :param expression: the expression.
    :param columns: the columns of the expression's scope, in their order; those that it does not read can be None.
    :param rows: the number of rows.
    :returns: the values and the errors of the rows. Nothing is raised for an error of a row.
    :raises pyarrow.ArrowInvalid: a value is not of its column's type.
    """
    if any(columns[index] is None for index in expression.columns):
        raise ValueError("A column that the expression reads is missing")
    if rows <= _SLICE:
        return _evaluate(expression, columns, rows)
    parts = [
        _evaluate(expression, [_slice(column, start) for column in columns], min(_SLICE, rows - start))
        for start in range(0, rows, _SLICE)
    ]
    errors = None
    if any(part.errors is not None for part in parts):
        none = (np.zeros(len(part.values), np.uint32) for part in parts)
        errors = np.concatenate(
            [zeros if part.errors is None else part.errors for part, zeros in zip(parts, none, strict=True)]
        )
    return BatchResult(pa.concat_arrays([part.values for part in parts]), errors)


def _slice(column: pa.Array | pa.ChunkedArray | None, start: int) -> pa.Array | pa.ChunkedArray | None:
    return None if column is None else column.slice(start, _SLICE)


def _evaluate(expression: Expression, columns: Sequence[pa.Array | pa.ChunkedArray | None], rows: int) -> BatchResult:
    read: dict[int, Vector] = {}
    stack: list[Vector] = []
    for typed in post_order(expression.root):
        count = len(typed.operands)
        operands = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        if typed.known:
            stack.append(constant(typed.type, typed.value))
        elif typed.column is not None:
            if typed.column not in read:
                read[typed.column] = from_arrow(columns[typed.column], typed.type)
            stack.append(read[typed.column])
        else:
            stack.append(without_errors(_compute(typed, operands, rows)))
    result = _encodable(stack[0], rows)
    errors = result.errors
    return BatchResult(to_arrow(result, rows), errors if errors is not None and errors.any() else None)


def _compute(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector:
    if typed.operation == "conditional":
        return branches.conditional(typed, [_encodable(operand, rows) for operand in operands], rows)
    if typed.operation in ("and", "or"):
        return branches.logical(typed, operands, rows)
    before = first_errors(operands)
    result = _of_operands(typed, operands, rows)
    if before is None:
        return result
    errors = either_errors(before, result.errors)
    return Vector(result.type, result.data, result.valid, errors, result.value)


def _encodable(vector: Vector, rows: int) -> Vector:
    """The vector with errors instead of a text that is not UTF-8."""
    if not is_unencodable(vector):
        return vector
    spread = from_list(vector.type, to_list(vector, rows))
    return Vector(spread.type, spread.data, None, either_errors(vector.errors, spread.errors))


def _of_operands(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector:
    """The values of an operation, and its own errors."""
    if all(operand.is_constant for operand in operands):
        return compute_once(typed, [operand.value for operand in operands], rows)
    if typed.strict and any(operand.is_constant and operand.value is None for operand in operands):
        return constant(typed.type, None)
    if not rows:
        return constant(typed.type, None)
    if any(map(is_unencodable, operands)):
        return compute_rows(typed, operands, rows)
    for kernel in _KERNELS.get(typed.operation, ()):
        result = kernel(typed, operands, rows)
        if result is not None:
            return result
    return compute_rows(typed, operands, rows)
