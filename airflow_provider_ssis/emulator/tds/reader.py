"""A cursor over the bytes of one message, which never reads past its end."""

from __future__ import annotations

import struct
from io import BytesIO

from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from airflow_provider_ssis.emulator.tds.payload import Payload

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class MessageReader:
    """Reads a message from front to back; numbers are little-endian.

    All methods raise ``ProtocolError`` when the message ends too early.

    :param data: the message. The segments of a :class:`Payload` are freed while they are read.
    """

    __slots__ = ("_at", "_before", "_end", "_limit", "_payload", "_view")

    def __init__(self, data: bytes | bytearray | memoryview | Payload) -> None:
        self._end = len(data)
        self._payload = data if isinstance(data, Payload) else Payload()
        self._view = memoryview(data.take_segment() if isinstance(data, Payload) else data)
        self._limit = len(self._view)
        self._at = 0
        self._before = 0

    @property
    def position(self) -> int:
        """Bytes that were read."""
        return self._before + self._at

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return self._end - self.position

    @property
    def at_end(self) -> bool:
        """True when everything was read."""
        return self.left <= 0

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes, not copied where they are in one segment."""
        end = self._at + count
        if count >= 0 and end <= self._limit:
            data = self._view[self._at : end]
            self._at = end
            return data
        sink = BytesIO()
        self.copy(count, sink)
        return memoryview(sink.getvalue())

    def copy(self, count: int, sink: BytesIO) -> None:
        """Write the next ``count`` bytes to a sink, and free the segments that were read."""
        if count < 0 or count > self.left:
            raise ProtocolError(f"message cut off: {count} bytes wanted at {self.position} of {self._end}")
        while count > self._limit - self._at:
            sink.write(self._view[self._at :])
            count -= self._limit - self._at
            self._before += self._limit
            self._view = memoryview(self._payload.take_segment())
            self._limit, self._at = len(self._view), 0
        sink.write(self._view[self._at : self._at + count])
        self._at += count

    def peek(self) -> int:
        """The next byte, which stays unread."""
        if self.at_end:
            raise ProtocolError(f"message cut off at {self._end}")
        if self._at == self._limit:
            self._before += self._limit
            self._view = memoryview(self._payload.take_segment())
            self._limit, self._at = len(self._view), 0
        return self._view[self._at]

    def u8(self) -> int:
        """An unsigned byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """An unsigned 16-bit number."""
        value: int = _U16.unpack(self.take(2))[0]
        return value

    def u32(self) -> int:
        """An unsigned 32-bit number."""
        value: int = _U32.unpack(self.take(4))[0]
        return value

    def u64(self) -> int:
        """An unsigned 64-bit number."""
        value: int = _U64.unpack(self.take(8))[0]
        return value

    def text(self, characters: int) -> str:
        """UTF-16 text of that many code units."""
        return decode_utf16(self.take(characters * 2))

    def b_varchar(self) -> str:
        """Text with its length before it in one byte."""
        return self.text(self.u8())

    def us_varchar(self) -> str:
        """Text with its length before it in two bytes."""
        return self.text(self.u16())


def decode_utf16(data: bytes | bytearray | memoryview) -> str:
    """UTF-16 text as clients send it; half a surrogate pair is kept, as SQL Server keeps it."""
    try:
        return str(data, "utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        raise ProtocolError("text of an odd number of bytes") from None
