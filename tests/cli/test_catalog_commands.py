"""The commands that work on a catalog, on the embedded SSISDB."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.cli.conftest import Command
from tests.support.executions import set_status, wait_for_status
from tests.support.mart import MART

FULL = Path("/dev/full")


def test_deploy_and_get(run: Command, ispac: Path, tmp_path: Path) -> None:
    missing = run("deploy", ispac, "Sales", code=1)
    assert "The login sees no folder 'Sales'" in missing.err
    deployed = run("deploy", ispac, "Sales", "--create-folder", "--json").json
    assert (deployed["folder"], deployed["project"], deployed["deployed"]) == ("Sales", "Mart", True)
    assert "Sales/Mart is unchanged since" in run("deploy", ispac, "Sales").out
    again = run("deploy", ispac, "Sales", "--force").out
    assert again.startswith("Deployed Sales/Mart as version ")
    target = tmp_path / "out.ispac"
    run("get", "Sales", "Mart", "--output", target)
    assert target.read_bytes() == MART
    assert "exists" in run("get", "Sales", "Mart.ispac", "--output", target, code=1).err
    got = run("get", "Sales", "Mart.ispac", "--output", target, "--force", "--json").json
    assert got["size"] == len(MART)


def test_deploy_reports_a_file_that_is_not_a_project(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.ispac"
    path.write_bytes(b"nonsense")
    assert str(path) in run("deploy", path, "Sales", code=1).err
    assert "does not exist" in run("deploy", tmp_path / "none.ispac", "Sales", code=1).err
    # The same text as without --json.
    error = run("deploy", path, "Sales", "--json", code=1).json["error"]
    assert run("deploy", path, "Sales", code=1).err == f"airflow-ssis deploy: {error}\n"


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("deploy_project", ("deploy", None, "Sales", "--force"), "may have been deployed: airflow-ssis versions Sales"),
        ("restore_project", ("restore", "Sales", "Mart", 1), "Version 1 may have been put into use: airflow-ssis ver"),
        ("set_object_parameter_value", ("parameter", "set", "Sales", "Mart", "Region=n", "Note=x"), "Interrupted."),
        ("worker_agents", ("list", "workers", "--json"), "Interrupted."),
    ],
)
def test_ctrl_c_that_fails_a_call_of_the_driver_is_not_an_error_of_the_catalog(
    run: Command,
    mart: Catalog,
    ispac: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    arguments: tuple[object, ...],
    said: str,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise CatalogError("The driver did not supply an error!")

    monkeypatch.setattr(Catalog, method, interrupted)
    result = run(*(ispac if each is None else each for each in arguments), code=130)
    assert said in result.err
    assert "driver" not in result.out + result.err


def test_lists(run: Command, mart: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.add_worker("WORKER1", enabled=False)
    [worker] = run("list", "workers", "--json").json
    assert (worker["machine_name"], worker["is_enabled"]) == ("WORKER1", False)
    assert run("list", "workers").out.splitlines()[1].startswith("WORKER1 ")
    mart.create_environment("Sales", "Test")
    assert run("list", "folders").out.splitlines()[1].startswith("Sales ")
    assert [each["name"] for each in run("list", "projects", "--json").json] == ["Mart"]
    assert "Mart" in run("list", "projects", "Sales").out
    packages = run("list", "packages", "Sales", "Mart", "--json").json
    assert {"Load.dtsx", "Strict.dtsx"} <= {each["name"] for each in packages}
    assert {each["validation_status"] for each in packages} == {"not_validated"}
    assert "Test" in run("list", "environments", "Sales").out
    assert "Test" in run("list", "environments").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "projects", "Sale"], "The login sees no folder 'Sale'. Did you mean 'Sales'?"),
        (["list", "packages", "Sales", "Mrt"], "no project 'Mrt' in the folder 'Sales'. Did you mean 'Mart'?"),
        (["get", "Sales", "Mrt"], "no project 'Mrt' in the folder 'Sales'. Did you mean 'Mart'?"),
        (["parameter", "show", "Sales", "Mart", "--package", "Loads"], "no package 'Loads.dtsx' in the project"),
        (["show", "999999"], "The login sees no execution 999999"),
        (["messages", "999999"], "The login sees no operation 999999"),
        (["stop", "999999"], "The login sees no operation 999999"),
    ],
)
def test_a_name_that_does_not_exist(run: Command, mart: Catalog, arguments: list[str], said: str) -> None:
    assert said in run(*arguments, code=1).err
    failure = run(*arguments, "--json", code=1)
    assert said in failure.json["error"]
    assert failure.json["exit_code"] == 1
    assert failure.err == ""


def test_an_operation_that_is_not_an_execution_is_named_with_its_type(run: Command, mart: Catalog) -> None:
    deployment = next(iter(mart.operations(operation_type=OperationType.DEPLOY_PROJECT))).operation_id
    failed = run("show", deployment, code=1)
    assert f"Operation {deployment} is not an execution: its type is deploy_project" in failed.err
    assert f"'airflow-ssis messages {deployment}' prints its messages." in failed.err


def test_a_run_with_values(run: Command, mart: Catalog) -> None:
    result = run(
        *("run", "Sales", "Mart", "Load", "--poll-interval", "0.05", "--logging-level", "verbose"),
        *("--parameter", "BatchSize=7", "--parameter", "Title=a=b", "--connection", "Orders.ServerName=dw01"),
        *("--set", r"\Package.Variables[User::Key].Properties[Value]=k", "--json"),
    )
    (last,) = result.json_lines
    execution = last["execution"]
    assert (execution["status"], execution["package_name"]) == ("succeeded", "Load.dtsx")
    shown = run("show", execution["execution_id"], "--json").json
    values = {each["parameter_name"]: each["parameter_value"] for each in shown["parameters"]}
    assert (values["BatchSize"], values["Title"], values["CM.Orders.ServerName"]) == (7, "a=b", "dw01")
    assert shown["statistics"]
    text = run("show", execution["execution_id"]).out
    assert "Sales/Mart/Load.dtsx" in text
    assert "succeeded" in text
    listed = run("list", "executions", "--folder", "Sales", "--project", "Mart", "--since", "1h", "--json").json
    assert [each["execution_id"] for each in listed] == [execution["execution_id"]]
    assert run("list", "executions", "--status", "failed", "--json").json == []
    none = run("list", "executions", "--folder", "Sale", "--json")
    assert (none.json, none.err) == ([], "warning: The login sees no folder 'Sale'. Did you mean 'Sales'?\n")


def test_values_from_a_file_are_not_shown(run: Command, mart: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    content = {
        "parameters": {"BatchSize": 3, "FullLoad": True},
        "property_overrides": {r"\Package.Variables[User::Secret].Properties[Value]": {"sensitive": "hunter2"}},
    }
    path.write_text(json.dumps(content))
    result = run("run", "Sales", "Mart", "Load", "--values", path, "--parameter", "BatchSize=4", "--follow")
    assert "hunter2" not in result.out + result.err
    execution = next(mart.executions())
    values = {
        each.parameter_name: each.parameter_value for each in mart.execution_parameter_values(execution.execution_id)
    }
    assert (values["BatchSize"], values["FullLoad"]) == (4, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"parameter": {}}', "unknown key 'parameter'"),
        ("[1]", "is not a JSON object"),
        ("{hunter2", "is not JSON"),
        ('{"parameters": {"BatchSize": [1]}}', "parameters.BatchSize is neither a text"),
        ('{"connection_managers": {"Orders": "x"}}', "connection_managers.Orders is not an object"),
    ],
)
def test_a_file_of_values_that_cannot_be_used(
    run: Command, mart: Catalog, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "values.json"
    path.write_text(content)
    result = run("run", "Sales", "Mart", "Load", "--values", path, code=6)
    assert said in result.err
    assert "hunter2" not in result.err
    assert list(mart.executions()) == []


def test_a_run_is_followed(run: Command, mart: Catalog) -> None:
    result = run("run", "Sales", "Mart", "Load", "--follow", "--level", "all", "--poll-interval", "0.05")
    assert result.err.startswith("Starting execution ")
    assert "Load:Start" in result.out
    assert "succeeded after" in result.out.splitlines()[-1] or "rows written" in result.out
    execution = next(mart.executions()).execution_id
    messages = run("messages", execution, "--json").json_lines
    ids = [each["message"]["event_message_id"] for each in messages]
    assert ids == sorted(set(ids))
    later = run("messages", execution, "--json", "--after", ids[3]).json_lines
    assert later == messages[4:]
    followed = run("messages", execution, "--follow", "--level", "information").out
    assert 0 < len(followed.splitlines()) < len(messages)


@pytest.mark.processes
def test_values_from_the_standard_input_are_utf_8_in_every_locale(ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "run", "Sales", "Mart", "Load", "--no-wait"]
    environment = {**os.environ, "AIRFLOW_SSIS_URI": ssisdb.airflow_uri, "PYTHONIOENCODING": "latin-1"}
    values = '{"parameters": {"Title": "Zürich €"}}'.encode()
    subprocess.run([*command, "--values", "-"], input=values, env=environment, check=True, timeout=60)
    execution = next(mart.executions()).execution_id
    found = {each.parameter_name: each.parameter_value for each in mart.execution_parameter_values(execution)}
    assert found["Title"] == "Zürich €"


@pytest.mark.parametrize("statement", ["FROM catalog.operations", "FROM catalog.executions"])
def test_an_error_after_the_start_of_a_run_has_its_own_exit_code(
    run: Command, ssisdb: SsisdbEmulator, mart: Catalog, statement: str
) -> None:
    ssisdb.faults.call(lambda: ssisdb.faults.error(229, statement=statement), statement="EXEC catalog.start_execution")
    failed = run("run", "Sales", "Mart", "Load", "--poll-interval", "0.05", "--json", code=7)
    error = failed.json_lines[-1]
    assert error["exit_code"] == 7
    (execution,) = mart.executions()
    assert f"airflow-ssis show {execution.execution_id}" in error["error"]


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
@pytest.mark.parametrize(("options", "code", "said"), [([], 0, "succeeded"), (["--follow"], 7, "was started")])
def test_a_run_whose_output_cannot_be_written_keeps_its_exit_code(
    run: Command,
    mart: Catalog,
    options: list[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        error = run("run", "Sales", "Mart", "Load", *options, code=code).err
    assert "the output cannot be written: No space left on device. Execution" in error
    assert f" {said}: airflow-ssis show " in error


def test_exit_codes_of_run(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.scripts.fail(package="Load.dtsx")
    failed = run("run", "Sales", "Mart", "Load", "--poll-interval", "0.05", code=1)
    assert " failed after " in failed.out
    assert "sees no package 'Load2.dtsx'" in run("run", "Sales", "Mart", "Load2", code=4).err
    run("run", "Sale", "Mart", "Load", code=4)
    assert "RegionId" in run("run", "Sales", "Mart", "Strict", code=5).err
    assert "BatchSize" in run("run", "Sales", "Mart", "Load", "--parameter", "BatchSize=many", code=6).err
    assert "Batch" in run("run", "Sales", "Mart", "Load", "--parameter", "Batch=1", code=6).err
    assert "NAME=VALUE" in run("run", "Sales", "Mart", "Load", "--parameter", "BatchSize", code=6).err
    run("run", "Sales", "Mart", code=6)
    run("run", "Sales", "Mart", "Load", "--follow", "--no-wait", code=6)
    run("run", "Sales", "Mart", "Load", "--uri", "ssis://sa:wrong@127.0.0.1:1?login_timeout=1", code=5)


def test_a_run_without_waiting_is_stopped(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    started = run("run", "Sales", "Mart", "Load", "--no-wait", "--json").json["execution_id"]
    wait_for_status(mart, started, OperationStatus.RUNNING)
    assert run("stop", started, "--poll-interval", "0.05").out == f"Operation {started}: canceled.\n"
    again = run("stop", started, started, "--json")
    assert again.json == [{"operation_id": started, "status": "canceled"}]
    run("messages", started, "--follow", code=3)


def test_a_pending_run_is_stopped_as_soon_as_it_runs(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    ssisdb.scripts.hang(package="Load.dtsx", times=1)
    longer = run("run", "Sales", "Mart", "Load", "--no-wait", "--json").json["execution_id"]
    assert "waits for its process" in run("stop", longer, "--no-wait", code=1).err
    ssisdb.scripts.hang(0.3, package="Load.dtsx", times=1)
    shorter = run("run", "Sales", "Mart", "Load", "--no-wait", "--json").json["execution_id"]
    # The first one is pending until the second one is stopped.
    ssisdb.faults.call(ssisdb.scripts.release, statement="EXEC catalog.stop_operation", when="after")
    stopped = run("stop", longer, shorter, "--poll-interval", "0.05", "--json")
    assert stopped.json == [{"operation_id": each, "status": "canceled"} for each in (longer, shorter)]
    assert f"Operation {longer} is pending, and is stopped as soon as it runs." in stopped.err


def test_a_deployment_that_runs_cannot_be_stopped(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    deployment = next(mart.operations(operation_type=OperationType.DEPLOY_PROJECT)).operation_id

    def run_again() -> None:
        set_status(ssisdb, deployment, OperationStatus.RUNNING)

    ssisdb.faults.call(run_again, statement="FROM catalog.operations")
    assert f"Stopping the operation {deployment} failed" in run("stop", deployment, code=1).err


def test_following_an_execution_that_was_never_started_says_so(
    run: Command, ssisdb: SsisdbEmulator, mart: Catalog
) -> None:
    created = mart.create_execution(ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx"))
    start = threading.Thread(target=mart.start_execution, args=[created])
    ssisdb.faults.call(start.start, statement="FROM catalog.event_messages")
    followed = run("messages", created, "--follow", "--poll-interval", "0.05")
    start.join()
    assert followed.err == f"Execution {created} was created and has not been started yet.\n"


def test_the_id_of_a_run_is_known_before_its_start(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.faults.error(229, statement="EXEC catalog.start_execution")
    failed = run("run", "Sales", "Mart", "Load", "--json", code=5)
    (execution,) = mart.executions()
    assert f"Starting execution {execution.execution_id} of Sales/Mart/Load.dtsx." in failed.err
    assert failed.json["exit_code"] == 5


@pytest.mark.processes
def test_ctrl_c_leaves_or_stops_the_run(ssisdb: SsisdbEmulator, mart: Catalog) -> None:

    ssisdb.scripts.take(600, package="Load.dtsx")
    command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "run", "Sales", "Mart", "Load"]
    environment = {**os.environ, "AIRFLOW_SSIS_URI": ssisdb.airflow_uri}
    for options, number, code, last in (
        ((), signal.SIGINT, 130, OperationStatus.RUNNING),
        (("--stop-on-interrupt",), signal.SIGINT, 3, OperationStatus.CANCELED),
        (("--stop-on-interrupt",), signal.SIGTERM, 3, OperationStatus.CANCELED),
    ):
        process = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Starting execution ")
        execution = next(mart.executions()).execution_id
        wait_for_status(mart, execution, OperationStatus.RUNNING)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == code, said
        found = mart.execution(execution)
        assert found is not None
        assert found.status is last
        assert ("continues on the server" in said) == (code == 130)


def test_control_characters_do_not_reach_the_terminal(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    mart.set_folder_description("Sales", "red \x1b[31m text")
    ssisdb.scripts.fail(package="Load.dtsx", message="red \x1b[31m message")
    failed = run("run", "Sales", "Mart", "Load", "--poll-interval", "0.05", code=1)
    assert "red \ufffd[31m message" in failed.err
    assert "\x1b" not in run("list", "projects", "\x1b[31m", code=1).err
    printed = run("list", "folders").out
    assert "\x1b" not in printed
    assert "red" in printed
    assert run("list", "folders", "--json").json[0]["description"] == "red \x1b[31m text"
