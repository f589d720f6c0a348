"""Whether a built element means the same as the one of the package from which it was made."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.comparison.differences import Difference, compare_roots
from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE, parse_value
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.elements import is_true, local_name
from airflow_provider_ssis.project.type_names import class_name

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMED_BY_ID = ("ForEachVariableMapping", "ForEachEnumerator")
_VALUES = (f"{DTS}VariableValue", f"{DTS}Property")


def differences(original: _Element, built: _Element, part: str) -> list[Difference]:
    """Return the differences of meaning.

    Descriptions inside data flows, ids, the protection level and sensitive values make no difference.

    :param original: an element of the package.
    :param built: the element that the builder has made.
    :param part: the name of the file.
    """
    return list(compare_roots(_normalised(original), _normalised(built), part))


def is_secret_element(element: _Element) -> bool:
    """Return True for an element with a sensitive value, which the builder does not write."""
    if element.tag == f"{XML_ENCRYPTION}EncryptedData" or is_true(
        element.get(f"{DTS}Sensitive", element.get("Sensitive"))
    ):
        return element.tag != f"{DTS}PackageParameter"
    parent = element.getparent()
    return (
        element.get(f"{DTS}Name") in ("ParameterValue", "DefaultValue")
        and parent is not None
        and is_true(parent.get(f"{DTS}Sensitive"))
    )


def _normalised(element: _Element) -> _Element:
    root = deepcopy(element)
    providers = {
        each.get(f"{DTS}DTSID", "").upper(): each.get(f"{DTS}ObjectName", "") for each in root.iter(f"{DTS}LogProvider")
    }
    root.attrib.pop(f"{DTS}ProtectionLevel", None)
    for each in list(root.iter(etree.Element)):
        name = local_name(each)
        parent = each.getparent()
        if parent is not None and is_secret_element(each):
            parent.remove(each)
            continue
        if not str(each.tag).startswith("{"):
            each.attrib.pop("description", None)
            each.attrib.pop("errorOrTruncationOperation", None)  # in the language of the designer
        if each.get("componentClassID") is not None:
            each.set("componentClassID", class_name(each.get("componentClassID", "")))
        if name == "SelectedLogProvider":
            id_ = each.get(f"{DTS}InstanceID", "")
            each.set(f"{DTS}InstanceID", providers.get(id_.upper(), id_))
        if name == "LoggingOptions":
            _without_empty_filter(each)
        if name in _NAMED_BY_ID:
            each.attrib.pop(f"{DTS}ObjectName", None)
        if name == "Variable" and each.get(f"{DTS}Namespace") == "System":
            each.attrib.pop(f"{DTS}Description", None)
        if each.tag in _VALUES and not len(each):
            _canonical_value(each)
    return root


def _without_empty_filter(options: _Element) -> None:
    """Remove the list of logged events if it is empty: a file without the list logs none either."""
    for each in options.findall(f"{DTS}Property[@{DTS}Name='EventFilter']"):
        if not (each.text or "").strip():
            options.remove(each)


def _canonical_value(element: _Element) -> None:
    """Replace the text of a value by one that equal values share: True for -1."""
    code = element.get(f"{DTS}DataType", "")
    data_type = BY_VARIANT_TYPE.get(int(code)) if code.isdecimal() else None
    if data_type is None or data_type.name in ("String", "Char") or not element.text:
        return
    try:
        element.text = str(parse_value(element.text, data_type))
    except ValueError:
        return
