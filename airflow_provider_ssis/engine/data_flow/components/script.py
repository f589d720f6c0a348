"""Script component: a Python function that replaces the .NET script, which cannot run here.

The function is called once, with a :class:`ScriptRows`. It reads record batches from ``inputs``, whose columns are the
columns that the component lists, by name, and yields record batches for the outputs. A source has no input, a
destination yields nothing::

    def clean(rows):
        for batch in rows.input:
            yield batch.set_column(1, "Name", pc.utf8_trim_whitespace(batch["Name"]))

For a synchronous output it yields one batch for each batch that it read, with the same number of rows; columns that
the component does not list pass by it. Facts: data flow, section 3.6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.connections.connection import Connections
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.conversions.text_lengths import fitted
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import text_of
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import ComponentInput, ComponentOutput

_MOST_DIGITS = 38
SCRIPT_FAILED = 0xC0047062
"""DTS_E_USERCOMPONENTEXCEPTION."""


@dataclass(frozen=True, slots=True)
class Directed:
    """Rows of a synchronous component with several outputs, each row for one of them.

    :param batch: the rows, one for each row that was read.
    :param outputs: for each row the name of its output; None drops the row.
    """

    batch: pa.RecordBatch
    outputs: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class ScriptRows:
    """The argument of the function of a Script component.

    :param name: the name of the component.
    :param inputs: the record batches that arrive, by the name of the input.
    :param connections: the connection managers of the run.
    :param connection_ids: the connection managers of the component, by the names that the script uses.
    """

    name: str
    inputs: Mapping[str, Iterator[pa.RecordBatch]]
    connections: Connections
    connection_ids: Mapping[str, str]
    _context: TaskContext
    _readable: frozenset[str]
    _writable: frozenset[str]

    @property
    def input(self) -> Iterator[pa.RecordBatch]:
        """The record batches of the only input.

        :raises ValueError: the component has no input, or several.
        """
        if len(self.inputs) != 1:
            raise ValueError(f"{self.name} has {len(self.inputs)} inputs: {', '.join(self.inputs)}")
        return next(iter(self.inputs.values()))

    def read(self, variable: str) -> Any:
        """Return the value of a variable that the component lists.

        :raises KeyError: the component does not list it.
        """
        if _plain(variable) not in self._readable | self._writable:
            raise KeyError(f"{self.name} does not list the variable {variable}")
        return self._context.read(variable)

    def write(self, variable: str, value: Any) -> None:
        """Change a variable that the component lists as ReadWriteVariables.

        :raises KeyError: the component does not list it there.
        """
        if _plain(variable) not in self._writable:
            raise KeyError(f"{self.name} does not list the variable {variable} as ReadWriteVariables")
        self._context.write(variable, value)


class Script(FlowComponent):
    """Calls the Python function."""

    classes: ClassVar[tuple[str, ...]] = ("ScriptComponent",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._waiting: dict[str, deque[pa.RecordBatch]] = {one.key: deque() for one in plan.stored.inputs}
        self._context: TaskContext | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Refuse a script that no function replaces, and a mixture of synchronous and asynchronous outputs."""
        if plan.path not in plan.options.scripts:
            yield Refusal(
                plan.path,
                "the Script component",
                "a script of .NET cannot run here",
                f"Replace it with a Python function: run_package(..., scripts={{{plan.path!r}: function}}).",
            )
        kinds = {bool(one.synchronous_input_key) for one in plan.stored.outputs}
        if len(kinds) > 1:
            yield Refusal(
                plan.path,
                "the Script component",
                "it has synchronous and asynchronous outputs",
                "Make all outputs asynchronous.",
            )

    def open(self, context: TaskContext) -> None:
        """Keep the context, with which the function reads variables."""
        self._context = context

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Call the function, and check what it yields."""
        assert self._context is not None  # noqa: S101 open was called
        stored = {one.key: one for one in self.plan.stored.inputs}
        properties = self.plan.stored.properties
        script = ScriptRows(
            self.plan.stored.name,
            {stored[key].name: self._read(stored[key], batches) for key, batches in inputs.items()},
            self._context.connections,
            {one.name: one.manager_id for one in self.plan.stored.connections},
            self._context,
            _listed(text_of(properties, "ReadOnlyVariables")),
            _listed(text_of(properties, "ReadWriteVariables")),
        )
        function = self._context.options.scripts[self.plan.path]
        try:
            yielded = function(script)
            for item in yielded if yielded is not None else ():
                yield from self._checked(item)
        except (TaskFailure, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 the function is the user's and can raise anything, or exit
            self._context.cancel.check()
            self._fail(f"raised {type(error).__name__}: {error}", error)
        for batches in inputs.values():  # what the function did not read
            for _ in batches:
                if self._is_synchronous:
                    self._fail("ended before it had read all rows of its input")
        if any(self._waiting.values()) and self._is_synchronous:
            self._fail("did not yield one batch for each batch that it read")

    @property
    def _is_synchronous(self) -> bool:
        return any(one.synchronous_input_key for one in self.plan.stored.outputs)

    def _read(self, one: ComponentInput, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schema = self.plan.inputs[one.key]
        listed = [
            (column.lineage_id, column.name or schema.by_lineage[column.lineage_id].name) for column in one.columns
        ]
        names = [name for _, name in listed]
        for batch in batches:
            if self._is_synchronous:
                self._waiting[one.key].append(batch)
            else:
                self.counts.rows = (self.counts.rows or 0) + batch.num_rows if not self.plan.stored.outputs else None
            yield pa.RecordBatch.from_arrays([batch.column(lineage_id) for lineage_id, _ in listed], names)

    def _checked(self, item: Any) -> Iterator[Emitted]:
        outputs = {one.name: one for one in self.plan.stored.outputs}
        if self._is_synchronous:
            yield from self._synchronous(item, outputs)
            return
        name, batch = item if isinstance(item, tuple) else (None, item)
        if name is None and len(outputs) == 1:
            name = next(iter(outputs))
        if name not in outputs:
            self._fail(f"yielded rows for the output {name!r}. Yield a name and a batch; outputs: {', '.join(outputs)}")
        output = outputs[name]
        schema = self.plan.outputs[output.key]
        made = self._own_columns(batch, output, {})
        rows = pa.RecordBatch.from_arrays([made[each.lineage_id] for each in schema.columns], schema=schema.arrow)
        if output.key in self.plan.attached:
            for start in range(0, rows.num_rows, self.plan.buffer_rows):
                yield output.key, rows.slice(start, self.plan.buffer_rows)

    def _synchronous(self, item: Any, outputs: Mapping[str, ComponentOutput]) -> Iterator[Emitted]:
        directed = item if isinstance(item, Directed) else None
        batch = directed.batch if directed is not None else item
        input_key = next(one.synchronous_input_key for one in outputs.values())
        if not self._waiting[input_key]:
            self._fail("yielded more batches than it read. Yield one batch for each batch")
        arrived = self._waiting[input_key].popleft()
        if not isinstance(batch, pa.RecordBatch):
            self._fail(f"yielded a {type(batch).__name__}. Yield record batches of pyarrow")
        if batch.num_rows != arrived.num_rows:
            self._fail(f"yielded {batch.num_rows} rows for a batch of {arrived.num_rows}")
        groups = {one.exclusion_group for one in outputs.values()}
        if directed is None and len(outputs) > 1 and groups != {0}:
            self._fail("has several outputs. Yield Directed(batch, outputs), with the name of the output of each row")
        if directed is not None:
            chosen = np.array(directed.outputs, object)
            if len(chosen) != arrived.num_rows:
                self._fail(f"directed {len(chosen)} of {arrived.num_rows} rows")
            if unknown := {str(one) for one in chosen if one is not None and one not in outputs}:
                self._fail(f"directed rows to the unknown output {min(unknown)}; outputs: {', '.join(outputs)}")
        changed = self._changed_columns(input_key, batch)
        every = {column.name for one in outputs.values() for column in one.columns}
        for output in outputs.values():
            schema = self.plan.outputs[output.key]
            made = self._own_columns(batch, output, changed, every)
            columns = [
                made[each.lineage_id] if each.lineage_id in made else arrived.column(each.lineage_id)
                for each in schema.columns
            ]
            rows = pa.RecordBatch.from_arrays(columns, schema=schema.arrow)
            if directed is not None:
                rows = rows.filter(pa.array(chosen == output.name))
            if output.key in self.plan.attached and rows.num_rows:
                yield output.key, rows

    def _changed_columns(self, input_key: str, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns that the component may change, by lineage id, as the function returned them."""
        stored = next(one for one in self.plan.stored.inputs if one.key == input_key)
        known = self.plan.inputs[input_key]
        found = {}
        for column in stored.columns:
            arriving = known.by_lineage[column.lineage_id]
            name = column.name or arriving.name
            if column.usage == "readWrite" and name in batch.schema.names:
                found[column.lineage_id] = self._converted(batch.column(name), name, RowSchema((arriving,)))
        return found

    def _own_columns(
        self,
        batch: Any,
        output: ComponentOutput,
        changed: Mapping[str, pa.Array],
        other_names: set[str] | None = None,
    ) -> dict[str, pa.Array]:
        if not isinstance(batch, pa.RecordBatch):
            self._fail(f"yielded a {type(batch).__name__}. Yield record batches of pyarrow")
        known = self.plan.outputs[output.key].by_lineage
        made = dict(changed)
        names = {column.name for column in output.columns}
        if other_names is None and (extra := set(batch.schema.names) - names):
            self._fail(f"yielded the column {min(extra)}, which the output {output.name} does not have")
        for column in output.columns:
            if column.name not in batch.schema.names:
                self._fail(f"yielded rows without the column {column.name} of the output {output.name}")
            own = RowSchema((known[column.lineage_id],))
            made[column.lineage_id] = self._converted(batch.column(column.name), column.name, own)
        return made

    def _converted(self, values: pa.Array, name: str, schema: RowSchema) -> pa.Array:
        type_, wanted = schema.columns[0].type, schema.arrow.field(0).type
        try:
            if _is_text(values.type) != _is_text(wanted) and not pa.types.is_null(values.type):
                raise pa.ArrowInvalid("text is not converted")
            array = values if values.type == wanted else pc.cast(values, wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            self._fail(f"yielded the column {name} of type {values.type} for a column of type {type_}: {error}", error)
        if _exceeds_precision(array, type_):
            self._fail(
                f"yielded values with more than the {type_.precision} digits of the column {name} of type {type_}"
            )
        _, too_long = fitted(array, type_)
        if too_long is not None:
            self._fail(f"yielded values that are longer than the {type_.length} of the column {name} of type {type_}")
        return array

    def _fail(self, text: str, cause: BaseException | None = None) -> NoReturn:
        raise TaskFailure(
            f"The function that replaces the script {self.plan.stored.name} {text}.",
            SCRIPT_FAILED,
            subcomponent=self.plan.subcomponent,
        ) from cause


def _exceeds_precision(values: pa.Array, type_: ColumnType) -> bool:
    if type_.code is not DataTypeCode.DT_NUMERIC or type_.precision >= _MOST_DIGITS:
        return False
    limit = pa.scalar(Decimal(10) ** (type_.precision - type_.scale), pa.decimal128(_MOST_DIGITS, type_.scale))
    return bool(pc.any(pc.greater_equal(pc.abs(values), limit)).as_py())


def _plain(variable: str) -> str:
    return variable.strip().removeprefix("User::")


def _listed(text: str) -> frozenset[str]:
    return frozenset(_plain(one) for one in text.split(",") if one.strip())


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
