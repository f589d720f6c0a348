"""Kernels of operators and functions on text.

Arrow's functions count code points, and Integration Services UTF-16 units: the kernels compute text whose characters
all have one unit, and leave other text to the scalar evaluator's functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import STRINGS
from airflow_provider_ssis.expressions.arrow.arithmetic import Kernel
from airflow_provider_ssis.expressions.arrow.vectors import Array, Vector, valid_rows
from airflow_provider_ssis.expressions.operators import MAX_TEXT
from airflow_provider_ssis.expressions.typed import Typed

_FIRST_OF_FOUR_BYTES = 0xF0
_FIRST_NOT_ASCII = 0x80
_TRIMS = {
    "function TRIM": pc.utf8_trim,
    "function LTRIM": pc.utf8_ltrim,
    "function RTRIM": pc.utf8_rtrim,
}


def _bytes(array: pa.StringArray) -> Array:
    """The bytes of all texts."""
    buffer = array.buffers()[2]
    if buffer is None or not len(array):
        return np.zeros(0, np.uint8)
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int32, count=len(array) + array.offset + 1)
    start, end = int(offsets[array.offset]), int(offsets[-1])
    return np.frombuffer(buffer, dtype=np.uint8)[start:end]


def _highest_byte(array: pa.StringArray) -> int:
    used = _bytes(array)
    return int(used.max()) if len(used) else 0


def contains_byte(array: pa.StringArray, searched: bytes) -> bool:
    """Whether one of some bytes occurs in a text."""
    used = _bytes(array)
    return any((used == byte).any() for byte in searched)


def has_single_units(array: pa.StringArray) -> bool:
    """Whether all characters have one UTF-16 unit."""
    return _highest_byte(array) < _FIRST_OF_FOUR_BYTES


def is_ascii(array: pa.StringArray) -> bool:
    """Whether all characters are ASCII."""
    return _highest_byte(array) < _FIRST_NOT_ASCII


def longest(array: pa.StringArray) -> int:
    """The length of the longest text, in bytes."""
    found = pc.max(pc.binary_length(array)).as_py()
    return int(found or 0)


def _text(vector: Vector) -> pa.StringArray | None:
    """The text of a vector, if all characters have one unit."""
    if not isinstance(vector.data, pa.Array) or not has_single_units(vector.data):
        return None
    return vector.data


def _numbers(array: pa.Array) -> Array:
    numbers: Array = array.fill_null(0).to_numpy(zero_copy_only=False)
    return numbers


def concatenation(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ``+`` on text."""
    if not all(operand.type.code in STRINGS for operand in operands):
        return None
    sides: list[Any] = []
    size = 0
    for operand in operands:
        if operand.is_constant:
            size += len(operand.value)
            if not operand.value.isascii() and any("\ud800" <= character <= "\udfff" for character in operand.value):
                return None
            sides.append(pa.scalar(operand.value, pa.string()))
        else:
            assert isinstance(operand.data, pa.Array)  # noqa: S101 the form of text
            size += longest(operand.data)
            sides.append(operand.data)
    if size > MAX_TEXT:
        return None
    return Vector(typed.type, pc.binary_join_element_wise(*sides, ""))


def length(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of LEN."""
    text = _text(operands[0])
    if text is None:
        return None
    return Vector(typed.type, _numbers(pc.utf8_length(text)), valid_rows(operands[0]))


def trim(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of TRIM, LTRIM and RTRIM."""
    data = operands[0].data
    if not isinstance(data, pa.Array):
        return None
    return Vector(typed.type, _TRIMS[typed.operation](data, characters=" "))


def case(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of UPPER and LOWER; letters outside of ASCII are mapped by Python's tables."""
    data = operands[0].data
    if not isinstance(data, pa.Array) or not is_ascii(data):
        return None
    function = pc.ascii_upper if typed.operation == "function UPPER" else pc.ascii_lower
    return Vector(typed.type, function(data))


def reverse(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of REVERSE."""
    text = _text(operands[0])
    return None if text is None else Vector(typed.type, pc.utf8_reverse(text))


def part(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of LEFT, RIGHT and SUBSTRING with constant numbers."""
    text = _text(operands[0])
    if text is None or not all(operand.is_constant for operand in operands[1:]):
        return None
    numbers = [int(operand.value) for operand in operands[1:]]
    if typed.operation == "function SUBSTRING":
        start, count = numbers[0] - 1, numbers[1]
    else:
        start, count = 0, numbers[0]
    if start < 0 or count < 0:
        return None
    if typed.operation == "function RIGHT" and count:
        return Vector(typed.type, pc.utf8_slice_codeunits(text, start=-count))
    most = 2**31 - 1
    return Vector(typed.type, pc.utf8_slice_codeunits(text, start=min(start, most), stop=min(start + count, most)))


def replace(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of REPLACE with constant texts."""
    data = operands[0].data
    if not isinstance(data, pa.Array) or not all(operand.is_constant for operand in operands[1:]):
        return None
    searched, replacement = (operand.value for operand in operands[1:])
    if not searched:
        return operands[0]
    if not (searched + replacement).isascii() or longest(data) * max(1, len(replacement)) > MAX_TEXT:
        return None
    return Vector(typed.type, pc.replace_substring(data, pattern=searched, replacement=replacement))


def find(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of FINDSTRING for the first occurrence of a constant text."""
    data = operands[0].data
    searched, occurrence = operands[1:]
    if not isinstance(data, pa.Array) or not is_ascii(data) or not (searched.is_constant and occurrence.is_constant):
        return None
    if occurrence.value != 1 or not searched.value or not searched.value.isascii():
        return None
    found = _numbers(pc.find_substring(data, searched.value)).astype(np.int32) + np.int32(1)
    return Vector(typed.type, found, valid_rows(operands[0]))


def replicate(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of REPLICATE with a constant number."""
    data, count = operands[0].data, operands[1]
    if not isinstance(data, pa.Array) or not count.is_constant:
        return None
    if count.value < 0 or longest(data) * count.value > MAX_TEXT:
        return None
    return Vector(typed.type, pc.binary_repeat(data, int(count.value)))


KERNELS: dict[str, Kernel] = {
    "binary +": concatenation,
    "function LEN": length,
    **dict.fromkeys(_TRIMS, trim),
    "function UPPER": case,
    "function LOWER": case,
    "function REVERSE": reverse,
    "function LEFT": part,
    "function RIGHT": part,
    "function SUBSTRING": part,
    "function REPLACE": replace,
    "function FINDSTRING": find,
    "function REPLICATE": replicate,
}
