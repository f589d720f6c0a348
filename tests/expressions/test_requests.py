"""Requests as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ssis.expressions.requests import evaluate_line


def evaluate(**request: Any) -> dict[str, Any]:
    """The answer to a request."""
    return evaluate_line(json.dumps(request))


@pytest.mark.parametrize(
    ("type_", "value", "found", "result"),
    [
        ("Int32", 5, "DT_I4", 5),
        ("int", "5", "DT_I4", 5),
        ("DT_I4", 5, "DT_I4", 5),
        ("i4", 5, "DT_I4", 5),
        ("SYSTEM.INT64", 5, "DT_I8", 5),
        ("Boolean", True, "DT_BOOL", True),
        ("bool", "true", "DT_BOOL", True),
        ("Boolean", -1, "DT_BOOL", True),
        ("Byte", 255, "DT_UI1", 255),
        ("SByte", -1, "DT_I1", -1),
        ("Char", 65, "DT_UI2", 65),
        ("Char", "A", "DT_UI2", 65),
        ("Single", 0.1, "DT_R4", 0.1),
        ("double", "0.1", "DT_R8", 0.1),
        ("Decimal", "12.50", "DT_DECIMAL", "12.50"),
        ("DT_NUMERIC(10,3)", "12.5", "DT_NUMERIC", "12.500"),
        ("Currency", "1.5", "DT_CY", "1.5000"),
        ("String", "abc", "DT_WSTR", "abc"),
        ("DateTime", "2005-03-04T11:06:18", "DT_DATE", "2005-03-04 11:06:18"),
        ("DateTime", "3/4/2005 11:06:18 AM", "DT_DATE", "2005-03-04 11:06:18"),
        ("Int32", None, "DT_I4", None),
    ],
)
def test_variables_have_types_by_any_of_their_names(type_: str, value: Any, found: str, result: Any) -> None:
    answer = evaluate(expression="@[User::x]", variables={"User::x": {"type": type_, "value": value}})
    assert answer["error"] is None
    assert (answer["type"], answer["value"]) == (found, result)


@pytest.mark.parametrize("type_", ["Object", "DBNull", "Empty"])
def test_objects_are_only_an_error_where_they_are_used(type_: str) -> None:
    variables = {"User::x": {"type": type_, "value": None}}
    assert evaluate(expression="@[User::x]", variables=variables)["error"]["code"] == "0xC00470D0"
    assert evaluate(expression="1", variables=variables)["value"] == 1


def test_columns_have_metadata() -> None:
    columns = {
        "Name": {"type": "DT_STR", "length": 50, "code_page": 1252, "value": "abc"},
        "Price": {"type": "numeric", "precision": 10, "scale": 2, "value": "1.5"},
        "In.Amount": {"type": "DT_I4", "value": None},
        "#12": {"type": "i8", "value": 7},
        "Day": {"type": "dbDate", "value": "2024-05-06"},
    }
    answer = evaluate(expression="Name", columns=columns)
    assert answer == {"type": "DT_STR", "length": 50, "code_page": 1252, "value": "abc", "error": None}
    answer = evaluate(expression="Price * 2", columns=columns)
    assert answer == {"type": "DT_NUMERIC", "precision": 21, "scale": 2, "value": "3.00", "error": None}
    for expression, value in [
        ("ISNULL(In.Amount) && ISNULL([In].[Amount]) && ISNULL(Amount) && ISNULL([In.Amount])", True),
        ("#12 + 1", 8),
        ("YEAR(Day)", 2024),
        ('UPPER(Name) + "!"', "ABC!"),
    ]:
        assert evaluate(expression=expression, columns=columns)["value"] == value


def test_the_context_decides_whether_there_are_columns() -> None:
    columns = {"x": {"type": "DT_I4", "value": 1}}
    assert evaluate(expression="x", columns=columns, context="dataflow")["value"] == 1
    assert evaluate(expression="x", columns=columns, context="property")["error"]["code"] == "0xC00470A4"
    assert evaluate(expression="x", context="dataflow")["error"]["code"] == "0xC00470A2"
    long = '"' + "x" * 4001 + '"'
    assert evaluate(expression=f"LEN({long})")["value"] == 4001
    assert evaluate(expression=f"LEN({long})", context="dataflow")["error"]["symbol"].endswith("STRINGLITERALTOOLONG")
    text = {"User::s": {"type": "String", "value": "x" * 4001}}
    assert evaluate(expression="LEN(@s)", variables=text)["value"] == 4001
    assert evaluate(expression="LEN(@s)", variables=text, context="dataflow")["error"]["code"] == "0xC0047100"


def test_a_result_in_a_data_flow_has_at_most_4000_characters() -> None:
    half = '"' + "x" * 2500 + '"'
    assert len(evaluate(expression=f"{half} + {half}")["value"]) == 5000
    answer = evaluate(expression=f"{half} + {half}", context="dataflow")
    assert answer["error"]["symbol"] == "DTS_E_EXPREVALTRUNCATIONASERROR"
    answer = evaluate(expression=f'TRIM({half}) + REPLICATE(" ", 0)', context="dataflow")
    assert (answer["length"], len(answer["value"])) == (2500, 2500)


def test_possible_faults_are_warnings() -> None:
    answer = evaluate(expression="(DT_WSTR,2)name", columns={"name": {"type": "DT_WSTR(9)", "value": "ab"}})
    assert answer["value"] == "ab"
    assert [warning["code"] for warning in answer["warnings"]] == ["0x800470D8"]


def test_errors_have_code_symbol_message_and_position() -> None:
    answer = evaluate(expression="1 + 1/0")
    assert (answer["type"], answer["value"]) == (None, None)
    error = answer["error"]
    assert (error["code"], error["symbol"]) == ("0xC004707B", "DTS_E_EXPREVALDIVBYZERO")
    assert error["position"] == 5
    assert "position 5" in error["message"]


BAD_REQUESTS = """\
nonsense
[1]
{}
{"expression": 5}
{"expression": "1", "variables": []}
{"expression": "1", "variables": {"x": {"type": "Foo", "value": 1}}}
{"expression": "1", "variables": {"x": {"value": null}}}
{"expression": "1", "context": "elsewhere"}
{"expression": "1", "variables": {"x": {"type": "Int32", "value": "abc"}}}
{"expression": "1", "now": "noon"}
{"expression": "1", "variables": {"x": {"type": "Double", "value": NaN}}}
{"expression": "1", "variables": {"x": {"type": "Int32", "value": [1]}}}
{"expression": "1", "variables": {"x": {"type": "Int32", "value": 3000000000}}}
{"expression": "1", "columns": {"x": {"type": "Object", "value": 1}}}
{"expression": "1", "columns": {"x": {"type": "DT_GUID", "value": "abc"}}}
{"expression": "1", "columns": {"x": {"type": "DT_WSTR", "length": 2, "value": "abc"}}}
{"expression": "1", "columns": {"x": {"type": "DT_WSTR", "length": -2, "value": null}}}
{"expression": "1", "columns": {"x": {"type": "DT_WSTR", "length": "2", "value": "ab"}}}
{"expression": "1", "columns": {"x": {"type": "DT_WSTR", "length": 4001, "value": "ab"}}}
{"expression": "1", "columns": {"x": {"type": "DT_STR", "length": 5, "code_page": 1252, "value": "中"}}}
{"expression": "1", "columns": {"x": {"type": "DT_BYTES", "length": 1, "value": "ABCD"}}}
{"expression": "1", "columns": {"x": {"type": "DT_NUMERIC", "precision": 39, "scale": 2, "value": "1"}}}
{"expression": "1", "columns": {"x": {"type": "DT_NUMERIC", "precision": 3, "scale": 4, "value": "0"}}}
{"expression": "1", "columns": {"x": {"type": "DT_NUMERIC", "precision": 3, "scale": 1, "value": "123"}}}
{"expression": "1", "columns": {"x": {"type": "DT_NUMERIC", "precision": 9, "scale": 1, "value": "1.25"}}}
{"expression": "1", "columns": {"x": {"type": "DT_CY", "value": "1.00001"}}}
{"expression": "1", "columns": {"x": {"type": "DT_DBTIME2", "scale": 8, "value": null}}}
{"expression": "1", "variables": {"x": {"type": "Int32", "value": true}}}
{"expression": "1", "variables": {"x": {"type": "String", "value": ["a"]}}}"""


@pytest.mark.parametrize("line", [*BAD_REQUESTS.splitlines(), "[" * 100_000])
def test_bad_requests_are_error_lines(line: str) -> None:
    answer = evaluate_line(line)
    assert answer["error"]["message"]
    assert "Internal" not in answer["error"]["message"]
    assert answer["error"]["code"] is None
