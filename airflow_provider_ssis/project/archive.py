"""The zip archive around a project: read with bounds, written so that the same content gives the same bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote

from airflow_provider_ssis.project.errors import InvalidArchiveError, LimitExceededError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPES = "[Content_Types].xml"

_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
_EXEMPT_FROM_RATIO = MEBIBYTE
_TRUNCATED = "The file is damaged or cut short: copy or build it again"


def read_bytes(source: bytes | Path | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a project file.

    :param source: the bytes themselves, a path, or a file opened for reading bytes.
    :param limits: bounds the size.
    :raises LimitExceededError: it is too large.
    :raises InvalidArchiveError: it cannot be read.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                return read_bytes(file, limits=limits)
        except OSError as error:
            raise InvalidArchiveError(f"cannot be read: {error.strerror or error}", part=str(source)) from None
    data = source if isinstance(source, bytes) else source.read(limits.archive_bytes + 1)
    if len(data) > limits.archive_bytes:
        raise LimitExceededError(f"the project file has more than {limits.archive_bytes / MEBIBYTE:.0f} MiB")
    return data


def read_parts(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The parts of an archive by their plain names, in the archive's order.

    :param data: the bytes of the archive.
    :param limits: bounds number, sizes and compression.
    :raises InvalidArchiveError: it is no zip archive, damaged, encrypted, or its names are not those of flat, distinct
        files.
    :raises LimitExceededError: a limit is exceeded.
    """
    if data.count(_DIRECTORY_ENTRY) > limits.parts:  # counted before zipfile makes an object of each
        raise LimitExceededError(f"the project file has more parts than the {limits.parts} allowed")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = _checked_names(archive.infolist(), limits)
            return {name: archive.read(info) for name, info in names.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        # ValueError and RuntimeError are what zipfile makes of some damaged headers. Not chained, here and below: the
        # text of the error is in the message, and its traceback through the standard library tells nothing more.
        raise InvalidArchiveError(f"the project file is no readable zip archive: {error}", advice=_TRUNCATED) from None


def write_parts(parts: Mapping[str, bytes]) -> bytes:
    """An archive of the parts in their order; the same parts give the same bytes, on any machine with the same zlib.

    :param parts: contents by plain name.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(escaped_name(name), date_time=_FIRST_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            archive.writestr(info, content, compresslevel=6)
    return buffer.getvalue()


def escaped_name(name: str) -> str:
    """A part's name as the archive holds it: percent-escaped as the Open Packaging Conventions ask."""
    return name if name == CONTENT_TYPES else quote(name, safe="@!$&'()*+,;=~")


def is_plain_name(name: str) -> bool:
    """True for the name of a file that lies beside its project: no folder, no drive, no control characters."""
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\:") and name.isprintable()


def _checked_names(members: list[zipfile.ZipInfo], limits: Limits) -> dict[str, zipfile.ZipInfo]:
    total = sum(info.file_size for info in members)
    if total > limits.total_bytes:
        raise LimitExceededError(
            f"the project file unpacks to {total / MEBIBYTE:.0f} MiB, "
            f"more than the {limits.total_bytes / MEBIBYTE:.0f} MiB allowed"
        )
    found: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for info in members:
        name = _plain_name(info)
        if name.casefold() in seen:
            raise InvalidArchiveError(
                "stands in the archive twice (names that differ in case only count as one)",
                part=name,
                advice="Build the project file again",
            )
        _check_member(name, info, limits)
        seen[name.casefold()] = name
        found[name] = info
    return found


def _plain_name(info: zipfile.ZipInfo) -> str:
    try:
        name = unquote(info.orig_filename, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArchiveError("has a name that is not escaped UTF-8", part=info.orig_filename) from None
    if not is_plain_name(name):
        raise InvalidArchiveError(
            f"the archive holds the name {name!r}; a project file has plain file names only, without folders",
            advice="Build the project file again from its source",
        )
    return name


def _check_member(name: str, info: zipfile.ZipInfo, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise InvalidArchiveError("is encrypted in the archive, which no SSIS tool does", part=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidArchiveError(f"is packed with the unknown method {info.compress_type}", part=name)
    if info.file_size > limits.part_bytes:
        raise LimitExceededError(
            f"unpacks to {info.file_size / MEBIBYTE:.0f} MiB, "
            f"more than the {limits.part_bytes / MEBIBYTE:.0f} MiB allowed",
            part=name,
        )
    if info.file_size > max(_EXEMPT_FROM_RATIO, limits.compression_ratio * info.compress_size):
        raise LimitExceededError(
            f"unpacks to more than {limits.compression_ratio} times its size in the archive", part=name
        )
