"""The system views of keys, constraints and indexes. The tables of the server itself have none, and are heaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import BIGINT, Variant
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.constraints import Constraint, Index, column_ids, constraints, indexes
from airflow_provider_ssis.emulator.tsql.metadata.objects import Table, UserTable
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import (
    PRIMARY_KEY,
    UNIQUE,
    Check,
    Default,
    ForeignKey,
    Key,
)

_TEXTS: Final = {
    "PK": "PRIMARY_KEY_CONSTRAINT",
    "UQ": "UNIQUE_CONSTRAINT",
    "F ": "FOREIGN_KEY_CONSTRAINT",
    "C ": "CHECK_CONSTRAINT",
    "D ": "DEFAULT_CONSTRAINT",
}
_ACTIONS: Final = {
    "": (0, "NO_ACTION"),
    "CASCADE": (1, "CASCADE"),
    "SET NULL": (2, "SET_NULL"),
    "SET DEFAULT": (3, "SET_DEFAULT"),
}
_WORDS: Final = {"PK": "PRIMARY KEY", "UQ": "UNIQUE", "F ": "FOREIGN KEY", "C ": "CHECK"}


def constraint_objects(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    """The constraints as ``sys.objects`` shows them."""
    for each in constraints(metadata.user_tables(database)):
        schema = metadata.schema_id(database, each.table.schema)
        made = (metadata.created, metadata.created)
        yield each.name, each.id, None, schema, each.table_id, each.kind, _TEXTS[each.kind], *made, False


def _head(metadata: Metadata, database: str, each: Constraint) -> tuple[Any, ...]:
    schema = metadata.schema_id(database, each.table.schema)
    return each.name, each.id, schema, each.table_id, each.kind, _TEXTS[each.kind], False


def _keys(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    ids = {(index.table_id, index.name): index.id for index in indexes(metadata.user_tables(database))}
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, Key):
            yield *_head(metadata, database, each), ids[each.table_id, each.name], "__" in each.name


def _foreign_keys(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, ForeignKey):
            yield (
                *_head(metadata, database, each),
                *(_parent_id(metadata, database, each.rule), 1, each.rule.disabled),
                *_ACTIONS[each.rule.on_delete],
                *_ACTIONS[each.rule.on_update],
            )


def _parent_id(metadata: Metadata, database: str, key: ForeignKey) -> int | None:
    return metadata.object_id(database, f"[{key.schema}].[{key.table}]")


def _parent(metadata: Metadata, database: str, key: ForeignKey) -> UserTable:
    found = metadata.relation(database, key.schema, key.table)
    if not isinstance(found, UserTable):
        raise ValueError(f"foreign key {key.name} refers to no table")
    return found


def _pairs(metadata: Metadata, each: Constraint, key: ForeignKey) -> Iterator[tuple[int, str, str]]:
    """The columns of a foreign key: place, name, and the name of the column that it refers to."""
    parent = _parent(metadata, each.table.database, key)
    primary = parent.rules.primary_key
    references = key.references or (primary.columns if primary else ())
    for place, (name, other) in enumerate(zip(key.columns, references, strict=True), start=1):
        yield place, name, other


def _foreign_key_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, ForeignKey):
            parent, parent_id = _parent(metadata, database, each.rule), _parent_id(metadata, database, each.rule)
            for place, name, other in _pairs(metadata, each, each.rule):
                (own,), (theirs,) = column_ids(each.table, (name,)), column_ids(parent, (other,))
                yield each.id, place, each.table_id, own, parent_id, theirs


def _checks(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, Check):
            yield *_head(metadata, database, each), 0, each.rule.condition, each.rule.disabled


def _defaults(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, Default):
            (place,) = column_ids(each.table, (each.rule.column,))
            yield *_head(metadata, database, each), place, f"({each.rule.expression})"


def default_ids(metadata: Metadata, database: str) -> dict[tuple[int, str], int]:
    """The object ids of DEFAULT constraints, by the table's object id and the column's name in lower case."""
    return {
        (each.table_id, each.rule.column.lower()): each.id
        for each in constraints(metadata.user_tables(database))
        if isinstance(each.rule, Default)
    }


def _identity_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, table in metadata.user_tables(database):
        identity = table.rules.identity
        if identity is not None:
            (place,) = column_ids(table, (identity.column,))
            numbers = (Variant(BIGINT, identity.seed), Variant(BIGINT, identity.increment))
            yield number, table.columns[place - 1].name, place, *numbers, True


def _computed_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, table in metadata.user_tables(database):
        for each in table.rules.computed:
            if not each.expression:
                continue
            (place,) = column_ids(table, (each.column,))
            yield number, table.columns[place - 1].name, place, f"({each.expression})", each.persisted


def _indexes(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in indexes(metadata.user_tables(database)):
        kind = (1, "CLUSTERED") if each.is_clustered else (0, "HEAP") if not each.id else (2, "NONCLUSTERED")
        if each.is_columnstore:
            kind = (kind[0] + 4, f"{kind[1]} COLUMNSTORE")
        key = each.key
        unique = (key is not None, key is not None and key.kind == PRIMARY_KEY, key is not None and key.kind == UNIQUE)
        yield each.table_id, each.name, each.id, *kind, *unique, each.is_disabled, *_filter(each)
    for number, _ in _server_tables(metadata, database):
        yield number, None, 0, 0, "HEAP", False, False, False, False, False, None


def _filter(index: Index) -> tuple[bool, str | None]:
    return (True, f"({index.filter})") if index.filter else (False, None)


def _server_tables(metadata: Metadata, database: str) -> Iterator[tuple[int, Table]]:
    """The tables of the server itself, with their object ids: they are shown as heaps."""
    return ((number, item) for number, item in metadata.objects(database) if isinstance(item, Table))


def _index_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in indexes(metadata.user_tables(database)):
        for place, column in enumerate(column_ids(each.table, each.columns), start=1):
            yield each.table_id, each.id, place, column, place, False, False


ROW_COUNT: Final = "rows of a table"
"""The value of a session that counts the rows of a DuckDB table."""
_IS_MEMBER: Final = "is_srvrolemember()"


def _partitions(metadata: Metadata, database: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Each index of a table has one partition."""
    for each in indexes(metadata.user_tables(database)):
        rows = values[ROW_COUNT](each.table.storage_name)
        yield (each.table_id << 16) + each.id, each.table_id, each.id, 1, rows
    if values[_IS_MEMBER]("sysadmin"):  # only these read the tables of the server itself
        for number, table in _server_tables(metadata, database):
            yield number << 16, number, 0, 1, values[ROW_COUNT](table.storage_name(sees_all=True))


def _indexes_of_2000(metadata: Metadata, database: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The indexes as ``sysindexes`` shows them. The counts of pages are 0."""
    for each in indexes(metadata.user_tables(database)):
        kind = each.key.kind if each.key is not None else ""
        status = 2 * bool(kind) + 16 * each.is_clustered + 2048 * (kind == PRIMARY_KEY) + 4096 * (kind == UNIQUE)
        rows = values[ROW_COUNT](each.table.storage_name)
        keys = len(each.columns)
        yield (
            *(each.table_id, status, None, each.id, None, 0, keys, 1, 0, 0, 0, rows, 0, 0, 0, 0, 0, 0, 0, 0),
            *(None, 0, 0, 0, None, each.name, None, 8000, rows),
        )


# --- INFORMATION_SCHEMA


def _table_constraints(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if each.kind in _WORDS:
            schema = each.table.schema
            yield database, schema, each.name, database, schema, each.table.name, _WORDS[each.kind]


def _key_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, Key | ForeignKey):
            schema = each.table.schema
            for place, name in enumerate(each.rule.columns, start=1):
                yield database, schema, each.name, database, schema, each.table.name, name, place


def _constraint_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, Key | ForeignKey):
            schema = each.table.schema
            for name in each.rule.columns:
                yield database, schema, each.table.name, name, database, schema, each.name


def _referential(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for each in constraints(metadata.user_tables(database)):
        if isinstance(each.rule, ForeignKey):
            parent = _parent(metadata, database, each.rule)
            wanted = {name.lower() for name in each.rule.references}
            keys = [key.name for key in parent.rules.candidate_keys if {name.lower() for name in key.columns} == wanted]
            primary = parent.rules.primary_key
            name = keys[0] if keys else primary.name if primary else None
            names = (database, each.table.schema, each.name, database, parent.schema, name)
            yield *names, "SIMPLE", each.rule.on_update or "NO ACTION", each.rule.on_delete or "NO ACTION"


_CONSTRAINT: Final = (
    "name sysname; object_id int; schema_id int; parent_object_id int; type char(2); type_desc nvarchar(60) ?; "
    "is_ms_shipped bit"
)
_OF: Final = "{0}_CATALOG nvarchar(128) ?; {0}_SCHEMA nvarchar(128) ?; {0}_NAME sysname"
TABLE_VIEWS: Final = (
    ComputedView(
        "sys.check_constraints",
        columns_of(f"{_CONSTRAINT}; parent_column_id int; definition nvarchar(max) ?; is_disabled bit"),
        _checks,
    ),
    ComputedView(
        "sys.default_constraints",
        columns_of(f"{_CONSTRAINT}; parent_column_id int; definition nvarchar(max) ?"),
        _defaults,
    ),
    ComputedView(
        "sys.foreign_key_columns",
        columns_of(
            "constraint_object_id int; constraint_column_id int; parent_object_id int; parent_column_id int; "
            "referenced_object_id int; referenced_column_id int"
        ),
        _foreign_key_columns,
    ),
    ComputedView(
        "sys.foreign_keys",
        columns_of(
            f"{_CONSTRAINT}; referenced_object_id int ?; key_index_id int ?; is_disabled bit; "
            "delete_referential_action tinyint ?; delete_referential_action_desc nvarchar(60) ?; "
            "update_referential_action tinyint ?; "
            "update_referential_action_desc nvarchar(60) ?"
        ),
        _foreign_keys,
    ),
    ComputedView(
        "sys.computed_columns",
        columns_of("object_id int; name sysname ?; column_id int; definition nvarchar(max) ?; is_persisted bit"),
        _computed_columns,
    ),
    ComputedView(
        "sys.identity_columns",
        columns_of(
            "object_id int; name sysname ?; column_id int; seed_value sql_variant ?; increment_value sql_variant ?; "
            "is_identity bit ?"
        ),
        _identity_columns,
    ),
    ComputedView(
        "sys.index_columns",
        columns_of(
            "object_id int; index_id int; index_column_id int; column_id int; key_ordinal tinyint; is_descending_key "
            "bit ?; is_included_column bit ?"
        ),
        _index_columns,
    ),
    ComputedView(
        "sys.indexes",
        columns_of(
            "object_id int; name sysname ?; index_id int; type tinyint; type_desc nvarchar(60) ?; is_unique bit ?; "
            "is_primary_key bit ?; is_unique_constraint bit ?; is_disabled bit ?; has_filter bit ?; filter_definition "
            "nvarchar(max) ?"
        ),
        _indexes,
    ),
    ComputedView(
        "sys.partitions",
        columns_of("partition_id bigint; object_id int; index_id int; partition_number int; rows bigint ?"),
        session_rows=_partitions,
        needs=(ROW_COUNT, _IS_MEMBER),
    ),
    ComputedView(
        "sys.dm_db_partition_stats",
        columns_of("partition_id bigint ?; object_id int; index_id int; partition_number int; row_count bigint ?"),
        session_rows=_partitions,
        needs=(ROW_COUNT, _IS_MEMBER),
    ),
    ComputedView(
        "sys.sysindexes",
        columns_of(
            "id int; status int ?; first binary(6) ?; indid smallint ?; root binary(6) ?; minlen smallint ?; keycnt "
            "smallint ?; groupid smallint ?; dpages int ?; reserved int ?; used int ?; rowcnt bigint ?; rowmodctr int "
            "?; reserved3 tinyint ?; reserved4 tinyint ?; xmaxlen smallint ?; maxirow smallint ?; OrigFillFactor "
            "tinyint ?; StatVersion tinyint ?; reserved2 int ?; FirstIAM binary(6) ?; impid smallint ?; lockflags "
            "smallint ?; pgmodctr int ?; keys varbinary(816) ?; name sysname ?; statblob varbinary(max) ?; maxlen int "
            "?; rows int ?"
        ),
        session_rows=_indexes_of_2000,
        needs=(ROW_COUNT,),
    ),
    ComputedView(
        "sys.key_constraints", columns_of(f"{_CONSTRAINT}; unique_index_id int ?; is_system_named bit"), _keys
    ),
    ComputedView(
        "INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE",
        columns_of(f"{_OF.format('TABLE')}; COLUMN_NAME sysname ?; {_OF.format('CONSTRAINT')}"),
        _constraint_columns,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.KEY_COLUMN_USAGE",
        columns_of(f"{_OF.format('CONSTRAINT')}; {_OF.format('TABLE')} ?; COLUMN_NAME sysname ?; ORDINAL_POSITION int"),
        _key_columns,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS",
        columns_of(
            f"{_OF.format('CONSTRAINT')}; {_OF.format('UNIQUE_CONSTRAINT')} ?; MATCH_OPTION varchar(7) ?; UPDATE_RULE "
            "varchar(11) ?; DELETE_RULE varchar(11) ?"
        ),
        _referential,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.TABLE_CONSTRAINTS",
        columns_of(f"{_OF.format('CONSTRAINT')}; {_OF.format('TABLE')} ?; CONSTRAINT_TYPE varchar(11) ?"),
        _table_constraints,
    ),
)
