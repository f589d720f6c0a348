"""Run a component of a data flow alone, on given rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
from lxml import etree

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import RunConnection, Shared
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.data_flow.component import (
    ComponentPlan,
    Emitted,
    FlowComponent,
    FlowPart,
    RowComponent,
)
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type
from airflow_provider_ssis.project.package.data_flow import read_pipeline

if TYPE_CHECKING:
    import pyodbc

I4 = ColumnType(DataTypeCode.DT_I4)
I8 = ColumnType(DataTypeCode.DT_I8)
R8 = ColumnType(DataTypeCode.DT_R8)
WSTR = ColumnType(DataTypeCode.DT_WSTR, 50)


def rows_of(**types: ColumnType) -> RowSchema:
    """Return a schema whose columns have their names as lineage ids."""
    return RowSchema(tuple(RowColumn(name, name, type_, "Source") for name, type_ in types.items()))


def batch_of(schema: RowSchema, *rows: Sequence[Any]) -> pa.RecordBatch:
    """Return rows as a record batch."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema.columns)
    arrays = [pa.array(values, one.type) for values, one in zip(columns, schema.arrow, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.arrow)


def plan_of(
    xml: str,
    inputs: Mapping[str, RowSchema],
    *,
    unattached: Sequence[str] = (),
    buffer_rows: int = 1000,
    locale_id: int = 1033,
) -> ComponentPlan:
    """Return the plan of the component that an XML text describes.

    :param inputs: the rows that arrive at each input.
    :param unattached: the outputs from which no path leads.
    """
    pipeline = f"<pipeline version='1'><components>{xml}</components></pipeline>"
    stored = read_pipeline(etree.fromstring(pipeline), "p.dtsx").components[0]
    outputs = {}
    numbers = {column.lineage_id: 100 + i for schema in inputs.values() for i, column in enumerate(schema.columns)}
    for output in stored.outputs:
        own = [RowColumn(one.lineage_id, one.name, column_type(one.data_type), stored.name) for one in output.columns]
        before = inputs.get(output.synchronous_input_key, RowSchema(()))
        outputs[output.key] = before.with_columns(own)
        numbers |= {column.lineage_id: 200 + i for i, column in enumerate(own)}
    attached = frozenset(outputs) - set(unattached)
    path = f"\\P\\F\\{stored.name}"
    return ComponentPlan(stored, path, inputs, outputs, attached, numbers, locale_id, buffer_rows, number=7)


@dataclass
class AloneContext:
    """The context of a task that consists of one component.

    :param connection: the open connection that all connection managers return. Default: none.
    :param variables: the variables by name.
    :param messages: the messages that were raised, as kind, code and text.
    """

    connection: Any = None
    options: RunOptions = field(default_factory=RunOptions)
    variables: dict[str, Any] = field(default_factory=dict)
    cancel: CancelToken = field(default_factory=CancelToken)
    messages: list[tuple[str, int, str]] = field(default_factory=list)
    locale_id: int = 1033

    @property
    def connections(self) -> AloneContext:
        return self

    def get(self, reference: str) -> RunConnection:
        return RunConnection(reference, reference, "OLEDB", "OLEDB", "", {"Retain": "True"})

    def shared(self, reference: str, make: Callable[[], Shared]) -> Shared:
        return make()

    def odbc_string(self, reference: str) -> str:
        return ""

    @contextmanager
    def odbc(self, reference: str) -> Iterator[pyodbc.Connection]:
        yield self.connection

    def read(self, name: str) -> Any:
        return self.variables[name]

    def write(self, name: str, value: Any) -> None:
        self.variables[name] = value

    def information(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        self.messages.append(("information", code, text))

    def warning(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        self.messages.append(("warning", code, text))

    def codes(self, kind: str) -> list[int]:
        """The codes of the messages of a kind."""
        return [code for each, code, _ in self.messages if each == kind]


def run_component(
    part: FlowPart, inputs: Mapping[str, Sequence[pa.RecordBatch]], context: AloneContext | None = None
) -> dict[str, pa.Table]:
    """Run a component and return the rows of each output.

    Checks that each batch has the schema of its output.
    """
    task = cast(TaskContext, context or AloneContext())
    part.validate(task)
    collected: dict[str, list[pa.RecordBatch]] = defaultdict(list)
    failed = True
    try:
        part.open(task)
        for key, batch in _emitted(part, inputs):
            assert batch.schema.equals(part.plan.outputs[key].arrow)
            assert batch.num_rows <= part.plan.buffer_rows or isinstance(part, RowComponent)
            batch.validate(full=True)
            collected[key].append(batch)
        failed = False
    finally:
        part.close(failed=failed)
    return {
        key: pa.Table.from_batches(collected[key], schema.arrow)
        for key, schema in part.plan.outputs.items()
        if key in part.plan.attached
    }


def _emitted(part: FlowPart, inputs: Mapping[str, Sequence[pa.RecordBatch]]) -> Iterator[Emitted]:
    if isinstance(part, FlowComponent):
        yield from part.rows({key: iter(batches) for key, batches in inputs.items()})
        return
    assert isinstance(part, RowComponent)
    for key, batches in inputs.items():
        for batch in batches:
            yield from part.process(key, batch)
    yield from part.finish()


def tuples(table: pa.Table | pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Return the rows of a table."""
    return [tuple(row.values()) for row in table.to_pylist()]
