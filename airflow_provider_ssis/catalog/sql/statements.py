"""Batches of T-SQL: constant text with ``?`` markers, and the values for them.

Nothing that a caller passes ever becomes part of the text. What is put together here are constants of this package:
column lists, conditions, SQL Server types.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum, unique
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.sql.rows import variant_fields
from airflow_provider_ssis.catalog.sql.variants import variant_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_provider_ssis.catalog.errors import CatalogError

MarkerValue = str | int | bytes
"""What goes in place of a marker. Other values go as text and are cast in the batch: drivers differ in how they send
them, and a NULL of unknown type makes some drivers ask the server for the type first."""

ERROR_NUMBER = "error_number"
"""The first column of the result set that tells of an error, and of no other result set of this package."""

_RAISED_BY_BATCH = 50000
"""The number of every error that RAISERROR makes of a text."""


@unique
class OwnError(IntEnum):
    """What a batch of this package finds out itself, told by the state of the error that it raises."""

    UNKNOWN_PARAMETER = 201
    UNFIT_VALUE = 202
    UNRESOLVED_ENVIRONMENT = 203
    LOCK_NOT_GRANTED = 204
    ATTEMPT_SUPERSEDED = 205

    @property
    def raised(self) -> str:
        """The statement that raises it."""
        return f"RAISERROR(N'{self.name}', 16, {self.value})"

    def is_told_by(self, error: CatalogError) -> bool:
        """True if the error is this one."""
        return error.number == _RAISED_BY_BATCH and error.state == self.value


MAX_MARKERS = 2000
"""SQL Server takes 2100 parameters in one call; some are the drivers' own."""


@dataclass(frozen=True, slots=True)
class Batch:
    """T-SQL that goes to the server in one round trip.

    :param sql: the text with a ``?`` for each value.
    :param values: the values, in the order of the markers.
    """

    sql: str
    values: tuple[MarkerValue, ...] = ()


def guarded(
    body: str,
    values: Sequence[MarkerValue] = (),
    *,
    declare: str = "",
    on_error: Sequence[str] = (),
    release: str = "",
) -> Batch:
    """A batch whose first error ends it and comes back as a row.

    Without the guard SQL Server goes on with the statement after the one that failed, and drivers tell neither
    procedure nor line nor state of an error.

    :param body: the statements; the last one selects the outputs.
    :param values: the values for the markers in the body.
    :param declare: variable declarations, without markers.
    :param on_error: names of variables whose values go into the error row too.
    :param release: statements that give back, after an error, what the body holds beyond its end.
    """
    context = "".join(f", @{name} AS {name}" for name in on_error)
    sql = (
        "SET NOCOUNT ON;\n"
        + (f"DECLARE {declare};\n" if declare else "")
        + f"BEGIN TRY\n{body}\nEND TRY\n"
        + "BEGIN CATCH\n"
        + f"IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;\n{release}"
        + f"SELECT ERROR_NUMBER() AS {ERROR_NUMBER}, ERROR_SEVERITY() AS error_severity, ERROR_STATE() AS error_state, "
        + "ERROR_PROCEDURE() AS error_procedure, ERROR_LINE() AS error_line, ERROR_MESSAGE() AS error_message"
        + f"{context};\nEND CATCH;"
    )
    return Batch(sql, tuple(values))


def select(
    row_class: type,
    source: str,
    *,
    where: Sequence[str] = (),
    values: Sequence[MarkerValue] = (),
    order_by: str = "",
    limit: int | None = None,
    joined: dict[str, str] | None = None,
) -> Batch:
    """A query for the fields of a dataclass.

    :param row_class: a dataclass of ``models``; its fields are the columns.
    :param source: the FROM clause; its first view has the alias ``v``.
    :param where: conditions, all of which must hold.
    :param values: the values for the markers in the conditions.
    :param order_by: the ORDER BY list, empty for none.
    :param limit: the most rows wanted, None for all.
    :param joined: for a field that is no column of ``v``, the expression that gives it.
    """
    joined = joined or {}
    variants = variant_fields(row_class)
    columns = ", ".join(
        variant_columns(f"v.{field.name}", field.name)
        if field.name in variants
        else f"{joined.get(field.name, 'v.' + field.name)} AS {field.name}"
        for field in fields(row_class)
    )
    top = "" if limit is None else "TOP (?) "
    sql = f"SELECT {top}{columns}\nFROM {source}"
    if where:
        sql += f"\nWHERE {' AND '.join(where)}"
    if order_by:
        sql += f"\nORDER BY {order_by}"
    return Batch(sql, (*(() if limit is None else (limit,)), *values))


def one_of(column: str, values: Collection[int]) -> str:
    """The condition that a column holds one of the values; the values go in as markers."""
    return f"{column} IN ({', '.join('?' for _ in values)})"
