"""Prepares and runs the package of a run and its child packages."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.open_connections import OpenConnections
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.connections.replacements import Replacement, is_whole
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.control_flow.checkpoints import DELETED, RESTARTED, Checkpoint, open_checkpoint
from airflow_provider_ssis.engine.control_flow.connection_values import secrets_of_replacement
from airflow_provider_ssis.engine.control_flow.connections import resolver
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation
from airflow_provider_ssis.engine.control_flow.event_raising import Sink
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.package_runs import Note, PackageRun
from airflow_provider_ssis.engine.control_flow.preflight.package_refusals import check
from airflow_provider_ssis.engine.control_flow.prepared_transactions import prepared_refusals
from airflow_provider_ssis.engine.control_flow.properties.configurations import Configurations
from airflow_provider_ssis.engine.control_flow.properties.preparing import package_property
from airflow_provider_ssis.engine.control_flow.properties.property_paths import set_connection_property
from airflow_provider_ssis.engine.control_flow.real import RealExecutor
from airflow_provider_ssis.engine.control_flow.task_context import WalkContext
from airflow_provider_ssis.engine.control_flow.threads import in_thread
from airflow_provider_ssis.engine.control_flow.transactions import Transactions
from airflow_provider_ssis.engine.control_flow.variables.parameters import (
    NOT_LOADED,
    SENSITIVE,
    check_assignments,
    given_names,
    given_parameters,
    missing_parameters,
    of_child,
    overridden_parameters,
    parameter_values,
    sensitive_parameters,
)
from airflow_provider_ssis.engine.control_flow.walk import Walk
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.engine.loading import LoadedProject, LoadError, load_project
from airflow_provider_ssis.engine.refusals import Refusal, UnsupportedError
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask

DEEPEST_PACKAGES: Final = 64
_VERBOSE: Final = 3
_MAXIMUM: Final = ("At most {} tasks run at the same time (MaxConcurrentExecutables).", 0x40016052)
_CHOSEN_MAXIMUM: Final = ("At most {} tasks run at the same time: the number of processors plus 2.", 0x40016051)
_ROOT: Final = "\\Package"
_NOT_ALL: Final = "The engine does not support all parts of it:"
_SECRET: Final = re.compile(r"password|pwd|secret", re.IGNORECASE)


class PackageRunner:
    """Runs a package and its child packages with real tasks.

    :param project: the project of the package.
    :param sink: gets the events.
    :param secrets: what must not appear in events.
    :param cancel: cancels the run.
    :param options: the options of the user.
    :param paths: maps paths of Windows.
    :param replacements: the values with which the user replaces connection managers.
    :param now: the clock.
    :param password: the password of child packages in other files. Default: None.
    """

    def __init__(
        self,
        project: LoadedProject,
        *,
        sink: Sink,
        secrets: Secrets,
        cancel: CancelToken,
        options: RunOptions,
        paths: PathMap,
        replacements: Mapping[str, Replacement],
        now: Callable[[], datetime],
        password: str | None = None,
    ) -> None:
        self._project = project
        self._sink = sink
        self._secrets = secrets
        self._cancel = cancel
        self._options = options
        self._paths = paths
        self._replacements = replacements
        for replacement in replacements.values():
            for secret in secrets_of_replacement(replacement):
                secrets.add(secret)
        self._now = now
        self._password = password
        self._checked: set[tuple[str, str, frozenset[str]]] = set()
        self._given: frozenset[str] = frozenset()

    def prepared(
        self,
        file: str,
        parameters: Mapping[str, Any],
        overrides: Mapping[str, Any],
        *,
        project: LoadedProject | None = None,
        project_values: Mapping[str, Any] | None = None,
        parent: Frame | None = None,
    ) -> PackageRun:
        """Return the run of a package before it starts: loaded, with parameters and settings.

        :param file: the file name of the package.
        :param parameters: values of parameters by name.
        :param overrides: values by property path.
        :param project: that of the package. Default: that of the run.
        :param project_values: values of the project's parameters by full name, for a child package. Default: none.
        :param parent: the Execute Package task of a child package. Default: none.
        :raises LoadError: there is no such parameter or property, or a required parameter has no value.
        :raises UnsupportedError: with these values, a transaction has several connections, or an executable that is
            stored disabled runs and has unsupported parts.
        :raises ProjectError: the file cannot be read as a package.
        """
        project = project or self._project
        package = project.package(file)
        given, connections = given_parameters(project, file, package, parameters)
        given = {**(project_values or {}), **given}
        missing = missing_parameters(project, package, given)
        if missing:
            raise LoadError(
                f"{file} requires a value for the parameter {', '.join(missing)}. Set it when you run the package."
            )
        if parent is None:
            self._given = given_names(project, package, [*parameters, *overridden_parameters(overrides)])
        values = parameter_values(project, package, given, self._secrets)
        run = PackageRun(file, package, project, values, self._now())
        evaluation = Evaluation(self._now)
        run.connections = OpenConnections(
            resolver(
                Frame(package.container, run, _ROOT, None),
                evaluation,
                self._secrets,
                replaced={name.lower() for name, given in self._replacements.items() if is_whole(given)},
            ),
            paths=self._paths,
            replacements=self._replacements,
            cancel=self._cancel,
        )
        if parent is not None and parent.package.project is project:
            # A project has its connection managers once, so that a child package sees the values that were set.
            for manager in project.connection_managers:
                if found := parent.package.settings.connections.get(manager.id.upper()):
                    run.settings.connections[manager.id.upper()] = dict(found)
        for name, value in connections.items():
            set_connection_property(run, name, value)
        run.notes += Configurations(run, evaluation, self._secrets).apply(self._public(overrides), parent)
        refusals = [*prepared_refusals(run, evaluation), *self._enabled_refusals(run, parameters)]
        if refusals and parent is None:
            raise UnsupportedError(refusals)
        if refusals:
            raise LoadError(f"{_NOT_ALL} {' '.join(map(str, refusals))}")
        for name in sensitive_parameters(project, package):
            self._secrets.add(run.parameters[name][1])
        for provider in package.log_providers:
            text = f"The log provider {provider.name} is not supported and writes nothing. Use the events of the run."
            run.notes.append(Note(text, 0))
        return run

    def _enabled_refusals(self, run: PackageRun, parameters: Mapping[str, Any]) -> Iterator[Refusal]:
        """Yield the unsupported parts of executables that are stored disabled and that a configuration enables."""
        disabled = {
            f"{path}.Properties[Disable]": value
            for path, values in run.settings.executables.items()
            for name, value in values.items()
            if name.lower() in ("disable", "disabled")
        }
        if disabled:
            found = check(
                run.project,
                run.file,
                self._options,
                replacements=list(self._replacements),
                parameters=parameters,
                overrides=disabled,
                is_child=True,
            )
            yield from (one for one in found if not one.needs_value)

    def _public(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return property overrides without the mark of sensitive values, which must not appear in events."""
        found: dict[str, Any] = {}
        for path, value in overrides.items():
            if path.startswith(SENSITIVE) or _SECRET.search(path):
                self._secrets.add(value)
            found[path.removeprefix(SENSITIVE)] = value
        return found

    def variables(self, run: PackageRun) -> dict[str, Any]:
        """Return the values of a package's variables after its run; those of expressions as they are now."""
        view = Evaluation(self._now).view(Frame(run.package.container, run, _ROOT, None))
        found: dict[str, Any] = {}
        for name, variable in run.variables_of(run.package.container).items():
            try:
                found[name] = view.read(name)
            except TaskFailure:
                found[name] = variable.value  # its expression has no value
        return found

    async def run(self, run: PackageRun, *, validate_only: bool = False, warn_as_error: bool = False) -> Result:
        """Run a package to its end, on the running event loop.

        :param validate_only: end after the validation. Default: False.
        :param warn_as_error: a warning of the validation fails the package. Default: False.
        """
        loop = asyncio.get_running_loop()
        cancelled = asyncio.Event()

        def cancel() -> None:
            with suppress(RuntimeError):  # the run has ended
                loop.call_soon_threadsafe(cancelled.set)

        def executor(walk: Walk) -> RealExecutor:
            transactions = Transactions(walk.events, self._cancel)

            def context(frame: Frame) -> TaskContext:
                return WalkContext(
                    frame,
                    loop,
                    self._cancel,
                    walk.events,
                    walk.evaluation,
                    transactions.connections(frame),
                    self._options,
                    lambda parent, name, values: self._run_child(walk, parent, name, values),
                )

            return RealExecutor(
                context, walk.evaluation, cancelled, transactions, walk.events, self._options.injections
            )

        walk = Walk(self._sink, self._now, self._secrets, self._cancel, executor)
        frame = Frame(run.package.container, run, _ROOT, None)
        result = Result.CANCELED
        try:
            with self._cancel.interrupts(cancel):
                result = await self._run_package(walk, frame, validate_only=validate_only, warn_as_error=warn_as_error)
        except Cancelled:
            pass
        except BaseException:
            self._cancel.cancel()  # an interrupted program, or an error of the caller's function: the threads end
            raise
        return result

    async def _run_package(
        self, walk: Walk, frame: Frame, *, validate_only: bool = False, warn_as_error: bool = False
    ) -> Result:
        run = frame.package
        if validate_only and run.connections is not None:
            run.connections.fail_at_once()
        try:
            for note in run.notes:
                say = walk.events.warning if note.is_warning else walk.events.information
                await say(frame, note.text, note.code)
            walk.events.warnings = 0  # only those of the validation can fail the package
            try:
                stored = run.package.max_concurrent_executables
                most = package_property(walk.evaluation, frame, "MaxConcurrentExecutables", stored)
                slots = _concurrent(most)
                run.slots = asyncio.Semaphore(slots)
                if self._options.logging_level >= _VERBOSE:
                    text, code = _MAXIMUM if most > 0 else _CHOSEN_MAXIMUM
                    walk.events.write(EventName.DIAGNOSTIC, frame, text.format(slots), code)
                checkpoint = None if validate_only else self._checkpoint(walk, frame)
            except TaskFailure as error:
                await walk.events.error(frame, error)
                return Result.FAILURE
            if checkpoint is None:
                return await walk.run_package(frame, validate_only=validate_only, warn_as_error=warn_as_error)
            return await self._with_checkpoint(walk, frame, checkpoint, warn_as_error=warn_as_error)
        finally:
            if run.connections is not None:
                run.connections.close()

    def _checkpoint(self, walk: Walk, frame: Frame) -> Checkpoint | None:
        package = frame.package.package
        saves = package_property(walk.evaluation, frame, "SaveCheckpoints", package.save_checkpoints)
        if not saves:
            return None
        name = package_property(walk.evaluation, frame, "CheckpointFileName", package.checkpoint_file_name)
        usage = package_property(walk.evaluation, frame, "CheckpointUsage", package.checkpoint_usage)
        return open_checkpoint(frame, name, usage)

    async def _with_checkpoint(
        self, walk: Walk, frame: Frame, checkpoint: Checkpoint, *, warn_as_error: bool
    ) -> Result:
        walk.checkpoints[frame.package] = checkpoint
        try:
            if checkpoint.is_restart:
                text = f"The package is started again from the checkpoint file {checkpoint.path}."
                await walk.events.information(frame, text, RESTARTED)
            result = await walk.run_package(frame, warn_as_error=warn_as_error)
            why = ""
            if result in (Result.SUCCESS, Result.COMPLETION):
                why = "the package has succeeded"
            elif result is Result.FAILURE and frame.start is not None and not checkpoint.restart_points:
                why = "no executable that failed has FailPackageOnFailure, so the next run begins at the start"
            if why and checkpoint.delete():
                await walk.events.information(
                    frame, f"The checkpoint file {checkpoint.path} is deleted: {why}.", DELETED
                )
            return result
        except TaskFailure as error:
            await walk.events.error(frame, error)
            return Result.FAILURE
        finally:
            checkpoint.close()

    async def _run_child(self, walk: Walk, parent: Frame, name: str, parameters: Mapping[str, Any]) -> None:
        packages = [frame for frame in parent.outwards() if frame.container.kind is ExecutableKind.PACKAGE]
        if len(packages) >= DEEPEST_PACKAGES:
            text = f"The package {name} cannot be run: {DEEPEST_PACKAGES} packages are nested, which is the limit."
            raise TaskFailure(text, NOT_LOADED)
        try:
            project, file = self._find(parent.package.project, name)
            if any((one.package.project.source, one.package.file) == (project.source, file) for one in packages):
                text = f"The package {name} is running already, as a parent of this task. A package cannot run itself."
                raise TaskFailure(text, NOT_LOADED)
            is_same = project is parent.package.project
            shared = {key: value for key, (_, value) in parent.package.parameters.items() if key.startswith("$Project")}
            self._check(project, file, of_child(self._given if project is self._project else (), parameters))
            self._check_assignments(parent, project, file)
            values = shared if is_same else None
            run = await in_thread(
                name,
                lambda: self.prepared(file, parameters, {}, project=project, project_values=values, parent=parent),
            )
        except (LoadError, ProjectError) as error:
            raise TaskFailure(f"The package {name} cannot be loaded. {error}", NOT_LOADED) from None
        run.server_execution_id = parent.package.server_execution_id
        result = await self._run_package(walk, parent.package_inside(run, run.package.container))
        if result is Result.CANCELED:
            raise Cancelled
        if result is Result.FAILURE:
            raise ChildFailed

    @staticmethod
    def _check_assignments(parent: Frame, project: LoadedProject, file: str) -> None:
        task = parent.package.data_of(parent.container)
        if isinstance(task, ExecutePackageTask) and task.assignments:
            check_assignments(
                file,
                [(one.parameter, one.source) for one in task.assignments],
                sensitive_parameters(parent.package.project, parent.package.package),
                {one.name: one.sensitive for one in project.package(file).parameters},
            )

    def _check(self, project: LoadedProject, file: str, given: frozenset[str]) -> None:
        """Check a child package that was not known before the run.

        :param given: the values that it gets.
        :raises LoadError: the engine does not support all of it.
        """
        if (project.source, file, given) in self._checked:
            return
        self._checked.add((project.source, file, given))
        refusals = check(
            project,
            file,
            self._options,
            replacements=tuple(self._replacements),
            parameters=dict.fromkeys(given),
            is_child=True,
        )
        if refusals:
            raise LoadError(f"{_NOT_ALL} {' '.join(map(str, refusals))}")

    def _find(self, project: LoadedProject, name: str) -> tuple[LoadedProject, str]:
        """Return a package of the project, or the package in a file.

        :raises LoadError: there is no such package.
        """
        if os.sep in name:
            found = load_project(Path(name), password=self._password)
            return found, found.file_name(Path(name).name)
        return project, project.file_name(name)


class ChildFailed(TaskFailure):
    """A child package failed. It has raised its errors, which the parent's handlers have handled."""

    def __init__(self) -> None:
        super().__init__("")


def _concurrent(stored: int) -> int:
    """Return how many tasks run at the same time; -1 is the number of processors plus 2."""
    if stored == -1:
        return (os.cpu_count() or 1) + 2
    if stored < 1:
        raise TaskFailure(f"MaxConcurrentExecutables is {stored}. Set it to -1, or to 1 or more.")
    return stored
