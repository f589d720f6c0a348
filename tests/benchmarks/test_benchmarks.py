"""Each benchmark runs at its smallest size, and its results have the shape of results.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import (
    data_flows,
    databases,
    emulator,
    expressions,
    imports,
    messages,
    set_components,
    ssis_files,
    start,
    waiting,
)
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.airflow_home import airflow_home
from benchmarks.results import Report, Result, append, cost, rate

pytestmark = pytest.mark.processes


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the benchmarks' changes of the environment after the test."""
    for name in ("AIRFLOW_CONN_SSIS_DEFAULT", "AIRFLOW_CONN_ODBC_SSISDB"):
        monkeypatch.setenv(name, "")


def check(report: Report, name: str, *, cases: int) -> dict[str, Result]:
    """Check the shape of the results; returns them by case."""
    assert len(report.results) == cases
    for result in report.results:
        assert result.benchmark == name
        assert result.ours >= 0
        assert result.peer is None or result.peer >= 0
        assert result.ratio is None or result.ratio > 0
        assert all((result.case, result.unit, result.peer_name))
    return {result.case: result for result in report.results}


@pytest.mark.usefixtures("home")
def test_start_takes_two_round_trips_for_any_number_of_parameters() -> None:
    pytest.importorskip("SSIS_Operator.operators.ssis_package_operator", exc_type=ImportError)
    report = start.run(start.SMALLEST)
    check(report, "start", cases=16)
    assert [goal.reached for goal in report.goals] == [True], report.goals


@pytest.mark.usefixtures("home")
def test_ten_triggers_wait_on_one_connection() -> None:
    found = check(waiting.run(waiting.SMALLEST), "waiting", cases=12)
    assert found["10: connections opened"].ours == 1
    assert (found["10: connections opened"].peer or 0) > 1


@pytest.mark.usefixtures("home")
def test_each_message_is_followed_once() -> None:
    check(messages.run(messages.SMALLEST), "messages", cases=3)


def test_expressions_equal_the_kernels_written_by_hand() -> None:
    check(expressions.run(expressions.SMALLEST), "expressions", cases=11)


def test_ssis_files_are_compared_with_lxml_and_zlib() -> None:
    check(ssis_files.run(ssis_files.SMALLEST), "ssis_files", cases=2)


def test_data_flows_write_the_bytes_of_duckdb() -> None:
    check(data_flows.run(data_flows.SMALLEST), "data_flows", cases=3)


def test_databases_give_the_rows_of_mssql_python() -> None:
    check(databases.run(databases.SMALLEST), "databases", cases=4)


def test_set_components_give_the_rows_of_duckdb() -> None:
    check(set_components.run(set_components.SMALLEST), "set_components", cases=6)


def test_imports_are_compared_with_airflow_s_own() -> None:
    check(imports.run(imports.SMALLEST), "imports", cases=len(imports.modules_of("sensors")))


@pytest.mark.usefixtures("home")
def test_the_embedded_ssisdb_is_compared_with_the_bare_protocol() -> None:
    check(emulator.run(emulator.SMALLEST), "emulator", cases=7)


def test_every_benchmark_has_a_name_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(BENCHMARKS) == {
        module.NAME
        for module in (
            data_flows,
            emulator,
            expressions,
            imports,
            messages,
            set_components,
            databases,
            ssis_files,
            start,
            waiting,
        )
    }
    with pytest.raises(SystemExit):
        main(["wating"])
    assert "there is no benchmark wating" in capsys.readouterr().err


def test_a_ratio_is_how_many_times_better_our_figure_is() -> None:
    assert cost("b", "c", "s", ours=2, peer=6, peer_name="p").ratio == 3
    assert rate("b", "c", "per second", ours=2, peer=6, peer_name="p").ratio == pytest.approx(1 / 3)
    assert cost("b", "c", "s", ours=2, peer=None, peer_name="p").ratio is None
    assert cost("b", "c", "s", ours=0, peer=6, peer_name="p").ratio is None


def test_results_are_added_to_those_of_earlier_runs(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    result = cost("start", "time", "ms", ours=2, peer=None, peer_name="p")
    append([result], file)
    append([result], file)
    assert (
        json.loads(file.read_text())
        == [
            {
                "benchmark": "start",
                "case": "time",
                "unit": "ms",
                "ours": 2,
                "peer": None,
                "peer_name": "p",
                "ratio": None,
            }
        ]
        * 2
    )


def test_the_environment_is_as_before_after_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/somewhere")
    with airflow_home():
        pass
    import os

    assert os.environ["AIRFLOW_HOME"] == "/somewhere"
