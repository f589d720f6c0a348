"""The process that runs a package: ``python -m airflow_provider_ssis.engine.process.child``.

It reads one line with a :class:`~airflow_provider_ssis.engine.process.job.RunJob` from its standard input, writes a
line for each event to its standard output, and a last line with the result. It cancels the run on SIGTERM, on a further
line, and when its standard input ends: then the process that started it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TextIO

from airflow_provider_ssis import engine
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.errors import EngineError
from airflow_provider_ssis.engine.process.event_lines import to_line
from airflow_provider_ssis.engine.process.job import RunJob
from airflow_provider_ssis.engine.refusals import UnsupportedError
from airflow_provider_ssis.project.errors import ProjectError

_SECONDS_AFTER_PARENT = 10.0
"""How long a cancelled run may take to end after the process that started it has ended."""


def main() -> int:
    """Run the job of the standard input; returns the exit code of dtexec."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What scripts print must not mix with the events.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = _own_commands()
    job = RunJob.from_json(commands.readline())
    sys.path += [folder for folder in job.import_folders if folder not in sys.path]
    cancel = CancelToken()
    signal.signal(signal.SIGTERM, lambda number, frame: _in_thread(cancel.cancel))
    _in_thread(lambda: _cancel_without_parent(commands, cancel))

    ended = _run(job, cancel, lambda event: _write(out, to_line(event)))
    _write(out, json.dumps(ended))
    return int(ended["exit_code"])


def _write(out: TextIO, line: str) -> None:
    try:
        out.write(f"{line}\n")
        out.flush()
    except BrokenPipeError:
        # The process that started this one has ended, so the run cancels itself. Its further output is discarded.
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), out.fileno())


def _own_commands() -> IO[str]:
    """Return the standard input, and let scripts and their programs read an empty one instead."""
    commands = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return commands


def _run(job: RunJob, cancel: CancelToken, write: Any) -> dict[str, Any]:
    try:
        result = engine.run_package(
            job.source,
            job.package,
            parameters=job.parameters,
            property_overrides=job.property_overrides,
            connections=job.connections,
            path_map=job.path_map,
            scripts={path: load_function(name) for path, name in job.scripts.items()},
            secret_texts=job.secret_texts,
            password=job.password,
            logging_level=job.logging_level,
            options=RunOptions(injections=job.injections, taps=_taps(job)),
            on_event=write,
            cancel=cancel,
        )
    except UnsupportedError as error:
        refusals = [str(refusal) for refusal in error.refusals]
        return {"event": "result", "status": "refused", "exit_code": 5, "error": str(error), "refusals": refusals}
    except (EngineError, ProjectError, OSError) as error:
        return {"event": "result", "status": "not_loaded", "exit_code": 5, "error": str(error), "refusals": []}
    return {
        "event": "result",
        "status": result.status.name.lower(),
        "exit_code": int(result.exit_code),
        "error": None,
        "refusals": [],
    }


def _taps(job: RunJob) -> tuple[DataTap, ...]:
    if not job.taps:
        return ()
    from airflow_provider_ssis.engine.data_flow.tap_files import FilesOfTap

    return tuple(
        DataTap(tap.task, tap.path_id, FilesOfTap(Path(tap.file), replaces=False), tap.max_rows) for tap in job.taps
    )


def load_function(name: str) -> Any:
    """Return the function that replaces a script.

    :param name: ``module:function``.
    :raises EngineError: there is no such module or function, or the module cannot be imported.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise EngineError(f"The script {name!r} is not written as module:function.")
    try:
        found = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        advice = "Put it into the current folder, or its folder into PYTHONPATH."
        raise EngineError(f"The script {name!r} cannot be imported: {error}. {advice}") from None
    except (ImportError, AttributeError) as error:
        raise EngineError(f"The script {name!r} cannot be imported: {error}.") from None
    except Exception as error:
        # The module is the user's: it can raise anything.
        raise EngineError(f"The script {name!r} cannot be imported: {type(error).__name__}: {error}.") from error
    if not callable(found):
        raise EngineError(f"The script {name!r} is not a function.")
    return found


def _cancel_without_parent(commands: IO[str], cancel: CancelToken) -> None:
    is_alive = bool(commands.readline())
    cancel.cancel()
    while is_alive:
        is_alive = bool(commands.readline())
    threading.Timer(_SECONDS_AFTER_PARENT, lambda: os._exit(1)).start()


def _in_thread(function: Any) -> None:
    threading.Thread(target=function, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
