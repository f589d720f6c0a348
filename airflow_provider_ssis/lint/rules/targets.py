"""Rules about features that a target removed, deprecated, or cannot run.

Sources: Microsoft's pages "What's new in Integration Services" for SQL Server 2025, "Limitations and known issues for
SSIS on Linux", "Integration Services Backward Compatibility", "SSIS migration assessment rules" for Azure Data Factory,
and "Invoke SSIS package in Fabric".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.lint.supported_types import (
    ENGINE_COMPONENTS,
    ENGINE_TASKS,
    LINUX_COMPONENTS,
    LINUX_TASKS,
)
from airflow_provider_ssis.project.connection_strings import connection_pairs
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.data_flow import Component
from airflow_provider_ssis.project.package.options import ConfigurationType
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask, ExecuteProcessTask, FileSystemTask
from airflow_provider_ssis.project.type_names import class_name, component_class, task_type
from airflow_provider_ssis.project.visual_studio.settings import TARGET_SERVER_VERSIONS

_HADOOP = ("HadoopFileSystemTask", "HadoopHiveTask", "HadoopPigTask", "HDFSFileSource", "HDFSFileDestination", "HADOOP")
_CDC = (
    "CDCControlTask",
    "CdcControlTask",
    "CDCControl",
    "CdcSourceComponent",
    "CdcSplitterComponent",
    "CDC",
    "CdcSource",
    "CdcSplitter",
)
_ORACLE = (
    "ORACLE",
    "MSORA",
    "OracleSource",
    "OracleDestination",
    "SSISOracleSrc",
    "SSISOracleDst",
    "Attunity.SSISOraSrc",
    "Attunity.SSISOraDst",
    "SSISOraSrc",
    "SSISOraDst",
)
_SAP_BW = ("SAPBI", "SAPBW", "SAPBWSource", "SAPBWDestination")
_VERSIONS = {name.lower(): version for name, version in TARGET_SERVER_VERSIONS.items()}
_SCRIPTS = ("ScriptTask", "ScriptComponent")
_WINDOWS_LOGIN = re.compile(
    r"(?:integrated security|trusted_connection|usewindowsauthentication)\s*=\s*(?:sspi|true|yes)\b", re.IGNORECASE
)
_PROVIDER = re.compile(r"(?:^|;)\s*provider\s*=\s*([^;]+)", re.IGNORECASE)
_LINUX_PROVIDER = re.compile(r"\s*(?:SQLNCLI11|MSOLEDBSQL)", re.IGNORECASE)
_NATIVE_CLIENT = re.compile(r"SQLNCLI\d*|SQL Server Native Client", re.IGNORECASE)
_FILE_PATH = re.compile(r"\s*(?:[A-Za-z]:\\|\\\\)")
_ENVIRONMENT_VARIABLE = re.compile(r"%\w+%")
_SERVER = re.compile(r"(?:^|;)\s*(?:data source|server|address|addr|network address)\s*=\s*([^;]+)", re.IGNORECASE)
_FILE_KINDS = ("FILE", "FLATFILE", "MULTIFILE", "MULTIFLATFILE", "EXCEL")
_DATABASE_KINDS = ("OLEDB", "ADO.NET", "ADO", "ODBC", "MSOLAP100")
_REGISTRY = (ConfigurationType.REGISTRY, ConfigurationType.INDIRECT_REGISTRY)
_FILE_CONFIGURATIONS = (ConfigurationType.XML_FILE,)


@dataclass(frozen=True, slots=True)
class _Part:
    """A task, component or connection manager, by the name of its type."""

    type: str
    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class _Limit:
    """Types that a target does not have or will not have.

    :param targets: the names of the targets.
    :param types: the names of the types.
    :param reason: why, as a clause.
    """

    targets: tuple[str, ...]
    types: tuple[str, ...]
    reason: str


_REMOVED = (
    _Limit(("sqlserver2025",), _HADOOP, "SQL Server 2025 removed the Hadoop tasks, components and connection managers"),
    _Limit(("sqlserver2025",), _CDC, "SQL Server 2025 removed the CDC components by Attunity"),
    _Limit(("sqlserver2025",), _ORACLE, "SQL Server 2025 removed the Microsoft Connector for Oracle"),
)
_CANNOT_RUN = (
    _Limit(("linux",), (*_HADOOP, *_CDC, *_SAP_BW), "SSIS on Linux does not have it"),
    _Limit(("linux",), ("EXCEL", "MSMQ", "WMI", "MSOLAP100", "DQS"), "SSIS on Linux does not have it"),
    _Limit(("azure", "fabric"), ("SQLServerDestination",), "it needs SQL Server on the same machine"),
    _Limit(("azure", "fabric"), ("MessageQueueTask", "MSMQ"), "the integration runtime has no message queue"),
)
_DEPRECATED = (_Limit(("sqlserver2022",), _CDC, "SQL Server 2022 deprecates the CDC components by Attunity"),)


def _tasks(subject: Subject) -> Iterator[_Part]:
    for place, executable in subject.executables():
        container = executable.container
        if container.kind is ExecutableKind.TASK:
            yield _Part(task_type(container.type), place, container.name)


def _components(subject: Subject) -> Iterator[_Part]:
    for flow, component in subject.components():
        yield _Part(component_class(component), flow.place(component), component.name)


def _managers(subject: Subject) -> Iterator[_Part]:
    for place, manager in subject.managers():
        yield _Part(manager.kind, place, manager.name)


def _limited(subject: Subject, limits: tuple[_Limit, ...], verb: str = "cannot be used") -> Iterator[Hit]:
    chosen = [one for one in limits if subject.configuration.target in one.targets]
    parts = (*_tasks(subject), *_components(subject), *_managers(subject)) if chosen else ()
    for part in parts:
        for limit in chosen:
            if part.type.casefold() in {name.casefold() for name in limit.types}:
                yield part.place, f"{part.name} ({part.type}) {verb}: {limit.reason}"


def _unsupported(
    subject: Subject, tasks: frozenset[str], components: frozenset[str], reason: str, seen: Collection[Place] = ()
) -> Iterator[Hit]:
    """Yield the tasks and components whose type is not supported; a GUID that is not known can be any type."""
    for parts, supported in ((_tasks(subject), tasks), (_components(subject), components)):
        known = {name.casefold() for name in supported}
        for part in parts:
            if part.type.casefold() not in known and not part.type.startswith("{") and part.place not in seen:
                yield part.place, f"{part.name} ({part.type}) cannot be used: {reason}"


@rule(
    "T101",
    "removed-in-target",
    Severity.ERROR,
    explanation="The target version of SQL Server no longer has this task, component or connection manager.",
    fix="Replace it before the upgrade, for instance by ODBC or a third-party component",
    with_disabled=True,  # a package with a task that is not installed does not load
)
def removed(subject: Subject) -> Iterator[Hit]:
    """Find types that the target removed."""
    yield from _limited(subject, _REMOVED)


@rule(
    "T102",
    "deprecated-in-target",
    Severity.WARNING,
    explanation="The target still has the feature, but a later version will not.",
    fix="Plan the replacement",
)
def deprecated(subject: Subject) -> Iterator[Hit]:
    """Find features that a version of SQL Server deprecates or no longer installs."""
    target = subject.configuration.target
    yield from _limited(subject, _DEPRECATED, "needs a replacement")
    if target not in ("sqlserver2022", "sqlserver2025"):
        return
    for place, manager in subject.managers():
        if _NATIVE_CLIENT.search(manager.connection_string):
            yield place, f"{manager.name} uses SQL Server Native Client, which SQL Server 2022 removed; use MSOLEDBSQL"
    if target == "sqlserver2025":
        yield from _deprecated_in_2025(subject)


def _deprecated_in_2025(subject: Subject) -> Iterator[Hit]:
    """Yield the use of SqlClient of .NET, 32-bit mode, and the package store."""
    for place, manager in subject.managers():
        used = f"{manager.creation_name} {manager.connection_string}"
        if "System.Data.SqlClient" in used:
            yield place, "SQL Server 2025 deprecates System.Data.SqlClient; use Microsoft.Data.SqlClient"
        if "Microsoft.Jet.OLEDB" in used:
            yield place, "the provider Jet exists for 32-bit mode only, which SQL Server 2025 deprecates"
    for place, container, task in subject.with_data(ExecutePackageTask):
        if not task.use_project_reference and task.package_name:
            yield place, f"{container.name} runs a package of msdb, whose package store service is deprecated"


@rule(
    "T103",
    "cannot-run-on-target",
    Severity.ERROR,
    explanation="The target does not run this task, component, connection manager or kind of project.",
    fix="Replace it, or choose another target",
)
def cannot_run(subject: Subject) -> Iterator[Hit]:
    """Find types that the target cannot run, and projects where it runs single packages only."""
    limited = tuple(_limited(subject, _CANNOT_RUN))
    yield from limited
    match subject.configuration.target:
        case "fabric":
            yield from _fabric(subject)
        case "linux":
            reason = "SSIS on Linux does not have it"
            seen = {place for place, _ in limited}
            yield from _unsupported(subject, LINUX_TASKS, LINUX_COMPONENTS, reason, seen)
            yield from _linux(subject)
        case "engine":
            yield from _engine(subject)
        case "sqlserver2016" | "sqlserver2017" | "sqlserver2019" | "sqlserver2022":
            for place, manager in subject.managers():
                if "Microsoft.Data.SqlClient" in manager.creation_name:
                    yield place, f"{manager.name} uses Microsoft.Data.SqlClient, which needs SQL Server 2025"


def _fabric(subject: Subject) -> Iterator[Hit]:
    if subject.manifest is not None:
        place = subject.manifest_place()
        yield place, "Fabric runs single packages only, not projects of the project deployment model"
    for place, executable in subject.executables():
        if task_type(executable.container.type) == "ExecutePackageTask":
            yield place, "Fabric runs single packages only, without child packages"


def _engine(subject: Subject) -> Iterator[Hit]:
    yield from _unsupported(subject, ENGINE_TASKS, ENGINE_COMPONENTS, "the engine does not run it")
    for part in (*_tasks(subject), *_components(subject)):
        if part.type in _SCRIPTS:
            yield part.place, f"{part.name} ({part.type}) runs only as a Python function that replaces the script"


def _linux(subject: Subject) -> Iterator[Hit]:
    for place, _, task in subject.with_data(FileSystemTask):
        if task.operation in ("MoveDirectory", "SetAttributes"):
            yield place, f"SSIS on Linux does not support {task.operation}"
    for place, manager in subject.managers():
        provider = _PROVIDER.search(manager.connection_string)
        if _WINDOWS_LOGIN.search(manager.connection_string):
            yield place, f"{manager.name} uses Windows authentication, which SSIS on Linux does not support"
        if manager.kind == "OLEDB" and provider and not _LINUX_PROVIDER.match(provider[1]):
            yield place, f"{manager.name} uses the OLE DB provider {provider[1].strip()}, which Linux does not have"
        client = manager.creation_name.partition(":")[2].partition(",")[0]
        if manager.kind == "ADO.NET" and client and not re.search(r"SqlClient|^SQL$", client, re.IGNORECASE):
            yield place, f"{manager.name} uses {client}; SSIS on Linux has only SqlClient"
    for one in subject.packages:
        for log in one.package.log_providers:
            if "EventLog" in log.creation_name:
                yield one.place(log, log.name), f"{log.name} writes to the event log of Windows"


@rule(
    "T104",
    "format-of-another-version",
    Severity.WARNING,
    explanation="A server cannot read formats of a later version, and converts earlier formats in each run.",
    fix="Set TargetServerVersion of the project to the version of the server and save its packages",
)
def version(subject: Subject) -> Iterator[Hit]:
    """Find packages and projects whose format is not that of the target."""
    wanted = _VERSIONS.get(subject.configuration.target or "")
    if wanted is None:
        return
    found = None if subject.manifest is None else subject.manifest.target_server_version
    if found is not None and found > wanted:
        place = subject.manifest_place()
        yield place, f"the target server version {found} of the project is later than {wanted}"
    for one in subject.packages:
        if one.package.format_version < 8:
            yield (
                one.place(one.package),
                f"the package has format {one.package.format_version}, the target uses format 8",
            )


@rule(
    "T105",
    "needs-setup-on-target",
    Severity.WARNING,
    explanation="Azure-SSIS integration runtimes reach files, servers, Windows accounts, drivers and third-party "
    "components only after a custom setup or in a virtual network. Source: SSIS migration assessment rules.",
    fix="Replace it, or set up the integration runtime for it",
)
def needs_setup(subject: Subject) -> Iterator[Hit]:
    """Find parts that fail in Azure without a setup of the integration runtime."""
    if subject.configuration.target != "azure":
        return
    for place, manager in subject.managers():
        if "ConnectionString" not in manager.expressions:
            for problem in _problems_in_azure(manager):
                yield place, f"{manager.name} {problem}"
    for flow, component in subject.components():
        if _is_third_party(component):
            name = component_class(component)
            yield flow.place(component), f"{component.name} ({name}) is a third-party component"
    for place, container, task in subject.with_data(ExecuteProcessTask):
        if _FILE_PATH.match(task.executable) and "Executable" not in container.expressions:
            yield place, f"{container.name} starts a program by its path: {task.executable}"
    for one in subject.packages if subject.manifest is None else ():
        for configuration in one.package.configurations if one.package.enable_configurations else ():
            place = one.place(configuration, configuration.name)
            if configuration.type in _REGISTRY:
                yield place, f"the configuration {configuration.name} reads the registry"
            elif configuration.type in _FILE_CONFIGURATIONS and _FILE_PATH.match(configuration.string):
                yield place, f"the configuration {configuration.name} reads a file by its path: {configuration.string}"


def _problems_in_azure(manager: DtsConnectionManager) -> Iterator[str]:
    text = manager.connection_string
    server = (
        _SERVER.search(text) if manager.kind in _DATABASE_KINDS and "ServerName" not in manager.expressions else None
    )
    if server is not None and "." not in server[1].strip().strip("."):
        yield f"names the server {server[1].strip()!r}, which is outside of Azure"
    if manager.kind in _FILE_KINDS and _FILE_PATH.match(_file_of(text)):
        yield "has a path on this machine or a network share"
    if _WINDOWS_LOGIN.search(text):
        yield "uses Windows authentication"
    if _ENVIRONMENT_VARIABLE.search(text):
        yield "uses an environment variable"
    if _NATIVE_CLIENT.search(text):
        yield "uses SQL Server Native Client, which is deprecated; use MSOLEDBSQL"


def _file_of(connection_string: str) -> str:
    return connection_pairs(connection_string).get("data source", connection_string)


def _is_third_party(component: Component) -> bool:
    managed = component.properties.get("UserComponentTypeName")
    type_ = component.class_id if managed is None else managed.text
    if managed is None and (type_.startswith("{") or class_name(type_) != type_):
        return False  # a class of Microsoft's, or a GUID that can be one
    return not type_.startswith(("Microsoft.", "Attunity."))
