"""SSIS projects made by code, for tests of every layer.

Small functions make the pieces, :func:`make_ispac` makes the project file::

    load = package(
        "Load.dtsx",
        task("Truncate"),
        sequence("Copy", data_flow("Orders"), execute_package("Child", "Child.dtsx")),
        constraints=[on_success("Truncate", "Copy")],
        parameters=[parameter("BatchSize", "Int32", 500)],
    )
    ispac = make_ispac("Sales", packages=[load, package("Child.dtsx")], parameters=[parameter("Region", value="north")])

The pieces are the project's own models, so the result of :func:`airflow_provider_ssis.project.ispac.read_ispac` can
be compared with them. Ids are made from names: the same call makes the same bytes.
"""

from __future__ import annotations

import io
import itertools
import uuid
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_ssis.project.models import (
    ConnectionManager,
    ConstraintValue,
    DataFlow,
    DataFlowComponent,
    DataFlowPath,
    EvalOp,
    EventHandler,
    Executable,
    ExecutableKind,
    Package,
    Parameter,
    ParameterValue,
    PrecedenceConstraint,
    Project,
    ProtectionLevel,
)
from tests.support import ssis_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def guid(*names: str) -> str:
    """An id in braces, in upper case, the same for the same names."""
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(names))).upper() + "}"


def parameter(
    name: str,
    data_type: str = "String",
    value: ParameterValue = None,
    *,
    required: bool = False,
    sensitive: bool = False,
    description: str = "",
) -> Parameter:
    """A parameter; ``CM.<connection>.<property>`` makes a connection parameter, which has no id in a real manifest."""
    id_ = "" if name.startswith("CM.") else guid("parameter", name)
    return Parameter(name, data_type, value, required=required, sensitive=sensitive, description=description, id=id_)


def connection(name: str, connection_string: str = "Data Source=.;", creation_name: str = "OLEDB") -> ConnectionManager:
    """A connection manager."""
    return ConnectionManager(name, guid("connection", name), creation_name, connection_string)


def on_success(source: str, target: str, *, logical_and: bool = True, expression: str = "") -> PrecedenceConstraint:
    """The second runs when the first (and, with an expression, that too) succeeded."""
    return constraint(source, target, ConstraintValue.SUCCESS, logical_and=logical_and, expression=expression)


def on_failure(source: str, target: str, *, logical_and: bool = True, expression: str = "") -> PrecedenceConstraint:
    """The second runs when the first failed."""
    return constraint(source, target, ConstraintValue.FAILURE, logical_and=logical_and, expression=expression)


def on_completion(source: str, target: str, *, logical_and: bool = True, expression: str = "") -> PrecedenceConstraint:
    """The second runs when the first ended."""
    return constraint(source, target, ConstraintValue.COMPLETION, logical_and=logical_and, expression=expression)


def constraint(
    source: str,
    target: str,
    value: ConstraintValue,
    *,
    eval_op: EvalOp | None = None,
    logical_and: bool = True,
    expression: str = "",
) -> PrecedenceConstraint:
    """A precedence constraint between two executables of one container, by their names there."""
    if eval_op is None:
        eval_op = EvalOp.EXPRESSION_AND_CONSTRAINT if expression else EvalOp.CONSTRAINT
    return PrecedenceConstraint(source, target, value, eval_op, logical_and, expression)


def executable(
    kind: ExecutableKind,
    name: str,
    type_: str,
    *children: Executable,
    constraints: Iterable[PrecedenceConstraint] = (),
    event_handlers: Iterable[EventHandler] = (),
    data_flow: DataFlow | None = None,
    child_package: str | None = None,
    description: str = "",
    disabled: bool = False,
    max_error_count: int = 1,
    fail_parent_on_failure: bool = False,
    fail_package_on_failure: bool = False,
    force_execution_result: int | None = None,
) -> Executable:
    """An executable whose path is its name until :func:`package` puts it in its place."""
    return Executable(
        name=name,
        path=name,
        id="",
        kind=kind,
        type=type_,
        description=description,
        disabled=disabled,
        children=children,
        constraints=tuple(constraints),
        event_handlers=tuple(event_handlers),
        data_flow=data_flow,
        child_package=child_package,
        max_error_count=max_error_count,
        fail_parent_on_failure=fail_parent_on_failure,
        fail_package_on_failure=fail_package_on_failure,
        force_execution_result=force_execution_result,
    )


def task(
    name: str,
    type_: str = "Microsoft.ExecuteSQLTask",
    *,
    event_handlers: Iterable[EventHandler] = (),
    description: str = "",
    disabled: bool = False,
    max_error_count: int = 1,
    fail_parent_on_failure: bool = False,
    fail_package_on_failure: bool = False,
    force_execution_result: int | None = None,
) -> Executable:
    """A task; by default an Execute SQL task."""
    return executable(
        ExecutableKind.TASK,
        name,
        type_,
        event_handlers=event_handlers,
        description=description,
        disabled=disabled,
        max_error_count=max_error_count,
        fail_parent_on_failure=fail_parent_on_failure,
        fail_package_on_failure=fail_package_on_failure,
        force_execution_result=force_execution_result,
    )


def execute_package(name: str, child_package: str, *, disabled: bool = False) -> Executable:
    """An Execute Package task into a package of the same project."""
    return executable(
        ExecutableKind.TASK, name, "Microsoft.ExecutePackageTask", child_package=child_package, disabled=disabled
    )


def data_flow(
    name: str,
    components: Sequence[str] = ("Source", "Destination"),
    *,
    event_handlers: Iterable[EventHandler] = (),
    disabled: bool = False,
) -> Executable:
    """A Data Flow task: a source, any transformations, and a destination, in a row."""
    classes = ["Microsoft.OLEDBSource"] + ["Microsoft.DerivedColumn"] * (len(components) - 2)
    classes += ["Microsoft.OLEDBDestination"] if len(components) > 1 else []
    flow = DataFlow(
        components=tuple(DataFlowComponent(*pair) for pair in zip(components, classes, strict=True)),
        paths=tuple(
            DataFlowPath(f"{source} Output", f"Paths[{source}.{source} Output]", source, destination)
            for source, destination in itertools.pairwise(components)
        ),
    )
    return executable(
        ExecutableKind.TASK,
        name,
        "Microsoft.Pipeline",
        data_flow=flow,
        event_handlers=event_handlers,
        disabled=disabled,
    )


def sequence(
    name: str,
    *children: Executable,
    constraints: Iterable[PrecedenceConstraint] = (),
    event_handlers: Iterable[EventHandler] = (),
    disabled: bool = False,
    max_error_count: int = 1,
) -> Executable:
    """A sequence container."""
    return executable(
        ExecutableKind.SEQUENCE,
        name,
        "STOCK:SEQUENCE",
        *children,
        constraints=constraints,
        event_handlers=event_handlers,
        disabled=disabled,
        max_error_count=max_error_count,
    )


def for_loop(
    name: str, *children: Executable, constraints: Iterable[PrecedenceConstraint] = (), disabled: bool = False
) -> Executable:
    """A For Loop container."""
    return executable(
        ExecutableKind.FOR_LOOP, name, "STOCK:FORLOOP", *children, constraints=constraints, disabled=disabled
    )


def foreach_loop(
    name: str, *children: Executable, constraints: Iterable[PrecedenceConstraint] = (), disabled: bool = False
) -> Executable:
    """A Foreach Loop container."""
    return executable(
        ExecutableKind.FOREACH_LOOP, name, "STOCK:FOREACHLOOP", *children, constraints=constraints, disabled=disabled
    )


def event_handler(
    event: str, *children: Executable, constraints: Iterable[PrecedenceConstraint] = (), disabled: bool = False
) -> EventHandler:
    """The handler of an event: ``OnError``, ``OnPreExecute``, ..."""
    return EventHandler(event, path="", disabled=disabled, children=children, constraints=tuple(constraints))


def package(
    name: str,
    *children: Executable,
    constraints: Iterable[PrecedenceConstraint] = (),
    event_handlers: Iterable[EventHandler] = (),
    parameters: Iterable[Parameter] = (),
    connection_managers: Iterable[ConnectionManager] = (),
    entry_point: bool = True,
    format_version: int = 8,
    description: str = "",
    max_error_count: int = 1,
    variables: Iterable[str] = (),
) -> Package:
    """A package of a project; the name ends in ``.dtsx``."""
    root = executable(
        ExecutableKind.PACKAGE,
        name.removesuffix(".dtsx"),
        "Microsoft.Package",
        *children,
        constraints=constraints,
        event_handlers=event_handlers,
        description=description,
        max_error_count=max_error_count,
    )
    root = replace(root, variables=tuple(variables))
    return Package(
        name=name,
        id=guid(name, "\\Package"),
        entry_point=entry_point,
        description=description,
        version_guid=guid(name, "version"),
        format_version=format_version,
        parameters=tuple(parameters),
        connection_managers=tuple(connection_managers),
        control_flow=_placed(root, "\\Package", name),
    )


def _placed(executable: Executable, path: str, package_name: str) -> Executable:
    """The executable with the paths and ids that its place in the package gives it and all inside it."""
    flow = executable.data_flow
    if flow is not None:
        components = tuple(replace(component, ref_id=f"{path[1:]}\\{component.name}") for component in flow.components)
        flow = replace(flow, components=components)
    return replace(
        executable,
        path=path,
        id=guid(package_name, path),
        children=tuple(_placed(child, f"{path}\\{child.name}", package_name) for child in executable.children),
        constraints=_placed_constraints(executable.constraints, path),
        event_handlers=tuple(_placed_handler(handler, path, package_name) for handler in executable.event_handlers),
        data_flow=flow,
    )


def _placed_handler(handler: EventHandler, owner: str, package_name: str) -> EventHandler:
    path = f"{owner}.EventHandlers[{handler.event}]"
    return replace(
        handler,
        path=path,
        id=guid(package_name, path),
        children=tuple(_placed(child, f"{path}\\{child.name}", package_name) for child in handler.children),
        constraints=_placed_constraints(handler.constraints, path),
    )


def _placed_constraints(constraints: Iterable[PrecedenceConstraint], path: str) -> tuple[PrecedenceConstraint, ...]:
    return tuple(
        replace(constraint, source=f"{path}\\{constraint.source}", target=f"{path}\\{constraint.target}")
        for constraint in constraints
    )


def make_project(
    name: str,
    packages: Iterable[Package] = (),
    parameters: Iterable[Parameter] = (),
    connection_managers: Iterable[ConnectionManager] = (),
    *,
    description: str = "",
    protection_level: ProtectionLevel = ProtectionLevel.DONT_SAVE_SENSITIVE,
) -> Project:
    """A project, as :func:`write_ispac` and :func:`write_project_folder` take it.

    :param packages: one package ``Package.dtsx`` with one task when there is none.
    """
    packages = tuple(packages) or (package("Package.dtsx", task("Task")),)
    return Project(
        name=name,
        id=guid("project", name).lower(),
        description=description,
        protection_level=protection_level,
        parameters=tuple(parameters),
        connection_managers=tuple(connection_managers),
        packages=tuple(replace(package, protection_level=protection_level) for package in packages),
    )


def make_ispac(
    name: str,
    packages: Iterable[Package] = (),
    parameters: Iterable[Parameter] = (),
    connection_managers: Iterable[ConnectionManager] = (),
    *,
    description: str = "",
) -> bytes:
    """The bytes of a project file; see the module's description."""
    return write_ispac(make_project(name, packages, parameters, connection_managers, description=description))


def ispac_parts(project: Project) -> dict[str, bytes]:
    """The parts of the project's file by their plain names."""
    parts = {package.name: ssis_xml.dtsx(package) for package in project.packages}
    parts |= {f"{manager.name}.conmgr": ssis_xml.conmgr(manager) for manager in project.connection_managers}
    parts["Project.params"] = ssis_xml.params(project)
    parts["@Project.manifest"] = ssis_xml.manifest(project)
    parts["[Content_Types].xml"] = ssis_xml.content_types(bool(project.connection_managers))
    return parts


def write_ispac(project: Project) -> bytes:
    """The bytes of the project's file."""
    return zip_of(ispac_parts(project))


def zip_of(parts: Mapping[str, bytes]) -> bytes:
    """A zip of the parts, names percent-escaped as in an .ispac."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            info = zipfile.ZipInfo(quote(name, safe="@[]!$&'()+,;=~"))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def write_project_folder(folder: Path, project: Project, *, configurations: str = "") -> Path:
    """Write the project as Visual Studio keeps it: a .dtproj next to its files.

    :param configurations: XML of further ``<Configuration>`` elements.
    :returns: the .dtproj.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = ispac_parts(project)
    manifest = parts.pop("@Project.manifest")
    del parts["[Content_Types].xml"]
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    path = folder / f"{project.name}.dtproj"
    path.write_bytes(ssis_xml.dtproj(manifest, configurations))
    return path


SALES = make_project(
    "Sales",
    [
        package("Load Sales.dtsx", task("Task"), parameters=[parameter("BatchSize", "Int32", 500)]),
        package("Child.dtsx"),
    ],
    [
        parameter("Region", value="north"),
        parameter("Key", value=None, sensitive=True),
        parameter("CM.Mart.Password", sensitive=True),
    ],
    [connection("Mart", "Data Source=mart;")],
)
"""A project with two packages, parameters and a connection manager."""


def configuration(name: str, *settings: tuple[str, str, str | None]) -> str:
    """XML of a configuration of a .dtproj.

    :param settings: the id, the qualified name and the value of each parameter.
    """
    rows = "".join(
        f"<ConfigurationSetting><Id>{id_}</Id><Name>{qualified}</Name>"
        + (f"<Value>{value}</Value>" if value is not None else "")
        + "</ConfigurationSetting>"
        for id_, qualified, value in (("LastModifiedTime", "LastModifiedTime", "2024-01-01T00:00:00Z"), *settings)
    )
    return (
        f"<Configuration><Name>{name}</Name><Options><ParameterConfigurationValues>{rows}"
        "</ParameterConfigurationValues></Options></Configuration>"
    )
