"""The catalog procedures about keys and indexes (``SQLPrimaryKeys`` ...)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import columns_of
from airflow_provider_ssis.emulator.tsql.metadata.constraints import Index, indexes
from airflow_provider_ssis.emulator.tsql.metadata.names import DEFAULT_SCHEMA
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.odbc_types import measures

_TABLE: Final = "TABLE_QUALIFIER sysname ?; TABLE_OWNER sysname ?; TABLE_NAME sysname ?"
_PRIMARY_KEYS: Final = columns_of(f"{_TABLE}; COLUMN_NAME sysname; KEY_SEQ smallint; PK_NAME sysname ?")
_INDEXES: Final = columns_of(
    f"{_TABLE}; NON_UNIQUE smallint ?; INDEX_QUALIFIER sysname ?; INDEX_NAME sysname ?; TYPE smallint; SEQ_IN_INDEX "
    "smallint ?; COLUMN_NAME sysname ?; COLLATION char(1) ?; CARDINALITY int ?; PAGES int ?; FILTER_CONDITION "
    "varchar(128) ?"
)
_IDENTIFIERS: Final = columns_of(
    "SCOPE smallint ?; COLUMN_NAME sysname ?; DATA_TYPE smallint; TYPE_NAME sysname; PRECISION int; LENGTH int; SCALE "
    "smallint ?; PSEUDO_COLUMN smallint"
)
_FOREIGN_KEYS: Final = columns_of(
    "PKTABLE_QUALIFIER sysname ?; PKTABLE_OWNER sysname ?; PKTABLE_NAME sysname; PKCOLUMN_NAME sysname; "
    "FKTABLE_QUALIFIER sysname ?; FKTABLE_OWNER sysname ?; FKTABLE_NAME sysname; FKCOLUMN_NAME sysname; KEY_SEQ "
    "smallint; UPDATE_RULE smallint ?; DELETE_RULE smallint ?; FK_NAME sysname ?; PK_NAME sysname ?; DEFERRABILITY "
    "smallint ?"
)
_NO_ACTION: Final = 1
_NOT_DEFERRABLE: Final = 7
_CLUSTERED, _OTHER = 1, 3


def _table(call: ProcedureCall, prefix: str = "table") -> UserTable | None:
    """The client's table that the arguments name, or None."""
    name = call.arguments[f"{prefix}_name"]
    database = call.arguments[f"{prefix}_qualifier"] or call.session.database
    owner = call.arguments[f"{prefix}_owner"] or DEFAULT_SCHEMA
    found = None if name is None else call.session.metadata.relation(database, owner, name)
    return found if isinstance(found, UserTable) else None


async def primary_keys(call: ProcedureCall) -> None:
    """``sp_pkeys``."""
    table = _table(call)
    key = None if table is None else table.rules.primary_key
    rows: list[tuple[Any, ...]] = []
    if table is not None and key is not None:
        names = (table.database, table.schema, table.name)
        rows = [(*names, column, place, key.name) for place, column in enumerate(key.columns, start=1)]
    call.result_set(_PRIMARY_KEYS, rows)


async def foreign_keys(call: ProcedureCall) -> None:
    """``sp_fkeys``: the keys of a table, or those that refer to it."""
    call.result_set(_FOREIGN_KEYS, list(_foreign_keys(call)))


def _foreign_keys(call: ProcedureCall) -> Iterator[tuple[Any, ...]]:
    parent, child = _table(call, "pktable"), _table(call, "fktable")
    metadata = call.session.metadata
    first = parent or child
    for _, table in metadata.user_tables(first.database) if first is not None else ():
        if child is not None and table.storage_name != child.storage_name:
            continue
        for key in table.rules.foreign_keys:
            other = metadata.relation(table.database, key.schema, key.table)
            if not isinstance(other, UserTable) or (parent is not None and other.storage_name != parent.storage_name):
                continue
            primary = other.rules.primary_key
            references = key.references or (primary.columns if primary else ())
            for place, (mine, theirs) in enumerate(zip(key.columns, references, strict=True), start=1):
                yield (
                    *(other.database, other.schema, other.name, theirs, table.database, table.schema, table.name, mine),
                    *(place, _NO_ACTION, _NO_ACTION, key.name, primary.name if primary else None, _NOT_DEFERRABLE),
                )


async def statistics(call: ProcedureCall) -> None:
    """``sp_statistics``: the indexes of a table."""
    table = _table(call)
    rows: list[tuple[Any, ...]] = []
    if table is not None:
        names = (table.database, table.schema, table.name)
        rows.append((*names, None, None, None, 0, None, None, None, 0, 0, None))
        for index in indexes(call.session.metadata.user_tables(table.database)):
            if index.table.storage_name == table.storage_name:
                rows += _index_rows(names, index)
    call.result_set(_INDEXES, rows)


def _index_rows(names: tuple[str, str, str], index: Index) -> list[tuple[Any, ...]]:
    kind = _CLUSTERED if index.is_clustered else _OTHER
    return [
        (*names, int(index.key is None), names[2], index.name, kind, place, column, "A", 0, 0, None)
        for place, column in enumerate(index.columns, start=1)
    ]


async def special_columns(call: ProcedureCall) -> None:
    """``sp_special_columns``: the columns that identify a row."""
    table = _table(call)
    wanted = str(call.arguments["col_type"]).upper() == "R"
    key = None if table is None or not wanted else table.rules.primary_key
    rows: list[tuple[Any, ...]] = []
    for name in () if key is None else key.columns:
        column = next(each for each in (table.columns if table else ()) if each.name.lower() == name.lower())
        number, type_name, precision, length, scale, _ = measures(column.type)
        rows.append((1, column.name, number, type_name, precision, length, scale, 1))
    call.result_set(_IDENTIFIERS, rows)
