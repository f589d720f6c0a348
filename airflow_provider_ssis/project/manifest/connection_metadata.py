"""The connection parameters in a manifest (``CM.Sales.ServerName``), brought up to date with connection managers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.connection_strings import connection_pairs, has_password
from airflow_provider_ssis.project.datatypes import TYPE_CODES
from airflow_provider_ssis.project.manifest.package_metadata import named_element
from airflow_provider_ssis.project.manifest.properties import PropertyList, set_text
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.elements import is_true

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.connections import DtsConnectionManager

_PREFIX = "CM."
_CONNECTION_STRING = "ConnectionString"
_DATABASES = ("OLEDB", "ADO.NET", "ODBC")
_PASSWORD, _RETAIN = "Password", "RetainSameConnection"
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
    parameters: _Element, managers: Collection[DtsConnectionManager], part: str, before: Mapping[str, str]
) -> list[str]:
    """Bring connection parameters up to date with their connection managers.

    Parameters of a connection manager that does not exist are removed, unless there are no connection managers at all,
    and one without parameters gets them: a database all that Visual Studio writes, another type its connection string.
    Of the others, the connection string and what it contains are compared; what an expression sets stays.

    :param parameters: the element that contains them; changed in place.
    :param managers: the connection managers of the package or project.
    :param part: the file that contains the manifest, for errors.
    :param before: the values of :func:`connection_values` before the build gave parameters others, which stay.
    :returns: the names of the parameters that differed, and of those that were removed and added.
    """
    stale = _remove_unowned(parameters, managers) + _add_missing(parameters, managers)
    listed = _listed(parameters, part)
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


def _remove_unowned(parameters: _Element, managers: Collection[DtsConnectionManager]) -> list[str]:
    """Remove the parameters of connection managers that do not exist: they were deleted or renamed."""
    removed = unowned(parameters, managers) if managers else []
    for each in removed:
        parameters.remove(each)
    return [_name(each) for each in removed]


def unowned(parameters: _Element, managers: Collection[DtsConnectionManager]) -> list[_Element]:
    """Return the connection parameters that belong to no connection manager.

    :param parameters: the element that contains them.
    :param managers: the connection managers of the package or project.
    """
    return [each for each in _connection_elements(parameters) if not any(_is_of(each, one) for one in managers)]


def _add_missing(parameters: _Element, managers: Collection[DtsConnectionManager]) -> list[str]:
    """Add the parameters of connection managers that have none."""
    added: list[_Element] = []
    for manager in managers:
        if not any(_is_of(each, manager) for each in _connection_elements(parameters)):
            made = [
                _parameter(f"{_PREFIX}{manager.name}.{name}", name, value)
                for name, value in _all_values(manager)
                if name not in manager.expressions
            ]
            last = max((parameters.index(each) for each in _connection_elements(parameters)), default=len(parameters))
            parameters[last + 1 : last + 1] = made
            added += made
    return [_name(each) for each in added]


def _connection_elements(parameters: _Element) -> list[_Element]:
    return [each for each in parameters.iterfind(f"{SSIS}Parameter") if _name(each).startswith(_PREFIX)]


def _is_of(parameter: _Element, manager: DtsConnectionManager) -> bool:
    owner, _, _ = _name(parameter).removeprefix(_PREFIX).rpartition(".")
    return owner.casefold() == manager.name.casefold()


def _name(parameter: _Element) -> str:
    return parameter.get(f"{SSIS}Name", "")


def _parameter(name: str, key: str, value: str | None) -> _Element:
    return named_element(
        name,
        {
            "ID": "",
            "CreationName": "",
            "Description": "",
            "IncludeInDebugDump": 0,
            "Required": 0,
            "Sensitive": int(key == _PASSWORD),
            **({} if value is None else {"Value": value}),
            "DataType": TYPE_CODES["Boolean" if key == _RETAIN else "String"],
        },
    )


def _all_values(manager: DtsConnectionManager) -> Iterator[tuple[str, str | None]]:
    """The parameters of a connection manager in Visual Studio's order, with their values."""
    text = manager.connection_string
    values = _values(manager)
    if manager.kind not in _DATABASES and not text:
        return
    for name in sorted(values):
        if name == "ServerName":
            yield _PASSWORD, None
            yield _RETAIN, str(is_true(manager.properties.get("Retain", ""))).lower()
        # The value of a sensitive one is not stored, and a connection string with a password is one.
        yield name, None if name == _CONNECTION_STRING and has_password(text) else values[name]


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
