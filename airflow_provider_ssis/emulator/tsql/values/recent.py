"""A bounded cache of recent results, for several threads."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Recent(Generic[Key, Item]):
    """Items by key: those that were used last, and at most so many.

    The items are in two generations. An item that is used comes into the younger one; when that is full, it becomes the
    older one, and what was in the older one is forgotten. So the most frequent case, an item of the younger generation,
    takes one dictionary access and no lock.

    :param most: the number of items that are kept.
    """

    def __init__(self, most: int) -> None:
        self._half = max(most // 2, 1)
        self._younger: dict[Key, Item] = {}
        self._older: dict[Key, Item] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())

    def get(self, key: Key) -> Item | None:
        """The item of a key; None if it is not kept."""
        item = self._younger.get(key)
        if item is None and self._older:
            item = self._older.get(key)
            if item is not None:
                self.put(key, item)
        return item

    def put(self, key: Key, item: Item) -> None:
        """Keep an item."""
        with self._lock:
            if key not in self._younger and len(self._younger) >= self._half:
                self._younger, self._older = {}, self._younger
            self._younger[key] = item

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._younger, self._older = {}, {}
