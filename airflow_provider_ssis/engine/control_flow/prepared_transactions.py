"""Checks the transactions that a package has after property overrides, configurations and property expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.connections import find_manager
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation
from airflow_provider_ssis.engine.control_flow.frames import Frame, as_container
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.properties.property_table import (
    DATA,
    with_container_property,
    with_data_property,
)
from airflow_provider_ssis.engine.control_flow.transactions import stored_uses, transaction_refusals
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler

_ROOT: Final = "\\Package"
_OPTIONS: Final = frozenset({"transactionoption", "disable", "disabled"})
_CONNECTIONS: Final = frozenset({"connection", "destinationconnection"})
_REFERENCE: Final = re.compile(r"@(\[?\$)?")
"""A variable or parameter in an expression; the group is there for a parameter, whose value is known."""


def prepared_refusals(run: PackageRun, evaluation: Evaluation) -> Iterator[Refusal]:
    """Yield the transactions that one connection cannot carry, with the values that are known before the run.

    Expressions with variables are not evaluated: their values can change until the task runs.

    :param run: the package, with its settings.
    :param evaluation: evaluates the property expressions.
    """
    connections: dict[str, tuple[str, str]] = {}
    root = _Prepared(run, evaluation, connections).container(Frame(run.package.container, run, _ROOT, None))
    if root == run.package.container and not connections:
        return
    managers = (*run.package.connection_managers, *run.project.connection_managers)
    stored = stored_uses(managers)

    def uses(container: DtsContainer) -> list[DtsConnectionManager]:
        found = list(stored(container))
        if container.path in connections:
            old, new = (find_manager(run, one) for one in connections[container.path])
            found = [manager for manager in found if manager is not old] + ([] if new is None else [new])
        return found

    yield from transaction_refusals(root, managers, uses)


class _Prepared:
    def __init__(self, run: PackageRun, evaluation: Evaluation, connections: dict[str, tuple[str, str]]) -> None:
        self._run = run
        self._evaluation = evaluation
        self._connections = connections

    def container(self, frame: Frame) -> DtsContainer:
        """Return a container with the options that it and the containers inside have."""
        stored = frame.container
        made = stored
        for name, value in self._values(frame).items():
            try:
                if name in _OPTIONS:
                    made = with_container_property(made, name, value) or made
                else:
                    self._connect(stored, name, value)
            except ValueError:
                continue  # reported when the task is prepared
        children = tuple(self.container(frame.inside(child, child.path)) for child in stored.children)
        handlers = tuple(self._handler(frame, handler) for handler in stored.event_handlers)
        if children == stored.children and handlers == stored.event_handlers:
            return made
        return replace(made, children=children, event_handlers=handlers)

    def _handler(self, owner: Frame, handler: DtsEventHandler) -> DtsEventHandler:
        made = self.container(owner.inside(as_container(handler), handler.path))
        return replace(
            handler,
            disabled=made.disabled,
            transaction_option=made.transaction_option,
            children=made.children,
        )

    def _connect(self, container: DtsContainer, name: str, value: Any) -> None:
        data = self._run.data_of(container)
        field = DATA.get(type(data), {}).get(name)
        if field is not None:
            self._connections[container.path] = (
                str(getattr(data, field[0])),
                str(getattr(with_data_property(data, name, value), field[0])),
            )

    def _values(self, frame: Frame) -> dict[str, Any]:
        found = {
            name.lower(): value
            for name, value in self._run.settings.executables.get(frame.container.path, {}).items()
            if name.lower() in _OPTIONS | _CONNECTIONS
        }
        for name, expression in frame.container.expressions.items():
            if name.lower() not in _OPTIONS | _CONNECTIONS:
                continue
            found.pop(name.lower(), None)
            if all(match[1] for match in _REFERENCE.finditer(expression)):
                try:
                    found[name.lower()] = self._evaluation.value(frame, expression)
                except (ExpressionError, TaskFailure):
                    continue  # reported when the task is prepared
        return found
