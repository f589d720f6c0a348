"""The trigger that waits until a package has succeeded, whichever client runs it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.requests import PackageWatch
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.polling import PackageWait, PollSchedule
from airflow_provider_ssis.triggers.base import SsisTrigger

if TYPE_CHECKING:
    from airflow_provider_ssis.triggers.poller import Update


class SsisPackageTrigger(SsisTrigger):
    """Wait until a package has succeeded, on the poller that all triggers of the connection share.

    The event is an :class:`~airflow_provider_ssis.triggers.events.ExecutionEvent` with the id of the successful
    execution, 0 if there is none.

    :param folder: the catalog's folder.
    :param project: the project.
    :param package: the package, with its ``.dtsx``.
    :param since: only executions that were created at or after this time count: ISO 8601 with a time zone.
    :param ssis_conn_id: the connection. Default: ``ssis_default``.
    :param poll_interval: seconds between two polls; shorter at first. Default: 60.
    :param deadline: when to stop waiting, in seconds since 1970. Default: never.
    :param outage_timeout: seconds that an outage of the server may last. Default: 900.
    :param deferred_at: when the task deferred, in seconds since 1970. Default: unknown.
    :param resume_after: seconds after ``deferred_at`` until which the event is held back. Default: 0.
    :param unknown: arguments that a later version of this package added. They are ignored.
    """

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str,
        since: str,
        ssis_conn_id: str = "ssis_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        outage_timeout: float = 900.0,
        deferred_at: float | None = None,
        resume_after: float = 0.0,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.folder = folder
        self.project = project
        self.package = package
        self.since = since
        self.ssis_conn_id = ssis_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.outage_timeout = outage_timeout
        self.deferred_at = deferred_at
        self.resume_after = resume_after

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def _wait(self) -> PackageWait:
        watch = PackageWatch(self.folder, self.project, self.package, datetime.fromisoformat(self.since))
        return PackageWait(watch, PollSchedule(self.poll_interval), Deadline(self.deadline))

    def _execution_of(self, update: Update) -> int:
        return update.execution_id or 0


_ARGUMENTS = (
    "folder",
    "project",
    "package",
    "since",
    "ssis_conn_id",
    "poll_interval",
    "deadline",
    "outage_timeout",
    "deferred_at",
    "resume_after",
)
