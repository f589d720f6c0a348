"""The conditional operator, ``&&`` and ``||``, and the functions of NULL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import STRINGS
from airflow_provider_ssis.expressions.arrow.vectors import (
    DTYPES,
    Errors,
    Mask,
    Vector,
    constant,
    from_list,
    to_list,
    valid_rows,
)
from airflow_provider_ssis.expressions.typed import Typed


def _mask(vector: Vector, rows: int) -> Mask:
    """Which rows are not NULL."""
    if vector.is_constant:
        return np.full(rows, vector.value is not None)
    valid = valid_rows(vector)
    return np.ones(rows, np.bool_) if valid is None else valid


def _truth(vector: Vector, rows: int) -> Mask:
    """Which rows are TRUE."""
    if vector.is_constant:
        return np.full(rows, vector.value is True)
    assert isinstance(vector.data, np.ndarray)  # noqa: S101 the form of DT_BOOL
    return vector.data & _mask(vector, rows)


def _errors(vector: Vector, rows: int) -> Errors:
    return np.zeros(rows, np.uint32) if vector.errors is None else vector.errors


def conditional(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector:
    """Choose between two branches; the errors of the branch that is not chosen have no effect."""
    condition, yes, no = operands
    if condition.is_constant and condition.errors is None:
        if condition.value is None:
            return constant(typed.type, None)
        return _retyped(yes if condition.value else no, typed)
    chosen = _truth(condition, rows)
    known = _mask(condition, rows)
    errors: Errors | None = None
    if any(operand.errors is not None for operand in operands):
        branch = np.where(chosen, _errors(yes, rows), _errors(no, rows))
        errors = np.where(known, branch, np.uint32(0))
        if condition.errors is not None:
            errors = np.where(condition.errors != 0, condition.errors, errors)
    if typed.code in STRINGS:
        sides = [pa.scalar(side.value, pa.string()) if side.is_constant else side.data for side in (yes, no)]
        return Vector(typed.type, pc.if_else(pa.array(chosen, mask=~known), *sides), None, errors)
    forms = [_form(side, typed, rows) for side in (yes, no)]
    if forms[0].dtype != forms[1].dtype:
        lists = [to_list(side, rows) for side in (yes, no)]
        values = [
            (first if truth else second) if good else None
            for truth, good, first, second in zip(chosen.tolist(), known.tolist(), *lists, strict=True)
        ]
        return from_list(typed.type, values, errors)
    valid = np.where(chosen, _mask(yes, rows), _mask(no, rows)) & known
    return Vector(typed.type, np.where(chosen, *forms), valid, errors)


def _retyped(vector: Vector, typed: Typed) -> Vector:
    return Vector(typed.type, vector.data, vector.valid, vector.errors, vector.value)


def _form(vector: Vector, typed: Typed, rows: int) -> Any:
    """The numbers or objects of a branch."""
    if vector.data is not None:
        return vector.data
    if vector.value is None:
        return np.zeros(1, DTYPES.get(typed.code, object))
    return from_list(typed.type, [vector.value]).data


def logical(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector:
    """``&&`` and ``||`` with three values; the right side has no effect where the left side decides."""
    first, second = operands
    decisive = typed.operation == "or"
    truth = [_truth(operand, rows) for operand in operands]
    known = [_mask(operand, rows) for operand in operands]
    decided = [known[side] & (truth[side] == decisive) for side in (0, 1)]
    either = decided[0] | decided[1]
    result = either if decisive else ~either
    valid = either | (known[0] & known[1])
    errors: Errors | None = None
    if first.errors is not None or second.errors is not None:
        left = _errors(first, rows)
        errors = np.where(left != 0, left, np.where(decided[0], np.uint32(0), _errors(second, rows)))
    return Vector(typed.type, result, valid, errors)


def is_null(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ISNULL."""
    return Vector(typed.type, ~_mask(operands[0], rows))


def replace_null(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of REPLACENULL with two values of the same type."""
    first, second = operands
    if typed.code in STRINGS and second.is_text and first.is_text:
        sides = [pa.scalar(side.value, pa.string()) if side.is_constant else side.data for side in operands]
        found = pc.coalesce(*sides)
        return Vector(typed.type, found)
    if first.type != second.type or first.is_constant or first.is_objects or second.is_objects:
        return None
    filled = _form(second, typed, rows)
    if filled is None or filled.dtype != first.data.dtype:  # type: ignore[union-attr] # constants return above
        return None
    here = _mask(first, rows)
    return Vector(typed.type, np.where(here, first.data, filled), here | _mask(second, rows))


KERNELS = {"function ISNULL": is_null, "function REPLACENULL": replace_null}
