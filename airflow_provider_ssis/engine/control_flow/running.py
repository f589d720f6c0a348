"""Runs a package of a project on this machine."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.connections.replacements import Replacement
from airflow_provider_ssis.engine.context import RunOptions, Script
from airflow_provider_ssis.engine.control_flow.package_running import PackageRunner
from airflow_provider_ssis.engine.control_flow.preflight.package_refusals import check
from airflow_provider_ssis.engine.events import Event, ExecutableEnded, Message, Result, RowsSent, RowsWritten
from airflow_provider_ssis.engine.loading import LoadedProject, LoadError, load_project
from airflow_provider_ssis.engine.refusals import UnsupportedError
from airflow_provider_ssis.engine.secrets import Secrets

EXIT_CODES: Final = {Result.SUCCESS: 0, Result.COMPLETION: 0, Result.FAILURE: 1, Result.CANCELED: 3}
"""The exit codes of dtexec."""


@dataclass(frozen=True, slots=True)
class RowCount:
    """The rows that a path of a data flow sent, or that a destination wrote.

    :param task: the path of the Data Flow task.
    :param name: the id of the path, or the name of the destination.
    """

    task: str
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    :param status: its result.
    :param messages: its messages, in their order.
    :param statistics: each iteration of each executable that ended.
    :param row_counts: the rows of each path and of each destination.
    :param duration: in seconds.
    :param variables: the values of the package's variables at the end, by name with namespace. Not part of the
        ``repr``.
    """

    status: Result
    messages: tuple[Message, ...] = field(repr=False)
    statistics: tuple[ExecutableEnded, ...] = field(repr=False)
    row_counts: tuple[RowCount, ...]
    duration: float
    variables: Mapping[str, Any] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the package succeeded."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """The exit code of dtexec: 0 success, 1 failure, 3 canceled."""
        return EXIT_CODES[self.status]


def run_package(
    source: Path | str | bytes | LoadedProject,
    package: str | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    property_overrides: Mapping[str, Any] | None = None,
    connections: Mapping[str, Replacement] | None = None,
    path_map: Mapping[str, str] | Iterable[str] = (),
    scripts: Mapping[str, Script] | None = None,
    logging_level: int = 1,
    password: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    cancel: CancelToken | None = None,
    options: RunOptions | None = None,
    secret_texts: Iterable[str] = (),
    validate_only: bool = False,
    warn_as_error: bool = False,
) -> RunResult:
    r"""Run a package on this machine, and return when it ended.

    :param source: a package (.dtsx), project file (.ispac), .dtproj or folder, the content of a project file, or the
        result of :func:`~airflow_provider_ssis.engine.loading.load_project`.
    :param package: the package to run, with or without ``.dtsx``. Default: None, the only one.
    :param parameters: values by name: ``Region``, ``$Package::Region``, ``$Project::Server``, or
        ``CM.Sales.ServerName`` for a property of a connection manager. Default: the design defaults.
    :param property_overrides: values by property path, as ``/SET`` of dtexec has them:
        ``\Package\Load.Properties[Disable]``. Property expressions take precedence. Default: none.
    :param connections: replacements of connection managers, by name: a connection string, or values of its keys. They
        take precedence over property expressions. Default: nothing.
    :param path_map: the folders of this machine for folders of Windows: ``{"C:\\data": "/data"}`` or
        ``["C:\\data=/data"]``. Default: none.
    :param scripts: Python functions that replace scripts, by the path of the task. Default: none.
    :param logging_level: 0 None, 1 Basic, 2 Performance, 3 Verbose. Default: 1.
    :param password: the password that protects the project or package. Default: None.
    :param on_event: is called with each event, in their order, in the thread of the run; it must return quickly.
        Its error cancels the run, and is raised.
    :param cancel: cancels the run from another thread. Default: None.
    :param options: more options. ``scripts`` and ``logging_level`` of it are not used. Default: theirs.
    :param secret_texts: texts that no event may contain, in addition to the package's sensitive values. Default: none.
    :param validate_only: end after the validation, as ``/Validate`` of dtexec: connections are opened, but nothing is
        executed. Default: False.
    :param warn_as_error: a warning of the validation fails the package, as with ``/WarnAsError`` of dtexec. Default:
        False.
    :raises UnsupportedError: the package contains parts that the engine does not support. Nothing was run.
    :raises LoadError: there is no such package, parameter or property, or a connection is neither text nor a mapping.
    :raises ProjectError: a file cannot be read.
    """
    for name, given in (connections or {}).items():
        if not isinstance(given, str | Mapping):
            kind = f"connections[{name!r}] is of the Python type {type(given).__name__}."
            raise LoadError(f"{kind} Give a connection string, or a mapping of its keys.")
    project = source if isinstance(source, LoadedProject) else load_project(source, password=password)
    run_options = replace(options or RunOptions(), scripts=dict(scripts or {}), logging_level=logging_level)
    token = cancel or CancelToken()
    collected = _Collected(on_event, token)
    secrets = Secrets()
    for text in secret_texts:
        secrets.add(text)
    runner = PackageRunner(
        project,
        sink=collected.add,
        secrets=secrets,
        cancel=token,
        options=run_options,
        paths=_path_map(path_map),
        replacements=dict(connections or {}),
        now=_now,
        password=password,
    )
    file = project.file_name(package)
    refusals = check(
        project,
        file,
        run_options,
        replacements=tuple(connections or {}),
        parameters=parameters or {},
        overrides=property_overrides or {},
    )
    if refusals:
        raise UnsupportedError(refusals)
    run = runner.prepared(file, parameters or {}, property_overrides or {})
    began = _now()
    status = _run(lambda: runner.run(run, validate_only=validate_only, warn_as_error=warn_as_error))
    if collected.failure is not None:
        raise collected.failure
    return RunResult(
        status=status,
        messages=tuple(collected.messages),
        statistics=tuple(collected.statistics),
        row_counts=collected.row_counts(),
        duration=(_now() - began).total_seconds(),
        variables=runner.variables(run),
    )


def _path_map(rules: Mapping[str, str] | Iterable[str]) -> PathMap:
    return PathMap(tuple(rules.items())) if isinstance(rules, Mapping) else PathMap.parse(rules)


class _Collected:
    """The events of a run, by kind.

    :param on_event: the caller's function. Its error cancels the run, and is raised when the run has ended.
    """

    def __init__(self, on_event: Callable[[Event], None] | None, cancel: CancelToken) -> None:
        self._on_event = on_event
        self._cancel = cancel
        self.failure: BaseException | None = None
        self.messages: list[Message] = []
        self.statistics: list[ExecutableEnded] = []
        self._rows: Counter[tuple[str, str]] = Counter()

    def add(self, event: Event) -> None:
        if isinstance(event, Message):
            self.messages.append(event)
        elif isinstance(event, ExecutableEnded):
            self.statistics.append(event)
        elif isinstance(event, RowsSent):
            self._rows[event.place.path, event.path_id] += event.rows
        elif isinstance(event, RowsWritten):
            self._rows[event.place.path, event.component] += event.rows
        if self._on_event is not None and self.failure is None:
            try:
                self._on_event(event)
            except BaseException as error:  # noqa: BLE001 run_package raises it
                self.failure = error
                self._cancel.cancel()

    def row_counts(self) -> tuple[RowCount, ...]:
        return tuple(RowCount(task, name, rows) for (task, name), rows in self._rows.items())


def _run(start: Callable[[], Any]) -> Result:
    """Run a coroutine to its end: in this thread, or in another one if this thread has a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        found: Result = asyncio.run(start())
        return found
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(asyncio.run(start()))
        except BaseException as error:  # noqa: BLE001 it is raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=work, name="run_package")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _now() -> datetime:
    return datetime.now().astimezone()
