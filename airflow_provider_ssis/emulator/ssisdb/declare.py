"""How the catalog's procedures and views are declared: each in one place."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb
from airflow_provider_ssis.emulator.ssisdb.columns import parse_columns
from airflow_provider_ssis.emulator.ssisdb.error_texts import catalog_error
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.ssisdb.tables import TYPES
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.objects import View
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter, parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

SCHEMA: Final = "catalog"
PUBLIC_ROLE: Final = "public"
"""The database role of every user."""
_OWNERS: Final = "db_owner"
"""The database role whose members need no grant; the administrators of the server are members."""

_ALL_OF_TABLE = re.compile(r"SELECT \* FROM internal\.(\w+)")

Body = Callable[[CatalogCall], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CatalogProcedure:
    """A procedure of schema ``catalog``.

    :param granted_to: the database role that has EXECUTE on it (229 for others).
    :param windows_only: refused to SQL logins on a boxed SQL Server (27123).
    :param required: the parameters that must not be NULL (27138), without ``@``.
    :param also_granted_to: another such role; empty for none.
    :param arguments_first: checks arguments before 27123 is checked.
    :param is_operation: the body raises an injected error itself, once the operation has its row.
    """

    name: str
    parameters: tuple[ProcedureParameter, ...]
    granted_to: str
    windows_only: bool
    required: tuple[str, ...]
    body: Body
    schema: str = SCHEMA
    also_granted_to: str = ""
    arguments_first: Callable[[CatalogCall], None] | None = None
    is_operation: bool = False

    def bind(self, ssisdb: Ssisdb) -> Procedure:
        """The procedure of one catalog."""

        async def run(procedure_call: ProcedureCall) -> None:
            call = CatalogCall(ssisdb, procedure_call, self.name)
            if not self.is_operation:
                call.raise_injected()
            principal = procedure_call.session.principal
            roles = (self.granted_to, self.also_granted_to, _OWNERS)
            if not any(role and principal.has_database_role(role) for role in roles):
                raise self._denied()
            if self.arguments_first is not None:
                self._check_required(procedure_call)
                self.arguments_first(call)
            if self.windows_only and ssisdb.refuses(principal):
                raise catalog_error(27123, ends_batch=False)
            self._check_required(procedure_call)
            await self.body(call)

        return Procedure(DATABASE, self.schema, self.name, self.parameters, run, granted_to=self.granted_to)

    def _check_required(self, call: ProcedureCall) -> None:
        if any(call.arguments[name] is None for name in self.required):
            raise catalog_error(27138, ends_batch=False)

    def _denied(self) -> SqlError:
        return SqlError(
            229,
            f"The EXECUTE permission was denied on {self.name!r} of schema {self.schema!r} in database {DATABASE!r}: "
            f"only members of {self.granted_to} have it.",
            severity=14,
            state=5,
            procedure=self.name,
            line=1,
        )


PROCEDURES: Final[dict[str, CatalogProcedure]] = {}
"""All declared procedures by name; importing a module of ``procedures/`` fills it."""


def catalog_procedure(
    name: str,
    signature: str,
    *,
    granted_to: str = PUBLIC_ROLE,
    windows_only: bool = True,
    required: str = "",
    schema: str = SCHEMA,
    also_granted_to: str = "",
    arguments_first: Callable[[CatalogCall], None] | None = None,
    is_operation: bool = False,
) -> Callable[[Body], Body]:
    """Declare a procedure of schema ``catalog``; the decorated coroutine is its body.

    :param name: without its schema.
    :param signature: the parameters, as T-SQL declares them.
    :param granted_to: the database role that has EXECUTE on it (229); checked first. Default: public.
    :param windows_only: refused to SQL logins on a boxed SQL Server (27123); checked second.
    :param required: names of the parameters that must not be NULL (27138), separated by blanks; checked third.
    :param schema: ``internal`` for a procedure of the server's own jobs. Default: ``catalog``.
    :param also_granted_to: another database role that has EXECUTE. Default: none.
    :param arguments_first: checks arguments before 27123, and after 27138, which then comes first too. Default: none.
    :param is_operation: an injected error fails the operation that the body writes, through
        :meth:`CatalogCall.fails_with`. Default: it is raised before anything is written.
    """

    def declare(body: Body) -> Body:
        PROCEDURES[name] = CatalogProcedure(
            name,
            parse_signature(signature, schema=schema),
            granted_to,
            windows_only,
            tuple(required.split()),
            body,
            schema,
            also_granted_to,
            arguments_first,
            is_operation,
        )
        return body

    return declare


VIEWS: Final[dict[str, View]] = {}
"""All declared views by name; importing a module of ``views/`` fills it."""

QUIRKS: Final[dict[str, View]] = {}
"""The views that differ on a real catalog, because of a fault there."""


def catalog_view(
    name: str, columns: str, select: str, readable: str | None = None, *, quirk: str = "", spare_join: str = ""
) -> None:
    """Declare a view of schema ``catalog``.

    :param columns: as :func:`parse_columns` reads them.
    :param select: a DuckDB query over the tables of schema ``internal``. Without ``readable``, it is for all callers.
    :param readable: the condition of ``filters.py`` for the rows that the caller may read. It is left out for
        administrators, because it costs more than most queries.
    :param quirk: a query for the rows that a real catalog shows in addition, because of a fault. Default: none.
    :param spare_join: the text of a join in ``select`` that finds one row for each, so that a query which reads none
        of its columns does without; all of them are written with the alias. Default: none.
    """
    if (all_of := _ALL_OF_TABLE.fullmatch(select)) is not None:
        # Spelled out, so that a query binds only the columns that it reads (``metadata/view_columns.py``).
        select = f"SELECT {', '.join(TYPES[all_of[1]])} FROM internal.{all_of[1]}"
    filtered = select if readable is None else f"{select} WHERE {readable}"
    unfiltered = None if readable is None else select
    view = View(DATABASE, SCHEMA, name, parse_columns(columns), filtered, unfiltered, spare_join)
    VIEWS[name] = view
    if quirk:
        more = f" UNION ALL {quirk}"
        QUIRKS[name] = replace(
            view, select=filtered + more, unfiltered=None if unfiltered is None else unfiltered + more
        )
