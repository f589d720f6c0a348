"""The values of a connection manager at one moment of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.project.connection_strings import connection_pairs, with_pair
from airflow_provider_ssis.project.encryption import DPAPI_BLOB
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.elements import is_true, local_name

PASSWORD: Final = "Password"  # noqa: S105 the name of a property
_OLEDB: Final = {
    "servername": ("Data Source", "Server", "Address", "Addr", "Network Address"),
    "initialcatalog": ("Initial Catalog", "Database"),
    "username": ("User ID", "UID", "User"),
}
_ODBC: Final = {
    "servername": ("Server",),
    "initialcatalog": ("Database",),
    "username": ("UID", "User ID"),
}
_KEYS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "OLEDB": _OLEDB,
    "ADO": _OLEDB,
    "ADO.NET": _OLEDB,
    "ODBC": _ODBC,
    "EXCEL": {**_OLEDB, "excelfilepath": ("Data Source",)},
    "SMTP": {
        "smtpserver": ("SmtpServer",),
        "usewindowsauthentication": ("UseWindowsAuthentication",),
        "enablessl": ("EnableSsl",),
    },
}
"""For each type, the keys of its connection string that are properties in Microsoft's object model."""
_STORED_NAMES: Final = {"retainsameconnection": "Retain", "serverpassword": "ServerPassword"}
_SECRET_KEYS: Final = ("password", "pwd")


class ConnectionValues:
    """The values of a connection manager, changed one after the other.

    :param manager: the connection manager as stored.
    """

    def __init__(self, manager: DtsConnectionManager) -> None:
        self._manager = manager
        self.connection_string = manager.connection_string
        self.properties: dict[str, str] = {**manager.properties, **plain_secrets(manager)}

    def set(self, name: str, value: object) -> None:
        """Set a property.

        :param name: its name in Microsoft's object model: ``ConnectionString``, ``ServerName``, ``Password``, ...
        :param value: the value.
        """
        text = ("True" if value else "False") if isinstance(value, bool) else "" if value is None else str(value)
        lower = name.lower()
        keys = _KEYS.get(self._manager.kind.upper(), {}).get(lower)
        if lower == "connectionstring":
            self.connection_string = text
            self._store("ConnectionString", text)
        elif keys is not None:
            self.connection_string = with_pair(self.connection_string, keys, text)
            self._store("ConnectionString", self.connection_string)
        else:
            self._store(_STORED_NAMES.get(lower, name), text)

    def _store(self, name: str, text: str) -> None:
        known = next((one for one in self.properties if one.lower() == name.lower()), name)
        self.properties[known] = text

    def connection(self) -> RunConnection:
        """Return the connection manager with these values."""
        manager = self._manager
        return RunConnection(
            name=manager.name,
            id=manager.id,
            kind=manager.kind.upper(),
            creation_name=manager.creation_name,
            connection_string=self.connection_string,
            properties=self.properties,
            columns=manager.columns,
        )

    def secrets(self) -> list[str]:
        """Return the passwords in the values."""
        found = [value for name, value in self.properties.items() if "password" in name.lower()]
        pairs = connection_pairs(self.connection_string)
        return [*found, *(value for key, value in pairs.items() if key in _SECRET_KEYS)]


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
        has_text = bool(element.text and element.text.strip())
        if is_block:
            found[PASSWORD] = None
        elif is_true(element.get("Sensitive")) and has_text:
            if is_true(element.get("Encrypted")) or (element.text or "").startswith(DPAPI_BLOB):
                name = element.get(f"{DTS}Name") or local_name(element)
                found[PASSWORD if name.lower() == "pwd" else name] = None
    return list(found)
