"""The compressed data of a zip archive, read no further than its directory announces."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from airflow_provider_ssis.project.archive_directory import BUILD_AGAIN, Member
from airflow_provider_ssis.project.errors import InvalidArchiveError

COPY_AGAIN: Final = "The file is damaged or cut short: copy it again, or build it again"
"""The advice where bytes of the archive have changed or are missing."""

_DESCRIPTOR = b"PK\x07\x08"
_CHUNK = 2**18


class _Incomplete(Exception):
    """The compressed data does not end where it should."""


def unpacked(file: IO[bytes], name: str, member: Member) -> Iterator[bytes]:
    """Return the data of a part in pieces, never more than the announced number of bytes, and check all of it.

    :param file: the archive, seekable.
    :param name: the plain name of the part, for errors.
    :param member: the part.
    :raises InvalidArchiveError: the data does not match the announced size or checksum.
    """
    announced, packed = member.info.file_size, member.info.compress_size
    file.seek(member.data_offset)
    unpack = _stored if member.info.compress_type == zipfile.ZIP_STORED else _inflated
    size = checksum = 0
    try:
        for piece in unpack(file, packed, announced):
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
            if size <= announced:
                yield piece
    except _Incomplete:
        size = -1
    if size != announced:
        raise InvalidArchiveError(
            f"does not unpack to the {announced} bytes that the archive announces", part=name, advice=COPY_AGAIN
        )
    if checksum != member.info.CRC:
        raise InvalidArchiveError("does not match its checksum", part=name, advice=COPY_AGAIN)
    if member.has_descriptor:
        _check_descriptor(file, name, member)


def _stored(file: IO[bytes], packed: int, announced: int) -> Iterator[bytes]:
    """Read data that is not compressed.

    :raises _Incomplete: it does not have the announced size.
    """
    if packed != announced:
        raise _Incomplete
    while packed and (piece := file.read(min(_CHUNK, packed))):
        packed -= len(piece)
        yield piece


def _inflated(file: IO[bytes], packed: int, announced: int) -> Iterator[bytes]:
    """Decompress until the end of the data, or until it exceeds the announced size.

    :raises _Incomplete: the compressed data does not end exactly with it.
    """
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    compressed, size = b"", 0
    while not decompressor.eof and size <= announced:
        if packed and not compressed:
            compressed = file.read(min(_CHUNK, packed))
            packed -= len(compressed)
            if not compressed:
                break
        # One byte more than announced is enough to see that there is more.
        piece = decompressor.decompress(compressed, min(_CHUNK, announced + 1 - size))
        compressed = decompressor.unconsumed_tail
        size += len(piece)
        if piece:
            yield piece
        elif not (compressed or packed):
            break
    if not decompressor.eof or packed or compressed or decompressor.unused_data:
        raise _Incomplete


def _check_descriptor(file: IO[bytes], name: str, member: Member) -> None:
    """Check the values after the data: a signature is optional, and sizes have four or eight bytes."""
    info = member.info
    file.seek(member.end)
    found = file.read(24)
    found = found.removeprefix(_DESCRIPTOR)
    expected = (info.CRC, info.compress_size, info.file_size)
    if not any(found.startswith(struct.pack(layout, *expected)) for layout in ("<3L", "<L2Q")):
        raise InvalidArchiveError(
            "has a data descriptor that contradicts the directory of the archive", part=name, advice=BUILD_AGAIN
        )
