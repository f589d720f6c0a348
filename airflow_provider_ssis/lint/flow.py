"""A data flow, with indexes that several rules share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Place
from airflow_provider_ssis.project.package.data_flow import Component, ComponentOutput, OutputColumn, Pipeline


@dataclass(frozen=True)
class Flow:
    """A data flow.

    :param file: the file name of the package.
    :param executable: the Data Flow task.
    :param pipeline: its data.
    """

    file: str
    executable: Executable
    pipeline: Pipeline

    @cached_property
    def columns(self) -> Mapping[str, tuple[Component, ComponentOutput, OutputColumn]]:
        """The output columns by lineage id."""
        return {
            column.lineage_id or column.key: (component, output, column)
            for component in self.pipeline.components
            for output in component.outputs
            for column in output.columns
        }

    @cached_property
    def used(self) -> frozenset[str]:
        """The lineage ids of the columns that a component reads."""
        return frozenset(
            column.lineage_id
            for component in self.pipeline.components
            for one in component.inputs
            for column in one.columns
            if column.usage != "ignored"
        )

    @cached_property
    def starts(self) -> frozenset[str]:
        """The keys of the outputs from which a path leads."""
        return frozenset(path.output_key for path in self.pipeline.paths)

    @cached_property
    def upstream(self) -> Mapping[str, ComponentOutput]:
        """The outputs by the key of the input to which their path leads."""
        outputs = {output.key: output for component in self.pipeline.components for output in component.outputs}
        return {path.input_key: outputs[path.output_key] for path in self.pipeline.paths if path.output_key in outputs}

    def place(self, component: Component) -> Place:
        """Return the place of a component."""
        return Place(self.file, component.element.sourceline, f"{self.executable.container.path}\\{component.name}")
