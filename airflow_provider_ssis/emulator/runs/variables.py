"""The variables and parameters of a run, and the expressions that read and change them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.emulator.runs.frames import Frame
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.expressions import (
    MAX_VARIABLE_LENGTH,
    ExpressionCode,
    ExpressionError,
    Scope,
    Settings,
    Variable,
    compile_assignment,
    compile_expression,
)
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.values import from_python, type_code, variable_type
from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE, VARIABLE_TYPES, parse_value
from airflow_provider_ssis.project.models import ExecutableKind, Parameter, VariableDefinition

_DATA_TYPES = {data_type.name: data_type for data_type in VARIABLE_TYPES}
_ENGLISH_US = 1033

Store = dict[str, Variable]
"""The values of the variables that one container declares, by name."""
_Given = tuple[str, Any]
"""The name of a data type, and a value of Python."""


def _variable(type_name: str, value: Any) -> Variable:
    """A variable with a value of Python."""
    try:
        code = type_code(type_name)
        if code is None:
            return Variable(None, None)
        found = from_python("" if value is None and type_name == "String" else value, variable_type(code, None))
    except ValueError:
        return Variable(None, None)
    return Variable(variable_type(code, found), found)


def _stored(definition: VariableDefinition) -> Variable:
    """A variable with the value that the package stores; without a type if the value is not valid."""
    data_type = _DATA_TYPES.get(definition.data_type)
    if data_type is None:
        return Variable(None, None)
    try:
        return _variable(definition.data_type, parse_value(definition.text, data_type))
    except ValueError:
        return Variable(None, None)


class RunVariables:
    """The variables of the packages of a run, which live as long as the run of their package.

    :param request: the run, whose parameters expressions can read.
    :param start: the start of the run.
    """

    def __init__(self, request: RunRequest, start: dt.datetime) -> None:
        self._request = request
        self._start = start
        self._stores: dict[tuple[Frame, str], Store] = {}

    def holds(self, frame: Frame, expression: str, now: dt.datetime) -> bool:
        """Whether a condition is true; NULL is not.

        :param frame: where the condition is evaluated.
        :param now: the time of the run.
        :raises ExpressionError: the expression has no value, or its value is not Boolean.
        """
        compiled = compile_expression(expression, self._scope(frame, now), _settings(now))
        if compiled.type.code.name != "DT_BOOL":
            reason = f"The condition must be DT_BOOL, not {compiled.type.code.name}"
            raise ExpressionError(ExpressionCode.DTS_E_EXPREVALCANNOTCONVERTRESULT, reason, 0, expression)
        return compiled.evaluate() is True

    def value(self, frame: Frame, expression: str, now: dt.datetime) -> Value | None:
        """The value of a property expression.

        :param frame: where the expression is evaluated.
        :param now: the time of the run.
        :raises ExpressionError: it has no value.
        """
        return compile_expression(expression, self._scope(frame, now), _settings(now)).evaluate()

    def assign(self, frame: Frame, assignment: str, now: dt.datetime) -> None:
        """Change a variable by an assignment.

        :param frame: where the assignment is evaluated.
        :param now: the time of the run.
        :raises ExpressionError: it is no assignment, has no value, or its variable is read-only.
        """
        compiled = compile_assignment(assignment, self._scope(frame, now), _settings(now))
        value = compiled.expression.evaluate()
        store, definition = self._owner(frame, compiled.variable)
        if definition.read_only:
            code = ExpressionCode.DTS_E_EXPREVALASSIGNMENTTOREADONLYVARIABLE
            raise ExpressionError(code, f"The variable {compiled.variable!r} is read-only", 0, assignment)
        old = store[compiled.variable]
        type_ = old.type if old.type is None else variable_type(old.type.code, value)
        store[compiled.variable] = Variable(type_, value)

    def set_item(self, frame: Frame, name: str, item: tuple[int, str]) -> None:
        """Set a variable to a value of a Foreach loop; a name that no container declares is passed over.

        :param frame: the loop.
        :param item: the OLE Automation type code and the text of the value.
        """
        known = [definition.name for _, _, definition in self._visible(frame)]
        full = name if "::" in name else f"User::{name}"
        data_type = BY_VARIANT_TYPE.get(item[0])
        if full in known and data_type is not None:
            store, definition = self._owner(frame, full)
            store[full] = _stored(VariableDefinition(full, definition.data_type, item[1]))

    def snapshot(self) -> dict[tuple[Frame, str], Store]:
        """The values of all variables, to compare them later."""
        return {key: dict(store) for key, store in self._stores.items()}

    # --- where variables are

    def _visible(self, frame: Frame) -> Iterator[tuple[Frame, str, VariableDefinition]]:
        """The variables that a frame sees, from the inside out: package, path of the container, definition."""
        package = next(each for each in frame.outwards() if each.executable.kind is ExecutableKind.PACKAGE)
        for outer in frame.outwards():
            for definition in outer.executable.definitions:
                yield package, outer.executable.path, definition
            if outer is package:
                return

    def _owner(self, frame: Frame, name: str) -> tuple[Store, VariableDefinition]:
        for package, path, definition in self._visible(frame):
            if definition.name == name:
                store = self._stores.setdefault((package, path), {})
                store.setdefault(name, _stored(definition))
                return store, definition
        raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLENOTFOUND, f"There is no variable {name!r}")

    def _scope(self, frame: Frame, now: dt.datetime) -> Scope:
        definitions: dict[str, VariableDefinition] = {}
        for _, _, definition in self._visible(frame):
            definitions.setdefault(definition.name, definition)
        return Scope(_Names(self, frame, definitions, self._fixed(frame, now), now))

    def _fixed(self, frame: Frame, now: dt.datetime) -> dict[str, _Given]:
        """Parameters and system variables. An expression reads few of them, so the others are not converted."""
        package = frame.package
        project = self._request.project
        started = next(each for each in frame.outwards() if each.executable.kind is not ExecutableKind.TASK)
        fixed: dict[str, _Given] = {
            "System::PackageName": ("String", package.name.rpartition(".")[0] or package.name),
            "System::PackageID": ("String", package.id),
            "System::TaskName": ("String", frame.executable.name),
            "System::ContainerName": ("String", started.executable.name),
            "System::StartTime": ("DateTime", self._start.replace(tzinfo=None)),
            "System::ContainerStartTime": ("DateTime", now.replace(tzinfo=None)),
            "System::ServerExecutionID": ("Int64", self._request.execution_id),
            "System::LocaleID": ("Int32", _ENGLISH_US),
            "System::VersionMajor": ("Int32", package.version_major),
            "System::VersionMinor": ("Int32", package.version_minor),
            "System::VersionBuild": ("Int32", package.version_build),
            "System::InteractiveMode": ("Boolean", False),
            "System::OfflineMode": ("Boolean", False),
        }
        for namespace, kind, parameters in (
            ("$Project", ObjectType.PROJECT, project.parameters),
            ("$Package", ObjectType.PACKAGE, package.parameters),
        ):
            for parameter in parameters:
                fixed[f"{namespace}::{parameter.name}"] = self._parameter(parameter, int(kind), frame)
        return fixed

    def _parameter(self, parameter: Parameter, kind: int, frame: Frame) -> _Given:
        """A parameter: the execution's value, or the design value in child packages."""
        is_own = kind == int(ObjectType.PROJECT) or frame.package.name.lower() == self._request.package_name.lower()
        given = self._request.parameters.get((kind, parameter.name)) if is_own else None
        return parameter.data_type, parameter.value if given is None else given


class _Names(Mapping[str, Variable]):
    """The names that an expression can use; expressions of variables are evaluated when they are read."""

    def __init__(
        self,
        variables: RunVariables,
        frame: Frame,
        definitions: Mapping[str, VariableDefinition],
        fixed: Mapping[str, _Given],
        now: dt.datetime,
    ) -> None:
        self._variables = variables
        self._frame = frame
        self._definitions = definitions
        self._fixed = fixed
        self._now = now
        self._evaluating: list[str] = []

    def __getitem__(self, name: str) -> Variable:
        definition = self._definitions.get(name)
        if definition is None:
            return _variable(*self._fixed[name])
        if definition.expression:
            return self._computed(definition)
        return self._variables._owner(self._frame, name)[0][name]

    def __iter__(self) -> Iterator[str]:
        yield from self._definitions
        yield from self._fixed

    def __len__(self) -> int:
        return len(self._definitions) + len(self._fixed)

    def __contains__(self, name: object) -> bool:
        return name in self._definitions or name in self._fixed

    def _computed(self, definition: VariableDefinition) -> Variable:
        if definition.name in self._evaluating:
            names = " -> ".join([*self._evaluating, definition.name])
            reason = f"The expressions of variables read each other: {names}"
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, reason)
        self._evaluating.append(definition.name)
        try:
            stored = _stored(definition).type
            target = None if stored is None or stored.code.name == "DT_WSTR" else stored
            settings = _settings(self._now)
            compiled = compile_expression(
                definition.expression, Scope(self), settings, target=target, max_length=MAX_VARIABLE_LENGTH
            )
            value = compiled.evaluate()
            return Variable(variable_type(compiled.type.code, value), value)
        except ExpressionError as error:
            reason = f"The expression of the variable {definition.name!r} failed: {error}"
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, reason) from None
        finally:
            self._evaluating.pop()


def _settings(now: dt.datetime) -> Settings:
    return Settings(clock=lambda: now)
