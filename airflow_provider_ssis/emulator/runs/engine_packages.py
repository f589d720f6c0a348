"""The packages of a deployed project in the form in which the engine walks over them.

A simulated run needs what decides its course. Property expressions of other properties, connection managers and the
data of tasks are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.emulator.runs.overrides import FOLLOWED
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun, TypedValue
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.control_flow.variables.values import default_of, given_value, stored_value
from airflow_provider_ssis.engine.loading import LoadedProject
from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.models import (
    EventHandler,
    Executable,
    ExecutableKind,
    Package,
    Parameter,
    PrecedenceConstraint,
    ProtectionLevel,
    VariableDefinition,
)
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import (
    SERIALIZABLE,
    ContainerData,
    DtsContainer,
    DtsEventHandler,
    DtsPrecedenceConstraint,
)
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop, ItemEnumerator, VariableMapping

if TYPE_CHECKING:
    from lxml.etree import _Element

LOOPS = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)
_OBJECT = "Object"


def package_run(
    request: RunRequest,
    package: Package,
    root: Executable,
    start: datetime,
    assigned: Mapping[str, Any] | None = None,
) -> PackageRun:
    """Return the run of a package.

    :param request: the execution, whose parameters it has.
    :param package: the package of the execution, or a child package.
    :param root: its control flow, with the property overrides.
    :param start: its start.
    :param assigned: the values of parameters of a child package that its parent sets, by name. Default: None, it is
        the package of the execution.
    """
    run = PackageRun(
        file=package.name,
        package=_package(package, root),
        project=_no_files(),
        parameters=dict(_parameters(request, package, assigned)),
        start=start,
        server_execution_id=request.execution_id,
    )
    for one in _everything(root):
        run.prefill(one.path, _data(one), _variables(one))
    for handler in _handlers(root):
        run.prefill(handler.path, None, _variables(handler))
    return run


def _package(package: Package, root: Executable) -> DtsPackage:
    return DtsPackage(
        _element(),
        package.name,
        format_version=8,
        protection_level=ProtectionLevel.DONT_SAVE_SENSITIVE,
        container=_container(root),
        version_major=package.version_major,
        version_minor=package.version_minor,
        version_build=package.version_build,
        version_guid=package.version_guid,
        version_comments=package.version_comments,
        parameters=(),
        connection_managers=(),
        configurations=(),
        log_providers=(),
        enable_configurations=False,
        max_concurrent_executables=-1,
        save_checkpoints=False,
        checkpoint_usage=0,
        checkpoint_file_name="",
    )


def _container(found: Executable) -> DtsContainer:
    return DtsContainer(
        _element(),
        "",
        name=found.name,
        path=found.path,
        id=found.id,
        ref_id="",
        kind=found.kind,
        type=found.type,
        description=found.description,
        disabled=found.disabled,
        delay_validation=False,
        max_error_count=found.max_error_count,
        fail_package_on_failure=found.fail_package_on_failure,
        fail_parent_on_failure=found.fail_parent_on_failure,
        force_execution_result=found.force_execution_result,
        transaction_option=1,
        isolation_level=SERIALIZABLE,
        locale_id=None,
        disable_event_handlers=False,
        variables=(),
        expressions={name: text for name, text in found.property_expressions if name.lower() in FOLLOWED},
        logging=None,
        event_handlers=tuple(map(_handler, found.event_handlers)),
        children=tuple(map(_container, found.children)),
        constraints=tuple(map(_constraint, found.constraints)),
    )


def _handler(found: EventHandler) -> DtsEventHandler:
    return DtsEventHandler(
        _element(),
        "",
        event=found.event,
        path=found.path,
        id=found.id,
        disabled=found.disabled,
        propagate=found.propagate,
        transaction_option=1,
        isolation_level=SERIALIZABLE,
        variables=(),
        expressions={},
        children=tuple(map(_container, found.children)),
        constraints=tuple(map(_constraint, found.constraints)),
    )


def _constraint(found: PrecedenceConstraint) -> DtsPrecedenceConstraint:
    return DtsPrecedenceConstraint(
        _element(),
        "",
        name="",
        source=found.source,
        target=found.target,
        value=found.value,
        eval_op=found.eval_op,
        logical_and=found.logical_and,
        expression=found.expression,
    )


def _data(found: Executable) -> ContainerData:
    """Return the data of a loop. One whose iterations are not known is a Foreach loop without an enumerator."""
    loop = found.for_expressions
    if loop is not None:
        return ForLoop(_element(), "", loop.init, loop.condition, loop.step)
    if found.kind not in LOOPS:
        return None
    each = found.foreach_items
    mappings = () if each is None else tuple(VariableMapping(name, index) for name, index in each.mappings)
    enumerator = None if each is None else ItemEnumerator(each.items)
    return ForeachLoop(_element(), "", enumerator, "", {}, mappings)


def _variables(found: Executable | EventHandler) -> dict[str, RunVariable]:
    return {one.name: _variable(one, found.path) for one in found.definitions}


def _variable(found: VariableDefinition, owner: str) -> RunVariable:
    try:
        value = stored_value(found.text, found.data_type) if found.text else default_of(found.data_type)
        type_name = found.data_type
    except ValueError:
        value, type_name = None, _OBJECT  # an invalid value: expressions cannot read the variable
    return RunVariable(found.name, owner, type_name, value, found.expression, found.read_only)


def _parameters(
    request: RunRequest, package: Package, assigned: Mapping[str, Any] | None
) -> Iterator[tuple[str, TypedValue]]:
    for scope, kind, parameters in (
        ("$Project", ObjectType.PROJECT, request.project.parameters),
        ("$Package", ObjectType.PACKAGE, package.parameters),
    ):
        for one in parameters:
            if assigned is None or kind is ObjectType.PROJECT:
                given = request.parameters.get((int(kind), one.name))
            else:
                given = assigned.get(one.name)
            yield f"{scope}::{one.name}", _parameter(one, one.value if given is None else given)


def _parameter(found: Parameter, value: Any) -> TypedValue:
    try:
        return found.data_type, default_of(found.data_type) if value is None else given_value(value, found.data_type)
    except ValueError:
        return _OBJECT, None


def _everything(found: Executable) -> Iterator[Executable]:
    yield found
    for handler in found.event_handlers:
        for child in handler.children:
            yield from _everything(child)
    for child in found.children:
        yield from _everything(child)


def _handlers(root: Executable) -> Iterator[EventHandler]:
    for one in _everything(root):
        yield from one.event_handlers


@cache
def _element() -> _Element:
    """Return an element without properties: the models contain what a simulated run reads."""
    return etree.Element(f"{DTS}Executable")


@cache
def _no_files() -> LoadedProject:
    return LoadedProject("", None, None, SsisFiles("", (), _no_file))


def _no_file(name: str) -> bytes:
    raise KeyError(name)
