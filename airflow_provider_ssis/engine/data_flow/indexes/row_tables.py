"""Tables that find the number of a row by the words of its key, for whole batches at once.

The words of a key are 64 bits each. Of rows with the same key the first is found. Tables are filled with some rows
after the others, so that cancelling takes effect between them, and the tables take nearly all of the memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from airflow_provider_ssis.engine.data_flow.indexes.index_memory import IndexMemory
from airflow_provider_ssis.engine.data_flow.indexes.key_words import Mask, Words, mixed

Rows = npt.NDArray[np.int64]

NO_ROW = -1
_SLOTS = 4
"""The slots for each row, up to twice as many; and the most places that a dense table may have for each row."""
_MOST_SHORT = 2**31 - 1
"""The most rows whose numbers fit into 32 bits. Smaller tables stay in the processor's cache for longer."""
_FEW, _MOST_SLOTS = 10, 16
_ROWS, _FREED = 100_000, 10_000_000
"""The rows that are filled in, and the slots that are freed, before the run is checked for a cancellation."""


class RowTable(ABC):
    """A table of the rows of an index."""

    @abstractmethod
    def find(self, words: Sequence[Words]) -> Rows:
        """Return the first row with the words of each key, -1 for none."""


def row_table(keys: Sequence[Words], memory: IndexMemory, check: Callable[[], None]) -> tuple[RowTable, Iterator[Rows]]:
    """Return the table for keys, and for each row the first row with the same key.

    :param keys: each word of the keys of all rows; there is at least one word and one row.
    :param memory: makes the arrays of the table.
    :param check: is called now and then; raises if the run was cancelled.
    :returns: the table, which is complete when the first rows have been read; these for some rows after the others.
    """
    if len(keys) == 1:
        numbers = keys[0].view(np.int64)
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < _SLOTS * max(len(numbers), 16):
            dense = _DenseTable(numbers, low, high - low + 1, memory, check)
            return dense, (dense.find([keys[0][part]]) for part in _parts(len(numbers), check, _ROWS))
    table = _HashTable(keys, memory, check)
    return table, (table.fill(part) for part in _parts(len(keys[0]), check, _ROWS))


class _DenseTable(RowTable):
    """A place for each number from the lowest to the highest.

    :param numbers: the number of each row.
    :param low: the lowest number.
    :param count: how many places there are.
    """

    def __init__(self, numbers: Rows, low: int, count: int, memory: IndexMemory, check: Callable[[], None]) -> None:
        self._low, self._beyond = np.uint64(low & (2**64 - 1)), np.uint64(count)
        # The last place is that of all other numbers.
        self._rows = _free_slots(count + 1, len(numbers), memory, check)
        # Of several rows the last assignment remains, so that of the first row is made last.
        for part in reversed(list(_parts(len(numbers), check, _ROWS))):
            check()
            self._rows[numbers[part][::-1] - low] = np.arange(part.stop - 1, part.start - 1, -1)

    def find(self, words: Sequence[Words]) -> Rows:
        places = words[0] - self._low
        np.minimum(places, self._beyond, out=places)
        return self._rows.take(places.view(np.int64)).astype(np.int64)


class _HashTable(RowTable):
    """An open hash table: a slot has the number of a row, whose words are compared."""

    def __init__(self, keys: Sequence[Words], memory: IndexMemory, check: Callable[[], None]) -> None:
        self._keys = keys
        rows = len(keys[0])
        bits = max(4, int(_SLOTS * rows).bit_length())
        self._shift, self._last = np.uint64(64 - bits), (1 << bits) - 1
        self._slots = _free_slots(1 << bits, rows, memory, check)

    def fill(self, part: slice) -> Rows:
        """Give the keys of some rows slots with the first rows that have them; returns this row for each row.

        :param part: the rows; all rows before them have been filled in.
        """
        keys = [word[part] for word in self._keys]
        first = np.empty(part.stop - part.start, np.int64)
        waiting, slots = np.arange(len(first)), self._slot(keys)
        while len(waiting):
            # Of the rows that want a free slot the first gets it: the last assignment remains, so it is made last.
            free = np.flatnonzero(self._slots.take(slots) == NO_ROW)[::-1]
            self._slots[slots.take(free)] = waiting.take(free) + part.start
            holders = self._slots.take(slots).astype(np.int64)
            first[waiting] = holders
            lost = np.flatnonzero(holders != waiting + part.start)
            rest = lost[~self._same(holders.take(lost), [word.take(waiting.take(lost)) for word in keys])]
            waiting, slots = waiting.take(rest), slots.take(rest) + 1 & self._last
        return first

    def find(self, words: Sequence[Words]) -> Rows:
        slots = self._slot(words)
        found, pending = self._in_slot(slots, words)
        step = 1
        while len(pending):
            # Few keys are not in their first slot, nor is it free: for those, several slots are read at once.
            left, rest = slots.take(pending), [word.take(pending) for word in words]
            width = max(1, min(_MOST_SLOTS, len(found) // len(pending) // _FEW))
            if width == 1:
                rows, again = self._in_slot(left + step & self._last, rest)
            else:
                rows, again = self._in_slots(left[:, None] + np.arange(step, step + width) & self._last, rest)
            found[pending] = rows
            pending, step = pending.take(again), step + width
        return found

    def _slot(self, words: Sequence[Words]) -> Rows:
        """The first slot that each key may have."""
        slots = mixed(words)
        slots >>= self._shift
        return slots.view(np.int64)

    def _same(self, rows: Rows, words: Sequence[Words]) -> Mask:
        """Whether rows of the table have these keys.

        A free slot has no row, and the first row is read in its place. It is never equal: the slots of its key come
        before the first free slot.
        """
        same: Mask = self._keys[0].take(rows, mode="clip") == words[0]
        for stored, word in zip(self._keys[1:], words[1:], strict=True):
            same &= stored.take(rows, mode="clip") == word
        return same

    def _in_slot(self, slots: Rows, words: Sequence[Words]) -> tuple[Rows, Rows]:
        """Return the row in each slot, -1 unless it has the key; and the places where the slot has another key."""
        rows = self._slots.take(slots).astype(np.int64)
        others = np.flatnonzero(~self._same(rows, words))
        if len(others):
            is_taken = rows.take(others) != NO_ROW
            rows[others] = NO_ROW
            others = others[is_taken]
        return rows, others

    def _in_slots(self, slots: Rows, words: Sequence[Words]) -> tuple[Rows, Rows]:
        """As :meth:`_in_slot`, with several slots for each key, which follow one another."""
        rows = self._slots.take(slots).astype(np.int64)
        same = self._same(rows, [word[:, None] for word in words])
        ends = same | (rows == NO_ROW)
        lines, first = np.arange(len(slots)), ends.argmax(axis=1)
        found = np.where(same[lines, first], rows[lines, first], NO_ROW)
        return found, np.flatnonzero(~ends[lines, first])


def _free_slots(count: int, rows: int, memory: IndexMemory, check: Callable[[], None]) -> npt.NDArray[np.signedinteger]:
    slots = memory.array(count, np.int32 if rows <= _MOST_SHORT else np.int64)
    for part in _parts(count, check, _FREED):
        slots[part] = NO_ROW
    return slots


def _parts(count: int, check: Callable[[], None], size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        check()
        yield slice(start, min(start + size, count))
