"""The values of a connection manager at one moment of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import parse_provider_string
from airflow_provider_ssis.engine.connections.replacements import Replacement, replaced
from airflow_provider_ssis.project.connection_properties import properties_of_connection
from airflow_provider_ssis.project.connection_strings import connection_pairs
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.elements import is_true, local_name
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB

PASSWORD: Final = "Password"  # noqa: S105 the name of a property
_OTHER_NAMES: Final = {"retainsameconnection": "Retain", "excelfilepath": "Data Source"}
"""The stored names of properties that have another name in Microsoft's object model."""
_SMTP_KEYS: Final = {
    "smtpserver": "SmtpServer",
    "usewindowsauthentication": "UseWindowsAuthentication",
    "enablessl": "EnableSsl",
}
_CANNOT_SET: Final = frozenset(
    {"columndelimiter", "columntype", "filename"}  # the columns of a flat file have their own
    | {"creationname", "hosttype", "id", "name", "offlinemode", "qualifier", "scope", "supportsdtctransactions"}
    | {"excelversionnumber"}
)
"""Properties that the engine cannot set."""
_WITHOUT_EFFECT: Final = frozenset({"connectbyproxy", "delayvalidation", "description", "protectionlevel"})
"""Properties that do not change a run: connection managers are validated when a task uses them; proxies are Azure's."""
_HEADER: Final = re.compile(r"^\s*HDR\s*=", re.IGNORECASE)
_LOGIN: Final = {"username": "UserName", "password": PASSWORD}
"""The values that a user can add to SMTP."""
_SECRET_KEY: Final = re.compile(r"password|pwd|secret|token", re.IGNORECASE)


def stored_connection(manager: DtsConnectionManager) -> RunConnection:
    """Return a connection manager with its stored values."""
    return RunConnection(
        name=manager.name,
        id=manager.id,
        kind=manager.kind.upper(),
        creation_name=manager.creation_name,
        connection_string=manager.connection_string,
        properties={**manager.properties, **plain_secrets(manager)},
        columns=manager.columns,
        cache_columns=manager.cache_columns,
    )


def property_name(manager: DtsConnectionManager, name: str) -> str | None:
    """Return the name of a property as the engine reads it; None if the engine cannot set it.

    :param name: the property, without regard to case.
    """
    known = properties_of_connection(manager.creation_name)
    lower = name.lower()
    if known is None:
        return name
    if lower in _WITHOUT_EFFECT:
        return name
    if lower in _CANNOT_SET:
        return None
    stored = {one.lower(): one for one in stored_connection(manager).properties}
    if lower in stored:
        return stored[lower]
    names = {**known, **_LOGIN} if manager.kind.upper() == "SMTP" else known
    return names.get(lower)


def is_unchanged(manager: DtsConnectionManager, name: str, value: object) -> bool:
    """Return True if a value changes nothing of a property that the engine cannot set.

    The configuration wizard also stores the properties that a run does not change, such as the name.

    :param name: the property, without regard to case.
    :param value: the value to set.
    """
    lower = name.lower()
    if lower not in (properties_of_connection(manager.creation_name) or ()):
        return False
    if lower == "offlinemode":
        return not is_true(str(value))
    same = {"creationname": manager.creation_name, "id": manager.id, "name": manager.name}
    # The file itself shows its version of Excel.
    return lower == "excelversionnumber" or same.get(lower) == str(value)


def with_property(connection: RunConnection, name: str, value: object) -> RunConnection:
    """Return a connection manager with another value of a property.

    :param name: the property in Microsoft's object model: ``ConnectionString``, ``ServerName``, ``Password``, ...
    :param value: the value.
    :raises TaskFailure: the connection string in which the value belongs is malformed.
    """
    text = ("True" if value else "False") if isinstance(value, bool) else "" if value is None else str(value)
    lower = name.lower()
    if lower in _WITHOUT_EFFECT:
        return connection
    if connection.kind == "SMTP" and lower in _SMTP_KEYS:
        pairs = dict(parse_provider_string(connection.connection_string, connection.name))
        key = next((one for one in pairs if one.lower() == lower), _SMTP_KEYS[lower])
        string = "".join(f"{one}={found};" for one, found in {**pairs, key: text}.items())
        return replace(connection, connection_string=string)
    if connection.kind == "EXCEL" and lower == "firstrowhascolumnname":
        return _with_header(connection, has_header=is_true(text))
    if lower == "connectionstring":
        changed = replaced(connection, text)
        return replace(changed, properties={**changed.properties, "ConnectionString": text})
    return replaced(connection, {_OTHER_NAMES.get(lower, name): text})


def _with_header(connection: RunConnection, *, has_header: bool) -> RunConnection:
    """Return a connection manager of Excel whose sheets have a first row with names, or none."""
    pairs = parse_provider_string(connection.connection_string, connection.name)
    stored = {key.strip().lower(): value for key, value in pairs}.get("extended properties", "")
    options = [one for one in stored.strip("\"' ").split(";") if one.strip() and not _HEADER.match(one)]
    text = ";".join([*options, f"HDR={'YES' if has_header else 'NO'}"])
    return replaced(connection, {"Extended Properties": text})


def secrets_of(connection: RunConnection) -> list[str]:
    """Return the passwords in the values of a connection manager."""
    return [*secret_values(connection.properties), *secret_values(connection_pairs(connection.connection_string))]


def secrets_of_replacement(replacement: Replacement) -> list[str]:
    """Return the passwords, tokens and other secrets in what replaces a connection manager."""
    if isinstance(replacement, str):
        return secret_values(connection_pairs(replacement))
    strings = [str(value) for key, value in replacement.items() if key.lower().replace(" ", "") == "connectionstring"]
    return [
        *secret_values(replacement),
        *(secret for string in strings for secret in secret_values(connection_pairs(string))),
    ]


def secret_values(pairs: Mapping[str, Any]) -> list[str]:
    """Return the values whose keys are those of secrets."""
    return [str(value) for key, value in pairs.items() if _SECRET_KEY.search(key)]


def plain_secrets(manager: DtsConnectionManager) -> dict[str, str]:
    """Return the sensitive properties of a connection manager that are stored, or decrypted, as plain text."""
    found: dict[str, str] = {}
    for element in manager.element.iter("*"):
        if is_true(element.get("Sensitive")) and not is_true(element.get("Encrypted")) and not len(element):
            text = element.text or ""
            if text and not text.startswith(DPAPI_BLOB):
                name = element.get(f"{DTS}Name") or local_name(element)
                found[PASSWORD if name.lower() == "pwd" else name] = text
    return found


def hidden_secrets(manager: DtsConnectionManager) -> list[str]:
    """Return the names of the sensitive properties that are encrypted, so that their values are not known."""
    found: dict[str, None] = {}
    for element in manager.element.iter("*"):
        is_block = element.tag == f"{XML_ENCRYPTION}EncryptedData"
        text = (element.text or "").strip()
        is_hidden = is_true(element.get("Encrypted")) or text.startswith(DPAPI_BLOB)
        if is_block:
            found[PASSWORD] = None
        elif is_true(element.get("Sensitive")) and text and is_hidden:
            name = element.get(f"{DTS}Name") or local_name(element)
            found[PASSWORD if name.lower() == "pwd" else name] = None
    return list(found)
