"""The Execute Process task."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.command_line import split_arguments
from airflow_provider_ssis.engine.tasks.guarded_process import GuardedProcess
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.tasks import ExecuteProcessTask

_NO_FILE = 0xC0029153
_NOT_IN_PATH = 0xC0029154
_MAY_BE_MISSING = 0x80029185
_STEP = 0.5
"""Seconds between two checks whether the run was cancelled while other processes keep the output open."""


class ProcessTask(Task):
    """Starts a program and waits for its end.

    The program and the processes that it started are killed when the run is cancelled, and when the engine ends.
    """

    data: ExecuteProcessTask

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield redirections that are impossible."""
        if self._redirects and self.data.timeout and not self.data.terminate_after_timeout:
            yield Refusal(
                self.container.path,
                "the redirected input or output",
                "the process may live longer than the task (0xC002914B)",
                "Set TerminateProcessAfterTimeOut to True.",
            )

    @property
    def _redirects(self) -> bool:
        data = self.data
        names = (data.standard_input_variable, data.standard_output_variable, data.standard_error_variable)
        return any(names)

    def validate(self, context: TaskContext) -> None:
        """Check the program, the folder and the variables.

        Without RequireFullFileName, a program that is missing is a warning: another task may install it.
        """
        try:
            self._program(context)
        except TaskFailure as error:
            if self.data.require_full_file_name or error.code not in (_NO_FILE, _NOT_IN_PATH):
                raise
            context.warning(error.text, _MAY_BE_MISSING)
        self._folder(context)
        for name in (
            self.data.standard_input_variable,
            self.data.standard_output_variable,
            self.data.standard_error_variable,
        ):
            if name and context.type_of(name) not in ("String", "Object"):
                raise TaskFailure(f"The variable {name} for the input or output of the process is not a String.")

    def run(self, context: TaskContext) -> int:
        """Run the program.

        :returns: its exit code.
        """
        command = [self._program(context), *split_arguments(self.data.arguments)]
        given = None
        if self.data.standard_input_variable:
            given = str(context.read(self.data.standard_input_variable) or "").encode()
        code, output, errors = self._ended(context, command, given)
        for name, text, failed in (
            (self.data.standard_output_variable, output, 0xC002914E),
            (self.data.standard_error_variable, errors, 0xC002914F),
        ):
            if name:
                shown = text.decode(errors="replace")
                if shown.encode() != text:
                    context.warning(
                        f"The output for {name} is not UTF-8. Some of its characters are replaced by \ufffd.", 0
                    )
                try:
                    context.write(name, shown)
                except TaskFailure as error:
                    raise TaskFailure(f"The output cannot be written to {name}.", failed, causes=[error]) from None
        if code != self.data.success_value and self.data.fail_on_other_return_code:
            raise TaskFailure(
                f"The process {command[0]} ended with the exit code {code}; {self.data.success_value} means success."
                " Read its output (StandardErrorVariable).",
                0xC0029151,
            )
        return code

    def _ended(self, context: TaskContext, command: list[str], given: bytes | None) -> tuple[int, bytes, bytes]:
        def redirected(name: str) -> int:
            return subprocess.PIPE if name else subprocess.DEVNULL

        data = self.data
        pipes = (
            redirected(data.standard_input_variable),
            redirected(data.standard_output_variable),
            redirected(data.standard_error_variable),
        )
        try:
            process = GuardedProcess(command, self._folder(context), pipes)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise TaskFailure(f"The program {command[0]} cannot be started: {reason}.", _NO_FILE) from None
        try:
            with context.cancel.interrupts(process.kill):
                return self._communicate(context, process, given)
        except subprocess.TimeoutExpired:
            fate = "It was left running (TerminateProcessAfterTimeOut)"
            if data.terminate_after_timeout:
                fate = "It was ended"
            raise TaskFailure(
                f"The process {command[0]} did not end within {data.timeout} seconds (TimeOut). {fate}.",
                0xC002914C,
            ) from None
        finally:
            process.close()

    def _communicate(
        self, context: TaskContext, process: GuardedProcess, given: bytes | None
    ) -> tuple[int, bytes, bytes]:
        end = time.monotonic() + self.data.timeout if self.data.timeout else None
        while True:
            step = _STEP if end is None else min(_STEP, max(end - time.monotonic(), 0))
            try:
                output, errors = process.communicate(given, step)
            except subprocess.TimeoutExpired:
                given = None
                context.cancel.check()
                if end is not None and time.monotonic() >= end:
                    if not self.data.terminate_after_timeout:
                        process.release()
                    raise
            else:
                return process.exit_code(), output, errors

    def _program(self, context: TaskContext) -> str:
        name = self.data.executable.strip().strip('"')
        if not name:
            raise TaskFailure("The task names no program. Set the property Executable.", 0xC002914D)
        path = context.connections.path(name)
        if path.parent == Path():
            found = shutil.which(path.name)
            if found is None:
                raise TaskFailure(
                    f"The program {name} is not in the search path (PATH) of this machine. Install it, or map it to "
                    f"another program: --map-path '{name}=/usr/bin/program'.",
                    _NOT_IN_PATH,
                )
            return found
        if not path.is_file():
            raise TaskFailure(f"The program {path} does not exist.{hint_of_case(path)}", _NO_FILE)
        return str(path)

    def _folder(self, context: TaskContext) -> Path | None:
        if not self.data.working_directory.strip():
            return None
        folder = context.connections.path(self.data.working_directory)
        if not folder.is_dir():
            raise TaskFailure(f"The working folder {folder} does not exist.{hint_of_case(folder)}", 0xC0029156)
        return folder
