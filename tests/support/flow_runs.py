"""Run whole data flows of packages that the builder makes, from text files to rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.data_flow.taps import RowsSink
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.builder.components import Component, Output
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.document import read_dts_package
from tests.support.engine import Context, Said, task_context, task_of

Rows = list[tuple[Any, ...]]


@dataclass
class FlowResult:
    """What a run of a data flow has done.

    :param rows: the rows of each tapped destination or path.
    :param failure: why it failed; None for success.
    """

    context: Context
    sinks: dict[str, RowsSink]
    failure: TaskFailure | None

    @property
    def rows(self) -> dict[str, Rows]:
        return {name: list(sink.rows) for name, sink in self.sinks.items()}

    @property
    def errors(self) -> list[Said]:
        return [said for said in self.context.said if said.event == "error"]


@dataclass
class FlowTest:
    """A package with one data flow, under construction.

    :param folder: where its files are.
    :param change: changes the XML of the package, for what the builder does not write.
    """

    folder: Path
    package: PackageBuilder = field(default_factory=lambda: ProjectBuilder("Test").add_package("Test"))
    flow: DataFlowBuilder = field(init=False)
    names: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    change: Callable[[str], str] = str

    def __post_init__(self) -> None:
        self.flow = self.package.add_data_flow("Load")

    def file(self, name: str, columns: Sequence[FlatFileColumn], **options: Any) -> ConnectionManagerBuilder:
        """Add a connection manager of a text file, by default without names and with LF."""
        chosen: dict[str, Any] = {"header": False, "row_delimiter": "\n", **options}
        return self.package.connection_managers.add_flat_file(name, str(self.folder / f"{name}.txt"), columns, **chosen)

    def source(
        self,
        name: str,
        content: str | bytes,
        columns: Sequence[FlatFileColumn],
        *,
        retain_nulls: bool = True,
        **options: Any,
    ) -> Component:
        """Write a text file and add the source that reads it."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / f"{name}.txt").write_bytes(data)
        return self.flow.add_flat_file_source(name, self.file(name, columns, **options), retain_nulls=retain_nulls)

    def rows_of(self, name: str, output: Output) -> None:
        """Collect the rows of an output under a name."""
        self.flow.add_datareader_destination(name, output)
        self.names.append(name)

    def prepared(self, *, options: RunOptions | None = None) -> tuple[Context, dict[str, RowsSink]]:
        """The context of the task, with taps."""
        sinks = {name: RowsSink() for name in self.names}
        changed = self.change(self.package.to_bytes().decode("utf-8-sig"))
        package = read_dts_package(changed.encode(), self.package.part)
        path = package.container.children[0].path
        taps = tuple(DataTap(path, name, lambda _path, sink=sink: sink) for name, sink in sinks.items())  # type: ignore[misc]
        chosen = options or RunOptions()
        context = task_context(package, options=RunOptions(chosen.scripts, temp_folder=chosen.temp_folder, taps=taps))
        context.variables.update(self.variables)
        return context, sinks

    def run(self, *, options: RunOptions | None = None) -> FlowResult:
        """Run the data flow."""
        context, sinks = self.prepared(options=options)
        task = task_of(context)
        refused = list(task.refusals(context.options))
        assert not refused, "\n".join(map(str, refused))
        failure = None
        try:
            task.validate(context)
            task.run(context)
        except TaskFailure as error:
            failure = error
        finally:
            context.opened.close()
        return FlowResult(context, sinks, failure)

    def refusals(self) -> list[str]:
        """What the engine refuses."""
        context, _ = self.prepared()
        return [str(refusal) for refusal in task_of(context).refusals(context.options)]


def text(name: str, length: int = 50) -> FlatFileColumn:
    """A column of text."""
    return FlatFileColumn(name, "DT_WSTR", length)


def integer(name: str) -> FlatFileColumn:
    """A column of whole numbers."""
    return FlatFileColumn(name, "DT_I4")
