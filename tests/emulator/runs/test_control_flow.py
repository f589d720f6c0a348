"""Which executables run, in which order, and what becomes of the package."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_ssis.catalog.codes import ExecutionResult, LoggingLevel, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs import simulated_executor
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.project.models import Executable, PrecedenceConstraint
from tests.support.simulated_runs import play, request, run
from tests.support.ssis_projects import (
    execute_package,
    for_loop,
    foreach_loop,
    on_completion,
    on_failure,
    on_success,
    package,
    sequence,
    task,
)


def failing(*names: str) -> ScriptBook:
    scripts = ScriptBook()
    for name in names:
        scripts.fail(executable=name, message=f"{name} broke.")
    return scripts


def test_a_package_of_no_executables_succeeds() -> None:
    played = run(package("Empty.dtsx"))
    assert played.status is OperationStatus.SUCCEEDED
    assert played.results == {"\\Package": ExecutionResult.SUCCESS}


def test_tasks_run_after_those_that_their_constraints_come_from() -> None:
    arrows = [on_success("Third", "Fourth"), on_success("Second", "Third"), on_success("First", "Second")]
    played = run(package("P.dtsx", task("Fourth"), task("Third"), task("Second"), task("First"), constraints=arrows))
    assert played.ran == ["Package", "First", "Second", "Third", "Fourth"]


def test_branches_that_would_run_in_parallel_run_in_the_order_of_the_package() -> None:
    arrows = [on_success("A", "A2"), on_success("B", "B2")]
    played = run(package("P.dtsx", task("A"), task("B"), task("A2"), task("B2"), constraints=arrows))
    assert played.ran == ["Package", "A", "B", "A2", "B2"]


@pytest.mark.parametrize(
    ("arrow", "after_success", "after_failure"),
    [
        (on_success("A", "B"), True, False),
        (on_failure("A", "B"), False, True),
        (on_completion("A", "B"), True, True),
    ],
)
def test_a_constraint_waits_for_its_outcome(
    arrow: PrecedenceConstraint, after_success: bool, after_failure: bool
) -> None:
    two = package("P.dtsx", task("A"), task("B"), constraints=[arrow])
    assert ("B" in run(two).ran) is after_success
    assert ("B" in run(two, scripts=failing("A")).ran) is after_failure


@pytest.mark.parametrize(("logical_and", "runs"), [(True, False), (False, True)])
def test_several_constraints_must_all_hold_or_one_of_them(logical_and: bool, runs: bool) -> None:
    arrows = [on_success("A", "C", logical_and=logical_and), on_success("B", "C", logical_and=logical_and)]
    played = run(package("P.dtsx", task("A"), task("B"), task("C"), constraints=arrows), scripts=failing("B"))
    assert ("C" in played.ran) is runs


def test_nothing_follows_what_did_not_run() -> None:
    arrows = [on_failure("A", "B"), on_completion("B", "C")]
    played = run(package("P.dtsx", task("A"), task("B"), task("C"), constraints=arrows))
    assert played.ran == ["Package", "A"]
    assert played.status is OperationStatus.SUCCEEDED


def test_a_disabled_executable_is_passed_over_as_if_it_had_succeeded() -> None:
    arrows = [on_success("A", "B"), on_success("B", "C")]
    played = run(package("P.dtsx", task("A"), task("B", disabled=True), task("C"), constraints=arrows))
    assert played.ran == ["Package", "A", "C"]
    assert "\\Package\\B" not in played.results
    assert not any("B:" in event.message for event in played.events)


def test_a_disabled_container_takes_all_inside_with_it() -> None:
    played = run(package("P.dtsx", sequence("S", task("A"), disabled=True)))
    assert played.ran == ["Package"]


@pytest.mark.parametrize("loop", [foreach_loop, for_loop])
def test_a_loop_takes_three_turns_each_with_its_number_in_the_path(loop: Callable[..., Executable]) -> None:
    played = run(package("P.dtsx", loop("Each", task("A"))))
    assert [record.execution_path for record in played.statistics] == [
        "\\Package\\Each[1]\\A",
        "\\Package\\Each[2]\\A",
        "\\Package\\Each[3]\\A",
        "\\Package\\Each",
        "\\Package",
    ]
    assert {record.package_path for record in played.statistics} == {
        "\\Package\\Each\\A",
        "\\Package\\Each",
        "\\Package",
    }


def test_a_loop_in_a_loop_has_the_turns_of_both_in_its_paths() -> None:
    played = run(package("P.dtsx", foreach_loop("Outer", for_loop("Inner", task("A")))))
    assert played.results["\\Package\\Outer[2]\\Inner[3]\\A"] is ExecutionResult.SUCCESS
    assert len(played.statistics) == 9 + 3 + 1 + 1


def test_a_loop_stops_at_the_turn_that_brings_it_to_its_number_of_errors() -> None:
    played = run(package("P.dtsx", foreach_loop("Each", task("A"))), scripts=failing("A"))
    assert played.ran == ["Package", "Each", "A"]
    assert played.results["\\Package\\Each"] is ExecutionResult.FAILURE


def test_a_failed_task_fails_its_container_and_the_package() -> None:
    played = run(package("P.dtsx", sequence("S", task("A")), task("B")), scripts=failing("A"))
    assert played.status is OperationStatus.FAILED
    assert played.results == {
        "\\Package\\S\\A": ExecutionResult.FAILURE,
        "\\Package\\S": ExecutionResult.FAILURE,
        "\\Package\\B": ExecutionResult.SUCCESS,
        "\\Package": ExecutionResult.FAILURE,
    }


def test_a_failure_path_runs_and_the_package_fails_all_the_same() -> None:
    played = run(
        package("P.dtsx", task("A"), task("Repair"), constraints=[on_failure("A", "Repair")]), scripts=failing("A")
    )
    assert played.ran == ["Package", "A", "Repair"]
    assert played.status is OperationStatus.FAILED


@pytest.mark.parametrize(("maximum", "status"), [(1, 4), (2, 7), (0, 7)])
def test_a_package_fails_at_its_number_of_errors(maximum: int, status: int) -> None:
    played = run(package("P.dtsx", task("A"), max_error_count=maximum), scripts=failing("A"))
    assert played.results["\\Package\\A"] is ExecutionResult.FAILURE
    assert played.status == status


def test_a_container_that_may_have_errors_succeeds_and_its_followers_run() -> None:
    lenient = sequence("S", task("A"), max_error_count=0)
    played = run(
        package("P.dtsx", lenient, task("B"), constraints=[on_success("S", "B")], max_error_count=5),
        scripts=failing("A"),
    )
    assert played.ran == ["Package", "S", "A", "B"]
    assert played.status is OperationStatus.SUCCEEDED


def test_the_warning_about_the_number_of_errors_has_its_code_and_is_of_the_containers() -> None:
    played = run(package("P.dtsx", sequence("S", task("A"))), scripts=failing("A"))
    warnings = [event for event in played.events if event.message_type is MessageType.WARNING]
    assert [event.package_path for event in warnings] == ["\\Package\\S", "\\Package"]
    assert {event.message_code for event in warnings} == {0x80019002 - (1 << 32)}
    assert all("DTS_W_MAXIMUMERRORCOUNTREACHED" in event.message for event in warnings)


def test_fail_package_on_failure_starts_nothing_further() -> None:
    inner = sequence("S", task("A", fail_package_on_failure=True), task("B"))
    played = run(package("P.dtsx", inner, task("C"), max_error_count=0), scripts=failing("A"))
    assert played.ran == ["Package", "S", "A"]
    assert played.status is OperationStatus.FAILED


def test_fail_parent_on_failure_starts_nothing_further_in_the_parent() -> None:
    inner = sequence("S", task("A", fail_parent_on_failure=True), task("B"), max_error_count=0)
    played = run(package("P.dtsx", inner, task("C"), max_error_count=0), scripts=failing("A"))
    assert played.ran == ["Package", "S", "A", "C"]
    assert played.results["\\Package\\S"] is ExecutionResult.FAILURE
    assert played.status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("forced", "result", "status"),
    [
        (0, ExecutionResult.SUCCESS, OperationStatus.FAILED),
        (1, ExecutionResult.FAILURE, OperationStatus.FAILED),
        (2, ExecutionResult.COMPLETION, OperationStatus.FAILED),
    ],
)
def test_a_forced_result_is_that_of_the_task_whose_errors_count_all_the_same(
    forced: int, result: ExecutionResult, status: OperationStatus
) -> None:
    played = run(package("P.dtsx", task("A", force_execution_result=forced)), scripts=failing("A"))
    assert played.results["\\Package\\A"] is result
    assert played.status is status


def test_a_forced_failure_raises_no_error_so_that_only_constraints_see_it() -> None:
    arrows = [on_failure("A", "B")]
    played = run(package("P.dtsx", task("A", force_execution_result=1), task("B"), constraints=arrows))
    assert (played.ran, played.status) == (["Package", "A", "B"], OperationStatus.SUCCEEDED)
    assert played.texts(MessageType.ERROR) == []


def test_a_failed_child_package_fails_its_parent() -> None:
    played = run(
        package("Parent.dtsx", execute_package("Run child", "Child.dtsx")),
        package("Child.dtsx", task("A")),
        scripts=failing("A"),
    )
    assert played.status is OperationStatus.FAILED
    assert played.results["\\Package\\Run child"] is ExecutionResult.FAILURE


def test_a_child_package_has_its_own_name_and_paths() -> None:
    played = run(
        package("Parent.dtsx", sequence("S", execute_package("Run child", "Child.dtsx"))),
        package("Child.dtsx", task("A")),
    )
    child = [record for record in played.statistics if record.package_name == "Child.dtsx"]
    assert [(record.package_path, record.execution_path) for record in child] == [
        ("\\Package\\A", "\\Package\\S\\Run child\\Package\\A"),
        ("\\Package", "\\Package\\S\\Run child\\Package"),
    ]
    assert {(record.package_name, record.package_path) for record in played.executables} == {
        ("Parent.dtsx", "\\Package"),
        ("Parent.dtsx", "\\Package\\S"),
        ("Parent.dtsx", "\\Package\\S\\Run child"),
        ("Child.dtsx", "\\Package"),
        ("Child.dtsx", "\\Package\\A"),
    }


def test_the_executables_of_a_child_package_that_runs_twice_are_listed_once() -> None:
    played = run(
        package("Parent.dtsx", execute_package("One", "Child.dtsx"), execute_package("Two", "Child.dtsx")),
        package("Child.dtsx", task("A")),
    )
    assert len(played.executables) == 3 + 2
    assert len(played.statistics) == 3 + 2 * 2


def test_a_child_package_that_is_missing_fails_the_task() -> None:
    played = run(package("Parent.dtsx", execute_package("Run child", "Missing.dtsx")))
    assert played.status is OperationStatus.FAILED
    assert any("no package Missing.dtsx" in text for text in played.texts(MessageType.ERROR))


def test_packages_that_run_each_other_do_not_run_without_end() -> None:
    played = run(
        package("A.dtsx", execute_package("Run B", "B.dtsx")),
        package("B.dtsx", execute_package("Run A", "A.dtsx")),
    )
    assert played.status is OperationStatus.SUCCEEDED
    assert any("is already running" in text for text in played.texts(MessageType.WARNING))


@pytest.mark.parametrize(("depth", "status"), [(63, OperationStatus.SUCCEEDED), (64, OperationStatus.FAILED)])
def test_the_depth_of_nested_packages_is_limited(depth: int, status: OperationStatus) -> None:
    chain = [package(f"P{n}.dtsx", execute_package("Next", f"P{n + 1}.dtsx")) for n in range(depth)]
    assert run(*chain, package(f"P{depth}.dtsx")).status is status


def nested(depth: int, kind: Callable[..., Executable]) -> Executable:
    inner = task("Copy")
    for number in range(depth):
        inner = kind(f"L{number}", inner)
    return inner


@pytest.mark.parametrize("loop", [for_loop, foreach_loop])
def test_a_run_of_many_nested_loops_fails_after_a_bounded_number_of_turns(
    loop: Callable[..., Executable], monkeypatch: pytest.MonkeyPatch
) -> None:
    # With fewer iterations than the real bound, which take seconds.
    assert simulated_executor.MOST_EXECUTABLES == 100_000
    monkeypatch.setattr(simulated_executor, "MOST_EXECUTABLES", 2000)
    played = play(request(package("Load.dtsx", nested(61, loop)), level=LoggingLevel.NONE))
    assert played.status is OperationStatus.FAILED
    (text,) = played.texts(MessageType.ERROR)
    assert "was ended after 2000 tasks and containers" in text


def test_a_run_that_is_nested_too_deeply_fails() -> None:
    packages = [package("P0.dtsx", nested(60, sequence))]
    for number in range(1, 20):
        inner = execute_package(f"Run {number}", f"P{number - 1}.dtsx")
        for level in range(60):
            inner = sequence(f"S{level}", inner)
        packages.append(package(f"P{number}.dtsx", inner))
    played = play(request(packages[-1], *packages[:-1]))
    assert played.status is OperationStatus.FAILED
    assert any("nested too deeply to be simulated" in text for text in played.texts(MessageType.ERROR))


def test_sixty_nested_sequences_are_simulated() -> None:
    assert play(request(package("Load.dtsx", nested(60, sequence)))).status is OperationStatus.SUCCEEDED
