"""The rules about expressions: names, types and syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from airflow_provider_ssis.datatypes import COLUMN_TYPES, DATES, NUMBERS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import Column, ExpressionError, Scope, Variable, compile_expression
from airflow_provider_ssis.expressions.compiled import compile_assignment
from airflow_provider_ssis.expressions.values import type_code
from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Place, Severity
from airflow_provider_ssis.lint.flow import Flow
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Owner, Subject
from airflow_provider_ssis.project.models import EvalOp
from airflow_provider_ssis.project.package.data_flow import Component, ComponentProperty, OutputColumn
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExpressionTask
from airflow_provider_ssis.project.type_names import component_class

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.variables import DtsVariable

_WITH_EXPRESSIONS = ("DerivedColumn", "ConditionalSplit")
_ANY_LENGTH = 1
_A = {"text": "text", "number": "a number", "Boolean": "a Boolean", "date": "a date"}
_KINDS_OF_PROPERTIES = {
    name: kind
    for kind, names in {
        "text": "connectionstring servername initialcatalog username password description name sqlstatementsource "
        "executable arguments workingdirectory subject toline fromline ccline bccline messagesource directory filespec "
        "remotepath localpath",
        "Boolean": "disable delayvalidation failpackageonfailure failparentonfailure disableeventhandlers "
        "retainsameconnection",
        "number": "maximumerrorcount maxconcurrentexecutables localeid loggingmode transactionoption isolationlevel",
    }.items()
    for name in names.split()
}
"""The kinds of the properties that property expressions set most, in lower case."""
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


@dataclass(frozen=True)
class _Text:
    """An expression.

    :param is_assignment: whether it is an assignment. Default: False.
    :param is_condition: whether its value must be Boolean. Default: False.
    :param target: the type of the column that gets its value. Default: None.
    :param kind: the kind of value that gets it, of a variable or property: ``text``, ``number``, ``Boolean``, ``date``.
        Default: None, any.
    """

    text: str
    is_assignment: bool = False
    is_condition: bool = False
    target: ColumnType | None = None
    kind: str | None = None


@dataclass(frozen=True)
class _Found:
    """An expression with its place, and what it can use."""

    place: Place
    text: _Text
    scope: Scope


@rule(
    "E101",
    "invalid-expression",
    Severity.ERROR,
    explanation=(
        "An expression with a syntax error, an unknown name or incompatible types fails when it is "
        "evaluated: at validation or during a run."
    ),
    fix="Correct the expression, and test it with `airflow-ssis eval`",
)
def invalid(subject: Subject) -> Iterator[Hit]:
    """Compile each expression of each package, and compare its type with what it is for."""
    for found, names in _all(subject):
        yield from _problem(found, names)


@rule(
    "E102",
    "expression-of-another-kind",
    Severity.WARNING,
    explanation=(
        "Variables keep their type during a run, and the designer rejects a number for a text property. So "
        "an expression with a value of another kind may fail."
    ),
    fix="Cast the value, for instance with (DT_WSTR,20), or change the type of the variable",
)
def of_another_kind(subject: Subject) -> Iterator[Hit]:
    """Find expressions of variables and properties whose value is of another kind: text, number, Boolean or date."""
    for found, names in _all(subject):
        if found.text.kind is None or _is_unknown(found, names):
            continue
        try:
            kind = _kind(compile_expression(found.text.text, found.scope).type.code)
        except ExpressionError:
            continue  # E101 reports it
        if kind is not None and kind != found.text.kind:
            yield found.place, f"the value is {_A[kind]}, not {_A[found.text.kind]}: {found.text.text[:200]}"


def _all(subject: Subject) -> Iterator[tuple[_Found, _Names]]:
    """Yield the expressions of all packages and of the connection managers of the project."""
    project = {f"$Project::{one.name}": _variable(one.data_type) for one in subject.project_parameters}
    system = {f"System::{name}": _variable(type_) for type_, names in _SYSTEM.items() for name in names.split()}
    names = _Names(project if subject.files.is_project else None, system)
    for one in subject.packages:
        for found in _expressions(one, names):
            yield found, names
    for file, manager in subject.project_managers:
        for name, text in manager.expressions.items():
            place = Place(file, manager.element.sourceline, f"{manager.name}.{name}")
            yield _Found(place, _property(name, text), Scope({**system, **project})), names


def _is_unknown(found: _Found, names: _Names) -> bool:
    """Return True if an expression uses names that the check cannot know."""
    text = found.text.text
    if names.project is None and "$Project::" in text:
        return True  # a package alone does not show the parameters of its project
    return any(name not in names.system for name in _SYSTEM_NAME.findall(text))  # a variable of a later version


def _property(name: str, text: str) -> _Text:
    return _Text(text, kind=_KINDS_OF_PROPERTIES.get(name.lower()))


def _kind(code: DataTypeCode) -> str | None:
    kinds = {"text": STRINGS, "number": NUMBERS, "Boolean": {DataTypeCode.DT_BOOL}, "date": DATES}
    return next((kind for kind, codes in kinds.items() if code in codes), None)


def _problem(found: _Found, names: _Names) -> Iterator[Hit]:
    text = found.text.text
    if _is_unknown(found, names):
        return
    try:
        if found.text.is_assignment:
            compile_assignment(text, found.scope)
            return
        compiled = compile_expression(text, found.scope, target=found.text.target)
    except ExpressionError as error:
        yield found.place, f"{error}: {text[:200]}"
        return
    if found.text.is_condition and compiled.type.code is not DataTypeCode.DT_BOOL:
        yield found.place, f"a condition must be DT_BOOL, not {compiled.type.code.name}: {text[:200]}"


def _expressions(one: CheckedPackage, names: _Names) -> Iterator[_Found]:
    """Yield the expressions of a package."""
    root = one.package.container
    whole = Scope(names.visible(one, root.variables))
    for manager in one.package.connection_managers:
        for name, text in manager.expressions.items():
            place = one.place(manager, f"{root.path}.Connections[{manager.name}].{name}")
            yield _Found(place, _property(name, text), whole)
    for provider in one.package.log_providers:
        for name, text in provider.expressions.items():
            place = one.place(provider, f"{root.path}.LogProviders[{provider.name}].{name}")
            yield _Found(place, _Text(text), whole)
    for owner, variables in one.scopes:
        scope = Scope(names.visible(one, variables))
        for place, owned in _of_owner(one, owner):
            yield _Found(place, owned, scope)
    for executable in one.executables:
        if of_data := tuple(_of_data(executable)):
            scope = Scope(names.visible(one, executable.variables))
            for path, data_text in of_data:
                yield _Found(one.place(executable.container, path), data_text, scope)
    for flow in one.flows:
        visible = names.visible(one, flow.executable.variables)
        for component in flow.pipeline.components:
            if of_component := tuple(_of_component(flow, component)):
                scope = Scope(visible, _columns(flow, component))
                for formula in of_component:
                    yield _Found(flow.place(component), formula, scope)


def _of_owner(one: CheckedPackage, owner: Owner) -> Iterator[tuple[Place, _Text]]:
    for name, text in owner.expressions.items():
        yield one.place(owner, f"{owner.path}.{name}"), _property(name, text)
    for variable in owner.variables:
        if variable.evaluate_as_expression and variable.expression:
            path = f"{owner.path}.Variables[{variable.qualified_name}]"
            type_ = None if variable.data_type == "Char" else _variable(variable.data_type).type
            kind = None if type_ is None else _kind(type_.code)
            yield one.place(variable, path), _Text(variable.expression, kind=kind)
    for constraint in owner.constraints:
        if constraint.eval_op is not EvalOp.CONSTRAINT and constraint.expression:
            place = one.place(constraint, f"{owner.path}.{constraint.name}")
            yield place, _Text(constraint.expression, is_condition=True)


def _of_data(executable: Executable) -> Iterator[tuple[str, _Text]]:
    """Yield the path and the text of the expressions of a loop or Expression task."""
    data, container = executable.data, executable.container
    if isinstance(data, ForLoop):
        for name, text in (("InitExpression", data.init_expression), ("AssignExpression", data.assign_expression)):
            if text:
                yield f"{container.path}.{name}", _Text(text, is_assignment="=" in _outside_texts(text))
        if data.eval_expression:
            yield f"{container.path}.EvalExpression", _Text(data.eval_expression, is_condition=True)
    elif isinstance(data, ForeachLoop):
        for name, text in data.expressions.items():
            yield f"{container.path}.ForEachEnumerator.{name}", _Text(text)
    elif isinstance(data, ExpressionTask) and data.expression and "Expression" not in container.expressions:
        is_assignment = "=" in _outside_texts(data.expression)
        yield container.path, _Text(data.expression, is_assignment=is_assignment)


def _outside_texts(text: str) -> str:
    """Return an expression without string literals and comparisons, to see whether it is an assignment."""
    return re.sub(r'"(?:\\.|[^"\\])*"|[=!<>]=', "", text)


def _of_component(flow: Flow, component: Component) -> Iterator[_Text]:
    if component_class(component) not in _WITH_EXPRESSIONS:
        return
    for output in component.outputs:
        if condition := _expression(output.properties):
            yield _Text(condition, is_condition=True)
        for new in output.columns:
            if formula := _expression(new.properties):
                yield _Text(formula, target=_column_type(new))
    for one in component.inputs:
        for replaced in one.columns:
            if formula := _expression(replaced.properties):
                found = flow.columns.get(replaced.lineage_id)
                yield _Text(formula, target=None if found is None else _column_type(found[2]))


def _expression(properties: Mapping[str, ComponentProperty]) -> str:
    found = properties.get("Expression")
    return "" if found is None else found.text


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
