"""``airflow-ssis lint``: formats, configuration, baseline, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.lint.configuration import (
    ConfigurationError,
    find_configuration,
    read_configuration,
)
from airflow_provider_ssis.lint.findings import Finding, Place, Severity
from airflow_provider_ssis.lint.output import to_github, to_sarif, to_text
from tests.lint.samples import executables, manager, plain, sql, variable, variables
from tests.support.dtsx_text import package_text
from tests.support.places import INPUTS, needs_inputs

BAD = manager(text="Data Source=.;Password=x;") + executables(sql(statement=""))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package_text(BAD))
    return path


def test_errors_are_printed_and_end_with_exit_code_1(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(bad)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"{bad}:2: error C201 \\Package.Connections[Mart]: the connection manager Mart contains a password. Use "
        "Windows authentication, or set the sensitive parameter Password on the server"
    )
    assert lines[-1] == "2 errors, 0 warnings, 0 infos"


def test_a_clean_package_ends_with_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Load.dtsx"
    path.write_bytes(package_text(variables(variable()) + executables(plain("A"))))
    assert main(["lint", str(path)]) == 0
    assert capsys.readouterr().out == "0 errors, 0 warnings, 0 infos\n"


def test_json_has_all_of_a_finding(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(bad), "--format", "json"]) == 1
    first, _ = json.loads(capsys.readouterr().out)
    assert (first["rule"], first["severity"], first["file"], first["line"]) == ("C201", "error", "Load.dtsx", 2)
    assert set(first) == {
        "rule",
        "name",
        "severity",
        "file",
        "location",
        "line",
        "path",
        "message",
        "fix",
        "fingerprint",
    }


FINDING = Finding(
    "C201", "hard-coded-password", Severity.ERROR, Place("My Load.dtsx", 7, "\\Package"), "100%, a\nb", "Fix"
)


def test_sarif_names_rule_place_and_fingerprint() -> None:
    in_folder = replace(FINDING, place=replace(FINDING.place, folder="etl"))
    log = json.loads(to_sarif([in_folder]))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["C201"]
    (result,) = run["results"]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("C201", 0, "error")
    physical = result["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "etl/My%20Load.dtsx"}, "region": {"startLine": 7}}


def test_a_finding_is_one_line_of_text() -> None:
    one = Finding("E101", "invalid-expression", Severity.ERROR, Place("a.dtsx", 3), "wrong: 1 +\r\n  2", "Correct it")
    assert to_text([one]).splitlines()[0] == "a.dtsx:3: error E101 wrong: 1 + 2. Correct it"


def test_annotations_of_github_are_escaped() -> None:
    assert to_github([FINDING]) == (
        "::error file=My Load.dtsx,line=7,title=C201 hard-coded-password::\\Package: 100%25, a%0Ab. Fix\n"
    )


def test_annotations_name_files_from_the_working_directory(
    bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bad.parent.parent)
    for source in (bad, Path(bad.parent.name) / bad.name):
        assert main(["lint", str(source), "--format", "github"]) == 1
        assert {line.partition(",")[0] for line in capsys.readouterr().out.splitlines()} == {
            f"::error file={bad.parent.name}/Load.dtsx"
        }


def test_an_entry_of_a_baseline_accepts_one_finding_of_all_sources(
    bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "baseline.json"
    assert main(["lint", str(bad), "--write-baseline", str(baseline)]) == 0
    other = tmp_path / "other" / bad.name
    other.parent.mkdir()
    other.write_bytes(bad.read_bytes())
    assert main(["lint", str(bad), str(other), "--baseline", str(baseline)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 errors, 0 warnings, 0 infos"


def test_known_findings_are_left_out_with_a_baseline(
    bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "baseline.json"
    assert main(["lint", str(bad), "--write-baseline", str(baseline)]) == 0
    bad.write_bytes(bad.read_bytes().replace(b"<DTS:Executables>", b"\n\n<DTS:Executables>"))  # lines move
    assert main(["lint", str(bad), "--baseline", str(baseline)]) == 0
    bad.write_bytes(package_text(BAD + executables(plain("New"), plain("Off", 'DTS:Disabled="True"'))))
    capsys.readouterr()
    assert main(["lint", str(bad), "--baseline", str(baseline)]) == 1
    assert {line.split()[2] for line in capsys.readouterr().out.splitlines()[:-1]} == {"F101", "E101"}


def test_a_broken_baseline_is_rejected(bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.json").write_text("[]")
    assert main(["lint", str(bad), "--baseline", str(tmp_path / "b.json")]) == 1
    assert "is not a baseline" in capsys.readouterr().err


def test_the_configuration_of_the_nearest_pyproject_applies(
    bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.airflow-ssis.lint]\nignore = ["F"]\nrequire-event-handlers = ["OnError"]\n'
        'severity = { C201 = "warning", N101 = "info" }\n'
    )
    assert find_configuration(bad) == tmp_path / "pyproject.toml"
    assert main(["lint", str(bad)]) == 0
    assert {tuple(line.split()[1:3]) for line in capsys.readouterr().out.splitlines()[:-1]} == {
        ("warning", "C201"), ("info", "N101")
    }  # fmt: skip
    assert main(["lint", str(bad), "--select", "N"]) == 0
    assert "C201" not in capsys.readouterr().out


def test_rules_are_ignored_for_some_files(bad: Path, tmp_path: Path) -> None:
    (tmp_path / "airflow-ssis.toml").write_text('[per-file-ignores]\n"L*.dtsx" = ["C201", "F109"]\n')
    assert main(["lint", str(bad)]) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("unknown = 1", "the key 'unknown' is unknown"),
        ('target = "oracle"', "target is 'oracle'"),
        ('select = "C"', "select must be a list of texts"),
        ('severity = { C201 = "fatal" }', r"severity\.C201 must be error, warning or info"),
        ('names = { task = "(" }', r"names\.task is not a regular expression"),
        ('names = { thing = "x" }', r"names\.thing is unknown"),
        ("names = { task = 5 }", r"names\.task must be a text"),
        ("severity = 1", "severity must be a table"),
        ("= 1", "is not TOML"),
    ],
)
def test_an_invalid_configuration_is_rejected_by_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "airflow-ssis.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        read_configuration(path)


@pytest.mark.parametrize(
    "text", ['select = ["X9"]', 'ignore = [""]', 'severity = { C20 = "info" }', '[per-file-ignores]\n"*" = ["Z"]']
)
def test_a_name_of_no_rule_is_rejected(bad: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It would switch off checks, or change nothing, without a word."""
    path = bad.parent / "airflow-ssis.toml"
    path.write_text(f"\ufeff{text}", "utf-8")
    assert main(["lint", str(bad)]) == 1
    assert f"{path}: " in capsys.readouterr().err
    path.unlink()
    assert main(["lint", str(bad), "--select", ""]) == 1
    assert "no rule has the id ''" in capsys.readouterr().err


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--rules"]) == 0
    assert "C201  error   hard-coded-password" in capsys.readouterr().out
    assert main(["lint", "--explain", "C201"]) == 0
    assert "Fix: Use Windows authentication" in capsys.readouterr().out
    assert main(["lint", "--explain", "X1"]) == 1
    assert main(["lint"]) == 2


@needs_inputs
@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("wide-world-importers", set()),
        ("ssis-build-sample", {"C102", "C202", "D107", "P102", "V102"}),
        ("ssis-tutorial/Lesson 3.dtsx", {"D105"}),
        ("ssisup-sample", {"P202"}),
    ],
)
def test_real_projects_have_known_findings(name: str, rules: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(INPUTS / name), "--format", "json"]) == 0
    assert {one["rule"] for one in json.loads(capsys.readouterr().out)} == rules
