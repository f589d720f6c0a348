"""Read packages (.dtsx) as plain data: the control flow, connection managers and parameter names.

Package formats 2 (SQL Server 2005), 3 (2008), 5 (a preview of 2012), 6 (2012, 2014) and 8 (2016 and later). Source:
[MS-DTSX] and [MS-DTSX2]; format 5 has the structure of format 6. Everything else in a package:
:mod:`airflow_provider_ssis.project.package`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.dataflow import read_data_flow
from airflow_provider_ssis.project.dts import dts_text
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.models import (
    ConnectionManager,
    EventHandler,
    Executable,
    ExecutableKind,
    ForeachItems,
    ForExpressions,
    PrecedenceConstraint,
    ProtectionLevel,
    VariableDefinition,
)
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.connections import plain_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler, DtsPrecedenceConstraint
from airflow_provider_ssis.project.package.document import dts_package, is_encrypted_package
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop, ItemEnumerator
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask, ExpressionTask
from airflow_provider_ssis.project.package.variables import DtsVariable
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element


@dataclass(frozen=True, slots=True)
class PackageFile:
    """The content of a .dtsx file.

    :param format_version: 2, 3, 5, 6 or 8; None if the file is encrypted as a whole.
    :param protection_level: None if the file is encrypted as a whole.
    :param control_flow: the package as the root executable; None if the file is encrypted as a whole.
    :param connection_managers: the connection managers of the package, without those of its project.
    :param parameters: the names of the parameters, without connection parameters.
    :param note: why there is no control flow. Default: empty.
    :param names_level: the file names its protection level; without it, the level is the default,
        EncryptSensitiveWithUserKey. Default: True.
    """

    format_version: int | None
    protection_level: ProtectionLevel | None
    control_flow: Executable | None
    connection_managers: tuple[ConnectionManager, ...] = ()
    parameters: tuple[str, ...] = ()
    note: str = ""
    names_level: bool = True


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
    return package_file(parse_xml(data, part, limits=limits), part)


def package_file(root: _Element, part: str) -> PackageFile:
    """Return the content of a .dtsx file.

    :param root: its root element.
    :param part: its name, for errors.
    :raises InvalidPartError: as for :func:`read_package`.
    """
    if is_encrypted_package(root):
        return PackageFile(
            format_version=None,
            protection_level=None,
            control_flow=None,
            note=f"{part} is encrypted as a whole; its control flow cannot be read without its key",
        )
    package = dts_package(root, part)
    return PackageFile(
        format_version=package.format_version,
        protection_level=package.protection_level,
        control_flow=replace(
            _executable(package.container), log_providers=tuple(provider.name for provider in package.log_providers)
        ),
        connection_managers=tuple(plain_connection_manager(one) for one in package.connection_managers),
        parameters=tuple(parameter.name for parameter in package.parameters),
        names_level=bool(dts_text(root, "ProtectionLevel")),
    )


def _executable(container: DtsContainer) -> Executable:
    data = _data(container)
    tag = None if data is None else str(data.tag)
    return Executable(
        name=container.name,
        path=container.path,
        id=container.id,
        kind=container.kind,
        type=container.type,
        description=container.description,
        disabled=container.disabled,
        children=tuple(map(_executable, container.children)),
        constraints=tuple(map(_constraint, container.constraints)),
        event_handlers=tuple(
            _event_handler(handler, disabled=handler.disabled or container.disable_event_handlers)
            for handler in container.event_handlers
        ),
        data_flow=read_data_flow(data, container.part) if data is not None and tag == "pipeline" else None,
        **(_child_package(container) if tag == "ExecutePackageTask" else {}),
        max_error_count=container.max_error_count,
        fail_parent_on_failure=container.fail_parent_on_failure,
        fail_package_on_failure=container.fail_package_on_failure,
        force_execution_result=container.force_execution_result,
        variables=tuple([variable.qualified_name for variable in container.variables]),
        definitions=tuple(map(_definition, container.variables)),
        property_expressions=tuple(container.expressions.items()),
        **_behaviour(container, tag),
    )


def _definition(variable: DtsVariable) -> VariableDefinition:
    return VariableDefinition(
        variable.qualified_name,
        variable.data_type,
        variable.text,
        variable.expression if variable.evaluate_as_expression else "",
        variable.read_only,
    )


def _behaviour(container: DtsContainer, tag: str | None) -> dict[str, Any]:
    """Return the expressions and items of a loop, and the assignment of an Expression task."""
    if container.kind is not ExecutableKind.TASK or tag == "ExpressionTask":
        match container.data():
            case ForLoop() as loop if loop.init_expression or loop.eval_expression or loop.assign_expression:
                return {
                    "for_expressions": ForExpressions(
                        loop.init_expression, loop.eval_expression, loop.assign_expression
                    )
                }
            case ForeachLoop(enumerator=ItemEnumerator(items)) as each:
                mappings = tuple((mapping.variable, mapping.index) for mapping in each.mappings)
                return {"foreach_items": ForeachItems(items, mappings)}
            case ExpressionTask() as task:
                return {"assignment": task.expression}
    return {}


def _data(container: DtsContainer) -> _Element | None:
    """Return the element in which a task stores its data."""
    found = next(container.element.iterchildren(f"{DTS}ObjectData"), None)
    return None if found is None or not len(found) else found[0]


def _event_handler(handler: DtsEventHandler, *, disabled: bool) -> EventHandler:
    return EventHandler(
        event=handler.event,
        path=handler.path,
        id=handler.id,
        disabled=disabled,
        children=tuple(map(_executable, handler.children)),
        constraints=tuple(map(_constraint, handler.constraints)),
        propagate=handler.propagate,
        variables=tuple(variable.qualified_name for variable in handler.variables),
        definitions=tuple(map(_definition, handler.variables)),
    )


def _constraint(constraint: DtsPrecedenceConstraint) -> PrecedenceConstraint:
    return PrecedenceConstraint(
        source=constraint.source,
        target=constraint.target,
        value=constraint.value,
        eval_op=constraint.eval_op,
        logical_and=constraint.logical_and,
        expression=constraint.expression,
    )


def _child_package(container: DtsContainer) -> dict[str, Any]:
    """Return the package of the same project that an Execute Package task runs, and its parameters."""
    task = container.data()
    if not isinstance(task, ExecutePackageTask) or not task.use_project_reference or not task.package_name:
        return {}
    assignments = tuple((one.parameter, one.source) for one in task.assignments)
    return {"child_package": task.package_name, "child_assignments": assignments}
