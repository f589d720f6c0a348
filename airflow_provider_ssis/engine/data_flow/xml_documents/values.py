"""Texts of XML documents as values of columns, by the lexical forms of XML schemas, not by locale."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import DECIMALS, INTEGERS, REALS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion, Converted
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.conversions.text_lengths import fitted
from airflow_provider_ssis.expressions.arrow import arrow_type

_T = DataTypeCode
_TEXT = ColumnType(_T.DT_WSTR, length=4000)
_ENGLISH_US = 1033
_BLANKS = " \t\r\n"
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d:\d\d(?:\.\d+)?"
_OFFSET = r"(?:Z|[+-]\d\d:\d\d)"
_FORMS: Mapping[DataTypeCode, re.Pattern[str]] = {
    **dict.fromkeys(INTEGERS, re.compile(r"[+-]?\d+", re.ASCII)),
    **dict.fromkeys(DECIMALS, re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)),
    **dict.fromkeys(REALS, re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)),
    _T.DT_BOOL: re.compile("true|false|0|1"),
    _T.DT_DBDATE: re.compile(_DATE, re.ASCII),
    _T.DT_DATE: re.compile(f"{_DATE}(?:T{_TIME})?", re.ASCII),
    _T.DT_DBTIMESTAMP: re.compile(f"{_DATE}(?:T{_TIME})?", re.ASCII),
    _T.DT_DBTIME: re.compile(_TIME, re.ASCII),
    _T.DT_DBTIMESTAMPOFFSET: re.compile(f"{_DATE}T{_TIME}{_OFFSET}", re.ASCII),
    _T.DT_GUID: re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?", re.ASCII),
}
"""The lexical forms. A date with a time zone is an error but for DT_DBTIMESTAMPOFFSET: which zone Integration Services
converts it to is not documented."""

_TEXT_CODES = STRINGS | {_T.DT_TEXT, _T.DT_NTEXT}
_BYTES = frozenset((_T.DT_BYTES, _T.DT_IMAGE))
SUPPORTED = frozenset(_FORMS) | _TEXT_CODES | _BYTES
"""The types of columns that an XML Source can have; DT_DBTIME2 and DT_DBTIMESTAMP2 are not among them."""


def values_of(texts: Sequence[str | None], type_: ColumnType, type_name: str) -> Converted:
    """Return texts as values of a column.

    :param texts: the texts; None for NULL.
    :param type_: the type of the column.
    :param type_name: the built-in type of the schema; decides how bytes are written.
    """
    if type_.code in _BYTES:
        return _bytes(texts, type_, type_name)
    if type_.code in _TEXT_CODES:
        return Conversion(_TEXT, type_, _ENGLISH_US).convert(pa.array(texts, pa.string()))
    form = _FORMS[type_.code]
    bad, cut = np.zeros(len(texts), np.bool_), np.zeros(len(texts), np.bool_)
    good: list[str | None] = []
    for index, text in enumerate(texts):
        stripped = None if text is None else text.strip(_BLANKS)
        if stripped is not None and not form.fullmatch(stripped):
            bad[index], stripped = True, None
        if stripped is not None and type_.code in DECIMALS:
            stripped, cut[index] = _with_scale(stripped, 4 if type_.code is _T.DT_CY else type_.scale)
        good.append(None if stripped is None else _usual(stripped, type_.code))
    converted = Conversion(_TEXT, type_, _ENGLISH_US).convert(pa.array(good, pa.string()))
    if not (bad.any() or cut.any()):
        return converted
    statuses = np.zeros(len(texts), np.uint8) if converted.statuses is None else converted.statuses.copy()
    statuses[cut & (statuses == Status.GOOD)] = Status.TRUNCATED
    statuses[bad] = Status.CANNOT_CONVERT
    return Converted(converted.values, statuses)


def _with_scale(text: str, scale: int) -> tuple[str, bool]:
    """A number without the digits that exceed the scale, and whether one of them is not 0."""
    whole, _, fraction = text.partition(".")
    kept, rest = fraction[:scale], fraction[scale:]
    return f"{whole}.{kept}" if kept else f"{whole}0" if not whole.strip("+-") else whole, bool(rest.strip("0"))


def _usual(text: str, code: DataTypeCode) -> str:
    """A text in the form that the standard parse reads."""
    if code is _T.DT_BOOL:
        return "True" if text in ("true", "1") else "False"
    if code is _T.DT_GUID:
        return f"{{{text.strip('{}')}}}"
    if code is _T.DT_DBTIMESTAMPOFFSET:
        date_and_time, offset = (text[:-1], "+00:00") if text.endswith("Z") else (text[:-6], text[-6:])
        return f"{date_and_time.replace('T', ' ')} {offset}"
    return text.replace("T", " ")


def _bytes(texts: Sequence[str | None], type_: ColumnType, type_name: str) -> Converted:
    decode: Callable[[str], bytes] = bytes.fromhex if type_name == "hexBinary" else _base64
    values: list[bytes | None] = []
    statuses = np.zeros(len(texts), np.uint8)
    for index, text in enumerate(texts):
        try:
            values.append(None if text is None else decode(text.strip(_BLANKS)))
        except (ValueError, binascii.Error):
            values.append(None)
            statuses[index] = Status.CANNOT_CONVERT
    array, too_long = fitted(pa.array(values, arrow_type(type_)), type_)
    if too_long is not None:
        statuses[too_long] = Status.TRUNCATED
    return Converted(array, statuses if statuses.any() else None)


def _base64(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
