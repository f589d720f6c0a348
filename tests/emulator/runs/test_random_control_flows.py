"""Rules that hold for any control flow, with any scripts."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import ExecutionResult, LoggingLevel, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.control_flow import all_executables
from airflow_provider_ssis.emulator.runs.records import StatisticsRecord
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.project.models import (
    ConstraintValue,
    EvalOp,
    EventHandler,
    Executable,
    Package,
    PrecedenceConstraint,
)
from tests.support.simulated_runs import Played, play, request
from tests.support.ssis_projects import (
    constraint,
    data_flow,
    event_handler,
    execute_package,
    for_loop,
    foreach_loop,
    package,
    sequence,
    task,
)

pytestmark = pytest.mark.slow

NAMES = ("A", "B", "C", "D")
EVENTS = ("OnError", "OnPreExecute", "OnPostExecute", "OnWarning", "OnTaskFailed", "OnInformation")
CHILD = "Child.dtsx"


@st.composite
def constraints_between(draw: st.DrawFn, names: list[str]) -> list[PrecedenceConstraint]:
    """Arrows from earlier to later executables, so that none go in a circle."""
    pairs = [(source, target) for at, source in enumerate(names) for target in names[at + 1 :]]
    return [
        constraint(
            source,
            target,
            draw(st.sampled_from(ConstraintValue)),
            eval_op=draw(st.sampled_from(EvalOp)),
            logical_and=draw(st.booleans()),
        )
        for source, target in pairs
        if draw(st.integers(0, 2)) == 0
    ]


@st.composite
def handlers(draw: st.DrawFn) -> list[EventHandler]:
    events = draw(st.lists(st.sampled_from(EVENTS), max_size=1))
    return [event_handler(event, task("Handle"), disabled=draw(st.booleans())) for event in events]


@st.composite
def executables(draw: st.DrawFn, depth: int = 0) -> tuple[list[Executable], list[PrecedenceConstraint]]:
    """Executables of one container, with constraints between them."""
    names = list(NAMES[: draw(st.integers(0, 4 if depth == 0 else 2))])
    children = []
    for name in names:
        kinds = ["task", "flow", "package"] + ([] if depth > 1 else ["sequence", "for", "foreach"])
        kind = draw(st.sampled_from(kinds))
        disabled = draw(st.integers(0, 5)) == 0
        if kind == "task":
            children.append(
                task(
                    name,
                    event_handlers=draw(handlers()),
                    disabled=disabled,
                    max_error_count=draw(st.integers(0, 2)),
                    fail_parent_on_failure=draw(st.booleans()),
                    fail_package_on_failure=draw(st.booleans()),
                    force_execution_result=draw(st.sampled_from([None, None, 0, 1, 2])),
                )
            )
        elif kind == "flow":
            children.append(data_flow(name, event_handlers=draw(handlers()), disabled=disabled))
        elif kind == "package":
            children.append(execute_package(name, CHILD, disabled=disabled))
        else:
            inner, arrows = draw(executables(depth + 1))
            make = {"sequence": sequence, "for": for_loop, "foreach": foreach_loop}[kind]
            children.append(make(name, *inner, constraints=arrows, disabled=disabled))
    return children, draw(constraints_between(names))


@st.composite
def packages(draw: st.DrawFn, name: str) -> Package:
    children, arrows = draw(executables())
    return package(
        name,
        *children,
        constraints=arrows,
        event_handlers=draw(handlers()),
        max_error_count=draw(st.integers(0, 3)),
    )


@st.composite
def script_books(draw: st.DrawFn) -> ScriptBook:
    scripts = ScriptBook()
    for name in draw(st.lists(st.sampled_from([*NAMES, "Handle"]), max_size=2, unique=True)):
        scripts.fail(executable=name)
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=1)):
        scripts.write(2, message_type=MessageType.WARNING, executable=name)
    for seconds in draw(st.lists(st.integers(0, 100), max_size=1)):
        scripts.take(seconds, executable=draw(st.sampled_from([*NAMES, None])))
    return scripts


@st.composite
def runs(draw: st.DrawFn) -> Played:
    asked = request(
        draw(packages("Main.dtsx")),
        draw(packages(CHILD)),
        level=draw(st.sampled_from([LoggingLevel.BASIC, LoggingLevel.VERBOSE])),
    )
    stop_at = draw(st.one_of(st.none(), st.integers(0, 60)))
    return play(
        asked,
        draw(script_books()),
        stop_when=None if stop_at is None else lambda so_far: len(so_far.records) >= stop_at,
    )


def is_inside(inner: StatisticsRecord, outer: StatisticsRecord) -> bool:
    path = inner.execution_path
    return path.startswith((f"{outer.execution_path}\\", f"{outer.execution_path}[", f"{outer.execution_path}."))


@settings(deadline=None, max_examples=150)
@given(runs())
def test_every_run_comes_to_an_end_with_results_that_agree(played: Played) -> None:
    results = [record.execution_result for record in played.statistics]
    if played.status is OperationStatus.CANCELED:
        assert all(
            played.results[record.execution_path] is ExecutionResult.CANCELLED
            for record in played.statistics
            if record.execution_path == "\\Package"
        )
    else:
        assert ExecutionResult.CANCELLED not in results
        assert played.status is {
            ExecutionResult.SUCCESS: OperationStatus.SUCCEEDED,
            ExecutionResult.FAILURE: OperationStatus.FAILED,
            ExecutionResult.COMPLETION: OperationStatus.COMPLETED,
        }.get(played.results["\\Package"])


@settings(deadline=None, max_examples=150)
@given(runs())
def test_each_executable_runs_at_most_once_in_a_turn(played: Played) -> None:
    # A handler may run for each thing that it handles, so what is in one is left out.
    paths = Counter(each.execution_path for each in played.statistics if "EventHandlers" not in each.execution_path)
    assert not [path for path, count in paths.items() if count > 1]


@settings(deadline=None, max_examples=150)
@given(runs())
def test_what_begins_also_ends_and_has_one_row_of_statistics(played: Played) -> None:
    began = Counter(event.execution_path for event in played.events if event.message_type is MessageType.PRE_EXECUTE)
    assert began == Counter(record.execution_path for record in played.statistics)
    ended = Counter(event.execution_path for event in played.events if event.message_type is MessageType.POST_EXECUTE)
    cancelled = Counter(
        event.execution_path for event in played.events if event.message_type is MessageType.QUERY_CANCEL
    )
    assert all(began[path] <= ended[path] + cancelled[path] for path in began)


@settings(deadline=None, max_examples=150)
@given(runs())
def test_an_executable_runs_within_the_time_of_its_container(played: Played) -> None:
    for outer in played.statistics:
        assert outer.start_time <= outer.end_time
        if "EventHandlers" in outer.execution_path:
            continue
        for inner in played.statistics:
            # The package's handlers also run while it is validated, before it begins.
            if is_inside(inner, outer) and "EventHandlers" not in inner.execution_path:
                assert outer.start_time <= inner.start_time <= inner.end_time <= outer.end_time


@settings(deadline=None, max_examples=100)
@given(runs())
def test_statistics_are_of_executables_that_were_listed_before(played: Played) -> None:
    listed = set()
    for record in played.records:
        if isinstance(record, StatisticsRecord):
            assert (record.package_name, record.package_path) in listed
        elif record in played.executables:
            listed.add((getattr(record, "package_name", ""), getattr(record, "package_path", "")))


@settings(deadline=None, max_examples=100)
@given(packages("Main.dtsx"))
def test_all_executables_are_listed_run_or_not(main: Package) -> None:
    root = main.control_flow
    assert root is not None
    played = play(request(main))
    assert {each.package_path for each in played.executables} == {each.path for each in all_executables(root)}
