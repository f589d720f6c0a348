"""The run protocol: one execution for a task instance, found or created, saved, started, whatever fails in between.

1. *Get or create*: under a lock, find the execution of an earlier try, or create one with all its parameters. A created
   execution does not run by itself.
2. *Save* its id.
3. *Start* it, under the lock again, unless it was started. An execution starts once only.

Whoever does this a second time, after a crash or at the same moment, comes to the same execution.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import OtherExecutionActive, ProjectChanged
from airflow_provider_ssis.catalog.requests import Correlation
from airflow_provider_ssis.exceptions import PreviousExecutionActive
from airflow_provider_ssis.executions.memory import Remembered
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.stamp import lock_name
from airflow_provider_ssis.executions.stopping import stop_executions
from airflow_provider_ssis.executions.waiting import patiently, poll_delays, read_execution
from airflow_provider_ssis.executions.watching import Deadline

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.requests import ExecutionRequest
    from airflow_provider_ssis.executions.memory import TaskMemory
    from airflow_provider_ssis.executions.stamp import TaskStamp
    from airflow_provider_ssis.executions.task_log import TaskLog


class OnPreviousRun(Enum):
    """What to do about an execution that must be over before a new one starts."""

    FAIL = "fail"
    STOP = "stop"
    WAIT = "wait"
    ATTACH = "attach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """How a task instance comes to its execution.

    :param request: what to run.
    :param stamp: whose it is.
    :param is_stamped: whether the stamp goes to the server; otherwise only the saved id tells.
    :param alone: nobody's execution of the same package may be active beside it.
    :param on_previous_run: what to do about one that is.
    :param lookback: seconds back in time in which an earlier try may have created it.
    :param deadline: when to give up waiting for another execution.
    :param stop_timeout: seconds to wait for the end of one that was stopped.
    :param poll_interval: seconds between two looks at it.
    :param outage_timeout: seconds to bear that the catalog cannot be read while another execution is waited for.
    """

    request: ExecutionRequest
    stamp: TaskStamp
    is_stamped: bool
    alone: bool
    on_previous_run: OnPreviousRun
    lookback: int
    deadline: Deadline
    stop_timeout: float
    poll_interval: float
    outage_timeout: float

    def correlation(self, remembered: Remembered | None) -> Correlation:
        """How the catalog recognises the execution.

        :param remembered: the execution that the task instance came to last, by its saved id.
        """
        known, previous = None, None
        if remembered is not None:
            if remembered.since_try == self.stamp.since_try:
                known = remembered.execution_id
            elif remembered.is_ours:
                previous = remembered.execution_id
        package = f"{self.request.folder}/{self.request.project}/{self.request.package}".casefold()
        return Correlation(
            key=self.stamp.text if self.is_stamped else None,
            key_prefix=self.stamp.family if self.is_stamped else None,
            known_id=known,
            previous_id=previous,
            lock=lock_name(package) if self.alone else self.stamp.lock,
            exclusive=self.alone,
            lookback=self.lookback,
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """The execution that a task instance has.

    :param is_ours: the task instance created it, in this try or an earlier one; otherwise it follows somebody else's.
    """

    execution_id: int
    status: OperationStatus
    is_ours: bool


def submit(
    catalog: Catalog,
    submission: Submission,
    memory: TaskMemory,
    *,
    before_start: Callable[[Remembered], None],
    log: TaskLog,
) -> Submitted:
    """Come to the execution, and start it unless it was started.

    :param catalog: where.
    :param submission: what and how.
    :param memory: where its id is saved before it starts.
    :param before_start: called when the execution is saved; what it raises keeps it from being started.
    :param log: where to tell what happens.
    :raises PreviousExecutionActive: another execution is in the way, and it is not to be stopped.
    :raises ExecutionNotStopped: another one is in the way and did not stop in time.
    :raises CatalogError: the catalog refused.
    """
    remembered = memory.recall()

    def save(execution_id: int, *, is_ours: bool) -> None:
        execution = Remembered(execution_id, submission.stamp.since_try, is_ours)
        memory.remember(execution)
        before_start(execution)

    was_refused = False
    while True:
        correlation = submission.correlation(remembered)
        try:
            found = catalog.get_or_create_execution(submission.request, correlation)
            is_ours = remembered is None or remembered.is_ours or remembered.execution_id != found.execution_id
            if not found.created:
                log.info(
                    "Execution %d was %s by an earlier try of this task and is %s.",
                    found.execution_id,
                    "created" if is_ours else "followed",
                    found.status.name.lower(),
                )
            save(found.execution_id, is_ours=is_ours)
            status = found.status
            if status is OperationStatus.CREATED:
                status = catalog.start_correlated_execution(found.execution_id, correlation)
            return Submitted(found.execution_id, status, is_ours=is_ours)
        except OtherExecutionActive as active:
            adopted = _settle(catalog, submission, active, log)
            if adopted is not None:
                save(adopted.execution_id, is_ours=adopted.is_ours)
                return adopted
        except ProjectChanged as refusal:
            if was_refused:
                raise
            was_refused = True
            # The catalog has failed that one, so the next call creates another.
            log.warning("The project was deployed anew meanwhile, so another execution is created: %s", refusal)


def _settle(catalog: Catalog, submission: Submission, active: OtherExecutionActive, log: TaskLog) -> Submitted | None:
    """Deal with executions that are in the way; None when they are over."""
    ids = [execution_id for execution_id, _ in active.others]
    names = ", ".join(str(execution_id) for execution_id in ids)
    match submission.on_previous_run:
        case OnPreviousRun.FAIL:
            raise PreviousExecutionActive(
                f"{active.message}. Nothing was started, as on_previous_run is 'fail'. Wait until it is over, or "
                "stop it.",
                execution_id=ids[0],
                status=None,
            ) from None
        case OnPreviousRun.ATTACH:
            execution_id, is_ours = active.others[-1]
            log.info(
                "Execution %d is active already, and this task follows it: on_previous_run is 'attach'.", execution_id
            )
            return Submitted(execution_id, read_execution(catalog, execution_id).status, is_ours=is_ours)
        case OnPreviousRun.STOP:
            log.warning("Active already, and stopped before a new one starts: execution %s.", names)
            stop_executions(
                catalog,
                ids,
                poll_interval=submission.poll_interval,
                deadline=submission.deadline.or_sooner(Deadline.after(submission.stop_timeout)),
                log=log,
            )
        case OnPreviousRun.WAIT:
            log.info("Active already, and waited for before a new one starts: execution %s.", names)
            _wait_for(catalog, submission, ids, log)
    return None


def _wait_for(catalog: Catalog, submission: Submission, execution_ids: list[int], log: TaskLog) -> None:
    outage = Outage(submission.outage_timeout)
    for delay in poll_delays(submission.poll_interval):
        states = patiently(lambda: catalog.execution_states(execution_ids), outage, log, until=submission.deadline)
        active = [state for state in states if not state.status.is_terminal]
        if not active:
            return
        if submission.deadline.passed:
            raise PreviousExecutionActive(
                f"Execution {active[0].execution_id} is still {active[0].status.name.lower()}, and the time of this "
                "task is over. Nothing was started.",
                execution_id=active[0].execution_id,
                status=active[0].status,
            )
        time.sleep(submission.deadline.limit(delay))
