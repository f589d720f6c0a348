"""``sp_help``, ``sp_spaceused``, ``sp_who2`` and others that describe objects and sessions to people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import columns_of
from airflow_provider_ssis.emulator.tsql.metadata.constraints import constraints, indexes
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    AnyView,
    BaseTable,
    Routine,
    SchemaObject,
    Table,
    UserTable,
    object_kind,
)
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.metadata.system_views import KIND_TEXTS
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, PRIMARY_KEY
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import COLLATION, facets
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_PAGE: Final = 8096
_KILOBYTES_OF_PAGE: Final = 8
_OBJECT: Final = columns_of("Name nvarchar(128); Owner nvarchar(128) ?; Type nvarchar(31); Created_datetime datetime")
_OBJECTS: Final = columns_of("Name nvarchar(128); Owner nvarchar(128) ?; Object_type nvarchar(31)")
_COLUMNS: Final = columns_of(
    "Column_name nvarchar(128); Type nvarchar(128); Computed varchar(35); Length int; Prec char(5); Scale char(5); "
    "Nullable varchar(35); TrimTrailingBlanks varchar(35); FixedLenNullInSource varchar(35); Collation nvarchar(128) ?"
)
_IDENTITY: Final = columns_of(
    "Identity nvarchar(128); Seed numeric(38, 0) ?; Increment numeric(38, 0) ?; Not_For_Replication int ?"
)
_INDEXES: Final = columns_of("index_name nvarchar(128) ?; index_description varchar(210); index_keys nvarchar(2078)")
_CONSTRAINTS: Final = columns_of(
    "constraint_type nvarchar(146); constraint_name nvarchar(128); constraint_keys nvarchar(2126)"
)
_PARAMETERS: Final = columns_of(
    "Parameter_name nvarchar(128); Type nvarchar(128); Length int; Prec int ?; Scale int ?; Param_order int"
)
_SPACE: Final = columns_of(
    "name nvarchar(128); rows char(20); reserved varchar(18); data varchar(18); index_size varchar(18); "
    "unused varchar(18)"
)
_DATABASE_SPACE: Final = (
    columns_of("database_name nvarchar(128); database_size varchar(18); unallocated_space varchar(18)"),
    columns_of("reserved varchar(18); data varchar(18); index_size varchar(18); unused varchar(18)"),
)
_WHO: Final = columns_of(
    "SPID char(5); Status varchar(30); Login nvarchar(128); HostName nvarchar(128); BlkBy char(5); "
    "DBName nvarchar(128); Command varchar(16); CPUTime varchar(30); DiskIO varchar(30); LastBatch varchar(48); "
    "ProgramName nvarchar(128)"
)
_CONSTRAINT_TEXTS: Final = {
    "PK": "PRIMARY KEY (clustered)",
    "UQ": "UNIQUE (non-clustered)",
    "F ": "FOREIGN KEY",
    "C ": "CHECK",
    "D ": "DEFAULT",
}


async def _help(call: ProcedureCall) -> None:
    """``sp_help``: 15009 there is no such object."""
    session, name = call.session, call.arguments["objname"]
    if name is None:
        listed = [(item.name, "dbo", _kind_text(item)) for _, item in session.metadata.objects(session.database)]
        call.result_set(_OBJECTS, sorted(listed, key=lambda row: (row[2], row[0].lower())))
        return
    item = _found(session, name)
    created = session.metadata.created
    call.result_set(_OBJECT, [(item.name, "dbo", _kind_text(item), created)])
    if isinstance(item, BaseTable | AnyView):
        _describe_columns(call, item)
    if isinstance(item, UserTable):
        _describe_rules(call, item)
    if isinstance(item, Routine) and item.parameters:
        rows = [
            (each.name, each.type.name, *facets(each.type), place)
            for place, each in enumerate(item.parameters, start=1)
        ]
        call.result_set(_PARAMETERS, rows)


def _describe_columns(call: ProcedureCall, item: BaseTable | AnyView) -> None:
    rules = item.rules if isinstance(item, UserTable) else NO_RULES
    rows = []
    for column in item.columns:
        size, precision, scale = facets(column.type)
        is_number = column.type.length is None and column.type.name not in ("bit", "uniqueidentifier", "xml")
        is_text = "char" in column.type.name
        computed = "yes" if rules.is_computed(column.name) and not rules.is_row_version(column.name) else "no"
        name = "timestamp" if rules.is_row_version(column.name) else column.type.name
        trims = "no" if is_text or "binary" in column.type.name else "(n/a)"
        rows.append(
            (
                *(column.name, name, computed, -1 if column.type.length == MAX else size),
                *((f"{precision:<5}", f"{scale:<5}") if is_number else ("     ", "     ")),
                *("yes" if column.nullable else "no", trims, trims, COLLATION if is_text else None),
            )
        )
    call.result_set(_COLUMNS, rows)


def _describe_rules(call: ProcedureCall, table: UserTable) -> None:
    identity = table.rules.identity
    row: tuple[Any, ...] = ("No identity column defined.", None, None, None)
    if identity is not None:
        row = (identity.column, identity.seed, identity.increment, 0)
    call.result_set(_IDENTITY, [row])
    call.result_set(columns_of("RowGuidCol nvarchar(128)"), [("No rowguidcol column defined.",)])
    call.result_set(columns_of("Data_located_on_filegroup nvarchar(128)"), [("PRIMARY",)])
    found = [index for index in indexes([(0, table)]) if index.name is not None]
    if found:
        call.result_set(_INDEXES, [(each.name, _index_text(each), ", ".join(each.columns)) for each in found])
    rows = []
    for constraint in constraints([(0, table)]):
        rule = constraint.rule
        keys = getattr(rule, "columns", None)
        text = ", ".join(keys) if keys else getattr(rule, "condition", None) or f"({getattr(rule, 'expression', '')})"
        kind = _CONSTRAINT_TEXTS[constraint.kind]
        if constraint.kind == "D ":
            kind = f"DEFAULT on column {getattr(rule, 'column', '')}"
        rows.append((kind, constraint.name, text))
    if rows:
        call.result_set(_CONSTRAINTS, rows)


def _index_text(index: Any) -> str:
    words = ["clustered" if index.is_clustered else "nonclustered"]
    if index.key is not None:
        words.append("unique")
        if index.key.kind == PRIMARY_KEY:
            words.append("primary key")
    return f"{', '.join(words)} located on PRIMARY"


def _kind_text(item: SchemaObject) -> str:
    return KIND_TEXTS[object_kind(item)].lower().replace("_", " ").replace("sql ", "")


def _found(session: SessionState, name: Any) -> SchemaObject:
    item = session.metadata.item(*qualified(split_name(str(name)), session.database))
    if item is None:
        raise SqlError(15009, f"The object '{name}' does not exist in database '{session.database}'.")
    return item


async def _space_used(call: ProcedureCall) -> None:
    """``sp_spaceused``: the rows are counted, the sizes estimated from the types of the columns."""
    session, name = call.session, call.arguments["objname"]
    if name is not None:
        item = _found(session, name)
        if not isinstance(item, UserTable | Table):
            raise SqlError(15234, f"Objects of this type have no space allocated: '{name}'.")
        if isinstance(item, Table) and not session.principal.is_sysadmin:
            raise SqlError(229, f"Reading {name!r} is denied: only members of sysadmin read it.", severity=14, state=5)
        rows, size = _size(session, item)
        texts = (f"{size} KB", f"{size} KB", "0 KB", "0 KB")
        call.result_set(_SPACE, [(item.name, f"{rows:<20}", *texts)])
        return
    items = [item for _, item in session.metadata.objects(session.database)]
    is_shown = (UserTable, Table) if session.principal.is_sysadmin else (UserTable,)
    total = sum(_size(session, item)[1] for item in items if isinstance(item, is_shown))
    first, second = _DATABASE_SPACE
    call.result_set(first, [(session.database, f"{total / 1024:.2f} MB", "0.00 MB")])
    call.result_set(second, [(f"{total} KB", f"{total} KB", "0 KB", "0 KB")])


def _size(session: SessionState, table: UserTable | Table) -> tuple[int, int]:
    """The number of rows, and the kilobytes of the pages that they would need."""
    name = table.storage_name if isinstance(table, UserTable) else table.storage_name(sees_all=True)
    rows = session.count_rows(name)
    width = sum(abs(facets(column.type)[0]) for column in table.columns)
    return rows, math.ceil(rows * width / _PAGE) * _KILOBYTES_OF_PAGE


async def _who(call: ProcedureCall) -> None:
    """``sp_who2``: all sessions for an administrator, the session itself for others."""
    mine = call.session
    rows = []
    for session in _sessions(mine):
        runs = session is mine
        rows.append(
            (
                *(f"{session.spid:<5}", "RUNNABLE" if runs else "sleeping", session.principal.name),
                *(session.login.host_name, "  .  ", session.database, "SELECT" if runs else "AWAITING COMMAND"),
                *("0", "0", mine.engine.now().strftime("%m/%d %H:%M:%S"), session.login.application_name),
            )
        )
    call.result_set(_WHO, rows)


def _sessions(mine: SessionState) -> Iterator[SessionState]:
    found = [each for each in mine.engine.sessions if isinstance(each, SessionState)]
    for session in sorted(found, key=lambda each: each.spid):
        if session is mine or mine.principal.is_sysadmin:
            yield session


async def _update_statistics(call: ProcedureCall) -> None:
    """``sp_updatestats``: there are no statistics."""
    call.info("Statistics for all tables have been updated.")


async def _recompile(call: ProcedureCall) -> None:
    """``sp_recompile`` and ``sp_refreshview``: the text of a module is compiled at each change of what it reads."""
    _found(call.session, call.arguments["objname"])


PROCEDURES: Final = tuple(
    Procedure("master", "sys", name, parse_signature(signature), body)
    for name, signature, body in (
        ("sp_help", "@objname nvarchar(776) = NULL", _help),
        ("sp_recompile", "@objname nvarchar(776)", _recompile),
        (
            "sp_spaceused",
            "@objname nvarchar(776) = NULL, @updateusage varchar(5) = 'false', @mode varchar(11) = 'ALL'",
            _space_used,
        ),
        ("sp_updatestats", "@resample char(8) = 'NO'", _update_statistics),
        ("sp_who2", "@loginame sysname = NULL", _who),
    )
)
