"""Every command that works on a catalog, in a Python in which Airflow cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from airflow_provider_ssis.cli.command_table import COMMANDS
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART
from tests.support.places import ROOT

pytestmark = pytest.mark.processes

PROGRAM = """
import contextlib, io, json, sys

class NoAirflow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "airflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoAirflow())
from airflow_provider_ssis.cli.main import main
results = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    results.append([code, out.getvalue(), err.getvalue()])
assert not any(name.partition(".")[0] == "airflow" for name in sys.modules)
print(json.dumps(results))
"""

# One call of each command, and of each command of a group.
CALLS = [
    ("deploy", "Mart.ispac", "Sales", "--create-folder"),
    ("list", "folders"),
    ("list", "projects"),
    ("list", "packages", "Sales", "Mart"),
    ("list", "environments"),
    ("list", "operations"),
    ("list", "workers"),
    ("env", "set", "Sales", "Test", "A=1"),
    ("env", "show", "Sales", "Test"),
    ("env", "delete", "Sales", "Test", "--yes"),
    ("parameter", "set", "Sales", "Mart", "BatchSize=7", "--package", "Load"),
    ("parameter", "show", "Sales", "Mart"),
    ("parameter", "clear", "Sales", "Mart", "BatchSize", "--package", "Load"),
    ("permission", "grant", "public", "read", "--folder", "Sales"),
    ("permission", "deny", "public", "modify", "--folder", "Sales"),
    ("permission", "revoke", "public", "read", "--folder", "Sales"),
    ("permission", "show", "--folder", "Sales"),
    ("property", "show"),
    ("property", "set", "MAX_PROJECT_VERSIONS", "5"),
    ("deploy", "Mart.ispac", "Sales", "--force"),
    ("versions", "Sales", "Mart"),
    ("restore", "Sales", "Mart"),
    ("validate", "Sales", "Mart", "Load", "--poll-interval", "0.05"),
    ("run", "Sales", "Mart", "Load", "--poll-interval", "0.05", "--follow"),
    ("list", "executions"),
    ("get", "Sales", "Mart", "--output", "copy.ispac"),
    ("show", "{execution}"),
    ("messages", "{execution}"),
    ("stop", "{execution}"),
    ("doctor",),
    ("verify", "--yes", "--poll-interval", "0.05", "--only", "environment.", "--report", "report"),
]
LOCAL = {"check", "diff", "fmt", "lint", "build", "emulator", "eval", "inspect"}
"""Commands without a catalog."""


def test_every_command_runs_without_airflow(ssisdb_emulator: SsisdbEmulator, tmp_path: Path) -> None:
    (tmp_path / "Mart.ispac").write_bytes(MART)
    before = next(index for index, call in enumerate(CALLS) if call[0] == "run") + 1
    first = _run([list(call) for call in CALLS[:before]], ssisdb_emulator, tmp_path)
    executions = _run([["list", "executions", "--json"]], ssisdb_emulator, tmp_path)
    execution = str(json.loads(executions[0][1])[0]["execution_id"])
    rest = [[part.format(execution=execution) for part in call] for call in CALLS[before:]]
    for call, (code, out, err) in zip(CALLS, first + _run(rest, ssisdb_emulator, tmp_path), strict=True):
        assert code == 0, f"{call}: {out}{err}"
        assert out
    assert (tmp_path / "copy.ispac").read_bytes() == MART


def test_every_command_is_in_the_list() -> None:
    assert {call[0] for call in CALLS} | LOCAL == {entry.name for entry in COMMANDS}
    groups = {entry.name: command for entry in COMMANDS if isinstance(command := entry.load(), click.Group)}
    for name, group in groups.items():
        assert {call[1] for call in CALLS if call[0] == name} == set(group.commands)


def test_a_connection_id_says_that_airflow_is_missing(ssisdb_emulator: SsisdbEmulator, tmp_path: Path) -> None:
    ((code, _, err),) = _run([["list", "folders", "--conn-id", "ssis_default"]], ssisdb_emulator, tmp_path)
    assert code == 1
    assert "--conn-id needs Apache Airflow, which is not installed here" in err


def _run(calls: list[list[str]], server: SsisdbEmulator, folder: Path) -> list[tuple[int, str, str]]:
    calls = [[*call, "--uri", server.airflow_uri] if "--conn-id" not in call else call for call in calls]
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return [(code, out, err) for code, out, err in json.loads(result.stdout.splitlines()[-1])]
