"""When a run writes a dump: the system parameters DUMP_ON_ERROR, DUMP_ON_EVENT and DUMP_EVENT_CODE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.emulator.runs.levels import Event

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


def _signed(text: str) -> int:
    """A hexadecimal code as the catalog shows it; 0 for a text that is none."""
    try:
        code = int(text.strip(), 16) & 0xFFFFFFFF
    except ValueError:
        return 0
    return code - (1 << 32) if code >> 31 else code
