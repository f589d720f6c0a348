"""Sources and destinations that Python functions replace, so that a test gives and gets the rows of a package.

A function gets the same object as that of a Script component. A function for a source returns or yields rows:
record batches, tables, or lists of mappings from column names to values. A function for a destination reads
``rows.input``, whose columns have the names of the destination's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.components.script import Script, ScriptRows
from airflow_provider_ssis.engine.errors import EngineError, TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import as_column
from airflow_provider_ssis.expressions.values import from_python
from airflow_provider_ssis.project.package.data_flow import Component

_FAILED = 0xC0047062
"""DTS_E_USERCOMPONENTEXCEPTION."""


def replacement(stored: Component) -> type[FlowComponent] | None:
    """Return the class of a component that a function replaces; None for a transformation, which none can replace.

    :param stored: the component.
    """
    if not stored.inputs:
        return ReplacedSource
    return ReplacedDestination if all(output.is_error_output for output in stored.outputs) else None


class ReplacedSource(Script):
    """Yields the rows of the function to the main output. The error output gets none."""

    classes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Refuse nothing: the properties of the source are not used."""
        return iter(())

    def _checked(self, item: Any) -> Iterator[Emitted]:
        output = self.plan.main_output
        for batch in self._batches(item):
            yield from super()._checked((output.name, batch))

    def _batches(self, item: Any) -> Iterator[pa.RecordBatch]:
        if isinstance(item, pa.Table):
            yield from item.to_batches()
        elif isinstance(item, Mapping):
            yield self._of_mappings([item])
        elif isinstance(item, list):
            yield self._of_mappings(item)
        else:
            yield item

    def _of_mappings(self, rows: list[Mapping[str, Any]]) -> pa.RecordBatch:
        known = self.plan.outputs[self.plan.main_output.key].by_lineage
        columns = {column.name: known[column.lineage_id].type for column in self.plan.main_output.columns}
        for row in rows:
            for name in row:
                if name not in columns:
                    self._fail(f"gave the column {name}, which the source does not have: {', '.join(columns)}")
        arrays = []
        for name, type_ in columns.items():
            try:
                values = [from_python(row.get(name), type_) for row in rows]
            except ValueError as error:
                self._fail(f"gave a value of the column {name} that is not a valid {type_}: {error}")
            arrays.append(as_column(values, type_))
        return pa.RecordBatch.from_arrays(arrays, list(columns))


class ReplacedDestination(FlowComponent):
    """Gives the rows of its input to the function."""

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0
        self._context: TaskContext | None = None

    def open(self, context: TaskContext) -> None:
        """Keep the context."""
        self._context = context

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Call the function, and count the rows that it does not read too."""
        assert self._context is not None  # noqa: S101 open was called
        batches = self._named(inputs)
        nothing: frozenset[str] = frozenset()
        name = self.plan.stored.inputs[0].name
        rows = ScriptRows(
            self.plan.stored.name, {name: batches}, self._context.connections, {}, self._context, nothing, nothing
        )
        try:
            self._context.options.scripts[self.plan.path](rows)
        except EngineError:
            raise
        except Exception as error:
            raise TaskFailure(
                f"The function that replaces {self.plan.stored.name} raised {type(error).__name__}: {error}",
                _FAILED,
                subcomponent=self.plan.subcomponent,
            ) from error
        for _ in batches:
            pass
        yield from ()

    def _named(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
        for stored in self.plan.stored.inputs:
            schema = self.plan.inputs.get(stored.key)
            if schema is None:
                continue
            external = {column.key: column.name for column in stored.external_columns}
            names, lineage_ids = [], []
            for column in stored.columns:
                own = column.name or schema.by_lineage[column.lineage_id].name
                names.append(external.get(column.external_key, own))
                lineage_ids.append(column.lineage_id)
            for batch in inputs[stored.key]:
                self.counts.rows = (self.counts.rows or 0) + batch.num_rows
                yield pa.RecordBatch.from_arrays([batch.column(one) for one in lineage_ids], names)
