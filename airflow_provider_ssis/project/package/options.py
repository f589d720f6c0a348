"""Configurations, log providers and logging options of a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import DtsContents, dts_text
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.elements import DtsElement, number, property_expressions

if TYPE_CHECKING:
    from lxml.etree import _Element


class ConfigurationType(IntEnum):
    """Where a configuration of the package deployment model takes its values from."""

    PARENT_VARIABLE = 0
    XML_FILE = 1
    ENVIRONMENT_VARIABLE = 2
    REGISTRY = 3
    INDIRECT_PARENT_VARIABLE = 4
    INDIRECT_XML_FILE = 5
    INDIRECT_REGISTRY = 6
    SQL_SERVER = 7
    INDIRECT_SQL_SERVER = 8


@dataclass(frozen=True, slots=True)
class DtsConfiguration(DtsElement):
    """A configuration of the package deployment model.

    :param type: a :class:`ConfigurationType`; another number if it is unknown.
    :param string: the path, variable, key, or ``"connection manager";"table";"filter";``.
    :param variable: the path of the property that gets the value, for types with one value.
    """

    name: str
    type: int
    string: str
    variable: str


@dataclass(frozen=True, slots=True)
class DtsLogProvider(DtsElement):
    """A log provider.

    :param creation_name: its type: ``Microsoft.LogProviderTextFile``, ...
    :param config_string: the name of its connection manager.
    """

    name: str
    id: str
    creation_name: str
    config_string: str
    description: str
    delay_validation: bool
    expressions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DtsLogging(DtsElement):
    """The logging options of a container.

    :param mode: 0 the setting of the parent, 1 enabled, 2 disabled.
    :param filter_kind: 0 the events are those that are logged, 1 those that are not.
    :param events: names of events.
    :param providers: ids of the selected log providers.
    """

    mode: int
    filter_kind: int
    events: tuple[str, ...]
    providers: tuple[str, ...]


def read_configuration(element: _Element, part: str) -> DtsConfiguration:
    """Read a configuration.

    :param element: ``DTS:Configuration``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: its type is not a number.
    """
    found = DtsContents(element)
    type_ = number(found.text("ConfigurationType"), 0, DtsElement(element, part), "ConfigurationType")
    return DtsConfiguration(
        element,
        part,
        name=found.text("ObjectName"),
        type=ConfigurationType(type_) if type_ in list(ConfigurationType) else type_,
        string=found.text("ConfigurationString"),
        variable=found.text("ConfigurationVariable"),
    )


def read_log_provider(element: _Element, part: str) -> DtsLogProvider:
    """Read a log provider.

    :param element: ``DTS:LogProvider``.
    :param part: the file that contains it, for errors.
    """
    found = DtsContents(element)
    return DtsLogProvider(
        element,
        part,
        name=found.text("ObjectName"),
        id=found.text("DTSID"),
        creation_name=found.text("CreationName"),
        config_string=found.text("ConfigString"),
        description=found.text("Description"),
        delay_validation=found.flag("DelayValidation"),
        expressions=property_expressions(element),
    )


def read_logging(elements: Sequence[_Element], part: str) -> DtsLogging | None:
    """Read the logging options of a container.

    :param elements: the elements ``DTS:LoggingOptions`` of the container.
    :param part: the file that contains it, for errors.
    :returns: the options; None if the container has none.
    :raises InvalidPartError: a number in them is not a number.
    """
    if not elements:
        return None
    element = elements[0]
    found = DtsContents(element)
    owner = DtsElement(element, part)
    # The number of events, then the length and the name of each: 2,7,OnError,12,OnTaskFailed
    tokens = found.text("EventFilter").split(",")
    return DtsLogging(
        element,
        part,
        mode=number(found.text("LoggingMode"), 0, owner, "LoggingMode"),
        filter_kind=number(found.text("FilterKind"), 0, owner, "FilterKind"),
        events=tuple(tokens[2::2]),
        providers=tuple(dts_text(provider, "InstanceID") for provider in element.iter(f"{DTS}SelectedLogProvider")),
    )
