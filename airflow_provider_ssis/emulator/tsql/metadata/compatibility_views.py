"""The views of SQL Server 2000 that older packages still query: ``sysobjects`` and ``syscolumns``.

Columns that SQL Server itself reserves are 0 or NULL, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata

Rows = Callable[[Metadata, str], Iterator[tuple[Any, ...]]]

_KEYS: Final = ("PK", "UQ")
_OBJECT: Final = columns_of(
    "name sysname; id int; xtype char(2); uid smallint ?; info smallint ?; status int ?; base_schema_ver int ?; "
    "replinfo int ?; parent_obj int; crdate datetime; ftcatid smallint ?; schema_ver int ?; stats_schema_ver int ?; "
    "type char(2) ?; userstat smallint ?; sysstat smallint ?; indexdel smallint ?; refdate datetime; version int ?; "
    "deltrig int ?; instrig int ?; updtrig int ?; seltrig int ?; category int ?; cache smallint ?"
)
_COLUMN: Final = columns_of(
    "name sysname ?; id int; xtype tinyint; xusertype smallint ?; length smallint; colid smallint ?; cdefault int; "
    "colorder smallint ?; status tinyint ?; prec smallint ?; scale int ?; iscomputed int ?; isoutparam int ?; "
    "isnullable int ?; collation sysname ?"
)


def compatibility_views(objects: Rows, columns: Rows) -> tuple[ComputedView, ...]:
    """Return the views.

    :param objects: the rows of ``sys.objects``.
    :param columns: the rows of ``sys.columns``.
    """

    def objects_of_2000(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
        for name, number, _, schema, parent, kind, _, created, *_ in objects(metadata, database):
            older = "K " if kind in _KEYS else kind
            yield (
                *(name, number, kind, schema, 0, 0, 0, 0, parent, created, 0, 0, 0, older, 1, 0, 0, created),
                *(0, 0, 0, 0, 0, 0, 0),
            )

    def columns_of_2000(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
        for found in columns(metadata, database):
            number, name, position, system_type, user_type, size, precision, scale, collation, nullable, *rest = found
            is_identity, is_computed, default = rest
            yield (
                *(name, number, system_type, user_type, size, position, default, position, 128 * is_identity),
                *(precision, scale, int(is_computed), 0, int(nullable), collation),
            )

    return (
        ComputedView("sys.sysobjects", _OBJECT, objects_of_2000),
        ComputedView("sys.syscolumns", _COLUMN, columns_of_2000),
    )
