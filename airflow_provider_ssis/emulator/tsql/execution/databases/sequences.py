"""The last values of sequences. A rollback does not return values.

Values are reserved in blocks in the database: after a crash, a sequence continues after the block that was reserved.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from airflow_provider_ssis.emulator.datatypes import BIGINT
from airflow_provider_ssis.emulator.tsql.metadata.objects import SequenceObject, storage_database
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.sequence_views import as_variant
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

SEQUENCE_TABLE: Final = "CREATE TABLE IF NOT EXISTS main.sequences (key VARCHAR, value HUGEINT)"
"""The DuckDB table of a database that has the last reserved value of each sequence."""


@dataclass(frozen=True, slots=True)
class Range:
    """Values that were taken together.

    :param cycles: how often the sequence began again between them.
    """

    first: int
    last: int
    cycles: int = 0


class Sequences:
    """The last values of sequences.

    :param connection: to DuckDB, used for nothing else.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._reserved: dict[str, int] = {}

    def last(self, sequence: SequenceObject) -> int | None:
        """The last value; None while there is none."""
        return self._last.get(sequence.key)

    def take(self, sequence: SequenceObject, count: int = 1) -> Range:
        """Take the next values.

        :raises SqlError: 11728, the sequence is at its end; 11732, it has less values left.
        """
        with self._lock:
            taken = _range(sequence, _next(sequence, self._last.get(sequence.key)), count)
            self._reserve(sequence, taken.last)
            self._last[sequence.key] = taken.last
            return taken

    def restore(self, values: Mapping[str, int]) -> None:
        """Continue after values of an earlier run of the server."""
        self._last.update(values)
        self._reserved.update(values)

    def keep(self, sequence: SequenceObject) -> None:
        """Keep the last value itself, before the server stops."""
        last = self._last.get(sequence.key)
        if last is not None:
            self._save(sequence, last)

    def forget_row_versions(self, database: str) -> None:
        """Begin again with the rowversions of a database that is dropped."""
        for known in (self._last, self._reserved):
            known.pop(row_versions(database).key, None)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _reserve(self, sequence: SequenceObject, value: int) -> None:
        reserved = self._reserved.get(sequence.key)
        before = self._last.get(sequence.key)
        ahead = before is None or (value - before) * sequence.increment > 0
        if reserved is not None and ahead and (reserved - value) * sequence.increment >= 0:
            return
        block = value + (sequence.cache - 1) * sequence.increment
        self._save(sequence, min(max(block, sequence.minimum), sequence.maximum))

    def _save(self, sequence: SequenceObject, value: int) -> None:
        table = f"{quoted(storage_database(sequence.database))}.main.sequences"
        if sequence.key in self._reserved:
            self._connection.execute(f"UPDATE {table} SET value = ? WHERE key = ?", [value, sequence.key])
        else:
            self._connection.execute(f"INSERT INTO {table} VALUES (?, ?)", [sequence.key, value])
        self._reserved[sequence.key] = value


def _next(sequence: SequenceObject, last: int | None) -> int:
    if last is None:
        return sequence.start
    value = last + sequence.increment
    if sequence.minimum <= value <= sequence.maximum:
        return value
    if not sequence.cycles:
        text = (
            f"The sequence object '{sequence.name}' has reached its minimum or maximum value. Restart the sequence "
            "object to allow new values to be generated."
        )
        raise SqlError(11728, text)
    return _first_of_cycle(sequence)


def _first_of_cycle(sequence: SequenceObject) -> int:
    return sequence.minimum if sequence.increment > 0 else sequence.maximum


def _range(sequence: SequenceObject, first: int, count: int) -> Range:
    end = sequence.maximum if sequence.increment > 0 else sequence.minimum
    left = (end - first) // sequence.increment
    if count - 1 <= left:
        return Range(first, first + (count - 1) * sequence.increment)
    if not sequence.cycles:
        text = (
            f"The requested range for sequence object '{sequence.name}' exceeds the maximum or minimum limit. Retry "
            "with a smaller range."
        )
        raise SqlError(11732, text)
    in_cycle = (sequence.maximum - sequence.minimum) // abs(sequence.increment) + 1
    cycles, place = divmod(count - 1 - left - 1, in_cycle)
    return Range(first, _first_of_cycle(sequence) + place * sequence.increment, cycles + 1)


@dataclass(slots=True)
class NextValues:
    """NEXT VALUE FOR of one statement, by the numbers of its rows: a repetition of the statement gets the same values.

    :param metadata: the names that the session sees.
    """

    sequences: Sequences
    metadata: Metadata
    _taken: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)

    def __call__(self, database: str, schema: str, name: str, row: int) -> Any:
        """The value of a sequence in a row, counted from 1."""
        taken = self._taken.setdefault((database, schema, name), [])
        while len(taken) < row:
            sequence = self.metadata.sequence(database, schema, name)
            taken.append(as_variant(sequence, self.sequences.take(sequence).first).value)
        return taken[row - 1]


def row_versions(database: str) -> SequenceObject:
    """The sequence of the rowversion columns of a database."""
    limits = (_FIRST_ROW_VERSION, 1, 0, 2**63 - 1)
    return SequenceObject(database, "", "", BIGINT, *limits, cache=1000, key=f"row versions of {database.lower()}")


_FIRST_ROW_VERSION: Final = 2001


@dataclass(slots=True)
class RowVersions:
    """The rowversions of one statement, by the numbers of its rows."""

    sequences: Sequences
    _taken: dict[str, list[bytes]] = field(default_factory=dict)

    def __call__(self, database: str, row: int) -> bytes:
        """The rowversion of a row, counted from 1."""
        taken = self._taken.setdefault(database, [])
        while len(taken) < row:
            taken.append(_as_bytes(self.sequences.take(row_versions(database)).first))
        return taken[row - 1]

    def last(self, database: str) -> bytes:
        """``@@DBTS``: the last rowversion of a database."""
        last = self.sequences.last(row_versions(database))
        return _as_bytes(_FIRST_ROW_VERSION - 1 if last is None else last)


def _as_bytes(number: int) -> bytes:
    return number.to_bytes(8, "big")
