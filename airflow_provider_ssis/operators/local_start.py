"""The first lines of the task log about a package that runs on the worker."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.process.job import RunJob

_MAX_VALUE = 200
_HIDDEN = re.compile(r"connectionstring|password", re.IGNORECASE)
"""Names of parameters and properties whose values can contain logins that do not belong into a log."""


def start_lines(job: RunJob, logging_level: str) -> Iterator[str]:
    """Return the lines: package, source, machine and values. Secrets are masked.

    :param job: the run.
    :param logging_level: the name of its logging level.
    """
    package = job.package or Path(job.source).name
    yield f"Running {package} of {job.source} on {socket.gethostname()}: logging level {logging_level}."
    secrets = frozenset(job.secret_texts)
    yield from _line("Parameters", _values(job.parameters, secrets))
    yield from _line("Property overrides", _values(job.property_overrides, secrets))
    # Only the names, for the same reason.
    yield from _line("Replaced connection managers", sorted(job.connections))
    yield from _line("Path map", (f"{source} = {target}" for source, target in job.path_map.items()))
    yield from _line("Python in place of scripts", (f"{path} = {name}" for path, name in job.scripts.items()))


def _values(values: Mapping[str, Any], secrets: Collection[str]) -> Iterator[str]:
    for name, value in values.items():
        text = str(value)
        if text in secrets or _HIDDEN.search(name):
            text = "***"
        yield f"{name} = {text if len(text) <= _MAX_VALUE else f'{text[:_MAX_VALUE]}…'}"


def _line(title: str, items: Collection[str] | Iterator[str]) -> Iterator[str]:
    found = ", ".join(items)
    if found:
        yield f"{title}: {found}."
