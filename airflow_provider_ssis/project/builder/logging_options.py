"""Log providers, the events that they log, and configurations of the package deployment model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.xml import element, group

if TYPE_CHECKING:
    from lxml.etree import _Element

LOG_PROVIDERS = ("TextFile", "XMLFile", "SQLServer", "EventLog", "SQLProfiler")
"""The kinds of log providers. All but EventLog need a connection manager."""
LOGGING_MODES = ("parent", "enabled", "disabled")
_COLUMNS = ("Computer", "Operator", "SourceName", "SourceID", "ExecutionID", "MessageText", "DataBytes")


@dataclass(frozen=True, slots=True)
class LogProviderBuilder:
    """A log provider of a package.

    :param creation_name: its type as the file stores it.
    :param config_string: the name of its connection manager; empty for none.
    """

    name: str
    id: str
    creation_name: str
    config_string: str
    description: str = ""

    def element(self) -> _Element:
        """Return ``DTS:LogProvider``."""
        made = element(
            "LogProvider",
            {
                "ConfigString": self.config_string,
                "CreationName": self.creation_name,
                "Description": self.description or None,
                "DTSID": self.id,
                "ObjectName": self.name,
            },
        )
        data = element("ObjectData")
        data.append(data.makeelement("InnerObject"))
        made.append(data)
        return made


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration of the package deployment model.

    :param type: a ``ConfigurationType`` of ``project.package.options``.
    :param string: the path of the .dtsConfig file, the name of an environment or parent variable, or
        ``"connection manager";"table";"filter";``.
    :param variable: the property path that gets the value, for types with one value.
    """

    name: str
    id: str
    type: int
    string: str
    variable: str

    def element(self) -> _Element:
        """Return ``DTS:Configuration``."""
        return element(
            "Configuration",
            {
                "ConfigurationString": self.string,
                "ConfigurationType": self.type or None,
                "ConfigurationVariable": self.variable or None,
                "CreationName": "",
                "DTSID": self.id,
                "ObjectName": self.name,
            },
        )


@dataclass(frozen=True, slots=True)
class Logging:
    """The events that an executable logs.

    :param mode: ``parent``: those of the executable around it; ``enabled`` or ``disabled``.
    :param events: the names of the events.
    :param providers: the log providers.
    :param is_exclusive: whether the events are those that are not logged.
    """

    mode: str
    events: tuple[str, ...]
    providers: tuple[LogProviderBuilder, ...]
    is_exclusive: bool = False

    def element(self) -> _Element:
        """Return ``DTS:LoggingOptions``."""
        made = element(
            "LoggingOptions",
            {"FilterKind": "1" if self.is_exclusive else "0", "LoggingMode": LOGGING_MODES.index(self.mode) or None},
        )
        tokens = [str(len(self.events)), *(part for each in self.events for part in (str(len(each)), each))]
        text = ",".join(tokens) if self.events else ""
        made.append(element("Property", {"DataType": 8, "Name": "EventFilter"}, text=text or None))
        made.extend([_column_filter(each) for each in self.events])
        made.extend(
            group(
                "SelectedLogProviders",
                [element("SelectedLogProvider", {"InstanceID": each.id}) for each in self.providers],
            )
        )
        return made


def creation_name(kind: str, format_version: int) -> str:
    """Return the type of a log provider as a file stores it.

    :param kind: one of :data:`LOG_PROVIDERS`.
    :param format_version: 8 or 6.
    """
    return f"Microsoft.LogProvider{kind}" if format_version == 8 else f"DTS.LogProvider{kind}.3"


def _column_filter(event: str) -> _Element:
    made = element("Property", {"EventName": event, "Name": "ColumnFilter"})
    made.extend([element("Property", {"Name": each}, text="-1") for each in _COLUMNS])
    return made


def logging_elements(found: Logging | None) -> Sequence[_Element]:
    """Return the logging options of an executable, in a list; an empty list for none."""
    return [] if found is None else [found.element()]
