"""Expression, Script and Execute Package tasks, and the tasks that are refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.tasks.refused import refused_task
from airflow_provider_ssis.engine.tasks.script import ScriptContext
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of


def package() -> PackageBuilder:
    return ProjectBuilder("P").add_package("Test")


@pytest.mark.parametrize(("expression", "value"), [("@[User::Rows] = @[User::Rows] * 2 + 1", 7), ("@Rows := 5", 5)])
def test_an_expression_is_assigned(expression: str, value: int) -> None:
    built = package()
    built.add_variable("Rows", 3)
    built.add_expression("Set", expression)
    found = task_context(built.read())
    assert run_task(found) == value
    assert found.read("Rows") == value


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("@[User::Rows] = 1 / 0", 0xC004707B),
        ("@[User::None] = 1", None),
        ('@[User::Rows] = "a"', None),
        ("@[$Package::Limit] = 1", 0xC001F187),
    ],
)
def test_faults_of_an_expression(expression: str, code: int | None) -> None:
    built = package()
    built.add_variable("Rows", 3)
    built.add_parameter("Limit", 1)
    built.add_expression("Set", expression)
    failure = failure_of(lambda: run_task(task_context(built.read())))
    assert code in (None, failure.code), hex(failure.code)
    assert failure.code >> 16 in (0xC004, 0xC001)


def script(function: Callable[[ScriptContext], Any] | None) -> Context:
    built = package()
    lists = [built.add_variable(name, 1) for name in ("Given", "Changed")]
    built.add_script(
        "Clean", {"ScriptMain.cs": "x"}, b"MZ", read_only_variables=lists[:1], read_write_variables=lists[1:]
    )
    scripts = {} if function is None else {"\\Package\\Clean": function}
    return task_context(built.read(), options=RunOptions(scripts=scripts))


def test_a_script_is_a_function_with_the_listed_variables() -> None:
    def clean(script: ScriptContext) -> None:
        assert list(script.variables) == ["User::Given", "User::Changed"]
        script.variables["Changed"] = script.variables["User::Given"] + 41
        script.information("done", 7)
        script.warning("careful", 8)
        script.error("bad", 9)
        script.progress(50, "half")
        script.execution_value = "value"
        assert script.connections is not None
        script.cancel.check()

    found = script(clean)
    assert run_task(found) == "value"
    assert found.read("Changed") == 42
    assert [(said.event, said.code) for said in found.said] == [
        ("information", 7),
        ("warning", 8),
        ("error", 9),
        ("progress", 50),
    ]


def _fail(script: ScriptContext) -> bool:
    return False


def _raise(script: ScriptContext) -> None:
    raise ValueError("broken row")


def _write(script: ScriptContext) -> None:
    script.variables["Given"] = 2


def _unlisted(script: ScriptContext) -> None:
    script.variables["Other"]


def _exit(script: ScriptContext) -> None:
    sys.exit(0)


def _cancel(script: ScriptContext) -> None:
    raise Cancelled


@pytest.mark.parametrize(
    ("function", "code", "text"),
    [
        (_fail, 0xC00291AF, "returned False"),
        (_raise, 0xC00291B1, "ValueError: broken row"),
        (_write, 0xC00291B1, "ReadOnlyVariables"),
        (_unlisted, 0xC00291B1, "Other"),
        (_exit, 0xC00291B1, "SystemExit: 0"),
        (_cancel, 0xC00291B1, "Cancelled"),
        (lambda script: script.error("text", "code"), 0xC00291B1, "TypeError"),
    ],
)
def test_a_script_fails(function: Callable[[ScriptContext], Any], code: int, text: str) -> None:
    failure = failure_of(lambda: run_task(script(function)))
    assert (failure.code, text in failure.text) == (code, True)


def test_a_script_without_a_function_is_refused_with_advice() -> None:
    found = script(None)
    refused = [str(each) for each in task_of(found).refusals(found.options)]
    assert len(refused) == 1
    assert "\\Package\\Clean" in refused[0]
    assert "--script" in refused[0]


def test_a_package_of_the_project_runs_with_parameters() -> None:
    project = ProjectBuilder("P")
    child = project.add_package("Child")
    child.add_parameter("Region", "")
    parent = project.add_package("Parent")
    region = parent.add_variable("Region", "North")
    parent.add_execute_package("Run", "Child.dtsx", assignments={"Region": region})
    found = task_context(parent.read())
    run_task(found)
    assert found.children == [("Child.dtsx", {"Region": "North"})]


def test_the_failure_of_a_child_is_the_failure_of_the_task() -> None:
    project = ProjectBuilder("P")
    project.add_package("Child")
    parent = project.add_package("Parent")
    parent.add_execute_package("Run", "Child.dtsx")
    found = task_context(parent.read())

    def fail(name: str) -> None:
        raise TaskFailure(f"{name} failed")

    found.child = fail
    assert "Child.dtsx failed" in failure_of(lambda: run_task(found)).text


def test_a_package_in_a_file_runs_by_its_path(tmp_path: Path) -> None:
    built = package()
    path = tmp_path / "Child.dtsx"
    built.add_execute_package("Run", connection=built.connection_managers.add_file("File", str(path)))
    found = task_context(built.read())
    assert failure_of(lambda: run_task(found)).code == 0xC00220DE
    path.write_text("x")
    run_task(found)
    assert found.children == [(str(path), {})]


def test_a_package_in_a_server_is_refused() -> None:
    built = package()
    server = built.connection_managers.add_oledb("Server", "Data Source=db1")
    built.add_execute_package("Run", "\\folder\\Child", connection=server)
    found = task_context(built.read())
    assert ["msdb" in str(each) for each in task_of(found).refusals(found.options)] == [True]
    assert failure_of(lambda: task_of(found).validate(found)).code == 0xC00220E2


@pytest.mark.parametrize(
    ("type_name", "reason"),
    [
        ("Microsoft.ASProcessingTask", "Analysis Services"),
        ("Attunity.CDCControlTask", "Attunity"),
        ("Microsoft.SqlServer.Dts.Tasks.WmiDataReaderTask.WmiDataReaderTask, Microsoft.SqlServer.WMIDRTask", "Windows"),
        ("Vendor.SecureFtpTask", "does not run tasks of this type"),
    ],
)
def test_other_tasks_are_refused_with_the_reason(type_name: str, reason: str) -> None:
    built = package()
    built.add_expression("Other", "@[User::Rows] = 1")
    read = built.read()
    container = read.container.children[0]
    refusal = str(refused_task(replace(container, type=type_name)))
    assert reason in refusal
    assert "\\Package\\Other" in refusal
