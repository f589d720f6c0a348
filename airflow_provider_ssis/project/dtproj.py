"""Visual Studio's project file (.dtproj): the manifest in it, and the configurations."""

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

    :param id: the parameter's id.
    :param name: ``Project::Parameter`` or ``Package::Parameter``.
    :param value: the value as text, or None where the configuration holds none.
    """

    id: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration of a project: ``Development``, ``Production``, ..."""

    name: str
    settings: tuple[ParameterSetting, ...]


@dataclass(frozen=True, slots=True)
class DtProject:
    """What a .dtproj of the project deployment model holds.

    :param part: its file name.
    :param manifest: the element ``SSIS:Project``, a copy that stands alone.
    """

    part: str
    manifest: _Element
    configurations: tuple[Configuration, ...]

    def configuration(self, name: str) -> Configuration:
        """The configuration of a name; upper and lower case are one, as in Visual Studio.

        :raises BuildError: there is none.
        """
        for configuration in self.configurations:
            if configuration.name.casefold() == name.casefold():
                return configuration
        known = ", ".join(repr(configuration.name) for configuration in self.configurations) or "none"
        raise BuildError(
            f"has no configuration {name!r}", part=self.part, advice=f"Name one of its configurations: {known}"
        )


def read_dtproj(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> DtProject:
    """What a .dtproj holds.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: bounds of its XML.
    :raises BuildError: it is of the package deployment model, which has no project file.
    :raises InvalidPartError: it is no .dtproj.
    """
    root = parse_xml(data, part, limits=limits)
    if root.tag != "Project":
        raise InvalidPartError(f"is no SSIS project: its root is {root.tag!r}", part=part)
    model = (root.findtext("DeploymentModel") or "").strip()
    if model == "Package" or (not model and root.find(".//DTSPackages") is not None):
        raise BuildError(
            "is of the package deployment model, whose packages are deployed one by one to a file system or to msdb; "
            "the SSISDB catalog takes projects of the project deployment model only",
            part=part,
            advice="Convert it in Visual Studio (Project, Convert to Project Deployment Model) and build it again",
        )
    manifest = root.find(_MANIFEST_PATH)
    if model != "Project" or manifest is None:
        raise InvalidPartError(
            "holds no manifest of the project deployment model",
            part=part,
            advice="Open the project in Visual Studio (SQL Server 2012 or later) and save it",
        )
    return DtProject(part, _standing_alone(manifest), _configurations(root))


def manifest_bytes(manifest: _Element) -> bytes:
    """A manifest as a project file holds it: without an XML declaration, and empty properties really empty.

    :param manifest: the element ``SSIS:Project``.
    """
    manifest = deepcopy(manifest)
    for element in manifest.iter():
        if not len(element) and element.text is not None and not element.text.strip() and "\n" in element.text:
            element.text = None
    etree.indent(manifest)
    return etree.tostring(manifest, encoding="utf-8", xml_declaration=False)


def _standing_alone(manifest: _Element) -> _Element:
    """The element with its own namespace only, not those of the .dtproj around it."""
    copy = deepcopy(manifest)
    copy.tail = None
    etree.cleanup_namespaces(copy)
    return copy


def _configurations(root: _Element) -> tuple[Configuration, ...]:
    return tuple(
        Configuration(element.findtext("Name") or "", _settings(element))
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
