"""The connection parameters in a manifest (``CM.Sales.ServerName``), brought up to date with connection managers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.connection_strings import connection_pairs, has_password
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.properties import PropertyList, set_text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.connections import DtsConnectionManager

_PREFIX = "CM."
_CONNECTION_STRING = "ConnectionString"
_DATABASES = ("OLEDB", "ADO.NET", "ODBC")
_PAIRS: Mapping[str, tuple[str, ...]] = {
    "InitialCatalog": ("initial catalog", "database"),
    "ServerName": ("data source", "server"),
    "UserName": ("user id", "uid"),
}
"""The connection parameters that a connection string of a database contains, with the names of their pairs."""


def connection_values(parameters: _Element | None, part: str) -> dict[str, str]:
    """Return the values of connection parameters by name.

    :param parameters: the element that contains them.
    :param part: the file that contains it, for errors.
    """
    found = {}
    for name, properties in _listed(parameters, part).items():
        if "Value" in properties.elements:
            found[name] = properties.elements["Value"].text or ""
    return found


def refresh_connections(
    parameters: _Element, managers: Iterable[DtsConnectionManager], part: str, before: Mapping[str, str]
) -> list[str]:
    """Give connection parameters the values that their connection managers have.

    Only the connection string and what it contains are compared; what an expression sets stays.

    :param parameters: the element that contains them; changed in place.
    :param managers: the connection managers of the package or project.
    :param part: the file that contains the manifest, for errors.
    :param before: the values of :func:`connection_values` before the build gave parameters others, which stay.
    :returns: the names of the parameters that differed.
    """
    listed = _listed(parameters, part)
    stale = []
    for manager in managers:
        text, prefix = manager.connection_string, f"{_PREFIX}{manager.name}."
        if not text or has_password(text) or _CONNECTION_STRING in manager.expressions:
            continue
        if before.get(f"{prefix}{_CONNECTION_STRING}", text).strip() == text.strip():
            continue
        for name, value in _values(manager).items():
            element = listed[f"{prefix}{name}"].elements.get("Value") if f"{prefix}{name}" in listed else None
            old = None if element is None else element.text or ""
            if element is None or old == value or old != before.get(f"{prefix}{name}") or name in manager.expressions:
                continue
            set_text(element, value)
            stale.append(f"{prefix}{name}")
    return stale


def _values(manager: DtsConnectionManager) -> dict[str, str]:
    values = {_CONNECTION_STRING: manager.connection_string}
    if manager.kind in _DATABASES:
        pairs = connection_pairs(manager.connection_string)
        for name, keys in _PAIRS.items():
            values[name] = next((pairs[key] for key in keys if key in pairs), "")
    return values


def _listed(parameters: _Element | None, part: str) -> dict[str, PropertyList]:
    elements = () if parameters is None else parameters.iterfind(f"{SSIS}Parameter")
    return {
        name: PropertyList.of(element, part, f"parameter {name}")
        for element in elements
        if (name := element.get(f"{SSIS}Name", "")).startswith(_PREFIX)
    }
