"""LOGIN7: the login of a client, its proof and its options (MS-TDS, 2.2.6.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from airflow_provider_ssis.emulator.tds.reader import MessageReader, decode_utf16

OLDEST_VERSION: Final = 0x72090002
"""TDS 7.2, the oldest that has the forms of the tokens that this server writes."""
VERSION: Final = 0x74000004
"""TDS 7.4, the newest one that LOGIN7 can ask for."""

_FIXED = struct.Struct("<IIIIIIBBBBiI")
_INTEGRATED_SECURITY: Final = 0x80
_EXTENSION: Final = 0x10
_FEATURES_END: Final = 0xFF
_LONG_SSPI: Final = 0xFFFF
FEDERATED_AUTHENTICATION: Final = 0x02


@dataclass(frozen=True, slots=True)
class LoginMessage:
    """The content of a LOGIN7 message.

    :param sspi: the first token of an integrated login; None where the client asks for none.
    :param features: the feature extensions, by number.
    """

    version: int
    packet_size: int
    client_process_id: int
    host_name: str
    user: str
    password: str = field(repr=False)
    application_name: str
    library_name: str
    language: str
    database: str
    sspi: bytes | None = None
    features: dict[int, bytes] = field(default_factory=dict, repr=False)


def parse(payload: bytes | bytearray) -> LoginMessage:
    """Read a LOGIN7 message.

    :raises ProtocolError: it is cut off, or a field lies outside it.
    """
    reader = MessageReader(payload)
    length, version, packet_size, _, process_id, _, _, flags2, _, flags3, _, _ = _FIXED.unpack(reader.take(_FIXED.size))
    if length != len(payload):
        raise ProtocolError(f"LOGIN7 of {len(payload)} bytes, but its length is {length}")

    def slot() -> memoryview:
        offset, count = reader.u16(), reader.u16()
        return _part(payload, offset, count * 2)

    host_name, user, password, application, _server = slot(), slot(), slot(), slot(), slot()
    extension_offset, extension_length = reader.u16(), reader.u16()
    library, language, database = slot(), slot(), slot()
    reader.take(6)
    sspi_offset, sspi_length = reader.u16(), reader.u16()
    if sspi_length == _LONG_SSPI:
        # The ticket of a member of many groups is longer than this; its length follows after the next two slots.
        reader.take(8)
        sspi_length = reader.u32() or _LONG_SSPI
    return LoginMessage(
        version=version,
        packet_size=packet_size,
        client_process_id=process_id,
        host_name=decode_utf16(host_name),
        user=decode_utf16(user),
        password=decode_utf16(unscramble(password)),
        application_name=decode_utf16(application),
        library_name=decode_utf16(library),
        language=decode_utf16(language),
        database=decode_utf16(database),
        sspi=bytes(_part(payload, sspi_offset, sspi_length)) if flags2 & _INTEGRATED_SECURITY else None,
        features=_features(payload, extension_offset, extension_length) if flags3 & _EXTENSION else {},
    )


def unscramble(data: bytes | memoryview) -> bytes:
    """A password as it was typed: each byte was turned by half and mixed with 0xA5."""
    return bytes(((byte ^ 0xA5) << 4 & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in data)


def _part(payload: bytes | bytearray, offset: int, length: int) -> memoryview:
    if offset + length > len(payload):
        raise ProtocolError("LOGIN7 names a part outside the message")
    return memoryview(payload)[offset : offset + length]


def _features(payload: bytes | bytearray, offset: int, length: int) -> dict[int, bytes]:
    if length != 4:
        raise ProtocolError("LOGIN7 with an invalid offset of its feature extension")
    start = int.from_bytes(_part(payload, offset, 4), "little")
    reader = MessageReader(memoryview(payload)[min(start, len(payload)) :])
    features = {}
    while (number := reader.u8()) != _FEATURES_END:
        features[number] = bytes(reader.take(reader.u32()))
    return features
