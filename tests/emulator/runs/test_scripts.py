"""Scripts: which runs and executables they are for, how often, and what they make of a run."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ssis.catalog.codes import ExecutionResult, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook, signed_code
from airflow_provider_ssis.project.models import ForeachItems, Package
from tests.support.simulated_runs import Played, play, request, run
from tests.support.ssis_projects import data_flow, execute_package, foreach_loop, package, sequence, task

LOAD = package("Load.dtsx", sequence("S", task("Copy"), task("Load [new]*")), task("End"))


def status_after(scripts: ScriptBook, one: Package = LOAD, *others: Package) -> OperationStatus:
    return run(one, *others, scripts=scripts).status


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"package": "Load.dtsx"},
        {"package": "load.DTSX"},
        {"package": "L*.dtsx", "project": "M?rt", "folder": "*"},
        {"executable": "Copy"},
        {"executable": "copy", "package": "Load.dtsx"},
        {"executable": "\\Package\\S\\Copy"},
        {"executable": "\\Package\\S\\*"},
        {"executable": "Load [new]*"},
    ],
)
def test_a_script_is_for_what_it_names(target: dict[str, Any]) -> None:
    scripts = ScriptBook()
    scripts.fail(**target)
    assert status_after(scripts) is OperationStatus.FAILED


@pytest.mark.parametrize(
    "target",
    [
        {"package": "Other.dtsx"},
        {"package": "oad.dtsx"},
        {"project": "Other"},
        {"folder": "Other"},
        {"executable": "Cop"},
        {"executable": "\\Package\\Copy"},
        {"executable": "Load [xnew]*"},
        {"executable": "Copy", "package": "Other.dtsx"},
    ],
)
def test_a_script_is_for_nothing_else(target: dict[str, Any]) -> None:
    scripts = ScriptBook()
    scripts.fail(**target)
    assert status_after(scripts) is OperationStatus.SUCCEEDED


def test_a_script_may_name_a_child_package() -> None:
    parent = package("Parent.dtsx", execute_package("Run", "Load.dtsx"), task("Copy"))
    scripts = ScriptBook()
    scripts.fail(package="Load.dtsx", executable="Copy")
    played = run(parent, LOAD, scripts=scripts)
    assert played.results["\\Package\\Run\\Package\\S\\Copy"] is ExecutionResult.FAILURE
    assert played.results["\\Package\\Copy"] is ExecutionResult.SUCCESS


def test_a_script_for_the_parent_holds_in_its_children() -> None:
    parent = package("Parent.dtsx", execute_package("Run", "Load.dtsx"))
    scripts = ScriptBook()
    scripts.fail(package="Parent.dtsx", executable="Copy")
    assert status_after(scripts, parent, LOAD) is OperationStatus.FAILED


def test_a_script_that_names_no_executable_is_for_the_package_that_is_run() -> None:
    parent = package("Parent.dtsx", execute_package("Run", "Load.dtsx"))
    scripts = ScriptBook()
    scripts.warn("Careful.")
    assert run(parent, LOAD, scripts=scripts).texts(MessageType.WARNING) == ["Parent:Warning: Careful."]


def test_a_script_for_some_executions_counts_them() -> None:
    scripts = ScriptBook()
    scripts.fail(package="Load.dtsx", executable="Copy", times=2)
    other = package("Other.dtsx")
    assert status_after(scripts, other) is OperationStatus.SUCCEEDED
    statuses = [status_after(scripts) for _ in range(3)]
    assert statuses == [OperationStatus.FAILED, OperationStatus.FAILED, OperationStatus.SUCCEEDED]


def test_scripts_hold_until_they_are_cleared() -> None:
    scripts = ScriptBook()
    scripts.fail()
    assert status_after(scripts) is OperationStatus.FAILED
    assert status_after(scripts) is OperationStatus.FAILED
    scripts.clear()
    assert status_after(scripts) is OperationStatus.SUCCEEDED


def test_scripts_add_up() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy", message="First.")
    scripts.fail(executable="Copy", message="Second.")
    scripts.take(1, executable="Copy")
    scripts.take(2, executable="Copy")
    played = run(LOAD, scripts=scripts)
    assert played.texts(MessageType.ERROR) == ["Copy:Error: First.", "Copy:Error: Second."]
    assert played.seconds == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("executable", [None, "S"])
def test_a_package_or_container_fails_before_anything_in_it_runs(executable: str | None) -> None:
    scripts = ScriptBook()
    scripts.fail(executable=executable, message="It is not licensed.")
    played = run(LOAD, scripts=scripts)
    assert played.status is OperationStatus.FAILED
    assert "Copy" not in played.ran


def test_an_executable_that_crashes_ends_the_run_without_another_word() -> None:
    scripts = ScriptBook()
    scripts.crash(executable="Copy")
    played = run(LOAD, scripts=scripts)
    assert played.status is OperationStatus.ENDED_UNEXPECTEDLY
    assert played.statistics == []
    assert played.events[-1].message_source_name == "Copy"


def test_a_crash_waits_for_the_time_that_was_scripted() -> None:
    scripts = ScriptBook()
    scripts.crash(executable="Copy")
    scripts.take(3, executable="Copy")
    assert run(LOAD, scripts=scripts).seconds == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("status", [3, 4, 6, 7, 9])
def test_a_script_sets_the_final_status(status: int) -> None:
    scripts = ScriptBook()
    scripts.finish(OperationStatus(status))
    assert status_after(scripts) == status


# --- messages


@pytest.mark.parametrize(
    ("message_type", "text"),
    [
        (MessageType.INFORMATION, "Copy:Information: Read this."),
        (MessageType.WARNING, "Copy:Warning: Read this."),
        (MessageType.ERROR, "Copy:Error: Read this."),
    ],
)
def test_an_executable_writes_what_it_is_asked_for(message_type: MessageType, text: str) -> None:
    scripts = ScriptBook()
    scripts.write(message="Read this.", message_type=message_type, code=0xC0202009, executable="Copy")
    (event,) = (event for event in run(LOAD, scripts=scripts).events if "Read this." in event.message)
    assert (event.message, event.message_type, event.message_code) == (text, message_type, -1071636471)


def test_an_error_that_is_written_counts_as_one() -> None:
    scripts = ScriptBook()
    scripts.write(message_type=MessageType.ERROR, executable="Copy")
    assert status_after(scripts) is OperationStatus.FAILED


def test_many_messages_are_numbered_and_spread_over_the_time_of_the_task() -> None:
    scripts = ScriptBook()
    scripts.write(1000, message="Row", executable="Copy")
    scripts.take(10, executable="Copy")
    events = [event for event in run(LOAD, scripts=scripts).events if "Row" in event.message]
    assert [event.message for event in events] == [f"Copy:Information: Row ({n} of 1000)" for n in range(1, 1001)]
    gaps = [(after.message_time - before.message_time).total_seconds() for before, after in itertools.pairwise(events)]
    assert gaps == pytest.approx([0.01] * 999, abs=0.0001)


# --- time


def durations(played: Played) -> dict[str, float]:
    return {record.execution_path: record.execution_duration / 1000 for record in played.statistics}


def test_the_time_of_a_package_is_spread_over_its_tasks() -> None:
    scripts = ScriptBook()
    scripts.take(9, package="Load.dtsx")
    played = run(LOAD, scripts=scripts)
    assert durations(played) == pytest.approx(
        {
            "\\Package\\S\\Copy": 3,
            "\\Package\\S\\Load [new]*": 3,
            "\\Package\\S": 6,
            "\\Package\\End": 3,
            "\\Package": 9,
        },
        abs=0.01,
    )


def test_the_time_of_a_package_is_spread_over_turns_and_child_packages_too() -> None:
    parent = package("Parent.dtsx", foreach_loop("Each", task("A")), execute_package("Run", "Load.dtsx"))
    scripts = ScriptBook()
    scripts.take(12, package="Parent.dtsx")
    times = durations(run(parent, LOAD, scripts=scripts))
    assert times["\\Package"] == pytest.approx(12, abs=0.01)
    assert times["\\Package\\Each[2]\\A"] == pytest.approx(2, abs=0.01)
    assert times["\\Package\\Run\\Package\\End"] == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("count", [1, 6])
def test_the_time_of_a_package_is_spread_over_the_items_of_a_loop(count: int) -> None:
    items = ForeachItems((((8, "x"),),) * count, ())
    parent = package("Parent.dtsx", replace(foreach_loop("Each", task("A")), foreach_items=items))
    scripts = ScriptBook()
    scripts.take(12, package="Parent.dtsx")
    times = durations(run(parent, scripts=scripts))
    assert times["\\Package"] == pytest.approx(12, abs=0.01)
    assert times[f"\\Package\\Each[{count}]\\A"] == pytest.approx(12 / count, abs=0.01)


def test_a_package_takes_its_time_although_tasks_are_passed_over() -> None:
    scripts = ScriptBook()
    scripts.take(9, package="Load.dtsx")
    scripts.fail(executable="S", message="No.")
    assert run(LOAD, scripts=scripts).seconds == pytest.approx(9, abs=0.01)


def test_the_time_of_a_task_goes_before_that_of_the_package() -> None:
    scripts = ScriptBook()
    scripts.take(9, package="Load.dtsx")
    scripts.take(1, executable="Copy")
    times = durations(run(LOAD, scripts=scripts))
    assert times["\\Package\\S\\Copy"] == pytest.approx(1, abs=0.01)
    assert times["\\Package"] == pytest.approx(9, abs=0.01)


def test_the_time_of_an_execute_package_task_is_that_of_its_child() -> None:
    parent = package("Parent.dtsx", execute_package("Run", "Load.dtsx"))
    scripts = ScriptBook()
    scripts.take(6, executable="Run")
    times = durations(run(parent, LOAD, scripts=scripts))
    assert times["\\Package\\Run\\Package\\S\\Copy"] == pytest.approx(2, abs=0.01)
    assert times["\\Package\\Run"] == pytest.approx(6, abs=0.01)


def test_packages_that_run_each_other_share_their_time() -> None:
    scripts = ScriptBook()
    scripts.take(5, package="A.dtsx")
    played = run(
        package("A.dtsx", execute_package("Run B", "B.dtsx")),
        package("B.dtsx", task("T"), execute_package("Run A", "A.dtsx")),
        scripts=scripts,
    )
    assert played.seconds == pytest.approx(5, abs=0.01)


# --- being stopped


def test_a_run_that_is_stopped_ends_what_was_active_as_cancelled() -> None:
    scripts = ScriptBook()
    scripts.take(30, package="Load.dtsx")
    played = play(request(LOAD), scripts, stop_when=lambda so_far: so_far.seconds > 15)
    assert played.status is OperationStatus.CANCELED
    assert played.results == {
        "\\Package\\S\\Copy": ExecutionResult.SUCCESS,
        "\\Package\\S\\Load [new]*": ExecutionResult.CANCELLED,
        "\\Package\\S": ExecutionResult.CANCELLED,
        "\\Package": ExecutionResult.CANCELLED,
    }
    assert [event.message_source_name for event in played.events if event.message_type is MessageType.QUERY_CANCEL] == [
        "Load [new]*",
        "S",
        "Load",
    ]


def test_a_long_list_of_messages_can_be_stopped() -> None:
    scripts = ScriptBook()
    scripts.write(100_000, executable="Copy")
    played = play(request(LOAD), scripts, stop_when=lambda so_far: len(so_far.records) > 5000)
    assert played.status is OperationStatus.CANCELED
    assert len(played.records) < 10_000


def test_a_data_flow_that_is_stopped_says_nothing_of_rows() -> None:
    scripts = ScriptBook()
    scripts.take(5, executable="Orders")
    one = package("Load.dtsx", data_flow("Orders"))
    played = play(request(one), scripts, stop_when=lambda so_far: so_far.seconds >= 5)
    assert not any("wrote" in event.message for event in played.events)
    assert played.results["\\Package\\Orders"] is ExecutionResult.CANCELLED


# --- arguments that cannot be


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan])
def test_an_invalid_duration_is_rejected(seconds: float) -> None:
    with pytest.raises(ValueError, match="is not a duration in seconds"):
        ScriptBook().take(seconds)
    with pytest.raises(ValueError, match="is not a duration in seconds"):
        ScriptBook().hang(seconds)


def test_other_invalid_arguments_are_rejected() -> None:
    scripts = ScriptBook()
    with pytest.raises(ValueError, match="32 bits"):
        scripts.fail(code=1 << 32)
    with pytest.raises(ValueError, match="a failure needs at least one"):
        scripts.fail(message=[])
    with pytest.raises(ValueError, match="applies to at least one execution"):
        scripts.fail(times=0)
    with pytest.raises(ValueError, match="negative"):
        scripts.write(-1)
    with pytest.raises(ValueError, match="message_type is 40"):
        scripts.write(message_type=MessageType.POST_EXECUTE)
    with pytest.raises(ValueError, match="status is 2"):
        scripts.finish(OperationStatus.RUNNING)
    assert status_after(scripts) is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("code", "signed"), [(0xC0202009, -1071636471), (-1071636471, -1071636471), (0x40043006, 0x40043006), (0, 0)]
)
def test_codes_are_kept_signed(code: int, signed: int) -> None:
    assert signed_code(code) == signed


def test_scripts_may_be_added_from_many_threads() -> None:
    scripts = ScriptBook()
    threads = [threading.Thread(target=lambda: scripts.warn("Careful.", executable="Copy")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run(LOAD, scripts=scripts).texts(MessageType.WARNING)) == 20
