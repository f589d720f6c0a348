"""Lookup: adds columns of a reference row that has the same key.

Facts: data flow, section 3.9; codes from Microsoft's reference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, REALS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.caches import Cache, cache_columns, index_columns
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.text_lengths import fitted
from airflow_provider_ssis.engine.data_flow.databases.database import connection_reference, open_database
from airflow_provider_ssis.engine.data_flow.databases.reading import read_query
from airflow_provider_ssis.engine.data_flow.lookup_references import (
    CachedRows,
    Matches,
    PartialCache,
    QueriedRows,
    Reference,
    stored_rows,
)
from airflow_provider_ssis.engine.data_flow.row_errors import TRUNCATED_ROW, ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import (
    column_type,
    flag_of,
    number_of,
    plain_reference,
    text_of,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import negative_numbers, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.package.data_flow import (
    Component,
    ComponentInput,
    ComponentOutput,
    InputColumn,
    OutputColumn,
)
from airflow_provider_ssis.project.safe_xml import parse_xml

NO_MATCH = 0xC020901E
"""DTS_E_TXLOOKUP_ROWLOOKUPERROR."""
_NO_JOINS, _NO_REFERENCE_COLUMN = 0xC02090F1, 0xC0208235
_INCOMPATIBLE_TYPES, _PARAMETER_COUNT, _INVALID_JOIN_TYPE = 0xC0208236, 0xC0208238, 0xC0208239
_CACHE_PROGRESS, _CACHE_TOTAL, _HASHING, _HASHED = 0x400490F4, 0x400490F5, 0x402090E1, 0x402090E2
_DUPLICATES, _CACHE_FAILED, _NO_ROWS = 0x802090E4, 0xC020930C, 0x8020930C
_INDEX_REUSED, _INDEX_MISMATCH = 0xC020903E, 0xC020903F
_FULL, _PARTIAL, _NONE = 0, 1, 2
_OLE_DB, _CACHE_MANAGER = 0, 1
_PROGRESS_SECONDS = 10.0
_MEGABYTE = 1 << 20
_REFERENCE_ROWS = 20_000
_KNOWN_PROPERTIES = frozenset(
    "SqlCommand SqlCommandParam ConnectionType CacheType NoMatchBehavior NoMatchCachePercentage "
    "MaxMemoryUsage MaxMemoryUsage64 ReferenceMetadataXml ParameterMap DefaultCodePage "
    "TreatDuplicateKeysAsError".split()
)


@dataclass(frozen=True, slots=True)
class _Join:
    lineage_id: str
    name: str
    type: ColumnType
    reference: RowColumn


@dataclass(frozen=True, slots=True)
class _Copy:
    """A reference column that is copied: into a new column, or over a column of the input."""

    lineage_id: str
    name: str
    type: ColumnType
    reference: RowColumn
    truncation: str


class Lookup(RowComponent):
    """Finds the first reference row with the key of each row."""

    classes = ("Lookup",)
    parts: ClassVar[StoredParts] = StoredParts(
        {
            INPUT_COLUMN: frozenset({"JoinToReferenceColumn", "CopyFromReferenceColumn"}),
            OUTPUT_COLUMN: frozenset({"CopyFromReferenceColumn"}),
        },
        dispositions=frozenset({OUTPUT, INPUT_COLUMN, OUTPUT_COLUMN}),
    )
    keeps_rows = True
    has_thread = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._properties = plan.stored.properties
        self._reference: Reference | None = None
        self._first_row = 1

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this Lookup."""
        yield from unknown_properties(plan, _KNOWN_PROPERTIES)
        properties = plan.stored.properties
        try:
            _reference_columns(plan.stored)
        except (InvalidPartError, KeyError, ValueError):
            yield Refusal(
                plan.path,
                "the property ReferenceMetadataXml",
                "it does not describe the columns of the reference",
                "Open the Lookup in Visual Studio and save it again.",
            )
        yield from negative_numbers(plan, "NoMatchCachePercentage", "MaxMemoryUsage", "MaxMemoryUsage64")
        for name, known in (
            ("ConnectionType", (_OLE_DB, _CACHE_MANAGER)),
            ("CacheType", (_FULL, _PARTIAL, _NONE)),
            ("NoMatchBehavior", (0, 1)),
        ):
            value = number_of(properties, name)
            if value not in known:
                yield Refusal(plan.path, f"the property {name}", f"the value {value} is unknown")
        if number_of(properties, "ConnectionType") == _CACHE_MANAGER and number_of(properties, "CacheType") != _FULL:
            yield Refusal(
                plan.path, "the property CacheType", "a Cache connection manager needs full cache", "Set full cache."
            )

    def validate(self, context: TaskContext) -> None:
        """Check joins and copied columns against the reference columns."""
        if self._is_shared:
            manager = context.connections.get(connection_reference(self.plan.stored))
            self._known = {column.name.lower(): column for column in cache_columns(manager)}
        joins, _ = self._joins, self._copies
        if not joins:
            self._fail("joins no column to a reference column. Join at least one column", _NO_JOINS)
        for join in joins:
            if join.type.code in REALS | LARGE_OBJECTS:
                self._fail(
                    f"joins the column {join.name}, whose type {join.type} cannot be joined. Convert it before",
                    _INVALID_JOIN_TYPE,
                )
            if not _is_joinable(join.type, join.reference.type):
                self._fail(
                    f"joins the column {join.name} of type {join.type} to the reference column {join.reference.name} "
                    f"of type {join.reference.type}. Convert one of them: the types must be the same",
                    _INCOMPATIBLE_TYPES,
                )
        for copy in self._copies:
            if not _is_copyable(copy.reference.type, copy.type):
                self._fail(
                    f"copies the reference column {copy.reference.name} of type {copy.reference.type} to the column "
                    f"{copy.name} of type {copy.type}. The types must be the same",
                    _INCOMPATIBLE_TYPES,
                )

        others = [one for one in self.plan.stored.outputs if not one.is_error_output][1:]
        if self._no_match_output is None and any(one.key in self.plan.attached for one in others):
            context.warning(
                f"The output {others[0].name} gets no rows: NoMatchBehavior treats rows without a match as errors.",
                _NO_ROWS,
                subcomponent=self.plan.subcomponent,
            )

    def open(self, context: TaskContext) -> None:
        """Fill the cache."""
        if self._is_shared:
            self._reference = self._shared(context)
        elif number_of(self._properties, "CacheType") == _FULL:
            self._reference = self._cached(context)
        else:
            self._reference = self._queried(context)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Add the reference columns to a batch, and split off rows without a match."""
        assert self._reference is not None  # noqa: S101 open was called
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        matches = self._reference.find([batch.column(batch.schema.get_field_index(j.lineage_id)) for j in self._joins])
        unmatched = None if matches.found.all() else ~matches.found
        columns, errors = self._copied(batch, matches)
        goes_on = matches.found
        if unmatched is not None:
            if self._no_match_output is not None:
                if self._no_match_output.key in self.plan.attached:
                    rejected = batch.filter(pa.array(unmatched))
                    yield self._no_match_output.key, self._shaped(self._no_match_output, rejected)
            else:
                codes = np.where(unmatched, np.uint32(NO_MATCH), np.uint32(0))
                disposition = self._match_output.error_disposition
                errors.insert(0, ColumnErrors(codes, False, disposition, "", "the lookup of the row"))
                goes_on = np.ones(batch.num_rows, np.bool_)
        result = apply_dispositions(self.plan, batch, errors, first_row)
        if result.kept is not None:
            goes_on = goes_on & result.kept
        key = self._match_output.key
        if key in self.plan.attached:
            schema = self.plan.outputs[key].arrow
            full = pa.RecordBatch.from_arrays(
                [columns[field.name] if field.name in columns else batch.column(field.name) for field in schema],
                schema=schema,
            )
            yield key, full if goes_on.all() else full.filter(pa.array(goes_on))
        if result.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, result.redirected

    def close(self, *, failed: bool) -> None:
        """Release the cache."""
        if self._reference is not None and not self._is_shared:
            self._reference.close()
        self._reference = None

    @property
    def _is_shared(self) -> bool:
        return number_of(self._properties, "ConnectionType") == _CACHE_MANAGER

    @property
    def _input(self) -> ComponentInput:
        return self.plan.stored.inputs[0]

    @cached_property
    def _match_output(self) -> ComponentOutput:
        return self.plan.main_output

    @cached_property
    def _no_match_output(self) -> ComponentOutput | None:
        """The output of rows without a match, if NoMatchBehavior sends them there."""
        if number_of(self._properties, "NoMatchBehavior") != 1:
            return None
        others = [one for one in self.plan.stored.outputs if not one.is_error_output]
        return others[1] if len(others) > 1 else None

    @cached_property
    def _known(self) -> dict[str, RowColumn]:
        """The reference columns by their names in lower case."""
        return _reference_columns(self.plan.stored)

    @cached_property
    def _reference_schema(self) -> RowSchema:
        """The reference columns that are joined or copied, in the order of the stored metadata."""
        used = {text.lower() for text in self._used_names()}
        return RowSchema(tuple(column for name, column in self._known.items() if name in used))

    def _used_names(self) -> Iterator[str]:
        for column in self._input.columns:
            yield text_of(column.properties, "JoinToReferenceColumn")
            yield text_of(column.properties, "CopyFromReferenceColumn")
        for output_column in self._match_output.columns:
            yield text_of(output_column.properties, "CopyFromReferenceColumn")

    @cached_property
    def _joins(self) -> list[_Join]:
        found = []
        for column in self._input.columns:
            name = text_of(column.properties, "JoinToReferenceColumn")
            if name:
                row_column = self._arriving(column)
                found.append(_Join(column.lineage_id, row_column.name, row_column.type, self._referenced(name)))
        return found

    @cached_property
    def _copies(self) -> list[_Copy]:
        found = []
        for column in self._input.columns:
            name = text_of(column.properties, "CopyFromReferenceColumn")
            if name:
                arriving = self._arriving(column)
                found.append(self._copy(column, column.lineage_id, arriving.name, arriving.type, name))
        for output in self._match_output.columns:
            name = text_of(output.properties, "CopyFromReferenceColumn")
            if name:
                found.append(self._copy(output, output.lineage_id, output.name, column_type(output.data_type), name))
        return found

    def _copy(
        self, stored: InputColumn | OutputColumn, lineage_id: str, name: str, type_: ColumnType, reference: str
    ) -> _Copy:
        return _Copy(lineage_id, name, type_, self._referenced(reference), stored.truncation_disposition)

    def _arriving(self, column: InputColumn) -> RowColumn:
        return self.plan.inputs[self._input.key].by_lineage[column.lineage_id]

    def _referenced(self, name: str) -> RowColumn:
        found = self._known.get(name.lower())
        if found is None:
            self._fail(f"uses the reference column {name}, which the reference does not have", _NO_REFERENCE_COLUMN)
        return found

    def _shared(self, context: TaskContext) -> Reference:
        """The rows of the Cache connection manager; its index must be joined as a whole."""
        reference = connection_reference(self.plan.stored)
        index = index_columns(context.connections.get(reference))
        by_name = {join.reference.name.lower(): join for join in self._joins}
        if len(by_name) < len(self._joins):
            self._fail("joins a column of the index twice", _INDEX_REUSED)
        if set(by_name) != {name.lower() for name in index}:
            self._fail(f"must join all columns of the index of the cache: {', '.join(index)}", _INDEX_MISMATCH)
        self._joins = [by_name[name.lower()] for name in index]
        return context.connections.shared(reference, Cache).filled(self.plan.subcomponent)

    def _cached(self, context: TaskContext) -> CachedRows:
        subcomponent = self.plan.subcomponent
        began = last = time.monotonic()

        def progress(rows: int) -> None:
            nonlocal last
            if time.monotonic() - last > _PROGRESS_SECONDS:
                last = time.monotonic()
                context.information(f"Has cached {rows} rows.", _CACHE_PROGRESS, subcomponent=subcomponent)

        sql = text_of(self._properties, "SqlCommand")
        keys = [join.reference.lineage_id for join in self._joins]
        with open_database(context, self.plan.stored) as database:
            with closing(read_query(database, sql, (), self._reference_schema, _REFERENCE_ROWS)) as batches:
                stored = stored_rows(self._reference_schema.arrow, batches, context.options, progress)
            cache = CachedRows(stored, keys, context)
        try:
            rows = cache.table.num_rows
            context.information(f"Cached {rows} rows of the reference.", _CACHE_TOTAL, subcomponent=subcomponent)
            context.information(f"Hashes {rows} rows in the cache.", _HASHING, subcomponent=subcomponent)
            context.information(
                f"Hashed {rows} rows in the cache in {time.monotonic() - began:.3f} seconds. They take {cache.size} "
                "bytes.",
                _HASHED,
                subcomponent=subcomponent,
            )
            self._report_duplicates(context, cache.duplicates)
        except BaseException:
            cache.close()
            raise
        return cache

    def _report_duplicates(self, context: TaskContext, duplicates: int) -> None:
        if not duplicates:
            return
        text = f"{duplicates} rows of the reference have the key of an earlier row."
        if flag_of(self._properties, "TreatDuplicateKeysAsError"):
            raise TaskFailure(
                f"{text} TreatDuplicateKeysAsError rejects them. Remove the duplicates from the reference.",
                _CACHE_FAILED,
                subcomponent=self.plan.subcomponent,
            )
        context.warning(f"{text} The earlier row is used.", _DUPLICATES, subcomponent=self.plan.subcomponent)

    def _queried(self, context: TaskContext) -> QueriedRows:
        sql = text_of(self._properties, "SqlCommandParam")
        indexes = {join.lineage_id: index for index, join in enumerate(self._joins)}
        mapped = [
            plain_reference(part) for part in text_of(self._properties, "ParameterMap").split(";") if part.strip()
        ]
        parameters = [indexes[one] for one in mapped if one in indexes] or list(range(len(self._joins)))
        if mapped and len(parameters) != len(mapped):
            self._fail("has a ParameterMap with a column that it does not join", _PARAMETER_COUNT)
        cache = None
        if number_of(self._properties, "CacheType") == _PARTIAL:
            megabytes = number_of(
                self._properties, "MaxMemoryUsage64", number_of(self._properties, "MaxMemoryUsage", 25)
            )
            cache = PartialCache(megabytes * _MEGABYTE, number_of(self._properties, "NoMatchCachePercentage"))
        typed = [(index, self._joins[index].type) for index in parameters]
        return QueriedRows(context, self.plan.stored, sql, self._reference_schema, typed, cache)

    def _copied(self, batch: pa.RecordBatch, matches: Matches) -> tuple[dict[str, pa.Array], list[ColumnErrors]]:
        columns: dict[str, pa.Array] = {}
        errors: list[ColumnErrors] = []
        for copy in self._copies:
            values = matches.column(copy.reference.lineage_id)
            columns[copy.lineage_id], too_long = fitted(values, copy.type)
            if too_long is not None:
                codes = np.where(too_long, np.uint32(TRUNCATED_ROW), np.uint32(0))
                errors.append(ColumnErrors(codes, True, copy.truncation, copy.lineage_id, f'the column "{copy.name}"'))
        return columns, errors

    def _shaped(self, output: ComponentOutput, batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.plan.outputs[output.key].arrow
        return pa.RecordBatch.from_arrays([batch.column(field.name) for field in schema], schema=schema)

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)


def _reference_columns(stored: Component) -> dict[str, RowColumn]:
    """The columns of the reference by their names in lower case, from the stored metadata."""
    text = text_of(stored.properties, "ReferenceMetadataXml")
    if not text.strip():
        return {}
    found = {}
    for element in parse_xml(text.encode(), f"ReferenceMetadataXml of {stored.name}").iter("referenceColumn"):
        type_ = ColumnType(
            DataTypeCode[element.get("dataType", "")],
            int(element.get("length", "0")),
            int(element.get("precision", "0")),
            int(element.get("scale", "0")),
            int(element.get("codePage", "0")),
        )
        name = element.get("name", "")
        found[name.lower()] = RowColumn(name, name, type_, stored.name)
    return found


def _is_joinable(column: ColumnType, reference: ColumnType) -> bool:
    """Whether the types are the same. Lengths may differ; the code page of DT_STR and the scale may not."""
    return (column.code, column.code_page, column.scale) == (reference.code, reference.code_page, reference.scale)


def _is_copyable(reference: ColumnType, column: ColumnType) -> bool:
    return (reference.code, reference.scale) == (column.code, column.scale)
