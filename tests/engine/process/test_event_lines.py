"""Events of the engine as lines of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from airflow_provider_ssis.engine.events import (
    ComponentPhase,
    Event,
    EventName,
    ExecutableEnded,
    Message,
    Place,
    Result,
    RowsSent,
    RowsWritten,
)
from airflow_provider_ssis.engine.process.event_lines import event_fields, from_fields, to_line

NOW = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=UTC)
PLACE = Place("Load.dtsx", "\\Package\\Loop\\Load", "\\Package\\Loop[2]\\Load", "Load", "{ID}")
EVENTS: tuple[Event, ...] = (
    Message(NOW, EventName.ERROR, PLACE, 'Größe "x"\nzwei', 0xC0209029, "Lookup [41]"),
    Message(NOW, EventName.PRE_EXECUTE, PLACE, "Load:Start."),
    ExecutableEnded(PLACE, NOW, NOW, Result.CANCELED, "7"),
    RowsSent(NOW, PLACE, "Paths[A.B]", "Path", "A", "C", 1000),
    RowsWritten(NOW, PLACE, "Destination", 9),
    ComponentPhase(PLACE, "A", "PreExecute", NOW, NOW),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_the_same_after_a_line(event: Event) -> None:
    line = to_line(event)
    assert "\n" not in line
    assert from_fields(json.loads(line)) == event


def test_there_is_a_line_for_each_kind_of_event() -> None:
    kinds = set(Event.__args__)
    assert {type(event) for event in EVENTS} == kinds


def test_a_code_is_written_as_people_know_it() -> None:
    assert event_fields(EVENTS[0])["code"] == "0xC0209029"
    assert event_fields(EVENTS[1])["code"] is None


@pytest.mark.parametrize("found", [{}, {"event": "unknown"}, {"event": "rows_written"}])
def test_other_objects_are_rejected(found: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not an event"):
        from_fields(found)
