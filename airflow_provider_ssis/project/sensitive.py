"""Taking sensitive values out of SSIS files, which makes them files of the protection level DontSaveSensitive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import dts_flag, dts_text
from airflow_provider_ssis.project.models import ProtectionLevel
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.properties import PropertyList, is_encrypted

if TYPE_CHECKING:
    from lxml.etree import _Element

_TRUE = ("1", "-1", "true")


def strip_manifest(root: _Element, part: str) -> list[str]:
    """Take the sensitive values out of a manifest and set the protection level there, for project and packages.

    :param root: the element ``SSIS:Project``; changed in place.
    :param part: where it stands, for errors.
    :returns: what was taken out, in words.
    """
    level = ProtectionLevel.DONT_SAVE_SENSITIVE
    root.set(f"{SSIS}ProtectionLevel", level.label)
    verifier = PropertyList.of(root, part, "project").elements.get("PasswordVerifier")
    if verifier is not None:
        _remove(verifier)
    for package in root.iter(f"{SSIS}PackageMetaData"):
        element = PropertyList.of(package, part, "package").elements.get("ProtectionLevel")
        if element is not None:
            element.text = str(int(level))
    return strip_parameters(root, part)


def strip_parameters(root: _Element, part: str) -> list[str]:
    """Take the values of sensitive parameters out of a manifest or a .params file.

    :param root: the file's root; changed in place.
    :param part: the file's name, for errors.
    :returns: what was taken out, in words.
    """
    stripped = []
    for parameter in root.iter(f"{SSIS}Parameter"):
        name = parameter.get(f"{SSIS}Name", "")
        properties = PropertyList.of(parameter, part, f"parameter {name}")
        value = properties.elements.get("Value")
        if value is not None and (properties.flag("Sensitive") or is_encrypted(value)):
            _remove(value)
            stripped.append(f"the value of the parameter {name}")
    return stripped


def strip_dts(root: _Element) -> list[str]:
    """Take the sensitive values out of a package or connection manager, and set the package's protection level.

    :param root: the file's root; changed in place.
    :returns: what was taken out, in words.
    """
    if root.tag == f"{DTS}Executable":
        root.set(f"{DTS}ProtectionLevel", str(int(ProtectionLevel.DONT_SAVE_SENSITIVE)))
    stripped = []
    for parameter in list(root.iter(f"{DTS}PackageParameter")):
        if not dts_flag(parameter, "Sensitive"):
            continue
        for value in list(parameter.iterfind(f"{DTS}Property")):
            if value.get(f"{DTS}Name") == "ParameterValue":
                _remove(value)
                stripped.append(f"the value of the parameter {dts_text(parameter, 'ObjectName')}")
    for element in list(root.iter()):
        if element.tag == f"{XML_ENCRYPTION}EncryptedData" or _is_secret(element):
            stripped.append(f"a secret of {_owner(element)}")
            _remove(element)
    return stripped


def _is_secret(element: _Element) -> bool:
    """Secrets are marked by an attribute without a namespace, beside attributes that have one."""
    return element.tag != f"{DTS}PackageParameter" and element.get("Sensitive", "").lower() in _TRUE


def _owner(element: _Element) -> str:
    for ancestor in element.iterancestors():
        name = dts_text(ancestor, "ObjectName") if isinstance(ancestor.tag, str) else ""
        if name:
            return name
    return "the file"


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
