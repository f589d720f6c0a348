"""Remove sensitive values from SSIS files, which gives them the protection level DontSaveSensitive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.dts import dts_flag, dts_text
from airflow_provider_ssis.project.errors import ProtectedError
from airflow_provider_ssis.project.manifest.properties import PropertyList
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.elements import is_true, local_name
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB, SET_LEVEL, is_encrypted

if TYPE_CHECKING:
    from lxml.etree import _Element

_LEVEL = ProtectionLevel.DONT_SAVE_SENSITIVE


def strip_manifest(root: _Element, part: str) -> list[str]:
    """Remove the sensitive values from a manifest, and set the protection level of the project and its packages.

    :param root: the element ``SSIS:Project``; changed in place.
    :param part: the file that contains it, for errors.
    :returns: what was removed: ``the value of the parameter Key``.
    """
    set_manifest_level(root, part, _LEVEL)
    verifier = PropertyList.of(root, part, "project").elements.get("PasswordVerifier")
    if verifier is not None:
        _remove(verifier)
    return strip_parameters(root, part)


def set_manifest_level(root: _Element, part: str, level: ProtectionLevel) -> None:
    """Set the protection level of a project and of its packages in a manifest.

    :param root: the element ``SSIS:Project``; changed in place.
    :param part: the file that contains it, for errors.
    :param level: the protection level.
    """
    root.set(f"{SSIS}ProtectionLevel", level.label)
    for package in root.iter(f"{SSIS}PackageMetaData"):
        element = PropertyList.of(package, part, "package").elements.get("ProtectionLevel")
        if element is not None:
            element.text = str(int(level))


def strip_parameters(root: _Element, part: str) -> list[str]:
    """Remove the values of sensitive parameters from a manifest or a .params file.

    :param root: the root element; changed in place.
    :param part: the name of the file, for errors.
    :returns: what was removed, as for :func:`strip_manifest`.
    """
    stripped = []
    for parameter in root.iter(f"{SSIS}Parameter"):
        name = parameter.get(f"{SSIS}Name", "")
        properties = PropertyList.of(parameter, part, f"parameter {name}")
        value = properties.elements.get("Value")
        if value is not None and (properties.flag("Sensitive") or is_encrypted(value)):
            if value.text:
                stripped.append(f"the value of the parameter {name}")
            _remove(value)
    return stripped


def strip_dts(root: _Element, part: str) -> list[str]:
    """Remove the sensitive values from a .dtsx or .conmgr file, and set the protection level of a package.

    :param root: its root element; changed in place.
    :param part: its name, for errors.
    :returns: what was removed, as for :func:`strip_manifest`.
    :raises ProtectedError: an encrypted value is left in a place that is not known to contain one.
    """
    if root.tag == f"{DTS}Executable":
        set_package_level(root, _LEVEL)
    stripped = []
    for parameter in list(root.iter(f"{DTS}PackageParameter")):
        if not dts_flag(parameter, "Sensitive"):
            continue
        for value in list(parameter.iterfind(f"{DTS}Property")):
            if value.get(f"{DTS}Name") == "ParameterValue":
                if len(value) or value.text:
                    stripped.append(f"the value of the parameter {dts_text(parameter, 'ObjectName')}")
                _remove(value)
    names: dict[_Element, str] = {}
    for element in list(root.iter(etree.Element)):
        if element.tag == f"{XML_ENCRYPTION}EncryptedData" or is_secret(element):
            if len(element) or element.text:
                stripped.append(f"{_secret_name(element)} of {_owner(element, names)}")
            _remove(element)
    if DPAPI_BLOB.encode() in etree.tostring(root, encoding="utf-8"):
        raise ProtectedError(
            "contains a value encrypted with a user key in an unknown place", part=part, advice=SET_LEVEL
        )
    return stripped


def set_package_level(package: _Element, level: ProtectionLevel) -> None:
    """Set the protection level of a package: an attribute, or a child element before SQL Server 2012.

    :param package: its root element; changed in place.
    :param level: the protection level.
    """
    for child in package.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name") == "ProtectionLevel":
            child.text = str(int(level))
            return
    package.set(f"{DTS}ProtectionLevel", str(int(level)))


def is_secret(element: _Element) -> bool:
    """Return True for an element whose content is sensitive. The mark has no namespace; other attributes have one."""
    return element.tag != f"{DTS}PackageParameter" and is_true(element.get("Sensitive"))


def _secret_name(element: _Element) -> str:
    if element.tag == f"{XML_ENCRYPTION}EncryptedData":
        return "a secret"
    return f"the secret {element.get(f'{DTS}Name') or local_name(element)}"


def _owner(element: _Element, names: dict[_Element, str]) -> str:
    """Return the name of the nearest object around an element. ``names`` keeps what was found for others."""
    for ancestor in element.iterancestors():
        if ancestor not in names:
            names[ancestor] = dts_text(ancestor, "ObjectName")
        if names[ancestor]:
            return names[ancestor]
    return "the file"


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
