"""Cache Transform: writes rows into a Cache connection manager, for lookups of later Data Flow tasks.

Of several rows with the same key the first is kept. Facts: data flow, sections 3.9 and 3.23.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, NoReturn

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.caches import Cache, cache_columns, index_columns
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.database import connection_reference
from airflow_provider_ssis.engine.data_flow.lookup_references import CachedRows
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import fits, flag_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.elements import is_true

_DUPLICATES, _DUPLICATE_ERROR = 0x802090E4, 0xC020930C
_MAPPED_TWICE, _NOT_MAPPED, _WRONG_TYPE, _WRONG_COUNT = 0xC0209306, 0xC0209307, 0xC0209308, 0xC0209309
_UNKNOWN_COLUMN, _NO_INDEX, _NO_FILE = 0xC0209311, 0xC0203112, 0xC0209317


class CacheTransform(RowComponent):
    """Writes the rows, and passes them on."""

    classes: ClassVar[tuple[str, ...]] = ("Cache",)
    parts: ClassVar[StoredParts] = StoredParts({INPUT_COLUMN: frozenset({"CacheColumnName"})})
    keeps_rows = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._rows: StoredRows | None = None
        self._sources: list[str] = []

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"TreatDuplicateKeysAsError"})

    def validate(self, context: TaskContext) -> None:
        """Check that each column of the cache gets values of its type."""
        manager = context.connections.get(self._reference)
        if is_true(manager.properties.get("UseFile")):
            self._fail(
                "writes its cache to a file, whose form only Integration Services knows. Set UseFile to False", _NO_FILE
            )
        if not index_columns(manager):
            self._fail("uses a cache without an index. Give at least one column an index position", _NO_INDEX)
        _ = self._mapped(context)

    def open(self, context: TaskContext) -> None:
        """Become the writer of the cache."""
        manager = context.connections.get(self._reference)
        self._context = context
        self._cache = context.connections.shared(self._reference, Cache)
        self._cache.claim(self.plan.path, self.plan.subcomponent)
        self._index = index_columns(manager)
        self._schema = RowSchema(tuple(cache_columns(manager)))
        self._sources = self._mapped(context)
        self._rows = StoredRows(self._schema.arrow, context.options)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Keep the rows and send them on."""
        assert self._rows is not None  # noqa: S101 open was called
        arrays = [batch.column(source) for source in self._sources]
        self._rows.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow))
        self.counts.rows = self._rows.rows
        for output in self.plan.stored.outputs:
            if output.key in self.plan.attached:
                yield output.key, batch

    def finish(self) -> tuple[Emitted, ...]:
        """Index the rows and hand them over to the connection manager."""
        assert self._rows is not None  # noqa: S101 open was called
        rows, self._rows = self._rows, None
        cached = CachedRows(rows, self._index, self._context)
        if cached.duplicates:
            text = f"{cached.duplicates} rows have the key of an earlier row."
            if flag_of(self.plan.stored.properties, "TreatDuplicateKeysAsError"):
                cached.close()
                self._fail(f"cannot fill the cache: {text} TreatDuplicateKeysAsError rejects them", _DUPLICATE_ERROR)
            self._context.warning(f"{text} The earlier row is used.", _DUPLICATES, subcomponent=self.plan.subcomponent)
        self._cache.fill(cached)
        return ()

    def close(self, *, failed: bool) -> None:
        """Release the rows of a run that failed."""
        if self._rows is not None:
            self._rows.close()

    @cached_property
    def _reference(self) -> str:
        return connection_reference(self.plan.stored)

    def _mapped(self, context: TaskContext) -> list[str]:
        """The input column of each column of the cache."""
        columns = cache_columns(context.connections.get(self._reference))
        known = {column.name.lower(): column for column in columns}
        sources: dict[str, str] = {}
        for one in self.plan.stored.inputs:
            for column in one.columns:
                name = text_of(column.properties, "CacheColumnName")
                arriving = self.plan.inputs[one.key].by_lineage[column.lineage_id]
                if not name:
                    self._fail(f"maps the column {arriving.name} to no column of the cache", _NOT_MAPPED)
                if name.lower() not in known:
                    self._fail(
                        f"maps the column {arriving.name} to the unknown column {name} of the cache", _UNKNOWN_COLUMN
                    )
                if name.lower() in sources:
                    self._fail(f"maps two columns to the column {name} of the cache", _MAPPED_TWICE)
                self._check_type(arriving, known[name.lower()])
                sources[name.lower()] = column.lineage_id
        missing = [column.name for column in columns if column.name.lower() not in sources]
        if missing:
            self._fail(f"gives no values to the column {missing[0]} of the cache", _WRONG_COUNT)
        return [sources[column.name.lower()] for column in columns]

    def _check_type(self, arriving: RowColumn, cached: RowColumn) -> None:
        if not fits(arriving.type, cached.type):
            self._fail(
                f"maps the column {arriving.name} of type {arriving.type} to the column {cached.name} of the cache, of "
                f"type {cached.type}. Convert it before",
                _WRONG_TYPE,
            )

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
