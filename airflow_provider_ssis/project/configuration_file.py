"""Read configuration files (.dtsConfig) of the package deployment model."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.safe_xml import parse_xml


@dataclass(frozen=True, slots=True)
class ConfiguredValue:
    """A value in a configuration file.

    :param path: the property that gets the value: ``\\Package.Variables[User::Folder].Properties[Value]``.
    :param configured_type: ``Property``, or another kind of object.
    :param value_type: ``String``, ``Int32``, ...
    :param value: the value as text; not part of the ``repr``, because it can be a password.
    """

    path: str
    configured_type: str
    value_type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A configuration file.

    :param generated_by: the user who created it.
    :param package_name: the package that it was created for.
    :param package_id: the id of that package.
    :param generated_date: when it was created, in the date format of that machine.
    :param values: the values, in the order of the file.
    """

    generated_by: str
    package_name: str
    package_id: str
    generated_date: str
    values: tuple[ConfiguredValue, ...]


def read_configuration_file(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> ConfigurationFile:
    """Read a configuration file.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is not a configuration file, or a value has no path.
    :raises LimitExceededError: it exceeds a limit.
    """
    root = parse_xml(data, part, limits=limits)
    if root.tag != "DTSConfiguration":
        raise InvalidPartError(f"is not a configuration file: its root element is {root.tag!r}", part=part)
    values = []
    for element in root.iterfind("Configuration"):
        path = element.get("Path", "")
        if not path:
            raise InvalidPartError("contains a value without a path", part=part, line=element.sourceline)
        values.append(
            ConfiguredValue(
                path=path,
                configured_type=element.get("ConfiguredType", ""),
                value_type=element.get("ValueType", ""),
                value=element.findtext("ConfiguredValue") or "",
            )
        )
    info = root.find("DTSConfigurationHeading/DTSConfigurationFileInfo")
    heading = {} if info is None else dict(info.attrib)
    return ConfigurationFile(
        generated_by=str(heading.get("GeneratedBy", "")),
        package_name=str(heading.get("GeneratedFromPackageName", "")),
        package_id=str(heading.get("GeneratedFromPackageID", "")),
        generated_date=str(heading.get("GeneratedDate", "")),
        values=tuple(values),
    )
