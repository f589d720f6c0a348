"""``airflow-ssis verify``."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.verify import suite
from airflow_provider_ssis.verify.facts import Fact, Finding
from airflow_provider_ssis.verify.probe import Probe
from tests.cli.conftest import Command
from tests.support.waiting import wait_until
from tests.verify.conftest import script

FAST = ("verify", "--yes", "--poll-interval", "0.05")


@pytest.mark.slow
def test_the_report_has_versions_and_no_names(
    run: Command, ssisdb: SsisdbEmulator, catalog: Catalog, ispac: Path, tmp_path: Path
) -> None:
    script(ssisdb)
    report = tmp_path / "report"
    result = run(*FAST, "--only", "deployment.", "--only", "refusals.", "--report", report, "--ispac", ispac)
    assert f"Report: {report}.txt, {report}.json" in result.out
    text, data = (tmp_path / "report.txt").read_text(), json.loads((tmp_path / "report.json").read_text())
    session = catalog.server_session()
    assert data["server"]["product_version"] == session.product_version
    assert data["counts"]["contradicted"] == data["counts"]["error"] == 0
    assert data["counts"]["confirmed"] == data["planned"] == len(data["facts"])
    assert data["left_on_server"] == []
    assert {"id", "source", "statement", "outcome", "expected", "found", "seconds"} == set(data["facts"][0])
    for secret in (ssisdb.password, session.server_name, ssisdb.host, "verify-"):
        assert secret not in text + json.dumps(data)
    assert f"version {session.product_version}" in text
    assert "confirmed    deployment.given_file" in text
    assert catalog.folders() == []


def test_json_on_the_standard_output(run: Command) -> None:
    data = run(*FAST, "--only", "signatures.create", "--json").json
    assert {each["outcome"] for each in data["facts"]} == {"confirmed"}


def test_the_command_asks_before_it_starts(run: Command, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = run("verify", code=1)
    assert "a customized logging level with a random name" in refused.err
    assert "nothing was done" in refused.err
    assert list(catalog.operations()) == []


def test_unknown_facts_are_wrong_usage(run: Command) -> None:
    assert "The groups are signatures, views" in run(*FAST, "--only", "nothing", code=2).err


def test_a_contradiction_gives_exit_code_1(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [Fact("a.wrong", "Two is one.", lambda probe: Finding(1, 2))]
    monkeypatch.setattr(suite, "all_facts", lambda: facts)
    printed = run(*FAST, code=1).out
    assert "1 facts: 1 contradicted" in printed
    assert "expected: 1\n    found:    2" in printed


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), RuntimeError("broken")])
def test_folder_and_level_are_removed_after_an_interruption_or_a_fault(
    run: Command, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    folders = []

    def fail(probe: Probe) -> Finding:
        _ = probe.reference, probe.created_run, probe.level
        # As if renaming it back had been interrupted.
        catalog.rename_customized_logging_level(probe.scratch, f"{probe.scratch}-other")
        folders.extend(catalog.folders())
        raise raised

    facts = [Fact("a.fails", "It fails.", fail), Fact("a.later", "Not tried.", lambda probe: Finding(1, 1))]
    monkeypatch.setattr(suite, "all_facts", lambda: facts)
    if isinstance(raised, KeyboardInterrupt):
        printed = run(*FAST, code=130)
        assert "Interrupted. Removing what the suite created." in printed.err
        assert "2 facts: , 2 not tried" in printed.out
    else:
        with pytest.raises(RuntimeError, match="broken"):
            run(*FAST)
    assert len(folders) == 1
    assert (catalog.folders(), catalog.customized_logging_levels()) == ([], [])


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_removes_the_folder_while_a_package_runs(
    ssisdb: SsisdbEmulator, catalog: Catalog, number: signal.Signals
) -> None:
    ssisdb.scripts.take(600)
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main", *FAST, "--only", "runs.succeeded"],
        env={**os.environ, "AIRFLOW_SSIS_URI": ssisdb.airflow_uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: bool(catalog.running()))
    process.send_signal(number)
    printed = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert catalog.folders() == []
    wait_until(lambda: not catalog.running())
