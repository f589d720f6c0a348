"""The system variables (namespace ``System``). Source: "System Variables" in the documentation of SSIS."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.variables.values import stored_value
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.models import ExecutableKind

WRITABLE: Final = ("System::Cancel", "System::Propagate")
"""The system variables that event handlers can change."""

_Read = Callable[[], Any]


def system_variables(frame: Frame) -> dict[str, tuple[str, _Read]]:
    """Return the system variables that a frame sees: the type of each, and a function that returns its value.

    :param frame: where they are read.
    """
    run, package = frame.package, frame.package.package
    root = frame.root
    found: dict[str, tuple[str, _Read]] = {
        "CancelEvent": ("Int32", lambda: 0),
        "ContainerStartTime": ("DateTime", lambda: _local(_container(frame).start or run.start)),
        "CreationDate": ("DateTime", lambda: _creation_date(frame)),
        "CreatorComputerName": ("String", lambda: _stored(frame, "CreatorComputerName")),
        "CreatorName": ("String", lambda: _stored(frame, "CreatorName")),
        "ExecutionInstanceGUID": ("String", lambda: run.instance_guid),
        "FailedConfigurations": ("String", lambda: ";".join(run.failed_configurations)),
        "IgnoreConfigurationsOnLoad": ("Boolean", lambda: False),
        "InteractiveMode": ("Boolean", lambda: False),
        **dict.fromkeys(("LocaleID", "LocaleId"), ("Int32", lambda: frame.locale_id)),
        "MachineName": ("String", socket.gethostname),
        "OfflineMode": ("Boolean", lambda: False),
        "PackageID": ("String", lambda: root.container.id),
        "PackageName": ("String", lambda: root.container.name),
        "ServerExecutionID": ("Int64", lambda: run.server_execution_id),
        "StartTime": ("DateTime", lambda: _local(run.start)),
        "UserName": ("String", _user),
        "VersionBuild": ("Int32", lambda: package.version_build),
        "VersionComments": ("String", lambda: package.version_comments),
        "VersionGUID": ("String", lambda: package.version_guid),
        "VersionMajor": ("Int32", lambda: package.version_major),
        "VersionMinor": ("Int32", lambda: package.version_minor),
    }
    if frame.container.kind is ExecutableKind.TASK:
        task = frame.container
        found |= {
            "CreationName": ("String", lambda: task.type),
            "TaskID": ("String", lambda: task.id),
            "TaskName": ("String", lambda: task.name),
            "TaskTransactionOption": ("Int32", lambda: task.transaction_option),
        }
    result = {f"System::{name}": value for name, value in found.items()}
    handler = next((outer for outer in frame.outwards() if outer.handler is not None), None)
    if handler is not None:
        result |= {name: (type_, _constant(value)) for name, (type_, value) in handler.event.items()}
    return result


def _constant(value: Any) -> _Read:
    return lambda: value


def _container(frame: Frame) -> Frame:
    """Return the container around a task."""
    return next(outer for outer in frame.outwards() if outer.container.kind is not ExecutableKind.TASK)


def _local(moment: Any) -> Any:
    return moment.replace(tzinfo=None)


def _stored(frame: Frame, name: str) -> str:
    return DtsContents(frame.package.package.element).text(name)


def _creation_date(frame: Frame) -> Any:
    return stored_value(_stored(frame, "CreationDate") or "12/30/1899", "DateTime")


@cache
def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # a container may run under a user id without a name
