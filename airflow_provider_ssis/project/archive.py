"""The zip archive of a project file (.ispac): read within limits, and write reproducibly."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError, located_in
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from airflow_provider_ssis.project.regular_files import open_regular

Source = bytes | Path | IO[bytes]
"""A file: its bytes, its path, or the file opened for reading bytes."""

CONTENT_TYPES = "[Content_Types].xml"

_DIRECTORY_ENTRY = b"PK\x01\x02"
_DESCRIPTOR = b"PK\x07\x08"
_LOCAL_HEADER = struct.Struct("<4s2xHH4xLLLHH")  # signature, flags, method, CRC, both sizes, lengths of name and extra
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # encryption, strong encryption, encrypted directory
_HAS_DESCRIPTOR = 0x8
_UTF8_NAME = 0x800
_IN_ZIP64_FIELD = 0xFFFFFFFF
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
_EXEMPT_FROM_RATIO = MEBIBYTE
_CHUNK = 2**18
_BUILD_AGAIN = "Build the project file again from its source"
# zipfile raises NotImplementedError, ValueError, RuntimeError and IndexError for some damaged headers.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    IndexError,
)
_ZIP_BEGINS = b"PK"
_COPY_AGAIN = "The file is damaged or cut short: copy it again, or build it again"


@dataclass(frozen=True, slots=True)
class _Member:
    """A part as the archive's directory announces it, and what its local header says.

    :param data_offset: the offset of the compressed data.
    :param has_descriptor: the checksum and sizes follow the data.
    """

    info: zipfile.ZipInfo
    data_offset: int
    has_descriptor: bool

    @property
    def end(self) -> int:
        return self.data_offset + self.info.compress_size


class Archive:
    """An open archive. Parts are decompressed one at a time, when they are read.

    :param file: a seekable file with the archive.
    :param limits: limits on the number of parts, their sizes and their compression ratio.
    :raises InvalidArchiveError: see :func:`open_archive`.
    :raises LimitExceededError: see :func:`open_archive`.
    """

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        self._file = file
        with _zip_errors(file), zipfile.ZipFile(file) as archive:
            infos = _check_directory(archive.infolist(), limits)
            self._members = {name: _locate(file, name, info) for name, info in infos.items()}
            _check_overlaps(self._members, archive.start_dir)
        self._names = {name.casefold(): name for name in self._members}

    @property
    def names(self) -> tuple[str, ...]:
        """The plain names of the parts, in the order of the archive."""
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._names

    def read(self, name: str) -> bytes:
        """Decompress one part.

        Decompression stops as soon as the data exceeds the size that the directory announces.

        :param name: the plain name of the part; case makes no difference.
        :returns: the content of the part.
        :raises InvalidArchiveError: the archive has no such part, or the data does not match its announced size or
            checksum.
        """
        member = self._member(name)
        buffer = io.BytesIO()
        with _zip_errors(name):
            for piece in _unpacked(self._file, name, member):
                buffer.write(piece)
        return buffer.getvalue()

    def pieces(self, name: str) -> Iterator[bytes]:
        """Decompress one part as :meth:`read` does, piece by piece. The checksum is checked after the last one."""
        member = self._member(name)
        with _zip_errors(name):
            yield from _unpacked(self._file, name, member)

    def size(self, name: str) -> int:
        """The decompressed size of a part in bytes.

        :raises InvalidArchiveError: the archive has no such part.
        """
        return self._member(name).info.file_size

    def _member(self, name: str) -> _Member:
        if name not in self:
            raise InvalidArchiveError("is missing in the project file", part=name, advice=_BUILD_AGAIN)
        return self._members[self._names[name.casefold()]]


@contextmanager
def open_archive(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Archive]:
    """Open the archive of a project file, and check its directory.

    :param source: the project file: bytes, path, or open file. A seekable file is not read into memory.
    :param limits: limits on the number of parts, their sizes and their compression ratio.
    :raises InvalidArchiveError: the source is not a zip archive, is damaged or encrypted, contradicts its own
        directory, or contains names other than plain, distinct file names.
    :raises LimitExceededError: the archive exceeds a limit.
    """
    if isinstance(source, Path):
        with located_in(source), open_file(source) as file, open_archive(file, limits=limits) as archive:
            yield archive
        return
    file = _seekable(source, limits)
    _check_file(file, limits)
    yield Archive(file, limits)


def open_file(path: Path) -> IO[bytes]:
    """Open a project file for reading.

    :param path: its path.
    :raises InvalidArchiveError: the file cannot be opened.
    """
    try:
        return open_regular(path)
    except OSError as error:
        raise InvalidArchiveError(f"cannot be read: {error.strerror or error}", part=str(path)) from None


def read_parts(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """Read all parts of an archive.

    :param source: as for :func:`open_archive`.
    :param limits: as for :func:`open_archive`.
    :returns: the contents by plain name, in the order of the archive.
    :raises InvalidArchiveError: as for :func:`open_archive` and :meth:`Archive.read`.
    :raises LimitExceededError: as for :func:`open_archive`.
    """
    with open_archive(source, limits=limits) as archive:
        return {name: archive.read(name) for name in archive.names}


def write_archive(file: IO[bytes], parts: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive. The same parts give the same bytes on every machine with the same zlib.

    :param file: a seekable file, open for writing.
    :param parts: plain names and contents, in the order in which the archive keeps them.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts:
            info = zipfile.ZipInfo(escaped_name(name), date_time=_FIRST_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            archive.writestr(info, content, compresslevel=6)


def archive_of(parts: Mapping[str, bytes]) -> bytes:
    """Return the archive of some parts; see :func:`write_archive`.

    :param parts: contents by plain name.
    """
    buffer = io.BytesIO()
    write_archive(buffer, parts.items())
    return buffer.getvalue()


def escaped_name(name: str) -> str:
    """Return a part's name as the archive stores it, percent-escaped by the Open Packaging Conventions."""
    return name if name == CONTENT_TYPES else quote(name, safe="@!$&'()*+,;=~")


def is_plain_name(name: str) -> bool:
    """Return True for a file name without folder, drive and control characters."""
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\:") and name.isprintable()


@contextmanager
def _zip_errors(of: IO[bytes] | str) -> Iterator[None]:
    """Raise the errors of zipfile, zlib and the file as :class:`InvalidArchiveError`.

    :param of: the file, or the name of the part that is read.

    The cause is not chained: its text is part of the message, and its traceback through the standard library does not
    help.
    """
    try:
        yield
    except _ZIP_ERRORS as error:
        if isinstance(of, str):
            raise InvalidArchiveError(f"cannot be decompressed: {error}", part=of, advice=_COPY_AGAIN) from None
        of.seek(0)
        begin = of.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
        problem, advice = str(error), _COPY_AGAIN
        if begin[:2] != _ZIP_BEGINS[: len(begin)]:
            # Another file than a project file, such as a package or a .dtproj that was renamed.
            problem = "it is XML" if begin.startswith(b"<") else "its beginning is not that of one"
            advice = "Give an .ispac file, or the folder or .dtproj of the project"
        problem = f"the project file cannot be read as a zip archive: {problem}"
        raise InvalidArchiveError(problem, advice=advice) from None


def _seekable(source: bytes | IO[bytes], limits: Limits) -> IO[bytes]:
    if isinstance(source, bytes):
        return io.BytesIO(source)  # shares the memory of the bytes
    if source.seekable():
        return source
    return io.BytesIO(source.read(limits.archive_bytes + 1))


def _check_file(file: IO[bytes], limits: Limits) -> None:
    """Check the size of the file and the number of its directory entries before zipfile makes an object of each."""
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
                advice=_BUILD_AGAIN,
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
            advice=_BUILD_AGAIN,
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


def _locate(file: IO[bytes], name: str, info: zipfile.ZipInfo) -> _Member:
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
            "has a local header that contradicts the directory of the archive", part=name, advice=_BUILD_AGAIN
        )
    data_offset = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    return _Member(info, data_offset, bool(flags & _HAS_DESCRIPTOR))


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


def _check_overlaps(members: dict[str, _Member], directory_offset: int) -> None:
    """Check that no two parts share bytes of the file: such archives unpack to many times their size."""
    by_offset = sorted(members.items(), key=lambda member: member[1].info.header_offset)
    ends = [member.info.header_offset for _, member in by_offset[1:]]
    for (name, member), limit in zip(by_offset, [*ends, directory_offset], strict=False):
        if member.end > limit:
            raise InvalidArchiveError("overlaps another part of the archive", part=name, advice=_BUILD_AGAIN)


class _Incomplete(Exception):
    """The compressed data does not end where it should."""


def _unpacked(file: IO[bytes], name: str, member: _Member) -> Iterator[bytes]:
    """Return the data of a part in pieces, never more than the announced number of bytes, and check all of it."""
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
            f"does not unpack to the {announced} bytes that the archive announces", part=name, advice=_COPY_AGAIN
        )
    if checksum != member.info.CRC:
        raise InvalidArchiveError("does not match its checksum", part=name, advice=_COPY_AGAIN)
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


def _check_descriptor(file: IO[bytes], name: str, member: _Member) -> None:
    """Check the values after the data: a signature is optional, and sizes have four or eight bytes."""
    info = member.info
    file.seek(member.end)
    found = file.read(24)
    found = found.removeprefix(_DESCRIPTOR)
    expected = (info.CRC, info.compress_size, info.file_size)
    if not any(found.startswith(struct.pack(layout, *expected)) for layout in ("<3L", "<L2Q")):
        raise InvalidArchiveError(
            "has a data descriptor that contradicts the directory of the archive", part=name, advice=_BUILD_AGAIN
        )
