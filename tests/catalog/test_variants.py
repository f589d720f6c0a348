"""Values of sql_variant columns, read as text with their base type."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.sql.variants import VariantValue, variant_value


@pytest.mark.parametrize(
    ("text", "base_type", "expected"),
    [
        (None, None, None),
        ("1", "bit", True),
        ("0", "bit", False),
        ("-5", "int", -5),
        ("9223372036854775807", "bigint", 2**63 - 1),
        ("1.50", "decimal", Decimal("1.50")),
        ("1.5000000000000000e+000", "float", 1.5),
        ("häß", "nvarchar", "häß"),
        ("", "nvarchar", ""),
        ("2024-02-29", "date", date(2024, 2, 29)),
        ("2024-02-29T13:45:30", "datetime", datetime(2024, 2, 29, 13, 45, 30)),
        ("2024-02-29 13:45:30.1234567", "datetime2", datetime(2024, 2, 29, 13, 45, 30, 123456)),
        ("2024-02-29 13:45:30", "datetime2", datetime(2024, 2, 29, 13, 45, 30)),
        (
            "2024-02-29 13:45:30.1234567 -05:30",
            "datetimeoffset",
            datetime(2024, 2, 29, 13, 45, 30, 123456, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
        ),
        (
            "2024-02-29 13:45:30.12 +02:00",
            "datetimeoffset",
            datetime(2024, 2, 29, 13, 45, 30, 120000, tzinfo=timezone(timedelta(hours=2))),
        ),
        (
            "2024-02-29 13:45:30 +02:00",
            "datetimeoffset",
            datetime(2024, 2, 29, 13, 45, 30, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("00FF", "varbinary", b"\x00\xff"),
        ("6F9619FF-8B86-D011-B42D-00C04FC964FF", "uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ],
)
def test_a_value_is_read_by_its_base_type(text: str | None, base_type: str | None, expected: VariantValue) -> None:
    value = variant_value(text, base_type)
    assert value == expected
    assert type(value) is type(expected)


@given(st.datetimes(), st.integers(0, 7))
def test_every_number_of_digits_of_a_second_is_read(moment: datetime, digits: int) -> None:
    text = f"{moment:%H:%M:%S}" if digits == 0 else f"{moment:%H:%M:%S}.{moment.microsecond:06d}0"[: 9 + digits]
    value = variant_value(f"{moment.date().isoformat()} {text}", "datetime2")
    assert isinstance(value, datetime)
    assert abs(value - moment) < timedelta(seconds=10**-digits if digits < 6 else 1e-6)
