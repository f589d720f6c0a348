"""Text, bytes, GUIDs and Booleans of a driver, converted to a declared type."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, marked, mask_of
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.expressions.conversion import fit_text
from airflow_provider_ssis.expressions.text import encoded_length, units

_T = DataTypeCode
_S = ValueStatus


def to_text(array: pa.Array, type_: ColumnType) -> Converted:
    """Text of a limited length: in UTF-16 units, or in bytes of a code page."""
    array = _without_nul(array)
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    is_plain = type_.code is _T.DT_WSTR or pc.all(pc.string_is_ascii(array)).as_py() is not False
    if longest <= type_.length and is_plain:
        return Converted(array.cast(pa.string()))
    lengths = pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    checked = lengths > type_.length
    if not is_plain:
        checked |= ~mask_of(pc.string_is_ascii(array)) & array.is_valid().to_numpy(zero_copy_only=False)
    cut: dict[int, str] = {}
    for row in np.flatnonzero(checked).tolist():
        text = array[row].as_py()
        fitting = _fitting(text, type_)
        if fitting != text:
            cut[row] = fitting
    if not cut:
        return Converted(array.cast(pa.string()))
    bad = np.zeros(len(array), np.bool_)
    bad[list(cut)] = True
    values = pc.replace_with_mask(array, pa.array(bad), pa.array(list(cut.values()), array.type))
    return marked(values.cast(pa.string()), _S.TRUNCATED, bad, keep=True)


def _without_nul(array: pa.Array) -> pa.Array:
    """Text ends at the first NUL character."""
    if not mask_of(pc.match_substring(array, "\0")).any():
        return array
    return pa.array([None if text is None else text.partition("\0")[0] for text in array.to_pylist()], array.type)


def _fitting(text: str, type_: ColumnType) -> str:
    if type_.code is _T.DT_WSTR:
        if units(text) <= type_.length:
            return text
        # A half of a surrogate pair cannot be kept.
        return fit_text(text, type_, cut=True).encode("utf-8", "ignore").decode()
    if encoded_length(text, type_.code_page) is None:
        text = "".join("?" if encoded_length(one, type_.code_page) is None else one for one in text)
    return fit_text(text, type_, cut=True)


def to_long_text(array: pa.Array, _type: ColumnType) -> Converted:
    """Text of any length."""
    return Converted(array.cast(pa.large_string()))


def to_bytes(array: pa.Array, type_: ColumnType) -> Converted:
    """Bytes of a limited length."""
    lengths = pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    too_long = lengths > type_.length
    if too_long.any():
        array = pc.binary_slice(array, 0, type_.length)
    return marked(array.cast(pa.binary()), _S.TRUNCATED, too_long, keep=True)


def to_long_bytes(array: pa.Array, _type: ColumnType) -> Converted:
    """Bytes of any length."""
    return Converted(array.cast(pa.large_binary()))


def guid_of_text(array: pa.Array, _type: ColumnType) -> Converted:
    """GUIDs, with or without braces."""
    bad = np.zeros(len(array), np.bool_)
    values: list[bytes | None] = []
    for row, text in enumerate(array.to_pylist()):
        value = None
        if text is not None:
            try:
                value = uuid.UUID(text.strip().strip("{}")).bytes
            except ValueError:
                bad[row] = True
        values.append(value)
    return marked(pa.array(values, pa.binary(16)), _S.CONVERSION, bad)


def guid_of_bytes(array: pa.Array, _type: ColumnType) -> Converted:
    """GUIDs, in the order of their text."""
    if pa.types.is_fixed_size_binary(array.type):
        return Converted(array)
    bad = mask_of(pc.not_equal(pc.binary_length(array), 16))
    values = [None if wrong else value for value, wrong in zip(array.to_pylist(), bad, strict=True)]
    return marked(pa.array(values, pa.binary(16)), _S.CONVERSION, bad)


_TRUE, _FALSE = frozenset({"1", "t", "true", "y", "yes"}), frozenset({"0", "f", "false", "n", "no"})


def bool_of_text(array: pa.Array, _type: ColumnType) -> Converted:
    """Drivers such as psqlODBC return a Boolean as the text 1 or 0."""
    bad = np.zeros(len(array), np.bool_)
    values: list[bool | None] = []
    for row, text in enumerate(array.to_pylist()):
        word = None if text is None else text.strip().lower()
        values.append(None if word is None or word not in _TRUE | _FALSE else word in _TRUE)
        bad[row] = word is not None and values[-1] is None
    return marked(pa.array(values, pa.bool_()), _S.CONVERSION, bad)
