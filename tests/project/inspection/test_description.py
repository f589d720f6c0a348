"""Descriptions of SSIS files: they agree with their schema and contain no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from lxml import etree

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.build import build_project
from airflow_provider_ssis.project.connection_strings import masked
from airflow_provider_ssis.project.errors import ProjectError, ProtectedError, WrongPasswordError
from airflow_provider_ssis.project.inspection.description import describe, schema
from airflow_provider_ssis.project.inspection.tree import to_tree
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.protection.encryption import PasswordProtection, protect_dts
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.changes import Changes
from tests.support.dtsx_text import package_text
from tests.support.places import INPUTS, SHARED, needs_inputs
from tests.support.ssis_projects import (
    connection,
    data_flow,
    make_project,
    on_success,
    package,
    parameter,
    sequence,
    task,
    write_project_folder,
)

VALIDATOR = jsonschema.Draft202012Validator(schema())


def described(source: Path, password: str | None = None) -> dict[str, Any]:
    found = describe(source, password=password)
    VALIDATOR.validate(json.loads(json.dumps(found)))
    assert to_tree(found)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load = package(
        "Load.dtsx",
        task("Truncate"),
        sequence("Copy", data_flow("Orders")),
        constraints=[on_success("Truncate", "Copy")],
        parameters=[parameter("Pin", "Int32", 4711, sensitive=True)],
    )
    project = make_project(
        "Sales",
        [load],
        [parameter("Region", value="north"), parameter("Key", value="hunter2", sensitive=True)],
        [connection("Mart", "Data Source=mart;User ID=etl;Password=swordfish;")],
    )
    write_project_folder(tmp_path, project)
    return tmp_path


def test_the_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_a_project_is_described_without_secrets(folder: Path) -> None:
    found = described(folder)
    assert (found["kind"], found["name"]) == ("project", "Sales")
    text = json.dumps(found) + to_tree(found)
    assert not any(secret in text for secret in ("hunter2", "4711", "swordfish"))
    assert found["connection_managers"][0]["connection_string"] == "Data Source=mart;User ID=etl;Password=***;"
    root = found["packages"][0]["control_flow"]
    assert [child["name"] for child in root["children"]] == ["Truncate", "Copy"]
    assert root["constraints"][0]["value"] == "success"
    assert root["children"][1]["children"][0]["data_flow"]["paths"]


def test_the_tree_shows_the_order_of_tasks(folder: Path) -> None:
    assert "Copy [sequence], after success of Truncate" in to_tree(describe(folder))


def test_files_are_described_one_by_one(folder: Path) -> None:
    assert described(folder / "Load.dtsx")["kind"] == "package"
    assert described(folder / "Mart.conmgr")["name"] == "Mart"
    assert [one["name"] for one in described(folder / "Project.params")["parameters"]] == ["Region", "Key"]


def test_a_project_that_is_encrypted_as_a_whole_is_described_with_its_password(folder: Path, tmp_path: Path) -> None:
    protection = PasswordProtection(ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD, "secret")
    path = tmp_path / "Sales.ispac"
    path.write_bytes(build_project(folder, changes=Changes(protection=protection)).ispac)
    assert described(path, "secret")["packages"][0]["name"] == "Load"
    with pytest.raises(ProjectError, match="encrypted as a whole"):
        describe(path)


def test_a_package_that_is_encrypted_as_a_whole_is_named(folder: Path) -> None:
    protection = PasswordProtection(ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD, "secret")
    root = protect_dts(parse_xml((folder / "Load.dtsx").read_bytes(), "Load.dtsx"), protection)
    path = folder / "Encrypted.dtsx"
    path.write_bytes(etree.tostring(root))
    with pytest.raises(ProtectedError, match=r"Encrypted\.dtsx is encrypted as a whole\. Give its password"):
        describe(path)
    assert [one.rule for one in check(path, LintConfiguration())] == ["P001"]
    assert described(path, "secret")["name"] == "Load"
    assert "P001" not in [one.rule for one in check(path, LintConfiguration(), password="secret")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Data Source=a;Password=b;Initial Catalog=c", "Data Source=a;Password=***;Initial Catalog=c"),
        ("PWD = 'a;b';x=1", "PWD = ***;x=1"),
        ('Jet OLEDB:Database Password="a;b"', "Jet OLEDB:Database Password=***"),
        ("AccountKey=abc==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
        ("Data Source=keypassword;", "Data Source=keypassword;"),
    ],
)
def test_secrets_in_connection_strings_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@needs_inputs
@pytest.mark.parametrize(
    "name",
    [
        "wide-world-importers",
        "ssis-build-sample",
        "ssisup-sample",
        "ssisup-sample/SampleJob.dtsx",
        "ssis-tutorial/Lesson 3.dtsx",
        "ssis-tutorial/SSISTutorial.dtsConfig",
        "ssis-build-sample/db-01 msdb.conmgr",
        "ssis-build-sample/Project.params",
    ],
)
def test_real_files_are_described(name: str) -> None:
    described(INPUTS / name)


@needs_inputs
def test_the_lineage_of_a_real_data_flow() -> None:
    root = described(INPUTS / "ssis-tutorial" / "Lesson 3.dtsx")["control_flow"]
    lineage = root["children"][0]["children"][0]["data_flow"]["lineage"]
    origins = {one["external_column"]: [tuple(each.values()) for each in one["origins"]] for one in lineage}
    assert origins == {
        "AverageRate": [("Extract Sample Currency Data", "AverageRate")],
        "EndOfDayRate": [("Extract Sample Currency Data", "EndOfDayRate")],
        "CurrencyKey": [("Lookup CurrencyKey", "CurrencyKey")],
        "TimeKey": [("Lookup DateKey", "TimeKey")],
    }


# --- the command


def test_the_command_prints_text_json_and_the_schema(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("Project Sales 1.0.0")
    assert main(["inspect", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["inspect", "--schema"]) == 0
    jsonschema.validate(found, json.loads(capsys.readouterr().out))


def test_the_command_prints_pictures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, start in (("svg", "<svg "), ("dot", "digraph {"), ("mermaid", "flowchart TD")):
        for options in ([], ["--task", "Orders"]):
            assert main(["inspect", str(folder), "--picture", kind, *options]) == 0
            assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--picture", "svg", "--package", "Other"], 1, "Choose one with --package: Load.dtsx"),
        (["--picture", "svg", "--task", "Truncate"], 1, r"Its Data Flow tasks: \Package\Copy\Orders"),
        (["--task", "Orders"], 2, "--task needs --picture"),
        (["--package", "Load"], 2, "--package needs --picture or --as-python"),
    ],
)
def test_the_command_explains_what_it_cannot_show(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, problem: str
) -> None:
    assert main(["inspect", str(folder), *arguments]) == code
    assert problem in capsys.readouterr().err


def test_a_file_of_another_kind_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("text")
    assert main(["inspect", str(path)]) == 1
    assert "is not an SSIS file" in capsys.readouterr().err


FAULTS = SHARED / "faults"


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the small files are not here (expected in ../shared/faults)")
@pytest.mark.parametrize(
    "name",
    [
        "F1_space_preserve",
        "F3_target_version",
        "F4_format5/Load.dtsx",
        "F5_no_params/P.ispac",
        "F6_child_connection_string/Feed.conmgr",
        "F7_multibyte_encoding/Load.dtsx",
    ],
)
def test_small_files_are_described_and_checked(name: str) -> None:
    described(FAULTS / name)
    assert not [one for one in check(FAULTS / name, LintConfiguration()) if one.severity is Severity.ERROR]


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the small files are not here (expected in ../shared/faults)")
@pytest.mark.parametrize("name", ["F2_encrypt_all", "F2_encrypt_all/Sales.conmgr", "F2_encrypt_all/Project.params"])
def test_files_that_are_encrypted_as_a_whole_are_named(name: str) -> None:
    with pytest.raises(ProtectedError, match=r"is encrypted as a whole .*with a password\. Give its password"):
        describe(FAULTS / name)
    with pytest.raises(WrongPasswordError):
        describe(FAULTS / name, password="guess")
    (finding,) = check(FAULTS / name, LintConfiguration())
    assert finding.rule == "P001"


def test_the_variables_and_expressions_of_event_handlers_are_shown(tmp_path: Path) -> None:
    handler = (
        '<DTS:EventHandlers><DTS:EventHandler DTS:EventName="OnError" DTS:DTSID="{h}"><DTS:PropertyExpression '
        'DTS:Name="Disable">1 == 2</DTS:PropertyExpression><DTS:Variables><DTS:Variable DTS:Namespace="System" '
        'DTS:ObjectName="Propagate"><DTS:VariableValue DTS:DataType="11">0</DTS:VariableValue></DTS:Variable>'
        "</DTS:Variables></DTS:EventHandler></DTS:EventHandlers>"
    )
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package_text(handler))
    found = described(path)
    (shown,) = found["control_flow"]["event_handlers"]
    assert [(one["name"], one["value"]) for one in shown["variables"]] == [("System::Propagate", "0")]
    assert (shown["expressions"], shown["id"]) == ({"Disable": "1 == 2"}, "{H}")
    text = to_tree(found)
    assert "    variable System::Propagate (Boolean)" in text
    assert "    property Disable = 1 == 2" in text


def test_settings_of_packages_containers_and_columns_are_shown(tmp_path: Path) -> None:
    attributes = (
        'DTS:SaveCheckpoints="True" DTS:CheckpointUsage="1" DTS:CheckpointFileName="c:\\c.txt" DTS:EnableConfig="True" '
        'DTS:MaxErrorCount="3" DTS:TransactionOption="2" DTS:FailParentOnFailure="True"'
    )
    inner = (
        '<DTS:Configurations><DTS:Configuration DTS:ConfigurationType="2" DTS:ConfigurationString="HOME" '
        'DTS:ConfigurationVariable="\\Package.Properties[Description]" DTS:ObjectName="C"/></DTS:Configurations>'
        '<DTS:Variables><DTS:Variable DTS:Namespace="User" DTS:ObjectName="n" DTS:Expression="1" DTS:ReadOnly="True">'
        '<DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable></DTS:Variables>'
        '<DTS:LoggingOptions DTS:LoggingMode="1"><DTS:Property DTS:Name="EventFilter">1,7,OnError</DTS:Property>'
        "</DTS:LoggingOptions>"
    )
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package_text(inner, attributes))
    found = described(path)
    assert found["checkpoints"] == {"save": True, "usage": 1, "file": "c:\\c.txt"}
    assert found["configurations"] == [
        {"name": "C", "type": 2, "string": "HOME", "property": "\\Package.Properties[Description]"}
    ]
    root = found["control_flow"]
    assert (root["max_error_count"], root["transaction_option"], root["fail_parent_on_failure"]) == (3, 2, True)
    assert root["logging"]["events"] == ["OnError"]
    (variable,) = root["variables"]
    assert (variable["expression"], variable["evaluate_as_expression"], variable["read_only"]) == ("1", False, True)
    assert "variable User::n (Int32)\n" in to_tree(found)
