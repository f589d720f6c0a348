"""``@Project.manifest``: the table of contents of a project, with the parameters of its packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.archive import is_plain_name
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import Package, Parameter, ProtectionLevel
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.properties import PropertyList, read_parameters

if TYPE_CHECKING:
    from lxml.etree import _Element

MANIFEST = "@Project.manifest"
PROJECT_PARAMETERS = "Project.params"

_PROTECTION_LEVELS = {level.label: level for level in ProtectionLevel}

_SAVE_AGAIN = "Open the project in Visual Studio and save it again"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says.

    :param packages: as the manifest describes them, without what only the .dtsx holds.
    :param connection_managers: file names.
    :param connection_parameters: the project's ``CM.…`` parameters.
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


def read_manifest(root: _Element, part: str = MANIFEST) -> Manifest:
    """What a manifest says.

    :param root: the element ``SSIS:Project``.
    :param part: where it stands, for errors: the manifest itself, or the .dtproj around it.
    :raises InvalidPartError: something in it is missing or impossible.
    """
    if root.tag != f"{SSIS}Project":
        raise InvalidPartError(f"is no project manifest: its root is {root.tag!r}", part=part, advice=_SAVE_AGAIN)
    properties = PropertyList.of(root, part, "project")
    name = properties.text("Name")
    if not name:
        raise properties.error("the project has no name")
    target = properties.number("TargetServerVersion", 0)
    return Manifest(
        name=name,
        id=properties.text("ID"),
        description=properties.text("Description"),
        protection_level=_project_protection_level(root, part),
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
    )


def protection_level(number: int, part: str, line: int | None) -> ProtectionLevel:
    """The protection level of a number.

    :raises InvalidPartError: there is none of that number.
    """
    try:
        return ProtectionLevel(number)
    except ValueError:
        raise InvalidPartError(
            f"has the protection level {number}, which SSIS does not have", part=part, line=line, advice=_SAVE_AGAIN
        ) from None


def _project_protection_level(root: _Element, part: str) -> ProtectionLevel:
    name = root.get(f"{SSIS}ProtectionLevel", "EncryptSensitiveWithUserKey")
    if name not in _PROTECTION_LEVELS:
        raise InvalidPartError(
            f"has the protection level {name!r}, which SSIS does not have",
            part=part,
            line=root.sourceline,
            advice=_SAVE_AGAIN,
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
                f"lists the package {name} but does not describe it (PackageMetaData)",
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
    """The names that a list of the manifest holds: plain, of the right sort, and each once."""
    names: dict[str, str] = {}
    for element in root.iterfind(path):
        name = element.get(f"{SSIS}Name", "")
        problem = ""
        if not is_plain_name(name) or not name.casefold().endswith(extension):
            problem = f"lists {name!r}, which is no name of a {extension} file beside it"
        elif name.casefold() in names:
            problem = f"lists {name} twice"
        if problem:
            raise InvalidPartError(problem, part=part, line=element.sourceline, advice=_SAVE_AGAIN)
        names[name.casefold()] = name
    return tuple(names.values())
