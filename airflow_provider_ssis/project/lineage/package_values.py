"""The values of parameters and variables that are known before a package runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.package.containers import ContainerData
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask, ExpressionTask, ScriptTask
from airflow_provider_ssis.project.package.variables import DtsVariable

TypedValue = tuple[str, Any]
"""The name of a type, and a value of it."""
Evaluate = Callable[[str, Mapping[str, TypedValue]], Any]
"""Evaluates an expression over variables and parameters by name; raises ValueError if it has no value."""

_ASSIGNED = re.compile(r"^\s*@\[?\s*((?:\w+::)?\w+)")


class UnknownValue(ValueError):
    """A value that is known only when the package runs."""


class PackageValues:
    """The values that a place in a package can use.

    :param known: the values by name: ``$Project::Server``, ``$Package::Day``, ``User::Path``.
    :param evaluate: evaluates expressions.
    :param assigned: names of the variables that the package itself changes when it runs.
    :param changed: names of the variables and parameters whose values or expressions the run replaces.
    """

    def __init__(
        self, known: Mapping[str, TypedValue], evaluate: Evaluate, assigned: frozenset[str], changed: frozenset[str]
    ) -> None:
        self._known = known
        self._evaluate = evaluate
        self._assigned = assigned
        self._changed = changed

    @classmethod
    def of(
        cls,
        package: DtsPackage,
        parameters: Iterable[Parameter],
        given: Mapping[str, Any],
        evaluate: Evaluate,
        contents: Iterable[ContainerData],
        changed: frozenset[str] = frozenset(),
    ) -> PackageValues:
        """Return the values of parameters.

        :param package: the package.
        :param parameters: the parameters of its project.
        :param given: values by ``$Project::Name`` or ``$Package::Name`` that replace the design defaults.
        :param evaluate: evaluates expressions.
        :param contents: the data of the tasks and loops of the package.
        :param changed: the names of the variables and parameters that the run replaces. Default: none.
        """
        known: dict[str, TypedValue] = {}
        for one in parameters:
            name = f"$Project::{one.name}"
            known[name] = (one.data_type, None if one.sensitive else given.get(name, one.value))
        for parameter in package.parameters:
            name = f"$Package::{parameter.name}"
            try:
                value = None if parameter.sensitive else given.get(name, parameter.value)
                known[name] = (parameter.data_type, value)
            except ProjectError:
                continue
        found = {name: value for name, value in known.items() if value[1] is not None and name not in changed}
        return cls(found, evaluate, frozenset(_assigned(contents)), changed)

    def inside(self, variables: Iterable[DtsVariable]) -> PackageValues:
        """Return the values inside a container.

        :param variables: the variables that the container declares.
        """
        known = dict(self._known)
        pending: dict[str, DtsVariable] = {}
        for one in variables:
            name = one.qualified_name
            known.pop(name, None)
            if name in self._changed:
                continue
            if one.evaluate_as_expression and one.expression:
                pending[name] = one
            elif name not in self._assigned:
                try:
                    known[name] = (one.data_type, one.value)
                except ProjectError:
                    continue
        # Variables can refer to each other in any order.
        while pending:
            done = []
            for name, one in pending.items():
                try:
                    known[name] = (one.data_type, self._evaluate(one.expression, known))
                except ValueError:
                    continue
                done.append(name)
            if not done:
                break
            for name in done:
                del pending[name]
        return PackageValues(known, self._evaluate, self._assigned, self._changed)

    def text(self, expression: str) -> str:
        """Return the value of a property expression as text.

        :raises UnknownValue: the value is known only when the package runs.
        """
        try:
            return _text(self._evaluate(expression, self._known))
        except ValueError:
            raise UnknownValue(f"the value of the expression {expression} is not known before the run") from None

    def variable(self, name: str) -> str:
        """Return the value of a variable or parameter as text.

        :param name: its name, with or without namespace.
        :raises UnknownValue: the value is known only when the package runs.
        """
        found = self._known.get(name if "::" in name else f"User::{name}")
        if found is None or found[1] is None:
            raise UnknownValue(f"the value of {name or 'a variable'} is not known before the run")
        return _text(found[1])


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _assigned(contents: Iterable[ContainerData]) -> Iterator[str]:
    """Yield the names of the variables that tasks and loops change when they run."""
    for data in contents:
        names: list[str] = []
        if isinstance(data, ForeachLoop):
            names = [one.variable for one in data.mappings]
        elif isinstance(data, ForLoop):
            names = _targets(data.init_expression, data.assign_expression)
        elif isinstance(data, ExpressionTask):
            names = _targets(data.expression)
        elif isinstance(data, ScriptTask):
            names = list(data.read_write_variables)
        elif isinstance(data, ExecuteSqlTask):
            names = [one.variable for one in data.results]
            names += [one.variable for one in data.parameters if one.direction != "Input"]
        elif isinstance(data, Pipeline):
            names = [
                one.text
                for component in data.components
                for property_name in ("VariableName", "ReadWriteVariables")
                if (one := component.properties.get(property_name)) is not None
            ]
        for listed in names:
            for name in listed.split(","):
                if name.strip():
                    yield name.strip() if "::" in name else f"User::{name.strip()}"


def _targets(*assignments: str) -> list[str]:
    return [match[1] for text in assignments if (match := _ASSIGNED.match(text)) is not None]
