"""The metadata of a package in a manifest: created from the package, or updated with it.

Visual Studio writes the manifest of a project file from the packages, while the .dtproj keeps the manifest of the last
time that the project itself was saved. Source: projects whose built .dtproj (folder ``obj``) is newer than their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.datatypes import TYPE_CODES
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.manifest.properties import PropertyList, set_text
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.variables import DtsParameter, read_parameter

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

_CONNECTION = "CM."
_CAN_BE_EMPTY = ("Description", "VersionComments")
_VERSION = (("VersionMajor", "1"), ("VersionMinor", "0"), ("VersionBuild", "0"))
Values = Mapping[str, str | None]
"""The values of a package's parameters by name, as texts."""


def metadata_properties(package: _Element) -> dict[str, str]:
    """Return the properties of a package in a manifest, without its protection level.

    :param package: the root element of the package.
    """
    found = DtsContents(package)
    return {
        "ID": found.text("DTSID"),
        "Name": found.text("ObjectName"),
        **{name: found.text(name) or default for name, default in _VERSION},
        "VersionComments": found.text("VersionComments"),
        "VersionGUID": found.text("VersionGUID"),
        "PackageFormatVersion": found.text("PackageFormatVersion"),
        "Description": found.text("Description"),
    }


def parameter_values(metadata: _Element, part: str) -> dict[str, str | None]:
    """Return the values of a package's parameters in a manifest, without its connection parameters.

    :param metadata: ``SSIS:PackageMetaData``.
    :param part: the file that contains it, for errors.
    """
    return {name: _value(properties) for name, (_, properties) in _declared(metadata, part).items()}


def refresh(metadata: _Element, package: _Element, name: str, part: str, before: Values) -> list[str]:
    """Bring the entry of a package in a manifest up to date with the package.

    :param metadata: ``SSIS:PackageMetaData``; changed in place. Connection parameters and the protection level stay.
    :param package: the root element of the package, decrypted.
    :param name: the file name of the package.
    :param part: the file that contains the manifest, for errors.
    :param before: the values of :func:`parameter_values` before the build gave parameters others, which stay.
    :returns: the names of the parameters that differed.
    :raises InvalidPartError: a parameter of the package is not valid.
    """
    properties = PropertyList.of(metadata, part, f"package {name}").elements
    for key, text in metadata_properties(package).items():
        is_known = key in properties and (text or key in _CAN_BE_EMPTY)
        if is_known and (properties[key].text or "").strip().upper() != text.strip().upper():
            set_text(properties[key], text)
    declared = _declared(metadata, part)
    found = [read_parameter(one, name) for one in DtsContents(package).members("PackageParameters", "PackageParameter")]
    stale = [one for one in declared if one not in {parameter.name for parameter in found}]
    for one in stale:
        _remove(declared[one][0])
    parent = metadata.find(f"{SSIS}Parameters")
    if parent is None:
        parent = etree.SubElement(metadata, f"{SSIS}Parameters")
    for parameter in found:
        element = parameter_element(parameter)
        if parameter.name not in declared:
            _insert(element, parent)
            stale.append(parameter.name)
        elif _is_stale(declared[parameter.name][1], PropertyList.of(element, name, parameter.name)):
            old_element, old = declared[parameter.name]
            if _value(old) == before.get(parameter.name) or parameter.sensitive:
                stale.append(parameter.name)
                if parameter.sensitive and old.flag("Sensitive") and "Value" in old.elements:
                    element[0][-1].addprevious(old.elements["Value"])
                parent.replace(old_element, element)
    return stale


def parameter_element(parameter: DtsParameter) -> _Element:
    """Return the element of a package's parameter in a manifest. The value of a sensitive one is left out.

    :param parameter: the parameter.
    :raises InvalidPartError: its type is unknown, or its value is not one of its type.
    """
    code = TYPE_CODES.get(parameter.data_type)
    if code is None:
        raise parameter.error(f"the parameter {parameter.name} has the unknown data type {parameter.data_type}")
    values = {
        "ID": parameter.id,
        "CreationName": "",
        "Description": parameter.description,
        "IncludeInDebugDump": "0",
        "Required": str(int(parameter.required)),
        "Sensitive": str(int(parameter.sensitive)),
    }
    if parameter.text is not None and not parameter.sensitive:
        values["Value"] = _manifest_text(parameter.value, parameter.text)
    return named_element(parameter.name, {**values, "DataType": str(code)})


def named_element(name: str, values: Mapping[str, object]) -> _Element:
    """Return the element of a parameter in a manifest.

    :param name: its name.
    :param values: its properties.
    """
    element = etree.Element(f"{SSIS}Parameter")
    element.set(f"{SSIS}Name", name)
    add_properties(element, values)
    return element


def add_properties(owner: _Element, values: Mapping[str, object]) -> None:
    """Add properties to a package or parameter in a manifest.

    :param owner: its element; changed in place.
    :param values: the properties by name.
    """
    properties = etree.SubElement(owner, f"{SSIS}Properties")
    for name, value in values.items():
        element = etree.SubElement(properties, f"{SSIS}Property")
        element.set(f"{SSIS}Name", name)
        set_text(element, str(value))


def _insert(element: _Element, parent: _Element) -> None:
    """Add a parameter after the others; before the connection parameters where these come last (since 2017)."""
    first, last = (parent[0], parent[-1]) if len(parent) else (element, element)
    names = [one.get(f"{SSIS}Name", "") for one in (first, last)]
    if not names[0].startswith(_CONNECTION) and names[1].startswith(_CONNECTION):
        next(one for one in parent if one.get(f"{SSIS}Name", "").startswith(_CONNECTION)).addprevious(element)
    else:
        parent.append(element)


def _manifest_text(value: ParameterValue, text: str) -> str:
    """Return the text of a value in a manifest, which for some types differs from that in a package."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return text.strip().removesuffix(".") if isinstance(value, float) else text  # packages store 4096 as 4096.


def _declared(metadata: _Element, part: str) -> dict[str, tuple[_Element, PropertyList]]:
    return {
        name: (element, PropertyList.of(element, part, f"parameter {name}"))
        for element in metadata.iterfind(f"{SSIS}Parameters/{SSIS}Parameter")
        if not (name := element.get(f"{SSIS}Name", "")).startswith(_CONNECTION)
    }


def _value(properties: PropertyList) -> str | None:
    element = properties.elements.get("Value")
    return None if element is None else element.text or ""


def _is_stale(old: PropertyList, new: PropertyList) -> bool:
    """Return True if a parameter has another type, value or mark, and not only another spelling."""
    if any(old.number(name, 0) != new.number(name, 0) for name in ("DataType", "Required", "Sensitive")):
        return True
    if old.text("Description") != new.text("Description").strip():
        return True
    return not old.flag("Sensitive") and old.value() != new.value()


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
