"""Operations in general: list, read, stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_place
from airflow_provider_ssis.catalog.codes import (
    ACTIVE_STATUSES,
    TERMINAL_STATUSES,
    OperationStatus,
    OperationType,
    PermissionType,
)
from airflow_provider_ssis.catalog.errors import CatalogError, NotStoppable
from airflow_provider_ssis.catalog.models import Execution, ExtendedOperationInfo, Operation
from airflow_provider_ssis.catalog.refusals import OperationTarget, explain_refusal
from airflow_provider_ssis.catalog.requests import PackageWatch
from airflow_provider_ssis.catalog.session import CatalogPart, Repeat
from airflow_provider_ssis.catalog.sql.operation_filters import FOLDER, OperationFilters
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, guarded_command, select

Refusal = Callable[[CatalogError, str], CatalogError | None]
"""Makes an exception of an error that a batch raised itself, given what was being done; None for other errors."""


def no_refusal(error: CatalogError, doing: str) -> None:
    """The batch raises no errors itself."""


class Operations(CatalogPart):
    """The part of the catalog client for executions, validations and all other operations."""

    def executions(
        self,
        *,
        folder: str | None = None,
        project: str | None = None,
        package: str | None = None,
        status: OperationStatus | Collection[OperationStatus] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Execution]:
        """Executions, the newest first, read page by page while the caller iterates.

        With folder and project the server finds them by an index on the project's id; a deleted project's executions
        are found without ``project`` only. The other conditions filter what that leaves.

        :param folder: only of this folder.
        :param project: only of this project; needs ``folder``.
        :param package: only of this package.
        :param status: only in this status, or in one of these.
        :param since: only created at or after this time, which must have a time zone.
        :param until: only created before this time, which must have a time zone.
        :param limit: the most executions. Default: all.
        :raises ValueError: ``project`` is given without ``folder``, or a time without a time zone.
        """
        filters = OperationFilters("catalog.executions", "execution_id")
        filters.place(folder, project)
        filters.equals("package_name", "package", package)
        filters.status(status)
        filters.created(since, until)
        return self._session.pages(
            Execution, filters.page(Execution), doing="Reading the executions", limit=filters.limit(limit)
        )

    def running(
        self, *, folder: str | None = None, project: str | None = None, package: str | None = None
    ) -> list[Execution]:
        """The executions that are pending, running or stopping now, the newest first.

        :param folder: only of this folder.
        :param project: only of this project; needs ``folder``.
        :param package: only of this package.
        """
        return list(self.executions(folder=folder, project=project, package=package, status=ACTIVE_STATUSES))

    def successes(self, watches: Collection[PackageWatch]) -> dict[PackageWatch, int]:
        """The newest successful executions of packages, whichever client started them.

        One round trip for up to 400 packages.

        :param watches: the packages, each with the time from which on executions count.
        :return: the execution's id for each package that has one.
        """
        found: dict[PackageWatch, int] = {}
        wanted = list(watches)
        for begin in range(0, len(wanted), _MOST_WATCHES):
            chunk = wanted[begin : begin + _MOST_WATCHES]
            for watch in chunk:
                check_place(watch.folder, watch.project, watch.package)
            results = self._session.run(_successes(chunk), doing="Looking for successful executions")
            found.update({chunk[number]: int(execution_id) for number, execution_id in results[-1].rows})
        return found

    def operations(
        self,
        *,
        operation_type: OperationType | Collection[OperationType] | None = None,
        status: OperationStatus | Collection[OperationStatus] | None = None,
        object_name: str | None = None,
        caller: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Operation]:
        """Operations of any type, the newest first, read page by page while the caller iterates.

        :param operation_type: only of this type, or of one of these.
        :param status: only in this status, or in one of these.
        :param object_name: only about the object of this name: the project's, for executions and deployments.
        :param caller: only of this login.
        :param since: only created at or after this time, which must have a time zone.
        :param until: only created before this time, which must have a time zone.
        :param limit: the most operations. Default: all.
        :raises ValueError: a time has no time zone.
        """
        filters = OperationFilters("catalog.operations", "operation_id")
        filters.operation_type(operation_type)
        filters.status(status)
        filters.equals("object_name", "package", object_name)
        filters.equals("caller_name", "principal", caller)
        filters.created(since, until)
        return self._session.pages(
            Operation, filters.page(Operation), doing="Reading the operations", limit=filters.limit(limit)
        )

    def extended_operation_info(self, operation_id: int) -> list[ExtendedOperationInfo]:
        """The objects that an operation is about, and how it went for each.

        :param operation_id: the operation.
        """
        batch = select(
            ExtendedOperationInfo,
            "catalog.extended_operation_info AS v",
            where=["v.operation_id = ?"],
            values=[operation_id],
            order_by="v.info_id",
        )
        return self._session.fetch(
            ExtendedOperationInfo, batch, doing=f"Reading the objects of the operation {operation_id}"
        )

    def operation(self, operation_id: int) -> Operation | None:
        """The operation with that id, or None if the login can see no such object."""
        batch = select(Operation, "catalog.operations AS v", where=["v.operation_id = ?"], values=[operation_id])
        found = self._session.fetch(Operation, batch, doing=f"Looking for the operation {operation_id}")
        return next(iter(found), None)

    def stop_operation(self, operation_id: int) -> None:
        """Request the stop of a running execution or validation. It has stopped when its status is final.

        :param operation_id: the execution or validation.
        :raises NotStoppable: it is in a state in which it cannot be stopped; ``status`` says which.
        :raises AlreadyStopping: it is stopping already.
        :raises PermissionDenied: the login may not change it.
        """
        self._stop(guarded_command("EXEC catalog.stop_operation @operation_id = ?;", [operation_id]), operation_id)

    def _stop(self, batch: Batch, operation_id: int, *, refusal: Refusal = no_refusal) -> None:
        """Run a batch that requests the stop of an operation.

        :param batch: the batch.
        :param operation_id: the execution or validation.
        :param refusal: makes an exception of an error that the batch raised itself.
        """
        doing = f"Stopping the operation {operation_id}"
        explain_denial = explain_refusal(self._session, doing, OperationTarget(operation_id, PermissionType.MODIFY))

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            error = refusal(error, doing) or explain_denial(error, row)
            error.operation_id = operation_id
            if isinstance(error, NotStoppable):
                operation = self.operation(operation_id)
                if operation is not None:
                    error.status = operation.status
                    error.add(f"it is in status {operation.status.value}, {operation.status.name}")
                    error.advice = _STOP_ADVICE.get(operation.status, error.advice)
            return error

        self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED, explain=explain)


_MOST_WATCHES = 400


def _successes(watches: Sequence[PackageWatch]) -> Batch:
    rows = ", ".join("(?, ?, ?, ?, ?)" for _ in watches)
    # By the project's id, on which executions have an index.
    sql = (
        f"SELECT w.number, MAX(v.execution_id) AS execution_id FROM (VALUES {rows}) "
        "AS w (number, folder_name, project_name, package_name, since) "
        "JOIN catalog.projects AS p ON p.name = w.project_name "
        "LEFT JOIN catalog.folders AS f ON f.folder_id = p.folder_id "
        "JOIN catalog.executions AS v ON v.object_id = p.project_id AND v.package_name = w.package_name "
        "AND v.created_time >= CAST(w.since AS datetimeoffset(7)) "
        f"WHERE v.status = ? AND {FOLDER} = w.folder_name GROUP BY w.number;"
    )
    values: list[MarkerValue] = []
    for number, watch in enumerate(watches):
        values += [number, watch.folder, watch.project, watch.package, watch.since.isoformat(sep=" ")]
    return Batch(sql, (*values, OperationStatus.SUCCEEDED.value))


_STOP_ADVICE = {
    OperationStatus.CREATED: "It was never started, so there is nothing to stop.",
    OperationStatus.PENDING: "It waits for its process. Stop it as soon as it is running.",
    OperationStatus.STOPPING: "It is stopping already. Wait until it has ended.",
    **dict.fromkeys(TERMINAL_STATUSES, "It has ended, so there is nothing to stop."),
}
