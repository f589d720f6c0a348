"""The zip archive of a project file (.ispac): read within limits, and write reproducibly."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from airflow_provider_ssis.project.archive_data import COPY_AGAIN, unpacked
from airflow_provider_ssis.project.archive_directory import BUILD_AGAIN, Member, check_file, find_members
from airflow_provider_ssis.project.errors import InvalidArchiveError, located_in
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.regular_files import open_regular

Source = bytes | Path | IO[bytes]
"""A file: its bytes, its path, or the file opened for reading bytes."""

CONTENT_TYPES = "[Content_Types].xml"

_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
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
            self._members = find_members(file, archive, limits)
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
            for piece in unpacked(self._file, name, member):
                buffer.write(piece)
        return buffer.getvalue()

    def pieces(self, name: str) -> Iterator[bytes]:
        """Decompress one part as :meth:`read` does, piece by piece. The checksum is checked after the last one."""
        member = self._member(name)
        with _zip_errors(name):
            yield from unpacked(self._file, name, member)

    def size(self, name: str) -> int:
        """The decompressed size of a part in bytes.

        :raises InvalidArchiveError: the archive has no such part.
        """
        return self._member(name).info.file_size

    def _member(self, name: str) -> Member:
        if name not in self:
            raise InvalidArchiveError("is missing in the project file", part=name, advice=BUILD_AGAIN)
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
    check_file(file, limits)
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
            raise InvalidArchiveError(f"cannot be decompressed: {error}", part=of, advice=COPY_AGAIN) from None
        of.seek(0)
        begin = of.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
        problem, advice = str(error), COPY_AGAIN
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
