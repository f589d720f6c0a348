"""Read project files (.ispac)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.archive import CONTENT_TYPES, Archive, Source, open_archive
from airflow_provider_ssis.project.dtsx import PackageFile, package_file
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from airflow_provider_ssis.project.manifest.project_manifest import (
    MANIFEST,
    PROJECT_PARAMETERS,
    Manifest,
    read_manifest,
)
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.models import ConnectionManager, Parameter, Project
from airflow_provider_ssis.project.package.connections import read_connection_manager
from airflow_provider_ssis.project.protection.decryption import check_password, decrypted
from airflow_provider_ssis.project.safe_xml import parse_xml, parse_xml_pieces

if TYPE_CHECKING:
    from lxml.etree import _Element


_LARGE = 4 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Ispac:
    """A project file with its raw parts.

    :param project: the project.
    :param parts: contents by plain name.
    """

    project: Project
    parts: Mapping[str, bytes]


def read_ispac(
    source: Source, *, password: str | None = None, limits: Limits = DEFAULT_LIMITS, keep_invalid: bool = False
) -> Project:
    """Read a project file: manifest, parameters, connection managers, and packages with their control flow.

    :param source: the project file: bytes, path, or open file. A seekable file is read part by part.
    :param password: the password of the project, to read encrypted values. Default: None; they are read as None, and a
        project that is encrypted as a whole cannot be read.
    :param limits: limits for the file.
    :param keep_invalid: keep a package whose content is invalid, without its control flow and with the reason as its
        note, as a server deploys it. Default: False, an error.
    :raises WrongPasswordError: the password is not that of the project.
    :raises ProjectError: the file is damaged, exceeds a limit, or has invalid content; the message names the part.
    """
    with open_archive(source, limits=limits) as archive:
        return read_project(archive, password=password, limits=limits, keep_invalid=keep_invalid)


def open_ispac(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> Ispac:
    """Read a project file together with its raw parts.

    :param source: as for :func:`read_ispac`.
    :param limits: limits for the file.
    :raises ProjectError: as for :func:`read_ispac`.
    """
    with open_archive(source, limits=limits) as archive:
        return Ispac(read_project(archive, limits=limits), {name: archive.read(name) for name in archive.names})


def read_project(
    archive: Archive, *, password: str | None = None, limits: Limits = DEFAULT_LIMITS, keep_invalid: bool = False
) -> Project:
    """Read the project in an open archive.

    :param archive: the archive.
    :param password: as for :func:`read_ispac`.
    :param limits: limits for the XML of its parts.
    :param keep_invalid: as for :func:`read_ispac`.
    :raises ProjectError: as for :func:`read_ispac`.
    """

    is_checked = password is not None and check_password(
        parse_xml(archive.read(MANIFEST), MANIFEST, limits=limits), password, MANIFEST
    )

    def parsed(name: str) -> _Element:
        root = _parsed(archive, name, limits)
        return root if password is None else decrypted(root, password, name, is_checked=is_checked, limits=limits)

    def package(name: str) -> PackageFile:
        root = parsed(name)
        try:
            return package_file(root, name)
        except InvalidPartError as error:
            if not keep_invalid:
                raise
            return PackageFile(format_version=None, protection_level=None, control_flow=None, note=str(error))

    archive.read(CONTENT_TYPES)
    manifest = read_manifest(parsed(MANIFEST))
    # Previews of SQL Server 2012 wrote no Project.params, and the parameters into the manifest.
    has_file = PROJECT_PARAMETERS in archive
    return assemble_project(
        manifest,
        read_project_parameters(parsed(PROJECT_PARAMETERS), PROJECT_PARAMETERS) if has_file else manifest.parameters,
        [read_connection_manager(parsed(name), name) for name in manifest.connection_managers],
        [package(each.name) for each in manifest.packages],
    )


def _parsed(archive: Archive, name: str, limits: Limits) -> _Element:
    """Return the root element of a part. Of a large one, the text is never held as a whole."""
    if archive.size(name) > _LARGE:
        root = parse_xml_pieces(archive.pieces(name), name, limits=limits)
        if root is not None:
            return root
    return parse_xml(archive.read(name), name, limits=limits)


def assemble_project(
    manifest: Manifest,
    parameters: Sequence[Parameter],
    connection_managers: Sequence[ConnectionManager],
    packages: Sequence[PackageFile],
) -> Project:
    """Return the project that a manifest and the content of its files make up.

    :param manifest: the manifest.
    :param parameters: the parameters of the project, without its connection parameters.
    :param connection_managers: the content of the .conmgr files, in the order of the manifest.
    :param packages: the content of the .dtsx files, in the order of the manifest.
    """
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
        parameters=(*parameters, *manifest.connection_parameters),
        connection_managers=tuple(connection_managers),
        packages=tuple(
            replace(
                package,
                connection_managers=file.connection_managers,
                control_flow=file.control_flow,
                note=file.note,
            )
            for package, file in zip(manifest.packages, packages, strict=True)
        ),
    )
