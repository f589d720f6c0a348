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
from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Executable, Subject
from airflow_provider_ssis.project.models import EvalOp
from airflow_provider_ssis.project.package.data_flow import Component, OutputColumn, Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExpressionTask
from airflow_provider_ssis.project.type_names import component_class

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.elements import DtsElement

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

    def scope(self, one: CheckedPackage, executable: Executable | None) -> dict[str, Variable]:
        found = dict(self.system)
        found |= self.project or {}
        for parameter in one.package.parameters:
            found[f"$Package::{parameter.name}"] = _variable(parameter.data_type)
        variables = one.executables[0].variables if executable is None else executable.variables
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
    package = one.package

    def found(
        element: DtsElement, path: str, text: str, scope: Scope, is_assignment: bool = False
    ) -> tuple[Place, str, Scope, bool]:
        return one.place(element, path), text, scope, is_assignment

    whole = Scope(names.scope(one, None))
    for manager in package.connection_managers:
        for name, text in manager.expressions.items():
            yield found(manager, f"{package.container.path}.Connections[{manager.name}].{name}", text, whole)
    for provider in package.log_providers:
        for name, text in provider.expressions.items():
            yield found(provider, f"{package.container.path}.LogProviders[{provider.name}].{name}", text, whole)
    for executable in one.executables:
        container = executable.container
        scope = Scope(names.scope(one, executable))
        for name, text in container.expressions.items():
            yield found(container, f"{container.path}.{name}", text, scope)
        for variable in container.variables:
            if variable.evaluate_as_expression and variable.expression:
                yield found(
                    variable, f"{container.path}.Variables[{variable.qualified_name}]", variable.expression, scope
                )
        for constraint in container.constraints:
            if constraint.eval_op is not EvalOp.CONSTRAINT and constraint.expression:
                yield found(constraint, f"{container.path}.{constraint.name}", constraint.expression, scope)
        data = executable.data
        if isinstance(data, ForLoop):
            for name, text in (("InitExpression", data.init_expression), ("AssignExpression", data.assign_expression)):
                if text:
                    yield found(container, f"{container.path}.{name}", text, scope, "=" in text)
            if data.eval_expression:
                yield found(container, f"{container.path}.EvalExpression", data.eval_expression, scope)
        elif isinstance(data, ForeachLoop):
            for name, text in data.expressions.items():
                yield found(container, f"{container.path}.ForEachEnumerator.{name}", text, scope)
        elif isinstance(data, ExpressionTask) and data.expression and "Expression" not in container.expressions:
            yield found(container, container.path, data.expression, scope, "=" in _outside_texts(data.expression))
        elif isinstance(data, Pipeline):
            for component, text in _of_components(data):
                columns = _columns(data, component)
                path = f"{container.path}\\{component.name}"
                yield found(component, path, text, Scope(scope.variables, columns))
    for owner, handler in one.handlers:
        for constraint in handler.constraints:
            if constraint.eval_op is not EvalOp.CONSTRAINT and constraint.expression:
                inner = next((each for each in one.executables if each.container in handler.children), None)
                yield found(
                    constraint,
                    f"{handler.path}.{constraint.name}",
                    constraint.expression,
                    Scope(names.scope(one, inner)),
                )
        _ = owner


def _outside_texts(text: str) -> str:
    """Return an expression without string literals and comparisons, to see whether it is an assignment."""
    return re.sub(r'"(?:\\.|[^"\\])*"|[=!<>]=', "", text)


def _of_components(pipeline: Pipeline) -> Iterator[tuple[Component, str]]:
    for component in pipeline.components:
        if component_class(component) not in _WITH_EXPRESSIONS:
            continue
        owned = [column.properties for end in component.ends for column in end.columns]
        for properties in (*(output.properties for output in component.outputs), *owned):
            expression = properties.get("Expression")
            if expression is not None and expression.text:
                yield component, expression.text


def _columns(pipeline: Pipeline, component: Component) -> list[Column]:
    """Return the columns that a component's expressions can use: those of its input."""
    produced: dict[str, tuple[Component, OutputColumn]] = {
        column.lineage_id or column.key: (owner, column)
        for owner in pipeline.components
        for output in owner.outputs
        for column in output.columns
    }
    found = []
    for one in component.inputs:
        for used in one.columns:
            owner = produced.get(used.lineage_id)
            if owner is None:
                continue
            source, column = owner
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
