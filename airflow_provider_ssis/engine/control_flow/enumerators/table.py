"""The types of enumerators that the engine runs."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any

from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    ItemEnumerator,
    NodeListEnumerator,
    SchemaRowsetEnumerator,
    VariableEnumerator,
)

_HERE = "airflow_provider_ssis.engine.control_flow.enumerators"
ENUMERATORS: MutableMapping[type, str] = {
    AdoEnumerator: f"{_HERE}.ado:AdoTurns",
    FileEnumerator: f"{_HERE}.file:FileTurns",
    ItemEnumerator: f"{_HERE}.item:ItemTurns",
    NodeListEnumerator: f"{_HERE}.node_list:NodeListTurns",
    SchemaRowsetEnumerator: f"{_HERE}.schema_rowset:SchemaRowsetTurns",
    VariableEnumerator: f"{_HERE}.from_variable:VariableTurns",
}
"""The module and class of each type, by the class of its data. A module is imported when a package uses it."""


def enumerator_class(data: Enumerator) -> type[ForeachEnumerator[Any]] | None:
    """Return the class that runs an enumerator; None if the engine does not run it.

    :param data: the stored data of the enumerator.
    """
    found = ENUMERATORS.get(type(data))
    if found is None:
        return None
    module, _, name = found.partition(":")
    loaded: type[ForeachEnumerator[Any]] = getattr(import_module(module), name)
    return loaded
