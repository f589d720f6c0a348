"""Tokens: the pieces of a response (MS-TDS, 2.2.7). Events in, bytes out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Message, ReturnValue
from airflow_provider_ssis.emulator.tds.type_tokens import COLLATION
from airflow_provider_ssis.emulator.tds.value_encoding import PieceEncoder, encoder, type_info


class Token(IntEnum):
    """First byte of a token."""

    RETURN_STATUS = 0x79
    COLUMN_METADATA = 0x81
    ERROR = 0xAA
    INFO = 0xAB
    RETURN_VALUE = 0xAC
    LOGIN_ACK = 0xAD
    FEATURE_ACK = 0xAE
    ROW = 0xD1
    ENVIRONMENT_CHANGE = 0xE3
    SSPI = 0xED
    DONE = 0xFD
    DONE_PROCEDURE = 0xFE
    DONE_IN_PROCEDURE = 0xFF


class DoneStatus(IntFlag):
    """Bits of the DONE tokens."""

    FINAL = 0
    MORE = 0x01
    ERROR = 0x02
    IN_TRANSACTION = 0x04
    COUNT = 0x10
    ATTENTION = 0x20


class EnvironmentChange(IntEnum):
    """Kinds of ENVCHANGE."""

    DATABASE = 1
    LANGUAGE = 2
    PACKET_SIZE = 4
    COLLATION = 7
    BEGIN_TRANSACTION = 8
    COMMIT_TRANSACTION = 9
    ROLLBACK_TRANSACTION = 10
    CONNECTION_RESET = 18


LARGEST_ERROR_SEVERITY_OF_INFO = 10
_SQL_DIALECT = 1
_NULLABLE = 0x01
_UPDATABILITY_UNKNOWN = 0x08
_OUTPUT_ARGUMENT = 0x01
_FEATURES_END = 0xFF
_LARGEST_TEXT = 32_000
_DONE = struct.Struct("<BHHQ")


def done(kind: Token, status: DoneStatus, count: int | None = None) -> bytes:
    """One of the DONE tokens; ``count`` None: there is no count of rows."""
    if count is not None:
        status |= DoneStatus.COUNT
    return _DONE.pack(kind, status, 0, count or 0)


def message(event: Message, server: str) -> bytes:
    """An ERROR or INFO token."""
    kind = Token.ERROR if event.severity > LARGEST_ERROR_SEVERITY_OF_INFO else Token.INFO
    body = (
        struct.pack("<iBB", event.number, event.state & 0xFF, event.severity)
        + _us_varchar(event.text[:_LARGEST_TEXT])
        + _b_varchar(server)
        + _b_varchar(event.procedure)
        + struct.pack("<I", event.line)
    )
    return _sized(kind, body)


def login_acknowledged(tds_version: int, product: str, version: tuple[int, int, int]) -> bytes:
    """LOGINACK."""
    major, minor, build = version
    body = (
        struct.pack(">BI", _SQL_DIALECT, tds_version)
        + _b_varchar(product)
        + struct.pack(">BBH", major, minor, build & 0xFFFF)
    )
    return _sized(Token.LOGIN_ACK, body)


def feature_acknowledged(number: int) -> bytes:
    """FEATUREEXTACK of one feature that needs no data."""
    return struct.pack("<BBIB", Token.FEATURE_ACK, number, 0, _FEATURES_END)


def sspi(token: bytes) -> bytes:
    """SSPI: the server's next token of an integrated login."""
    return _sized(Token.SSPI, token)


def text_changed(kind: EnvironmentChange, new: str, old: str) -> bytes:
    """ENVCHANGE of a setting that is text."""
    return _sized(Token.ENVIRONMENT_CHANGE, bytes([kind]) + _b_varchar(new) + _b_varchar(old))


def collation_set() -> bytes:
    """ENVCHANGE that names the collation of the session."""
    body = bytes([EnvironmentChange.COLLATION, len(COLLATION)]) + COLLATION + b"\0"
    return _sized(Token.ENVIRONMENT_CHANGE, body)


def transaction_began(descriptor: int) -> bytes:
    """ENVCHANGE at the start of a transaction."""
    body = bytes([EnvironmentChange.BEGIN_TRANSACTION, 8]) + struct.pack("<Q", descriptor) + b"\0"
    return _sized(Token.ENVIRONMENT_CHANGE, body)


def transaction_ended(descriptor: int, *, committed: bool) -> bytes:
    """ENVCHANGE at the end of a transaction."""
    kind = EnvironmentChange.COMMIT_TRANSACTION if committed else EnvironmentChange.ROLLBACK_TRANSACTION
    return _sized(Token.ENVIRONMENT_CHANGE, bytes([kind, 0, 8]) + struct.pack("<Q", descriptor))


def connection_reset() -> bytes:
    """ENVCHANGE after a reset of the connection's state."""
    return _sized(Token.ENVIRONMENT_CHANGE, bytes([EnvironmentChange.CONNECTION_RESET, 0, 0]))


def return_status(value: int) -> bytes:
    """RETURNSTATUS of a procedure."""
    return struct.pack("<Bi", Token.RETURN_STATUS, value)


def return_value(event: ReturnValue) -> list[bytes]:
    """RETURNVALUE: an OUTPUT argument, in pieces."""
    head = (
        struct.pack("<BH", Token.RETURN_VALUE, event.ordinal)
        + _b_varchar(event.name)
        + struct.pack("<BIH", _OUTPUT_ARGUMENT, 0, _NULLABLE)
        + type_info(event.type)
    )
    return _pieces(head, [encoder(event.type)(event.value)])


def columns(definitions: Sequence[Column]) -> bytes:
    """COLMETADATA."""
    parts = [struct.pack("<BH", Token.COLUMN_METADATA, len(definitions))]
    for column in definitions:
        flags = _UPDATABILITY_UNKNOWN | (_NULLABLE if column.nullable else 0)
        parts += [
            struct.pack("<IH", 0, flags),
            type_info(column.type, nullable=column.nullable),
            _b_varchar(column.name),
        ]
    return b"".join(parts)


def row_encoders(definitions: Sequence[Column]) -> tuple[PieceEncoder, ...]:
    """One function for each column, made once for all rows of a result set."""
    return tuple(encoder(column.type, nullable=column.nullable) for column in definitions)


_ROW = bytes([Token.ROW])


def row(encoders: Sequence[PieceEncoder], values: Sequence[Any]) -> list[bytes]:
    """ROW, in pieces: a value of hundreds of megabytes is not copied once more to make one of them."""
    return _pieces(_ROW, [encode(value) for encode, value in zip(encoders, values, strict=True)])


def _pieces(head: bytes, values: Sequence[bytes | tuple[bytes, ...]]) -> list[bytes]:
    pieces = [head]
    for value in values:
        if isinstance(value, tuple):
            pieces.extend(value)
        else:
            pieces.append(value)
    return pieces


def _sized(kind: Token, body: bytes) -> bytes:
    return struct.pack("<BH", kind, len(body)) + body


def _b_varchar(text: str) -> bytes:
    data = text[:255].encode("utf-16-le", "surrogatepass")[: 255 * 2]
    return bytes([len(data) // 2]) + data


def _us_varchar(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")[:0xFFFE]
    return struct.pack("<H", len(data) // 2) + data
