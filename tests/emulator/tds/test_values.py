"""Codecs: every value that is written is read back unchanged, and what is not a value is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, Variant, utf16_length
from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from airflow_provider_ssis.emulator.tds.payload import Payload
from airflow_provider_ssis.emulator.tds.reader import MessageReader
from airflow_provider_ssis.emulator.tds.value_decoding import read_type
from airflow_provider_ssis.emulator.tds.value_encoding import encoder, type_info

LATIN = st.text(st.characters(codec="cp1252"), max_size=50)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
DATETIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    "tinyint": st.integers(0, 255),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "money": st.integers(-(2**63), 2**63 - 1).map(lambda units: Decimal(units).scaleb(-4)),
    "smallmoney": st.integers(-(2**31), 2**31 - 1).map(lambda units: Decimal(units).scaleb(-4)),
    "decimal(9,2)": st.integers(-(10**9) + 1, 10**9 - 1).map(lambda units: Decimal(units).scaleb(-2)),
    "numeric(38,10)": st.integers(-(10**38) + 1, 10**38 - 1).map(
        lambda units: Decimal((units < 0, tuple(map(int, str(abs(units)))), -10))
    ),
    "nvarchar(50)": TEXT.map(lambda text: text[:25]),
    "nchar(50)": TEXT.map(lambda text: text[:25]),
    "varchar(50)": LATIN,
    "char(50)": LATIN,
    "nvarchar(max)": TEXT,
    "varchar(max)": LATIN,
    "varbinary(50)": st.binary(max_size=50),
    "binary(50)": st.binary(max_size=50),
    "varbinary(max)": st.binary(max_size=5000),
    "uniqueidentifier": st.uuids(),
    "date": st.dates(),
    "time(7)": st.times(),
    "datetime2(7)": DATETIMES,
    "smalldatetime": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2079, 6, 6)).map(
        lambda value: value.replace(second=0, microsecond=0)
    ),
    "datetimeoffset(7)": st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=OFFSETS),
}
"""What each type can hold."""

IN_VARIANTS = [name for name in VALUES if "max" not in name]


@given(st.text(max_size=20), st.integers(1, 10))
def test_text_is_never_sent_longer_than_announced_and_no_character_in_half(text: str, length: int) -> None:
    sql_type = SqlType("nvarchar", length=length)
    sent = through_the_wire(sql_type, text)
    assert text.startswith(sent)
    assert utf16_length(sent) <= length
    assert sent == text or utf16_length(text[: len(sent) + 1]) > length


def through_the_wire(sql_type: SqlType, value: Any, *, nullable: bool = True) -> Any:
    data = written(sql_type, value, nullable=nullable)
    reader = MessageReader(data)
    result = read_type(reader).decode(reader)
    assert reader.at_end
    # The bytes of a message may be split anywhere.
    reader = MessageReader(in_segments(data, 3))
    assert read_type(reader).decode(reader) == result
    assert reader.at_end
    return result


def written(sql_type: SqlType, value: Any, *, nullable: bool = True) -> bytes:
    encoded = encoder(sql_type, nullable=nullable)(value)
    return type_info(sql_type, nullable=nullable) + (encoded if isinstance(encoded, bytes) else b"".join(encoded))


def in_segments(data: bytes, size: int) -> Payload:
    payload = Payload(size)
    for start in range(0, len(data), size):
        payload.append(memoryview(data)[start : start + size])
    return payload


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_value_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[name])
    result = through_the_wire(SqlType.parse(name), value)
    assert result == value
    assert type(result) is type(value)
    if isinstance(value, dt.datetime):
        assert result.utcoffset() == value.utcoffset()


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_value_of_a_column_without_null_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[name])
    assert through_the_wire(SqlType.parse(name), value, nullable=False) == value


@pytest.mark.parametrize(("name", "form"), [("tinyint", 0x30), ("bit", 0x32), ("int", 0x38), ("bigint", 0x7F)])
def test_a_number_without_null_has_neither_size_nor_length(name: str, form: int) -> None:
    sql_type = SqlType.parse(name)
    assert type_info(sql_type, nullable=False) == bytes([form])
    assert written(sql_type, 1, nullable=False).rstrip(b"\0") == bytes([form, 1])


@pytest.mark.parametrize("name", VALUES)
def test_null_is_read_as_null(name: str) -> None:
    assert through_the_wire(SqlType.parse(name), None) is None


@pytest.mark.parametrize("name", IN_VARIANTS)
@given(data=st.data())
def test_a_variant_keeps_value_and_base_type(name: str, data: st.DataObject) -> None:
    sql_type = SqlType.parse(name)
    value = data.draw(VALUES[name])
    result = through_the_wire(SqlType("sql_variant"), Variant(sql_type, value))
    assert result.value == value
    assert result.type.name == sql_type.name
    assert (result.type.precision, result.type.scale) == (sql_type.precision, sql_type.scale)


@given(value=st.datetimes(dt.datetime(1753, 1, 1), dt.datetime(9999, 12, 31)))
def test_a_datetime_is_rounded_to_a_three_hundredth_of_a_second(value: dt.datetime) -> None:
    result = through_the_wire(SqlType("datetime"), value)
    assert abs(result - value) <= dt.timedelta(microseconds=2500)


@given(data=st.binary(max_size=200))
def test_bytes_that_are_not_a_value_are_a_protocol_error(data: bytes) -> None:
    reader = MessageReader(data)
    try:
        read_type(reader).decode(reader)
    except ProtocolError:
        return
    assert reader.position <= len(data)


@pytest.mark.parametrize("name", VALUES)
@given(cut=st.integers(1, 20), data=st.data())
def test_a_value_that_is_cut_off_is_a_protocol_error(name: str, cut: int, data: st.DataObject) -> None:
    sql_type = SqlType.parse(name)
    whole = written(sql_type, data.draw(VALUES[name]))[:-cut]
    for message in (whole, in_segments(whole, 3)):
        reader = MessageReader(message)
        with pytest.raises(ProtocolError):
            read_type(reader).decode(reader)


def test_a_large_value_is_sent_in_one_chunk() -> None:
    assert through_the_wire(SqlType("varbinary", length=MAX), b"x" * 100_000) == b"x" * 100_000
