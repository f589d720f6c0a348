"""``airflow-ssis build``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.ispac import read_ispac
from tests.support.ssis_projects import (
    execute_package,
    make_project,
    package,
    parameter,
    write_ispac,
    write_project_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = make_project(
        "Sales", [package("Load.dtsx", execute_package("Run", "Missing.dtsx")), package("Child.dtsx")]
    )
    write_project_folder(tmp_path / "project", project)
    return tmp_path / "project"


def test_a_project_file_is_written_and_described(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "Sales.ispac"
    assert main(["build", str(folder), "--output", str(output)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"Built project Sales: {output}, {output.stat().st_size} bytes",
        "Packages (2): Load.dtsx, Child.dtsx",
        f"Content hash: {content_hash(output)}",
    ]
    assert printed.err == (
        "warning: Load.dtsx: \\Package\\Run runs the package Missing.dtsx, which the project does not contain\n"
    )
    assert read_ispac(output).name == "Sales"
    assert set(tmp_path.iterdir()) == {folder, output}


def test_configuration_and_project_are_chosen(folder: Path, tmp_path: Path) -> None:
    write_project_folder(folder, make_project("Stock"))
    arguments = ["build", str(folder), "--project", "Stock", "--configuration", "Development"]
    assert main([*arguments, "--output", str(tmp_path / "Stock.ispac")]) == 0
    assert read_ispac(tmp_path / "Stock.ispac").name == "Stock"


@pytest.mark.processes
def test_a_folder_that_cannot_be_built_leaves_the_old_file_alone(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "Sales.ispac"
    output.write_bytes(b"old")
    (folder / "Child.dtsx").unlink()
    command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "build", str(folder), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"airflow-ssis build: Child.dtsx is missing in {folder}, but Sales.dtproj refers to it. "
        "Restore the file, or remove it from the project in Visual Studio.\n"
    )
    assert output.read_bytes() == b"old"


def test_a_damaged_file_is_named_with_its_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Child.dtsx").write_text("<broken")
    assert main(["build", str(folder), "--output", str(tmp_path / "Sales.ispac")]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"airflow-ssis build: {folder}: Child.dtsx, line 1, is not well-formed XML")
    assert printed.count("\n") == 1


def test_an_output_that_cannot_be_written_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing" / "Sales.ispac"
    assert main(["build", str(folder), "--output", str(missing)]) == 1
    assert capsys.readouterr().err == f"airflow-ssis build: cannot write {missing}: No such file or directory.\n"
    assert main(["build", str(folder), "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"airflow-ssis build: cannot write {tmp_path}: it is a directory, not a regular file.\n"
    )
    assert main(["build", str(folder), "--output", "/dev/null"]) == 1
    assert "it is a device, not a regular file" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.parent.iterdir() if path.name.startswith(f".{tmp_path.name}")) == []


@pytest.mark.parametrize("name", ["Sales.dtproj", "Load.dtsx", "Project.params", "New.CONMGR"])
def test_a_source_file_is_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = folder / name
    before = path.read_bytes() if path.exists() else None
    assert main(["build", str(folder), "--output", str(path)]) == 1
    assert "has the name of a project's source file. Give it the extension .ispac" in capsys.readouterr().err
    assert (path.read_bytes() if path.exists() else None) == before


def test_the_dtproj_itself_is_accepted(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "Sales.ispac"
    assert main(["build", str(folder / "Sales.dtproj"), "--output", str(output)]) == 0
    assert read_ispac(output).name == "Sales"


def test_sensitive_values_are_removed_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project("Sales", parameters=[parameter("Key", value="hunter2", sensitive=True)])
    source, output = tmp_path / "Sales.ispac", tmp_path / "Stripped.ispac"
    source.write_bytes(write_ispac(project))
    assert main(["build", str(source), "--strip-sensitive", "--output", str(output)]) == 0
    printed = capsys.readouterr()
    assert printed.err == (
        "warning: Project.params: removed the value of the parameter Key, because it is sensitive; "
        "set it on the server\n"
    )
    assert read_ispac(output).parameters[0].value is None
    assert "hunter2" not in printed.out + printed.err


def test_a_project_file_can_be_stripped_in_place(tmp_path: Path) -> None:
    path = tmp_path / "Sales.ispac"
    path.write_bytes(write_ispac(make_project("Sales", parameters=[parameter("Key", value="x", sensitive=True)])))
    assert main(["build", str(path), "--strip-sensitive", "--output", str(path)]) == 0
    assert read_ispac(path).parameters[0].value is None


def test_protection_values_and_version_are_changed(folder: Path, tmp_path: Path) -> None:
    write_project_folder(folder, make_project("Stock", parameters=[parameter("Key", value="x", sensitive=True)]))
    (tmp_path / "new").write_text("swordfish\n")
    (tmp_path / "values.json").write_text('{"Project::Key": "from the file"}')
    output = tmp_path / "Stock.ispac"
    arguments = ["build", str(folder), "--project", "Stock", "--output", str(output)]
    arguments += ["--protect", "all", "--new-password-file", str(tmp_path / "new"), "--project-version", "2.1.7"]
    assert main([*arguments, "--values", str(tmp_path / "values.json"), "--version-comments", "nightly"]) == 0
    found = read_ispac(output, password="swordfish")
    assert [one.value for one in found.parameters] == ["from the file"]
    assert (found.version_major, found.version_build, found.version_comments) == (2, 7, "nightly")
    again = tmp_path / "Again.ispac"
    arguments = ["build", str(output), "--output", str(again), "--password-file", str(tmp_path / "new")]
    assert main([*arguments, "--set", "Project::Key=a=b"]) == 0
    assert [one.value for one in read_ispac(again, password="swordfish").parameters] == ["a=b"]


def test_numbers_from_a_file_keep_their_digits(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project_folder(folder, make_project("Stock", parameters=[parameter("Rate", value="x")]))
    values, output = tmp_path / "values.json", tmp_path / "Stock.ispac"
    arguments = ["build", str(folder), "--project", "Stock", "--output", str(output), "--values", str(values)]
    for number in ("12345678901234567.890", "0.00000001", "true", "5"):
        values.write_text(f'{{"Project::Rate": {number}}}')
        assert main(arguments) == 0
        assert [one.value for one in read_ispac(output).parameters] == [number.capitalize()]
    values.write_text('\ufeff{"Project::Rate": "mark"}', encoding="utf-8")  # as PowerShell writes files
    assert main(arguments) == 0
    repeated = '{"Project::Rate": 1, "Project::Rate": 2}'
    for wrong in (repeated, '{"Project::Rate": null}', '{"Project::Rate": NaN}', '["Project::Rate"]', "{"):
        values.write_text(wrong)
        assert main(arguments) == 2
        assert str(values) in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--set", "Key"], ["--protect", "all"], ["--project-version", "2"], ["--password-file", "missing"]],
)
def test_invalid_changes_are_wrong_usage(folder: Path, tmp_path: Path, options: list[str]) -> None:
    assert main(["build", str(folder), "--output", str(tmp_path / "A.ispac"), *options]) == 2


def test_a_project_is_checked_first_on_request(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "Sales.ispac"
    assert main(["build", str(folder), "--output", str(output), "--lint"]) == 1
    assert "P401" in capsys.readouterr().err
    assert not output.exists()
    (folder / "airflow-ssis.toml").write_text('ignore = ["P401"]')
    assert main(["build", str(folder), "--output", str(output), "--lint"]) == 0
