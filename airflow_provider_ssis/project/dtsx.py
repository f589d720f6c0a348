"""Read packages (.dtsx): the control flow as a tree of executables.

Package formats 2 (SQL Server 2005), 3 (2008), 5 (a preview of 2012), 6 (2012, 2014) and 8 (2016 and later). Source:
[MS-DTSX] and [MS-DTSX2]; format 5 has the structure of format 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dataflow import read_data_flow
from airflow_provider_ssis.project.dts import dts_flag, dts_number, dts_text, members, read_connection_manager
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest import protection_level
from airflow_provider_ssis.project.models import (
    ConnectionManager,
    ConstraintValue,
    EvalOp,
    EventHandler,
    Executable,
    ExecutableKind,
    PrecedenceConstraint,
    ProtectionLevel,
)
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

FORMAT_VERSIONS = (2, 3, 5, 6, 8)

_CONTAINERS = {
    "STOCK:SEQUENCE": ExecutableKind.SEQUENCE,
    "STOCK:FORLOOP": ExecutableKind.FOR_LOOP,
    "STOCK:FOREACHLOOP": ExecutableKind.FOREACH_LOOP,
}
_SAVE_AGAIN = "Open the package in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """The content of a .dtsx file.

    :param format_version: one of :data:`FORMAT_VERSIONS`; None if the file is encrypted as a whole.
    :param protection_level: None if the file is encrypted as a whole.
    :param control_flow: the package as the root executable; None if the file is encrypted as a whole.
    :param connection_managers: the connection managers of the package, without those of its project.
    :param parameters: the names of the parameters, without connection parameters.
    :param note: why there is no control flow. Default: empty.
    """

    format_version: int | None
    protection_level: ProtectionLevel | None
    control_flow: Executable | None
    connection_managers: tuple[ConnectionManager, ...] = ()
    parameters: tuple[str, ...] = ()
    note: str = ""


def read_package(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> PackageFile:
    """Read a .dtsx file.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not a package, has an unknown format, or has an invalid control flow: two
        executables with one path, a precedence constraint without an executable at one end, or a cycle of precedence
        constraints.
    :raises LimitExceededError: it exceeds a limit.
    """
    root = parse_xml(data, part, limits=limits)
    if root.tag == f"{XML_ENCRYPTION}EncryptedData":
        return PackageFile(
            format_version=None,
            protection_level=None,
            control_flow=None,
            note=f"{part} is encrypted as a whole; its control flow cannot be read without its key",
        )
    if root.tag != f"{DTS}Executable":
        raise InvalidPartError(f"is not an SSIS package: its root element is {root.tag!r}", part=part)
    level = dts_number(root, "ProtectionLevel", ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY, part)
    return PackageFile(
        format_version=_format_version(root, part),
        protection_level=protection_level(level, part, root.sourceline),
        control_flow=_Reader(part).package(root),
        connection_managers=tuple(
            read_connection_manager(element, part)
            for element in members(root, "ConnectionManagers", "ConnectionManager")
        ),
        parameters=tuple(
            dts_text(element, "ObjectName") for element in members(root, "PackageParameters", "PackageParameter")
        ),
    )


def _format_version(root: _Element, part: str) -> int:
    version = dts_number(root, "PackageFormatVersion", 0, part)
    if version not in FORMAT_VERSIONS:
        known = ", ".join(map(str, FORMAT_VERSIONS))
        raise InvalidPartError(
            f"has the unknown package format {version} (known formats: {known})"
            if version
            else "has no package format (PackageFormatVersion)",
            part=part,
            advice=_SAVE_AGAIN,
        )
    return version


@dataclass(frozen=True, slots=True)
class _Reader:
    """Read the executables of one package."""

    part: str

    def package(self, root: _Element) -> Executable:
        return self._executable(root, "\\Package", ExecutableKind.PACKAGE)

    def _executable(self, element: _Element, path: str, kind: ExecutableKind) -> Executable:
        type_ = element.get(f"{DTS}ExecutableType", "")
        children, constraints = self._control_flow(element, path)
        handlers = tuple(
            self._event_handler(handler, path) for handler in members(element, "EventHandlers", "EventHandler")
        )
        if dts_flag(element, "DisableEventHandlers"):
            handlers = tuple(replace(handler, disabled=True) for handler in handlers)
        forced = self._number(element, "ForceExecutionResult", -1)
        pipeline = element.find(f"{DTS}ObjectData/pipeline")
        return Executable(
            name=dts_text(element, "ObjectName"),
            path=path,
            id=dts_text(element, "DTSID").upper(),
            kind=kind,
            type=type_,
            description=dts_text(element, "Description"),
            disabled=dts_flag(element, "Disabled"),
            children=children,
            constraints=constraints,
            event_handlers=handlers,
            data_flow=None if pipeline is None else read_data_flow(pipeline, self.part),
            child_package=_child_package(element),
            max_error_count=self._number(element, "MaxErrorCount", 1),
            fail_parent_on_failure=dts_flag(element, "FailParentOnFailure"),
            fail_package_on_failure=dts_flag(element, "FailPackageOnFailure"),
            force_execution_result=None if forced < 0 else forced,
            variables=_variables(element),
            log_providers=tuple(
                dts_text(provider, "ObjectName") for provider in members(element, "LogProviders", "LogProvider")
            ),
        )

    def _event_handler(self, element: _Element, owner: str) -> EventHandler:
        event = dts_text(element, "EventName") or dts_text(element, "CreationName")
        path = f"{owner}.EventHandlers[{event}]"
        children, constraints = self._control_flow(element, path)
        return EventHandler(
            event=event,
            path=path,
            id=dts_text(element, "DTSID").upper(),
            disabled=dts_flag(element, "Disabled"),
            children=children,
            constraints=constraints,
            propagate=_propagates(element),
            variables=_variables(element),
        )

    def _control_flow(
        self, element: _Element, path: str
    ) -> tuple[tuple[Executable, ...], tuple[PrecedenceConstraint, ...]]:
        """Return the executables of an executable or event handler, and their precedence constraints."""
        children: dict[str, Executable] = {}
        paths: dict[str, str] = {}
        for child in members(element, "Executables", "Executable"):
            name = dts_text(child, "ObjectName")
            if not name:
                raise self._error("contains an executable without a name", child)
            child_path = f"{path}\\{name}"
            if child_path in children:
                raise self._error(f"contains two executables with the path {child_path}", child)
            kind = _CONTAINERS.get(child.get(f"{DTS}ExecutableType", "").upper(), ExecutableKind.TASK)
            children[child_path] = self._executable(child, child_path, kind)
            # Precedence constraints refer to executables by refId since SQL Server 2012, and by DTSID before.
            paths[child.get(f"{DTS}refId", child_path[1:])] = child_path
            paths[dts_text(child, "DTSID")] = child_path
        constraints = tuple(
            self._constraint(one, paths) for one in members(element, "PrecedenceConstraints", "PrecedenceConstraint")
        )
        self._check_order(constraints, element)
        return tuple(children.values()), constraints

    def _constraint(self, element: _Element, paths: dict[str, str]) -> PrecedenceConstraint:
        value = self._number(element, "Value", ConstraintValue.SUCCESS)
        eval_op = self._number(element, "EvalOp", EvalOp.CONSTRAINT)
        if value not in list(ConstraintValue) or eval_op not in list(EvalOp):
            raise self._error(
                f"contains a precedence constraint with the unknown Value {value} or EvalOp {eval_op}", element
            )
        ends = {end.get(f"{DTS}IsFrom") in ("-1", "True"): end for end in element.iterfind(f"{DTS}Executable")}
        return PrecedenceConstraint(
            source=self._end(element, "From", ends.get(True), paths),
            target=self._end(element, "To", ends.get(False), paths),
            value=ConstraintValue(value),
            eval_op=EvalOp(eval_op),
            logical_and=dts_flag(element, "LogicalAnd"),
            expression=dts_text(element, "Expression"),
        )

    def _end(self, element: _Element, attribute: str, reference: _Element | None, paths: dict[str, str]) -> str:
        name = element.get(DTS + attribute)
        if name is None and reference is not None:
            name = reference.get("IDREF") or reference.get(f"{DTS}IDREF")
        if name is None or name not in paths:
            raise self._error(
                f"contains a precedence constraint {attribute.lower()} {name!r}, which is not in the same container",
                element,
            )
        return paths[name]

    def _check_order(self, constraints: Iterable[PrecedenceConstraint], element: _Element) -> None:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for constraint in constraints:
            sorter.add(constraint.target, constraint.source)
        try:
            sorter.prepare()
        except CycleError as error:
            circle = ", ".join(error.args[1])
            raise self._error(f"contains precedence constraints that form a cycle: {circle}", element) from None

    def _number(self, element: _Element, name: str, default: int) -> int:
        return dts_number(element, name, default, self.part)

    def _error(self, problem: str, element: _Element) -> InvalidPartError:
        return InvalidPartError(problem, part=self.part, line=element.sourceline, advice=_SAVE_AGAIN)


def _child_package(element: _Element) -> str | None:
    """Return the package of the same project that an Execute Package task runs."""
    task = element.find(f"{DTS}ObjectData/ExecutePackageTask")
    if task is None or (task.findtext("UseProjectReference") or "").strip().lower() != "true":
        return None
    return (task.findtext("PackageName") or "").strip() or None


def _variables(element: _Element) -> tuple[str, ...]:
    """Return the names of the variables that an executable or event handler declares."""
    return tuple(
        f"{dts_text(variable, 'Namespace') or 'User'}::{dts_text(variable, 'ObjectName')}"
        for variable in members(element, "Variables", "Variable")
    )


def _propagates(element: _Element) -> bool:
    for variable in members(element, "Variables", "Variable"):
        if (dts_text(variable, "Namespace"), dts_text(variable, "ObjectName")) == ("System", "Propagate"):
            return (variable.findtext(f"{DTS}VariableValue") or "").strip().lower() not in ("0", "false")
    return True
