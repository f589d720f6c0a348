"""Zip archives whose headers can say anything."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """A file of an archive.

    :param data: the content.
    :param flags: the flags of the directory; a data descriptor adds its own, unless the number is negative.
    :param packed: the compressed content. Default: ``data`` compressed by ``method``.
    :param trailing: bytes after the compressed content, which count as part of it.
    :param size: the announced size of the content. Default: its size.
    :param packed_size: the announced size of the compressed content. Default: its size.
    :param crc: the announced checksum. Default: that of ``data``.
    :param offset: the announced offset of the local header. Default: where it is.
    :param local: values of the local header that differ from those of the directory.
    :param descriptor: the layout of a data descriptor. Default: none.
    :param in_descriptor: values of the data descriptor that differ from those of the directory.
    :param zip64: keep the sizes in zip64 fields.
    :param writes_data: False for a file that is only in the directory.
    """

    name: str
    data: bytes
    method: int = zipfile.ZIP_DEFLATED
    flags: int = 0
    packed: bytes | None = None
    trailing: bytes = b""
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    local: Mapping[str, object] = field(default_factory=dict)
    descriptor: str = ""
    in_descriptor: Mapping[str, int] = field(default_factory=dict)
    zip64: bool = False
    writes_data: bool = True

    def content(self) -> bytes:
        """Return the compressed content."""
        if self.packed is not None:
            return self.packed + self.trailing
        if self.method == zipfile.ZIP_STORED:
            return self.data + self.trailing
        compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return compressor.compress(self.data) + compressor.flush() + self.trailing

    def values(self) -> dict[str, object]:
        """Return the values of the directory entry."""
        return {
            "name": self.name.encode(),
            "method": self.method,
            "flags": (self.flags | (8 if self.descriptor else 0)) if self.flags >= 0 else 0,
            "crc": zlib.crc32(self.data) if self.crc is None else self.crc,
            "packed_size": len(self.content()) if self.packed_size is None else self.packed_size,
            "size": len(self.data) if self.size is None else self.size,
        }


def zip_bytes(*members: Member, directory: bool = True) -> bytes:
    """Return an archive of some members.

    :param directory: whether to write the directory at its end.
    """
    body, entries = b"", b""
    for member in members:
        offset = len(body) if member.offset is None else member.offset
        if member.writes_data:
            body += _local_header(member) + member.content() + _descriptor(member)
        entries += _directory_entry(member, offset)
    if not directory:
        return body
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(entries), len(body), 0)
    return body + entries + end


def _sizes(values: Mapping[str, object], zip64: bool) -> tuple[tuple[object, object], bytes]:
    packed, size = values["packed_size"], values["size"]
    if not zip64:
        return (packed, size), b""
    return (0xFFFFFFFF, 0xFFFFFFFF), struct.pack("<HHQQ", 1, 16, size, packed)


def _local_header(member: Member) -> bytes:
    values = member.values()
    if member.descriptor:
        values |= {"crc": 0, "packed_size": 0, "size": 0}
    values |= member.local
    sizes, extra = _sizes(values, member.zip64)
    name = values["name"]
    assert isinstance(name, bytes)
    fields = (values["flags"], values["method"], 0, 0, values["crc"], *sizes, len(name), len(extra))
    return struct.pack("<4sH4HLLLHH", b"PK\x03\x04", 20, *fields) + name + extra


def _descriptor(member: Member) -> bytes:
    if not member.descriptor:
        return b""
    values = member.values() | dict(member.in_descriptor)
    fields = (values["crc"], values["packed_size"], values["size"])
    signature = (b"PK\x07\x08",) if "s" in member.descriptor else ()
    return struct.pack(member.descriptor, *signature, *fields)


def _directory_entry(member: Member, offset: int) -> bytes:
    values = member.values()
    sizes, extra = _sizes(values, member.zip64)
    name = values["name"]
    assert isinstance(name, bytes)
    fields = (values["flags"], values["method"], 0, 0, values["crc"], *sizes, len(name), len(extra))
    header = struct.pack("<4sHH4HLLLHH", b"PK\x01\x02", 20, 20, *fields)
    return header + struct.pack("<HHHLL", 0, 0, 0, 0, offset) + name + extra
