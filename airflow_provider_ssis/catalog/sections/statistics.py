"""Executables and components of executions, with the statistics that the logging level records."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ssis.catalog.models import (
    ComponentPhase,
    DataStatistics,
    Executable,
    ExecutableStatistics,
    PerformanceCounter,
    PropertyOverride,
)
from airflow_provider_ssis.catalog.session import CatalogPart
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, select


class Statistics(CatalogPart):
    """The part of the catalog client for executables and statistics of executions."""

    def executables(self, execution_id: int) -> list[Executable]:
        """The packages, containers and tasks of an execution."""
        batch = select(
            Executable,
            "catalog.executables AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            order_by="v.executable_id",
        )
        return self._session.fetch(Executable, batch, doing=f"Reading the executables of execution {execution_id}")

    def executable_statistics(self, execution_id: int) -> list[ExecutableStatistics]:
        """How each iteration of each executable of an execution went; the logging level None writes no statistics."""
        batch = select(
            ExecutableStatistics,
            "catalog.executable_statistics AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            order_by="v.statistics_id",
        )
        return self._session.fetch(
            ExecutableStatistics, batch, doing=f"Reading the statistics of execution {execution_id}"
        )

    def property_overrides(self, execution_id: int) -> list[PropertyOverride]:
        """The property overrides of an execution, in the order in which they were set.

        :param execution_id: the execution.
        """
        batch = select(
            PropertyOverride,
            "catalog.execution_property_override_values AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            order_by="v.property_id",
        )
        return self._session.fetch(
            PropertyOverride, batch, doing=f"Reading the property overrides of execution {execution_id}"
        )

    def component_phases(self, execution_id: int) -> Iterator[ComponentPhase]:
        """The phases of data flow components of an execution, read page by page.

        The logging levels Performance and Verbose record them.

        :param execution_id: the execution.
        """

        def page(last: ComponentPhase | None, size: int) -> Batch:
            key = None if last is None else last.phase_stats_id
            return _page_of(ComponentPhase, "execution_component_phases", "phase_stats_id", execution_id, key, size)

        return self._session.pages(ComponentPhase, page, doing=f"Reading the phases of execution {execution_id}")

    def data_statistics(self, execution_id: int) -> Iterator[DataStatistics]:
        """The rows that data flow components of an execution sent to each other, read page by page.

        The logging level Verbose records them.

        :param execution_id: the execution.
        """

        def page(last: DataStatistics | None, size: int) -> Batch:
            key = None if last is None else last.data_stats_id
            return _page_of(DataStatistics, "execution_data_statistics", "data_stats_id", execution_id, key, size)

        return self._session.pages(DataStatistics, page, doing=f"Reading the rows sent in execution {execution_id}")

    def performance_counters(self, execution_id: int) -> list[PerformanceCounter]:
        """The counters of a running execution: rows read and written, buffers and their memory in bytes.

        :param execution_id: the execution.
        :raises ExecutionNotFound: it is not running, or the login may not read it.
        """
        batch = Batch(
            select(PerformanceCounter, "catalog.dm_execution_performance_counters(?) AS v").sql, (execution_id,)
        )
        return self._session.fetch(PerformanceCounter, batch, doing=f"Reading the counters of execution {execution_id}")


def _page_of(row_class: type, view: str, key: str, execution_id: int, after: int | None, size: int) -> Batch:
    where: list[str] = ["v.execution_id = ?"]
    values: list[MarkerValue] = [execution_id]
    if after is not None:
        where.append(f"v.{key} > ?")
        values.append(after)
    return select(row_class, f"catalog.{view} AS v", where=where, values=values, order_by=f"v.{key}", limit=size)
