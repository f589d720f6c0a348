"""A package has the same course whether it is simulated or executed: one walk, two executors."""

from __future__ import annotations

from random import Random

import pytest

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.runs.event_records import execution_value
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import EventName
from airflow_provider_ssis.engine.tasks.table import TASKS
from airflow_provider_ssis.project.models import (
    ConstraintValue,
    EventHandler,
    Executable,
    Package,
    PrecedenceConstraint,
)
from tests.support.engine_runs import FunctionTask
from tests.support.simulated_runs import Played, play, request
from tests.support.ssis_projects import constraint, event_handler, make_ispac, package, sequence, task

NAMES = ("A", "B", "C", "D", "E")
SCRIPT = "Microsoft.ScriptTask"


@pytest.fixture(autouse=True)
def function_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Script tasks call the functions of a test."""
    monkeypatch.setitem(TASKS, "ScriptTask", f"{FunctionTask.__module__}:{FunctionTask.__name__}")


def fail(context: TaskContext) -> None:
    raise TaskFailure("It broke.", 0xC0202009)


def handlers(random: Random) -> list[EventHandler]:
    events = ["OnError", "OnTaskFailed", "OnPostExecute", "OnWarning", "OnPreExecute"]
    return [
        event_handler(event, task(f"Handle {event}", SCRIPT), disabled=random.random() < 0.2)
        for event in random.sample(events, random.choice([0, 0, 1, 2]))
    ]


def children(random: Random, depth: int) -> tuple[list[Executable], list[PrecedenceConstraint]]:
    """Executables without a failure that ends a container early: which ones run then depends on the order."""
    names = list(NAMES[: random.randint(1, 5 if depth == 0 else 3)])
    made = []
    for at, name in enumerate(names):
        disabled = random.random() < 0.15
        maximum = random.choice([0, 1, 1, 2])
        if depth < 2 and random.random() < 0.35:
            inner, arrows = children(random, depth + 1)
            names[at] = f"Sequence {name}"  # a script for a name would fail the container too
            made.append(
                sequence(
                    names[at],
                    *inner,
                    constraints=arrows,
                    disabled=disabled,
                    max_error_count=maximum,
                    event_handlers=handlers(random),
                )
            )
        else:
            forced = random.choice([None, None, None, 0, 1, 2])
            made.append(
                task(
                    name,
                    SCRIPT,
                    disabled=disabled,
                    max_error_count=maximum,
                    force_execution_result=forced,
                    event_handlers=handlers(random),
                )
            )
    arrows = [
        constraint(source, target, random.choice(list(ConstraintValue)), logical_and=random.random() < 0.6)
        for at, source in enumerate(names)
        for target in names[at + 1 :]
        if random.random() < 0.45
    ]
    return made, arrows


def random_package(random: Random) -> Package:
    made, arrows = children(random, 0)
    maximum = random.choice([0, 1, 2, 5])
    return package("Main.dtsx", *made, constraints=arrows, event_handlers=handlers(random), max_error_count=maximum)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_package_has_the_same_results(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    random = Random(seed)
    main = random_package(random)
    failing = random.sample([*NAMES, "Handle OnError", "Handle OnPostExecute"], random.randint(0, 2))
    scripts = ScriptBook()
    for name in failing:
        scripts.fail(executable=name, message="It broke.", code=0xC0202009)
    simulated: Played = play(request(main, level=LoggingLevel.BASIC), scripts)
    monkeypatch.setattr(FunctionTask, "functions", dict.fromkeys(failing, fail))
    executed = run_package(make_ispac("Mart", [main]))
    results = sorted((one.execution_path, one.execution_result.name) for one in simulated.statistics)
    found = sorted((one.place.execution_path, one.result.name) for one in executed.statistics)
    assert found == results
    said = sorted((one.event_name or "", one.execution_path or "", one.message_code or 0) for one in simulated.events)
    heard = sorted(
        (one.name.value, one.place.execution_path, one.code - (1 << 32) if one.code >> 31 else one.code)
        for one in executed.messages
    )
    assert heard == said
    assert any(one.name is EventName.PRE_EXECUTE for one in executed.messages)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, None),
        ("42", Variant(INT, 42)),
        ("-1", Variant(INT, -1)),
        ("3000000000", Variant(SqlType("nvarchar", length=10), "3000000000")),
        ("", Variant(SqlType("nvarchar", length=1), "")),
        ("x" * 5000, Variant(SqlType("nvarchar", length=4000), "x" * 4000)),
    ],
)
def test_the_execution_value_as_the_catalog_shows_it(text: str | None, shown: Variant | None) -> None:
    assert execution_value(text) == shown
