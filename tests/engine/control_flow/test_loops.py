"""For and Foreach loops."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from airflow_provider_ssis.engine import check_package, run_package
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.models import ConstraintValue
from airflow_provider_ssis.project.package.loops import ItemEnumerator, VariableEnumerator
from tests.support.engine_runs import EngineRuns, add_task, codes, ran, result_of


def items(*values: str, code: int = 8) -> ItemEnumerator:
    """Rows of one text each."""
    return ItemEnumerator(tuple(((code, value),) for value in values))


def test_1_a_for_loop_counts_to_four(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Counter", 7)
    loop = package.add_for_loop("Loop", "@Counter < 4", init="@Counter = 0", assign="@Counter = @Counter + 1")
    add_task(loop, "T")
    result = runs.run(package)
    assert [one.place.execution_path for one in result.statistics if one.place.name == "T"] == [
        f"\\Package\\Loop[{turn}]\\T" for turn in (1, 2, 3, 4)
    ]
    assert result.variables["User::Counter"] == 4


def test_2_a_for_loop_without_an_initial_expression(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Counter", 2)
    package.add_variable("Step", 1)
    loop = package.add_for_loop("Loop", "@Counter < 10", assign="@[User::Counter] = @Counter + @Step")
    add_task(loop, "T")
    assert ran(runs.run(package)).count("T") == 8


def test_a_for_loop_can_have_no_turn(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package.add_for_loop("Loop", "FALSE"), "T")
    result = runs.run(package)
    assert (ran(result), result.status) == (["Loop", "P"], Result.SUCCESS)


@pytest.mark.parametrize(
    ("condition", "init", "assign", "code"),
    [
        ("@Missing > 1", "", "", 0xC0017005),
        ("1 + 1", "", "", 0xC0017006),
        ("@Counter < 1", "@Missing = 1", "", 0xC0017009),
        ("@Counter < 1", "", "@Fixed = 2", 0xC0017008),
    ],
)
def test_a_for_loop_fails_with_an_invalid_expression(
    runs: EngineRuns, condition: str, init: str, assign: str, code: int
) -> None:
    package = PackageBuilder("P")
    package.add_variable("Counter", 0)
    package.add_variable("Fixed", 0, read_only=True)
    package.add_for_loop("Loop", condition, init=init, assign=assign)
    result = runs.run(package)
    assert codes(result) == [code]
    assert result_of(result, "Loop") is Result.FAILURE


def test_an_expression_without_an_assignment_is_a_warning(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Counter", 0)
    loop = package.add_for_loop("Loop", "@Counter < 1", init="@Counter + 1", assign="@Counter + 1")
    add_task(loop, "T")
    result = runs.run(package, {"T": lambda context: context.write("Counter", 1)})
    assert codes(result, EventName.WARNING) == [0x8001F204, 0x8001F203]
    assert result.status is Result.SUCCESS


def test_3_a_foreach_loop_over_ten_items(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    name = package.add_variable("Name", "")
    loop = package.add_foreach_loop("Loop", items(*"abcdefghij"), mappings=[name])
    add_task(loop, "T")
    seen: list[str] = []
    result = runs.run(package, {"T": lambda context: seen.append(context.read("User::Name"))})
    assert seen == list("abcdefghij")
    assert result.variables["User::Name"] == "j"


@pytest.mark.parametrize(("maximum", "turns", "expected"), [(1, 1, Result.FAILURE), (0, 3, Result.SUCCESS)])
def test_8_a_handled_failure_ends_a_loop_unless_its_errors_have_no_maximum(
    runs: EngineRuns, maximum: int, turns: int, expected: Result
) -> None:
    options = Options(max_error_count=maximum)
    package = PackageBuilder("P", options=options)
    number = package.add_variable("Number", 0)
    loop = package.add_foreach_loop("Loop", items("1", "2", "3", code=3), mappings=[number], options=options)
    bad, handler = add_task(loop, "Bad"), add_task(loop, "Handler")
    loop.add_constraint(bad, handler, value=ConstraintValue.FAILURE)

    def fail_in_turn_1(context: TaskContext) -> None:
        if context.read("Number") == 1:
            raise TaskFailure("The first one fails.")

    result = runs.run(package, {"Bad": fail_in_turn_1})
    assert (ran(result).count("Bad"), ran(result).count("Handler"), result.status) == (turns, 1, expected)


def test_a_loop_over_nothing_succeeds_and_its_successor_runs(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Rows")
    loop = package.add_foreach_loop("Loop", VariableEnumerator("User::Rows"))
    after = add_task(package, "After")
    before = add_task(package, "Before")
    package.connect(before, loop, after)
    result = runs.run(package, {"Before": lambda context: context.write("Rows", [])})
    assert ran(result) == ["Before", "Loop", "After", "P"]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [([1, 2], [1, 2]), ("ab", ["a", "b"]), ((str(n) for n in (1, 2)), ["1", "2"]), ({"k": 1}, ["k"])],
)
def test_loops_over_the_object_in_a_variable_begin_at_its_first_element(
    runs: EngineRuns, elements: Iterable[object], expected: list[object]
) -> None:
    package = PackageBuilder("P")
    rows, value = package.add_variable("Rows"), package.add_variable("Value")
    before = add_task(package, "Before")
    loops = [
        package.add_foreach_loop(name, VariableEnumerator(rows.qualified_name), mappings=[value])
        for name in ("Loop", "Again")
    ]
    for loop in loops:
        add_task(loop, "T")
    package.connect(before, *loops)
    seen: list[object] = []
    runs.run(
        package,
        {
            "Before": lambda context: context.write("Rows", elements),
            "T": lambda context: seen.append(context.read("Value")),
        },
    )
    assert seen == expected * 2


def test_a_loop_over_a_variable_without_a_list_fails(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Rows", 1)
    package.add_foreach_loop("Loop", VariableEnumerator("User::Rows"))
    result = runs.run(package)
    assert (codes(result), result_of(result, "Loop")) == ([0xC0014023], Result.FAILURE)


@pytest.mark.parametrize(("mapped", "index"), [("Number", 0), ("Fixed", 0), ("Text", 1), ("Text", -1)])
def test_a_value_that_a_variable_cannot_have_fails_the_loop(runs: EngineRuns, mapped: str, index: int) -> None:
    package = PackageBuilder("P")
    package.add_variable("Number", 0)
    package.add_variable("Text", "")
    package.add_variable("Fixed", "", read_only=True)
    loop = package.add_foreach_loop("Loop", items("text"), mappings={index: f"User::{mapped}"})
    add_task(loop, "T")
    result = runs.run(package)
    assert codes(result) == [0xC001C012]
    assert "T" not in ran(result)


def test_the_variables_of_a_loop_keep_their_values_between_turns(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    loop = package.add_foreach_loop("Loop", items("a", "b", "c"))
    loop.add_variable("Turns", 0)
    add_task(loop, "T")
    seen: list[int] = []

    def count(context: TaskContext) -> None:
        context.write("Turns", context.read("Turns") + 1)
        seen.append(context.read("Turns"))

    runs.run(package, {"T": count})
    assert seen == [1, 2, 3]


def test_constraints_start_afresh_in_each_turn(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    number = package.add_variable("Number", 0)
    loop = package.add_foreach_loop("Loop", items("1", "2", code=3), mappings=[number])
    first, second = add_task(loop, "First"), add_task(loop, "Second")
    loop.add_constraint(first, second, expression="@Number == 2")
    result = runs.run(package)
    assert [one.place.execution_path for one in result.statistics if one.place.name == "Second"] == [
        "\\Package\\Loop[2]\\Second"
    ]


def test_the_property_expressions_of_an_enumerator_are_evaluated_when_the_loop_begins(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    for name in ("One", "Two", "Choice"):
        package.add_variable(name, data_type="String" if name == "Choice" else None)
    before = add_task(package, "Before")
    loop = package.add_foreach_loop(
        "Loop",
        VariableEnumerator("User::One"),
        enumerator_expressions={"VariableName": '"User::" + @Choice'},
    )
    loop.options.delay_validation = True
    add_task(loop, "T")
    package.connect(before, loop)

    def choose(context: TaskContext) -> None:
        context.write("Choice", "Two")
        context.write("Two", [1, 2])

    assert ran(runs.run(package, {"Before": choose})).count("T") == 2


def test_a_loop_without_an_enumerator_fails_its_validation(tmp_path: Path) -> None:
    package = PackageBuilder("P")
    package.add_foreach_loop("Loop", items("a")).add_sequence("In")
    file = package.save(tmp_path)
    unfinished = re.sub(rb"<DTS:ForEachEnumerator.*</DTS:ForEachEnumerator>", b"", file.read_bytes(), flags=re.DOTALL)
    file.write_bytes(unfinished)
    [checked] = check_package(file)
    assert checked.can_run
    result = run_package(file)
    assert not result.succeeded
    assert [message.code for message in result.messages if "no enumerator" in message.text] == [0xC0014023]


def test_a_loop_without_work_lets_parallel_tasks_run(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    goes_on = package.add_variable("GoesOn", True)
    package.add_for_loop("Loop", "@GoesOn")
    add_task(package, "T")
    assert runs.run(package, {"T": lambda context: context.write(goes_on.name, False)}).status is Result.SUCCESS
