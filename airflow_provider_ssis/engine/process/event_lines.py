"""Events as lines of JSON: between processes, and for users of ``airflow-ssis run --json``.

A line is an object: ``event`` is the kind (``message``, ``rows_sent``, ...), the other keys are the fields of the
event, with those of its place. Times are ISO texts, codes of messages are hexadecimal texts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

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

_KINDS: Mapping[str, type] = {
    "message": Message,
    "executable_ended": ExecutableEnded,
    "rows_sent": RowsSent,
    "rows_written": RowsWritten,
    "component_phase": ComponentPhase,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PLACE = tuple(each.name for each in fields(Place))
_PLACE_KEYS = {name: name if name == "package" else f"executable_{name}" for name in _PLACE}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "EventName": EventName,
    "Result": lambda text: Result[text.upper()],
}


def event_fields(event: Event) -> dict[str, Any]:
    """Return an event as an object of JSON.

    :param event: the event.
    """
    found: dict[str, Any] = {"event": _NAMES[type(event)]}
    for each in fields(event):
        value = getattr(event, each.name)
        if isinstance(value, Place):
            found |= {key: getattr(value, name) for name, key in _PLACE_KEYS.items()}
        elif isinstance(value, datetime):
            found[each.name] = value.isoformat()
        elif isinstance(value, EventName):
            found[each.name] = value.value
        elif isinstance(value, Result):
            found[each.name] = value.name.lower()
        elif each.name == "code":
            found[each.name] = f"0x{value:08X}" if value else None
        else:
            found[each.name] = value
    return found


def to_line(event: Event) -> str:
    """Return an event as a line, without its end.

    :param event: the event.
    """
    return json.dumps(event_fields(event))


def from_fields(found: Mapping[str, Any]) -> Event:
    """Return the event of an object of JSON.

    :param found: as :func:`event_fields` returns it.
    :raises ValueError: it is not an event.
    """
    try:
        kind = _KINDS[found["event"]]
        values: dict[str, Any] = {}
        for each in fields(kind):
            if each.type == "Place":
                values[each.name] = Place(**{name: found[key] for name, key in _PLACE_KEYS.items()})
            elif each.name == "code":
                values[each.name] = int(found["code"], 16) if found["code"] else 0
            else:
                values[each.name] = _READ.get(str(each.type), lambda value: value)(found[each.name])
        event: Event = kind(**values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is not an event of the engine: {error!r}") from None
    return event
