"""Airflow's assets for the tables that an execution writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_ssis.compat import asset_classes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ssis.project.lineage.addresses import Dataset
    from airflow_provider_ssis.project.lineage.package_lineage import TaskLineage

_SERVER = "mssql://"
_ON_ERROR = re.compile(r"\.EventHandlers\[(?:OnError|OnTaskFailed)\]")


def asset_uris(tasks: Iterable[TaskLineage]) -> list[str]:
    """Return the URIs of the tables that tasks write: ``mssql://dw01:1433/DW/dbo/Sales``.

    They are those of Airflow's provider for SQL Server: ``mssql://host:port/database/schema/table``, with the instance
    before the database if there is one.

    Tasks of event handlers for errors are left out, because they do not run in most packages that succeed.

    :param tasks: the tasks of a package.
    """
    datasets = {use.dataset for task in tasks if not _ON_ERROR.search(task.task) for use in task.writes}
    return [uri for one in sorted(datasets) if (uri := _uri(one)) is not None]


def _uri(dataset: Dataset) -> str | None:
    parts = dataset.name.split(".")
    # A name with more dots cannot be split.
    if not dataset.namespace.startswith(_SERVER) or len(parts) != 3:
        return None
    return "/".join((dataset.namespace, *(quote(part, safe="") for part in parts)))


def add_events(outlet_events: Any, alias: Any, uris: Iterable[str], extra: dict[str, Any]) -> None:
    """Add an event of each asset to a task's outlets.

    :param outlet_events: ``outlet_events`` of the task's context.
    :param alias: the alias among the task's outlets.
    :param uris: the URIs of the assets.
    :param extra: what each event carries.
    """
    asset = asset_classes().asset
    for uri in uris:
        outlet_events[alias].add(asset(uri), extra=extra)
