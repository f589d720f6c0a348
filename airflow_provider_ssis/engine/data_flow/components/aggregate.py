"""Aggregate: groups rows, and counts, adds and compares their values; each output has its own groups.

Text is grouped linguistically, with NULL as one group; the group has the text of one of its rows. The order of groups
is not defined. The declared type of a column decides about its values. Facts: data flow, sections 2.5 and 3.18.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import IntEnum
from functools import cached_property
from typing import ClassVar, NoReturn

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import (
    DATES,
    INTEGERS,
    LARGE_OBJECTS,
    NUMBERS,
    REALS,
    TIMES,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.memory.work_database import Feed, WorkDatabase
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import KeyColumn, quoted
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import fits, number_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import arrow_type
from airflow_provider_ssis.expressions.number_types import scale_of
from airflow_provider_ssis.project.package.data_flow import ComponentOutput, OutputColumn

OVERFLOW = 0xC0209011
"""DTS_E_TXAGG_ARITHMETICOVERFLOW."""
_NO_INPUT, _OUTPUT_TYPE, _INPUT_TYPE, _TYPES_DIFFER = 0xC0208201, 0xC0208202, 0xC0208203, 0xC0208204
_FLAGS_OF_OPERATION, _FLAGS_OF_TYPE = 0xC02090CA, 0xC02090CB


class Operation(IntEnum):
    """The content of a column. Source: files, and Microsoft's EzAPI."""

    GROUP_BY = 0
    COUNT = 1
    COUNT_ALL = 2
    COUNT_DISTINCT = 3
    SUM = 4
    AVERAGE = 5
    MINIMUM = 6
    MAXIMUM = 7


_O = Operation
_HINTS = frozenset(("KeyScale", "Keys", "CountDistinctScale", "CountDistinctKeys", "AutoExtendFactor"))
"""Properties about the memory to reserve, which change nothing here."""
_DIGITS = Context(prec=80, rounding=ROUND_HALF_EVEN)
_COUNTS = (_O.COUNT, _O.COUNT_ALL, _O.COUNT_DISTINCT)
_SUMS = (_O.SUM, _O.AVERAGE)
_INPUT_TYPES: Mapping[Operation, frozenset[DataTypeCode]] = {
    _O.SUM: NUMBERS,
    _O.AVERAGE: NUMBERS,
    _O.MINIMUM: NUMBERS | DATES | TIMES,
    _O.MAXIMUM: NUMBERS | DATES | TIMES,
}


@dataclass(frozen=True, slots=True)
class _Result:
    """A column of an output.

    :param source: the column that is aggregated; None for ``COUNT_ALL``.
    """

    column: RowColumn
    operation: Operation
    source: KeyColumn | None


class Aggregate(FlowComponent):
    """Groups rows on DuckDB, which writes to disk what exceeds the memory."""

    classes = ("Aggregate",)
    parts: ClassVar[StoredParts] = StoredParts(
        {
            OUTPUT: frozenset({"KeyScale", "Keys"}),
            OUTPUT_COLUMN: frozenset(
                {
                    "AggregationColumnId",
                    "AggregationType",
                    "AggregationComparisonFlags",
                    "IsBig",
                    "CountDistinctScale",
                    "CountDistinctKeys",
                }
            ),
        }
    )
    keeps_rows = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._database: WorkDatabase | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this Aggregate."""
        yield from unknown_properties(
            plan, {"KeyScale", "Keys", "CountDistinctScale", "CountDistinctKeys", "AutoExtendFactor"}
        )
        for output in plan.stored.outputs:
            for column in output.columns:
                operation = number_of(column.properties, "AggregationType")
                if operation not in list(Operation):
                    why = f"the value {operation} of AggregationType is unknown"
                    yield Refusal(plan.path, f"the column {column.name}", why)
                    return
        for results in cls(plan)._results.values():
            for result in results:
                if result.source is not None and result.operation in (_O.GROUP_BY, _O.COUNT_DISTINCT):
                    yield from result.source.refusals(plan.path, plan.locale_id)

    def validate(self, context: TaskContext) -> None:
        """Check the types of all columns."""
        for output in self.plan.stored.outputs:
            for column, result in zip(output.columns, self._results[output.key], strict=True):
                self._check(column, result)

    def open(self, context: TaskContext) -> None:
        """Open the private database."""
        self._database = WorkDatabase(context.options, context.cancel, self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Read all rows, then yield the groups of each output."""
        assert self._database is not None  # noqa: S101 open was called
        input_key, batches = next(iter(inputs.items()))
        feed = Feed(batches, self.plan.inputs[input_key].arrow)
        outputs = [one for one in self.plan.stored.outputs if one.key in self.plan.attached]
        if len(outputs) == 1:
            yield from self._groups(self._database, outputs[0], {"arriving": feed})
            return
        self._database.execute("CREATE TABLE arriving AS SELECT * FROM stream", {"stream": feed})
        for output in outputs:
            yield from self._groups(self._database, output, {})

    def close(self, *, failed: bool) -> None:
        """Remove the private database."""
        if self._database is not None:
            self._database.close()

    def _groups(self, database: WorkDatabase, output: ComponentOutput, feeds: Mapping[str, Feed]) -> Iterator[Emitted]:
        results = self._results[output.key]
        schema = self.plan.outputs[output.key].arrow
        try:
            for batch in database.stream(_query(results, self.plan.locale_id), self.plan.buffer_rows, feeds):
                columns = iter(batch.columns)
                arrays = [self._values(result, columns) for result in results]
                yield output.key, pa.RecordBatch.from_arrays(arrays, schema=schema)
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            self._fail(f"overflows in a sum of the output {output.name}: {error}", OVERFLOW)

    def _values(self, result: _Result, columns: Iterator[pa.Array]) -> pa.Array:
        values = next(columns)
        type_ = result.column.type
        try:
            is_average = result.operation is _O.AVERAGE
            found = _quotients(values, next(columns), type_) if is_average else pc.cast(values, arrow_type(type_))
            if result.operation in _SUMS and not _is_finite(found):
                self._fail(f"overflows in the column {result.column.name} of type {type_}", OVERFLOW)
            return found
        except pa.ArrowInvalid:
            self._fail(
                f"has a value in the column {result.column.name} that does not fit its type {type_}. Set IsBig, or "
                "choose a wider type",
                OVERFLOW,
            )

    def _check(self, column: OutputColumn, result: _Result) -> None:
        flags = number_of(column.properties, "AggregationComparisonFlags")
        if flags and result.operation not in (_O.GROUP_BY, _O.COUNT_DISTINCT):
            self._fail(f"has comparison flags in the column {column.name}, which compares nothing", _FLAGS_OF_OPERATION)
        if result.source is None:
            if result.operation is not _O.COUNT_ALL:
                self._fail(f"has the column {column.name}, which belongs to no input column", _NO_INPUT)
            return
        source, type_ = result.source, result.column.type
        if flags and not source.is_text:
            self._fail(f"has comparison flags in the column {column.name}, which is not text", _FLAGS_OF_TYPE)
        if source.type.code in LARGE_OBJECTS and result.operation not in (_O.COUNT, _O.COUNT_ALL):
            self._fail(f"aggregates the column {source.name} of type {source.type}. Convert it before", _INPUT_TYPE)
        if source.type.code not in _INPUT_TYPES.get(result.operation, {source.type.code}):
            operation = result.operation.name.lower().replace("_", " ")
            self._fail(f"has no {operation} of the column {source.name} of type {source.type}", _INPUT_TYPE)
        if result.operation is _O.GROUP_BY and not fits(source.type, type_):
            self._fail(
                f"groups by the column {source.name} of type {source.type}, but the column {column.name} has the type "
                f"{type_}. Open Aggregate in Visual Studio and save it again",
                _TYPES_DIFFER,
            )
        if result.operation in (*_COUNTS, *_SUMS) and type_.code not in NUMBERS:
            self._fail(f"has the column {column.name} of type {type_}. It needs a number", _OUTPUT_TYPE)

    @cached_property
    def _results(self) -> dict[str, list[_Result]]:
        known = {column.lineage_id: column for schema in self.plan.inputs.values() for column in schema.columns}
        known |= {
            column.key: known[column.lineage_id]
            for one in self.plan.stored.inputs
            for column in one.columns
            if column.lineage_id in known
        }
        found: dict[str, list[_Result]] = {}
        for output in self.plan.stored.outputs:
            types = self.plan.outputs[output.key].by_lineage
            found[output.key] = []
            for column in output.columns:
                arriving = known.get(reference_of(column.properties, "AggregationColumnId"))
                flags = number_of(column.properties, "AggregationComparisonFlags")
                source = (
                    None if arriving is None else KeyColumn(arriving.lineage_id, arriving.name, arriving.type, flags)
                )
                operation = Operation(number_of(column.properties, "AggregationType"))
                found[output.key].append(_Result(types[column.lineage_id], operation, source))
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)


def _query(results: Sequence[_Result], locale_id: int) -> str:
    """The query of an output: a column for each result, and after each average the number of its values."""
    groups = [result.source for result in results if result.operation is _O.GROUP_BY and result.source is not None]
    has_distinct = any(result.operation is _O.COUNT_DISTINCT for result in results)
    if not has_distinct and any(group.is_text for group in groups):
        return _in_two_steps(results, groups, locale_id)
    columns = []
    for result in results:
        source = result.source
        if result.operation is _O.GROUP_BY and source is not None:
            columns.append(_representative(source, quoted(source.lineage_id), locale_id))
        elif result.operation is _O.COUNT_DISTINCT and source is not None:
            columns.append(f"count(DISTINCT {source.expression(locale_id)})")
        else:
            columns += _partial(result)
    return f"SELECT {_named(columns)} FROM arriving{_group_by(group.expression(locale_id) for group in groups)}"


def _in_two_steps(results: Sequence[_Result], groups: Sequence[KeyColumn], locale_id: int) -> str:
    """Group by the text itself first, so that the key of each text is computed once."""
    inner: list[str] = []
    outer: list[str] = []
    keys = []
    for result in results:
        name = f"c{len(inner)}"
        if result.operation is _O.GROUP_BY and result.source is not None:
            inner.append(quoted(result.source.lineage_id))
            outer.append(_representative(result.source, name, locale_id))
            keys.append(result.source.expression(locale_id, name))
            continue
        for part in _partial(result):
            name = f"c{len(inner)}"
            inner.append(part)
            if result.operation in (_O.MINIMUM, _O.MAXIMUM):
                outer.append(f"{result.operation.name[:3].lower()}({name})")
            else:
                outer.append(f"sum({name}){'::BIGINT' if part.startswith('count') else ''}")
    plain = _group_by(quoted(group.lineage_id) for group in groups)
    return f"SELECT {_named(outer)} FROM (SELECT {_named(inner)} FROM arriving{plain}){_group_by(keys)}"


def _representative(key: KeyColumn, value: str, locale_id: int) -> str:
    """The expression for the value of a group: one of its values, where equal keys may have different ones."""
    return value if key.expression(locale_id, value) == value else f"first({value})"


def _partial(result: _Result) -> list[str]:
    """The expressions of a result over the rows of a group."""
    if result.source is None or result.operation is _O.COUNT_ALL:
        return ["count(*)"]
    value = quoted(result.source.lineage_id)
    if result.operation is _O.COUNT:
        return [f"count({value})"]
    if result.operation in (_O.MINIMUM, _O.MAXIMUM):
        return [f"{result.operation.name[:3].lower()}({value})"]
    code = result.source.type.code
    total = f"sum({value}::DOUBLE)" if code in REALS else f"sum({value})"
    if code in INTEGERS:
        total = f"sum({value})::DECIMAL(38, 0)"
    return [total, f"count({value})"] if result.operation is _O.AVERAGE else [total]


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f"{column} AS c{index}" for index, column in enumerate(columns))


def _group_by(expressions: Iterator[str] | Sequence[str]) -> str:
    listed = ", ".join(expressions)
    return f" GROUP BY {listed}" if listed else ""


def _is_finite(values: pa.Array) -> bool:
    """Whether no sum exceeds the range of real numbers. DuckDB and Arrow make such sums infinite."""
    if not pa.types.is_floating(values.type):
        return True
    return bool(pc.all(pc.is_finite(values), min_count=0).as_py())


def _quotients(totals: pa.Array, counts: pa.Array, type_: ColumnType) -> pa.Array:
    """The averages: exact for decimals, rounded half to even."""
    counts = pc.if_else(pc.equal(counts, 0), pa.scalar(None, counts.type), counts)
    if type_.code in REALS:
        divisors = pc.cast(counts, pa.float64())
        return pc.divide(pc.cast(totals, pa.float64(), safe=False), divisors).cast(arrow_type(type_))
    scale = scale_of(type_)
    unit = Decimal(1).scaleb(-scale)
    values = [
        None
        if total is None or count is None
        else _DIGITS.divide(Decimal(total), count).quantize(unit, context=_DIGITS)
        for total, count in zip(totals.to_pylist(), counts.to_pylist(), strict=True)
    ]
    return pc.cast(pa.array(values, pa.decimal128(38, scale)), arrow_type(type_))
