"""The views of sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType, Variant
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.objects import DEFAULT_CACHE, SequenceObject
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import TYPE_IDS, facets
from airflow_provider_ssis.emulator.tsql.values.conversion import convert

_WHOLE: Final = SqlType("decimal", precision=38, scale=0)
LAST_VALUE: Final = "last_value_of_sequence()"
"""The session's function that returns the last value of a sequence; None while there is none."""


def as_variant(sequence: SequenceObject, value: int) -> Variant:
    """A value of a sequence, with its type."""
    return Variant(sequence.type, convert(Decimal(value), _WHOLE, sequence.type))


def _sequences(metadata: Metadata, database: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.objects(database):
        if not isinstance(item, SequenceObject):
            continue
        last = values[LAST_VALUE](item)
        type_number = TYPE_IDS[item.type.name]
        _, precision, scale = facets(item.type)
        end = item.maximum if item.increment > 0 else item.minimum
        is_exhausted = last is not None and not item.cycles and abs(end - last) < abs(item.increment)
        yield (
            *(item.name, number, None, metadata.schema_id(database, item.schema), 0, "SO", "SEQUENCE_OBJECT"),
            *(metadata.created, metadata.created, False),
            *(as_variant(item, each) for each in (item.start, item.increment, item.minimum, item.maximum)),
            *(item.cycles, item.cache > 1, item.cache if item.cache not in (1, DEFAULT_CACHE) else None),
            *(type_number, type_number, precision, scale),
            *(as_variant(item, item.start if last is None else last), is_exhausted),
            None if last is None else as_variant(item, last),
        )


def _information(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, SequenceObject):
            _, precision, scale = facets(item.type)
            yield (
                *(database, item.schema, item.name, item.type.name, precision, 10, scale),
                *(as_variant(item, each) for each in (item.start, item.minimum, item.maximum, item.increment)),
                int(item.cycles),
            )


SEQUENCE_VIEWS: Final = (
    ComputedView(
        "sys.sequences",
        columns_of(
            "name sysname; object_id int; principal_id int ?; schema_id int; parent_object_id int; type char(2); "
            "type_desc nvarchar(60) ?; create_date datetime; modify_date datetime; is_ms_shipped bit; start_value "
            "sql_variant; increment sql_variant; minimum_value sql_variant ?; maximum_value sql_variant ?; is_cycling "
            "bit ?; is_cached bit ?; cache_size int ?; system_type_id tinyint; user_type_id int; precision tinyint; "
            "scale tinyint ?; current_value sql_variant; is_exhausted bit; last_used_value sql_variant ?"
        ),
        session_rows=_sequences,
        needs=(LAST_VALUE,),
    ),
    ComputedView(
        "INFORMATION_SCHEMA.SEQUENCES",
        columns_of(
            "SEQUENCE_CATALOG nvarchar(128); SEQUENCE_SCHEMA nvarchar(128) ?; SEQUENCE_NAME sysname; DATA_TYPE "
            "nvarchar(128); NUMERIC_PRECISION tinyint ?; NUMERIC_PRECISION_RADIX smallint ?; NUMERIC_SCALE int ?; "
            "START_VALUE sql_variant; MINIMUM_VALUE sql_variant; MAXIMUM_VALUE sql_variant; INCREMENT sql_variant; "
            "CYCLE_OPTION int ?"
        ),
        _information,
    ),
)
