"""Reading whole columns of text with Arrow, where it reads them as the standard and the fast parse do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import DECIMALS, INTEGERS, REALS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.arrow import arrow_type
from airflow_provider_ssis.expressions.locales import Locale

_T = DataTypeCode
_MOMENTS = (_T.DT_DBTIMESTAMP, _T.DT_DBDATE, _T.DT_DBTIMESTAMP2, _T.DT_DATE)
_INTEGER = "^-?[0-9]{1,18}$"
_NUMBER = "^-?[0-9]{1,15}([%s][0-9]{0,10})?$"
_ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?$"
_LOCAL_DATE = (
    "^(?P<a>[0-9]{1,2})[/](?P<b>[0-9]{1,2})[/](?P<y>[0-9]{4})( (?P<h>[0-9]{1,2}):(?P<n>[0-9]{2})(:(?P<s>[0-9]{2}))?)?$"
)
_FIRST_DAY = {_T.DT_DATE: "0100-01-01"}
_MOST_DIGITS = 18


def usual_rows(texts: pa.StringArray, target: ColumnType, locale: Locale) -> pa.BooleanArray | None:
    """Return which texts have a form that :func:`read_quickly` reads; None if all or none of them have it."""
    code = target.code
    if code in INTEGERS:
        pattern = _INTEGER
    elif code in REALS or code in DECIMALS:
        pattern = _NUMBER % locale.decimal
    elif code in _MOMENTS:
        pattern = _ISO_DATE
    else:
        return None
    usual = pc.match_substring_regex(texts, pattern).fill_null(False)
    count = usual.true_count
    return usual if 0 < count < len(texts) else None


def read_quickly(texts: pa.StringArray, target: ColumnType, locale: Locale) -> pa.Array | None:
    """Return the values of all texts; None if they must be read one by one.

    :param texts: the texts; NULL stays NULL.
    :param target: the type.
    :param locale: the locale.
    """
    code = target.code
    try:
        if code in INTEGERS:
            # Arrow also reads hexadecimal numbers.
            return None if _contains(texts, b"xX") else texts.cast(arrow_type(target))
        if code in REALS:
            return _reals(texts, target, locale)
        if code in DECIMALS:
            return _decimals(texts, target, locale)
        if code in _MOMENTS:
            return _moments(texts, target, locale)
    except pa.ArrowInvalid:
        return None
    return None


def _bytes_of(texts: pa.StringArray) -> bytes:
    buffers = texts.buffers()
    if buffers[2] is None or not len(texts):
        return b""
    offsets = np.frombuffer(buffers[1], np.int32, len(texts) + 1, texts.offset * 4)
    return bytes(memoryview(buffers[2])[int(offsets[0]) : int(offsets[-1])])


def _contains(texts: pa.StringArray, characters: bytes) -> bool:
    used = _bytes_of(texts)
    return any(character in used for character in characters)


def _plain(texts: pa.StringArray, locale: Locale, others: bytes) -> pa.StringArray | None:
    """The texts with a point before the fraction; None if one is empty or has other characters."""
    if pc.min(pc.binary_length(texts)).as_py() == 0:
        return None
    if _bytes_of(texts).translate(None, b"0123456789-" + others + locale.decimal.encode()):
        return None
    return texts if locale.decimal == "." else pc.replace_substring(texts, locale.decimal, ".")


def _reals(texts: pa.StringArray, target: ColumnType, locale: Locale) -> pa.Array | None:
    plain = _plain(texts, locale, b"eE")
    if plain is None:
        return None
    values = plain.cast(pa.float64())
    if target.code is _T.DT_R4:
        # Through DT_R8, as a single text is read.
        values = values.cast(pa.float32(), safe=False)
    return values if pc.all(pc.is_finite(values), min_count=0).as_py() else None


def _decimals(texts: pa.StringArray, target: ColumnType, locale: Locale) -> pa.Array | None:
    plain = _plain(texts, locale, b"")
    if plain is None:
        return None
    values = plain.cast(arrow_type(target))
    digits = {_T.DT_CY: _MOST_DIGITS, _T.DT_DECIMAL: _MOST_DIGITS}.get(target.code, target.precision)
    return values if _has_at_most(values, min(digits, _MOST_DIGITS)) else None


def _has_at_most(values: pa.Decimal128Array, digits: int) -> bool:
    """Whether all decimals have at most a number of digits, which is not greater than 18."""
    buffer = values.buffers()[1]
    if buffer is None:
        return True
    words = np.frombuffer(buffer, np.int64, 2 * len(values), 16 * values.offset).reshape(-1, 2)
    low, high = words[:, 0], words[:, 1]
    good = (high == low >> 63) & (low < 10**digits) & (low > -(10**digits))
    return bool(np.all(good | ~values.is_valid().to_numpy(zero_copy_only=False)))


def _moments(texts: pa.StringArray, target: ColumnType, locale: Locale) -> pa.Array | None:
    wanted = arrow_type(target)
    if not pa.types.is_temporal(wanted):
        return None
    if pc.all(pc.match_substring_regex(texts, _ISO_DATE), min_count=0).as_py():
        moments = texts.cast(pa.timestamp("s"))
    else:
        moments = _local_moments(texts, locale)
        if moments is None:
            return None
    first = np.datetime64(_FIRST_DAY.get(target.code, "0001-01-01"), "s")
    if pc.any(pc.less(moments, pa.scalar(first, pa.timestamp("s")))).as_py():
        return None
    return moments.cast(wanted, safe=False)


def _local_moments(texts: pa.StringArray, locale: Locale) -> pa.Array | None:
    """Dates with slashes in the order of the locale; None if one has another form, or does not exist."""
    if locale.order == "ymd":
        return None
    parts = pc.extract_regex(texts, _LOCAL_DATE)
    if parts.null_count != texts.null_count:
        return None
    first, second, year, hour, minute, second_of = (_numbers(pc.struct_field(parts, name)) for name in "abyhns")
    month, day = (first, second) if locale.order == "mdy" else (second, first)
    valid = texts.is_valid().to_numpy(zero_copy_only=False)
    good = (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second_of < 60)
    months = (np.where(good, (year - 1970) * 12 + month - 1, 0)).astype("M8[M]")
    days = months.astype("M8[D]")
    good &= day <= ((months + 1).astype("M8[D]") - days).astype(np.int64)
    if not np.all(good | ~valid):
        return None
    seconds = days.astype("M8[s]").astype(np.int64) + (day - 1) * 86_400 + hour * 3600 + minute * 60 + second_of
    return pa.array(seconds, pa.int64(), mask=~valid).cast(pa.timestamp("s"))


def _numbers(texts: pa.StringArray) -> np.ndarray:
    """The numbers in texts of digits; 0 for an empty text and NULL."""
    filled = texts.fill_null("0")
    numbers = pc.if_else(pc.equal(filled, ""), "0", filled).cast(pa.int64())
    found: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    return found
