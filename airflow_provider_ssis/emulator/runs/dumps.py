"""When a run writes a dump: the system parameters DUMP_ON_ERROR, DUMP_ON_EVENT and DUMP_EVENT_CODE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.emulator.runs.levels import Event
from airflow_provider_ssis.emulator.runs.records import DumpRecord
from airflow_provider_ssis.engine.events import Event as EngineEvent
from airflow_provider_ssis.engine.events import Message

_EVENTS = {event.event_name: event for event in Event}
_SYSTEM = int(ObjectType.EXECUTION)


@dataclass(frozen=True, slots=True)
class DumpRule:
    """The events after which a run writes a dump.

    :param on_error: each error.
    :param codes: messages with these codes, signed as the catalog shows them.
    """

    on_error: bool = False
    codes: frozenset[int] = frozenset()

    @classmethod
    def of(cls, parameters: Mapping[tuple[int, str], Any]) -> Self:
        """The rule of an execution.

        :param parameters: the values of its parameters by object type and name. The codes are hexadecimal and
            separated by semicolons; others select no message.
        """
        codes = str(parameters.get((_SYSTEM, "DUMP_EVENT_CODE"), "")).split(";")
        on_event = bool(parameters.get((_SYSTEM, "DUMP_ON_EVENT")))
        return cls(
            on_error=bool(parameters.get((_SYSTEM, "DUMP_ON_ERROR"))),
            codes=frozenset(code for code in map(_signed, codes) if code) if on_event else frozenset(),
        )

    def applies(self, event: Event, code: int | None) -> bool:
        """Whether an event with this code leads to a dump."""
        return (self.on_error and event is Event.ERROR) or (code is not None and code in self.codes)


class Dumps:
    """Decides after which event of a run its dump is written: the first that its rule selects.

    :param parameters: the values of the execution's parameters by object type and name.
    """

    def __init__(self, parameters: Mapping[tuple[int, str], Any]) -> None:
        self._rule = DumpRule.of(parameters)
        self._is_written = False

    def after(self, event: EngineEvent, time: Callable[[], datetime]) -> Iterator[DumpRecord]:
        """Yield the dump, if it is written after this event.

        :param time: returns the time of the dump.
        """
        if not isinstance(event, Message) or self._is_written:
            return
        code = event.code - (1 << 32) if event.code >> 31 else event.code or None
        if self._rule.applies(_EVENTS[event.name.value], code):
            self._is_written = True
            yield DumpRecord(event.text, event.place.package, time())


def _signed(text: str) -> int:
    """A hexadecimal code as the catalog shows it; 0 for a text that is none."""
    try:
        code = int(text.strip(), 16) & 0xFFFFFFFF
    except ValueError:
        return 0
    return code - (1 << 32) if code >> 31 else code
