"""Project files (.ispac): what they hold, and what tells two of them apart."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, read_bytes, read_parts
from airflow_provider_ssis.project.dts import read_connection_manager
from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.errors import InvalidArchiveError, naming
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest import MANIFEST, PROJECT_PARAMETERS, read_manifest
from airflow_provider_ssis.project.models import Package, Project
from airflow_provider_ssis.project.properties import read_project_parameters
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILD_AGAIN = "Build the project file again from its source"


@dataclass(frozen=True, slots=True)
class Ispac:
    """An opened project file.

    :param project: what it holds.
    :param parts: its files by their plain names, as bytes.
    """

    project: Project
    parts: Mapping[str, bytes]


def read_ispac(source: bytes | Path | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> Project:
    """What a project file holds: manifest, parameters, connection managers, packages with their control flow.

    :param source: the file's bytes, its path, or a file opened for reading bytes.
    :param limits: how large it may be.
    :raises ProjectError: the file is damaged, too large, or holds something that a project file cannot hold; the
        message names the part.
    """
    return open_ispac(source, limits=limits).project


def open_ispac(source: bytes | Path | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> Ispac:
    """What a project file holds, together with its raw parts.

    :param source: the file's bytes, its path, or a file opened for reading bytes.
    :param limits: how large it may be.
    :raises ProjectError: as :func:`read_ispac`.
    """
    with _naming(source):
        parts = read_parts(read_bytes(source, limits=limits), limits=limits)
        return Ispac(project_of(parts, limits=limits), parts)


def project_of(parts: Mapping[str, bytes], *, limits: Limits = DEFAULT_LIMITS) -> Project:
    """The project that the parts of a project file make up.

    :param parts: files by their plain names; upper and lower case are one.
    :param limits: how large their XML may be.
    :raises ProjectError: as :func:`read_ispac`.
    """
    by_name = {name.casefold(): data for name, data in parts.items()}

    def part(name: str) -> bytes:
        if name.casefold() not in by_name:
            raise InvalidArchiveError("is missing in the project file", part=name, advice=_BUILD_AGAIN)
        return by_name[name.casefold()]

    def parsed(name: str) -> etree._Element:
        return parse_xml(part(name), name, limits=limits)

    part(CONTENT_TYPES)
    manifest = read_manifest(parsed(MANIFEST))
    declared = read_project_parameters(parsed(PROJECT_PARAMETERS), PROJECT_PARAMETERS)
    return Project(
        name=manifest.name,
        id=manifest.id,
        description=manifest.description,
        protection_level=manifest.protection_level,
        format_version=manifest.format_version,
        version_major=manifest.version_major,
        version_minor=manifest.version_minor,
        version_build=manifest.version_build,
        version_comments=manifest.version_comments,
        target_server_version=manifest.target_server_version,
        parameters=declared + manifest.connection_parameters,
        connection_managers=tuple(read_connection_manager(parsed(name), name) for name in manifest.connection_managers),
        packages=tuple(_with_content(package, part(package.name), limits) for package in manifest.packages),
    )


def content_hash(ispac: bytes | Path | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """A hash that two project files share if they hold the same, however they were packed.

    Taken over the names and the canonical XML of the parts: order, compression and times of the archive, line ends,
    byte order marks and the order of attributes make no difference.

    :param ispac: the file's bytes, its path, or a file opened for reading bytes.
    :param limits: how large it may be.
    :returns: 64 hexadecimal digits (SHA-256).
    :raises ProjectError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with _naming(ispac):
        parts = read_parts(read_bytes(ispac, limits=limits), limits=limits)
        for name in sorted(parts):
            canonical = etree.tostring(parse_xml(parts[name], name, limits=limits), method="c14n2")
            for piece in (name.encode(), canonical):
                digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()


def _naming(source: bytes | Path | BinaryIO) -> AbstractContextManager[None]:
    return naming(source) if isinstance(source, Path) else nullcontext()


def _with_content(package: Package, data: bytes, limits: Limits) -> Package:
    """The package of the manifest with what only its file holds."""
    file = read_package(data, package.name, limits=limits)
    return replace(
        package,
        connection_managers=file.connection_managers,
        control_flow=file.control_flow,
        note=file.note,
    )
