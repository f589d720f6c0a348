"""Two sorted streams of rows, read side by side.

Both streams are read as runs of rows with equal keys. The streams advance as in any merge of sorted files: the side
with the lower key advances, and both advance if the keys are equal. That also defines what happens to streams that are
not sorted as declared: matches are missing, as in Integration Services.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.engine.data_flow.memory.work_database import Feed, WorkDatabase
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import KeyColumn

Numbers = npt.NDArray[np.int64]

_WINDOW = 65_536
"""The rows that are read from a side before the keys of both sides are compared, at least."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Runs of rows in the order of their keys.

    :param left: rows of the left side.
    :param right: rows of the right side.
    :param left_starts: for each run of the left side its first row, and the number of rows as the last.
    :param right_starts: as ``left_starts``.
    :param left_runs: for each key in order the run of the left side; -1 if it has no rows with the key.
    :param right_runs: as ``left_runs``.
    :param left_null: which runs of the left side have a key with NULL.
    """

    left: pa.Table
    right: pa.Table
    left_starts: Numbers
    right_starts: Numbers
    left_runs: Numbers
    right_runs: Numbers
    left_null: npt.NDArray[np.bool_]


class MergeSide:
    """A side of a merge.

    :param batches: its rows.
    :param schema: their schema.
    :param keys: the columns of the key.
    :param database: computes the keys of text.
    :param locale_id: the locale in which text is compared.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        schema: pa.Schema,
        keys: Sequence[KeyColumn],
        database: WorkDatabase,
        locale_id: int,
    ) -> None:
        self._batches, self._schema, self._keys = batches, schema, keys
        self._database, self._locale_id = database, locale_id
        self.rows = schema.empty_table()
        self.key_values = [pa.chunked_array([], self._key_type(key)) for key in keys]
        self.has_ended = False

    def read(self) -> None:
        """Read more rows: as many as there are already, so that a long run is not compared too often."""
        if self.has_ended:
            return
        wanted = max(_WINDOW, self.rows.num_rows)
        batches: list[pa.RecordBatch] = []
        while wanted > 0:
            batch = next(self._batches, None)
            if batch is None:
                self.has_ended = True
                break
            if batch.num_rows:
                batches.append(batch)
                wanted -= batch.num_rows
        added = pa.Table.from_batches(batches, self._schema)
        self.rows = pa.concat_tables([self.rows, added])
        self.key_values = [
            pa.chunked_array([*old.chunks, *new.chunks], old.type)
            for old, new in zip(self.key_values, self._key_values(added), strict=True)
        ]

    def drop(self, rows: int) -> None:
        """Forget the first rows."""
        self.rows = self.rows.slice(rows)
        self.key_values = [values.slice(rows) for values in self.key_values]

    def _key_type(self, key: KeyColumn) -> pa.DataType:
        if key.is_text:
            return pa.string()
        type_ = self._schema.field(key.lineage_id).type
        return pa.int64() if pa.types.is_struct(type_) else type_

    def _key_values(self, table: pa.Table) -> list[pa.ChunkedArray]:
        texts = [key for key in self._keys if key.is_text]
        columns: dict[str, pa.ChunkedArray] = {}
        if texts and table.num_rows:
            expressions = ", ".join(key.expression(self._locale_id) for key in texts)
            feed = Feed(iter(table.to_batches()), self._schema)
            batches = list(self._database.stream(f"SELECT {expressions} FROM arrived", _WINDOW, {"arrived": feed}))
            columns = {
                key.lineage_id: pa.chunked_array([batch.column(index) for batch in batches])
                for index, key in enumerate(texts)
            }
        return [columns.get(key.lineage_id) or self._plain(table, key) for key in self._keys]

    def _plain(self, table: pa.Table, key: KeyColumn) -> pa.ChunkedArray:
        column = table.column(key.lineage_id)
        return column.flatten()[0] if pa.types.is_struct(column.type) else column


def merge(left: MergeSide, right: MergeSide, descending: Sequence[bool]) -> Iterator[Merged]:
    """Yield the runs of both sides in the order of their keys.

    :param descending: for each column of the key whether its order is descending.
    """
    left.read()
    right.read()
    while left.rows.num_rows or right.rows.num_rows or not (left.has_ended and right.has_ended):
        ranks, nulls = _ranks(left, right, descending)
        count = left.rows.num_rows
        left_starts, left_usable = _runs(ranks[:count], left.has_ended)
        right_starts, right_usable = _runs(ranks[count:], right.has_ended)
        left_keys = ranks[:count][left_starts[:left_usable]]
        right_keys = ranks[count:][right_starts[:right_usable]]
        left_runs, right_runs, left_used, right_used = _pair(left_keys, right_keys, left, right)
        left_rows = int(left_starts[left_used])
        right_rows = int(right_starts[right_used])
        if len(left_runs):
            yield Merged(
                left.rows.slice(0, left_rows),
                right.rows.slice(0, right_rows),
                left_starts[: left_used + 1],
                right_starts[: right_used + 1],
                left_runs,
                right_runs,
                nulls[:count][left_starts[:left_used]],
            )
        left.drop(left_rows)
        right.drop(right_rows)
        if not left.has_ended and left_used == left_usable:
            left.read()
        if not right.has_ended and right_used == right_usable:
            right.read()


def _ranks(left: MergeSide, right: MergeSide, descending: Sequence[bool]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """A number for each row of both sides that orders as its key, and which keys contain NULL."""
    rows = left.rows.num_rows + right.rows.num_rows
    ranks = np.zeros(rows, np.int64)
    nulls = np.zeros(rows, np.bool_)
    for index, (mine, theirs) in enumerate(zip(left.key_values, right.key_values, strict=True)):
        values = pa.chunked_array([*mine.chunks, *theirs.chunks], mine.type).combine_chunks()
        part = _rank(values)
        if values.null_count:
            nulls |= values.is_null().to_numpy(zero_copy_only=False)
        if descending[index]:
            part = part.max(initial=0) - part
        if index:
            _, ranks = np.unique(ranks * (part.max(initial=0) + 1) + part, return_inverse=True)
        else:
            ranks = part
    return ranks, nulls


def _rank(values: pa.Array) -> Numbers:
    """Dense ranks from 1; 0 for NULL, the lowest value."""
    ranks: Numbers = pc.rank(values, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    if values.null_count:
        ranks[values.is_null().to_numpy(zero_copy_only=False)] = 0
    return ranks


def _runs(ranks: Numbers, has_ended: bool) -> tuple[Numbers, int]:
    """The first row of each run of equal keys and the number of rows, and how many runs are complete."""
    if not len(ranks):
        return np.zeros(1, np.int64), 0
    starts = np.flatnonzero(np.concatenate(([True], ranks[1:] != ranks[:-1])))
    return np.append(starts, len(ranks)), len(starts) if has_ended else len(starts) - 1


def _pair(
    left: Numbers, right: Numbers, left_side: MergeSide, right_side: MergeSide
) -> tuple[Numbers, Numbers, int, int]:
    """Pair the runs of both sides; returns the runs for each key, and how many runs of each side are used."""
    if bool(np.all(left[1:] > left[:-1])) and bool(np.all(right[1:] > right[:-1])):
        return _pair_sorted(left, right, left_side.has_ended, right_side.has_ended)
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif left[i] < right[j]:
            pairs.append((i, -1))
            i += 1
        else:
            pairs.append((-1, j))
            j += 1
    if j == len(right) and right_side.has_ended:
        pairs += [(index, -1) for index in range(i, len(left))]
        i = len(left)
    if i == len(left) and left_side.has_ended:
        pairs += [(-1, index) for index in range(j, len(right))]
        j = len(right)
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1], i, j


def _pair_sorted(
    left: Numbers, right: Numbers, left_ended: bool, right_ended: bool
) -> tuple[Numbers, Numbers, int, int]:
    i, j = len(left), len(right)
    # A side that may get more rows bounds the other: only lower keys are certain to have no partner.
    if not left_ended:
        j = int(np.searchsorted(right, left[-1], "right")) if len(left) else 0
    if not right_ended:
        i = int(np.searchsorted(left, right[-1], "right")) if len(right) else 0
    left, right = left[:i], right[:j]
    keys = np.union1d(left, right)
    return _places(keys, left), _places(keys, right), i, j


def _places(keys: Numbers, runs: Numbers) -> Numbers:
    places = np.full(len(keys), -1, np.int64)
    places[np.searchsorted(keys, runs)] = np.arange(len(runs))
    return places
