"""The commands as ``airflow ssis``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.cli import cli_config

from airflow_provider_ssis.cli.command_table import COMMANDS
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.provider_info import get_provider_info

READS_CLI = "cli" in (Path(cli_config.__file__).parent.parent / "provider_info.schema.json").read_text()

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not READS_CLI, reason="this Airflow takes no commands from providers"),
]


def airflow(*arguments: str, home: Path, uri: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env={**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW_CONN_SSIS_DEFAULT": uri},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_airflow_ssis_runs_a_command_with_the_default_connection(
    ssisdb_emulator: SsisdbEmulator, tmp_path: Path
) -> None:
    uri = ssisdb_emulator.airflow_uri
    result = airflow("ssis", "property", "show", "--json", home=tmp_path, uri=uri)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout[result.stdout.index("{\n") :])["SCHEMA_VERSION"]
    wrong = airflow("ssis", "run", "Sales", "Mart", "Load", home=tmp_path, uri=uri)
    assert wrong.returncode == 4
    assert "airflow ssis run: " in wrong.stderr


def test_airflows_help_lists_the_commands(tmp_path: Path) -> None:
    listed = airflow("ssis", "--help", home=tmp_path, uri="").stdout
    for entry in COMMANDS:
        assert f"  {entry.name} " in listed


def test_the_metadata_name_the_function() -> None:
    (name,) = get_provider_info()["cli"]
    assert name == "airflow_provider_ssis.cli.airflow_commands.get_cli_commands"
