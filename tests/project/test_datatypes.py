"""Values of parameters as SSIS files write them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from airflow_provider_ssis.project.datatypes import BY_TYPE_CODE, DATA_TYPES, parse_value
from tests.support.project_strategies import VALUES
from tests.support.ssis_xml import TYPE_CODES, value_text

if TYPE_CHECKING:
    from airflow_provider_ssis.project.models import ParameterValue

BY_NAME = {data_type.name: data_type for data_type in DATA_TYPES}


def test_every_type_has_its_code() -> None:
    assert {data_type.name: code for code, data_type in BY_TYPE_CODE.items()} == TYPE_CODES


@pytest.mark.parametrize("name", sorted(VALUES))
def test_values_of_every_type_are_read_as_written(name: str) -> None:
    @given(VALUES[name])
    def check(value: ParameterValue) -> None:
        read = parse_value(value_text(value), BY_NAME[name])
        assert (type(read), read) == (type(value), value)

    check()


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("True", "Boolean", True),
        ("-1", "Boolean", True),
        ("0", "Boolean", False),
        (" 7 ", "Int32", 7),
        ("1E+3", "Double", 1000.0),
        ("12.50", "Decimal", Decimal("12.50")),
        ("", "Int32", None),
        ("", "DateTime", None),
        ("", "String", ""),
        ("  ", "String", "  "),
    ],
)
def test_forms_of_values_in_files(text: str, name: str, value: ParameterValue) -> None:
    assert parse_value(text, BY_NAME[name]) == value


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("4/11/2016 10:39:10 AM", "2016-04-11T10:39:10"),
        ("4/11/2016 12:00:00 AM", "2016-04-11T00:00:00"),
        ("12/31/2016 12:05:00 PM", "2016-12-31T12:05:00"),
        ("12/31/2016 23:05", "2016-12-31T23:05:00"),
        ("4/11/2016", "2016-04-11T00:00:00"),
        ("2016-04-10T11:13:17.6000465+10:00", "2016-04-10T11:13:17.600046"),
        ("2016-04-10 11:13:17", "2016-04-10T11:13:17"),
    ],
)
def test_dates_are_read_in_iso_and_invariant_format_without_offset(text: str, date: str) -> None:
    assert parse_value(text, BY_NAME["DateTime"]) == datetime.fromisoformat(date)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yes", "Boolean"),
        ("256", "Byte"),
        ("-1", "UInt64"),
        ("2147483648", "Int32"),
        ("1.5", "Int32"),
        ("1_000", "Int32"),
        ("0x10", "Int32"),
        ("٣", "Int32"),
        ("9" * 10_000, "Int64"),
        ("1,5", "Double"),
        ("inf", "Decimal"),
        ("31.12.2016", "DateTime"),
        ("13/31/2016", "DateTime"),
        ("12/31/2016 13:00:00 PM", "DateTime"),
        ("2016-02-30", "DateTime"),
    ],
)
def test_a_text_that_is_not_a_value_of_its_type_is_rejected(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_value(text, BY_NAME[name])
