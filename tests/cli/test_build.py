"""``airflow-ssis build``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.ispac import content_hash, read_ispac
from tests.support.ssis_projects import execute_package, make_project, package, write_project_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = make_project("Sales", [package("Load.dtsx", execute_package("Run", "Gone.dtsx")), package("Child.dtsx")])
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
        "warning: Load.dtsx: \\Package\\Run runs the package Gone.dtsx, which the project does not have\n"
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
        f"airflow-ssis build: Child.dtsx: is missing in {folder}, and Sales.dtproj needs it. "
        "Put the file back, or remove it from the project in Visual Studio\n"
    )
    assert output.read_bytes() == b"old"


def test_a_damaged_file_is_named_with_its_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Child.dtsx").write_text("<broken")
    assert main(["build", str(folder), "--output", str(tmp_path / "Sales.ispac")]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"airflow-ssis build: {folder}: Child.dtsx, line 1: ")
    assert printed.count("\n") == 1


def test_a_place_that_cannot_be_written_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(folder), "--output", str(tmp_path / "gone" / "Sales.ispac")]) == 1
    assert "cannot write" in capsys.readouterr().err
    assert main(["build", str(folder), "--output", str(tmp_path)]) == 1
    assert sorted(path.name for path in tmp_path.parent.iterdir() if path.name.startswith(f".{tmp_path.name}")) == []
