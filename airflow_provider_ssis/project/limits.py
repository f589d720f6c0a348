"""Limits for reading SSIS files."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that keep the memory and time for a damaged or malicious file low.

    The defaults are generous: a package with a hundred tasks has about one megabyte and some thousands of elements,
    nests them 15 levels deep, and compresses to a fifteenth of its size.

    :param archive_bytes: size of the .ispac file in bytes. Default: 256 MiB.
    :param parts: number of files in it. Default: 2000.
    :param part_bytes: unpacked size of one file in bytes. Default: 64 MiB.
    :param total_bytes: unpacked size of all files in bytes. Default: 512 MiB.
    :param compression_ratio: unpacked size divided by packed size of one file. Files of up to 1 MiB are exempt.
        Default: 300.
    :param xml_depth: nesting depth of elements. Default: 200.
    :param xml_elements: number of elements in one file. Default: 1,000,000.
    :param xml_attributes: number of attributes of one element. Default: 1000.
    :param xml_tag_bytes: size of one tag with its attributes, or of one comment, in bytes. Default: 8 MiB.
    """

    archive_bytes: int = 256 * MEBIBYTE
    parts: int = 2000
    part_bytes: int = 64 * MEBIBYTE
    total_bytes: int = 512 * MEBIBYTE
    compression_ratio: int = 300
    xml_depth: int = 200
    xml_elements: int = 1_000_000
    xml_attributes: int = 1000
    xml_tag_bytes: int = 8 * MEBIBYTE


DEFAULT_LIMITS = Limits()
