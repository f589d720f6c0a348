"""The state of a long wait in the task's log."""

from __future__ import annotations

from airflow_provider_ssis.executions.status_log import INTERVAL, StatusLog
from tests.support.scripted_catalog import Clock
from tests.support.task_runs import LogRecord


def test_a_state_is_logged_when_it_changes_and_again_after_ten_minutes(clock: Clock) -> None:
    log = LogRecord()
    status_log = StatusLog(log, clock=clock)
    for state, seconds in (("pending", 0), ("running", 60), ("running", INTERVAL - 1), ("running", 1), ("running", 1)):
        clock.sleep(seconds)
        status_log.report(f"Execution 9 is {state}.")
    assert log.at("info") == ["Execution 9 is pending.", "Execution 9 is running.", "Execution 9 is running."]
