"""Add packages to a project file, or replace them, as the catalog's incremental deployment does."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, Source, archive_of, read_parts
from airflow_provider_ssis.project.archive_directory import is_plain_name
from airflow_provider_ssis.project.errors import InvalidArchiveError, InvalidPartError, ProtectedError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest.package_metadata import (
    add_properties,
    metadata_properties,
    named_element,
    parameter_element,
)
from airflow_provider_ssis.project.manifest.project_manifest import MANIFEST, read_manifest
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.dtproj import manifest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ProtectionLevel
    from airflow_provider_ssis.project.package.connections import DtsConnectionManager

_TEXT = 18
"""The code of the type String."""


def replace_packages(source: Source, packages: Mapping[str, bytes], *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return a project file with packages added or replaced. All else stays as it is.

    A connection parameter of a replaced package stays while the package has its connection manager. A connection
    manager that is new gets one connection parameter, its connection string.

    :param source: the project file (.ispac).
    :param packages: the content of each .dtsx file by its name.
    :param limits: limits for the files.
    :raises InvalidArchiveError: ``source`` is not a project file.
    :raises InvalidPartError: a name is not that of a .dtsx file, or a content is not a package.
    :raises ProtectedError: a package has another protection level than its project.
    :raises LimitExceededError: a file exceeds a limit.
    """
    parts = read_parts(source, limits=limits)
    if MANIFEST not in parts:
        raise InvalidArchiveError(f"contains no {MANIFEST}")
    root = parse_xml(parts.pop(MANIFEST), MANIFEST, limits=limits)
    level = read_manifest(root).protection_level
    for name, data in packages.items():
        if not is_plain_name(name) or not name.lower().endswith(".dtsx"):
            raise InvalidPartError(
                "is not the name of a package", part=name, advice="Give a file name that ends in .dtsx"
            )
        package = read_dts_package(data, name, limits=limits)
        _check_level(package, level)
        entry_point, previous = _take_out(root, parts, name)
        _add(root, name, package, entry_point, previous)
        parts[name] = data
    types = parts.pop(CONTENT_TYPES, b"")
    return archive_of({**parts, MANIFEST: manifest_bytes(root), CONTENT_TYPES: types})


def _check_level(package: DtsPackage, level: ProtectionLevel) -> None:
    if package.protection_level is not level:
        raise ProtectedError(
            f"has the protection level {package.protection_level.label}, but its project has {level.label}",
            part=package.part,
            advice="Save the package with the level of the project",
        )


def _take_out(root: _Element, parts: dict[str, bytes], name: str) -> tuple[str, _Element | None]:
    """Remove the package of a name; returns whether it was an entry point, and what the manifest said about it."""
    for part in [part for part in parts if part.casefold() == name.casefold()]:
        del parts[part]
    listed = _removed(root, f"{SSIS}Packages/{SSIS}Package", name)
    metadata = _removed(root, f"{SSIS}DeploymentInfo/{SSIS}PackageInfo/{SSIS}PackageMetaData", name)
    return "1" if listed is None else str(listed.get(f"{SSIS}EntryPoint", "0")), metadata


def _removed(root: _Element, path: str, name: str) -> _Element | None:
    for element in root.iterfind(path):
        parent = element.getparent()
        if parent is not None and str(element.get(f"{SSIS}Name", "")).casefold() == name.casefold():
            parent.remove(element)
            return element
    return None


def _add(root: _Element, name: str, package: DtsPackage, entry_point: str, previous: _Element | None) -> None:
    listed = etree.SubElement(_child(root, "Packages"), f"{SSIS}Package")
    listed.set(f"{SSIS}Name", name)
    listed.set(f"{SSIS}EntryPoint", entry_point)
    metadata = etree.SubElement(_child(_child(root, "DeploymentInfo"), "PackageInfo"), f"{SSIS}PackageMetaData")
    metadata.set(f"{SSIS}Name", name)
    level = {"ProtectionLevel": int(package.protection_level)}
    add_properties(metadata, {**metadata_properties(package.element), **level})
    parameters = etree.SubElement(metadata, f"{SSIS}Parameters")
    for element in _connection_parameters(package.connection_managers, previous):
        parameters.append(element)
    for parameter in package.parameters:
        parameters.append(parameter_element(parameter))


def _connection_parameters(managers: Iterable[DtsConnectionManager], previous: _Element | None) -> list[_Element]:
    known = [] if previous is None else previous.findall(f"{SSIS}Parameters/{SSIS}Parameter")
    found = []
    for manager in managers:
        prefix = f"CM.{manager.name}."
        kept = [deepcopy(each) for each in known if str(each.get(f"{SSIS}Name", "")).startswith(prefix)]
        found += kept or [_connection_string(manager)]
    return found


def _connection_string(manager: DtsConnectionManager) -> _Element:
    values = {"Required": 0, "Sensitive": 0, "Value": manager.connection_string, "DataType": _TEXT}
    return named_element(f"CM.{manager.name}.ConnectionString", values)


def _child(parent: _Element, name: str) -> _Element:
    found = parent.find(f"{SSIS}{name}")
    return etree.SubElement(parent, f"{SSIS}{name}") if found is None else found
