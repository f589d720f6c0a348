"""The bytes of one message, kept in segments so that reading can free them one after the other."""

from __future__ import annotations

from collections import deque
from typing import Final

_SEGMENT: Final = 40 * 1024 * 1024
"""Bytes of a full segment. The C library gives blocks of more than 32 MiB back to the operating system at once."""


class Payload:
    """Bytes of a message. Its reader takes the segments out, so a payload can be read once only.

    :param segment: bytes of a full segment.
    """

    __slots__ = ("_segment", "_segments", "_size")

    def __init__(self, segment: int = _SEGMENT) -> None:
        self._segment = segment
        self._segments: deque[bytearray] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: memoryview) -> None:
        """Add bytes at the end."""
        if not self._segments or len(self._segments[-1]) + len(data) > self._segment:
            self._segments.append(bytearray())
        self._segments[-1] += data
        self._size += len(data)

    def whole(self) -> bytes:
        """All bytes in one piece, for small messages. The payload keeps them."""
        return b"".join(self._segments)

    def take_segment(self) -> bytearray:
        """The first segment, which the payload forgets; empty when none is left."""
        return self._segments.popleft() if self._segments else bytearray()

    def clear(self) -> None:
        """Free all bytes."""
        self._segments.clear()
        self._size = 0
