"""A package as typed objects over its element tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.errors import InvalidPartError, ProtectedError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest.project_manifest import protection_level
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.connections import DtsConnectionManager, read_dts_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer, read_containers
from airflow_provider_ssis.project.package.elements import DtsElement
from airflow_provider_ssis.project.package.options import (
    DtsConfiguration,
    DtsLogProvider,
    read_configuration,
    read_log_provider,
)
from airflow_provider_ssis.project.package.variables import DtsParameter, read_parameter
from airflow_provider_ssis.project.protection.decryption import decrypted
from airflow_provider_ssis.project.protection.encrypted_values import HOW_TO_DECRYPT
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

FORMAT_VERSIONS = (2, 3, 5, 6, 8)

_SAVE_AGAIN = "Open the package in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class DtsPackage(DtsElement):
    """A package.

    :param format_version: one of :data:`FORMAT_VERSIONS`.
    :param container: the package as a container, with everything that runs.
    :param enable_configurations: whether the configurations are applied.
    :param max_concurrent_executables: -1 for the number of processors plus 2.
    :param checkpoint_usage: 0 never, 1 if the file exists, 2 always.
    """

    format_version: int
    protection_level: ProtectionLevel
    container: DtsContainer
    version_major: int
    version_minor: int
    version_build: int
    version_guid: str
    version_comments: str
    parameters: tuple[DtsParameter, ...]
    connection_managers: tuple[DtsConnectionManager, ...]
    configurations: tuple[DtsConfiguration, ...]
    log_providers: tuple[DtsLogProvider, ...]
    enable_configurations: bool
    max_concurrent_executables: int
    save_checkpoints: bool
    checkpoint_usage: int
    checkpoint_file_name: str


def is_encrypted_package(root: _Element) -> bool:
    """Return True if the root element is that of a package encrypted as a whole."""
    return root.tag == f"{XML_ENCRYPTION}EncryptedData"


def read_dts_package(
    data: bytes, part: str, *, password: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> DtsPackage:
    """Read a .dtsx file.

    :param data: the file.
    :param part: its name, for errors.
    :param password: the password of the package, to read encrypted values. Default: None.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not a package, has an unknown format, or is invalid.
    :raises ProtectedError: it is encrypted as a whole, and no password is given.
    :raises WrongPasswordError: the password does not decrypt it.
    :raises LimitExceededError: it exceeds a limit.
    """
    root = parse_xml(data, part, limits=limits)
    if password is not None:
        root = decrypted(root, password, part, limits=limits)
    if is_encrypted_package(root):
        raise ProtectedError("is encrypted as a whole", part=part, advice=HOW_TO_DECRYPT)
    return dts_package(root, part)


def dts_package(root: _Element, part: str) -> DtsPackage:
    """Return the typed objects over the element tree of a package.

    :param root: the root element.
    :param part: the name of the file, for errors.
    :raises InvalidPartError: as for :func:`read_dts_package`.
    """
    if root.tag != f"{DTS}Executable":
        raise InvalidPartError(f"is not an SSIS package: its root element is {root.tag!r}", part=part)
    found = DtsContents(root)
    level = found.number("ProtectionLevel", ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY, part)

    def whole(name: str, default: int) -> int:
        return found.number(name, default, part)

    return DtsPackage(
        root,
        part,
        format_version=_format_version(found, part),
        protection_level=protection_level(level, part, root.sourceline),
        container=read_containers(root, part),
        version_major=whole("VersionMajor", 1),
        version_minor=whole("VersionMinor", 0),
        version_build=whole("VersionBuild", 0),
        version_guid=found.text("VersionGUID"),
        version_comments=found.text("VersionComments"),
        parameters=tuple(read_parameter(one, part) for one in found.members("PackageParameters", "PackageParameter")),
        connection_managers=tuple(
            read_dts_connection_manager(one, part) for one in found.members("ConnectionManagers", "ConnectionManager")
        ),
        configurations=tuple(read_configuration(one, part) for one in found.members("Configurations", "Configuration")),
        log_providers=tuple(read_log_provider(one, part) for one in found.members("LogProviders", "LogProvider")),
        enable_configurations=found.flag("EnableConfig"),
        max_concurrent_executables=whole("MaxConcurrentExecutables", -1),
        save_checkpoints=found.flag("SaveCheckpoints"),
        checkpoint_usage=whole("CheckpointUsage", 0),
        checkpoint_file_name=found.text("CheckpointFileName"),
    )


def _format_version(found: DtsContents, part: str) -> int:
    version = found.number("PackageFormatVersion", 0, part)
    if version not in FORMAT_VERSIONS:
        known = ", ".join(map(str, FORMAT_VERSIONS))
        raise InvalidPartError(
            f"has the unknown package format {version} (known formats: {known})"
            if version
            else "has no package format (PackageFormatVersion)",
            part=part,
            advice=_SAVE_AGAIN,
        )
    return version
