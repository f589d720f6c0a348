"""Batches of T-SQL: text with ``?`` markers, and the values for them.

No argument of a caller becomes part of the text. The text is composed of constants of this package only: column lists,
conditions, SQL Server types and codes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum, unique
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis.catalog.sql.rows import variant_fields
from airflow_provider_ssis.catalog.sql.variants import BASE_TYPE_SUFFIX, base_type_of, variant_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_provider_ssis.catalog.errors import CatalogError

Item = TypeVar("Item")

MarkerValue = str | int | bytes
"""Types of values for markers. Other values are sent as text and cast in the batch: drivers send them differently, and
for a NULL of unknown type some drivers ask the server first."""

ERROR_NUMBER = "error_number"
"""First column of the result set that reports an error. No other result set of this package begins with it."""

_RAISED_BY_BATCH = 50000
"""The number of every error that RAISERROR raises with a text."""


@unique
class OwnError(IntEnum):
    """Errors that a batch of this package raises itself; the value is the state of the error."""

    UNKNOWN_PARAMETER = 201
    UNFIT_VALUE = 202
    UNRESOLVED_ENVIRONMENT = 203
    LOCK_NOT_GRANTED = 204
    UNFIT_SETTINGS = 205
    UNKNOWN_LOGGING_LEVEL = 206
    ATTEMPT_SUPERSEDED = 207
    MISSING_VALUES = 208
    OVERTAKEN = 209

    @property
    def raised(self) -> str:
        """The statement that raises it."""
        return f"RAISERROR(N'{self.name}', 16, {self.value})"

    def is_reported_by(self, error: CatalogError) -> bool:
        """True if the error is this one."""
        return error.number == _RAISED_BY_BATCH and error.state == self.value


MAX_MARKERS = 2000
"""SQL Server takes 2100 parameters in one call; some are the drivers' own."""


@dataclass(frozen=True, slots=True)
class Batch:
    """T-SQL that goes to the server in one round trip.

    :param sql: the text with a ``?`` for each value.
    :param values: the values, in the order of the markers. They may be secrets, so they are not shown.
    """

    sql: str
    values: tuple[MarkerValue, ...] = field(default=(), repr=False)


def guarded(
    body: str,
    values: Sequence[MarkerValue] = (),
    *,
    declare: str = "",
    on_error: Sequence[str] = (),
    release: str = "",
) -> Batch:
    """A batch that stops at its first error and returns it as a row.

    Without this, SQL Server continues after the failed statement, and drivers do not report procedure, line and state
    of an error.

    :param body: the statements. The last one must be a SELECT: Microsoft's driver reports "Invalid cursor state" for a
        batch without a result set if it has a text of more than 2,000 characters.
    :param values: the values for the markers in the body.
    :param declare: variable declarations, without markers.
    :param on_error: names of variables to return in the error row.
    :param release: statements that release, after an error, what the body holds beyond its end, such as locks.
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


def guarded_command(body: str, values: Sequence[MarkerValue] = (), *, declare: str = "") -> Batch:
    """A guarded batch without outputs.

    :param body: the statements.
    :param values: the values for the markers in the body.
    :param declare: variable declarations, without markers.
    """
    return guarded(f"{body}\nSELECT 1 AS done;", values, declare=declare)


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
    :param joined: for a field that is not a column of ``v``, the expression that gives it.
    """
    joined = joined or {}
    variants = variant_fields(row_class)
    columns = ", ".join(
        variant_columns(f"v.{each.name}", each.name, f"v.{each.name}{BASE_TYPE_SUFFIX}")
        if each.name in variants
        else f"{joined.get(each.name, 'v.' + each.name)} AS {each.name}"
        for each in fields(row_class)
    )
    top = "" if limit is None else "TOP (?) "
    if variants:
        # The base type decides several times about each value, so it is a column: the server computes it once.
        view, rest = source.split(" AS v", maxsplit=1)
        types = "".join(f", {base_type_of(f'b.{name}')} AS {name}{BASE_TYPE_SUFFIX}" for name in sorted(variants))
        source = f"(SELECT b.*{types} FROM {view} AS b) AS v{rest}"
    sql = f"SELECT {top}{columns}\nFROM {source}"
    if where:
        sql += f"\nWHERE {' AND '.join(where)}"
    if order_by:
        sql += f"\nORDER BY {order_by}"
    return Batch(sql, (*(() if limit is None else (limit,)), *values))


def padded(values: list[Item], longest: int) -> list[Item]:
    """A list filled up to a power of two with its last value, so that the server keeps few query plans.

    :param values: the list, not empty.
    :param longest: the most that it may be filled up to.
    """
    return values + values[-1:] * (min(longest, 1 << (len(values) - 1).bit_length()) - len(values))


def one_of(column: str, values: Collection[int]) -> str:
    """The condition that a column holds one of the values; the values go in as markers."""
    return f"{column} IN ({', '.join('?' for _ in values)})"
