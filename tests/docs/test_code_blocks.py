"""Every code block of the pages: run as it is printed where it can be, read by its language's parser where it is data.

A block that cannot be run says why in a comment before it: ``<!-- not run: needs a Windows domain controller -->``.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from airflow_provider_ssis import config
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.dag_runs import airflow_environment, run_dag
from tests.support.markdown import CodeBlock, blocks_of, code_blocks, pages
from tests.support.places import ROOT

SECONDS = 240
PROSE = "text"
"""The language of blocks that are not code: output, a diagram."""


def _ini(text: str) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    if parser.has_section(config.SECTION):
        known = {option.name for option in config.OPTIONS}
        assert set(parser[config.SECTION]) <= known


PARSERS: dict[str, Callable[[str], object]] = {
    "ini": _ini,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
RUN = ("bash", "krb5", "python", "sql")
PAGES_WITH_COMMANDS = sorted({block.page for block in code_blocks("bash") if not block.reason_not_run})


def to_run(language: str) -> list[CodeBlock]:
    return [block for block in code_blocks(language) if not block.reason_not_run]


@pytest.mark.parametrize("block", code_blocks(), ids=str)
def test_every_block_is_checked_or_says_why_not(block: CodeBlock) -> None:
    if block.language in PARSERS:
        assert block.reason_not_run is None, "data is always read by its parser"
    elif block.language in RUN or block.language == PROSE:
        assert block.reason_not_run is None or len(block.reason_not_run) > 10
    else:
        assert block.language, "the block names no language"
        assert block.reason_not_run, f"nothing runs {block.language}: a comment before the block must say so"


@pytest.mark.parametrize("block", [block for name in PARSERS for block in code_blocks(name)], ids=str)
def test_data_can_be_read(block: CodeBlock) -> None:
    PARSERS[block.language](block.text)


@pytest.mark.parametrize("block", [each for each in to_run("python") if not each.file], ids=str)
def test_python_runs_as_it_is_printed(block: CodeBlock, sales: SsisdbEmulator, airflow_home: Path) -> None:
    file = airflow_home / "dags" / (re.sub(r"\W+", "_", str(block)) + ".py")
    file.parent.mkdir(exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    try:
        if "DAG(" in block.text:
            result = run_dag(airflow_home, file, sales.airflow_uri)
            assert result.state == "success", result.log
        else:
            runpy.run_path(str(file))
    finally:
        file.unlink()


@pytest.mark.parametrize("block", [each for each in to_run("python") if each.file and "DAG(" in each.text], ids=str)
def test_a_dag_file_runs_as_it_is_printed(block: CodeBlock, sales: SsisdbEmulator, airflow_home: Path) -> None:
    file = airflow_home / str(block.file)
    file.parent.mkdir(exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    try:
        result = run_dag(airflow_home, file, sales.airflow_uri)
        assert result.state == "success", result.log
    finally:
        file.unlink()


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_commands_run_as_they_are_printed(page: str, sales: SsisdbEmulator, airflow_home: Path, tmp_path: Path) -> None:
    """In one folder for the page, which has the files that the page prints and the example DAGs."""
    write_files(page, tmp_path)
    environment = command_environment(sales, airflow_home)
    for block in blocks_of(page, "bash"):
        if not block.reason_not_run:
            run(f"{block}", block.text, tmp_path, environment)


@pytest.mark.parametrize("page", sorted({block.page for block in code_blocks("yaml") if "jobs:" in block.text}))
def test_the_steps_of_a_workflow_run(page: str, sales: SsisdbEmulator, airflow_home: Path, tmp_path: Path) -> None:
    """Except those that install packages, which need a network and root."""
    write_files(page, tmp_path)
    # As on a new machine: nothing of Airflow is set.
    environment = command_environment(sales, airflow_home)
    environment = {name: value for name, value in environment.items() if not name.startswith("AIRFLOW")}
    for block in blocks_of(page, "bash"):
        # Files that the page writes for the workflow.
        if "cat > " in block.text and not block.reason_not_run:
            run(page, block.text, tmp_path, environment)
    commands = [
        (step["run"], [*job.get("env", {}), *step.get("env", {})])
        for block in blocks_of(page, "yaml")
        for job in (yaml.safe_load(block.text).get("jobs") or {}).values()
        for step in job["steps"]
        if "run" in step and not re.search(r"\b(apt-get|pip) install\b", step["run"])
    ]
    assert commands
    for command, names in commands:
        secrets = {name: sales.airflow_uri if name == "AIRFLOW_SSIS_URI" else "a secret" for name in names}
        run(page, command, tmp_path, environment | secrets)


@pytest.mark.parametrize("block", to_run("sql"), ids=str)
def test_transact_sql_runs_as_it_is_printed(block: CodeBlock, sales: SsisdbEmulator) -> None:
    import pyodbc

    connection = pyodbc.connect(sales.odbc_connection_string, autocommit=True)
    try:
        for login in re.findall(r"^CREATE LOGIN \[(\S+)\]", block.text, re.MULTILINE):
            # The server has those logins whose rights the other blocks change.
            connection.execute(
                f"DROP USER IF EXISTS [{login}]; IF SUSER_ID(N'{login}') IS NOT NULL DROP LOGIN [{login}]"
            )
        for batch in re.split(r"^GO\s*$", block.text, flags=re.MULTILINE | re.IGNORECASE):
            cursor = connection.execute(batch)
            while cursor.nextset():
                pass
    finally:
        connection.close()


@pytest.mark.parametrize("block", to_run("krb5"), ids=str)
@pytest.mark.processes
@pytest.mark.skipif(shutil.which("klist") is None, reason="MIT Kerberos' programs are not installed")
def test_kerberos_reads_its_configuration(block: CodeBlock, tmp_path: Path) -> None:
    file = tmp_path / "krb5.conf"
    file.write_text(block.text, encoding="utf-8")
    environment = {**os.environ, "KRB5_CONFIG": str(file), "KRB5CCNAME": str(tmp_path / "none"), "LC_ALL": "C"}
    said = subprocess.run(["klist"], env=environment, capture_output=True, text=True, timeout=SECONDS).stderr
    # Kerberos reads its configuration first: it finds no fault there if it goes on to the missing cache.
    assert "No credentials cache found" in said


def test_every_option_that_a_page_names_is_there() -> None:
    known = {f"AIRFLOW__SSIS__{option.name.upper()}" for option in config.OPTIONS}
    known |= {f"[ssis] {option.name}" for option in config.OPTIONS}
    named = re.compile(r"AIRFLOW__SSIS__[A-Z_]+[A-Z]|\[ssis\] [a-z_0-9]+")
    found = {(page.name, name) for page in pages() for name in named.findall(page.read_text(encoding="utf-8"))}
    assert sorted((page, name) for page, name in found if name not in known and name != "AIRFLOW__SSIS__NAME") == []


def test_every_default_that_a_page_states_is_right() -> None:
    """In the forms "`[ssis] stop_timeout` seconds (60)" and "`[ssis] outage_timeout` (15 minutes)"."""
    defaults = {option.name: float(option.default) for option in config.OPTIONS}
    units = {"s": 1.0, "seconds": 1.0, "minutes": 60.0}
    form = re.compile(r"`\[ssis\] (\w+)`\s(?:(seconds)\s)?\((\d+)(?:\s(s|seconds|minutes))?[;,)]")
    stated = [
        (str(page.relative_to(ROOT)), name, float(number) * units[unit or before])
        for page in pages()
        for name, before, number, unit in form.findall(page.read_text(encoding="utf-8"))
        if unit or before
    ]
    assert len(stated) > 5
    assert [each for each in stated if defaults[each[1]] != each[2]] == []


def write_files(page: str, folder: Path) -> None:
    shutil.copytree(ROOT / "example_dags", folder / "example_dags")
    shutil.copytree(ROOT / "example_dags" / "ssis", folder / "ssis")
    for language in ("python", "ini", "toml", "yaml", "json"):
        for block in blocks_of(page, language):
            if block.file and not block.reason_not_run:
                path = folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")


def command_environment(server: SsisdbEmulator, home: Path) -> dict[str, str]:
    environment = airflow_environment(home, home / "dags", {"AIRFLOW_CONN_SSIS_DEFAULT": server.airflow_uri})
    programs = Path(sys.executable).parent
    return environment | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def run(where: str, command: str, folder: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 0, f"{where}:\n{result.stdout}"
