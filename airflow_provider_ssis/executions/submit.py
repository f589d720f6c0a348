"""Submitting: exactly one execution for a task instance, created or found, saved and started.

1. Get or create: under a lock, find the execution of an earlier try, or create one with all its parameters. A created
   execution does not run by itself.
2. Save its id.
3. Start it under the same lock, unless it was started. The catalog starts an execution only once.

A try that repeats these steps, after a crash or at the same time, gets the same execution.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AttemptSuperseded,
    OtherExecutionActive,
    ProjectChanged,
    StartInterrupted,
)
from airflow_provider_ssis.catalog.requests import Correlation
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.exceptions import PreviousExecutionActive
from airflow_provider_ssis.executions.deadline import SYSTEM_CLOCK, Deadline
from airflow_provider_ssis.executions.outage import OutageTolerance, retry_during_outage
from airflow_provider_ssis.executions.outcome import status_name, superseded_error
from airflow_provider_ssis.executions.polling import PollSchedule, get_execution
from airflow_provider_ssis.executions.stop import stop_executions
from airflow_provider_ssis.executions.task_state import SavedExecution

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import StartedExecution
    from airflow_provider_ssis.catalog.requests import ExecutionRequest
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.executions.message_log import TaskLog
    from airflow_provider_ssis.executions.task_state import TaskState

STAMP_PREFIX = "airflow:"

_MOST_INTERRUPTIONS = 3
"""How many executions one try replaces because the server interrupted their start."""
_AFTER_INTERRUPTION = RetryPolicy(first_delay=0.2, longest_delay=2.0)


@dataclass(frozen=True, slots=True)
class TaskStamp:
    """The text in the server option CALLER_INFO that names the task instance which created an execution.

    Airflow counts the tries of a task instance through, and raises the number of allowed tries when the task is
    cleared. That number less the task's retries is the number of tries before the last clear: the same for a try and
    its retries, and another one after each clear.

    :param since_try: the number of the first try since the task was last cleared.
    :param try_number: the number of the try.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    since_try: int
    try_number: int = 1

    @classmethod
    def of(cls, context: Context, *, retries: int, durable: bool = True) -> Self:
        """The stamp of the task that runs.

        :param context: the task's context.
        :param retries: the task's retries.
        :param durable: False gives each try its own stamp. Default: True.
        """
        task_instance: Any = context["ti"]
        max_tries = getattr(task_instance, "max_tries", None)
        first = 1 if max_tries is None else max(max_tries - retries, 0) + 1
        return cls(
            dag_id=task_instance.dag_id,
            run_id=task_instance.run_id,
            task_id=task_instance.task_id,
            map_index=task_instance.map_index,
            since_try=first if durable else max(task_instance.try_number, first),
            try_number=task_instance.try_number,
        )

    @property
    def key(self) -> str:
        """The stamp up to the number of the try, which is the same for a try and its retries."""
        return f'{self.family}"since_try":{self.since_try},"try":'

    @property
    def text(self) -> str:
        """``airflow:{"dag":…,"run":…,"task":…,"map_index":…,"since_try":…,"try":…}``."""
        return f"{self.key}{self.try_number}}}"

    @property
    def family(self) -> str:
        """The start that all stamps of this task instance have in common, and no stamp of another one has."""
        names = {"dag": self.dag_id, "run": self.run_id, "task": self.task_id, "map_index": self.map_index}
        return f"{STAMP_PREFIX}{json.dumps(names, ensure_ascii=False, separators=(',', ':'))[:-1]},"

    @property
    def lock(self) -> str:
        """The application lock under which executions of the task instance are created and started."""
        return lock_name(self.family)

    def correlation(self, *, is_stamped: bool, exclusive_package: str | None) -> Correlation:
        """How the catalog recognises executions of the task instance, as far as the stamp says it.

        :param is_stamped: whether executions carry the stamp.
        :param exclusive_package: the path of the package of which no other execution may be active; None if others may.
        """
        return Correlation(
            key=self.key if is_stamped else None,
            attempt=self.try_number,
            key_prefix=self.family if is_stamped else None,
            lock=self.lock if exclusive_package is None else lock_name(exclusive_package.casefold()),
            exclusive=exclusive_package is not None,
        )


def lock_name(text: str) -> str:
    """The application lock for a text; SQL Server allows names of 255 characters."""
    return f"airflow_provider_ssis:{hashlib.sha256(text.encode()).hexdigest()}"


class OnPreviousRun(Enum):
    """What to do about an execution that must have ended before a new one starts."""

    FAIL = "fail"
    STOP = "stop"
    WAIT = "wait"
    ATTACH = "attach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a task submits, and how.

    :param request: what to run.
    :param stamp: names the task instance.
    :param is_stamped: whether the stamp is sent to the server. If not, an execution is only found by its saved id.
    :param alone: no execution of the same package may be active at the same time, whichever client started it.
    :param on_previous_run: what to do about one that is.
    :param deadline: when to stop waiting for another execution.
    :param poll_interval: seconds between two polls of it.
    :param lookback: how old an execution of an earlier try may be, in seconds. Default: ``[ssis] lookback_hours``.
    :param stop_timeout: seconds to wait until another execution that was stopped has ended. Default: ``[ssis]
        stop_timeout``.
    :param outage_timeout: seconds that an outage may last meanwhile. Default: ``[ssis] outage_timeout``.
    """

    request: ExecutionRequest
    stamp: TaskStamp
    is_stamped: bool
    alone: bool
    on_previous_run: OnPreviousRun
    deadline: Deadline
    poll_interval: float
    lookback: int = field(default_factory=config.lookback)
    stop_timeout: float = field(default_factory=config.stop_timeout)
    outage_timeout: float = field(default_factory=config.outage_timeout)

    def correlation(self, saved: SavedExecution | None) -> Correlation:
        """How the catalog recognises the execution of the task instance.

        :param saved: the execution that an earlier try saved.
        """
        known, previous = None, None
        if saved is not None:
            if saved.since_try == self.stamp.since_try:
                known = saved.execution_id
            elif saved.is_ours:
                previous = saved.execution_id
        return replace(
            self.stamp.correlation(
                is_stamped=self.is_stamped, exclusive_package=self.request.path if self.alone else None
            ),
            known_id=known,
            previous_id=previous,
            lookback=self.lookback,
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """The execution of a task instance that was started or found.

    :param saved: the execution as it was saved.
    :param status: its status.
    :param started: its row and its values, if this call has started it. Default: None.
    """

    saved: SavedExecution
    status: OperationStatus
    started: StartedExecution | None = None


def submit(
    catalog: Catalog,
    submission: Submission,
    state: TaskState,
    *,
    before_start: Callable[[SavedExecution], None],
    log: TaskLog,
    clock: Clock = SYSTEM_CLOCK,
) -> Submitted:
    """Create or find the execution of a task instance, save its id, and start it unless it was started.

    :param catalog: where to run it.
    :param submission: what to run, and how.
    :param state: where to save the id before the start.
    :param before_start: called when the id is saved. If it raises, the execution is not started.
    :param log: the task's log.
    :param clock: the time. Default: the system's.
    :return: the execution after the start.
    :raises PreviousExecutionActive: another execution is active, and this task must not stop it.
    :raises ExecutionNotStopped: another execution is active and did not stop in time.
    :raises TrySuperseded: the task was retried or cleared meanwhile. Nothing more was started or stopped.
    :raises CatalogError: the catalog refused.
    """
    try:
        return _submit(catalog, submission, state, before_start, log, clock)
    except AttemptSuperseded as refusal:
        raise superseded_error(submission.stamp.try_number) from refusal


def _submit(
    catalog: Catalog,
    submission: Submission,
    state: TaskState,
    before_start: Callable[[SavedExecution], None],
    log: TaskLog,
    clock: Clock,
) -> Submitted:
    stamp = submission.stamp
    saved = state.load_unless_superseded(stamp.try_number)

    def save(execution_id: int, *, is_ours: bool) -> SavedExecution:
        execution = SavedExecution(execution_id, stamp.since_try, is_ours, stamp.try_number)
        state.save(execution)
        before_start(execution)
        return execution

    was_refused = False
    interruptions = 0
    while True:
        correlation = submission.correlation(saved)
        try:
            found = catalog.get_or_create_execution(submission.request, correlation)
            is_ours = saved is None or saved.is_ours or saved.execution_id != found.execution_id
            if not found.created:
                log.info(
                    "An earlier try of this task %s execution %d, whose status is %s. %s",
                    "created" if is_ours else "followed",
                    found.execution_id,
                    status_name(found.status),
                    _next_step(found.status),
                )
            execution = save(found.execution_id, is_ours=is_ours)
            if found.status is OperationStatus.CREATED:
                if not submission.is_stamped:
                    # With stamps, the catalog itself checks it under the lock.
                    state.load_unless_superseded(stamp.try_number)
                log.info("Starting execution %d of %s.", found.execution_id, submission.request.path)
                started = catalog.start_correlated_execution(found.execution_id, correlation, is_first=found.is_first)
                return Submitted(execution, started.status, started)
            return Submitted(execution, found.status)
        except OtherExecutionActive as active:
            attached = _resolve_active(catalog, submission, correlation, active, log, clock)
            if attached is not None:
                execution_id, is_ours = attached
                status = get_execution(catalog, execution_id).status
                return Submitted(save(execution_id, is_ours=is_ours), status)
        except ProjectChanged as refusal:
            if was_refused:
                raise
            was_refused = True
            # The catalog has failed that execution, so the next attempt creates another one.
            log.warning("The project was deployed in the meantime, so another execution is created: %s", refusal)
        except StartInterrupted as failure:
            interruptions += 1
            if interruptions > _MOST_INTERRUPTIONS:
                raise
            log.warning("Execution %s never ran, so another one is created: %s", failure.operation_id, failure.reason)
            clock.sleep(_AFTER_INTERRUPTION.delay(interruptions))


def _next_step(status: OperationStatus) -> str:
    """What this try does with the execution of an earlier one."""
    if status is OperationStatus.CREATED:
        return "This try starts it."
    if status.is_terminal:
        return "The package is not run again."
    return "This try continues with it."


def _resolve_active(
    catalog: Catalog,
    submission: Submission,
    correlation: Correlation,
    active: OtherExecutionActive,
    log: TaskLog,
    clock: Clock,
) -> tuple[int, bool] | None:
    """Do what ``on_previous_run`` says about active executions.

    :return: the id of an execution to follow instead, and whether this task instance created it; None when all active
        executions have ended.
    """
    ids = [execution_id for execution_id, _ in active.others]
    names = ", ".join(str(execution_id) for execution_id in ids)
    match submission.on_previous_run:
        case OnPreviousRun.FAIL:
            raise PreviousExecutionActive(
                f"{active.message}. Nothing was started, because on_previous_run is 'fail'. Wait until they have "
                "ended, or stop them.",
                execution_id=ids[0],
                status=None,
            ) from None
        case OnPreviousRun.ATTACH:
            execution_id, is_ours = active.others[-1]
            log.info(
                "Execution %d is active already, and this task follows it: on_previous_run is 'attach'.", execution_id
            )
            return execution_id, is_ours
        case OnPreviousRun.STOP:
            log.warning("Stopping executions that are still active before a new one starts: %s.", names)
            stop_executions(
                catalog,
                ids,
                poll_interval=submission.poll_interval,
                deadline=submission.deadline.earlier(Deadline.after(submission.stop_timeout, clock=clock)),
                log=log,
                request_stop=lambda execution_id: catalog.stop_correlated_execution(execution_id, correlation),
                clock=clock,
            )
        case OnPreviousRun.WAIT:
            log.info("Waiting for executions that are still active before a new one starts: %s.", names)
            _wait_for(catalog, submission, ids, log, clock)
    return None


def _wait_for(catalog: Catalog, submission: Submission, execution_ids: list[int], log: TaskLog, clock: Clock) -> None:
    tolerance = OutageTolerance(submission.outage_timeout, clock=clock.monotonic)
    schedule, began = PollSchedule(submission.poll_interval), clock.monotonic()
    while True:
        states = retry_during_outage(
            lambda: catalog.execution_states(execution_ids),
            tolerance,
            log,
            deadline=submission.deadline,
            clock=clock,
        )
        active = [state for state in states if not state.status.is_terminal]
        if not active:
            return
        if submission.deadline.passed:
            raise PreviousExecutionActive(
                f"Timed out waiting for execution {active[0].execution_id} (still {status_name(active[0].status)}). "
                "No new execution was started.",
                execution_id=active[0].execution_id,
                status=active[0].status,
            )
        clock.sleep(submission.deadline.limit(schedule.delay(clock.monotonic() - began)))
