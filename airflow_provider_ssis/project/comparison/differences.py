"""The semantic difference of two packages or projects: objects by name, properties by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.comparison.noise import (
    MACHINE_PROPERTIES,
    VERSION_PROPERTIES,
    is_layout,
    property_name,
)
from airflow_provider_ssis.project.comparison.numbered_flows import with_names
from airflow_provider_ssis.project.connection_strings import masked
from airflow_provider_ssis.project.errors import BuildError, ProtectedError, located_in
from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.namespaces import DTS, SSIS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB, HOW_TO_DECRYPT, require_readable
from airflow_provider_ssis.project.protection.sensitive import is_secret
from airflow_provider_ssis.project.safe_xml import is_blank

if TYPE_CHECKING:
    from lxml.etree import _Element

_HIDDEN = "***"
_IGNORED = MACHINE_PROPERTIES | VERSION_PROPERTIES | {"contactInfo", "IncludeInDebugDump"}
_TYPE = "CreationName"
_IDS = frozenset({"DTSID", "refId", "ID", _TYPE})
_TYPED = frozenset({"ConnectionManager", "LogProvider", "ForEachEnumerator"})
"""Elements whose CreationName is their type, not another name for one that is stored elsewhere too."""
_HINTS = frozenset({"description", "typeConverter", "UITypeEditor"})
"""Attributes of properties in data flows for the designer alone."""
_COLLECTIONS = frozenset(
    {
        "Properties", "Variables", "Executables", "ConnectionManagers", "PackageParameters", "PrecedenceConstraints",
        "EventHandlers", "Configurations", "LogProviders", "ObjectData", "components", "paths", "properties", "inputs",
        "outputs", "inputColumns", "outputColumns", "externalMetadataColumns", "connections", "pipeline",
    }
)  # fmt: skip
"""Elements that only group others, and are not part of a path."""
_ORDERED = frozenset({"FlatFileColumn", "Configuration"})
"""Elements whose order matters: the columns of a file, and configurations, of which the last one wins."""
_KEYS = {"ParameterBinding": "ParameterName", "ResultBinding": "ResultName", "ForEachVariableMapping": "ValueIndex"}
"""Elements without a name, with the property that identifies each."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference.

    :param kind: ``added``, ``removed`` or ``changed``.
    :param file: the file in the project.
    :param path: the object and its property: ``Executable[Load]/SqlTaskData.SqlStatementSource``.
    :param before: the value before; None if it was added. Secrets are ``***``.
    :param after: the value after; None if it was removed.
    """

    kind: str
    file: str
    path: str
    before: str | None = None
    after: str | None = None


def compare(before: SsisFiles, after: SsisFiles, *, ids: bool = False) -> tuple[Difference, ...]:
    """Compare two packages or two projects.

    The designer's layout, machine names, times and build numbers make no difference.

    :param before: the first.
    :param after: the second.
    :param ids: compare ids too. Default: False.
    :raises ProjectError: a file cannot be read.
    :raises BuildError: one is a project and the other a single file.
    """
    if before.is_project != after.is_project:
        raise BuildError("a project and a single file cannot be compared", part=after.part)
    found = [*_manifests(before, after), *_configurations(before, after)]
    if not before.is_project:
        found += compare_roots(_readable(before, before.part), _readable(after, after.part), after.part, ids=ids)
        return tuple(found)
    names_before = {name.casefold(): name for name in before.names}
    names_after = {name.casefold(): name for name in after.names}
    for key in sorted(names_before.keys() | names_after.keys()):
        if key not in names_after:
            found.append(Difference("removed", names_before[key], ""))
        elif key not in names_before:
            found.append(Difference("added", names_after[key], ""))
        else:
            name = names_after[key]
            found += compare_roots(_readable(before, names_before[key]), _readable(after, name), name, ids=ids)
    return tuple(found)


def _readable(files: SsisFiles, name: str) -> _Element:
    """Return the root element of a file that is not encrypted as a whole.

    :raises ProtectedError: it is, and no password decrypts it.
    """
    root = files.root(name)
    with located_in(files.source):
        if name in files.package_names and files.is_encrypted(name):
            raise ProtectedError("is encrypted as a whole", part=name, advice=HOW_TO_DECRYPT)
        require_readable(root, name)
    return root


def compare_roots(before: _Element, after: _Element, file: str, *, ids: bool = False) -> Iterator[Difference]:
    """Compare two files.

    :param before: the root element of the first.
    :param after: the root element of the second.
    :param file: the name of the file.
    :param ids: compare ids too. Default: False.
    """
    if not ids:
        before, after = with_names(before), with_names(after)
    reader = _Reader(ids)
    yield from _different(reader.read(before), reader.read(after), file, "")


@dataclass(frozen=True, slots=True)
class _Value:
    """The value of a property.

    :param text: what is compared; empty for an encrypted value, which cannot be compared.
    :param shown: the text without secrets.
    """

    text: str
    shown: str


@dataclass(frozen=True)
class _Object:
    """An object: its properties by name, and the objects inside by label.

    :param children: the order counts for those of :data:`_ORDERED`.
    """

    properties: Mapping[str, _Value]
    children: Mapping[str, _Object]

    def order(self, common: Mapping[str, _Object]) -> list[str]:
        """Return the labels of the objects whose order matters, without those that another object does not have.

        :param common: the objects inside of the other object.
        """
        return [label for label in self.children if label in common and label.partition("[")[0] in _ORDERED]


class _Reader:
    def __init__(self, ids: bool) -> None:
        self._ignored = _IGNORED if ids else _IGNORED | _IDS

    def read(self, element: _Element) -> _Object:
        properties: dict[str, _Value] = {}
        children: dict[str, _Object] = {}
        self._collect(element, properties, children, is_root=True)
        return _Object(properties, children)

    def _collect(
        self, element: _Element, properties: dict[str, _Value], children: dict[str, _Object], *, is_root: bool
    ) -> None:
        is_typed = str(element.tag).rpartition("}")[2] in _TYPED
        if is_root:
            for name, value in element.attrib.items():
                local = str(name).rpartition("}")[2]
                if element.tag == "property" and local in _HINTS:
                    continue
                if (local not in self._ignored or (is_typed and local == _TYPE)) and not str(name).startswith(
                    "{http://www.w3.org/XML"
                ):
                    properties[local] = _shown(local, str(value))
            if element.text and not is_blank(element.text):
                properties[""] = _value(element, "", is_hidden=is_secret(element))
        for child in element.iterchildren("*"):
            local = str(child.tag).rpartition("}")[2]
            if is_layout(child):
                continue
            name = property_name(child)
            if name and not len(child):
                if name not in self._ignored or (is_typed and name == _TYPE):
                    is_hidden = is_secret(child) or _is_value_of_secret(child, name)
                    properties[name] = _value(child, name, is_hidden=is_hidden)
            elif local in _COLLECTIONS:
                inner = self.read(child) if child.attrib else None
                if inner is not None:
                    properties |= {f"{local}.{key}": value for key, value in inner.properties.items()}
                self._collect(child, properties, children, is_root=False)
            else:
                children[self._label(child, local, children)] = self.read(child)

    def _label(self, element: _Element, local: str, taken: Mapping[str, _Object]) -> str:
        name = (
            _own_name(element)
            or element.get(f"{DTS}Name")
            or element.get(f"{SSIS}Name")
            or element.get("name")
            or element.get("lineageId")
            or element.get("ParameterName")
            or element.findtext("ParameterName")
            or _key(element, local)
        )
        if local == "PrecedenceConstraint" and element.get(f"{DTS}From"):
            name = f"{element.get(f'{DTS}From')} -> {element.get(f'{DTS}To')}"
        if local == "path" and element.get("startId"):
            name = f"{element.get('startId')} -> {element.get('endId')}"
        label = f"{local}[{name}]" if name else local
        number = 2
        free = label
        while free in taken:
            free, number = f"{label}#{number}", number + 1
        return free


def _own_name(element: _Element) -> str:
    """Return the name of an object in the notation of attributes or of child elements."""
    found = element.get(f"{DTS}ObjectName") or element.get(f"{DTS}EventName")
    if found:
        return found
    for child in element.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name") in ("ObjectName", "EventName") and child.text:
            return child.text
    return ""


def _key(element: _Element, local: str) -> str:
    """Return the value of the property in :data:`_KEYS`, which is an attribute or a child element."""
    wanted = _KEYS.get(local)
    attributes = (str(value) for name, value in element.attrib.items() if str(name).rpartition("}")[2] == wanted)
    children = (child.text or "" for child in element.iterchildren("*") if wanted and property_name(child) == wanted)
    return next(chain(attributes, children), "")


def _is_encrypted(element: _Element) -> bool:
    return element.tag == f"{XML_ENCRYPTION}EncryptedData" or element.get(f"{SSIS}IV") is not None


def _is_value_of_secret(element: _Element, name: str) -> bool:
    """Return True for the value of a sensitive parameter."""
    if name not in ("Value", "ParameterValue"):
        return False
    owner = element.getparent()
    if owner is None:
        return False
    if is_true(owner.get(f"{DTS}Sensitive")):
        return True
    return any(
        other.get(f"{SSIS}Name") == "Sensitive" and is_true(other.text) for other in owner.iterfind(f"{SSIS}Property")
    )


def _value(element: _Element, name: str, *, is_hidden: bool) -> _Value:
    """Return the value of a property that is the text of an element."""
    if _is_encrypted(element) or (element.text or "").startswith(DPAPI_BLOB):
        return _Value("", _HIDDEN)
    text = element.text or ""
    return _Value(text, _HIDDEN) if is_hidden else _shown(name, text)


def _shown(name: str, value: str) -> _Value:
    return _Value(value, masked(value) if name in ("ConnectionString", "Arguments") or ";" in value else value)


def _different(before: _Object, after: _Object, file: str, path: str) -> Iterator[Difference]:
    for name in dict.fromkeys((*before.properties, *after.properties)):
        old, new = before.properties.get(name), after.properties.get(name)
        if old is None or new is None or old.text != new.text:
            kind = "added" if old is None else "removed" if new is None else "changed"
            shown = [None if one is None else one.shown for one in (old, new)]
            yield Difference(kind, file, f"{path}.{name}" if name else path, *shown)
    orders = (before.order(after.children), after.order(before.children))
    if orders[0] != orders[1]:
        yield Difference("changed", file, f"{path}.order" if path else "order", *map(", ".join, orders))
    for label in dict.fromkeys((*before.children, *after.children)):
        inner = f"{path}/{label}" if path else label
        if label not in after.children:
            yield Difference("removed", file, inner)
        elif label not in before.children:
            yield Difference("added", file, inner)
        else:
            yield from _different(before.children[label], after.children[label], file, inner)


def _manifests(before: SsisFiles, after: SsisFiles) -> Iterator[Difference]:
    """Compare what only the manifests of two projects say, and the configurations of two .dtproj files."""
    one, other = before.manifest, after.manifest
    if one is None or other is None:
        return
    pairs = {
        "Name": (one.name, other.name),
        "ProtectionLevel": (one.protection_level.label, other.protection_level.label),
        "Description": (one.description, other.description),
        "VersionMajor": (str(one.version_major), str(other.version_major)),
        "VersionMinor": (str(one.version_minor), str(other.version_minor)),
        "VersionComments": (one.version_comments, other.version_comments),
        "TargetServerVersion": (str(one.target_server_version or ""), str(other.target_server_version or "")),
    }
    for name, (old, new) in pairs.items():
        # The manifest in a .dtproj has no target server version: the build adds it.
        if old != new and not (name == "TargetServerVersion" and not (old and new)):
            yield Difference("changed", after.part, name, old, new)
    for scope, old_values, new_values in (
        ("Project", one.connection_parameters, other.connection_parameters),
        *(
            (package.name, package.parameters, match.parameters)
            for package in one.packages
            for match in other.packages
            if match.name.casefold() == package.name.casefold()
        ),
    ):
        old_by_name = {each.name: each for each in old_values}
        for parameter in new_values:
            previous = old_by_name.get(parameter.name)
            if previous is not None and previous.value != parameter.value and parameter.name.startswith("CM."):
                hidden = parameter.sensitive or previous.sensitive
                texts = (_HIDDEN, _HIDDEN) if hidden else (str(previous.value), str(parameter.value))
                yield Difference("changed", after.part, f"{scope}::{parameter.name}", *(masked(text) for text in texts))
    entry_points = {package.name.casefold(): package.entry_point for package in one.packages}
    for package in other.packages:
        was = entry_points.get(package.name.casefold(), package.entry_point)
        if was != package.entry_point:
            yield Difference("changed", after.part, f"{package.name}.EntryPoint", str(was), str(package.entry_point))


def _configurations(before: SsisFiles, after: SsisFiles) -> Iterator[Difference]:
    """Compare the values of the configurations of two .dtproj files; a project file contains none."""
    if not (before.configurations and after.configurations):
        return
    secrets = {name for files in (before, after) for name in _secrets(files)}
    old_by_name = {one.name: one for one in before.configurations}
    new_by_name = {one.name: one for one in after.configurations}
    for name in dict.fromkeys((*old_by_name, *new_by_name)):
        path = f"Configuration[{name}]"
        old, new = old_by_name.get(name), new_by_name.get(name)
        if old is None or new is None:
            yield Difference("added" if old is None else "removed", after.part, path)
            continue
        if old.target_server_version != new.target_server_version:
            versions = (old.target_server_version, new.target_server_version)
            yield Difference("changed", after.part, f"{path}.TargetServerVersion", *versions)
        values_before = {one.name: one.value for one in old.settings}
        values_after = {one.name: one.value for one in new.settings}
        for key in dict.fromkeys((*values_before, *values_after)):
            texts = (values_before.get(key), values_after.get(key))
            if texts[0] != texts[1] or (key in values_before) != (key in values_after):
                kind = "added" if key not in values_before else "removed" if key not in values_after else "changed"
                shown = [None if one is None else _HIDDEN if key in secrets else masked(one) for one in texts]
                yield Difference(kind, after.part, f"{path}/{key}", *shown)


def _secrets(files: SsisFiles) -> Iterator[str]:
    """Yield the sensitive parameters, by the names that configurations have for them."""
    yield from (f"Project::{one.name}" for one in files.project_parameters() if one.sensitive)
    for package in files.manifest.packages if files.manifest is not None else ():
        scope = package.name.rpartition(".")[0]
        yield from (f"{scope}::{one.name}" for one in package.parameters if one.sensitive)
