"""How large a project may be before it is refused unread."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for reading SSIS files, so that a hostile or broken one costs little memory and time.

    The defaults leave ample room: a package of a hundred tasks has a megabyte, some thousands of elements nested 15
    deep, and shrinks to a fifteenth.

    :param archive_bytes: size of the .ispac file.
    :param parts: number of files in it.
    :param part_bytes: unpacked size of one file.
    :param total_bytes: unpacked size of all files.
    :param compression_ratio: unpacked by packed size of a file; small files are exempt, since they harm nobody.
    :param xml_depth: how deep elements nest.
    :param xml_elements: number of elements in one file.
    :param xml_attributes: number of attributes of one element.
    """

    archive_bytes: int = 256 * MEBIBYTE
    parts: int = 2000
    part_bytes: int = 64 * MEBIBYTE
    total_bytes: int = 512 * MEBIBYTE
    compression_ratio: int = 300
    xml_depth: int = 200
    xml_elements: int = 1_000_000
    xml_attributes: int = 1000


DEFAULT_LIMITS = Limits()
