"""Read ``@Project.manifest``: the files of a project, and the parameters of its packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.archive_directory import is_plain_name
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.manifest.properties import PropertyList, read_parameters
from airflow_provider_ssis.project.models import Package, Parameter, ProtectionLevel
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.protection.encrypted_values import require_readable

if TYPE_CHECKING:
    from lxml.etree import _Element

MANIFEST = "@Project.manifest"
PROJECT_PARAMETERS = "Project.params"

_PROTECTION_LEVELS = {level.label: level for level in ProtectionLevel}
_SAVE_AGAIN = "Open the project in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest.

    :param packages: the packages as the manifest describes them, without the content of their .dtsx files.
    :param connection_managers: file names.
    :param connection_parameters: the project's connection parameters (``CM.…``).
    :param parameters: the project's other parameters, if the manifest contains them. Only a preview of SQL Server 2012
        wrote them here; other versions write Project.params.
    """

    name: str
    id: str
    description: str
    protection_level: ProtectionLevel
    format_version: int
    version_major: int
    version_minor: int
    version_build: int
    version_comments: str
    target_server_version: int | None
    packages: tuple[Package, ...]
    connection_managers: tuple[str, ...]
    connection_parameters: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]


def read_manifest(root: _Element, part: str = MANIFEST) -> Manifest:
    """Read a manifest.

    :param root: the element ``SSIS:Project``.
    :param part: the file that contains it, for errors: the manifest itself or a .dtproj.
    :raises InvalidPartError: something in it is missing or invalid.
    :raises ProtectedError: the project is encrypted as a whole.
    """
    if root.tag != f"{SSIS}Project":
        raise InvalidPartError(
            f"is not a project manifest: its root element is {root.tag!r}", part=part, advice=_SAVE_AGAIN
        )
    level = manifest_level(root, part)
    require_readable(root, part, level)
    properties = PropertyList.of(root, part, "project")
    name = properties.text("Name")
    if not name:
        raise properties.error("has no name for the project")
    target = properties.number("TargetServerVersion", 0)
    return Manifest(
        name=name,
        id=properties.text("ID"),
        description=properties.text("Description"),
        protection_level=level,
        format_version=properties.number("FormatVersion", 1),
        version_major=properties.number("VersionMajor", 0),
        version_minor=properties.number("VersionMinor", 0),
        version_build=properties.number("VersionBuild", 0),
        version_comments=properties.text("VersionComments"),
        target_server_version=target or None,
        packages=_packages(root, part),
        connection_managers=_file_names(root, f"{SSIS}ConnectionManagers/{SSIS}ConnectionManager", ".conmgr", part),
        connection_parameters=read_parameters(
            root.iterfind(f"{SSIS}DeploymentInfo/{SSIS}ProjectConnectionParameters/{SSIS}Parameter"), part
        ),
        parameters=read_parameters(root.iterfind(f"{SSIS}Parameters/{SSIS}Parameter"), part),
    )


def protection_level(number: int, part: str, line: int | None) -> ProtectionLevel:
    """Return the protection level with a number.

    :param number: 0 to 5.
    :param part: the file that contains it, for errors.
    :param line: the line in the file.
    :raises InvalidPartError: SSIS has no such protection level.
    """
    try:
        return ProtectionLevel(number)
    except ValueError:
        raise InvalidPartError(
            f"has the unknown protection level {number}", part=part, line=line, advice=_SAVE_AGAIN
        ) from None


def manifest_level(root: _Element, part: str) -> ProtectionLevel:
    """Return the protection level of a project, which is readable even if the project is encrypted as a whole.

    :param root: the element ``SSIS:Project``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: SSIS has no such protection level.
    """
    name = root.get(f"{SSIS}ProtectionLevel", "EncryptSensitiveWithUserKey")
    if name not in _PROTECTION_LEVELS:
        raise InvalidPartError(
            f"has the unknown protection level {name!r}", part=part, line=root.sourceline, advice=_SAVE_AGAIN
        )
    return _PROTECTION_LEVELS[name]


def _packages(root: _Element, part: str) -> tuple[Package, ...]:
    metadata = {
        str(element.get(f"{SSIS}Name", "")).casefold(): element
        for element in root.iterfind(f"{SSIS}DeploymentInfo/{SSIS}PackageInfo/{SSIS}PackageMetaData")
    }
    path = f"{SSIS}Packages/{SSIS}Package"
    names = _file_names(root, path, ".dtsx", part)
    packages = []
    for name, element in zip(names, root.iterfind(path), strict=True):
        if name.casefold() not in metadata:
            raise InvalidPartError(
                f"lists the package {name}, but has no PackageMetaData for it",
                part=part,
                line=element.sourceline,
                advice=_SAVE_AGAIN,
            )
        entry_point = element.get(f"{SSIS}EntryPoint", "0") in ("1", "true", "True")
        packages.append(_package(name, entry_point, metadata[name.casefold()], part))
    return tuple(packages)


def _package(name: str, entry_point: bool, element: _Element, part: str) -> Package:
    properties = PropertyList.of(element, part, f"package {name}")
    level = properties.number("ProtectionLevel", ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY)
    return Package(
        name=name,
        id=properties.text("ID"),
        entry_point=entry_point,
        description=properties.text("Description"),
        version_major=properties.number("VersionMajor", 1),
        version_minor=properties.number("VersionMinor", 0),
        version_build=properties.number("VersionBuild", 0),
        version_comments=properties.text("VersionComments"),
        version_guid=properties.text("VersionGUID"),
        format_version=properties.number("PackageFormatVersion", 8),
        protection_level=protection_level(level, part, properties.line),
        parameters=read_parameters(element.iterfind(f"{SSIS}Parameters/{SSIS}Parameter"), part),
    )


def _file_names(root: _Element, path: str, extension: str, part: str) -> tuple[str, ...]:
    """Return the file names in a list of the manifest."""
    names: dict[str, str] = {}
    for element in root.iterfind(path):
        name = element.get(f"{SSIS}Name", "")
        problem = ""
        if not is_plain_name(name) or not name.casefold().endswith(extension):
            problem = f"lists {name!r}, which is not the name of a {extension} file in the same folder"
        elif name.casefold() in names:
            problem = f"lists {name} twice"
        if problem:
            raise InvalidPartError(problem, part=part, line=element.sourceline, advice=_SAVE_AGAIN)
        names[name.casefold()] = name
    return tuple(names.values())
