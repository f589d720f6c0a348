"""Compare project files by content, however they were packed and written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, Source, open_archive
from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.safe_xml import drop_white_space, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element


def content_hash(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return a hash that is equal for two project files with the same content.

    Parts are compared by name and as XML, so these make no difference: order, compression and times of the archive,
    encoding, byte order mark, XML declaration, line ends, white space between elements, comments, order of attributes,
    namespace prefixes. A part that is not XML is compared byte by byte. ``[Content_Types].xml`` is ignored: it follows
    from the names of the other parts. The build of Visual Studio and that of
    :mod:`airflow_provider_ssis.project.build` differ in these points only.

    :param source: the project file: bytes, path, or open file.
    :param limits: limits for the file.
    :returns: 64 hexadecimal digits (SHA-256).
    :raises InvalidArchiveError: the archive cannot be read.
    :raises LimitExceededError: the archive exceeds a limit.
    """
    whole = hashlib.sha256()
    with open_archive(source, limits=limits) as archive:
        for name in sorted(archive.names):
            if name != CONTENT_TYPES:
                whole.update(hashlib.sha256(name.encode()).digest() + _part_hash(archive.read(name), name, limits))
    return whole.hexdigest()


def _part_hash(data: bytes, name: str, limits: Limits) -> bytes:
    try:
        root = parse_xml(data, name, limits=limits)
    except (InvalidPartError, LimitExceededError):
        return hashlib.sha256(data).digest()
    del data  # the tree needs as much memory
    drop_white_space(root)
    digest = hashlib.sha256()
    for piece in _pieces(root):
        encoded = piece.encode()
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


def _pieces(root: _Element) -> Iterable[str]:
    """Return the content of a document as a sequence of texts that no other content has."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            yield from ("<", str(element.tag), str(len(element.attrib)))
            for name, value in sorted(element.attrib.items()):
                yield from (str(name), str(value))
            yield element.text or ""
        else:
            yield from (">", element.tail or "")
