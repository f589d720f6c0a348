"""What a terminal shows: colours and the progress of a run. Elsewhere there are neither."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.cli.following import progress_text
from airflow_provider_ssis.cli.output import Column, Output
from airflow_provider_ssis.emulator.server import SsisdbEmulator

pytestmark = pytest.mark.processes


def on_terminal(uri: str, *arguments: str, **variables: str) -> str:
    """The output of a command whose standard output and error are a terminal."""
    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main", *arguments],
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "160", "AIRFLOW_SSIS_URI": uri, **variables},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    # Linux reports the end of the other side as an error.
    with suppress(OSError):
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert process.wait(timeout=60) == 0, shown.decode()
    return shown.decode()


def test_a_terminal_shows_the_progress_of_a_run(ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    ssisdb.scripts.take(1.0, package="Load.dtsx")
    shown = on_terminal(ssisdb.airflow_uri, "run", "Sales", "Mart", "Load", "--poll-interval", "0.1")
    assert re.search(r"\d/3 executables, \d+ rows, 0 errors", shown)
    assert "Sales/Mart/Load.dtsx" in shown
    assert " succeeded after " in shown.splitlines()[-1] or "rows written" in shown.splitlines()[-1]


def test_colours_are_shown_on_a_terminal_only(ssisdb: SsisdbEmulator, mart: Catalog) -> None:
    listing = ("list", "operations")
    assert "\x1b[32msucceeded" in on_terminal(ssisdb.airflow_uri, *listing)
    assert "\x1b[32m" not in on_terminal(ssisdb.airflow_uri, *listing, NO_COLOR="1")
    piped = subprocess.run(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main", *listing, "--uri", ssisdb.airflow_uri],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "\x1b" not in piped.stdout + piped.stderr
    assert "succeeded" in piped.stdout


def test_a_narrow_terminal_cuts_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        rows = [SimpleNamespace(id=1234567890123, status="succeeded", name="LoadSales.dtsx")] * 2
        Output(as_json=False).rows(rows, Column("execution", "id"), Column("status", "status"), Column("of", "name"))
        return [line.rstrip() for line in re.sub(r"\x1b\[\d*m", "", terminal.getvalue()).splitlines()]

    record = ["execution:  1234567890123", "status:     succeeded", "of:         LoadSales.dtsx"]
    assert shown(30) == [*record, "", *record]
    assert shown(60)[1:] == ["1234567890123  succeeded  LoadSales.dtsx"] * 2


def test_the_details_of_the_display() -> None:
    assert progress_text(1, 3, 500, 0, None) == "1/3 executables, 500 rows, 0 errors"
    assert progress_text(2, 3, 0, 1, "\\Package\\Lo\x1bad").endswith("1 errors  \\Package\\Lo�ad")
