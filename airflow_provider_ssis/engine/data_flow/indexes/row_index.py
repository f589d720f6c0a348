"""An exact index over the keys of rows: finds the first row with the same key, for whole batches at once.

Keys are equal if they have the same values: case, width and trailing blanks count, and NULL equals NULL. A key is
written as words of 64 bits that determine it. Long keys have one word, a hash; equal hashes are confirmed by comparing
the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.indexes.index_memory import IndexMemory
from airflow_provider_ssis.engine.data_flow.indexes.key_words import Mask, Words, exact_words, hashes, word_count
from airflow_provider_ssis.engine.data_flow.indexes.row_tables import NO_ROW, Rows, RowTable, row_table

_CHUNK = 100_000
_MOST_WORDS = 6
"""The words of a key that is compared by its words."""


class RowIndex:
    """Finds rows by their keys.

    :param columns: the key columns; each may be in chunks.
    :param memory: makes the arrays of the index, until it is closed. Default: within the default memory limit.
    :param check: is called now and then while the index is built; raises if the run was cancelled. Default: nothing.
    """

    def __init__(
        self,
        columns: Sequence[pa.Array | pa.ChunkedArray],
        memory: IndexMemory | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        memory = memory or IndexMemory(RunOptions())
        self._columns = _plain([pa.chunked_array([c]) if isinstance(c, pa.Array) else c for c in columns])
        self._counts = [word_count(column) for column in self._columns]
        self._has_nulls = any(column.null_count for column in self._columns)
        self._is_exact = sum(self._counts) + self._has_nulls <= _MOST_WORDS
        keys, self._constants = _varying(self._stored_keys(memory, check))
        self._table: RowTable | None = None
        self.duplicates = 0
        self._collisions: dict[tuple[pa.Scalar, ...], int] = {}
        if len(keys[0]):
            self._table, first = row_table(keys, memory, check)
            self._count_repeated(first)

    def find(self, columns: Sequence[pa.Array]) -> Rows:
        """Return the number of the first row with the key of each row, -1 for none.

        :param columns: the keys, of the types of the key columns.
        """
        columns = _plain(columns)
        if self._table is None:
            return np.full(len(columns[0]), NO_ROW, np.int64)
        words, possible = self._words(columns)
        for place, constant in reversed(self._constants):
            same = words.pop(place) == constant
            if not same.all():
                possible = _both(possible, same)
        found = self._table.find(words)
        if possible is not None:
            found[~possible] = NO_ROW
        if self._is_exact:
            return found
        hits = np.flatnonzero(found >= 0)
        if len(hits):
            wrong = hits[~self._equal(columns, hits, found[hits])]
            found[wrong] = NO_ROW
            if self._collisions:
                for row in wrong:
                    found[row] = self._collisions.get(tuple(column[int(row)] for column in columns), NO_ROW)
        return found

    def _words(self, columns: Sequence[pa.Array]) -> tuple[list[Words], Mask | None]:
        """The words of each key, and which keys can be in the index at all; None for all."""
        if not self._is_exact:
            return [hashes(columns)], None
        words: list[Words] = []
        nulls = np.zeros(len(columns[0]), np.uint64) if self._has_nulls else None
        possible: Mask | None = None
        for place, (column, count) in enumerate(zip(columns, self._counts, strict=True)):
            found, fits = exact_words(column, count)
            if column.null_count:
                valid = column.is_valid().to_numpy(zero_copy_only=False)
                if nulls is None:
                    possible = _both(possible, valid)
                else:
                    nulls |= np.where(valid, np.uint64(0), np.uint64(1 << place))
                    found = [np.where(valid, part, np.uint64(0)) for part in found]
                    fits = None if fits is None else fits | ~valid
            words += found
            if fits is not None:
                possible = _both(possible, fits)
        return (words if nulls is None else [*words, nulls]), possible

    def _stored_keys(self, memory: IndexMemory, check: Callable[[], None]) -> list[Words]:
        """The words of the keys of all rows."""
        count = sum(self._counts) + self._has_nulls if self._is_exact else 1
        keys = [memory.array(len(self._columns[0]), np.uint64) for _ in range(count)]
        start = 0
        for chunks in _aligned(self._columns):
            check()
            end = start + len(chunks[0])
            for stored, words in zip(keys, self._words(chunks)[0], strict=True):
                stored[start:end] = words
            start = end
        return keys

    def _count_repeated(self, first: Iterator[Rows]) -> None:
        """Count the duplicates, and note the rows whose hash another key has.

        :param first: the first row with the words of each row, for some rows after the others.
        """
        start = 0
        for rows in first:
            later = np.flatnonzero(rows != np.arange(start, start + len(rows)))
            if len(later) and self._is_exact:
                self.duplicates += len(later)
            elif len(later):
                self._note_collisions(start, later, rows.take(later))
            start += len(rows)

    def _note_collisions(self, start: int, later: Rows, first: Rows) -> None:
        """Compare rows with the first rows of the same hash.

        :param later: the rows, less ``start``.
        """
        places = pa.array(later)
        keys = [column.slice(start, int(later[-1]) + 1).take(places).combine_chunks() for column in self._columns]
        collided = np.flatnonzero(~self._equal(keys, np.arange(len(later)), first))
        self.duplicates += len(later) - len(collided)
        for position in collided:
            key = tuple(column[int(position)] for column in keys)
            self.duplicates += key in self._collisions
            self._collisions.setdefault(key, start + int(later[position]))

    def _equal(self, columns: Sequence[pa.Array], rows: Rows, found: Rows) -> Mask:
        """Whether the keys of rows equal those of rows of the index."""
        equal = np.ones(len(rows), np.bool_)
        mine, theirs = pa.array(rows), pa.array(found)
        for column, indexed in zip(columns, self._columns, strict=True):
            left = column if len(rows) == len(column) else column.take(mine)
            right = indexed.take(theirs).combine_chunks()
            same = pc.fill_null(pc.equal(left, right), False)
            if left.null_count and right.null_count:
                same = pc.or_(same, pc.and_(left.is_null(), right.is_null()))
            equal &= same.to_numpy(zero_copy_only=False)
        return equal


def _plain(columns: Sequence[Any]) -> list[Any]:
    """The columns, with the fields of a struct as columns."""
    return [one for column in columns for one in (column.flatten() if pa.types.is_struct(column.type) else [column])]


def _aligned(columns: Sequence[pa.ChunkedArray]) -> list[list[pa.Array]]:
    names = [str(index) for index in range(len(columns))]
    batches = pa.table(list(columns), names).to_batches(max_chunksize=_CHUNK)
    return [batch.columns for batch in batches]


def _varying(words: list[Words]) -> tuple[list[Words], list[tuple[int, np.uint64]]]:
    """The words that differ between keys, at least one; and the places and values of the others."""
    constants: list[tuple[int, np.uint64]] = []
    for place, word in enumerate(words):
        if len(constants) < len(words) - 1 and len(word) and (word == word[0]).all():
            constants.append((place, word[0]))
    places = {place for place, _ in constants}
    return [word for place, word in enumerate(words) if place not in places], constants


def _both(left: Mask | None, right: Mask) -> Mask:
    return right if left is None else left & right
