"""``airflow-ssis run SOURCE`` and ``airflow-ssis check``: packages on this machine."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.small_packages import copying, counting, endless, failing, refused, saved, small_project


def test_a_package_runs_and_its_end_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(saved(counting(), tmp_path))]) == 0
    assert capsys.readouterr().out.startswith("Count.dtsx: success after ")


@pytest.mark.processes
def test_a_package_without_a_data_flow_loads_no_arrow(tmp_path: Path) -> None:
    code = (
        "import sys; from airflow_provider_ssis.cli.main import main; main(['run', sys.argv[1]]); "
        "print(sorted({'pyarrow', 'numpy', 'duckdb', 'pyodbc', 'mssql_python'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", code, str(saved(counting(), tmp_path))]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_follow_prints_the_messages_of_the_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = str(saved(counting(), tmp_path))
    main(["run", package, "--follow"])
    printed = capsys.readouterr().out
    assert "[\\Package\\Loop[2]\\Turn]" in printed
    assert "Validation has started" not in printed
    main(["run", package, "--follow", "--level", "all"])
    assert "Validation has started" in capsys.readouterr().out


def test_a_failed_package_names_its_causes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(saved(failing(), tmp_path))]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("  - ")
    assert "Broken" in printed.err
    assert printed.out.startswith("Fail.dtsx: failure after ")


def test_json_has_a_line_for_each_event_and_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(saved(failing(), tmp_path)), "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"message", "executable_ended", "result"} == {line["event"] for line in lines}
    assert (lines[-1]["status"], lines[-1]["exit_code"], lines[-1]["errors"]) == ("failure", 1, 1)


def test_the_last_line_of_json_has_the_same_keys_for_each_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package, unsupported = str(saved(counting(), tmp_path)), str(saved(refused(), tmp_path))
    ends = [
        ([package], 0, "success"),
        ([package, "--parameter", "Missing=1"], 5, "not_loaded"),
        ([package, "--package", "Missing"], 4, "not_loaded"),
        ([unsupported], 5, "refused"),
        ([unsupported, "--dry-run"], 5, "refused"),
    ]
    keys = set()
    for arguments, code, status in ends:
        assert main(["run", *arguments, "--json"]) == code
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (last["event"], last["status"], last["exit_code"]) == ("result", status, code)
        keys.add(tuple(last))
    assert len(keys) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
@pytest.mark.parametrize("as_json", [True, False])
def test_characters_that_the_terminal_lacks_do_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, as_json: bool
) -> None:
    package = PackageBuilder("Names")
    package.add_variable("N", 0)
    package.add_expression("Ω → ä", "@[User::N] = 1")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, write_through=True))
    assert main(["run", str(package.save(tmp_path)), "--json" if as_json else "--follow"]) == 0
    lines = written.getvalue().decode(encoding).splitlines()
    if as_json:
        assert "Ω → ä" in {json.loads(line).get("executable_name") for line in lines}


class _Full(io.BytesIO):
    """A file on a full disk."""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("arguments", "code", "status"), [(["--json"], 3, "canceled"), ([], 0, "success")])
def test_an_output_that_cannot_be_written_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    status: str,
) -> None:
    package = str(saved(counting(), tmp_path))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(_Full(), encoding="utf-8", write_through=True))
    assert main(["run", package, *arguments]) == code
    expected = f"the output cannot be written: No space left on device. The status of the run is {status}."
    assert expected in capsys.readouterr().err


def test_the_package_of_a_project_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = str(small_project(tmp_path))
    assert main(["run", project, "--package", "Count"]) == 0
    assert main(["run", project]) == 5
    assert "Count.dtsx" in capsys.readouterr().err
    assert main(["run", project, "--package", "Missing"]) == 4
    capsys.readouterr()
    assert main(["run", str(tmp_path / "Missing.dtsx")]) == 4
    assert "Missing.dtsx does not exist. Check the path." in capsys.readouterr().err


def test_a_refused_package_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = str(saved(refused(), tmp_path))
    assert main(["run", package]) == 5
    printed = capsys.readouterr().err
    assert "Nothing was run" in printed
    assert "\\Package\\Clean Up" in printed
    assert main(["run", package, "--json"]) == 5
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["refusals"][0]["where"] == "\\Package\\Clean Up"


def test_a_dry_run_lists_the_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(saved(counting(), tmp_path)), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == ["\\Package", "\\Package\\Loop", "\\Package\\Loop\\Turn", "The engine can run it."]
    assert lines[-1].startswith("Count.dtsx: validation: success after ")
    assert main(["run", str(saved(refused(), tmp_path)), "--dry-run"]) == 5
    assert "not supported: \\Package\\Clean Up" in capsys.readouterr().out


def test_a_dry_run_validates_with_the_options_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = str(saved(copying(r"C:\data\in.csv", r"C:\data\out.csv"), tmp_path))
    assert main(["run", package, "--dry-run"]) == 0
    missing = r"In: C:\data\in.csv is a path of Windows, and no rule maps it to this machine. Add one: --map-path"
    assert (
        f"no path yet: connection manager {missing} 'C:\\data=/folder/here', or path_map in Python."
        in capsys.readouterr().out
    )
    options = ["--map-path", rf"C:\data={tmp_path}"]
    assert main(["run", package, "--dry-run", *options, "--json"]) == 0
    plan, *_, result = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert plan["unmapped"] == {}
    assert (result["status"], result["validate_only"]) == ("success", True)
    assert not (tmp_path / "out.csv").exists()
    assert main(["run", package, "--dry-run", *options, "--connection", "Unknown=x"]) == 5


def test_a_dry_run_names_no_paths_that_the_run_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = copying(r"C:\data\in.csv", r"C:\data\out.csv")
    made.connection_managers["In"].expressions["ConnectionString"] = f'"{tmp_path}/in.csv"'
    given = ["--parameter", f"CM.Out.ConnectionString={tmp_path}/out.csv"]
    assert main(["run", str(saved(made, tmp_path)), "--dry-run", "--json", *given]) == 0
    plan, *_ = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert plan["unmapped"] == {}


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_damaged_package_ends_with_the_result_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    saved(counting(), tmp_path)
    (tmp_path / "Bad.dtsx").write_text("<no package", encoding="utf-8")
    assert main(["run", str(tmp_path), "--package", "Bad", "--json", *options]) == 5
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["status"] == "not_loaded"


def test_a_dry_run_fails_where_the_validation_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = PackageBuilder("Wrong")
    package.add_expression("Compute", "@[User::Missing] = 1")
    assert main(["run", str(saved(package, tmp_path)), "--dry-run"]) == 1
    printed = capsys.readouterr()
    assert "Wrong.dtsx: validation: failure" in printed.out
    assert "User::Missing" in printed.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--script", "\\Package\\X=nothing"], 5),
        (["--map-path", "no equals sign"], 6),
        (["--parameter", "A=1", "--parameter", "A=2"], 6),
        (["--level", "loud"], 6),
        (["--parameter", "Unknown=1"], 5),
    ],
)
def test_wrong_options_have_the_exit_codes_of_dtexec(
    tmp_path: Path, arguments: list[str], expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(saved(counting(), tmp_path)), *arguments]) == expected
    assert capsys.readouterr().err


def test_a_file_that_is_not_a_package_cannot_be_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Broken.dtsx"
    file.write_text("no XML")
    assert main(["run", str(file)]) == 5
    assert "Broken.dtsx" in capsys.readouterr().err


def test_values_of_a_file_stay_out_of_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = counting()
    package.add_parameter("Key", sensitive=True)
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"parameters": {"Key": {"sensitive": "c4nary-s3cret"}}}))
    assert main(["run", str(saved(package, tmp_path)), "--values", str(values), "--json"]) == 0
    assert "c4nary" not in capsys.readouterr().out


@pytest.mark.processes
def test_a_signal_cancels_the_run(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "airflow_provider_ssis.cli.main"]
    command = [*program, "run", str(saved(endless(), tmp_path)), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        out = process.stdout.read()
        assert process.wait() == 3
    assert "Endless.dtsx: canceled" in out


def test_check_says_what_the_engine_cannot_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(counting(), tmp_path)
    saved(refused(), tmp_path)
    assert main(["check", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Count.dtsx: can run"
    assert lines[1] == "Refused.dtsx: cannot run"
    assert lines[2].startswith("  \\Package\\Clean Up: ")
    assert lines[-1] == "The engine can run 1 of 2 packages."
    assert main(["check", str(tmp_path), "--package", "Count", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert (found["name"], found["can_run"], found["refusals"]) == ("Count.dtsx", True, [])


def test_check_and_dry_run_list_the_values_that_a_run_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = counting()
    manager = package.connection_managers.add_oledb("Sales", "Data Source=db1;User ID=etl;Provider=MSOLEDBSQL.1;")
    package.add_execute_sql("Read", manager, "SELECT 1")
    path = saved(package, tmp_path)
    secret = '<DTS:Password DTS:Name="Password" Sensitive="1" Encrypted="1">AQAAANCMnd8BFdERjHoAwE</DTS:Password>'
    text = re.sub(
        r"(<DTS:ConnectionManager [^>]*ConnectionString[^>]*)/>",
        rf"\1>{secret}</DTS:ConnectionManager>",
        path.read_text(encoding="utf-8"),
    )
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Count.dtsx: can run with these values:"
    assert lines[1].startswith("  \\Package.Connections[Sales]: the sensitive property Password: it is encrypted.")
    assert main(["run", str(path), "--dry-run"]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("missing: \\Package.Connections[Sales]")
    assert lines[-1] == "The engine can run it with the missing values."
    main(["run", str(path), "--dry-run", "--connection", "Sales=Data Source=db1;Provider=MSOLEDBSQL.1;"])
    assert "The engine can run it." in capsys.readouterr().out.splitlines()
    assert main(["run", str(path)]) == 5
    assert "Nothing was run" in capsys.readouterr().err


def test_the_number_of_arguments_selects_the_server_or_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "Sales", "Mart"]) == 6
    assert "PACKAGE" in capsys.readouterr().err
    assert main(["run"]) == 6
    assert "Give FOLDER PROJECT PACKAGE for a package on a server, or SOURCE" in capsys.readouterr().err
    assert main(["run", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "run [OPTIONS] FOLDER PROJECT PACKAGE" in printed
    assert "run [OPTIONS] SOURCE" in printed
