"""Conditions of queries for executions, validations and other operations."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.argument_limits import check_argument, check_arguments
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, one_of, select

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
    from airflow_provider_ssis.catalog.sql.rows import RowClass


class OperationFilters:
    """Conditions on a view of operations, all of which must hold.

    :param view: the view.
    :param key: its column with the operation's id.
    """

    def __init__(self, view: str, key: str) -> None:
        self._view = view
        self._key = key
        self._where: list[str] = []
        self._values: list[MarkerValue] = []
        self._is_empty = False

    def place(self, folder: str | None, project: str | None) -> None:
        """Only in a folder, or of a project.

        :raises ValueError: there is a project and no folder.
        """
        check_arguments(folder=folder, project=project)
        if folder is not None and project is not None:
            self._where.append(_OF_PROJECT)
            self._values += [folder, project]
        elif folder is not None:
            self._where.append("v.folder_name = ?")
            self._values.append(folder)
        elif project is not None:
            raise ValueError("A project is not unique without its folder. Give the folder too.")

    def equals(self, column: str, what: str, value: str | None) -> None:
        """Only with this text in a column.

        :param column: the column.
        :param what: the kind of argument, for the check of its length.
        :param value: the text; None for any.
        """
        check_argument(what, value)
        if value is not None:
            self._where.append(f"v.{column} = ?")
            self._values.append(value)

    def status(self, wanted: OperationStatus | Collection[OperationStatus] | None) -> None:
        """Only in one of these statuses."""
        self._code("status", wanted)

    def operation_type(self, wanted: OperationType | Collection[OperationType] | None) -> None:
        """Only of one of these types."""
        self._code("operation_type", wanted)

    def created(self, since: datetime | None, until: datetime | None, *, column: str = "created_time") -> None:
        """Only created in a span of time.

        :param since: the first moment.
        :param until: the first moment after the span.
        :param column: the column with the time. Default: ``created_time``.
        :raises ValueError: a time has no time zone.
        """
        for moment, comparison in ((since, ">="), (until, "<")):
            if moment is None:
                continue
            if moment.tzinfo is None:
                raise ValueError(f"The time {moment.isoformat()} needs a time zone.")
            self._where.append(f"v.{column} {comparison} CAST(? AS datetimeoffset(7))")
            self._values.append(moment.isoformat(sep=" "))

    def page(self, row_class: type[RowClass]) -> Callable[[RowClass | None, int], Batch]:
        """The query for a page of the rows for which all conditions hold, the newest first.

        :param row_class: a dataclass of ``models``.
        :return: makes the query for the rows after a row (None: from the beginning), and for so many rows.
        """

        def make(last: RowClass | None, size: int) -> Batch:
            where, values = list(self._where), list(self._values)
            if last is not None:
                where.append(f"v.{self._key} < ?")
                values.append(getattr(last, self._key))
            view, order = f"{self._view} AS v", f"v.{self._key} DESC"
            return select(row_class, view, where=where, values=values, order_by=order, limit=size)

        return make

    def limit(self, wanted: int | None) -> int | None:
        """The most rows to read: none if no row can satisfy the conditions.

        :param wanted: the most rows that the caller wants; None for all.
        """
        return 0 if self._is_empty else wanted

    def _code(self, column: str, wanted: IntEnum | Collection[IntEnum] | None) -> None:
        if wanted is None:
            return
        codes = [wanted] if isinstance(wanted, int) else list(wanted)
        self._is_empty = self._is_empty or not codes
        self._where.append(one_of(f"v.{column}", codes))
        self._values += [int(code) for code in codes]


FOLDER = "COALESCE(f.name, v.folder_name)"
"""The name of the folder of the project ``p`` of an execution ``v``, whose folder ``f`` is left-joined: a member of
ssis_logreader sees projects and executions of all logins, but no folders. The execution has the name of that time."""
_OF_PROJECT = (
    "EXISTS (SELECT 1 FROM catalog.projects AS p LEFT JOIN catalog.folders AS f ON f.folder_id = p.folder_id "
    f"WHERE p.project_id = v.object_id AND {FOLDER} = ? AND p.name = ?)"
)
