"""A cursor over the bytes of one message, which never reads past its end."""

from __future__ import annotations

import struct

from airflow_provider_ssis.emulator.tds.packets import ProtocolError

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class MessageReader:
    """Reads a message from front to back; numbers are little-endian.

    All methods raise ``ProtocolError`` when the message ends too early.
    """

    __slots__ = ("_data", "_end", "position")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data)
        self._end = len(data)
        self.position = 0

    @property
    def at_end(self) -> bool:
        """True when everything was read."""
        return self.position >= self._end

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes, not copied."""
        start = self.position
        if count < 0 or start + count > self._end:
            raise ProtocolError(f"message cut off: {count} bytes wanted at {start} of {self._end}")
        self.position = start + count
        return self._data[start : start + count]

    def peek(self) -> int:
        """The next byte, which stays unread."""
        if self.at_end:
            raise ProtocolError(f"message cut off at {self._end}")
        return self._data[self.position]

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
