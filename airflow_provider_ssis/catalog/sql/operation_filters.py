"""Conditions of queries for executions, validations and other operations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.argument_limits import check_argument, check_arguments
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, one_of

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType


class OperationFilters:
    """Conditions on a view of operations, all of which must hold.

    :param key: the view's column with the operation's id.
    """

    def __init__(self, key: str) -> None:
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

    def after(self, key: int | None) -> tuple[list[str], list[MarkerValue]]:
        """The conditions, and the values for their markers, for a page of rows with ids that go down.

        :param key: the id of the last row of the page before; None for the first page.
        """
        if key is None:
            return self._where, self._values
        return [*self._where, f"v.{self._key} < ?"], [*self._values, key]

    def limit(self, wanted: int | None) -> int | None:
        """The most rows to read: none if no row can satisfy the conditions.

        :param wanted: the most rows that the caller wants; None for all.
        """
        return 0 if self._is_empty else wanted

    def _code(self, column: str, wanted: IntEnum | Collection[IntEnum] | None) -> None:
        if wanted is None:
            return
        codes = [wanted] if isinstance(wanted, IntEnum) else list(wanted)
        self._is_empty = self._is_empty or not codes
        self._where.append(one_of(f"v.{column}", codes))
        self._values += [code.value for code in codes]


_OF_PROJECT = (
    "v.object_id = (SELECT p.project_id FROM catalog.projects AS p "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = ? AND p.name = ?)"
)
