"""The directory of a zip archive: checked against limits, against the local headers, and against itself."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import unquote

from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError
from airflow_provider_ssis.project.limits import MEBIBYTE, Limits

BUILD_AGAIN: Final = "Build the project file again from its source"
"""The advice where the program that wrote the archive broke its rules."""

_DIRECTORY_ENTRY = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s2xHH4xLLLHH")  # signature, flags, method, CRC, both sizes, lengths of name and extra
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # encryption, strong encryption, encrypted directory
_HAS_DESCRIPTOR = 0x8
_UTF8_NAME = 0x800
_IN_ZIP64_FIELD = 0xFFFFFFFF
_EXEMPT_FROM_RATIO = MEBIBYTE
_CHUNK = 2**18


@dataclass(frozen=True, slots=True)
class Member:
    """A part as the archive's directory announces it, and what its local header says.

    :param info: the entry of the directory.
    :param data_offset: the offset of the compressed data.
    :param has_descriptor: the checksum and sizes follow the data.
    """

    info: zipfile.ZipInfo
    data_offset: int
    has_descriptor: bool

    @property
    def end(self) -> int:
        """The offset of the byte after the compressed data."""
        return self.data_offset + self.info.compress_size


def check_file(file: IO[bytes], limits: Limits) -> None:
    """Check the size of the file and the number of its directory entries before zipfile makes an object of each.

    :param file: the archive, seekable.
    :param limits: limits on its size and the number of its parts.
    :raises LimitExceededError: the archive exceeds one of them.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limits.archive_bytes:
        raise LimitExceededError(
            f"the project file is larger than the limit of {limits.archive_bytes / MEBIBYTE:.0f} MiB"
        )
    file.seek(0)
    entries, tail = 0, b""
    while chunk := file.read(_CHUNK):
        entries += (tail + chunk).count(_DIRECTORY_ENTRY)
        tail = chunk[-len(_DIRECTORY_ENTRY) + 1 :]
    if entries > limits.parts:
        raise LimitExceededError(f"the project file contains more parts than the limit of {limits.parts}")


def find_members(file: IO[bytes], archive: zipfile.ZipFile, limits: Limits) -> dict[str, Member]:
    """Find the data of all parts of an archive.

    :param file: the file that contains the archive, seekable.
    :param archive: its directory.
    :param limits: limits on the sizes of the parts and their compression ratio.
    :returns: the parts by plain name, in the order of the directory.
    :raises InvalidArchiveError: the archive is encrypted, contradicts its own directory, or contains names other than
        plain, distinct file names.
    :raises LimitExceededError: the archive exceeds a limit.
    """
    infos = _check_directory(archive.infolist(), limits)
    members = {name: _locate(file, name, info) for name, info in infos.items()}
    _check_overlaps(members, archive.start_dir)
    return members


def is_plain_name(name: str) -> bool:
    """Return True for a file name without folder, drive and control characters."""
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\:") and name.isprintable()


def _check_directory(infos: list[zipfile.ZipInfo], limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Check what the directory announces.

    :returns: the directory entries by plain name.
    """
    total = sum(info.file_size for info in infos)
    if total > limits.total_bytes:
        raise LimitExceededError(
            f"the project file unpacks to {total / MEBIBYTE:.0f} MiB, "
            f"more than the limit of {limits.total_bytes / MEBIBYTE:.0f} MiB"
        )
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        name = _plain_name(info)
        if name.casefold() in seen:
            raise InvalidArchiveError(
                "occurs twice in the archive (names that differ in case only are the same name)",
                part=name,
                advice=BUILD_AGAIN,
            )
        _check_entry(name, info, limits)
        seen.add(name.casefold())
        found[name] = info
    return found


def _plain_name(info: zipfile.ZipInfo) -> str:
    try:
        name = unquote(info.orig_filename, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArchiveError("has a name that is not escaped UTF-8", part=info.orig_filename) from None
    if not is_plain_name(name):
        raise InvalidArchiveError(
            f"the archive contains the name {name!r}; a project file contains plain file names without folders",
            advice=BUILD_AGAIN,
        )
    return name


def _check_entry(name: str, info: zipfile.ZipInfo, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise InvalidArchiveError("is encrypted by the zip format, which SSIS does not use", part=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidArchiveError(
            f"uses the compression method {info.compress_type}; project files use deflate only", part=name
        )
    if info.file_size > limits.part_bytes:
        raise LimitExceededError(
            f"unpacks to {info.file_size / MEBIBYTE:.0f} MiB, "
            f"more than the limit of {limits.part_bytes / MEBIBYTE:.0f} MiB",
            part=name,
        )
    if info.file_size > max(_EXEMPT_FROM_RATIO, limits.compression_ratio * info.compress_size):
        raise LimitExceededError(
            f"unpacks to more than {limits.compression_ratio} times its size in the archive", part=name
        )


def _locate(file: IO[bytes], name: str, info: zipfile.ZipInfo) -> Member:
    """Find the data of a part, and check that its local header agrees with the directory."""
    file.seek(info.header_offset)
    signature, flags, method, crc, packed, unpacked, name_length, extra_length = _LOCAL_HEADER.unpack(
        file.read(_LOCAL_HEADER.size)
    )
    local_name = file.read(name_length).decode("utf-8" if flags & _UTF8_NAME else "cp437")
    packed, unpacked = _zip64_sizes(packed, unpacked, file.read(extra_length))
    # With a data descriptor, the values follow the data, and the header may hold zeros instead.
    absent = {0} if flags & _HAS_DESCRIPTOR else set()
    announced = zip((info.CRC, info.compress_size, info.file_size), (crc, packed, unpacked), strict=True)
    agrees = (
        signature == b"PK\x03\x04"
        and (method, local_name) == (info.compress_type, info.orig_filename)
        and not flags & _ENCRYPTED  # as checked in the directory; other flags do not change what is read
        and all(found in {expected, *absent} for expected, found in announced)
    )
    if not agrees:
        raise InvalidArchiveError(
            "has a local header that contradicts the directory of the archive", part=name, advice=BUILD_AGAIN
        )
    data_offset = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    return Member(info, data_offset, bool(flags & _HAS_DESCRIPTOR))


def _zip64_sizes(packed: int, unpacked: int, extra: bytes) -> tuple[int, int]:
    """Return the sizes of a local header, from its zip64 field where the header refers to it."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 1:
            sizes = iter(struct.unpack_from(f"<{min(length, len(extra) - 4) // 8}Q", extra, 4))
            unpacked = next(sizes, unpacked) if unpacked == _IN_ZIP64_FIELD else unpacked
            packed = next(sizes, packed) if packed == _IN_ZIP64_FIELD else packed
            break
        extra = extra[4 + length :]
    return packed, unpacked


def _check_overlaps(members: dict[str, Member], directory_offset: int) -> None:
    """Check that no two parts share bytes of the file: such archives unpack to many times their size."""
    by_offset = sorted(members.items(), key=lambda member: member[1].info.header_offset)
    ends = [member.info.header_offset for _, member in by_offset[1:]]
    for (name, member), limit in zip(by_offset, [*ends, directory_offset], strict=False):
        if member.end > limit:
            raise InvalidArchiveError("overlaps another part of the archive", part=name, advice=BUILD_AGAIN)
