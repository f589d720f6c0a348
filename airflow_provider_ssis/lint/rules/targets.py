"""Rules about what a target removed, deprecated, or cannot run.

Sources: Microsoft's pages "What's new in Integration Services" for SQL Server 2025, "Limitations and known issues for
SSIS on Linux", "SSIS in Azure Data Factory", and "Invoke SSIS package in Fabric".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.tasks import FileSystemTask
from airflow_provider_ssis.project.settings import TARGET_SERVER_VERSIONS
from airflow_provider_ssis.project.type_names import component_class, task_type

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
_WINDOWS_TASKS = (
    "WMIDataReaderTask",
    "WMIEventWatcherTask",
    "MessageQueueTask",
    "WebServiceTask",
    "ASExecuteDDLTask",
    "ASProcessingTask",
    "DTSProcessingTask",
    "DMQueryTask",
    "TransferDatabaseTask",
    "TransferErrorMessagesTask",
    "TransferJobsTask",
    "TransferLoginsTask",
    "TransferObjectsTask",
    "TransferSqlServerObjectsTask",
    "TransferStoredProceduresTask",
)
_NOT_IN_ENGINE = (*_WINDOWS_TASKS, "ScriptTask", *_HADOOP, *_CDC)
_COMPONENTS_NOT_IN_ENGINE = (
    "ScriptComponent",
    "SCD",
    "FuzzyLookup",
    "FuzzyGrouping",
    "TermExtraction",
    "TermLookup",
    "PXPipelineDMQuery",
    "PXPipelineProcessPartition",
    "PXPipelineProcessDimension",
)


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
    _Limit(("linux",), _WINDOWS_TASKS, "it needs Windows"),
    _Limit(("linux",), ("EXCEL", "ExcelSource", "ExcelDestination", "MSMQ", "WMI", "SMOServer"), "it needs Windows"),
    _Limit(("azure", "fabric"), ("SQLServerDestination",), "it needs SQL Server on the same machine"),
    _Limit(("azure", "fabric"), ("MessageQueueTask", "MSMQ"), "the integration runtime has no message queue"),
    _Limit(("engine",), _NOT_IN_ENGINE, "the engine does not run it"),
    _Limit(("engine",), _COMPONENTS_NOT_IN_ENGINE, "the engine does not run it"),
)


def _parts(subject: Subject) -> Iterator[_Part]:
    for place, executable in subject.executables():
        container = executable.container
        if container.kind is ExecutableKind.TASK:
            yield _Part(task_type(container.type), place, container.name)
    for flow, component in subject.components():
        yield _Part(component_class(component), flow.place(component), component.name)
    for place, manager in subject.managers():
        yield _Part(manager.kind, place, manager.name)


def _limited(subject: Subject, limits: tuple[_Limit, ...]) -> Iterator[Hit]:
    chosen = [one for one in limits if subject.configuration.target in one.targets]
    for part in _parts(subject) if chosen else ():
        for limit in chosen:
            if part.type.casefold() in {name.casefold() for name in limit.types}:
                yield part.place, f"{part.name} ({part.type}) cannot be used: {limit.reason}"


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
    """Find features that SQL Server 2025 deprecates: 32-bit mode, the package store, SqlClient of .NET."""
    if subject.configuration.target != "sqlserver2025":
        return
    for place, manager in subject.managers():
        used = f"{manager.creation_name} {manager.connection_string}"
        if "System.Data.SqlClient" in used:
            yield place, "SQL Server 2025 deprecates System.Data.SqlClient; use Microsoft.Data.SqlClient"
        if "Microsoft.Jet.OLEDB" in used:
            yield place, "the provider Jet exists for 32-bit mode only, which SQL Server 2025 deprecates"
    for one in subject.packages:
        for executable in one.executables if one.package.format_version < 5 else ():
            container = executable.container
            if task_type(container.type) == "ExecutePackageTask":
                message = f"{container.name} may run a package of the package store, whose service is deprecated"
                yield one.place(container, container.path), message


@rule(
    "T103",
    "cannot-run-on-target",
    Severity.ERROR,
    explanation="The target does not run this task, component, connection manager or kind of project.",
    fix="Replace it, or choose another target",
)
def cannot_run(subject: Subject) -> Iterator[Hit]:
    """Find types that the target cannot run, and projects where it runs single packages only."""
    yield from _limited(subject, _CANNOT_RUN)
    target = subject.configuration.target
    extra: dict[str, Callable[[Subject], Iterator[Hit]]] = {"fabric": _fabric, "linux": _linux}
    if target in extra:
        yield from extra[target](subject)


def _fabric(subject: Subject) -> Iterator[Hit]:
    if subject.manifest is not None:
        place = Place(subject.files.part, None, subject.manifest.name)
        yield place, "Fabric runs single packages only, not projects of the project deployment model"
    for place, executable in subject.executables():
        if task_type(executable.container.type) == "ExecutePackageTask":
            yield place, "Fabric runs single packages only, without child packages"


def _linux(subject: Subject) -> Iterator[Hit]:
    for place, _, task in subject.with_data(FileSystemTask):
        if task.operation in ("MoveDirectory", "SetAttributes"):
            yield place, f"SSIS on Linux does not support {task.operation}"
    for place, manager in subject.managers():
        if "integrated security=sspi" in manager.connection_string.lower().replace(" = ", "="):
            yield place, f"{manager.name} uses Windows authentication, which SSIS on Linux does not support"


@rule(
    "T104",
    "format-of-another-version",
    Severity.WARNING,
    explanation="A server does not read formats of a later version, and converts earlier ones in each run.",
    fix="Set TargetServerVersion of the project to the version of the server and save its packages",
)
def version(subject: Subject) -> Iterator[Hit]:
    """Find packages and projects whose format is not that of the target."""
    wanted = _VERSIONS.get(subject.configuration.target or "")
    if wanted is None:
        return
    found = None if subject.manifest is None else subject.manifest.target_server_version
    if found is not None and found > wanted:
        place = Place(subject.files.part)
        yield place, f"the target server version {found} of the project is later than {wanted}"
    for one in subject.packages:
        if one.package.format_version < 8:
            yield (
                one.place(one.package),
                f"the package has format {one.package.format_version}, the target uses format 8",
            )
