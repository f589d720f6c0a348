"""The command line as a whole."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from airflow_provider_ssis.cli.command_table import COMMANDS
from airflow_provider_ssis.cli.failures import CommandFailed, OutputFailed
from airflow_provider_ssis.cli.lazy_group import CommandEntry, LazyGroup
from airflow_provider_ssis.cli.main import command_line, main
from airflow_provider_ssis.cli.output import Column, Output
from tests.support.places import ROOT

FULL = Path("/dev/full")
HEAVY = ["airflow", "duckdb", "lark", "lxml", "numpy", "pyarrow", "pyodbc", "rich", "sqlglot"]


def loaded_by(statements: str) -> set[str]:
    """Top-level modules that a new Python has loaded after the statements."""
    code = f"{statements}\nimport sys\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(result.stdout.splitlines()[-1].split())


@pytest.mark.processes
def test_help_and_completion_import_nothing_heavy() -> None:
    listed = loaded_by("from airflow_provider_ssis.cli.main import main\nmain(['--help'])")
    assert "click" in listed
    assert listed.isdisjoint(HEAVY)
    every_command = loaded_by(
        "from airflow_provider_ssis.cli.command_table import COMMANDS\nfor entry in COMMANDS: entry.load()"
    )
    assert every_command.isdisjoint(HEAVY)


def test_help_lists_every_command_under_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for entry in COMMANDS:
        assert f"{entry.heading}:" in printed
        assert f"\n  {entry.name} " in printed


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_has_its_own_help(entry: CommandEntry, capsys: pytest.CaptureFixture[str]) -> None:
    command = entry.load()
    assert command.name == entry.name
    assert entry.help.endswith(".")
    assert main([entry.name, "--help"]) == 0
    assert f"Usage: airflow-ssis {entry.name}" in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"airflow-ssis {version('airflow-provider-ssis')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bild"], "There is no command 'bild'. Did you mean 'build'?"),
        (["xyzzy"], "There is no command 'xyzzy'. --help lists the commands."),
        (["list", "foldrs"], "There is no command 'foldrs'. Did you mean 'folders'?"),
        (["env", "xyzzy"], "There is no command 'xyzzy'. --help lists the commands."),
        (["show", "abc"], "'abc' is not a valid id."),
        (["stop", "1", "9223372036854775808"], "9223372036854775808 is not a valid id."),
        (["list", "executions", "--limit", "abc"], "'abc' is not a valid number."),
        (["list", "executions", "--since", "99999999999d"], "neither a time (2024-05-31T08:00) nor an age"),
        (["messages", "1", "--poll-interval", "abc"], "'abc' is not a valid number of seconds."),
        (["messages", "1", "--poll-interval", "nan"], "'nan' is not a valid number of seconds."),
        (["messages", "1", "--poll-interval", "inf"], "inf is not in the range"),
        (["parameter", "set", "A", "B", "--bind", "C"], "write it as NAME=VARIABLE"),
        (["env", "set", "A", "B", "--type", "C"], "write it as NAME=TYPE"),
        (["inspect", "a", "--lineage", "--parameter", "C"], "write it as NAME=VALUE"),
        (["build", "a", "--output", "b.ispac", "--set", "C=1", "--set", "C=2"], "--set C is given twice."),
        (["build", "folder"], "Missing option '--output'"),
        (["doctor", "--conn-id", "a", "--uri", "b"], "Give only one of --uri and --conn-id."),
        (["emulator", "--password", "a", "--password-file", "b"], "Give only one of --password-file and --password."),
    ],
)
def test_wrong_usage_gives_exit_code_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "form"),
    [
        ("--parameter", "NAME=VALUE"),
        ("--project-parameter", "NAME=VALUE"),
        ("--connection", "MANAGER.PROPERTY=VALUE"),
        ("--set", "PATH=VALUE"),
    ],
)
def test_a_value_of_a_run_without_an_equals_sign_is_wrong_usage(
    option: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "Sales", "Mart", "Load", option, "hunter2"]) == 6
    error = capsys.readouterr().err
    assert f"write it as {form}" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("raised", "code", "printed"),
    [
        (CommandFailed("the disk is full", exit_code=6), 6, "airflow-ssis: the disk is full.\n"),
        (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
    ],
)
def test_a_failure_is_one_line_and_its_exit_code(
    raised: BaseException, code: int, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise raised

    class Failing(CommandEntry):
        def load(self) -> click.Command:
            return click.Command("fail", callback=fail)

    assert isinstance(command_line, LazyGroup)
    monkeypatch.setitem(command_line.table, "fail", Failing("fail", "", ""))
    assert main(["fail"]) == code
    assert capsys.readouterr().err == printed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "none.dtsx"], 2),
        (["check", "."], 1),
        (["inspect", "none.dtsx"], 1),
        (["diff", "none.dtsx", "none.dtsx"], 2),
        (["run", "Sales", "Mart"], 6),
        (["run", "none.dtsx", "--tap", "a"], 6),
        (["show", "abc"], 2),
        (["doctor", "--port", "abc"], 2),
        (["emulator", "--port", "abc"], 2),
        (["eval"], 2),
    ],
)
def test_an_error_with_json_is_one_object(
    arguments: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--json"]) == code
    printed = capsys.readouterr()
    error = json.loads(printed.out)
    assert error["error"]
    assert error["exit_code"] == code
    assert set(error) == {"error", "type", "number", "exit_code"}
    assert printed.err == ""


def test_the_error_of_an_expression_is_in_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "1 +", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["position"] == 3
    assert printed.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "", "--output", "a.ispac"],
        ["build", ".", "--output", " "],
        ["check", ""],
        ["inspect", ""],
        ["lint", ""],
        ["lint", ".", "--baseline", ""],
        ["diff", "", "a.ispac"],
        ["diff", "a.ispac", ""],
        ["fmt", ""],
        ["deploy", "", "Sales"],
        ["get", "Sales", "Mart", "--output", ""],
        ["verify", "--report", ""],
        ["list", "folders", "--password-file", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "it is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the output cannot be written: No space left on device."),
        (PermissionError(errno.EACCES, "Permission denied", "x.csv"), "cannot read or write x.csv: Permission denied."),
        (TimeoutError("timed out"), "TimeoutError: timed out."),
        (TimeoutError(), "TimeoutError."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
    ],
)
def test_an_error_of_the_system_is_said_to_be_one_of_the_output_only_if_it_is(error: OSError, said: str) -> None:
    assert str(OutputFailed(error)) == said


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 1), (["list", "--help"], 1), (["eval", "1"], 1), (["diff", "--help"], 2), (["run", "--help"], 5)],
)
def test_an_output_that_cannot_be_written_is_a_failure(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(arguments) == code
    said = "airflow-ssis: the output cannot be written: No space left on device.\n"
    assert capsys.readouterr().err == said


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
def test_an_error_that_cannot_be_printed_keeps_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FULL.open("w")
    monkeypatch.setattr(sys, "stderr", full)
    assert main(["run", "Sales", "Mart"]) == 6
    with suppress(OSError):
        full.close()


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "directory"])
@pytest.mark.parametrize("command", ["build", "check", "diff", "fmt", "inspect", "lint"])
def test_a_source_that_is_not_a_regular_file_is_refused(
    command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading it could wait, or take memory, without end."""
    names = {"fmt": "A.dtsx", "diff": "A.dtsx", "check": "A.dtsx", "build": "A.dtproj"}
    path = tmp_path / names.get(command, "A.ispac")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    more = {"build": ["--output", str(tmp_path / "out.ispac")], "diff": [str(path)]}
    code = main([command, str(path), *more.get(command, [])])
    printed = capsys.readouterr()
    assert code in (1, 2, 4), printed
    assert path.name in printed.out + printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "Sales", "Mart", "--output", "-"],
        ["build", "x", "--output", "-"],
        ["deploy", "-", "Sales"],
        ["lint", "-"],
        ["lint", ".", "--write-baseline", "-"],
        ["inspect", "-"],
        ["fmt", "-"],
    ],
)
def test_a_dash_is_not_a_file_where_it_is_not_the_standard_input(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "- is not supported here: give a path; ./- is a file of that name" in capsys.readouterr().err


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_table_escapes_characters_that_the_encoding_lacks(errors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the locale C without the UTF-8 mode, the standard output is ASCII with "surrogateescape"."""
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii", errors=errors, write_through=True))
    assert main(["eval", "1"]) == 0
    Output(as_json=False).rows([SimpleNamespace(name="Sälés")], Column("folder", "name"))
    assert rb"S\xe4l\xe9s" in out.getvalue()


def test_commands_run_without_standard_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["lint", "--rules"]) == 0
    assert main(["bild"]) == 2


@pytest.mark.processes
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COMP_WORDS": "airflow-ssis emu"}
    environment |= {"COMP_CWORD": "emu" if shell == "fish" else "1", "_AIRFLOW_SSIS_COMPLETE": f"{shell}_complete"}
    result = subprocess.run(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "emulator" in result.stdout
    assert "doctor" not in result.stdout
