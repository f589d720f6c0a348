"""The objects of SQL Server itself in ``sys.all_objects``, and ``master.dbo.spt_values``.

Scripts also join these to themselves only for their many rows: for numbers and dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.missing_procedures import SYSTEM_PROCEDURES
from airflow_provider_ssis.emulator.tsql.metadata.missing_views import MISSING
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata

_NUMBERS: Final = 2048
_BITS: Final = 8
_FIRST_ID: Final = 100_000
_VIEW: Final = ("V ", "VIEW")
_PROCEDURE: Final = ("P ", "SQL_STORED_PROCEDURE")


def system_objects(metadata: Metadata, database: str, known: Iterable[tuple[str, ...]]) -> Iterator[tuple[Any, ...]]:
    """The views and procedures, with negative ids.

    Tools ask here which dynamic management views they can use, so that those which this server lacks are left out.

    :param known: schema and name, in lower case, of the views that this server has: their ids count from -1.
    """
    missing = sorted((schema, name) for schema, names in MISSING.items() for name in names if name[:3] != "dm_")
    numbers = count(-_FIRST_ID, -1)
    listed = [(-place, _VIEW, schema, name) for place, (schema, name) in enumerate(known, start=1)]
    listed += [(next(numbers), _VIEW, schema, name) for schema, name in missing]
    listed += [(next(numbers), _PROCEDURE, "sys", name) for name in sorted(SYSTEM_PROCEDURES)]
    made = metadata.created, metadata.created
    for number, kind, schema, name in listed:
        yield name, number, None, metadata.schema_id(database, schema), 0, *kind, *made, True


def _spt_values(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number in range(_NUMBERS):
        yield None, number, "P  ", number // _BITS + 1, 1 << number % _BITS, 0


SPT_VALUES: Final = ComputedView(
    "dbo.spt_values",
    columns_of("name nvarchar(35) ?; number int; type nchar(3); low int ?; high int ?; status int ?"),
    _spt_values,
)
"""The table of master with the numbers from 0 to 2047. Rows of the other types, which name options, are missing."""
