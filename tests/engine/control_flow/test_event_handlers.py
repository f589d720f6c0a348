"""Event handlers: which run, in which order, and what they see and decide."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from airflow_provider_ssis.engine import UnsupportedError
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.models import ConstraintValue
from airflow_provider_ssis.project.package.loops import ItemEnumerator
from tests.support.engine_runs import EngineRuns, add_task, codes, messages, ran, result_of


def fail(context: TaskContext) -> None:
    raise TaskFailure("The disk is full.", 0xC0202009)


def test_6_a_package_handler_of_pre_execute_runs_three_times_for_two_tasks(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "A")
    add_task(package, "B")
    add_task(package.event_handler("OnPreExecute"), "Log")
    assert ran(runs.run(package)).count("Log") == 3


def test_7_a_handler_of_the_error_runs_and_the_package_fails(runs: EngineRuns, tmp_path: Path) -> None:
    target = tmp_path / "copy.txt"
    package = PackageBuilder("P")
    add_task(package, "Copy")
    add_task(package.event_handler("OnError"), "Delete")

    def copy(context: TaskContext) -> None:
        if target.exists():
            raise TaskFailure("The file exists.")
        target.touch()

    functions = {"Copy": copy, "Delete": lambda context: target.unlink()}
    assert runs.run(package, functions).status is Result.SUCCESS
    second = runs.run(package, functions)
    assert (second.status, target.exists()) == (Result.FAILURE, False)


def test_handlers_run_from_the_inside_out_and_name_the_source(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    sequence = package.add_sequence("S")
    task = add_task(sequence, "T")
    for owner, name in ((package, "Package"), (sequence, "Sequence"), (task, "Task")):
        add_task(package.event_handler("OnError", of=owner), f"{name} handler")
    seen: list[tuple[str, str, int, str]] = []

    def log(context: TaskContext) -> None:
        source, text = context.read("System::SourceName"), context.read("System::ErrorDescription")
        seen.append((context.container.name, source, context.read("System::ErrorCode"), text))

    runs.run(package, {"T": fail, **{f"{name} handler": log for name in ("Package", "Sequence", "Task")}})
    code = 0xC0202009 - (1 << 32)
    assert seen == [(f"{name} handler", "T", code, "The disk is full.") for name in ("Task", "Sequence", "Package")]


def test_a_task_waits_for_the_handlers_of_its_events(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    add_task(package.event_handler("OnInformation"), "Handler")
    order: list[str] = []

    def task(context: TaskContext) -> None:
        context.information("Half done.", 0x40000000)
        order.append("task goes on")

    runs.run(package, {"T": task, "Handler": lambda _: order.append("handler")})
    assert order == ["handler", "task goes on"]


@pytest.mark.parametrize(("propagate", "turns", "status"), [(True, 1, Result.FAILURE), (False, 2, Result.SUCCESS)])
def test_propagate_false_ends_the_way_of_an_error(
    runs: EngineRuns, propagate: bool, turns: int, status: Result
) -> None:
    package = PackageBuilder("P")
    loop = package.add_foreach_loop("Loop", ItemEnumerator((((3, "1"),), ((3, "2"),))))
    task = add_task(loop, "T")
    package.event_handler("OnError", of=task, propagate=propagate)
    add_task(package.event_handler("OnError"), "Package handler")
    result = runs.run(package, {"T": fail})
    assert (ran(result).count("T"), result.status) == (turns, status)
    assert ("Package handler" in ran(result)) is propagate


def test_a_failure_in_a_handler_that_fails_the_package_ends_the_handler(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    first = add_task(package, "First")
    package.connect(first, add_task(package, "Second"))
    handler = package.event_handler("OnPostExecute", of=first)
    fails = add_task(handler, "Fails", options=Options(fail_package_on_failure=True))
    handler.add_constraint(fails, add_task(handler, "Next"), value=ConstraintValue.COMPLETION)
    result = runs.run(package, {"Fails": fail})
    assert (ran(result), result.status) == (["Fails", "First", "P"], Result.FAILURE)


def test_a_handler_of_a_change_uses_the_slot_of_the_task_and_does_not_handle_itself(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("N", 0, raise_changed_event=True)
    add_task(package, "T").set_attributes({"ExecValueVariable": "User::N"})
    add_task(package.event_handler("OnVariableValueChanged"), "Handler")

    def increase(context: TaskContext) -> int:
        context.write("N", context.read("N") + 1)
        return 10

    one = {"\\Package.Properties[MaxConcurrentExecutables]": "1"}
    result = runs.run(package, {"T": increase, "Handler": increase}, property_overrides=one)
    assert ran(result) == ["Handler", "Handler", "T", "P"]
    assert result.variables["User::N"] == 11


def test_an_equal_value_is_not_a_change(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Day", datetime(2024, 2, 29), raise_changed_event=True)
    package.add_variable("Amount", Decimal("1.50"), raise_changed_event=True)
    add_task(package, "T")
    add_task(package.event_handler("OnVariableValueChanged"), "Handler")

    def task(context: TaskContext) -> None:
        context.write("Day", datetime(2024, 2, 29))
        context.write("Amount", Decimal("1.5"))

    assert "Handler" not in ran(runs.run(package, {"T": task}))


def test_a_handler_can_set_propagate(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    task = add_task(package, "T")
    add_task(package.event_handler("OnError", of=task), "Handler")
    result = runs.run(package, {"T": fail, "Handler": lambda context: context.write("System::Propagate", False)})
    assert (result_of(result, "T"), result.status) == (Result.FAILURE, Result.SUCCESS)


def test_a_handler_can_stop_a_task_by_cancel(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    add_task(package.event_handler("OnWarning"), "Handler")
    reached: list[bool] = []

    def task(context: TaskContext) -> None:
        context.warning("The disk is nearly full.", 0x80000001)
        reached.append(True)

    result = runs.run(package, {"T": task, "Handler": lambda context: context.write("System::Cancel", True)})
    assert (reached, result_of(result, "T")) == ([], Result.FAILURE)


def test_system_variables_cannot_be_written_outside_of_handlers(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    for name in ("System::Cancel", "System::TaskName"):
        result = runs.run(package, {"T": lambda context, name=name: context.write(name, True)})  # type: ignore[misc]
        assert result.status is Result.FAILURE


def test_an_error_in_a_handler_counts_for_the_containers_around(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=1))
    sequence = package.add_sequence("S")
    add_task(sequence, "T")
    add_task(package.event_handler("OnPostExecute", of=sequence), "Handler")
    result = runs.run(package, {"Handler": fail})
    assert result.status is Result.FAILURE


def test_handlers_do_not_call_themselves_or_each_other_without_end(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    add_task(package.event_handler("OnPreExecute"), "First")
    add_task(package.event_handler("OnError"), "Second")
    result = runs.run(package, {"First": fail, "Second": fail})
    assert result.status is Result.SUCCESS
    assert len(ran(result)) < 20


def test_disabled_handlers_do_not_run_but_errors_count(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    sequence = package.add_sequence("S", options=Options(disable_event_handlers=True))
    task = add_task(sequence, "T")
    add_task(package.event_handler("OnError", of=sequence), "Of the sequence")
    handler = package.event_handler("OnError", of=task)
    handler.disabled = True
    add_task(handler, "Of the task")
    result = runs.run(package, {"T": fail})
    assert (ran(result), result.status) == (["T", "S", "P"], Result.FAILURE)


def test_the_variables_of_a_handler_are_seen_by_its_tasks(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    handler = package.event_handler("OnPostExecute")
    handler.add_variable("Count", 0)
    add_task(handler, "Handler")
    seen: list[int] = []

    def count(context: TaskContext) -> None:
        context.write("Count", context.read("Count") + 1)
        seen.append(context.read("User::Count"))

    runs.run(package, {"Handler": count})
    assert seen == [1, 2]


def test_on_task_failed_follows_the_error(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    add_task(package.event_handler("OnTaskFailed"), "Handler")
    result = runs.run(package, {"T": fail})
    names = messages(result, EventName.ERROR, EventName.TASK_FAILED, EventName.POST_EXECUTE)
    assert names[:4] == [("OnError", "T"), ("OnTaskFailed", "T"), ("OnPostExecute", "Handler"), ("OnPostExecute", "T")]


def test_a_changed_variable_raises_an_event_at_its_container(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    sequence = package.add_sequence("S")
    sequence.add_variable("Rows", 0, raise_changed_event=True)
    sequence.add_variable("Other", 0)
    add_task(sequence, "T")
    add_task(package.event_handler("OnVariableValueChanged", of=sequence), "Handler")
    seen: list[tuple[str, str]] = []

    def change(context: TaskContext) -> None:
        context.write("Rows", 5)
        context.write("Rows", 5)
        context.write("Other", 5)

    def handler(context: TaskContext) -> None:
        seen.append((context.read("System::SourceName"), context.read("System::VariableID")))

    result = runs.run(package, {"T": change, "Handler": handler})
    assert [name for name, _ in seen] == ["S"]
    assert messages(result, EventName.VARIABLE_VALUE_CHANGED) == [("OnVariableValueChanged", "S")]


def test_18_events_of_a_child_package_reach_the_handlers_of_its_parent(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    add_task(child, "Bad")
    child.event_handler("OnError", propagate=False)
    add_task(parent, "Run the child")
    add_task(parent.event_handler("OnError"), "On error")
    add_task(parent.event_handler("OnTaskFailed"), "On task failed")
    result = runs.run(
        project, {"Bad": fail, "Run the child": lambda context: context.run_child("Child.dtsx", {})}, "Parent"
    )
    assert ran(result).count("On error") == 1
    assert ran(result).count("On task failed") == 2
    assert (codes(result), result.status) == ([0xC0202009], Result.FAILURE)


def test_a_failure_in_the_last_handler_of_a_package_fails_the_package(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package.event_handler("OnPostExecute"), "Handler")
    assert runs.run(package, {"Handler": fail}).status is Result.FAILURE


def test_a_handler_of_cancelling_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    handler = package.event_handler("OnQueryCancel")
    assert runs.run(package).status is Result.SUCCESS
    add_task(handler, "Handler")
    with pytest.raises(UnsupportedError, match="runs none while it cancels"):
        runs.run(package)
