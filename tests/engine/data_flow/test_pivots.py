"""Pivot and Unpivot in whole data flows. Facts: data flow, section 3.20."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.flow_runs import FlowResult, FlowTest, integer, text


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def _unpivot(flow: FlowTest, content: str, key: Column) -> FlowResult:
    source = flow.source("In", content, [text("who"), integer("jan"), integer("feb"), text("a"), text("b")])
    columns = {"Amount": {"jan": "1", "feb": "2"}, "Note": {"a": "1", "b": "2"}}
    unpivot = flow.flow.add_unpivot("Unpivot", source.output, key=key, columns=columns, passed=["who"])
    flow.rows_of("Out", unpivot.output)
    return flow.run()


@pytest.mark.parametrize(("type_", "keys"), [("DT_I4", (1, 2)), ("DT_WSTR", ("1", "2"))])
def test_each_key_makes_a_row_but_for_null(flow: FlowTest, type_: str, keys: tuple[object, object]) -> None:
    result = _unpivot(flow, "x,10,20,p,q\ny,,5,,\nz,7,,,r\n", Column("Month", type_, 5 if type_ == "DT_WSTR" else 0))
    assert result.failure is None
    assert result.rows["Out"] == [
        ("x", 10, "p", keys[0]),
        ("x", 20, "q", keys[1]),
        ("y", 5, None, keys[1]),
        ("z", 7, None, keys[0]),
        ("z", None, "r", keys[1]),
    ]


def test_a_row_of_only_null_stays_as_one_row(flow: FlowTest) -> None:
    result = _unpivot(flow, "Fred,,,,\nx,1,,,\n", Column("Month", "DT_I4"))
    assert result.rows["Out"] == [("Fred", None, None, None), ("x", 1, None, 1)]


def test_a_key_that_is_not_a_value_of_its_type_fails(flow: FlowTest) -> None:
    source = flow.source("In", "1,2\n", [integer("jan"), integer("feb")])
    columns = {"Amount": {"jan": "January", "feb": "2"}}
    unpivot = flow.flow.add_unpivot("Unpivot", source.output, key=Column("Month", "DT_I4"), columns=columns)
    flow.rows_of("Out", unpivot.output)
    failure = flow.run().failure
    assert failure is not None
    assert any("'January', which is not a value of type DT_I4" in each.text for each in failure.chain)


def _pivot(flow: FlowTest, content: str, *, ignore: bool = False) -> FlowResult:
    source = flow.source("In", content, [text("who"), integer("month"), integer("amount"), text("note")])
    pivot = flow.flow.add_pivot(
        "Pivot",
        source.output,
        set_keys=["who"],
        pivot_key="month",
        columns={"Jan": ("1", "amount"), "Feb": ("2", "amount"), "Note 2": ("2", "note")},
        ignore_unknown_keys=ignore,
    )
    flow.rows_of("Out", pivot.output)
    return flow.run()


_SETS = "x,1,10,a\nx,2,20,b\ny,2,5,c\nx,1,7,d\n"


def test_a_set_ends_where_its_key_changes(flow: FlowTest) -> None:
    assert _pivot(flow, _SETS).rows["Out"] == [("x", 10, 20, "b"), ("y", None, 5, "c"), ("x", 7, None, None)]


def test_sets_continue_over_buffers(flow: FlowTest) -> None:
    count = 12_000
    content = "".join(f"{number},1,{number},a\n{number},2,{-number},b\n" for number in range(count))
    assert _pivot(flow, content).rows["Out"] == [(str(number), number, -number, "b") for number in range(count)]


@pytest.mark.parametrize(
    ("content", "code"),
    [("x,1,10,a\nx,1,20,b\n", 0xC02020D0), ("x,1,10,a\nx,3,20,b\n", 0xC02020BB), ("x,,10,a\n", 0xC02020BB)],
)
def test_repeated_and_unknown_keys_fail(flow: FlowTest, content: str, code: int) -> None:
    failure = _pivot(flow, content).failure
    assert failure is not None
    assert any(f"failed with 0x{code:08X}" in each.text for each in failure.chain)


def test_unknown_keys_can_be_ignored(flow: FlowTest) -> None:
    result = _pivot(flow, "x,1,10,a\nx,3,20,b\nz,9,1,c\nz,,1,c\nz,9,1,c\n", ignore=True)
    assert result.rows["Out"] == [("x", 10, None, None)]
    reports = [said.text for said in result.context.said if "no output column" in said.text]
    assert len(reports) == 1
    assert reports[0].endswith("have no output column: 3, 9, NULL.")
