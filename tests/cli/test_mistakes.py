"""Mistakes on the command line: an error that names the cause, and nothing done."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.cli.main import main
from tests.cli.conftest import Command
from tests.support.places import SALES_MART


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspect", "none.dtsx"], "does not exist. Check the path"),
        (["inspect", "none"], "does not exist. Check the path"),
        (["inspect", "empty"], "is not an SSIS file"),
        (["diff", str(SALES_MART), "none.ispac"], "none.ispac does not exist"),
        (
            ["diff", "broken.dtsx", str(SALES_MART / "LoadSales.dtsx")],
            "diff: broken.dtsx, line 1, is not well-formed XML",
        ),
        (
            ["diff", str(SALES_MART / "LoadSales.dtsx"), "broken.dtsx"],
            "diff: broken.dtsx, line 1, is not well-formed XML",
        ),
        (
            ["check", str(SALES_MART), "--script", "Nope=no_module:f"],
            "No module named 'no_module'. Put it into the current",
        ),
        (
            ["check", str(SALES_MART), "--script", "Nope=broken_module:f"],
            "'broken_module:f' cannot be imported: SyntaxError",
        ),
        (
            ["emulator", "--execute", "--script", "Nope=nothing"],
            "The script 'nothing' is not written as module:function",
        ),
        (["inspect", str(SALES_MART), "--picture", "svg"], "has 3 packages. Choose one with --package: LoadSales.dtsx"),
        (["inspect", str(SALES_MART), "--picture", "svg", "--package", "No"], "has no package 'No'. Choose one"),
        (["fmt", "folder"], "folder contains no file that can be formatted"),
        (["fmt", "/dev/null"], "/dev/null is not a file that can be formatted"),
        (["lint", str(SALES_MART), "--select", "Z9"], "no rule has the id 'Z9'"),
        (["lint", str(SALES_MART), "--ignore", "Z9"], "no rule has the id 'Z9'"),
        (["lint", str(SALES_MART), "--baseline", "none.json"], "none.json: cannot be read: No such file"),
        (["lint", str(SALES_MART), "--baseline", "empty"], "empty: is not a baseline"),
        (["inspect", str(SALES_MART), "--password-file", "empty"], "the first line of empty is empty"),
        (
            ["build", str(SALES_MART), "--output", "a.ispac", "--protect", "all", "--new-password-file", "empty"],
            "the first line of empty is empty",
        ),
    ],
)
def test_a_wrong_file_or_name_is_an_error(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("empty").touch()
    Path("folder").mkdir()
    Path("broken.dtsx").write_text("<a>")
    Path("broken_module.py").write_text("def f(:")
    before = set(tmp_path.iterdir())
    assert main(arguments) != 0
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert set(tmp_path.iterdir()) - {tmp_path / "__pycache__"} == before


@pytest.mark.parametrize("key", ["select", "ignore", "severity", "per-file-ignores"])
def test_a_configuration_with_an_unknown_rule_is_an_error(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {"severity": '{ Z9 = "error" }', "per-file-ignores": '{ "*.dtsx" = ["Z9"] }'}.get(key, '["Z9"]')
    config = tmp_path / "airflow-ssis.toml"
    config.write_text(f"{key} = {value}\n", "utf-8")
    assert main(["lint", str(SALES_MART), "--config", str(config)]) == 1
    problem = "a severity needs the whole id of a rule, not 'Z9'" if key == "severity" else "no rule has the id 'Z9'"
    assert f"{config}: {problem}" in capsys.readouterr().err


def test_a_run_without_a_required_value_creates_no_execution(run: Command, mart: Catalog) -> None:
    error = run("run", "Sales", "Mart", "Strict", code=5).err
    assert "required parameters are without a value" in error
    assert run("list", "executions", "--json").json == []


def test_names_of_permissions_in_upper_case_are_accepted(run: Command, mart: Catalog) -> None:
    assert "Granted read" in run("permission", "grant", "public", "READ", "--folder", "Sales").out


def test_an_unknown_property_names_the_existing_ones(run: Command, mart: Catalog) -> None:
    assert "There are the properties 'DEFAULT_EXECUTION_MODE'" in run("property", "show", "FOO", code=1).err


def test_env_set_adds_references_with_which_a_run_uses_the_environment(run: Command, mart: Catalog) -> None:
    missing = run("run", "Sales", "Mart", "Load", "--environment", "Test", code=6).err
    assert "airflow-ssis env set" in missing
    assert "no project 'Mrt'" in run("env", "set", "Sales", "Test", "--project", "Mrt", code=1).err
    assert mart.environment("Sales", "Test") is None
    made = run("env", "set", "Sales", "Test", "--project", "Mart", "--json").json
    assert made["references_added"] == ["Sales/Mart"]
    again = run("env", "set", "Sales", "Test", "--project", "Sales/Mart", "--json").json
    assert again["references_added"] == []
    run("run", "Sales", "Mart", "Load", "--environment", "Test", "--no-wait")


def test_names_of_variables_that_differ_in_case_are_refused(run: Command, mart: Catalog) -> None:
    assert "Rows and ROWS are one variable" in run("env", "set", "Sales", "Test", "Rows=1", "ROWS=2", code=2).err
    assert mart.environment("Sales", "Test") is None


@pytest.mark.parametrize(
    ("arguments", "kind", "number"),
    [
        (["diff", "catalog:Sales/None", "catalog:Sales/Mart"], "ProjectNotFound", 27109),
        (["inspect", "none.dtsx"], "InvalidPartError", None),
        (["env", "show", "Sales", "None"], "EnvironmentNotFound", None),
        (["list", "executions", "--limit", "0"], "UsageError", None),
    ],
)
def test_json_names_the_type_of_an_error(
    run: Command, mart: Catalog, arguments: list[str], kind: str, number: int | None
) -> None:
    code = 2 if arguments[0] in ("diff", "list") else 1
    error = run(*arguments, "--json", code=code).json
    assert (error["type"], error["number"], error["exit_code"]) == (kind, number, code)
    assert error["error"].endswith(".")


def test_an_id_larger_than_a_bigint_is_refused(run: Command, mart: Catalog) -> None:
    run("messages", 1, "--after", 2**63, code=2)
    with pytest.raises(InvalidArgument, match="larger than a bigint"):
        mart.event_messages(1, after=2**63)


def test_a_question_without_a_terminal_is_an_error(
    run: Command, mart: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    mart.create_environment("Sales", "Test")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for command in (("env", "delete", "Sales", "Test"), ("verify",)):
        assert "Nothing was changed. Use --yes" in run(*command, code=1).err
    assert mart.environment("Sales", "Test") is not None


def test_a_project_password_that_has_no_effect_is_an_error(run: Command, ispac: Path, tmp_path: Path) -> None:
    password = tmp_path / "password.txt"
    password.write_text("secret", "utf-8")
    assert "needs --strip-sensitive" in run("deploy", ispac, "Sales", "--project-password-file", password, code=2).err


def test_diff_does_not_report_a_failure_as_a_difference(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    refused = run("diff", SALES_MART, SALES_MART, "--project-password-file", empty, code=2).err
    assert "the first line of" in refused
    monkeypatch.delenv("AIRFLOW_SSIS_URI")
    unreadable = run("diff", SALES_MART, "catalog:Sales/Mart", "--conn-id", "unknown", code=2).err
    assert "'unknown' cannot be read" in unreadable


def test_a_report_that_cannot_be_written_is_an_error_before_the_start(run: Command, tmp_path: Path) -> None:
    report = tmp_path / "none" / "report"
    assert f"there is no folder {report.parent}" in run("verify", "--yes", "--report", report, code=1).err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", str(SALES_MART), "--package", "LoadSales"], 5),
        (["check", str(SALES_MART)], 1),
        (["emulator", "--execute"], 1),
    ],
)
def test_a_missing_extra_is_named_with_how_to_install_it(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As if it were not installed. Other projects install the rest of the extra.
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    assert main(arguments) == code
    printed = capsys.readouterr().err
    assert (
        "Data flows need Python packages that are not installed here: python_calamine. Install the extra: pip"
        in printed
    )
    assert printed.count("\n") == 1


@pytest.mark.parametrize("arguments", [["inspect"], ["inspect", "--lineage"], ["diff", SALES_MART]])
def test_control_characters_of_a_file_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str | Path]
) -> None:
    source = shutil.copytree(SALES_MART, tmp_path / "sales_mart")
    package = source / "LoadSales.dtsx"
    # XML has no escape character, but this one, with which some terminals begin a sequence, too.
    package.write_bytes(package.read_bytes().replace(b"Log Loaded File", "Log \x9b31m".encode()))
    main([*map(str, arguments), str(source)])
    assert "Log \ufffd31m" in capsys.readouterr().out
