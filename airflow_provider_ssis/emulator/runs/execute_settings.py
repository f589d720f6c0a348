"""How an embedded SSISDB executes packages instead of simulating them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteSettings:
    r"""How an embedded SSISDB executes packages.

    :param connections: connection strings, or properties, by the names of the connection managers that they replace.
    :param path_map: folders of this machine by the folders of Windows that they replace: ``{"C:\\data": "/data"}``.
    :param scripts: Python functions that replace scripts, as ``module:function``, by the path of the task.
    """

    connections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    path_map: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
