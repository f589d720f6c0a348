"""The commands that configure a catalog: versions, environments, parameters, permissions, properties."""

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.cli.conftest import Command
from tests.support.executions import wait_for_status


def test_versions_and_restore(run: Command, ispac: Path, mart: Catalog) -> None:
    (first,) = run("versions", "Sales", "Mart", "--json").json
    assert "keeps no version of Sales/Mart before" in run("restore", "Sales", "Mart", code=1).err
    second = run("deploy", ispac, "Sales", "--force", "--json").json["version"]
    listed = run("versions", "Sales", "Mart", "--json").json
    assert [(each["object_version_lsn"], each["is_current"]) for each in listed] == [
        (second, True),
        (first["object_version_lsn"], False),
    ]
    assert f"to version {first['object_version_lsn']}" in run("restore", "Sales", "Mart").out
    restored = run("restore", "Sales", "Mart", second, "--json").json
    assert restored["previous_version"] == first["object_version_lsn"]
    assert str(second) in run("restore", "Sales", "Mart", second, code=1).err
    assert "restored" in run("versions", "Sales", "Mart").out


def test_validate(run: Command, mart: Catalog) -> None:
    result = run("validate", "Sales", "Mart", "Load", "--level", "all", "--poll-interval", "0.05")
    assert result.out.splitlines()[-1].startswith("Validation ")
    assert result.out.splitlines()[-1].endswith(" of Sales/Mart/Load.dtsx succeeded.")
    printed = run("validate", "Sales", "Mart", "Load", "--json", "--poll-interval", "0.05")
    last = printed.json_lines[-1]["validation"]
    assert last["status"] == "succeeded"
    assert printed.err == f"Started validation {last['validation_id']} of Sales/Mart/Load.dtsx.\n"
    wrong = run("validate", "Sales", "Mart", "--environment", "Test", code=1)
    assert "has no reference to the environment 'Test'" in wrong.err
    run("validate", "Sales", "Mart", "--environment", "Test", "--all-environments", code=2)


def test_an_environment_is_set_twice(run: Command, mart: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "variables.json"
    content = {
        "Server": "dw01",
        "Rows": {"value": 5, "type": "Int64", "description": "how many"},
        "Password": {"sensitive": "hunter2"},
    }
    file.write_text(json.dumps(content))
    arguments = ("env", "set", "Sales", "Test", "Enabled=true", "--type", "Enabled=Boolean", "--values", file)
    first = run(*arguments, "--description", "of tests", "--json").json
    assert first["environment_created"]
    assert set(first["created"]) == {"Server", "Rows", "Password", "Enabled"}
    again = run(*arguments, "--json").json
    # A sensitive value cannot be compared, so it is written again.
    assert (again["environment_created"], again["created"], again["updated"]) == (False, [], ["Password"])
    assert run("env", "set", "Sales", "Test", "Rows=6").out == "Environment Sales/Test. Updated: Rows.\n"
    shown = run("env", "show", "Sales", "Test", "--json").json
    assert shown["environment"]["description"] == "of tests"
    variables = {each["name"]: (each["type"], each["value"], each["sensitive"]) for each in shown["variables"]}
    assert variables == {
        "Server": ("String", "dw01", False),
        "Rows": ("Int64", 6, False),
        "Password": ("String", None, True),
        "Enabled": ("Boolean", True, False),
    }
    assert "***" in run("env", "show", "Sales", "Test").out
    run("env", "set", "Sales", "Test", "Server=dw02", "--sensitive", "Server")
    assert mart.environment_variables("Sales", "Test")[-1].sensitive


def test_a_variable_gets_another_type_with_its_value(run: Command, mart: Catalog, tmp_path: Path) -> None:
    """The catalog refuses a type that the old value cannot be converted to."""
    file = tmp_path / "variables.json"
    file.write_text('{"Key": {"sensitive": "hunter2"}, "Size": "big"}')
    run("env", "set", "Sales", "Test", "--values", file)
    steps = [("7", "Int32", 7), ("2024-02-29", "DateTime", datetime(2024, 2, 29)), ("true", "Boolean", True)]
    for text, data_type, value in [*steps, ("big", "String", "big"), ("0.5", "Decimal", Decimal("0.5"))]:
        run("env", "set", "Sales", "Test", f"Size={text}", "--type", f"Size={data_type}")
        variable = mart.environment_variable("Sales", "Test", "Size")
        assert variable is not None
        assert (variable.type, variable.value) == (data_type, value)
    assert "must be a whole number" in run("env", "set", "Sales", "Test", "Size=x", "--type", "Size=Int32", code=1).err
    unchanged = mart.environment_variable("Sales", "Test", "Size")
    assert unchanged is not None
    assert unchanged.type == "Decimal"
    file.write_text('{"Key": {"value": 5, "type": "Int32", "sensitive": true}}')
    run("env", "set", "Sales", "Test", "--values", file)
    key = mart.environment_variable("Sales", "Test", "Key")
    assert key is not None
    assert (key.type, key.sensitive, key.value) == ("Int32", True, None)


def test_an_unknown_key_of_a_variable_is_named(run: Command, mart: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "variables.json"
    file.write_text('{"Key": {"value": "x", "sensitiv_": true}}')
    assert "Key has the unknown key 'sensitiv_'" in run("env", "set", "Sales", "Test", "--values", file, code=2).err
    assert mart.environment("Sales", "Test") is None


def test_a_failure_in_the_middle_says_what_was_done(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    failed = run("env", "set", "Sales", "Test", "A=1", "B=x", "--type", "B=Int32", code=1)
    assert "the variable 'B' got 'x': a value of type Int32 must be a whole number" in failed.err
    assert "Nothing was changed." in failed.err
    failed = run("parameter", "set", "Sales", "Mart", "BatchSize=7", code=1)
    assert "Nothing was set. Name the package: --package Load.dtsx." in failed.err
    failed = run("env", "set", "Sales", "Test", "A=1", "@B=1", code=1)
    assert "Done before: the environment Test was created; variables created: A." in failed.err
    failed = run("parameter", "set", "Sales", "Mart", "BatchSize=7", "Nothing=1", "--package", "Load", code=1)
    assert "Set before: BatchSize." in failed.err
    failed = run("parameter", "clear", "Sales", "Mart", "BatchSize", "Nothing", "--package", "Load", "--json", code=1)
    assert "Cleared before: BatchSize." in failed.json["error"]
    failed = run("env", "delete", "Sales", "Test", "A", "Nothing", "--yes", code=1)
    assert "Deleted before: A." in failed.err
    ssisdb.scripts.take(600, package="Load.dtsx")
    request = ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx")
    number, never_started = mart.create_execution(request), mart.create_execution(request)
    mart.start_execution(number)
    wait_for_status(mart, number, OperationStatus.RUNNING)
    assert "sees no operation" in run("stop", number, never_started + 100, code=1).err
    assert mart.execution_states([number])[0].status is OperationStatus.RUNNING
    failed = run("stop", number, never_started, code=1)
    assert f"there is nothing to stop. Stop requested before: {number}." in failed.err


def test_an_environment_is_deleted_after_a_question(
    run: Command, mart: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("env", "set", "Sales", "Test", "A=1", "B=2")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "nothing was deleted" in run("env", "delete", "Sales", "Test", code=1).err
    run("env", "delete", "Sales", "Test", "A", "--yes")
    assert [each.name for each in mart.environment_variables("Sales", "Test")] == ["B"]
    run("env", "delete", "Sales", "Test", "--yes", "--json")
    assert mart.environment("Sales", "Test") is None
    assert "no environment 'Test'" in run("env", "delete", "Sales", "Test", "--yes", code=1).err


def test_parameters_are_set_bound_and_cleared(run: Command, mart: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text(json.dumps({"Rate": 0.25, "FullLoad": True}))
    arguments = ("parameter", "set", "Sales", "Mart", "BatchSize=7", "--package", "Load", "--bind", "Title=Headline")
    first = run(*arguments, "--values", file, "--json").json
    assert set(first["written"]) == {"BatchSize", "Title", "Rate", "FullLoad"}
    again = run(*arguments, "--values", file, "--json").json
    assert {"BatchSize", "Title", "FullLoad"} <= set(again["unchanged"])
    shown = run("parameter", "show", "Sales", "Mart", "--package", "Load", "--json").json
    values = {each["parameter_name"]: each for each in shown}
    assert (values["BatchSize"]["default_value"], values["BatchSize"]["value_set"]) == (7, True)
    assert values["Title"]["referenced_variable_name"] == "Headline"
    assert "environment variable Headline" in run("parameter", "show", "Sales", "Mart").out
    run("parameter", "clear", "Sales", "Mart", "BatchSize", "Title", "--package", "Load.dtsx")
    shown = run("parameter", "show", "Sales", "Mart", "--package", "Load", "--json").json
    assert {each["parameter_name"] for each in shown if each["value_set"]} == {"Rate", "FullLoad"}
    assert "BatchSize" in run("parameter", "set", "Sales", "Mart", "BatchSiz=7", "--package", "Load", code=1).err
    run("parameter", "set", "Sales", "Mart", code=2)


def test_permissions(run: Command, ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.add_login("etl", "gr4nted-s3cret")
    granted = run("permission", "grant", "etl", "read", "execute_objects", "--folder", "Sales")
    assert granted.out == "Granted read, execute_objects on the folder 'Sales' to etl.\n"
    run("permission", "deny", "etl", "modify", "--folder", "Sales", "--project", "Mart")
    shown = run("permission", "show", "--folder", "Sales", "--json").json
    assert {(each["principal_name"], each["permission_type"], each["is_deny"]) for each in shown["explicit"]} == {
        ("etl", "read", False),
        ("etl", "execute_objects", False),
    }
    assert "manage_permissions" in shown["own"]
    run("permission", "revoke", "etl", "read", "--folder", "Sales")
    assert "execute objects" in run("permission", "show", "--folder", "Sales").out
    assert "'etl'" in run("permission", "grant", "et", "read", "--folder", "Sales", code=1).err
    both = ("etl", "read", "create_objects", "--folder", "Sales", "--project", "Mart")
    assert "Done before: read." in run("permission", "grant", *both, code=1).err
    assert "--folder, --project" in run("permission", "show", code=2).err


def test_properties(run: Command, catalog: Catalog) -> None:
    assert run("property", "show", "--json").json["SCHEMA_VERSION"]
    assert run("property", "set", "retention_window", "30").out == "Set RETENTION_WINDOW to 30.\n"
    assert run("property", "show", "RETENTION_WINDOW", "--json").json == {"RETENTION_WINDOW": "30"}
    assert "'RETENTION_WINDOW'" in run("property", "show", "RETENTION_WINDO", code=1).err
    assert "1 to 3650" in run("property", "set", "RETENTION_WINDOW", "0", code=1).err


def test_operations_are_listed_by_type(run: Command, mart: Catalog) -> None:
    (deployment,) = run("list", "operations", "--type", "deploy_project", "--json").json
    assert (deployment["object_name"], deployment["status"]) == ("Mart", "succeeded")
    assert run("list", "operations", "--type", "execution", "--type", "stop_operation", "--json").json == []
    assert "deploy project" in run("list", "operations", "--since", "1h", "--limit", "1").out
    assert "neither a time" in run("list", "operations", "--since", "yesterday", code=2).err
