"""PRELOGIN: the options that client and server exchange before the login (MS-TDS, 2.2.6.5)."""

from __future__ import annotations

import struct
from enum import IntEnum

from airflow_provider_ssis.emulator.tds.packets import ProtocolError


class Option(IntEnum):
    """Kinds of entries."""

    VERSION = 0
    ENCRYPTION = 1
    INSTANCE = 2
    THREAD_ID = 3
    MARS = 4
    TRACE_ID = 5
    FEDERATED_AUTHENTICATION = 6
    NONCE = 7
    TERMINATOR = 0xFF


class Encryption(IntEnum):
    """The encryption that one side offers."""

    OFF = 0
    """Only the login packet is encrypted."""
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


_ENTRY = struct.Struct(">BHH")


def parse(payload: bytes) -> dict[int, bytes]:
    """The entries of a PRELOGIN message.

    :raises ProtocolError: an entry lies outside the message.
    """
    options: dict[int, bytes] = {}
    position = 0
    while True:
        if position >= len(payload):
            raise ProtocolError("PRELOGIN without a terminator")
        if payload[position] == Option.TERMINATOR:
            return options
        if position + _ENTRY.size > len(payload):
            raise ProtocolError("PRELOGIN cut off")
        kind, offset, length = _ENTRY.unpack_from(payload, position)
        if offset + length > len(payload):
            raise ProtocolError("PRELOGIN entry outside the message")
        options[kind] = bytes(payload[offset : offset + length])
        position += _ENTRY.size


def build(options: dict[Option, bytes]) -> bytes:
    """A PRELOGIN message of these entries."""
    offset = len(options) * _ENTRY.size + 1
    head = bytearray()
    body = bytearray()
    for kind, value in options.items():
        head += _ENTRY.pack(kind, offset + len(body), len(value))
        body += value
    return bytes(head + bytes([Option.TERMINATOR]) + body)


def client_encryption(options: dict[int, bytes]) -> Encryption:
    """The encryption that the client offers; without an offer there is no encryption."""
    value = options.get(Option.ENCRYPTION, b"")
    try:
        return Encryption(value[0]) if value else Encryption.NOT_SUPPORTED
    except ValueError:
        raise ProtocolError(f"unknown encryption 0x{value[0]:02x} in PRELOGIN") from None


def agreed_encryption(client: Encryption) -> Encryption:
    """What the server answers: it follows the client."""
    return Encryption.ON if client is Encryption.REQUIRED else client
