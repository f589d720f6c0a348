"""What each logging level writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_ssis.catalog.codes import LoggingLevel, OperationStatus
from airflow_provider_ssis.emulator.runs.data_flow import ROWS
from airflow_provider_ssis.emulator.runs.levels import Event, log_filter
from airflow_provider_ssis.emulator.runs.records import DataStatisticsRecord, PhaseRecord
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from tests.support.simulated_runs import Played, play, request
from tests.support.ssis_projects import data_flow, execute_package, package, task

LOAD = package("Load.dtsx", data_flow("Orders", ["Source", "Derive", "Target"]), execute_package("Run", "Child.dtsx"))
CHILD = package("Child.dtsx", task("Copy"))
COMMON = {"OnPreValidate", "OnPostValidate", "OnPreExecute", "OnPostExecute", "OnInformation", "OnProgress"}
FAILURE = {"OnError", "OnWarning", "OnTaskFailed"}


def played_at(level: LoggingLevel, *, events: int = 0, profile: int = 0) -> Played:
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    asked = request(LOAD, CHILD, level=level)
    return play(replace(asked, customized_events=events, customized_profile=profile), scripts)


@pytest.mark.parametrize(
    ("level", "events"),
    [
        (LoggingLevel.NONE, set()),
        (LoggingLevel.BASIC, COMMON | FAILURE),
        (LoggingLevel.PERFORMANCE, {"OnError", "OnWarning"}),
        (LoggingLevel.VERBOSE, COMMON | FAILURE | {"DiagnosticEx"}),
        (LoggingLevel.RUNTIME_LINEAGE, COMMON | FAILURE),
    ],
)
def test_a_level_writes_its_events(level: LoggingLevel, events: set[str]) -> None:
    assert {event.event_name for event in played_at(level).events} == events


@pytest.mark.parametrize(
    ("level", "statistics", "phases", "data"),
    [
        (LoggingLevel.NONE, False, False, False),
        (LoggingLevel.BASIC, True, False, False),
        (LoggingLevel.PERFORMANCE, True, True, False),
        (LoggingLevel.VERBOSE, True, True, True),
        (LoggingLevel.RUNTIME_LINEAGE, True, False, True),
    ],
)
def test_a_level_writes_its_statistics(level: LoggingLevel, statistics: bool, phases: bool, data: bool) -> None:
    played = played_at(level)
    assert played.status is OperationStatus.FAILED
    assert bool(played.statistics) is statistics
    assert bool(played.executables) is statistics
    assert any(isinstance(record, PhaseRecord) for record in played.records) is phases
    assert any(isinstance(record, DataStatisticsRecord) for record in played.records) is data


@pytest.mark.parametrize("event", list(Event))
def test_a_customized_level_names_its_events_by_bits_and_those_with_context_by_bits_above(event: Event) -> None:
    assert log_filter(LoggingLevel.CUSTOMIZED, customized_events=1 << event.bit).events == {event}
    assert log_filter(LoggingLevel.CUSTOMIZED, customized_events=1 << event.bit + 32).contexts == {event}


@pytest.mark.parametrize(("profile", "kinds"), [(0, ""), (1, "s"), (2, "d"), (4, "p"), (7, "sdp")])
def test_a_customized_level_names_its_statistics_by_bits(profile: int, kinds: str) -> None:
    played = played_at(LoggingLevel.CUSTOMIZED, profile=profile)
    assert played.events == []
    assert bool(played.statistics) is ("s" in kinds)
    assert any(isinstance(record, DataStatisticsRecord) for record in played.records) is ("d" in kinds)
    assert any(isinstance(record, PhaseRecord) for record in played.records) is ("p" in kinds)


def test_a_customized_level_may_write_contexts_of_any_event() -> None:
    bit = Event.PRE_EXECUTE.bit
    events = played_at(LoggingLevel.CUSTOMIZED, events=1 << bit | 1 << bit + 32).events
    assert {event.event_name for event in events} == {"OnPreExecute"}
    assert all(event.contexts for event in events)


def test_the_components_of_a_data_flow_go_through_their_phases() -> None:
    phases = [record for record in played_at(LoggingLevel.PERFORMANCE).records if isinstance(record, PhaseRecord)]
    of_component = {
        name: [record.phase for record in phases if record.subcomponent_name == name]
        for name in ("Source", "Derive", "Target")
    }
    assert of_component == {
        "Source": ["Validate", "PreExecute", "PrimeOutput", "PostExecute"],
        "Derive": ["Validate", "PreExecute", "ProcessInput", "PostExecute"],
        "Target": ["Validate", "PreExecute", "ProcessInput", "PostExecute"],
    }
    assert all(record.start_time <= record.end_time for record in phases)
    assert {(record.package_name, record.task_name, record.execution_path) for record in phases} == {
        ("Load.dtsx", "Orders", "\\Package\\Orders")
    }


def test_each_path_of_a_data_flow_sends_rows() -> None:
    paths = [record for record in played_at(LoggingLevel.VERBOSE).records if isinstance(record, DataStatisticsRecord)]
    assert [
        (each.dataflow_path_id_string, each.source_component_name, each.destination_component_name, each.rows_sent)
        for each in paths
    ] == [
        ("Paths[Source.Source Output]", "Source", "Derive", ROWS),
        ("Paths[Derive.Derive Output]", "Derive", "Target", ROWS),
    ]
