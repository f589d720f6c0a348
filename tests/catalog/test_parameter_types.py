"""Which Python values fit which SSIS types, and how they go to the server."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.parameter_types import (
    SSIS_TYPES,
    Literal,
    ValueDoesNotFit,
    data_type_of,
    fitting_literals,
    literal,
)
from airflow_provider_ssis.catalog.requests import ParameterValue


@pytest.mark.parametrize(
    ("value", "data_type", "expected"),
    [
        (True, "Boolean", Literal("1", "bit")),
        ("False", "Boolean", Literal("0", "bit")),
        (1, "Boolean", Literal("1", "bit")),
        (255, "Byte", Literal("255", "tinyint")),
        (-128, "SByte", Literal("-128", "smallint")),
        (7, "Int16", Literal("7", "smallint")),
        (7, "Int32", Literal("7", "int")),
        (7, "int32", Literal("7", "int")),
        (" 7 ", "Int32", Literal("7", "int")),
        (7.0, "Int32", Literal("7", "int")),
        ("7.00", "Int64", Literal("7", "bigint")),
        (2**31 - 1, "UInt32", Literal("2147483647", "int")),
        (2**31, "UInt32", Literal("2147483648", "bigint")),
        (2**63 - 1, "UInt64", Literal("9223372036854775807", "bigint")),
        (1.5, "Single", Literal("1.5", "real")),
        (1e300, "Double", Literal("1e+300", "float")),
        (Decimal("1.50"), "Decimal", Literal("1.50", "decimal(38, 2)")),
        (1e-7, "Decimal", Literal("0.0000001", "decimal(38, 7)")),
        (5, "Decimal", Literal("5", "decimal(38, 0)")),
        (date(2024, 2, 29), "DateTime", Literal("2024-02-29T00:00:00", "datetime2(7)")),
        ("2024-02-29 13:45:00", "DateTime", Literal("2024-02-29T13:45:00", "datetime2(7)")),
        ("", "String", Literal("", "nvarchar(4000)")),
        (True, "String", Literal("True", "nvarchar(4000)")),
        (1.5, "String", Literal("1.5", "nvarchar(4000)")),
        (UUID(int=5), "String", Literal("00000000-0000-0000-0000-000000000005", "nvarchar(4000)")),
    ],
)
def test_a_value_goes_as_text_with_the_type_to_cast_it_to(
    value: ParameterValue, data_type: str, expected: Literal
) -> None:
    assert literal(value, data_type) == expected


@pytest.mark.parametrize(
    ("value", "data_type", "reason"),
    [
        ("yes", "Boolean", "true, false"),
        (2, "Boolean", "true, false"),
        (256, "Byte", "from 0 to 255"),
        (40000, "Int16", "from -32768 to 32767"),
        (2**31, "Int32", "from -2147483648 to"),
        (2**63, "UInt64", "stores UInt64 as SQL Server's bigint"),
        (-1, "UInt32", "from 0"),
        (True, "Int32", "whole number"),
        (7.5, "Int32", "whole number"),
        ("", "Int32", "whole number"),
        ("seven", "Int32", "whole number"),
        (date(2024, 1, 1), "Int32", "whole number"),
        (float("nan"), "Double", "finite number"),
        ("inf", "Double", "finite number"),
        ("", "Double", "finite number"),
        (1e39, "Single", "from -3"),
        (Decimal("1e29"), "Decimal", "28 to 29 digits"),
        (Decimal(2**96), "Decimal", "28 to 29 digits"),
        (Decimal("7.9228162514264337593543950336"), "Decimal", "28 to 29 digits"),
        (Decimal("1e-29"), "Decimal", "28 decimal places"),
        ("2024-02-29T12:00+02:00", "DateTime", "no UTC offset"),
        ("2024-02-29T12:00Z", "DateTime", "no UTC offset"),
        (datetime(2024, 2, 29, tzinfo=UTC), "DateTime", "no UTC offset"),
        ("a\ud83d", "String", "half a surrogate pair"),
        ("", "DateTime", "2024-02-29"),
        ("yesterday", "DateTime", "2024-02-29"),
        (5, "DateTime", "a date"),
        ("x" * 4001, "String", "4000"),
        ("\N{GRINNING FACE}" * 2001, "String", "4000"),
        ("x", "Object", "cannot be set"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_reason(
    value: ParameterValue, data_type: str, reason: str
) -> None:
    with pytest.raises(ValueDoesNotFit, match=reason):
        literal(value, data_type)


def test_a_huge_exponent_is_refused_without_writing_the_number_out() -> None:
    with pytest.raises(ValueDoesNotFit):
        literal("1e999999999", "Int64")


@pytest.mark.parametrize(
    "value",
    [
        Decimal(2**96 - 1),
        Decimal(1 - 2**96),
        Decimal("7.9228162514264337593543950335"),
        Decimal("0.0000000000000000000000000001"),
        Decimal(9999999999999999999999999999),
    ],
)
def test_the_largest_and_the_longest_decimals_are_sent_as_they_are(value: Decimal) -> None:
    assert Decimal(literal(value, "Decimal").text) == value


def test_a_text_keeps_the_offset_of_a_date() -> None:
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert literal(noon, "String").text == "2024-02-29T12:00:00+00:00"


def test_a_literal_shows_no_value() -> None:
    assert "hunter2" not in repr(literal("hunter2", "String"))


VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=50),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.uuids(),
)


@given(VALUES)
def test_each_value_fits_a_type_with_one_text_or_is_refused_for_it(value: ParameterValue) -> None:
    found = fitting_literals(value)
    for data_type in SSIS_TYPES:
        if data_type in found:
            assert found[data_type] == literal(value, data_type)
        else:
            with pytest.raises(ValueDoesNotFit):
                literal(value, data_type)
    assert len({each.text for each in found.values()}) <= 6


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_integer_that_the_server_has_a_type_for_keeps_its_value(value: int) -> None:
    assert int(literal(value, "Int64").text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_keeps_its_value(value: float) -> None:
    assert float(literal(value, "Double").text) == value


@given(st.decimals(min_value=-(2**90), max_value=2**90, places=1))
def test_every_decimal_within_reach_keeps_its_value(value: Decimal) -> None:
    assert Decimal(literal(value, "Decimal").text) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "Boolean"),
        (1, "Int32"),
        (2**31, "Int64"),
        (1.5, "Double"),
        (Decimal("1.5"), "Decimal"),
        (date(2024, 1, 1), "DateTime"),
        (datetime(2024, 1, 1, tzinfo=UTC), "DateTime"),
        ("x", "String"),
        (UUID(int=1), "String"),
    ],
)
def test_a_value_has_a_type_by_itself(value: ParameterValue, expected: str) -> None:
    assert data_type_of(value) == expected
