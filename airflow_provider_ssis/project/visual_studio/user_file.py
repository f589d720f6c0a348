"""Read a user's settings of a project (.dtproj.user): sensitive parameter values by configuration."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB
from airflow_provider_ssis.project.safe_xml import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROOT = "DataTransformationsUserConfiguration"
_MODIFICATION_TIME = "LastModifiedTime"


@dataclass(frozen=True, slots=True)
class UserSetting:
    """A sensitive value that a user gave a parameter.

    :param id: the id of the parameter.
    :param name: ``Project::Parameter`` or ``Package::Parameter``.
    :param value: the value; None if it is encrypted with the user's key. Not part of the ``repr``.
    """

    id: str
    name: str
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserFile:
    """The settings of a user.

    :param part: the file name.
    :param settings: the sensitive values by configuration, in the order of the file.
    :param options: the other options with one value, by configuration and name; not part of the ``repr``.
    """

    part: str
    settings: dict[str, tuple[UserSetting, ...]]
    options: dict[str, dict[str, str]] = field(repr=False)


def read_user_file(data: bytes, part: str, *, limits: Limits = DEFAULT_LIMITS) -> UserFile:
    """Read a .dtproj.user file.

    :param data: the file.
    :param part: its name, for errors.
    :param limits: limits for its XML.
    :raises InvalidPartError: it is another kind of file.
    :raises LimitExceededError: it exceeds a limit.
    """
    root = parse_xml(data, part, limits=limits)
    if root.tag != _ROOT:
        raise InvalidPartError(f"is not a user's settings of a project: its root element is {root.tag!r}", part=part)
    settings: dict[str, tuple[UserSetting, ...]] = {}
    options: dict[str, dict[str, str]] = {}
    for configuration in root.iterfind("Configurations/Configuration"):
        name = configuration.findtext("Name") or ""
        found = configuration.iterfind("Options/ParameterConfigurationSensitiveValues/ConfigurationSetting")
        settings[name] = tuple(_setting(one) for one in found if (one.findtext("Id") or "") != _MODIFICATION_TIME)
        options[name] = {
            str(option.tag): option.text or "" for option in configuration.iterfind("Options/*") if not len(option)
        }
    return UserFile(part, settings, options)


def unused_secrets(file: UserFile, configuration: str, given: Container[str]) -> list[str]:
    """Return warnings: the sensitive values of a configuration that a build cannot use.

    :param file: the settings of a user.
    :param configuration: the name of the configuration.
    :param given: the names of the parameters whose values are given in another way.
    """
    return [
        f"{file.part}: the value of {setting.name} for the configuration {name!r} belongs to one user and is not used; "
        "set it on the server"
        for name, settings in file.settings.items()
        if name.casefold() == configuration.casefold()
        for setting in settings
        if setting.name not in given
    ]


def _setting(element: _Element) -> UserSetting:
    value = element.findtext("Value")
    return UserSetting(
        id=(element.findtext("Id") or "").strip(),
        name=(element.findtext("Name") or "").strip(),
        value=None if value is None or value.startswith(DPAPI_BLOB) else value,
    )
