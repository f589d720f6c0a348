"""The order of executables and messages, results and errors, as Integration Services has them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from tests.support.engine_runs import EngineRuns, Function, add_task, codes, messages, ran, result_of


def fail(context: TaskContext) -> None:
    raise TaskFailure("The disk is full.", 0xC0202009)


def test_the_messages_of_a_package_with_one_task(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    result = runs.run(package)
    assert messages(result) == [
        ("OnPreValidate", "P"),
        ("OnPreValidate", "T"),
        ("OnPostValidate", "T"),
        ("OnPostValidate", "P"),
        ("OnPreExecute", "P"),
        ("OnPreExecute", "T"),
        ("OnPreValidate", "T"),
        ("OnPostValidate", "T"),
        ("OnPostExecute", "T"),
        ("OnPostExecute", "P"),
    ]
    assert (result.status, result.exit_code) == (Result.SUCCESS, 0)
    assert [(one.place.execution_path, one.result) for one in result.statistics] == [
        ("\\Package\\T", Result.SUCCESS),
        ("\\Package", Result.SUCCESS),
    ]


def test_delay_validation_skips_the_validation_before_the_package_runs(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T", options=Options(delay_validation=True))
    result = runs.run(package)
    assert messages(result)[:3] == [("OnPreValidate", "P"), ("OnPostValidate", "P"), ("OnPreExecute", "P")]
    assert messages(result, EventName.PRE_VALIDATE) == [("OnPreValidate", "P"), ("OnPreValidate", "T")]


def test_a_failing_task_raises_its_error_then_task_failed_then_post_execute(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    result = runs.run(package, {"T": fail})
    assert messages(result)[-5:] == [
        ("OnError", "T"),
        ("OnTaskFailed", "T"),
        ("OnPostExecute", "T"),
        ("OnWarning", "P"),
        ("OnPostExecute", "P"),
    ]
    assert codes(result) == [0xC0202009]
    assert codes(result, EventName.WARNING) == [0x80019002]
    assert (result.status, result.exit_code) == (Result.FAILURE, 1)


def test_nothing_runs_after_a_failed_validation(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "Bad")
    add_task(package, "Good")
    result = runs.run(package, {"Bad validate": fail})
    assert codes(result) == [0xC0202009, 0xC0024107]
    assert result.statistics == ()
    assert result.status is Result.FAILURE


def test_a_task_with_delayed_validation_fails_alone(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "Bad", options=Options(delay_validation=True))
    add_task(package, "Good")
    result = runs.run(package, {"Bad validate": fail})
    assert (result_of(result, "Bad"), result_of(result, "Good")) == (Result.FAILURE, Result.SUCCESS)


def test_5_the_successor_of_a_disabled_task_runs(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    first = add_task(package, "First", options=Options(disabled=True))
    second = add_task(package, "Second")
    never = add_task(package, "After its failure")
    package.connect(first, second)
    package.add_constraint(first, never, value=ConstraintValue.FAILURE)
    result = runs.run(package)
    assert ran(result) == ["Second", "P"]


def test_a_disabled_package_runs_nothing(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(disabled=True))
    add_task(package, "T")
    result = runs.run(package)
    assert (result.messages, result.status) == ((), Result.SUCCESS)


def test_9_a_task_that_raises_an_error_and_succeeds_fails_at_its_end(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    reached = []

    def task(context: TaskContext) -> None:
        context.error("A row is wrong.", 0xC0000001)
        reached.append(True)

    result = runs.run(package, {"T": task})
    assert reached
    assert result_of(result, "T") is Result.FAILURE
    assert messages(result, EventName.WARNING, EventName.ERROR) == [
        ("OnError", "T"),
        ("OnWarning", "T"),
        ("OnWarning", "P"),
    ]


def test_10_a_handled_failure_fails_the_package(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    bad, good = add_task(package, "Bad"), add_task(package, "Good")
    package.add_constraint(bad, good, value=ConstraintValue.FAILURE)
    result = runs.run(package, {"Bad": fail})
    assert ran(result) == ["Bad", "Good", "P"]
    assert result.status is Result.FAILURE


def test_without_a_maximum_of_errors_a_handled_failure_succeeds(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    bad, good = add_task(package, "Bad"), add_task(package, "Good")
    package.add_constraint(bad, good, value=ConstraintValue.FAILURE)
    assert runs.run(package, {"Bad": fail}).status is Result.SUCCESS


@pytest.mark.parametrize(
    ("eval_op", "expression", "runs_after"),
    [
        (EvalOp.EXPRESSION_AND_CONSTRAINT, "FALSE", False),
        (EvalOp.EXPRESSION_AND_CONSTRAINT, "@[User::Rows] == 1", True),
        (EvalOp.EXPRESSION_OR_CONSTRAINT, "FALSE", True),
        (EvalOp.EXPRESSION, "FALSE", False),
    ],
)
def test_19_constraints_with_expressions(runs: EngineRuns, eval_op: EvalOp, expression: str, runs_after: bool) -> None:
    package = PackageBuilder("P")
    package.add_variable("Rows", 0)
    first, second = add_task(package, "First"), add_task(package, "Second")
    package.add_constraint(first, second, eval_op=eval_op, expression=expression)
    result = runs.run(package, {"First": lambda context: context.write("User::Rows", 1)})
    assert ("Second" in ran(result)) is runs_after
    assert result.status is Result.SUCCESS


def test_an_expression_constraint_does_not_ask_for_the_result(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    first, second = add_task(package, "First"), add_task(package, "Second")
    package.add_constraint(first, second, eval_op=EvalOp.EXPRESSION, expression="TRUE")
    assert "Second" in ran(runs.run(package, {"First": fail}))


@pytest.mark.parametrize(("logical_and", "expected"), [(False, 1), (True, 0)])
def test_20_one_of_two_predecessors_is_enough_for_a_logical_or(
    runs: EngineRuns, logical_and: bool, expected: int
) -> None:
    package = PackageBuilder("P")
    good, bad, last = add_task(package, "Good"), add_task(package, "Bad"), add_task(package, "Last")
    package.add_constraint(good, last, logical_and=logical_and)
    package.add_constraint(bad, last, logical_and=logical_and)
    assert ran(runs.run(package, {"Bad": fail})).count("Last") == expected


def test_a_predecessor_that_never_ran_satisfies_nothing(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    first, never, last = add_task(package, "First"), add_task(package, "Never"), add_task(package, "Last")
    package.add_constraint(first, never, value=ConstraintValue.FAILURE)
    package.add_constraint(never, last, value=ConstraintValue.COMPLETION)
    result = runs.run(package)
    assert (ran(result), result.status) == (["First", "P"], Result.SUCCESS)


def test_fail_package_on_failure_starts_nothing_further(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    bad = add_task(package, "Bad", options=Options(fail_package_on_failure=True))
    after = add_task(package, "After")
    package.add_constraint(bad, after, value=ConstraintValue.COMPLETION)
    result = runs.run(package, {"Bad": fail})
    assert (ran(result), result.status) == (["Bad", "P"], Result.FAILURE)


def test_fail_parent_on_failure_fails_the_container_without_counting(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    sequence = package.add_sequence("S", options=Options(max_error_count=0))
    add_task(sequence, "Bad", options=Options(fail_parent_on_failure=True))
    result = runs.run(package, {"Bad": fail})
    assert (result_of(result, "S"), result.status) == (Result.FAILURE, Result.SUCCESS)


@pytest.mark.parametrize(
    ("forced", "function", "expected"),
    [(0, fail, Result.SUCCESS), (1, None, Result.FAILURE), (2, fail, Result.COMPLETION)],
)
def test_a_forced_result_replaces_the_real_one(
    runs: EngineRuns, forced: int, function: object, expected: Result
) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    add_task(package, "T", options=Options(force_execution_result=forced))
    result = runs.run(package, {"T": function} if function else {})  # type: ignore[dict-item]  # a function of a test
    assert result_of(result, "T") is expected
    assert codes(result) == ([0xC0202009] if function else [])


def test_tasks_without_constraints_run_at_the_same_time(runs: EngineRuns) -> None:
    package = PackageBuilder("P", max_concurrent_executables=2)
    both = threading.Barrier(2, timeout=20)
    for name in ("A", "B"):
        add_task(package, name)
    result = runs.run(package, {"A": lambda _: both.wait(), "B": lambda _: both.wait()})
    assert result.status is Result.SUCCESS


def test_at_most_max_concurrent_executables_run_in_the_whole_package(runs: EngineRuns) -> None:
    package = PackageBuilder("P", max_concurrent_executables=1)
    active, most, lock = [0], [0], threading.Lock()

    def task(context: TaskContext) -> None:
        with lock:
            active[0] += 1
            most[0] = max(most[0], active[0])
        context.information("Working.", 0)
        with lock:
            active[0] -= 1

    names = []
    for parent in (package, package.add_sequence("S"), package.add_sequence("T")):
        for number in range(2):
            names.append(f"{parent.name}{number}")
            add_task(parent, names[-1])
    # The tasks of an event handler run on the slot of the task that waits for them.
    add_task(package.event_handler("OnInformation"), "Log")
    result = runs.run(package, dict.fromkeys(names, task))
    assert (result.status, most) == (Result.SUCCESS, [1])
    assert ran(result).count("Log") == 6


def test_the_execution_value_is_reported(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    result = runs.run(package, {"T": lambda _: 42})
    assert [one.execution_value for one in result.statistics] == ["42", None]


def test_an_unexpected_error_of_a_function_fails_the_task(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    result = runs.run(package, {"T": lambda _: 1 // 0})
    assert codes(result) == [0xC002F304]
    assert "ZeroDivisionError" in next(one.text for one in result.messages if one.name is EventName.ERROR)


def test_cancelling_ends_the_run_at_once(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    first, second = add_task(package, "First"), add_task(package, "Second")
    package.connect(first, second)
    token = CancelToken()

    def wait(context: TaskContext) -> None:
        threading.Thread(target=token.cancel).start()
        context.cancel.wait(60)

    result = runs.run(package, {"First": wait}, cancel=token)
    assert (result.status, result.exit_code) == (Result.CANCELED, 3)
    assert messages(result, EventName.QUERY_CANCEL) == [("OnQueryCancel", "First"), ("OnQueryCancel", "P")]
    assert ran(result) == ["First", "P"]


def test_a_run_that_was_cancelled_before_it_began_runs_nothing(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    token = CancelToken()
    token.cancel()
    assert runs.run(package, cancel=token).status is Result.CANCELED


@pytest.mark.parametrize(("functions", "exit_code"), [({}, 0), ({"T validate": fail}, 1)])
def test_a_package_can_be_validated_alone(runs: EngineRuns, functions: dict[str, Function], exit_code: int) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    result = runs.run(package, functions, validate_only=True)
    assert (result.exit_code, result.statistics) == (exit_code, ())
    assert {one.name for one in result.messages} - {EventName.ERROR} == {
        EventName.PRE_VALIDATE,
        EventName.POST_VALIDATE,
    }


class _Silent:
    """A value without a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize("error", [SystemExit(0), Cancelled(), GeneratorExit(), asyncio.CancelledError()])
def test_a_task_cannot_end_the_run(runs: EngineRuns, error: BaseException) -> None:
    package = PackageBuilder("P")
    package.connect(add_task(package, "First"), add_task(package, "Second"))

    def end(context: TaskContext) -> None:
        raise error

    result = runs.run(package, {"First": end})
    assert (ran(result), result.status) == (["First", "P"], Result.FAILURE)


def test_an_execution_value_without_a_text_is_described(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    [value, _] = [one.execution_value for one in runs.run(package, {"T": lambda _: _Silent()}).statistics]
    assert value == "a value of the type _Silent"


@pytest.mark.parametrize(("warn_as_error", "status"), [(True, Result.FAILURE), (False, Result.SUCCESS)])
def test_a_warning_of_the_validation_can_count_as_an_error(
    runs: EngineRuns, warn_as_error: bool, status: Result
) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    functions: dict[str, Function] = {
        "T validate": lambda context: context.warning("The table has changed.", 0x80000001)
    }
    result = runs.run(package, functions, warn_as_error=warn_as_error)
    assert (result.status, "T" in ran(result)) == (status, not warn_as_error)
    only_later: dict[str, Function] = {"T": functions["T validate"]}
    assert runs.run(package, only_later, warn_as_error=True).status is Result.SUCCESS


@pytest.mark.parametrize(("stored", "code"), [("-1", 0x40016051), ("2", 0x40016052)])
def test_a_verbose_run_names_the_most_tasks_at_the_same_time(runs: EngineRuns, stored: str, code: int) -> None:
    package = PackageBuilder("P")
    overrides = {"\\Package.Properties[MaxConcurrentExecutables]": stored}
    verbose = runs.run(package, property_overrides=overrides, logging_level=3)
    assert codes(verbose, EventName.DIAGNOSTIC) == [code]
    assert codes(runs.run(package, property_overrides=overrides), EventName.DIAGNOSTIC) == []
