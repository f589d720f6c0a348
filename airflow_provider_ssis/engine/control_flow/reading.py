"""Running a package and reading the rows of one of its data flows meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.control_flow.running import RunResult, run_package
from airflow_provider_ssis.engine.data_flow.plan import plan_data_flow
from airflow_provider_ssis.engine.data_flow.taps import StreamSink
from airflow_provider_ssis.engine.errors import EngineError
from airflow_provider_ssis.engine.events import EventName
from airflow_provider_ssis.engine.loading import LoadedProject, load_project
from airflow_provider_ssis.project.package.data_flow import Pipeline


class OutputError(EngineError):
    """The rows of a package cannot be read: the package failed, or it has no such output."""


class _Rows(StreamSink):
    """The rows of all runs of a task: in a loop, the stream does not end with the first iteration."""

    def end(self, *, failed: bool) -> None:
        """The run of the task ended, and maybe not the last one."""

    def finish(self) -> None:
        """The package ended."""
        super().end(failed=False)


class OutputStream:
    """The rows of an output of a package that runs: a stream of Arrow record batches with the names of the columns.

    The data flow waits until its rows are read. Closing the stream before its end cancels the run. All libraries that
    read Arrow streams can use it: ``pyarrow.RecordBatchReader.from_stream(stream)``, ``duckdb``, ``polars``.
    """

    def __init__(self, start: Any) -> None:
        self._known = threading.Event()
        self._schema: pa.Schema | None = None
        self._sink = _Rows(schema_known=self._schema_is)
        self._cancel = CancelToken()
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(start,), name="read_output", daemon=True)
        self._thread.start()

    def _schema_is(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._known.set()

    def _run(self, start: Any) -> None:
        try:
            self._result = start(self._sink, self._cancel)
        except BaseException as error:  # noqa: BLE001 it is raised again in the thread that reads
            self._error = error
        finally:
            self._sink.finish()
            self._known.set()

    @property
    def schema(self) -> pa.Schema:
        """The columns; waits until the data flow has started.

        :raises OutputError: the package ended before.
        """
        self._known.wait()
        if self._schema is None:
            self._thread.join()
            self._check()
            raise OutputError("The package ended, and the data flow with this output did not run.")
        return self._schema

    @property
    def result(self) -> RunResult | None:
        """How the run ended; None before its end."""
        return self._result

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows until the package ends.

        :raises OutputError: the package failed.
        """
        yield from self._sink.read()
        self._thread.join()
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self._result is not None and not self._result.succeeded:
            errors = [message.text for message in self._result.messages if message.name is EventName.ERROR]
            raise OutputError("\n".join(["The package failed.", *errors]))

    def read_all(self) -> pa.Table:
        """Read all rows.

        :raises OutputError: the package failed.
        """
        schema = self.schema
        return pa.Table.from_batches(list(self), schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the stream for other libraries."""
        reader = pa.RecordBatchReader.from_batches(self.schema, iter(self))
        return reader.__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Stop: the run is cancelled if it has not ended."""
        if self._thread.is_alive():
            self._cancel.cancel()
            self._sink.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the stream."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the stream."""
        self.close()


def read_output(
    source: Path | str | bytes | LoadedProject,
    output: str,
    package: str | None = None,
    *,
    task: str | None = None,
    password: str | None = None,
    options: RunOptions | None = None,
    **arguments: Any,
) -> OutputStream:
    r"""Run a package and return the rows of one of its outputs as an Arrow stream.

    :param source: as for :func:`~airflow_provider_ssis.engine.control_flow.running.run_package`.
    :param output: the name of a destination, such as a DataReader Destination, or the id of a path:
        ``Paths[Lookup.Lookup Match Output]``.
    :param package: the package to run. Default: None, the only one.
    :param task: the path of the Data Flow task: ``\Package\Load``. Default: None, the only one with the output.
    :param password: as for ``run_package``. Default: None.
    :param options: as for ``run_package``. Default: none.
    :param arguments: further arguments of ``run_package``.
    :raises OutputError: no Data Flow task has the output, or several have.
    :raises LoadError: as for ``run_package``.
    """
    project = source if isinstance(source, LoadedProject) else load_project(source, password=password)
    path = _task_with(project, package, output, task)

    def start(sink: StreamSink, cancel: CancelToken) -> RunResult:
        tap = DataTap(path, output, lambda _path: sink)
        given = options or RunOptions()
        chosen = replace(given, taps=(*given.taps, tap))
        return run_package(project, package, cancel=cancel, options=chosen, **arguments)

    return OutputStream(start)


def _task_with(project: LoadedProject, package: str | None, output: str, task: str | None) -> str:
    found = project.package(project.file_name(package))
    outputs: dict[str, set[str]] = {}
    for container in found.container.walk_enabled():
        data = container.data()
        if isinstance(data, Pipeline):
            paths = plan_data_flow(data, container.path, 1033, (output,)).paths
            outputs[container.path] = {path.id for path in paths} | {path.target.stored.name for path in paths}
    having = [path for path, names in outputs.items() if output in names and task in (None, path)]
    if len(having) == 1:
        return having[0]
    if having:
        raise OutputError(
            f"Several Data Flow tasks have the output {output}: {', '.join(having)}. Choose one with task."
        )
    known = sorted({name for names in outputs.values() for name in names})
    raise OutputError(f"No Data Flow task has the output {output}. Outputs: {', '.join(known) or 'none'}.")
