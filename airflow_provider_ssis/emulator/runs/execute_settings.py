"""How an embedded SSISDB executes packages instead of simulating them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

EMBEDDED: Final = "embedded:"
"""How the connection string of a database of the embedded server itself begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteSettings:
    r"""How an embedded SSISDB executes packages.

    :param connections: connection strings, or properties, by the names of the connection managers that they replace.
        ``embedded:Shop`` is the database Shop of the embedded server itself.
    :param path_map: folders of this machine by the folders of Windows that they replace: ``{"C:\\data": "/data"}``.
    :param scripts: Python functions that replace scripts, as ``module:function``, by the path of the task.
    """

    connections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    path_map: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)

    def on(self, database: Callable[[str], str]) -> ExecuteSettings:
        """Return the settings with connection strings instead of the names of the server's own databases.

        :param database: returns the connection string of a database by its name.
        """
        own = {
            name: database(value.removeprefix(EMBEDDED))
            for name, value in self.connections.items()
            if isinstance(value, str) and value.startswith(EMBEDDED)
        }
        return replace(self, connections={**self.connections, **own})
