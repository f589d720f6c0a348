"""Framing: TDS packets and the messages that they make up (MS-TDS, 2.2.3)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from airflow_provider_ssis.emulator.tds.payload import Payload

HEADER: Final = struct.Struct(">BBHHBB")
DEFAULT_PACKET_SIZE: Final = 4096


class PacketType(IntEnum):
    """What a message is."""

    SQL_BATCH = 1
    OLD_LOGIN = 2
    RPC = 3
    RESPONSE = 4
    ATTENTION = 6
    BULK_LOAD = 7
    FEDERATED_TOKEN = 8
    TRANSACTION = 14
    LOGIN7 = 16
    SSPI = 17
    PRELOGIN = 18


class PacketStatus(IntFlag):
    """Bits of a packet header."""

    NORMAL = 0
    END_OF_MESSAGE = 0x01
    IGNORE = 0x02
    RESET_CONNECTION = 0x08
    RESET_CONNECTION_KEEP_TRANSACTION = 0x10


class ProtocolError(Exception):
    """The client sent invalid TDS; its connection is closed."""


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what clients may send.

    :param largest_packet: bytes of a packet, header included.
    :param largest_login: bytes of a message before the login is done.
    :param largest_message: bytes of a request; a value of 256 MB must fit, as text in UTF-16 too.
    :param largest_ahead: bytes of requests that a client may send while another request of it is answered.
    :param total: bytes of the requests of all clients that are not answered yet.
    :param login_seconds: time that a client has to log in.
    :param close_seconds: time in which a closing server waits for its connections to end.
    """

    largest_packet: int = 32768
    largest_login: int = 128 * 1024
    largest_message: int = 2 * 1024**3
    largest_ahead: int = 4 * 1024**2
    total: int = field(default_factory=lambda: min(4 * 1024**3, _physical_memory() // 2))
    login_seconds: float = 30.0
    close_seconds: float = 5.0


class InvalidValue(ProtocolError):
    """A value is out of the range of its type. The request is refused (8023), and the connection stays open."""


@dataclass(frozen=True, slots=True)
class PacketHeader:
    """The eight bytes before a packet's payload."""

    type: PacketType
    status: PacketStatus
    length: int

    @classmethod
    def parse(cls, data: bytes, largest: int) -> PacketHeader:
        """Read a header.

        :param largest: the largest packet that is accepted, in bytes.
        :raises ProtocolError: unknown packet type, or a length that cannot be.
        """
        kind, status, length, _, _, _ = HEADER.unpack(data)
        try:
            packet_type = PacketType(kind)
        except ValueError:
            raise ProtocolError(f"unknown packet type 0x{kind:02x}") from None
        if not HEADER.size <= length <= largest:
            raise ProtocolError(f"packet of {length} bytes, allowed are {HEADER.size} to {largest}")
        return cls(packet_type, PacketStatus(status & 0x1F), length)

    @property
    def payload_length(self) -> int:
        """Bytes that follow the header."""
        return self.length - HEADER.size

    @property
    def ends_message(self) -> bool:
        """True for the last packet of a message."""
        return bool(self.status & PacketStatus.END_OF_MESSAGE)


@dataclass(slots=True)
class RequestMessage:
    """A whole message of a client.

    :param size: bytes of the payload as it arrived, which the memory budget counts until the request is answered.
    :param reset: the client asks for a reset of the connection's state before the request runs.
    :param is_part: more of the message follows; of bulk loads, which come in parts.
    :param keep_transaction: that reset leaves the transaction alone.
    """

    type: PacketType
    payload: Payload
    size: int = 0
    ignored: bool = False
    reset: bool = False
    keep_transaction: bool = False
    is_part: bool = False


def split(kind: PacketType, payload: memoryview, packet_size: int, spid: int, first_id: int, *, last: bool) -> bytes:
    """A payload as packets.

    :param first_id: the number of the first packet; they count up modulo 256.
    :param last: the payload ends the message.
    """
    room = packet_size - HEADER.size
    parts: list[bytes | memoryview] = []
    count = max(1, -(-len(payload) // room))
    for number in range(count):
        chunk = payload[number * room : (number + 1) * room]
        status = PacketStatus.END_OF_MESSAGE if last and number == count - 1 else PacketStatus.NORMAL
        parts.append(HEADER.pack(kind, status, len(chunk) + HEADER.size, spid & 0xFFFF, (first_id + number) & 0xFF, 0))
        parts.append(chunk)
    return b"".join(parts)
