"""The connection managers that tasks, loops and components name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from airflow_provider_ssis.project.package.containers import ContainerData
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop, SchemaRowsetEnumerator
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteSqlTask,
    FileSystemTask,
    FtpTask,
    SendMailTask,
)

Reference = tuple[str, str]
"""The id or name of a connection manager, and its refId: a component has both, a task has no refId."""


def connection_references(data: ContainerData, expressions: Collection[str]) -> Iterator[Reference]:
    """Return the connection managers that an executable names, without those that a property expression sets.

    :param data: its data.
    :param expressions: the names of the executable's properties with an expression.
    """
    if isinstance(data, Pipeline):
        found = ((one.manager_id, one.manager_ref_id) for component in data.components for one in component.connections)
    else:
        found = ((one, "") for one in _stored(data, frozenset(expressions)))
    return ((id_, ref_id) for id_, ref_id in found if (ref_id or id_).strip())


def _stored(data: ContainerData, set_later: frozenset[str]) -> Iterator[str]:
    if isinstance(data, (ExecuteSqlTask, FtpTask)):
        yield "" if "Connection" in set_later else data.connection
    elif isinstance(data, SendMailTask):
        yield "" if "SmtpConnection" in set_later else data.smtp_server
    elif isinstance(data, FileSystemTask):
        yield "" if data.source_is_variable or {"Source", "IsSourcePathVariable"} & set_later else data.source
        if data.uses_destination and not data.destination_is_variable:
            yield "" if {"Destination", "IsDestinationPathVariable"} & set_later else data.destination
    elif isinstance(data, BulkInsertTask):
        yield "" if "SourceConnection" in set_later else data.source_connection
        yield "" if "DestinationConnection" in set_later else data.destination_connection
    elif isinstance(data, ExecutePackageTask):
        is_set_later = {"Connection", "UseProjectReference"} & set_later
        yield "" if data.use_project_reference or is_set_later else data.connection
    elif isinstance(data, ForeachLoop) and isinstance(data.enumerator, SchemaRowsetEnumerator):
        yield "" if "Connection" in data.expressions else data.enumerator.connection
