"""How the catalog's procedures and views are declared: each in one place, under the words of its documentation."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.checks import Check, may_execute
from airflow_provider_ssis.emulator.tsql.engine import DATABASE, Store
from airflow_provider_ssis.emulator.tsql.metadata import Table, View
from airflow_provider_ssis.emulator.tsql.procedures import (
    Procedure,
    ProcedureCall,
    ProcedureParameter,
    parse_signature,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb

SCHEMA: Final = "catalog"
PUBLIC: Final = "public"

Body = Callable[[CatalogCall], Awaitable[None]]
Change = Callable[[CatalogCall, Store], None]
AnyBody = TypeVar("AnyBody", Body, Change)


@dataclass(frozen=True, slots=True)
class CatalogProcedure:
    """A procedure of schema ``catalog``.

    :param checks: of the caller and the arguments, in their order, before anything is done.
    :param errors: the numbers that the body raises, in the order of its tests.
    :param executed_by: the database role that may call it (229).
    """

    name: str
    parameters: tuple[ProcedureParameter, ...]
    checks: tuple[Check, ...]
    errors: tuple[int, ...]
    executed_by: str
    body: Body

    @property
    def all_errors(self) -> tuple[int, ...]:
        """Every number that a call can give, in the order of the tests."""
        return (*(check.number for check in self.checks), *self.errors)

    def bind(self, ssisdb: Ssisdb) -> Procedure:
        """The procedure of one catalog."""

        async def run(procedure_call: ProcedureCall) -> None:
            call = CatalogCall(ssisdb, procedure_call)
            may_execute(call, self.name, self.executed_by)
            for check in self.checks:
                check.test(call)
            await self.body(call)

        return Procedure(DATABASE, SCHEMA, self.name, self.parameters, run)


PROCEDURES: Final[dict[str, CatalogProcedure]] = {}
"""All declared procedures by name; importing a module of ``procedures/`` fills it."""


def catalog_procedure(
    name: str, signature: str, *, checks: Sequence[Check], errors: str = "", executed_by: str = PUBLIC
) -> Callable[[Body], Body]:
    """Declare a procedure of schema ``catalog`` that reads only, waits, or writes at several moments.

    The decorated coroutine is its body. Most procedures write once: :func:`catalog_change` is for those.

    :param name: without its schema.
    :param signature: the parameters, as T-SQL declares them.
    :param checks: see :mod:`~airflow_provider_ssis.emulator.ssisdb.checks`; the first that does not hold gives its
        error, and the caller's batch goes on.
    :param errors: the numbers that the body raises, in the order of its tests, with blanks between.
    :param executed_by: the database role that may call it; everybody by default.
    """

    def declare(body: Body) -> Body:
        PROCEDURES[name] = CatalogProcedure(
            name,
            parse_signature(signature, schema=SCHEMA),
            tuple(checks),
            tuple(int(number) for number in errors.split()),
            executed_by,
            body,
        )
        return body

    return declare


def catalog_change(
    name: str, signature: str, *, checks: Sequence[Check], errors: str = "", executed_by: str = PUBLIC
) -> Callable[[Change], Change]:
    """Declare a procedure of schema ``catalog`` that changes the catalog in one transaction.

    The decorated function is its body. All of it happens under the write lock, so that what it finds stays true until
    it writes; what it wrote before an error stays, so it tests first and writes then.

    The parameters are those of :func:`catalog_procedure`.
    """

    def declare(change: Change) -> Change:
        async def body(call: CatalogCall) -> None:
            async with call.transaction() as store:
                change(call, store)

        catalog_procedure(name, signature, checks=checks, errors=errors, executed_by=executed_by)(body)
        return change

    return declare


VIEWS: Final[dict[str, View]] = {}
"""All declared views by name; importing a module of ``views/`` fills it."""


def catalog_view(name: str, columns: str, select: str, *, rows: str = "") -> None:
    """Declare a view of schema ``catalog``.

    :param columns: names and T-SQL types with semicolons between; ``NN`` stands for NOT NULL, ``dto7`` for
        datetimeoffset(7).
    :param select: a DuckDB query over the tables of schema ``internal``, without WHERE.
    :param rows: the condition for the rows that the caller may see (``views/filters.py``); all rows by default.
    """
    query = f"{select} WHERE {rows}" if rows else select
    VIEWS[name] = View(DATABASE, SCHEMA, name, parse_columns(columns), query)


def internal_table(name: str, columns: str) -> Table:
    """A table of schema ``internal``."""
    return Table(DATABASE, "internal", name, parse_columns(columns))


def parse_columns(text: str) -> tuple[Column, ...]:
    """Columns from text such as ``folder_id bigint NN; name sysname NN; created_time dto7``."""
    columns = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        match = _COLUMN.fullmatch(part)
        if match is None:
            raise ValueError(f"not a column: {part!r}")
        columns.append(Column(match["name"], _column_type(match["type"]), nullable=match["not_null"] is None))
    return tuple(columns)


def _column_type(text: str) -> SqlType:
    return SqlType("datetimeoffset", scale=7) if text == "dto7" else SqlType.parse(text)


_COLUMN = re.compile(r"(?P<name>\w+)\s+(?P<type>\w+(?:\([^)]*\))?)(?P<not_null>\s+NN)?")
