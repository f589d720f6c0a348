"""Slowly Changing Dimension: compares rows with a dimension table, and sends them to outputs by kind of change.

The table is asked for each business key. Changes of historical attributes have a separate exclusion group, so
that a row with changes of both kinds goes to two outputs; of a fixed and a changing attribute, the fixed one decides.
Values are compared exactly. Facts: data flow, sections 1.7 and 3.19.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.database import open_database
from airflow_provider_ssis.engine.data_flow.lookup_references import Matches, QueriedRows
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import equal_values
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, number_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import ComponentOutput

_NO_KEY, _BAD_KIND, _FIXED_CHANGED, _LOOKUP_FAILED, _NO_COLUMN = (
    0xC020802B,
    0xC020802C,
    0xC020803C,
    0xC020803D,
    0xC020803F,
)
_UNCHANGED, _NEW, _FIXED, _CHANGING, _HISTORICAL, _INFERRED = range(6)
"""The outputs, by their position."""
_SQL_PARTS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(\()|(\))|(\w+)", re.DOTALL)
_ENDS = frozenset(("group", "order", "having", "union", "except", "intersect", "option", "for"))
_KNOWN_PROPERTIES = frozenset(
    "SqlCommand CurrentRowWhere UpdateChangingAttributeHistory FailOnFixedAttributeChange "
    "InferredMemberIndicator EnableInferredMember FailOnLookupFailure IncomingRowChangeType "
    "DefaultCodePage".split()
)


class Kind(IntEnum):
    """The meaning of a change of a column."""

    OTHER = 0
    KEY = 1
    CHANGING = 2
    HISTORICAL = 3
    FIXED = 4


@dataclass(frozen=True, slots=True)
class _Attribute:
    """A column of the input.

    :param column: the column of the dimension table; its lineage id is its name.
    """

    lineage_id: str
    name: str
    kind: Kind
    column: RowColumn


class SlowlyChangingDimension(RowComponent):
    """Compares rows with those of a dimension table."""

    classes: ClassVar[tuple[str, ...]] = ("SCD",)
    parts: ClassVar[StoredParts] = StoredParts({INPUT_COLUMN: frozenset({"ColumnType"})})

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._properties = plan.stored.properties
        self._table: QueriedRows | None = None
        self._first_row = 1

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this component."""
        yield from unknown_properties(plan, _KNOWN_PROPERTIES)
        kind = number_of(plan.stored.properties, "IncomingRowChangeType", 1)
        if kind not in (0, 1):
            yield Refusal(plan.path, "the property IncomingRowChangeType", f"the value {kind} is unknown")
        try:
            _query(text_of(plan.stored.properties, "SqlCommand"), "")
        except ValueError as error:
            yield Refusal(plan.path, "the property SqlCommand", str(error), "Use a view with this query.")
        if len([one for one in plan.stored.outputs if not one.is_error_output]) != len(range(6)):
            yield Refusal(plan.path, "the outputs", "they are not the six outputs of this component", "Add it again.")

    def validate(self, context: TaskContext) -> None:
        """Check that there is a business key, and a column of the table for each attribute."""
        if not any(one.kind is Kind.KEY for one in self._attributes):
            self._fail("has no business key. Choose at least one key column", _NO_KEY)

    def open(self, context: TaskContext) -> None:
        """Prepare the query."""
        if number_of(self._properties, "IncomingRowChangeType", 1) == 0:
            return
        with open_database(context, self.plan.stored) as database:
            begin, end = ("[", "]") if database.is_sql_server else ('"', '"')
        names = [f"{begin}{one.column.name.replace(end, end * 2)}{end} = ?" for one in self._keys]
        current = text_of(self._properties, "CurrentRowWhere").strip()
        condition = " AND ".join([*names, f"({current})"] if current else names)
        sql = _query(text_of(self._properties, "SqlCommand"), condition)
        types = [(index, one.column.type) for index, one in enumerate(self._keys)]
        self._table = QueriedRows(context, self.plan.stored, sql, self._schema, types, None)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Send each row to its outputs."""
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        every = np.ones(batch.num_rows, np.bool_)
        if self._table is None:
            yield from self._emitted(batch, {_NEW: every})
            return
        keys = [batch.column(one.lineage_id) for one in self._keys]
        for key, one in zip(keys, self._keys, strict=True):
            if key.null_count:
                row = int(np.flatnonzero(key.is_null().to_numpy(zero_copy_only=False))[0])
                self._fail(f"has NULL in the business key {one.name} of row {first_row + row}", _LOOKUP_FAILED)
        matches = self._table.find(keys)
        is_new = ~matches.found
        if is_new.any() and flag_of(self._properties, "FailOnLookupFailure"):
            row = int(np.flatnonzero(is_new)[0])
            self._fail(f"finds no row of the dimension for row {first_row + row}", _LOOKUP_FAILED)
        inferred = self._inferred(matches)
        compared = matches.found & ~inferred
        fixed = compared & self._changed(batch, matches, Kind.FIXED)
        if fixed.any() and flag_of(self._properties, "FailOnFixedAttributeChange"):
            row = int(np.flatnonzero(fixed)[0])
            self._fail(f"finds another value of a fixed attribute in row {first_row + row}", _FIXED_CHANGED)
        historical = compared & self._changed(batch, matches, Kind.HISTORICAL)
        changing = compared & ~fixed & self._changed(batch, matches, Kind.CHANGING)
        if flag_of(self._properties, "UpdateChangingAttributeHistory"):
            changing |= historical & ~fixed
        yield from self._emitted(
            batch,
            {
                _UNCHANGED: compared & ~(fixed | historical | changing),
                _NEW: is_new,
                _FIXED: fixed,
                _CHANGING: changing,
                _HISTORICAL: historical,
                _INFERRED: inferred,
            },
        )

    def close(self, *, failed: bool) -> None:
        """Disconnect."""
        if self._table is not None:
            self._table.close()

    def _emitted(self, batch: pa.RecordBatch, masks: dict[int, npt.NDArray[np.bool_]]) -> Iterator[Emitted]:
        for position, mask in masks.items():
            key = self._outputs[position].key
            if key in self.plan.attached and mask.any():
                yield key, batch if mask.all() else batch.filter(pa.array(mask))

    def _changed(self, batch: pa.RecordBatch, matches: Matches, kind: Kind) -> npt.NDArray[np.bool_]:
        """Which rows have another value than the table in a column of a kind."""
        changed = np.zeros(batch.num_rows, np.bool_)
        for one in self._attributes:
            if one.kind is kind:
                changed |= ~equal_values(batch.column(one.lineage_id), matches.column(one.column.lineage_id))
        return changed

    def _inferred(self, matches: Matches) -> npt.NDArray[np.bool_]:
        """Which rows have an inferred member in the table."""
        name = self._indicator
        if not name:
            return np.zeros(len(matches.found), np.bool_)
        found: npt.NDArray[np.bool_] = matches.column(name).fill_null(False).to_numpy(zero_copy_only=False)
        return found

    @cached_property
    def _outputs(self) -> list[ComponentOutput]:
        return [one for one in self.plan.stored.outputs if not one.is_error_output]

    @cached_property
    def _indicator(self) -> str:
        """The column of the table that marks inferred members; empty for none."""
        if not flag_of(self._properties, "EnableInferredMember", default=True):
            return ""
        return text_of(self._properties, "InferredMemberIndicator").strip().strip('[]"')

    @cached_property
    def _keys(self) -> list[_Attribute]:
        return [one for one in self._attributes if one.kind is Kind.KEY]

    @cached_property
    def _attributes(self) -> list[_Attribute]:
        stored = self.plan.stored.inputs[0]
        external = {column.key: column.name for column in stored.external_columns}
        known = self.plan.inputs[stored.key].by_lineage
        found = []
        for column in stored.columns:
            kind = number_of(column.properties, "ColumnType")
            arriving = known[column.lineage_id]
            if kind not in list(Kind):
                self._fail(f"has the column {arriving.name} with the unknown ColumnType {kind}", _BAD_KIND)
            name = external.get(column.external_key, column.name or arriving.name)
            if kind == Kind.OTHER:
                continue
            if not name:
                self._fail(f"has the column {arriving.name}, to which no column of the table belongs", _NO_COLUMN)
            found.append(_Attribute(column.lineage_id, arriving.name, Kind(kind), RowColumn(name, name, arriving.type)))
        return found

    @cached_property
    def _schema(self) -> RowSchema:
        """The columns of the table that are compared."""
        columns = [one.column for one in self._attributes if one.kind is not Kind.KEY]
        if self._indicator and self._indicator not in [column.name for column in columns]:
            columns.append(RowColumn(self._indicator, self._indicator, ColumnType(DataTypeCode.DT_BOOL)))
        return RowSchema(tuple(columns or [self._keys[0].column]))

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)


def _query(sql: str, condition: str) -> str:
    """Add a condition to a query.

    :raises ValueError: the query has a clause after its conditions, or is not a query.
    """
    depth = 0
    words = []
    for match in _SQL_PARTS.finditer(sql):
        depth += bool(match[1]) - bool(match[2])
        if match[3] and not depth:
            words.append(match[3].lower())
    if not words or words[0] != "select":
        raise ValueError("it is not a SELECT statement")
    if late := [word for word in words if word in _ENDS]:
        raise ValueError(f"it has a clause {late[0].upper()}, after which no condition can be added")
    return f"{sql.rstrip().rstrip(';')}\n{'AND' if 'where' in words else 'WHERE'} {condition}"
