"""Derived Column, Data Conversion, Conditional Split, Audit, Character Map and the rest, with their error outputs.

Facts: data flow, sections 1.11 to 1.13, 3.3, 3.5, 3.7, 3.12, 3.16 and 3.23.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.builder.components import Component, Output
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.engine import failure_of, task_of
from tests.support.flow_runs import FlowResult, FlowTest, integer, text

Add = Callable[[FlowTest, Output], Component]


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def _signed(code: int) -> int:
    return code - 2**32


def _run(flow: FlowTest, content: str, add: Add, *dispositions: str) -> FlowResult:
    """Run a component on a number and a text; rows go to Out, and those of its error output to Bad."""
    source = flow.source("In", content, [integer("n"), text("s")])
    made = add(flow, source.output)
    if dispositions:
        made.set_dispositions(*dispositions)
        flow.rows_of("Bad", made.error_output)
    flow.rows_of("Out", made.output)
    return flow.run()


def _divide(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_derived_column("Divide", output, {Column("q", "DT_I4"): "12 / [n]"})


def _shorten(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_derived_column("Shorten", output, {Column("t", "DT_WSTR", 3): "[s]"})


def _replace(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_derived_column("Replace", output, replace={"n": "12 / [n]"})


def _convert(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_data_conversion("Convert", output, {Column("c", "DT_UI1"): "s", Column("t", "DT_STR", 3): "s"})


def _split(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_conditional_split("Split", output, {"Large": "12 / [n] > 5"})


def _upper(flow: FlowTest, output: Output) -> Component:
    return flow.flow.add_character_map("Map", output, columns={"u": ("s", 0x200)})


ERRORS: list[tuple[Add, str, list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]]]] = [
    # the component, the rows, the rows on its output with Redirect and with Ignore, and the rows on its error output
    (
        _divide,
        "4,a\n0,b\n",
        [(4, "a", 3)],
        [(4, "a", 3), (0, "b", None)],
        [(0, "b", _signed(0xC0049030))],
    ),
    (_replace, "4,a\n0,b\n", [(3, "a")], [(3, "a"), (None, "b")], [(0, "b", _signed(0xC0049030))]),
    (
        _shorten,
        "1,abc\n2,abcd\n",
        [(1, "abc", "abc")],
        [(1, "abc", "abc"), (2, "abcd", "abc")],
        [(2, "abcd", _signed(0xC020401F))],
    ),
    (
        _convert,
        "1,12\n2,x\n3,-1\n4,999\n5,0100\n",
        [(1, "12", 12, "12")],
        [
            (1, "12", 12, "12"),
            (2, "x", None, "x"),
            (3, "-1", None, "-1"),
            (4, "999", None, "999"),
            (5, "0100", 100, "010"),
        ],
        [
            (2, "x", _signed(0xC020907F)),
            (3, "-1", _signed(0xC0209081)),
            (4, "999", _signed(0xC0209082)),
            (5, "0100", _signed(0xC0209080)),
        ],
    ),
    (_split, "0,b\n4,a\n", [(4, "a")], [(0, "b"), (4, "a")], [(0, "b", _signed(0xC0049030))]),
]
_IDS = [add.__name__.strip("_") for add, *_ in ERRORS]


@pytest.mark.parametrize(("add", "content", "kept", "_ignored", "bad"), ERRORS, ids=_IDS)
def test_redirected_rows(
    flow: FlowTest, add: Add, content: str, kept: list[object], _ignored: list[object], bad: list[object]
) -> None:
    result = _run(flow, content, add, "RedirectRow")
    assert result.failure is None, result.errors
    assert result.rows["Out"] == kept
    assert [row[:3] for row in result.rows["Bad"]] == bad
    columns = {row[3] for row in result.rows["Bad"]}
    assert (columns == {0}) is (add is _split)


@pytest.mark.parametrize(("add", "content", "_kept", "ignored", "_bad"), ERRORS, ids=_IDS)
def test_ignored_errors(
    flow: FlowTest, add: Add, content: str, _kept: list[object], ignored: list[object], _bad: list[object]
) -> None:
    result = _run(flow, content, add, "IgnoreFailure")
    assert result.failure is None, result.errors
    assert result.rows == {"Out": ignored, "Bad": []}


@pytest.mark.parametrize(("add", "content", "_kept", "_ignored", "bad"), ERRORS, ids=_IDS)
def test_failing_rows(
    flow: FlowTest, add: Add, content: str, _kept: list[object], _ignored: list[object], bad: list[tuple[int, str, int]]
) -> None:
    result = _run(flow, content, add)
    assert isinstance(result.failure, TaskFailure)
    is_truncation = add is _shorten
    assert result.failure.code == (0xC020902A if is_truncation else 0xC0209029)
    assert f"0x{bad[0][2] % 2**32:08X}" in result.failure.text


def test_errors_and_truncations_have_separate_dispositions(flow: FlowTest) -> None:
    result = _run(flow, "2,x\n5,0100\n", _convert, "RedirectRow", "IgnoreFailure")
    assert result.rows["Out"] == [(5, "0100", 100, "010")]
    assert [row[0] for row in result.rows["Bad"]] == [2]


@pytest.mark.parametrize(("truncation", "rows"), [("IgnoreFailure", [(1, "abc", "ab")]), ("RedirectRow", [])])
def test_a_cast_that_cuts_text_is_a_truncation(flow: FlowTest, truncation: str, rows: list[object]) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_derived_column("D", output, {Column("t", "DT_WSTR", 9): "(DT_WSTR,2)[s]"})

    result = _run(flow, "1,abc\n", add, "FailComponent", truncation)
    assert result.rows["Out"] == rows
    assert [row[2] for row in result.rows["Bad"]] == ([] if rows else [_signed(0xC020401F)])


def test_values_that_cannot_be_computed_here_fail_in_spite_of_the_disposition(flow: FlowTest) -> None:
    source = flow.source("In", "2001-02-03\n", [FlatFileColumn("d", "DT_DATE")], locale_id=1031)
    # The text of this type depends on the locale, and that of German is not known.
    made = flow.flow.add_derived_column("D", source.output, {Column("t", "DT_WSTR"): "(DT_WSTR,50)[d]"})
    made.set_dispositions("IgnoreFailure")
    flow.rows_of("Out", made.output)
    name = 'componentClassID="Microsoft.DerivedColumn"'
    flow.change = lambda xml: xml.replace(name, f'{name} localeId="1031"')
    result = flow.run()
    assert result.failure is not None
    assert result.failure.code == 0xC00470C1


def test_a_null_condition_is_an_error(flow: FlowTest) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_conditional_split("Split", output, {"Large": "[n] > 5"})

    result = _run(flow, ",a\n1,b\n", add, "RedirectRow")
    assert result.rows["Out"] == [(1, "b")]
    assert [row[:3] for row in result.rows["Bad"]] == [(None, "a", _signed(0xC020902C))]


def test_a_condition_that_cuts_text_is_a_truncation(flow: FlowTest) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_conditional_split("Split", output, {"Short": '(DT_WSTR,2)[s] == "ab"'})

    result = _run(flow, "1,abc\n2,x\n", add, "FailComponent", "RedirectRow")
    assert result.rows["Out"] == [(2, "x")]
    assert [row[:3] for row in result.rows["Bad"]] == [(1, "abc", _signed(0xC020401F))]


def test_conditions_are_evaluated_in_their_order(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n0,b\n", [integer("n"), text("s")])
    # The second condition has an error for a row that the first has taken.
    split = flow.flow.add_conditional_split("Split", source.output, {"Zero": "[n] == 0", "Rest": "1 / [n] == 1"})
    for name in ("Zero", "Rest"):
        flow.rows_of(name, split.outputs[name])
    result = flow.run()
    assert result.failure is None, result.errors
    assert result.rows == {"Zero": [(0, "b")], "Rest": [(1, "a")]}


def test_expressions_see_the_values_that_arrived(flow: FlowTest) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_derived_column("D", output, {Column("old", "DT_I4"): "[n]"}, replace={"n": "[n] + 1"})

    assert _run(flow, "1,a\n", add).rows["Out"] == [(2, "a", 1)]


def test_expressions_read_variables(flow: FlowTest) -> None:
    flow.package.add_variable("Factor", 10)
    flow.variables["User::Factor"] = 7

    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_derived_column("D", output, {Column("m", "DT_I4"): "[n] * @[User::Factor]"})

    assert _run(flow, "2,a\n", add).rows["Out"] == [(2, "a", 14)]


def test_a_wrong_expression_fails_the_validation(flow: FlowTest) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_derived_column("D", output, {Column("m", "DT_I4"): "[s] + 1"})

    result = _run(flow, "2,a\n", add)
    assert result.failure is not None
    assert result.errors[0].text.startswith('In D, the expression of the column "m" is wrong')


@pytest.mark.parametrize(
    ("flags", "before", "after"),
    [
        (0x200, "aé", "AÉ"),
        (0x100, "AÉ", "aé"),
        (0x200000, "ひらが", "ヒラガ"),
        (0x100000, "ヒラ", "ひら"),
        (0x800000, "a1 ｶﾞ", "ａ１\u3000ガ"),
        (0x400000, "Ａガ\u3000", "Aｶﾞ "),
        (0x1000200, "a", "A"),
        (0x800, "㑐䠢", "倴≈"),
    ],
)
def test_character_map(flow: FlowTest, flags: int, before: str, after: str) -> None:
    def add(flow: FlowTest, output: Output) -> Component:
        return flow.flow.add_character_map("Map", output, columns={"u": ("s", flags)}, replace={"s": 0x200})

    assert _run(flow, f"1,{before}\n", add).rows["Out"] == [(1, before.upper() if flags != 0x100 else before, after)]


def test_a_map_that_makes_text_longer_is_a_truncation(flow: FlowTest) -> None:
    source = flow.source("In", "ガ\n", [text("s", 1)])
    made = flow.flow.add_character_map("Map", source.output, columns={"h": ("s", 0x400000)})
    made.set_dispositions("FailComponent", "IgnoreFailure")
    flow.rows_of("Out", made.output)
    assert flow.run().rows["Out"] == [("ガ", "ｶ")]


def test_mappings_that_need_tables_of_windows_are_refused(flow: FlowTest) -> None:
    source = flow.source("In", "a\n", [text("s")])
    flow.rows_of("Out", flow.flow.add_character_map("Map", source.output, replace={"s": 0x2000000}).output)
    [refusal] = flow.refusals()
    assert refusal.startswith("\\Package\\Load\\Map: the column 's': the mapping simplified Chinese is not supported.")


@pytest.mark.parametrize("flags", [0x300, 0x300000, 0xC00000, 0x100100, 0x800200, 0xA00])
def test_mappings_that_exclude_each_other_are_refused(flow: FlowTest, flags: int) -> None:
    source = flow.source("In", "a\n", [text("s")])
    flow.rows_of("Out", flow.flow.add_character_map("Map", source.output, replace={"s": flags}).output)
    [refusal] = flow.refusals()
    assert "exclude each other" in refusal


def test_reversed_bytes_that_are_not_text_fail(flow: FlowTest) -> None:
    source = flow.source("In", "Ø\n", [text("s")])
    flow.rows_of("Out", flow.flow.add_character_map("Map", source.output, replace={"s": 0x800}).output)
    failure = flow.run().failure
    assert failure is not None
    assert "reversed bytes" in failure.text


def test_audit_adds_facts_about_the_run(flow: FlowTest) -> None:
    source = flow.source("In", "a\n", [text("s")])
    made = flow.flow.add_audit("Audit", source.output, {"Task": "task name", "Machine": "machine name"})
    flow.rows_of("Out", made.output)
    # The lengths that Visual Studio stores; Windows cuts the name of a machine to 15 characters.
    flow.change = lambda text: re.sub('length="128"', 'length="15"', text)
    context, sinks = flow.prepared()
    context.types |= {"System::TaskName": "String", "System::MachineName": "String"}
    context.variables |= {"System::TaskName": "Load", "System::MachineName": "airflow-worker-0.pod"}
    task_of(context).run(context)
    assert sinks["Out"].rows == [("a", "Load", "airflow-worker-")]
    context.variables["System::TaskName"] = "Load all the orders"
    failure_of(lambda: task_of(context).run(context))
    assert context.codes("error")[0] == 0xC02092B3


def test_a_union_fills_missing_columns_with_null(flow: FlowTest) -> None:
    first = flow.source("A", "1,a\n", [integer("n"), text("s")])
    second = flow.source("B", "2\n", [integer("n")])
    united = flow.flow.add_union_all(
        "Union", [first.output, second.output], columns={"n": ["n", "n"], "s": ["s", None]}
    )
    flow.rows_of("Out", united.output)
    assert sorted(flow.run().rows["Out"], key=str) == [(1, "a"), (2, None)]


@pytest.mark.parametrize(("data_type", "code"), [("String", 0xC02020EF), ("Int16", 0xC02020EF)])
def test_a_row_count_needs_a_variable_for_a_number(flow: FlowTest, data_type: str, code: int) -> None:
    variable = flow.package.add_variable("Rows", 0)
    source = flow.source("In", "a\n", [text("s")])
    flow.flow.add_row_count("Count", source.output, variable)
    context, _ = flow.prepared()
    context.types["User::Rows"] = data_type
    failure_of(lambda: task_of(context).run(context))
    assert context.codes("error")[0] == code
