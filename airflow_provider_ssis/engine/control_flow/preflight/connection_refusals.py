"""Finds unsupported parts of a connection manager, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from airflow_provider_ssis.engine.connections.flat_file_values import FLAT_FILES, wrong_values
from airflow_provider_ssis.engine.control_flow.connection_values import property_name, stored_connection
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.elements import BOOLEANS

_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "Retain": BOOLEANS,
    "UseFile": BOOLEANS,
    "UsePassiveMode": BOOLEANS,
    "FileUsageType": ("0", "1", "2", "3"),
}
"""Properties of several types with few values; others would be read as the default."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DATABASE: Final = _words(
    "ConnectionString Retain Password pwd PWD ConnectRetryCount ConnectRetryInterval ConnectByProxy"
)
"""The retries of a lost connection and the proxy of Azure have no effect on the rows."""
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "OLEDB": _DATABASE,
    "ADO": _DATABASE,
    "ADO.NET": _DATABASE,
    "ODBC": _DATABASE,
    "EXCEL": _DATABASE,
    "FILE": _words("ConnectionString Retain FileUsageType ConnectByProxy"),
    # Chunks have no effect on a file.
    "FTP": _words(
        "ConnectionString Retain ServerName ServerPort ServerUserName ServerPassword Password Timeout TimeOut Retries"
        " ChunkSize UsePassiveMode ConnectByProxy"
    ),
    "SMTP": _words("ConnectionString Retain Timeout TimeOut UserName Password ConnectByProxy"),
}
"""The stored properties of each type. Source: packages of formats 2 to 8.

Flat files have their own table. The engine does not run the other types, or reads them itself.
"""
_CORRECT: Final = "Correct it in Visual Studio, and save the connection manager again."


def connection_refusals(where: str, manager: DtsConnectionManager) -> Iterator[Refusal]:
    """Yield property expressions that the engine cannot set, unknown stored properties, and wrong values.

    :param where: its path.
    :param manager: a connection manager that a package uses.
    """
    for name in manager.expressions:
        if property_name(manager, name) is None:
            what = f"the expression of the property {name}"
            yield Refusal(where, what, "the engine cannot set this property", "Remove the expression.")
    known = _KNOWN.get(manager.kind.upper())
    for name, text in stored_connection(manager).properties.items():
        if known is not None and text.strip() and name not in known:
            why = f"the engine does not know this property of the type {manager.kind}"
            advice = "Remove it, or set it in the connection string."
            yield Refusal(where, f"the stored property {name}", why, advice)
    set_later = {name.lower() for name in manager.expressions}
    if manager.kind.upper() in FLAT_FILES:
        for name, what, why in wrong_values(stored_connection(manager)):
            if name.lower() not in set_later:
                yield Refusal(where, what, why, _CORRECT)
    for name, values in _VALUES.items():
        text = manager.properties.get(name, "").strip()
        if text and text.lower() not in values and name.lower() not in set_later:
            what = f"the property {name} with the value {text!r}"
            why = "it is not a Boolean" if values is BOOLEANS else f"the values are {', '.join(values)}"
            yield Refusal(where, what, why, _CORRECT)
