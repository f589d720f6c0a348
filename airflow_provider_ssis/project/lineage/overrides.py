r"""The values that a run sets besides parameters: by property paths such as ``\Package\Load.Properties[Disable]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CONNECTION = re.compile(r"\\Package\.Connections\[([^\]]*)\]\.Properties\[(\w+)\]", re.IGNORECASE)
_VARIABLE = re.compile(r"\\Package.*\.Variables\[([^\]]*)\]\.(?:Value|Properties\[Value\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a run replaces in the package that it starts.

    :param properties: values by property path; None for a value that is not known.
    :param connections: connection strings by the name of the connection manager that they replace.
    """

    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables that get other values."""
        names = [match[1] for path in self.properties if (match := _VARIABLE.fullmatch(path.strip()))]
        return frozenset(name if "::" in name else f"User::{name}" for name in names)

    def of_connection(self, manager: str) -> dict[str, Any]:
        """Return the values of properties of a connection manager of the package.

        :param manager: its name.
        """
        matches = ((_CONNECTION.fullmatch(path.strip()), value) for path, value in self.properties.items())
        return {match[2]: value for match, value in matches if match and match[1].lower() == manager.lower()}

    def of_container(self, path: str) -> dict[str, Any]:
        """Return the values of properties of a container or task, or of the components in it.

        :param path: its path in the package.
        """
        start = f"{path}.Properties[".lower()
        return {
            given.strip()[len(start) : -1]: value
            for given, value in self.properties.items()
            if given.strip().lower().startswith(start)
        }

    def connection_string(self, manager: str) -> str | None:
        """Return the connection string that replaces that of a connection manager; None if nothing replaces it.

        :param manager: its name.
        """
        return next((text for name, text in self.connections.items() if name.lower() == manager.lower()), None)
