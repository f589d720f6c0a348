"""Checkpoints: a package that failed is started again where it failed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine import RunResult
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.file_lock import FileLock
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import Event, EventName, ExecutableEnded, Result
from airflow_provider_ssis.project.builder.containers import ContainerContents
from airflow_provider_ssis.project.builder.executables import ExecutableBuilder, Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.engine_runs import EngineRuns, Function, add_task, codes, messages, ran

RESTARTABLE = Options(fail_package_on_failure=True)


def fail(context: TaskContext) -> None:
    raise TaskFailure("The disk is full.")


class Restarts:
    """Runs of a package with a checkpoint file."""

    def __init__(self, runs: EngineRuns, folder: Path, usage: int = 1) -> None:
        self._runs = runs
        self.file = folder / "load.chk"
        self._overrides = {
            "\\Package.Properties[SaveCheckpoints]": "True",
            "\\Package.Properties[CheckpointUsage]": str(usage),
            "\\Package.Properties[CheckpointFileName]": str(self.file),
        }

    def __call__(
        self, package: PackageBuilder, functions: dict[str, Function] | None = None, **arguments: Any
    ) -> RunResult:
        """Run it."""
        return self._runs.run(package, functions, property_overrides=self._overrides, **arguments)


@pytest.fixture
def restarts(runs: EngineRuns, tmp_path: Path) -> Restarts:
    """Runs with a checkpoint file that is used if it exists."""
    return Restarts(runs, tmp_path)


def chain(*, options: Options = RESTARTABLE) -> PackageBuilder:
    package = PackageBuilder("P")
    package.connect(*(add_task(package, name, options=options) for name in ("One", "Two", "Three")))
    return package


def test_12_a_restart_begins_at_the_failed_task(restarts: Restarts) -> None:
    package = chain()
    first = restarts(package, {"Three": fail})
    assert (ran(first), first.status) == (["One", "Two", "Three", "P"], Result.FAILURE)
    assert restarts.file.exists()
    second = restarts(package)
    assert (ran(second), second.status) == (["Three", "P"], Result.SUCCESS)
    assert {name for _, name in messages(second)} == {"Three", "P"}
    assert codes(second, EventName.INFORMATION) == [0x40016046, 0x40016048]
    assert not restarts.file.exists()


def test_13_a_finished_loop_is_repeated(restarts: Restarts) -> None:
    package = PackageBuilder("P")
    package.add_variable("N", 0)
    loop = package.add_for_loop("Loop", "@N < 2", init="@N = 0", assign="@N = @N + 1")
    add_task(loop, "In the loop")
    sequence = package.add_sequence("S")
    add_task(sequence, "Last", options=RESTARTABLE)
    package.connect(loop, sequence)
    restarts(package, {"Last": fail})
    assert ran(restarts(package)) == ["In the loop", "In the loop", "Loop", "Last", "S", "P"]


def test_a_finished_sequence_is_skipped_with_the_loop_in_it(restarts: Restarts) -> None:
    package = PackageBuilder("P")
    package.add_variable("N", 0)
    sequence = package.add_sequence("S")
    add_task(sequence.add_for_loop("Loop", "@N < 2", assign="@N = @N + 1"), "In the loop")
    last = add_task(package, "Last", options=RESTARTABLE)
    package.connect(sequence, last)
    restarts(package, {"Last": fail})
    assert ran(restarts(package)) == ["Last", "P"]


def test_variables_have_the_values_of_the_failed_run(restarts: Restarts) -> None:
    package = chain()
    values: dict[str, Any] = {
        "Int32": 5,
        "String": "<two> lines\nof text",
        "Boolean": True,
        "DateTime": datetime(2024, 2, 29, 23, 59, 59, 123000),
        "Double": 0.1,
        "Decimal": Decimal("1.50"),
    }
    for name in values:
        package.add_variable(name, data_type=name)
    package.add_variable("Object")

    def write(context: TaskContext) -> None:
        for name, value in values.items():
            context.write(name, value)
        context.write("Object", [1])

    restarts(package, {"One": write, "Three": fail})
    assert restarts.file.stat().st_mode & 0o077 == 0
    assert restarts(package).variables == {f"User::{name}": value for name, value in values.items()} | {
        "User::Object": None
    }


def test_a_failure_without_fail_package_on_failure_is_a_warning_and_no_restart(restarts: Restarts) -> None:
    result = restarts(chain(options=Options()), {"Two": fail})
    assert codes(result, EventName.WARNING) == [0x80014058, 0x80019002]
    assert ran(restarts(chain(options=Options()))) == ["One", "Two", "Three", "P"]


def test_a_sequence_is_a_unit_if_its_tasks_only_fail_their_parent(restarts: Restarts) -> None:
    package = PackageBuilder("P")
    first = add_task(package, "First", options=RESTARTABLE)
    sequence = package.add_sequence("S", options=RESTARTABLE)
    parts = [add_task(sequence, name, options=Options(fail_parent_on_failure=True)) for name in ("One", "Two")]
    sequence.connect(*parts)
    package.connect(first, sequence)
    failed = restarts(package, {"Two": fail})
    assert 0x80014058 not in codes(failed, EventName.WARNING)
    assert ran(restarts(package)) == ["One", "Two", "S", "P"]


def test_a_sequence_that_the_failure_of_another_task_ended_is_not_done(restarts: Restarts) -> None:
    package = PackageBuilder("P")
    add_task(package, "Fails", options=RESTARTABLE)
    inner = package.add_sequence("Outer").add_sequence("Inner")
    inner.connect(*(add_task(inner, name, options=RESTARTABLE) for name in ("One", "Two")))
    started, failed = threading.Event(), threading.Event()

    def fail_while_one_runs(context: TaskContext) -> None:
        started.wait(60)
        fail(context)

    def one(context: TaskContext) -> None:
        started.set()
        failed.wait(60)
        for _ in range(10):
            context.information("Lets the walk go on until it has seen the failure.", 0)

    def watch(event: Event) -> None:
        if isinstance(event, ExecutableEnded) and event.place.name == "Fails":
            failed.set()

    restarts(package, {"Fails": fail_while_one_runs, "One": one}, on_event=watch)
    assert sorted(ran(restarts(package))) == ["Fails", "Inner", "Outer", "P", "Two"]


@pytest.mark.parametrize("seed", range(15))
def test_restarts_run_each_task_of_a_random_package_once(restarts: Restarts, seed: int) -> None:
    chooser = random.Random(seed)
    package = PackageBuilder("P")
    runs_of: Counter[str] = Counter()
    failed: set[str] = set()
    lock = threading.Lock()

    def fill(container: ContainerContents, depth: int) -> None:
        before: ExecutableBuilder | None = None
        for _ in range(chooser.randint(1, 4)):
            name = f"X{len(runs_of)}"
            runs_of[name] = 0
            made: ExecutableBuilder
            if depth < 2 and chooser.random() < 0.3:
                made = container.add_sequence(name)
                fill(made, depth + 1)
                del runs_of[name]
                runs_of[f"{name} end"] = 0
                add_task(made, f"{name} end", options=RESTARTABLE)
            else:
                made = add_task(container, name, options=RESTARTABLE)
            if before is not None and chooser.random() < 0.7:
                container.add_constraint(before, made)
            before = made

    def task(context: TaskContext) -> None:
        name = context.container.name
        with lock:
            if name not in failed and chooser.random() < 0.3:
                failed.add(name)
                fail(context)
            runs_of[name] += 1

    fill(package, 0)
    for _ in range(len(runs_of) + 1):
        result = restarts(package, dict.fromkeys(runs_of, task))
        if result.status is Result.SUCCESS:
            break
    assert (result.status, set(runs_of.values())) == (Result.SUCCESS, {1})
    assert not restarts.file.exists()


def test_a_restart_repeats_the_loop_in_which_a_task_failed(restarts: Restarts) -> None:
    package = PackageBuilder("P")
    package.add_variable("N", 0)
    loop = package.add_for_loop("Loop", "@N < 1", assign="@N = @N + 1")
    loop.connect(*(add_task(loop, name, options=RESTARTABLE) for name in ("One", "Two")))
    package.connect(add_task(package, "First", options=RESTARTABLE), loop)
    restarts(package, {"Two": fail})
    assert ran(restarts(package)) == ["One", "Two", "Loop", "P"]


def test_a_file_is_used_by_one_run_at_a_time(restarts: Restarts) -> None:
    package = chain()
    lock = FileLock(restarts.file.with_name(f".{restarts.file.name}.lock"))
    assert lock.acquire()
    second = restarts(package)
    assert (codes(second), ran(second)) == ([0xC001604B], [])
    lock.release()
    restarts(package, {"Three": fail})
    assert ran(restarts(package)) == ["Three", "P"]
    assert list(restarts.file.parent.glob("*.lock")) == []


@pytest.mark.parametrize("text", ["a\x01b", "_x0041_ _x41_", "\r\n \t", "\ud83d", "\U0001f600 \uffff"])
def test_a_file_keeps_every_character(restarts: Restarts, text: str) -> None:
    package = chain()
    package.add_variable("Text", "")
    restarts(package, {"One": lambda context: context.write("User::Text", text), "Three": fail})
    assert restarts(package).variables["User::Text"] == text


def test_a_file_that_cannot_be_removed_fails_the_package(restarts: Restarts, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def fail_to_unlink(path: Path, missing_ok: bool = False) -> None:
        if path == restarts.file:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", fail_to_unlink)
    result = restarts(chain())
    assert result.status is Result.FAILURE
    assert "Remove it before the next run." in result.messages[-1].text


@pytest.mark.parametrize(
    ("name", "value"), [("CheckpointUsage", "7"), ("SaveCheckpoints", "maybe"), ("MaxConcurrentExecutables", "many")]
)
def test_a_wrong_value_of_a_package_property_fails_the_package(runs: EngineRuns, name: str, value: str) -> None:
    overrides = {"\\Package.Properties[SaveCheckpoints]": "True", "\\Package.Properties[CheckpointFileName]": "x.chk"}
    result = runs.run(chain(), property_overrides={**overrides, f"\\Package.Properties[{name}]": value})
    assert (codes(result), ran(result)) == ([0xC0017004], [])


@pytest.mark.parametrize(
    ("usage", "content", "code"),
    [
        (2, None, 0xC001F083),
        (0, "<x/>", 0xC001604A),
        (1, "<broken", 0xC001F083),
        (1, '<DTS:Checkpoint xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:PackageID="{1}"/>', 0xC0016049),
    ],
)
def test_a_file_that_does_not_fit_fails_the_package(
    runs: EngineRuns, tmp_path: Path, usage: int, content: str | None, code: int
) -> None:
    restarts = Restarts(runs, tmp_path, usage)
    if content is not None:
        restarts.file.write_text(content)
    result = restarts(chain())
    assert (codes(result), ran(result), result.exit_code) == ([code], [], 1)


def test_a_package_without_a_file_name_or_with_a_transaction_fails(runs: EngineRuns) -> None:
    saves = {"\\Package.Properties[SaveCheckpoints]": "True"}
    assert codes(runs.run(chain(), property_overrides=saves)) == [0xC001F081]
    package = PackageBuilder("P", options=Options(transaction_option=2))
    named = {**saves, "\\Package.Properties[CheckpointFileName]": "x.chk"}
    assert codes(runs.run(package, property_overrides=named)) == [0xC0014104]


def test_a_package_that_saves_no_checkpoints_writes_no_file(runs: EngineRuns, tmp_path: Path) -> None:
    override = {"\\Package.Properties[CheckpointFileName]": str(tmp_path / "a.chk")}
    runs.run(chain(), {"Two": fail}, property_overrides=override)
    assert not (tmp_path / "a.chk").exists()
