"""How a component of a data flow takes part in a run.

The run-time compiles each stored component to one of two kinds. A :class:`RowComponent` is synchronous: it gets a
batch and returns the batches of its outputs at once, in the thread that gave the batch. A :class:`FlowComponent` has a
thread: it reads its inputs, each a bounded queue, and yields the batches of its outputs; a source has no input.

A component reports errors of rows with :mod:`airflow_provider_ssis.engine.data_flow.row_errors`, which applies the
dispositions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import StoredParts
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import Component, ComponentOutput


@dataclass(frozen=True, slots=True)
class ComponentPlan:
    """A component of a package with everything that is known before the run.

    :param stored: the component as the package stores it.
    :param path: its path: that of the task, and the name of the component.
    :param inputs: the schema of the rows that arrive at each input, by the key of the input; an input without a path is
        absent.
    :param outputs: the schema of the rows that leave each output, by the key of the output. A synchronous output has
        the columns of its input, then those that it adds.
    :param attached: the keys of the outputs from which a path leads.
    :param numbers: the number of each column by lineage id, for the column ErrorColumn.
    :param locale_id: the locale of the component, after inheritance.
    :param buffer_rows: the most rows of a batch.
    :param number: the number of the component in messages. Default: 0.
    :param options: the options of the run, such as the functions that replace scripts. Default: nothing.
    """

    stored: Component
    path: str
    inputs: Mapping[str, RowSchema]
    outputs: Mapping[str, RowSchema]
    attached: frozenset[str]
    numbers: Mapping[str, int]
    locale_id: int
    buffer_rows: int
    number: int = 0
    options: RunOptions = field(default_factory=RunOptions)

    @property
    def subcomponent(self) -> str:
        """The component as messages name it: ``Lookup currency [41]``."""
        return f"{self.stored.name} [{self.number}]"

    @property
    def main_output(self) -> ComponentOutput:
        """The first output that is not an error output."""
        return next(output for output in self.stored.outputs if not output.is_error_output)

    @property
    def error_output(self) -> ComponentOutput | None:
        """The error output; None if there is none."""
        return next((output for output in self.stored.outputs if output.is_error_output), None)

    def text(self, name: str, default: str = "") -> str:
        """Return the text of a property of the component.

        :param default: for a property that is absent or has no value.
        """
        found = self.stored.properties.get(name)
        return default if found is None or found.data_type == "System.Null" else found.text


Emitted = tuple[str, pa.RecordBatch]
"""The key of an output, and rows for it."""


@dataclass(slots=True)
class ComponentCounts:
    """The counters of a component.

    :param rows: rows that a destination accepted; None for a component that writes nothing.
    """

    rows: int | None = None
    details: dict[str, int] = field(default_factory=dict)


class FlowPart(ABC):
    """A component in a data flow.

    :param plan: the component.
    """

    classes: ClassVar[tuple[str, ...]]
    """The component classes, as :func:`airflow_provider_ssis.project.type_names.component_class` returns them."""

    parts: ClassVar[StoredParts] = StoredParts()
    """The properties and dispositions of inputs, outputs and columns that it knows; others are refused."""

    keeps_rows: ClassVar[bool] = False
    """Whether it keeps many rows in memory. Such components share the memory of the data flow."""

    def __init__(self, plan: ComponentPlan) -> None:
        self.plan = plan
        self.counts = ComponentCounts()

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this component. Nothing is opened."""
        return iter(())

    def validate(self, context: TaskContext) -> None:  # noqa: B027 most components need none
        """Check the component before the run, such as its external columns.

        :raises TaskFailure: the task cannot run.
        """

    def open(self, context: TaskContext) -> None:  # noqa: B027 most components need none
        """Prepare for the run (the phase PreExecute): open files and connections, fill caches.

        :raises TaskFailure: the task fails.
        """

    def close(self, *, failed: bool) -> None:  # noqa: B027 most components need none
        """Release everything; is called once after :meth:`open` was called, also after an error (Cleanup).

        :param failed: whether the data flow failed or was cancelled: incomplete work is rolled back or left
            as Integration Services would leave it.
        """


class RowComponent(FlowPart):
    """A synchronous component: transformations that keep the order of rows, and destinations.

    It works in the thread that pushes the rows, or in a thread behind a queue if ``has_thread`` is set.
    """

    has_thread: ClassVar[bool] = False
    """Whether it works in a separate thread, so that the components before it continue meanwhile: for destinations."""

    @abstractmethod
    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Process a batch; returns the batches of the outputs, each of the schema of its output.

        :raises TaskFailure: the data flow fails.
        """

    def finish(self) -> Iterable[Emitted]:
        """Process the end of the rows: commit, write variables; returns the last batches."""
        return ()


class FlowComponent(FlowPart):
    """An asynchronous component: sources, and transformations with separate buffers."""

    @abstractmethod
    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the batches of the outputs until the end.

        :param inputs: the batches that arrive, by the key of the input; reading waits for the next one.
        :raises TaskFailure: the data flow fails.
        """
