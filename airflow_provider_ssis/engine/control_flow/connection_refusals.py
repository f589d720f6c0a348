"""Finds what the engine cannot do with a connection manager, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_provider_ssis.engine.connections.flat_file_values import FLAT_FILES, wrong_values
from airflow_provider_ssis.engine.control_flow.connection_values import property_name, stored_connection
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.connections import DtsConnectionManager

_CORRECT: Final = "Correct it in Visual Studio, and save the connection manager again."


def connection_refusals(where: str, manager: DtsConnectionManager) -> Iterator[Refusal]:
    """Yield the property expressions that the engine cannot set, and wrong values of a flat file's format.

    :param where: its path.
    :param manager: a connection manager that a package uses.
    """
    for name in manager.expressions:
        if property_name(manager, name) is None:
            what = f"the expression of the property {name}"
            yield Refusal(where, what, "the engine cannot set this property", "Remove the expression.")
    if manager.kind.upper() in FLAT_FILES:
        set_later = {name.lower() for name in manager.expressions}
        for name, what, why in wrong_values(stored_connection(manager)):
            if name.lower() not in set_later:
                yield Refusal(where, what, why, _CORRECT)
