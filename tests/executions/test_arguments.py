"""Arguments as templating leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import (
    execution_id_of,
    flag,
    list_of_names,
    nested_values_of,
    optional_secret,
    optional_text,
    required_text,
    values_of,
)
from airflow_provider_ssis.executions.sensitive_values import secrets_in

# The text None is what a template renders to that has no value.
json_values = st.booleans() | st.integers() | st.text().filter(lambda text: text.strip() != "None")


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_an_execution_id_is_found_however_it_comes(number: int) -> None:
    for given_as in (number, str(number), f" {number} ", {"execution_id": number}, {"execution_id": str(number)}):
        assert execution_id_of(given_as) == number


@pytest.mark.parametrize("value", ["None", "", None, 0, -1, True, "12a", {}, {"execution_id": None}, [12], 12.5])
def test_a_value_that_is_not_an_execution_id_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTaskArgument, match=r"'execution_id'.*XCom"):
        execution_id_of(value)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [(True, True), (False, False), ("True", True), ("false", False), ("1", True), (0, False), ("", False)],
)
def test_a_flag_may_come_as_text(value: Any, meaning: bool) -> None:
    assert flag("use_32bit_runtime", value) is meaning


@pytest.mark.parametrize("value", ["maybe", None, 2])
def test_a_value_that_is_not_a_flag_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidTaskArgument, match="use_32bit_runtime"):
        flag("use_32bit_runtime", value)


@pytest.mark.parametrize("value", [None, "", "  ", 5])
def test_a_missing_name_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidTaskArgument, match="'folder'"):
        required_text("folder", value)


@pytest.mark.parametrize("write", [json.dumps, str])
def test_a_value_that_is_marked_sensitive_is_shown_in_no_argument(write: Callable[[Any], str]) -> None:
    text = write({"value": "it's hunter2", "sensitive": True})
    for read in (required_text, optional_text, optional_secret, flag, list_of_names):
        with pytest.raises(InvalidTaskArgument) as caught:
            read("folder", text)
        assert "folder" in str(caught.value)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(InvalidTaskArgument, match="a text with the mark 'sensitive'"):
        execution_id_of(text)
    masked = set(secrets_in(text))
    assert "it's hunter2" in masked
    assert any(secret in text for secret in masked)


def test_a_text_with_the_word_sensitive_is_not_a_marked_value() -> None:
    assert required_text("folder", "{Sensitive: data}") == "{Sensitive: data}"


def test_an_empty_optional_name_is_none() -> None:
    assert optional_text("environment", "") is None
    assert optional_text("environment", None) is None
    assert optional_text("environment", "Production") == "Production"


@given(st.dictionaries(st.text(), json_values))
def test_values_come_as_mapping_or_as_its_json_text(values: dict[str, Any]) -> None:
    assert values_of("parameters", values) == values
    assert values_of("parameters", json.dumps(values)) == values


@pytest.mark.parametrize("value", [None, "", {}])
def test_no_values_are_an_empty_mapping(value: Any) -> None:
    assert values_of("parameters", value) == {}


def test_values_of_every_type_of_a_parameter_are_taken() -> None:
    values = {"a": True, "b": 1, "c": 1.5, "d": Decimal("1.50"), "e": "x", "f": date(2024, 2, 29)}
    assert values_of("parameters", {**values, "g": datetime(2024, 2, 29, 1, 2)}) == {
        **values,
        "g": datetime(2024, 2, 29, 1, 2),
    }


@pytest.mark.parametrize("flag_value", [True, "true", "True", 1])
def test_a_value_may_be_marked_sensitive(flag_value: Any) -> None:
    marked = {"value": "hunter2", "sensitive": flag_value}
    assert values_of("parameters", {"Key": marked}) == {"Key": Sensitive("hunter2")}


def test_what_is_marked_sensitive_is_found_however_deep() -> None:
    marked = {"value": "hunter2", "sensitive": "true"}
    plain = {"value": "visible", "sensitive": False}
    assert list(secrets_in({"DW": {"Password": marked, "ServerName": "dw", "Port": plain}})) == ["hunter2"]
    assert list(secrets_in(marked)) == ["hunter2"]
    assert list(secrets_in({"Password": "hunter2"})) == []


def test_a_value_may_be_marked_as_not_sensitive() -> None:
    assert values_of("parameters", {"Key": {"value": 5, "sensitive": False}}) == {"Key": 5}
    assert values_of("parameters", {"Key": {"value": 5}}) == {"Key": 5}


def test_a_missing_value_is_refused_by_name() -> None:
    with pytest.raises(InvalidTaskArgument, match=r"parameters\['Region'\] is None.*leave it out"):
        values_of("parameters", {"Region": None})


def test_a_value_of_another_type_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidTaskArgument, match=r"parameters\['Key'\].*list") as caught:
        values_of("parameters", {"Key": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["hunter2", "[1]", '{"a"', 5, ["hunter2"], {1: "hunter2"}])
def test_a_value_that_is_not_a_mapping_is_refused_without_showing_it(value: Any) -> None:
    with pytest.raises(InvalidTaskArgument, match="parameters is not a mapping") as caught:
        values_of("parameters", value)
    assert "hunter2" not in str(caught.value)


def test_a_mapping_that_python_wrote_is_named_with_what_to_do() -> None:
    with pytest.raises(InvalidTaskArgument, match=r"it is \{'RegionId': …\}, which is not JSON\. .+ add \| tojson"):
        values_of("parameters", "{'RegionId': 42}")


def test_nested_values_name_the_manager_in_errors() -> None:
    assert nested_values_of("connection_managers", {"DW": {"ServerName": "a", "Port": 1}}) == {
        "DW": {"ServerName": "a", "Port": 1}
    }
    with pytest.raises(InvalidTaskArgument, match=r"connection_managers\['DW'\]\['ServerName'\]"):
        nested_values_of("connection_managers", {"DW": {"ServerName": None}})
    with pytest.raises(InvalidTaskArgument, match=r"connection_managers\['DW'\] is not a mapping"):
        nested_values_of("connection_managers", {"DW": 5})
