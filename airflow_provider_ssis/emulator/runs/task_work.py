"""The work of a simulated task: the time, messages and failures that a script gives it, and its data flow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import ExecutionResult, MessageType
from airflow_provider_ssis.emulator.runs import data_flow
from airflow_provider_ssis.emulator.runs.actions import Fail, Outcome, RunScript, Write
from airflow_provider_ssis.emulator.runs.clock import RunClock
from airflow_provider_ssis.emulator.runs.control_flow import tasks_in
from airflow_provider_ssis.emulator.runs.events import Events
from airflow_provider_ssis.emulator.runs.frames import Frame
from airflow_provider_ssis.emulator.runs.levels import Event, LogFilter
from airflow_provider_ssis.emulator.runs.records import TappedRowsRecord
from airflow_provider_ssis.emulator.runs.request import DataTap, RunRequest
from airflow_provider_ssis.emulator.runs.steps import Steps
from airflow_provider_ssis.project.models import DataFlow

_MESSAGES_BETWEEN_PAUSES: Final = 1000
_WRITE_EVENTS: Final = {
    MessageType.INFORMATION: Event.INFORMATION,
    MessageType.WARNING: Event.WARNING,
    MessageType.ERROR: Event.ERROR,
}
_TURN: Final = re.compile(r"\[(\d+)\](?!.*\[\d+\])")
"""The last turn in an execution path: ``\\Package\\Loop[2]\\Load``."""


class Crashed(Exception):
    """The process that runs the package dies: no further records are written."""


class TaskWork:
    """The work of the tasks of a run.

    :param request: the run.
    :param script: the instructions for the run.
    :param clock: the time of the run.
    :param events: gets the messages.
    :param log_filter: selects the statistics of data flows.
    """

    def __init__(
        self, request: RunRequest, script: RunScript, clock: RunClock, events: Events, log_filter: LogFilter
    ) -> None:
        self._request = request
        self._script = script
        self._clock = clock
        self._events = events
        self._filter = log_filter
        self._tapped: set[DataTap] = set()

    # --- scripts

    def outcome(self, frame: Frame) -> Outcome:
        """What the script wants an executable to do."""
        return self._script.outcome(frame.executable, frame.package.name, self._request.package.name)

    def perform(self, frame: Frame, outcome: Outcome) -> Steps[ExecutionResult]:
        """Let a task take time, write messages, and fail or succeed."""
        yield from self.write(frame, outcome.writes, frame.pace if outcome.seconds is None else outcome.seconds)
        return (yield from self.break_down(frame, Outcome(crashes=outcome.crashes, failures=outcome.failures)))

    def break_down(self, frame: Frame, outcome: Outcome) -> Steps[ExecutionResult]:
        """Crash or fail, after the duration of the outcome."""
        yield from self._clock.pause(self._clock.elapsed + (outcome.seconds or 0.0))
        if outcome.crashes:
            raise Crashed
        for failure in outcome.failures:
            yield from self._fail(frame, failure)
        return ExecutionResult.FAILURE if outcome.failures else ExecutionResult.SUCCESS

    def _fail(self, frame: Frame, failure: Fail) -> Steps[None]:
        flow = frame.executable.data_flow
        component = None if flow is None else data_flow.failing_component(flow, failure.component)
        if flow is None or component is None:
            for text in failure.messages:
                yield from self._events.error(frame, text, failure.code)
            return
        for text in failure.messages:
            name = data_flow.subcomponent(flow, component)
            yield from self._events.say(frame, Event.ERROR, text, code=failure.code, subcomponent=name)
        yield from self._events.of_pipeline(frame, [data_flow.consequence(flow, component)])

    def write(self, frame: Frame, writes: Sequence[Write], seconds: float) -> Steps[None]:
        """Write messages, spread over a time, and let that time pass."""
        began = self._clock.elapsed
        total = sum(write.count for write in writes)
        written = 0
        for write in writes:
            event = _WRITE_EVENTS[write.message_type]
            for number in range(1, write.count + 1):
                if seconds or written % _MESSAGES_BETWEEN_PAUSES == 0:
                    yield from self._clock.pause(began + seconds * written / total)
                counted = f"{write.message} ({number} of {write.count})" if write.count > 1 else write.message
                yield from self._events.say(frame, event, counted, code=write.code)
                written += 1
        yield from self._clock.pause(began + seconds)

    def spread(self, frame: Frame, outcome: Outcome) -> float:
        """Spread the duration of an executable over its tasks; returns the time of its end."""
        if outcome.seconds is None:
            return 0.0
        frame.pace = outcome.seconds / max(1, tasks_in(frame.executable, self._request.project))
        return self._clock.elapsed + outcome.seconds

    # --- data flows

    def data_flow(self, frame: Frame, flow: DataFlow, outcome: Outcome) -> Steps[ExecutionResult]:
        """Run a Data Flow task: the messages of its pipeline around its scripted work, its taps, its statistics."""
        began = self._clock.tick()
        yield from self._events.of_pipeline(frame, data_flow.opening())
        flowing = self._clock.tick()
        result = yield from self.perform(frame, outcome)
        stopped = self._clock.tick()
        yield from self._tap(frame, flow)
        failed = result is ExecutionResult.FAILURE
        yield from self._events.of_pipeline(frame, data_flow.closing(flow, failed=failed))
        times = data_flow.PipelineTimes(began, flowing, stopped, self._clock.tick())
        where = (frame.package.name, frame.executable.name, frame.execution_path, times)
        if self._filter.phases:
            yield from data_flow.phases(flow, *where)
        if self._filter.data and not failed:
            yield from data_flow.data_statistics(flow, *where)
        return result

    def _tap(self, frame: Frame, flow: DataFlow) -> Steps[None]:
        """The rows that passed the taps of a data flow. A tap belongs to the package of the request."""
        if frame.package.name.lower() != self._request.package_name.lower():
            return
        for tap in self._request.data_taps:
            path = next((each for each in flow.paths if each.id_string == tap.path_id_string), None)
            if path is None or not tap.is_on(frame.executable.path, frame.executable.id):
                continue
            self._tapped.add(tap)
            rows = data_flow.ROWS if tap.max_rows is None else min(tap.max_rows, data_flow.ROWS)
            yield TappedRowsRecord(tap, rows, _iteration(frame), self._clock.tick())

    def unused_taps(self) -> Iterator[DataTap]:
        """The taps that no data flow has passed so far."""
        return (tap for tap in self._request.data_taps if tap not in self._tapped)


def _iteration(frame: Frame) -> int:
    """The turn of the innermost loop around a task, from 1; 0 without a loop."""
    turn = _TURN.search(frame.execution_path)
    return int(turn[1]) if turn else 0
