"""The rule about expressions: names, types and syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from airflow_provider_ssis.datatypes import COLUMN_TYPES, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import Column, ExpressionError, Scope, Variable, compile_expression
from airflow_provider_ssis.expressions.compiled import compile_assignment
from airflow_provider_ssis.expressions.values import type_code
from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.flow import Flow
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Owner, Subject
from airflow_provider_ssis.project.models import EvalOp
from airflow_provider_ssis.project.package.data_flow import Component, OutputColumn
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExpressionTask
from airflow_provider_ssis.project.type_names import component_class

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.variables import DtsVariable

_WITH_EXPRESSIONS = ("DerivedColumn", "ConditionalSplit")
_ANY_LENGTH = 1
_SYSTEM_NAME = re.compile(r"System::\w+")
_SYSTEM = {
    "Boolean": "IgnoreConfigurationsOnLoad InteractiveMode OfflineMode Cancel ExecutionStatus Propagate",
    "DateTime": "ContainerStartTime CreationDate StartTime EventHandlerStartTime",
    "Int32": "CancelEvent LocaleID LocaleId VersionBuild VersionMajor VersionMinor TaskTransactionOption ErrorCode "
    "PercentComplete ProgressCountHigh ProgressCountLow TransactionID InformationCode WarningCode",
    "Int64": "ServerExecutionID",
    "String": "CreatorComputerName CreatorName ExecutionInstanceGUID FailedConfigurations MachineName PackageID "
    "PackageName UserName VersionComments VersionGUID CreationName TaskID TaskName ErrorDescription "
    "ProgressDescription SourceDescription SourceID SourceName VariableDescription VariableID VariableName "
    "VariableValue InformationDescription WarningDescription ParentContainerGUID SourceParentGUID "
    "LastModifiedProductVersion",
    "Object": "ExecutionValue",
}


@dataclass(frozen=True)
class _Names:
    """The variables and parameters of a project, as expressions see them.

    :param project: the parameters of the project; None if they are not known.
    """

    project: Mapping[str, Variable] | None
    system: Mapping[str, Variable] = field(default_factory=dict)

    def visible(self, one: CheckedPackage, variables: tuple[DtsVariable, ...]) -> dict[str, Variable]:
        """Return what expressions can use where variables of a package are visible, the nearest first."""
        found = dict(self.system)
        found |= self.project or {}
        for parameter in one.package.parameters:
            found[f"$Package::{parameter.name}"] = _variable(parameter.data_type)
        for variable in reversed(variables):
            found[variable.qualified_name] = _variable(variable.data_type)
        return found


@rule(
    "E101",
    "invalid-expression",
    Severity.ERROR,
    explanation="An expression with a syntax error, an unknown name or types that do not go together fails when it is "
    "evaluated, at validation or in the middle of a run.",
    fix="Correct the expression; `airflow-ssis eval` evaluates it",
)
def invalid(subject: Subject) -> Iterator[Hit]:
    """Compile each expression of each package."""
    project = {f"$Project::{one.name}": _variable(one.data_type) for one in subject.project_parameters}
    system = {f"System::{name}": _variable(type_) for type_, names in _SYSTEM.items() for name in names.split()}
    names = _Names(project if subject.files.is_project else None, system)
    for one in subject.packages:
        for place, text, scope, is_assignment in _expressions(one, names):
            yield from _problem(place, text, scope, is_assignment, names)
    for file, manager in subject.project_managers:
        for name, text in manager.expressions.items():
            place = Place(file, manager.element.sourceline, f"{manager.name}.{name}")
            yield from _problem(place, text, Scope({**system, **project}), False, names)


def _problem(place: Place, text: str, scope: Scope, is_assignment: bool, names: _Names) -> Iterator[Hit]:
    if names.project is None and "$Project::" in text:
        return  # a package alone does not show the parameters of its project
    if any(name not in names.system for name in _SYSTEM_NAME.findall(text)):
        return  # a variable of a later version
    try:
        if is_assignment:
            compile_assignment(text, scope)
        else:
            compile_expression(text, scope)
    except ExpressionError as error:
        yield place, f"{error}: {text[:200]}"


def _expressions(one: CheckedPackage, names: _Names) -> Iterator[tuple[Place, str, Scope, bool]]:
    """Yield the expressions of a package, each with its scope, and whether it is an assignment."""
    root = one.package.container
    whole = Scope(names.visible(one, root.variables))
    for manager in one.package.connection_managers:
        for name, text in manager.expressions.items():
            yield one.place(manager, f"{root.path}.Connections[{manager.name}].{name}"), text, whole, False
    for provider in one.package.log_providers:
        for name, text in provider.expressions.items():
            yield one.place(provider, f"{root.path}.LogProviders[{provider.name}].{name}"), text, whole, False
    for owner, variables in one.scopes:
        scope = Scope(names.visible(one, variables))
        for place, text in _of_owner(one, owner):
            yield place, text, scope, False
    for executable in one.executables:
        if of_data := tuple(_of_data(executable)):
            scope = Scope(names.visible(one, executable.variables))
            for path, text, is_assignment in of_data:
                yield one.place(executable.container, path), text, scope, is_assignment
    for flow in one.flows:
        visible = names.visible(one, flow.executable.variables)
        for component in flow.pipeline.components:
            if of_component := tuple(_of_component(component)):
                scope = Scope(visible, _columns(flow, component))
                for text in of_component:
                    yield flow.place(component), text, scope, False


def _of_owner(one: CheckedPackage, owner: Owner) -> Iterator[tuple[Place, str]]:
    for name, text in owner.expressions.items():
        yield one.place(owner, f"{owner.path}.{name}"), text
    for variable in owner.variables:
        if variable.evaluate_as_expression and variable.expression:
            path = f"{owner.path}.Variables[{variable.qualified_name}]"
            yield one.place(variable, path), variable.expression
    for constraint in owner.constraints:
        if constraint.eval_op is not EvalOp.CONSTRAINT and constraint.expression:
            yield one.place(constraint, f"{owner.path}.{constraint.name}"), constraint.expression


def _of_data(executable: Executable) -> Iterator[tuple[str, str, bool]]:
    """Yield the path, the text, and whether it is an assignment, of the expressions of a loop or Expression task."""
    data, container = executable.data, executable.container
    if isinstance(data, ForLoop):
        for name, text in (("InitExpression", data.init_expression), ("AssignExpression", data.assign_expression)):
            if text:
                yield f"{container.path}.{name}", text, "=" in text
        if data.eval_expression:
            yield f"{container.path}.EvalExpression", data.eval_expression, False
    elif isinstance(data, ForeachLoop):
        for name, text in data.expressions.items():
            yield f"{container.path}.ForEachEnumerator.{name}", text, False
    elif isinstance(data, ExpressionTask) and data.expression and "Expression" not in container.expressions:
        yield container.path, data.expression, "=" in _outside_texts(data.expression)


def _outside_texts(text: str) -> str:
    """Return an expression without string literals and comparisons, to see whether it is an assignment."""
    return re.sub(r'"(?:\\.|[^"\\])*"|[=!<>]=', "", text)


def _of_component(component: Component) -> Iterator[str]:
    if component_class(component) not in _WITH_EXPRESSIONS:
        return
    owned = [column.properties for end in component.ends for column in end.columns]
    for properties in (*(output.properties for output in component.outputs), *owned):
        expression = properties.get("Expression")
        if expression is not None and expression.text:
            yield expression.text


def _columns(flow: Flow, component: Component) -> list[Column]:
    """Return the columns that a component's expressions can use: those of its input."""
    found = []
    for one in component.inputs:
        for used in one.columns:
            if used.lineage_id in flow.columns:
                source, _, column = flow.columns[used.lineage_id]
                lineage = (f"#{used.lineage_id}", f"#{{{used.lineage_id}}}")
                found.append(Column(used.name or column.name, _column_type(column), source.name, lineage))
    return found


def _column_type(column: OutputColumn) -> ColumnType:
    type_ = column.data_type
    code = COLUMN_TYPES.get(type_.name)
    if code is None:
        number = int(type_.name) if type_.name.isdecimal() else -1
        code = DataTypeCode(number) if number in list(DataTypeCode) else DataTypeCode.DT_WSTR
    length = type_.length if code in STRINGS or code is DataTypeCode.DT_BYTES else 0
    return ColumnType(code, length, type_.precision, type_.scale, type_.code_page)


@cache
def _variable(type_name: str) -> Variable:
    try:
        code = type_code(type_name)
    except ValueError:
        code = None
    if code is None:
        return Variable(None, None)
    if code in STRINGS:
        return Variable(ColumnType(DataTypeCode.DT_WSTR, length=_ANY_LENGTH), None)
    if code is DataTypeCode.DT_NUMERIC:
        return Variable(ColumnType(code, precision=38), None)
    return Variable(ColumnType(code), None)
