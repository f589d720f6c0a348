"""Apply a configuration of a .dtproj to the manifest and the parameters of a project."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.datatypes import BY_TYPE_CODE, DataType, manifest_text, parse_value
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.manifest.properties import PropertyList, set_text
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.visual_studio.dtproj import ParameterSetting

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.visual_studio.dtproj import Configuration, DtProject

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST = sys.float_info.max
_LARGEST_SINGLE = 3.4028235e38
_LARGEST_DECIMAL = 2**96 - 1
TARGET_SERVER_VERSIONS = {
    "SQLServer2012": 110,
    "SQLServer2014": 120,
    "SQLServer2016": 130,
    "SQLServer2017": 140,
    "SQLServer2019": 150,
    "SQLServer2022": 160,
    "SQLServer2025": 170,
}
"""The option of a configuration, and the number in a manifest."""


def apply_values(configuration: Configuration, manifest: _Element, params: _Element | None, part: str) -> list[str]:
    """Write the parameter values of a configuration into the manifest and Project.params.

    A setting is matched with its parameter by id, or by name if no parameter has that id. A project file contains no
    values of sensitive parameters, so their settings are skipped.

    :param configuration: the configuration.
    :param manifest: the element ``SSIS:Project``; changed in place.
    :param params: the root element of Project.params; changed in place. None if the project has no such file.
    :param part: the .dtproj that contains the configuration, for errors.
    :returns: warnings: settings without a parameter, and skipped settings.
    :raises BuildError: a value is not valid for the type of its parameter.
    """
    parameters = _parameters(manifest, params, part)
    warnings = []
    for setting in configuration.settings:
        properties = parameters.get(setting.id.casefold()) or parameters.get(setting.name.casefold())
        where = f"configuration {configuration.name!r} sets {setting.name}"
        if properties is None:
            warnings.append(f"{part}: the {where}, which is not a parameter of the project")
        elif properties.flag("Sensitive"):
            warnings.append(f"{part}: the {where}, which is sensitive: set its value on the server")
        elif setting.value is not None:
            _apply(setting, properties, where, part)
    return warnings


def apply_overrides(
    values: Mapping[str, str], manifest: _Element, params: _Element | None, part: str, *, keeps_secrets: bool
) -> None:
    """Write given parameter values into the manifest and Project.params.

    :param values: values by name: ``Project::Region``, ``Load::BatchSize``.
    :param manifest: as for :func:`apply_values`.
    :param params: as for :func:`apply_values`.
    :param part: the .dtproj or manifest, for errors.
    :param keeps_secrets: the project file will be protected with a password, so it can contain sensitive values.
    :raises BuildError: there is no such parameter, a value is not valid for its type, or a sensitive value cannot be
        kept.
    """
    parameters = _parameters(manifest, params, part)
    for name, text in values.items():
        properties = parameters.get(name.casefold())
        if properties is None:
            raise BuildError(
                f"has no parameter {name!r} to give a value",
                part=part,
                advice="Name it Project::Parameter, or Package::Parameter without .dtsx",
            )
        if properties.flag("Sensitive") and not keeps_secrets:
            raise BuildError(
                f"the parameter {name} is sensitive, and the project file will not be protected with a password",
                part=part,
                advice="Set its value on the server, or protect the project file with a password",
            )
        _apply(ParameterSetting("", name, text), properties, f"override sets {name}", part, is_given=True)


def apply_target_version(dtproj: DtProject, configuration: Configuration | None) -> list[str]:
    """Write the target server version of a configuration into the manifest, as Visual Studio 15.0.2000 and later do.

    :param dtproj: the project; its manifest is changed in place.
    :param configuration: the chosen configuration. Default: None, the first configuration with a target server version.
    :returns: warnings: the target server version is unknown, or the configurations have different ones.
    """
    candidates = dtproj.configurations if configuration is None else (configuration,)
    found = [(one.target_server_version, one.name) for one in candidates if one.target_server_version]
    if not found:
        return []
    target, name = found[0]
    if target not in TARGET_SERVER_VERSIONS:
        return [f"{dtproj.part}: the configuration {name!r} has the unknown target server version {target!r}"]
    _set_target_version(dtproj.manifest, TARGET_SERVER_VERSIONS[target], dtproj.part)
    if len({version for version, _ in found}) == 1:
        return []
    problem = f"{dtproj.part}: the target server versions of its configurations differ; {target} of {name!r} is used"
    return [f"{problem}. Choose a configuration"]


def _set_target_version(manifest: _Element, version: int, part: str) -> None:
    properties = PropertyList.of(manifest, part, "project").elements
    element = properties.get("TargetServerVersion")
    if element is None:
        element = etree.Element(f"{SSIS}Property", {f"{SSIS}Name": "TargetServerVersion"})
        following = properties.get("PasswordVerifier", properties.get("FormatVersion"))
        if following is not None:
            following.addprevious(element)
        else:
            properties["Name"].addnext(element)
    element.text = str(version)


def _parameters(manifest: _Element, params: _Element | None, part: str) -> dict[str, PropertyList]:
    """Return the properties of the project's parameters by id and by qualified name, both in lower case."""
    found: dict[str, PropertyList] = {}
    scopes = [("Project", manifest.iterfind(f"{SSIS}Parameters/{SSIS}Parameter"))]
    if params is not None:
        scopes.append(("Project", params.iterfind(f"{SSIS}Parameter")))
    scopes += [
        (metadata.get(f"{SSIS}Name", "").removesuffix(".dtsx"), metadata.iterfind(f"{SSIS}Parameters/{SSIS}Parameter"))
        for metadata in manifest.iter(f"{SSIS}PackageMetaData")
    ]
    for scope, elements in scopes:
        for element in elements:
            name = f"{scope}::{element.get(f'{SSIS}Name', '')}"
            properties = PropertyList.of(element, part, f"parameter {name}")
            found[name.casefold()] = properties
            if properties.text("ID"):
                found[properties.text("ID").casefold()] = properties
    return found


def _checked(text: str, data_type: DataType) -> str:
    """Return the text in the form that .NET reads: ``true`` for 1, digits for 1e3.

    :raises ValueError: the text is not a value of the type.
    """
    if _NOT_XML.search(text):
        raise ValueError("a character that XML cannot contain")
    value = parse_value(text, data_type)
    if value is None:
        raise ValueError("no value")
    if isinstance(value, float) and not abs(value) <= (_LARGEST_SINGLE if data_type.name == "Single" else _LARGEST):
        raise ValueError("not a number in the range of the type")
    if isinstance(value, Decimal) and abs(value) > _LARGEST_DECIMAL:
        raise ValueError("not a number in the range of the type")
    return manifest_text(value)


def _apply(
    setting: ParameterSetting, properties: PropertyList, where: str, part: str, *, is_given: bool = False
) -> None:
    """Write a value; one that the user gives in the canonical form, and one of the project as it is."""
    data_type = BY_TYPE_CODE[properties.number("DataType", 0)]
    text = setting.value or ""
    try:
        if is_given:
            text = _checked(text, data_type)
        else:
            parse_value(text, data_type)
    except ValueError as error:
        raise BuildError(
            f"the {where} to a value that is not valid for its type {data_type.name}: {error}",
            part=part,
            advice="Correct the value",
        ) from None
    value = properties.elements.get("Value")
    if value is None:
        value = etree.Element(f"{SSIS}Property", {f"{SSIS}Name": "Value"})
        properties.elements["DataType"].addprevious(value)
    set_text(value, text)
