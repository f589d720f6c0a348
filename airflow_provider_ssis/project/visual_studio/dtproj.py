"""Read Visual Studio's project file (.dtproj): the manifest and the configurations."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.errors import BuildError, InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_MANIFEST_PATH = f"DeploymentModelSpecificContent/Manifest/{SSIS}Project"
_MODIFICATION_TIME = "LastModifiedTime"


@dataclass(frozen=True, slots=True)
class ParameterSetting:
    """The value that a configuration gives a parameter.

    :param id: the id of the parameter.
    :param name: ``Project::Parameter`` or ``Package::Parameter``.
    :param value: the value as text; None if the configuration contains none.
    """

    id: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration of a project: ``Development``, ``Production``, ...

    :param name: its name.
    :param settings: values of parameters.
    :param target_server_version: ``SQLServer2012`` to ``SQLServer2025``; empty if the configuration has none.
    """

    name: str
    settings: tuple[ParameterSetting, ...]
    target_server_version: str = ""


@dataclass(frozen=True, slots=True)
class DtProject:
    """A .dtproj of the project deployment model.

    :param part: its file name.
    :param manifest: a copy of the element ``SSIS:Project``.
    :param configurations: the configurations, in the order of the file.
    """

    part: str
    manifest: _Element
    configurations: tuple[Configuration, ...]

    def configuration(self, name: str) -> Configuration:
        """Return the configuration with a name, compared without case as in Visual Studio.

        :param name: the name.
        :raises BuildError: the project has no such configuration.
        """
        for configuration in self.configurations:
            if configuration.name.casefold() == name.casefold():
                return configuration
        known = ", ".join(repr(configuration.name) for configuration in self.configurations) or "none"
        raise BuildError(f"has no configuration {name!r}", part=self.part, advice=f"Its configurations: {known}")


@dataclass(frozen=True, slots=True)
class ProjectPackage:
    """A package in a project of the package deployment model.

    :param name: its name in the project.
    :param full_path: its path, relative to the project.
    :param format_version: its package format; None if the project does not name it.
    """

    name: str
    full_path: str
    format_version: int | None


@dataclass(frozen=True, slots=True)
class PackageModelProject:
    """A .dtproj of the package deployment model.

    :param part: its file name.
    :param packages: the packages, in the order of the file.
    :param configurations: the configurations, in the order of the file.
    :param miscellaneous: the paths of the other files, relative to the project.
    :param allows_configuration_changes: whether an installation may change the values of configurations, by the first
        configuration of the project. Default: True.
    """

    part: str
    packages: tuple[ProjectPackage, ...]
    configurations: tuple[Configuration, ...]
    miscellaneous: tuple[str, ...] = ()
    allows_configuration_changes: bool = True


def read_package_model(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> PackageModelProject:
    """Read a .dtproj of the package deployment model.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not a .dtproj of that model.
    """
    root = _project_root(data, part, limits)
    if not _has_package_model(root):
        raise InvalidPartError("does not use the package deployment model", part=part)
    packages = []
    for element in root.iter("DtsPackage"):
        version = element.get("FormatVersion", "")
        packages.append(
            ProjectPackage(
                name=(element.findtext("Name") or "").strip(),
                full_path=(element.findtext("FullPath") or "").strip(),
                format_version=int(version) if version.isascii() and version.isdecimal() and len(version) < 5 else None,
            )
        )
    items = root.iterfind("Miscellaneous//ProjectItem")
    others = (element.findtext("FullPath") or element.findtext("Name") or "" for element in items)
    miscellaneous = tuple(path.strip() for path in others if path.strip())
    allows = root.findtext("Configurations/Configuration/Options/AllowConfigurationChanges") or "true"
    return PackageModelProject(
        part, tuple(packages), _configurations(root), miscellaneous, allows.strip().lower() != "false"
    )


def uses_package_model(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Return True for a .dtproj of the package deployment model.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not a .dtproj.
    """
    return _has_package_model(_project_root(data, part, limits))


def read_dtproj(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> DtProject:
    """Read a .dtproj.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises BuildError: it uses the package deployment model, which has no project file.
    :raises InvalidPartError: it is not a .dtproj.
    """
    root = _project_root(data, part, limits)
    if _has_package_model(root):
        raise BuildError(
            "uses the package deployment model, whose packages are deployed one by one to a file system or to msdb; "
            "the SSISDB catalog accepts projects of the project deployment model only",
            part=part,
            advice="Convert it in Visual Studio (Project, Convert to Project Deployment Model) and build it again",
        )
    manifest = root.find(_MANIFEST_PATH)
    if _deployment_model(root) != "Project" or manifest is None:
        raise InvalidPartError(
            "contains no manifest of the project deployment model",
            part=part,
            advice="Open the project in Visual Studio (SQL Server 2012 or later) and save it",
        )
    return DtProject(part, _detached(manifest), _configurations(root))


def manifest_bytes(manifest: _Element) -> bytes:
    """Return a manifest as a project file contains it, without an XML declaration.

    :param manifest: the element ``SSIS:Project``.
    """
    manifest = deepcopy(manifest)
    etree.indent(manifest)
    return etree.tostring(manifest, encoding="utf-8", xml_declaration=False)


def _project_root(data: bytes, part: str, limits: Limits) -> _Element:
    root = parse_xml(data, part, limits=limits)
    if root.tag != "Project":
        raise InvalidPartError(f"is not an SSIS project: its root element is {root.tag!r}", part=part)
    return root


def _deployment_model(root: _Element) -> str:
    return (root.findtext("DeploymentModel") or "").strip()


def _has_package_model(root: _Element) -> bool:
    """Return True for the package deployment model, which projects before SQL Server 2012 use without naming it."""
    model = _deployment_model(root)
    return model == "Package" or (not model and root.find(".//DTSPackages") is not None)


def _detached(manifest: _Element) -> _Element:
    """Return a copy of the element without the namespaces of the .dtproj around it."""
    copy = deepcopy(manifest)
    copy.tail = None
    etree.cleanup_namespaces(copy)
    return copy


def _configurations(root: _Element) -> tuple[Configuration, ...]:
    return tuple(
        Configuration(
            element.findtext("Name") or "",
            _settings(element),
            (element.findtext("Options/TargetServerVersion") or "").strip(),
        )
        for element in root.iterfind("Configurations/Configuration")
    )


def _settings(configuration: _Element) -> tuple[ParameterSetting, ...]:
    settings = (
        ParameterSetting(
            (element.findtext("Id") or "").strip(), (element.findtext("Name") or "").strip(), element.findtext("Value")
        )
        for element in configuration.iterfind("Options/ParameterConfigurationValues/ConfigurationSetting")
    )
    return tuple(setting for setting in settings if setting.id != _MODIFICATION_TIME)
