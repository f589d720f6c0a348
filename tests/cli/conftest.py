"""Runs commands in this process, on the embedded SSISDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Result]


@pytest.fixture
def run(
    ssisdb: SsisdbEmulator, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command on the embedded SSISDB. The fixture catalog imports Airflow, whose log must not be captured."""
    monkeypatch.setenv("AIRFLOW_SSIS_URI", ssisdb.airflow_uri)

    def command(*arguments: object, code: int = 0) -> Result:
        capsys.readouterr()
        result = main([str(each) for each in arguments])
        printed = capsys.readouterr()
        assert result == code, printed.out + printed.err
        assert ssisdb.password not in printed.out + printed.err
        return Result(result, printed.out, printed.err)

    return command


@pytest.fixture
def ispac(tmp_path: Path) -> Path:
    """The project file of Mart."""
    path = tmp_path / "Mart.ispac"
    path.write_bytes(MART)
    return path
