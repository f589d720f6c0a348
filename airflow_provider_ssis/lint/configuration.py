"""The configuration of checks: the table ``[tool.airflow-ssis.lint]`` of pyproject.toml, or a separate file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_ssis.lint.findings import Severity

_TABLE = ("tool", "airflow-ssis", "lint")
_NAMES = ("package", "task", "container", "variable", "parameter", "connection", "component")
TARGETS = (
    "sqlserver2016",
    "sqlserver2017",
    "sqlserver2019",
    "sqlserver2022",
    "sqlserver2025",
    "azure",
    "fabric",
    "linux",
    "engine",
)
"""The targets for which a project can be checked."""


class ConfigurationError(ValueError):
    """The configuration of the checks is not valid; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class LintConfiguration:
    """The configuration of the checks.

    :param select: ids of rules, or their first characters. Default: empty, all rules.
    :param ignore: ids of rules, or their first characters, that are not checked.
    :param severities: severities by rule id that replace those of the rules.
    :param per_file: rules that are not checked, by the name of a file with wildcards.
    :param target: one of :data:`TARGETS`. Default: None, none.
    :param event_handlers: the event handlers that each package must have: ``OnError``.
    :param names: regular expressions that names must match, by kind of object: ``package``, ``task``, ``container``,
        ``variable``, ``parameter``, ``connection``, ``component``.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    per_file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target: str | None = None
    event_handlers: tuple[str, ...] = ()
    names: Mapping[str, re.Pattern[str]] = field(default_factory=dict)


def find_configuration(source: Path) -> Path | None:
    """Return the pyproject.toml or airflow-ssis.toml that applies to a source: the nearest one upwards.

    :param source: the file or folder to check.
    """
    # Path.resolve raises RuntimeError for a loop of links before Python 3.13.
    start = Path(os.path.realpath(source))
    for folder in (start, *start.parents):
        own = folder / "airflow-ssis.toml"
        if own.is_file():
            return own
        shared = folder / "pyproject.toml"
        if shared.is_file() and _table_of(_load(shared)) is not None:
            return shared
    return None


def read_configuration(path: Path) -> LintConfiguration:
    """Read a configuration.

    :param path: a pyproject.toml with the table ``[tool.airflow-ssis.lint]``, or a file with only its keys.
    :raises ConfigurationError: the file cannot be read, or a key or value is not valid.
    """
    data = _load(path)
    table = _table_of(data)
    if table is None:
        table = {} if path.name == "pyproject.toml" else data
    known = {"select", "ignore", "severity", "per-file-ignores", "target", "require-event-handlers", "names"}
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{path}: the key {key!r} is unknown. Known keys: {', '.join(sorted(known))}")
    target = table.get("target")
    if target is not None and target not in TARGETS:
        raise ConfigurationError(f"{path}: target is {target!r}. Known targets: {', '.join(TARGETS)}")
    return LintConfiguration(
        select=_texts(path, table, "select"),
        ignore=_texts(path, table, "ignore"),
        severities={key: _severity(path, key, value) for key, value in _mapping(path, table, "severity").items()},
        per_file={
            pattern: _texts(path, {pattern: rules}, pattern)
            for pattern, rules in _mapping(path, table, "per-file-ignores").items()
        },
        target=target,
        event_handlers=_texts(path, table, "require-event-handlers"),
        names={kind: _pattern(path, kind, text) for kind, text in _mapping(path, table, "names").items()},
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from None


def _table_of(data: Mapping[str, Any]) -> dict[str, Any] | None:
    table: Any = data
    for key in _TABLE:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def _texts(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigurationError(f"{path}: {key} must be a list of texts")
    return tuple(found)


def _mapping(path: Path, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: {key} must be a table")
    return found


def _severity(path: Path, key: str, value: object) -> Severity:
    try:
        return Severity[str(value).upper()]
    except KeyError:
        raise ConfigurationError(f"{path}: severity.{key} must be error, warning or info") from None


def _pattern(path: Path, kind: str, text: object) -> re.Pattern[str]:
    if kind not in _NAMES:
        raise ConfigurationError(f"{path}: names.{kind} is unknown. Known kinds: {', '.join(_NAMES)}")
    if not isinstance(text, str):
        raise ConfigurationError(f"{path}: names.{kind} must be a text")
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigurationError(f"{path}: names.{kind} is not a regular expression: {error}") from None
