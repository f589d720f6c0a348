"""The rows on a path: their columns, and the record batches that carry them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.expressions.arrow import arrow_type


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A column of the rows on a path.

    :param lineage_id: by which components refer to it; unique on a path.
    :param name: its name, for people.
    :param type: its SSIS type, which decides about conversions, truncation and comparison.
    :param component: the name of the component that created it, with which expressions can qualify it.
    :param sort_key_position: its position in the key by which the rows are sorted, from 1; negative for descending, 0
        for none. As the package declares it. Default: 0.
    :param comparison_flags: how strings of the sort key were compared. Default: 0.
    """

    lineage_id: str
    name: str
    type: ColumnType
    component: str = ""
    sort_key_position: int = 0
    comparison_flags: int = 0


@dataclass(frozen=True)
class RowSchema:
    """The columns of the rows on a path.

    Record batches have these columns in this order; the names of Arrow's fields are the lineage ids, and their types
    are those of :func:`airflow_provider_ssis.expressions.arrow.arrow_type`.
    """

    columns: tuple[RowColumn, ...]

    @cached_property
    def by_lineage(self) -> dict[str, RowColumn]:
        """The columns by lineage id."""
        return {column.lineage_id: column for column in self.columns}

    @cached_property
    def arrow(self) -> pa.Schema:
        """The schema of the record batches."""
        return pa.schema([pa.field(column.lineage_id, arrow_type(column.type)) for column in self.columns])

    def with_columns(self, columns: Iterable[RowColumn]) -> RowSchema:
        """Return the schema with more columns after its own."""
        return RowSchema((*self.columns, *columns))
