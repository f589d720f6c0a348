"""Property overrides: which property a path names, and what the simulation follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.project.models import Executable, Package

_PATH: Final = re.compile(
    r"(?P<executable>\\Package[^.\[\]]*?)"
    r"(?:\.(?P<collection>Variables|Connections)\[(?P<member>[^\]]*)\])?"
    r"(?:\.(?:Properties\[(?P<property>[^\]]+)\]|(?P<plain>Value)))",
    re.IGNORECASE,
)
_RESULTS: Final = {"-1": None, "0": 0, "1": 1, "2": 2, "none": None, "success": 0, "failure": 1, "completion": 2}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the overrides of a run change.

    :param properties: values by lower-case executable path and property name.
    :param problems: paths that name nothing, each with why.
    """

    properties: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()

    def disabled(self, executable: Executable) -> bool:
        """Whether an executable is disabled."""
        value = self.properties.get((executable.path.lower(), "disable"))
        return executable.disabled if value is None else value.strip().lower() in ("true", "1", "-1")

    def max_error_count(self, executable: Executable) -> int:
        """The number of errors at which an executable fails; 0 for never."""
        value = self.properties.get((executable.path.lower(), "maximumerrorcount"), "")
        return int(value) if value.strip().isdigit() else executable.max_error_count

    def forced_result(self, executable: Executable) -> int | None:
        """The result that an executable gets whatever happens; None where it gets its own."""
        value = self.properties.get((executable.path.lower(), "forceexecutionresult"))
        if value is None:
            forced = executable.force_execution_result
            return None if forced == -1 else forced
        return _RESULTS.get(value.strip().lower())


def read_overrides(package: Package, values: Mapping[str, str | None]) -> Overrides:
    """Look up what each path names in a package."""
    root = package.control_flow
    executables = {executable.path.lower(): executable for executable in root.walk()} if root else {}
    connections = {manager.name.lower() for manager in package.connection_managers}
    properties = {}
    problems = []
    for path, value in values.items():
        match = _PATH.fullmatch(path)
        if match is None:
            problems.append(f"'{path}' is no property path, such as \\Package\\Task.Properties[Disable].")
            continue
        executable = match["executable"].lower()
        if executable not in executables:
            problems.append(f"'{path}' names nothing: the package has no executable {match['executable']}.")
        elif (match["collection"] or "").lower() == "connections" and match["member"].lower() not in connections:
            problems.append(f"'{path}' names nothing: the package has no connection manager {match['member']}.")
        elif match["collection"] is None and match["property"]:
            properties[(executable, match["property"].lower())] = value or ""
    return Overrides(properties, tuple(problems))
