"""Running packages on the worker."""

from __future__ import annotations

import signal
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ssis.exceptions import (
    InvalidTaskArgument,
    LocalRunCanceled,
    LocalRunEndedUnexpectedly,
    LocalRunFailed,
    LocalRunRefused,
    LocalRunTimeout,
)
from airflow_provider_ssis.operators import run_local
from airflow_provider_ssis.operators.run_local import SsisRunLocalPackageOperator
from airflow_provider_ssis.operators.supervised import while_supervised
from tests.support.small_packages import counting, endless, failing, refused, saved, small_project
from tests.support.task_runs import TaskRun, rendered
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
SECRET = "c4nary-s3cret"


def local(source: Path, **arguments: Any) -> TaskRun:
    return TaskRun(SsisRunLocalPackageOperator(task_id="load", source=str(source), **arguments))


def test_a_package_runs_and_its_messages_are_logged(tmp_path: Path) -> None:
    task = local(saved(counting(), tmp_path))
    result = task.execute()
    assert (result["package"], result["status"], result["errors"], result["rows"]) == ("Count.dtsx", "succeeded", 0, {})
    assert any("\\Package\\Loop[2]\\Turn" in line for line in task.log.messages("info"))
    assert any(line.startswith("Duration: ") for line in task.log.at("info"))


def test_the_log_begins_with_the_package_and_its_values(tmp_path: Path) -> None:
    package = counting()
    for name, sensitive in (("Region", False), ("Key", True)):
        package.add_parameter(name, "" if not sensitive else None, sensitive=sensitive)
    package.connection_managers.add_oledb("Sales", "Data Source=db1;Provider=MSOLEDBSQL.1;")
    file = saved(package, tmp_path)
    values = {"Region": "North", "Key": {"value": SECRET, "sensitive": True}}
    path = r"\Package.Connections[Sales].Properties[ConnectionString]"
    overrides = {path: "Data Source=db2;Password=hidden;Provider=MSOLEDBSQL.1;"}
    options = {"path_map": {r"C:\data": "/data"}, "logging_level": "Verbose"}
    task = local(file, parameters=values, property_overrides=overrides, **options)
    task.execute()
    first, second, third, fourth = task.log.at("info")[:4]
    assert first.startswith(f"Running Count.dtsx of {file} on ")
    assert first.endswith(": logging level Verbose.")
    assert second == "Parameters: $Package::Region = North, $Package::Key = ***."
    assert third == f"Property overrides: {path} = ***."
    assert fourth == r"Path map: C:\data = /data."


def test_the_package_of_a_project_is_named(tmp_path: Path) -> None:
    assert local(small_project(tmp_path), package="Count.dtsx").execute()["package"] == "Count.dtsx"


def test_a_failed_package_fails_the_task_with_its_causes(tmp_path: Path) -> None:
    with pytest.raises(LocalRunFailed, match="Broken") as caught:
        local(saved(failing(), tmp_path)).execute()
    assert len(caught.value.causes) == 1


def test_a_refused_package_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(LocalRunRefused, match="Clean Up") as caught:
        local(saved(refused(), tmp_path)).execute()
    assert caught.value.refusals


def test_a_killed_task_cancels_the_package(tmp_path: Path) -> None:
    task = local(saved(endless(), tmp_path))

    def kill() -> None:
        wait_until(lambda: task.log.messages(), "the package has started")
        task.operator.on_kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(LocalRunCanceled):
        task.execute()
    thread.join()


def test_a_package_that_runs_too_long_is_canceled(tmp_path: Path) -> None:
    with pytest.raises(LocalRunTimeout, match=r"after 0\.5 seconds"):
        local(saved(endless(), tmp_path), timeout=0.5).execute()


def test_a_task_that_ends_before_its_package_cancels_it_and_logs_its_end(tmp_path: Path) -> None:
    task = local(saved(endless(), tmp_path))

    def time_out(*_: Any) -> None:
        raise AirflowTaskTimeout

    def interrupt() -> None:
        wait_until(lambda: task.log.messages(), "the package has started")
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, time_out)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(AirflowTaskTimeout):
            task.execute()
    finally:
        thread.join()
        signal.signal(signal.SIGALRM, before)
    assert "Endless:Cancelled: the execution was stopped." in task.log.messages()[-1]


def test_a_task_whose_supervisor_has_ended_cancels_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The parent of the test's process has another id, as after the end of the one before.
    monkeypatch.setattr(run_local, "supervisor_pid", lambda context: -1)
    monkeypatch.setattr(run_local, "while_supervised", partial(while_supervised, seconds=0.05))
    with pytest.raises(LocalRunCanceled):
        local(saved(endless(), tmp_path), timeout=600).execute()


def test_a_process_that_dies_is_not_reported_as_canceled(tmp_path: Path) -> None:
    task = local(saved(endless(), tmp_path))

    def crash() -> None:
        wait_until(lambda: task.log.messages(), "the package has started")
        task.operator._process.kill()

    thread = threading.Thread(target=crash)
    thread.start()
    with pytest.raises(LocalRunEndedUnexpectedly, match="SIGKILL"):
        task.execute()
    thread.join()
    assert "canceled" not in str(task.log)


def test_a_relative_source_starts_at_the_folder_of_the_dag_file(tmp_path: Path) -> None:
    task = local(Path("Count.dtsx"))
    with pytest.raises(InvalidTaskArgument, match="relative path"):
        task.execute()
    with pytest.raises(InvalidTaskArgument, match="does not exist"):
        local(tmp_path / "No.dtsx").execute()


@pytest.mark.parametrize(
    "arguments",
    [
        {"logging_level": "loud"},
        {"package": "Count"},
        {"parameters": 5},
        {"follow_messages": "everything"},
        {"path_map": {"C:\\data": 7}},
        {"timeout": 0},
        {"connections": 5},
        {"connections": {"DW": 5}},
        {"connections": {"DW": {"Server": "dw"}}},
    ],
)
def test_mistakes_are_found_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        SsisRunLocalPackageOperator(task_id="load", source="Count.dtsx", **arguments)


def test_a_connection_string_with_a_password_must_be_marked() -> None:
    task = SsisRunLocalPackageOperator(
        task_id="load", source="/Count.dtsx", connections={"DW": f"Server=dw;UID=etl;PWD={SECRET}"}
    )
    with pytest.raises(InvalidTaskArgument, match="connection_ids") as caught:
        rendered(task)
    assert SECRET not in str(caught.value)
    assert task.connections is None


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ({"connections": "{{ x }}"}, f'{{"DW": "Server=dw;PWD={SECRET}"}}', "contains a password"),
        ({"connections": "{{ x }}"}, [SECRET], "not a mapping of names to values"),
        ({"connections": "{{ x }}"}, {"DW": {"value": 5, "sensitive": True}}, "Give a connection string"),
        ({"connections": "{{ x }}"}, "None", "rendered to nothing"),
        ({"logging_level": "{{ x }}"}, "None", "rendered to nothing"),
        ({"password": "{{ x }}"}, 81726354, "'password' is of the Python type int"),
        ({"source": "{{ x }}"}, "x" * 300, "does not exist on this worker"),
        ({"source": "{{ x }}"}, {"Key": SECRET}, "a mapping with the keys 'Key'"),
    ],
)
def test_a_rendered_argument_of_another_type_is_an_error_without_its_value(
    arguments: dict[str, Any], given: Any, said: str, tmp_path: Path
) -> None:
    task = SsisRunLocalPackageOperator(task_id="load", **{"source": str(tmp_path), **arguments})
    with pytest.raises(InvalidTaskArgument, match=said) as caught:
        TaskRun(rendered(task, native=not isinstance(given, str), x=given)).execute()
    assert SECRET not in str(caught.value)
    assert "81726354" not in str(caught.value)


def test_a_connection_of_airflow_replaces_a_connection_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_DW",
        '{"conn_type": "mssql", "host": "dw01", "port": 1433, "schema": "DW", "login": "etl", "password": "a;b\\"c"}',
    )
    task = local(saved(counting(), tmp_path), connection_ids={"Warehouse": "dw"})
    job = task.operator._job()
    assert job.connections == {
        "Warehouse": 'Provider="MSOLEDBSQL";Data Source="dw01,1433";Initial Catalog="DW";User ID="etl";'
        'Password="a;b""c"'
    }
    assert "a;b" not in repr(job)
