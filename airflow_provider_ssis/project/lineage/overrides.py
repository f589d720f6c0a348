r"""The values that a run sets besides parameters: by property paths such as ``\Package\Load.Properties[Disable]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.project.property_paths import Target, read_path


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a run replaces in the package that it starts.

    :param properties: values by property path; None for a value that is not known.
    :param connections: connection strings by the name of the connection manager that they replace.
    """

    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)

    def _targets(self, *collections: str) -> Iterator[tuple[str, Target, Any]]:
        for path, value in self.properties.items():
            found = read_path(path)
            if found is not None and found[1].collection in collections:
                yield *found, value

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables and parameters that get other values, or other expressions."""
        names: set[str] = set()
        for _, target, _ in self._targets("variables", "parameters"):
            scopes = ("User",) if target.collection == "variables" else ("$Package", "$Project")
            member = target.member
            names |= {member} if "::" in member else {f"{scope}::{member}" for scope in scopes}
        return frozenset(names)

    def connections_with(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield the connection managers with a property, as paths name them, and its values.

        :param name: the name of the property, without regard to case.
        """
        for _, target, value in self._targets("connections"):
            if target.property.lower() == name.lower():
                yield target.member, value

    def of_container(self, path: str) -> dict[str, Any]:
        """Return the values of properties of a container or task, or of the components in it.

        :param path: its path in the package.
        """
        return {target.property: value for start, target, value in self._targets("") if start.lower() == path.lower()}

    def connection_string(self, manager: str) -> str | None:
        """Return the connection string that replaces that of a connection manager; None if nothing replaces it.

        :param manager: its name.
        """
        return next((text for name, text in self.connections.items() if name.lower() == manager.lower()), None)
