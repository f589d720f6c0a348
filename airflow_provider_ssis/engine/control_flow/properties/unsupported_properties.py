"""Properties that exist and that the engine does not apply: it refuses values that would change the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.elements import BOOLEANS, is_true
from airflow_provider_ssis.project.property_paths import component_names

if TYPE_CHECKING:
    from lxml.etree import _Element

_WITHOUT_EFFECT: Final = frozenset(
    "debugmode loggingmode suspendrequired"
    # Loops run their turns one after the other.
    " maxconcurrentexecutables"
    # Names of operations in the language of the designer, and places of temporary files.
    " operationname blobtempstoragepath buffertempstoragepath"
    " autogenerateidfornewobjects enablecacheupdate enabledisconnectedcolumns".split()
)
_STORED: Final = {
    "creationname": ("ExecutableType", "CreationName"),
    "enableconfigurations": ("EnableConfig",),
    "forceexecutionvalue": ("ForceExecValue",),
    "id": ("DTSID",),
    "maximumerrorcount": ("MaxErrorCount",),
    "name": ("ObjectName",),
}
"""The stored names of properties that have another name in Microsoft's object model."""
_DEFAULTS: Final = {"forceexecutionresult": "-1", "maximumerrorcount": "1"}
"""The values of properties that are not stored, where they are not False."""
_OF_PARTS: Final = frozenset(
    "codepage comparisonflags datatype dangling errorrowdisposition errorortruncationoperation exclusiongroup"
    " externalmetadatacolumnid hassideeffects id issorted length lineageid localeid mappedcolumnid name precision scale"
    " sortkeyposition truncationrowdisposition usagetype usesdispositions validateexternalmetadata".split()
)
"""Properties of components, inputs, outputs and columns that are stored as attributes."""


class UnsupportedProperty(Exception):
    """The engine does not apply a property."""


def check_ignored(element: _Element, name: str, value: Any) -> None:
    """Check the value of a property that the engine does not apply.

    The configuration wizard also stores the properties that it does not change.

    :param element: the executable or event handler.
    :param name: the property, without regard to case.
    :param value: its value.
    :raises UnsupportedProperty: the value is not the stored one.
    """
    lower = name.lower()
    if lower in _WITHOUT_EFFECT:
        return
    stored = _stored(element, _STORED.get(lower, (lower,)), _DEFAULTS.get(lower, ""))
    text = "" if value is None else str(value).strip()
    is_boolean = text.lower() in BOOLEANS and (not stored or stored.lower() in BOOLEANS)
    if text != stored and not (is_boolean and is_true(text) is is_true(stored)):
        raise UnsupportedProperty(f"the engine does not apply the property '{name}'")


def check_ignored_of_part(data: Pipeline, name: str) -> None:
    """Check a property of a component, input, output or column that is not one of its custom properties.

    :param name: ``[Split].[Big].[Name]``.
    :raises UnsupportedProperty: it is one that all components, inputs, outputs or columns have.
    """
    names = component_names(name)
    if names and names[-1].lower() in _OF_PARTS and any(one.name == names[0] for one in data.components):
        raise UnsupportedProperty(f"the engine sets only custom properties in data flows, not '{names[-1]}'")


def _stored(element: _Element, names: tuple[str, ...], default: str) -> str:
    wanted = [name.lower() for name in names]
    for name, text in element.attrib.items():
        if str(name).rpartition("}")[2].lower() in wanted:
            return str(text).strip()
    for child in element.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name", "").lower() in wanted:
            return (child.text or "").strip()
    return default
