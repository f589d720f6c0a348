"""The variables and parameters of a run: where they are, what they contain, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.control_flow.variables.system_variables import WRITABLE, system_variables
from airflow_provider_ssis.engine.control_flow.variables.values import OBJECT, converted, default_of, for_expressions
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import (
    MAX_VARIABLE_LENGTH,
    ExpressionCode,
    ExpressionError,
    Scope,
    Settings,
    Variable,
    compile_expression,
)
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.values import to_python, variable_type

NOT_FOUND: Final = 0xC0010001
"""DTS_E_VARIABLENOTFOUND."""
AMBIGUOUS: Final = 0xC001F032
"""DTS_E_AMBIGUOUSVARIABLENAME."""
TYPE_CHANGE: Final = 0xC001F009
"""DTS_E_RUNTIMEVARIABLETYPECHANGE."""
EXPRESSION_ERROR: Final = 0xC0019004
"""DTS_E_VARIABLEEXPRESSIONERROR."""
READ_ONLY: Final = 0xC001F187
"""DTS_E_EXPREVALASSIGNMENTTOREADONLYVARIABLE."""


@dataclass(slots=True, eq=False)
class Change:
    """A change of a variable that raises OnVariableValueChanged.

    :param frame: the container that declares the variable, which raises the event.
    """

    variable: RunVariable
    frame: Frame


class View(Mapping[str, Variable]):
    """The variables, parameters and system variables that a frame sees, as expressions use them.

    :param frame: where they are used.
    :param settings: returns the settings that expressions use besides variables, for a locale.
    :param evaluating: the variables whose expressions are being evaluated. Default: none.
    """

    def __init__(
        self, frame: Frame, settings: Callable[[int], Settings], evaluating: list[RunVariable] | None = None
    ) -> None:
        self._frame = frame
        self._settings = settings
        self._evaluating: list[RunVariable] = [] if evaluating is None else evaluating
        self._variables: dict[str, tuple[RunVariable, Frame]] = {}
        self._system: dict[str, tuple[str, Callable[[], Any]]] = system_variables(frame)
        for outer in frame.outwards():
            for name, variable in outer.package.variables_of(outer.container).items():
                self._variables.setdefault(name, (variable, outer))

    # --- the mapping of expressions

    def __getitem__(self, name: str) -> Variable:
        found = self._variables.get(name)
        if found is not None and found[0].expression:
            return self._computed(*found)
        type_name, value = self.typed(name)
        return for_expressions(value, type_name)

    def __iter__(self) -> Iterator[str]:
        yield from self._variables
        yield from self._system
        yield from self._frame.package.parameters

    def __len__(self) -> int:
        return len(self._variables) + len(self._system) + len(self._frame.package.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self._variables or name in self._system or name in self._frame.package.parameters

    # --- tasks

    def full_name(self, name: str) -> str:
        """Return the name of a variable with its namespace.

        :raises TaskFailure: there is no such variable, or several namespaces have it.
        """
        if name in self:
            return name
        candidates = [] if "::" in name else [full for full in self if full.rpartition("::")[2] == name]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise TaskFailure(
                f"Several namespaces contain the variable {name}. Write one of {', '.join(sorted(candidates))}.",
                AMBIGUOUS,
            )
        similar = [full for full in self if full.lower() == name.lower()]
        hint = f" Names are case-sensitive: there is {similar[0]}." if similar else ""
        raise TaskFailure(f"{self._frame.container.path} sees no variable {name}.{hint}", NOT_FOUND)

    def type_of(self, name: str) -> str:
        """Return the type of a variable; raises as :meth:`full_name`."""
        full = self.full_name(name)
        found = self._variables.get(full)
        if found is not None:
            return found[0].type
        return self._system[full][0] if full in self._system else self._frame.package.parameters[full][0]

    def read(self, name: str) -> Any:
        """Return the value of a variable, evaluated if it has an expression.

        :param name: its name, or its id in braces.
        :raises TaskFailure: as :meth:`full_name`, or its expression has no value.
        """
        found, full = self._identified(name) if name.startswith("{") else self._named(name)
        if found is None:
            return self.typed(full)[1]
        variable, owner = found
        if not variable.expression:
            return variable.value
        try:
            computed = self._computed(variable, owner)
        except Fault as fault:
            raise TaskFailure(fault.reason, EXPRESSION_ERROR) from None
        return None if computed.type is None else to_python(computed.value, computed.type)

    def _named(self, name: str) -> tuple[tuple[RunVariable, Frame] | None, str]:
        """Return a variable with its container, and its full name; None for a parameter or system variable."""
        full = self.full_name(name)
        return self._variables.get(full), full

    def _identified(self, identifier: str) -> tuple[tuple[RunVariable, Frame] | None, str]:
        """Return the variable with an id, also if another one of its name hides it, or the name of a parameter."""
        sought = identifier.upper()
        for outer in self._frame.outwards():
            for name, variable in outer.package.variables_of(outer.container).items():
                if variable.id.upper() == sought:
                    return (variable, outer), name
        run = self._frame.package
        for namespace, parameters in (("$Package", run.package.parameters), ("$Project", run.project.parameters)):
            for parameter in parameters:
                if parameter.id.upper() == sought:
                    return None, f"{namespace}::{parameter.name}"
        raise TaskFailure(
            f"{self._frame.container.path} sees no variable or parameter with the id {identifier}.", NOT_FOUND
        )

    def typed(self, name: str) -> tuple[str, Any]:
        """Return the type and the stored value of a variable.

        :param name: its full name.
        :raises KeyError: there is no such variable.
        """
        found = self._variables.get(name)
        if found is not None:
            return found[0].type, found[0].value
        system = self._system.get(name)
        if system is not None:
            return system[0], system[1]()
        return self._frame.package.parameters[name]

    def write(self, name: str, value: Any) -> Change | None:
        """Change a variable.

        :returns: the change, if it raises an event.
        :raises TaskFailure: as :meth:`full_name`, it is read-only, or the value is not one of its type.
        """
        full = self.full_name(name)
        found = self._variables.get(full)
        if found is None:
            self._write_system(full, value)
            return None
        variable, owner = found
        if variable.read_only:
            raise TaskFailure(f"The variable {full} of {variable.owner} is read-only.", READ_ONLY)
        try:
            new = converted(value, variable.type)
        except ValueError as error:
            raise TaskFailure(f"The variable {full} has the type {variable.type}: {error}.", TYPE_CHANGE) from None
        changed = variable.raise_changed_event and not _is_same(new, variable.value)
        variable.value = new
        return Change(variable, owner) if changed else None

    def _write_system(self, name: str, value: Any) -> None:
        handler = next((frame for frame in self._frame.outwards() if frame.handler is not None), None)
        if handler is None or name not in WRITABLE or not isinstance(value, bool):
            kind = "a parameter" if name.startswith("$") else "a system variable"
            wrong = "is read-only" if name not in WRITABLE else "can be set to True or False in event handlers only"
            raise TaskFailure(f"{name} is {kind} and {wrong}.", READ_ONLY)
        handler.event[name] = ("Boolean", value)

    # --- expressions

    def scope(self) -> Scope:
        """Return the names that an expression can use."""
        return Scope(self)

    def _computed(self, variable: RunVariable, owner: Frame) -> Variable:
        """Evaluate the expression of a variable with what its own container sees.

        A variable of the same name nearer to the reader does not change the value.
        """
        if any(one is variable for one in self._evaluating):
            names = " -> ".join(one.name for one in [*self._evaluating, variable])
            reason = f"The expressions of variables read each other: {names}"
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, reason)
        seen = self if owner is self._frame else View(owner, self._settings, self._evaluating)
        self._evaluating.append(variable)
        try:
            target = for_expressions(default_of(variable.type), variable.type).type
            compiled = compile_expression(
                variable.expression,
                Scope(seen),
                self._settings(owner.locale_id),
                target=None if target is None or target.code.name == "DT_WSTR" else target,
                max_length=MAX_VARIABLE_LENGTH,
                for_variable=True,
            )
            value = compiled.evaluate()
        except ExpressionError as error:
            reason = f"The expression of the variable {variable.name} of {variable.owner} failed: {error}"
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, reason) from None
        finally:
            self._evaluating.pop()
        if value is None and variable.type != OBJECT:
            reason = f"The expression of the variable {variable.name} of {variable.owner} is NULL"
            reason += f", which a variable of the type {variable.type} cannot be"
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, reason)
        if variable.type == "String" and compiled.type.code.name not in ("DT_WSTR", "DT_STR"):
            reason = (
                f"The expression of the variable {variable.name} gives {compiled.type}, but the variable is a String"
            )
            raise Fault(ExpressionCode.DTS_E_EXPREVALVARIABLECOMPUTEFAILED, f"{reason}: cast it to DT_WSTR")
        return Variable(variable_type(compiled.type.code, value), value)


def _is_same(new: Any, old: Any) -> bool:
    if new is old:
        return True
    return type(new) is type(old) and isinstance(new, (bool, int, float, str, Decimal, datetime)) and bool(new == old)
