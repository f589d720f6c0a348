"""Giving parameters the values of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.datatypes import BY_TYPE_CODE, parse_value
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.properties import PropertyList

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.dtproj import Configuration, ParameterSetting


def apply_configuration(configuration: Configuration, manifest: _Element, params: _Element, part: str) -> list[str]:
    """Write a configuration's values into the manifest and the project's parameters, which are changed in place.

    A setting finds its parameter by id, or by name where it has no id. Sensitive parameters keep no value in a project
    file, so settings of theirs are passed over.

    :param manifest: the element ``SSIS:Project``.
    :param params: the root of Project.params.
    :param part: the .dtproj that holds the configuration, for errors.
    :returns: warnings: settings without a parameter, settings passed over.
    :raises BuildError: a value does not fit the type of its parameter.
    """
    parameters = _parameters(manifest, params, part)
    warnings = []
    for setting in configuration.settings:
        properties = parameters.get(setting.id.casefold()) or parameters.get(setting.name.casefold())
        where = f"configuration {configuration.name!r} sets {setting.name}"
        if properties is None:
            warnings.append(f"{part}: the {where}, which the project does not have")
        elif properties.flag("Sensitive"):
            warnings.append(f"{part}: the {where}, which is sensitive: give it a value on the server")
        elif setting.value is not None:
            _apply(setting, properties, where, part)
    return warnings


def _parameters(manifest: _Element, params: _Element, part: str) -> dict[str, PropertyList]:
    """The properties of the project's parameters by id and by qualified name, both in small letters."""
    found: dict[str, PropertyList] = {}
    scopes = [("Project", params.iterfind(f"{SSIS}Parameter"))]
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


def _apply(setting: ParameterSetting, properties: PropertyList, where: str, part: str) -> None:
    data_type = BY_TYPE_CODE[properties.number("DataType", 0)]
    text = setting.value or ""
    try:
        parse_value(text, data_type)
    except ValueError as error:
        raise BuildError(
            f"the {where}, whose type {data_type.name} has no such value: {error}",
            part=part,
            advice="Correct the value in Visual Studio (Project, Properties, Parameters)",
        ) from None
    value = properties.elements.get("Value")
    if value is None:
        value = etree.Element(f"{SSIS}Property", {f"{SSIS}Name": "Value"})
        properties.elements["DataType"].addprevious(value)
    value.text = text
