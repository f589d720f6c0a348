"""How the catalog's procedures and views are declared: each in one place, under the words of its documentation."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.ssisdb.messages import catalog_error
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.tsql.execution.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.registry import Table, View
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter, parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
    from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb

SCHEMA: Final = "catalog"
EVERYBODY: Final = "public"
"""The database role that every user is in."""
_OWNERS: Final = "db_owner"
"""The database role whose members need no grant; the server's administrators are in it."""

Body = Callable[["CatalogCall"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CatalogProcedure:
    """A procedure of schema ``catalog``.

    :param granted_to: the database role that has EXECUTE on it (229 for others).
    :param windows_only: refused to SQL logins on a boxed SQL Server (27123).
    :param required: the parameters that take no NULL (27138), without ``@``.
    """

    name: str
    parameters: tuple[ProcedureParameter, ...]
    granted_to: str
    windows_only: bool
    required: tuple[str, ...]
    body: Body

    def bind(self, ssisdb: Ssisdb) -> Procedure:
        """The procedure of one catalog."""
        from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall

        async def run(procedure_call: ProcedureCall) -> None:
            principal = procedure_call.session.principal
            if not (principal.has_database_role(self.granted_to) or principal.has_database_role(_OWNERS)):
                raise self._denied()
            call = CatalogCall(ssisdb, procedure_call)
            if self.windows_only and ssisdb.refuses(principal):
                raise catalog_error(27123, ends_batch=False)
            if any(procedure_call.arguments[name] is None for name in self.required):
                raise catalog_error(27138, ends_batch=False)
            await self.body(call)

        return Procedure(DATABASE, SCHEMA, self.name, self.parameters, run)

    def _denied(self) -> SqlError:
        return SqlError(
            229,
            f"The EXECUTE permission was denied on {self.name!r} of schema {SCHEMA!r} in database {DATABASE!r}: only "
            f"members of {self.granted_to} have it.",
            severity=14,
            state=5,
            procedure=self.name,
            line=1,
        )


PROCEDURES: Final[dict[str, CatalogProcedure]] = {}
"""All declared procedures by name; importing a module of ``procedures/`` fills it."""


def catalog_procedure(
    name: str, signature: str, *, granted_to: str = EVERYBODY, windows_only: bool = True, required: str = ""
) -> Callable[[Body], Body]:
    """Declare a procedure of schema ``catalog``; the decorated coroutine is its body.

    :param name: without its schema.
    :param signature: the parameters, as T-SQL declares them.
    :param granted_to: the database role that has EXECUTE on it (229); checked first. Default: everybody.
    :param windows_only: refused to SQL logins on a boxed SQL Server (27123); checked second.
    :param required: names of the parameters that take no NULL (27138), with blanks between; checked third.
    """

    def declare(body: Body) -> Body:
        PROCEDURES[name] = CatalogProcedure(
            name, parse_signature(signature, schema=SCHEMA), granted_to, windows_only, tuple(required.split()), body
        )
        return body

    return declare


VIEWS: Final[dict[str, View]] = {}
"""All declared views by name; importing a module of ``views/`` fills it."""


def catalog_view(name: str, columns: str, select: str, readable: str | None = None) -> None:
    """Declare a view of schema ``catalog``.

    :param columns: names and T-SQL types with semicolons between; ``NN`` stands for NOT NULL.
    :param select: a DuckDB query over the tables of schema ``internal``; without ``readable`` it shows each caller what
        he may see.
    :param readable: the condition of ``filters.py`` for the rows that the caller may see, which administrators are
        spared: to ask it costs more than most queries.
    """
    filtered = select if readable is None else f"{select} WHERE {readable}"
    unfiltered = None if readable is None else select
    VIEWS[name] = View(DATABASE, SCHEMA, name, parse_columns(columns), filtered, unfiltered)


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
