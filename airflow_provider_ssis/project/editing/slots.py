"""Where a package stores the value that a property path names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.datatypes import VARIABLE_TYPES, DataType
from airflow_provider_ssis.project.dts import members
from airflow_provider_ssis.project.editing import stored_names
from airflow_provider_ssis.project.editing.property_paths import PropertyPath, nearest, places
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.choices import NUMBERED, Choices
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.elements import DtsElement, attributes, local_name
from airflow_provider_ssis.project.package.stored import Stored

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.connections import DtsConnectionManager
    from airflow_provider_ssis.project.package.document import DtsPackage
    from airflow_provider_ssis.project.package.variables import DtsVariable

_COMPONENT = re.compile(r"\[(.+)\]", re.DOTALL)
_BY_NAME = {each.name: each for each in VARIABLE_TYPES}
_OBJECTS = {
    "LogProviders": ("LogProviders", "LogProvider"),
    "Configurations": ("Configurations", "Configuration"),
    "PrecedenceConstraints": ("PrecedenceConstraints", "PrecedenceConstraint"),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a value in a package.

    :param element: the element that has the value as an attribute or as its text.
    :param attribute: the full name of the attribute, with its namespace in braces; empty for the text.
    :param type: the type of the value: ``str``, ``bool`` or ``int``, or that of a variable.
    :param words: how a boolean is written: for false and for true.
    :param prefix: the start of each stored value.
    :param pair: the names of the pair of a connection string that is the value; empty for the whole text.
    :param choices: the values of an enumeration; empty for any value.
    :param expression_owner: the element whose property expressions replace the value; None for none.
    :param expression_name: the name of the property in those expressions.
    """

    element: _Element
    attribute: str = ""
    type: type | DataType = str
    words: tuple[str, str] = ("False", "True")
    prefix: str = ""
    pair: tuple[str, ...] = ()
    choices: Choices = field(default_factory=dict)
    expression_owner: _Element | None = None
    expression_name: str = ""

    @property
    def text(self) -> str:
        """The stored text; empty if the package does not store the value."""
        return (self.element.text if not self.attribute else self.element.get(self.attribute)) or ""

    @property
    def name(self) -> str:
        """The stored name of the property."""
        return self.attribute.rpartition("}")[2] or self.element.get(f"{DTS}Name", "")


def find_slot(path: PropertyPath, package: DtsPackage) -> Slot:
    """Return where a package stores the value of a property path.

    :param path: the path.
    :param package: the package.
    :raises BuildError: there is no such member or property, or other places of the package depend on it.
    """
    if path.property in stored_names.FIXED or (
        path.collection == "PrecedenceConstraints" and path.property in stored_names.ENDS
    ):
        raise path.error("cannot be changed: other places of the package depend on it")
    if path.property.casefold() in stored_names.SECRETS:
        raise path.error("is a secret, which the file would show. Set it on the server, or when the package runs")
    if path.collection in ("Variables", "Parameters"):
        return _variable(path, package)
    if path.collection == "Connections":
        return _connection(path, package)
    if path.collection == "ForEachEnumerator":
        return _enumerator(path)
    if path.collection:
        return _object(path)
    return _executable(path)


def _executable(path: PropertyPath) -> Slot:
    element = path.place.element
    name = stored_names.EXECUTABLE.get(path.property, path.property)
    found = _dts_property(element, name, path, owner=element)
    if found is not None:
        return found
    data = element.find(f"{DTS}ObjectData/*") if isinstance(path.place, DtsContainer) else None
    if data is not None:
        return _task(path, data)
    if name in _can_be_added(path):
        return _new(element, name, path, owner=element)
    raise path.error(f"names no property that the package stores{_nearest_property(path, element)}")


def _can_be_added(path: PropertyPath) -> Sequence[str]:
    """Return the names of properties that the object of a path can have, although it may not store them yet."""
    place, added = path.place, stored_names.ADDED
    if path.collection:
        return added[path.collection]
    if not isinstance(place, DtsContainer):
        return added[""]
    return added["Package" if place.path == "\\Package" else place.kind.name]


def _nearest_property(path: PropertyPath, element: _Element) -> str:
    known = {*attributes(element), *_can_be_added(path)} | {
        each.get(f"{DTS}Name", "") for each in element.iterfind(f"{DTS}Property")
    }
    return nearest(path.property, map(_shown, known - {*stored_names.FIXED}))


def _shown(stored: str) -> str:
    """Return the name in property paths of a stored property of executables."""
    return next((name for name, each in stored_names.EXECUTABLE.items() if each == stored), stored)


def _task(path: PropertyPath, data: _Element) -> Slot:
    owner = path.place.element
    if local_name(data) == "pipeline":
        if _COMPONENT.fullmatch(path.property):
            return _component(path, data)
        names: dict[str, str] = {}
        table: Sequence[Stored] = stored_names.PIPELINE
    else:
        given, table = stored_names.TASKS.get(local_name(data), ({}, ()))
        names = dict(given)
    wanted = names.get(path.property, path.property).casefold()
    stored = next((each for each in table if each.name.casefold() == wanted), None)
    for name in map(str, data.attrib):
        if name.rpartition("}")[2].casefold() == wanted:
            return _of_task(data, name, stored, path)
    for child in data:
        if local_name(child).casefold() == wanted and not len(child):
            return Slot(child, expression_owner=owner, expression_name=path.property)
    if stored is not None:
        if any(not len(child) for child in data) and not data.attrib:
            raise path.error("is not stored yet, and the builder cannot add it to this type of task")
        namespaced = any(str(name).startswith("{") for name in data.attrib) or str(data.tag).startswith("{")
        prefix = f"{{{str(data.tag)[1:].partition('}')[0]}}}" if namespaced else ""
        return _of_task(data, f"{prefix}{stored.name}", stored, path)
    name = stored_names.EXECUTABLE.get(path.property, path.property)
    if name in _can_be_added(path):
        return _new(owner, name, path, owner=owner)
    stored_here = {each.name for each in table} | set(attributes(data))
    near = nearest(path.property, {*stored_here, *names, *map(_shown, _can_be_added(path))})
    known = ", ".join(sorted(stored_here)) or "none"
    raise path.error(f"names no property of the task{near}. Its stored properties: {known}")


def _of_task(data: _Element, attribute: str, stored: Stored | None, path: PropertyPath) -> Slot:
    return Slot(
        data,
        attribute,
        type=str if stored is None else type(stored.default),
        words=("false", "true") if local_name(data) == "pipeline" else ("False", "True"),
        prefix="" if stored is None else stored.prefix,
        choices={} if stored is None else stored.choices or {},
        expression_owner=path.place.element,
        expression_name=path.property,
    )


def _component(path: PropertyPath, pipeline: _Element) -> Slot:
    parts = path.property[1:-1].split("].[")
    element = next((each for each in pipeline.iterfind("components/component") if each.get("name") == parts[0]), None)
    for part in parts[1:-1]:
        if element is not None:
            inside = element.iter("output", "input", "outputColumn", "inputColumn")
            element = next((each for each in inside if part in (each.get("name"), each.get("cachedName"))), None)
    found = None
    if element is not None and len(parts) > 1:
        for each in element.iterfind("properties/property"):
            if each.get("name") == parts[-1]:
                found = each
    if found is None:
        near = nearest(path.property, _component_properties(pipeline))
        raise path.error(f"names no property of a component of the data flow{near}")
    if found.get("isArray") == "true" or found.get("state") == "escaped":
        raise path.error("has no plain value, and cannot be changed by a path")
    types: dict[str, type] = {"System.Boolean": bool, "System.Int32": int, "System.Int64": int, "System.UInt32": int}
    return Slot(
        found,
        type=types.get(found.get("dataType", ""), str),
        words=("false", "true"),
        expression_owner=path.place.element,
        expression_name=path.property,
    )


_NAMED = ("component", "input", "output", "inputColumn", "outputColumn", "externalMetadataColumn")
"""The elements of a data flow whose names are in property paths."""


def _component_properties(pipeline: _Element) -> Iterator[str]:
    """Yield the properties of a data flow as paths name them: ``[Source].[SqlCommand]``."""
    for each in pipeline.iterfind("components/component//property"):
        names = [one.get("name", "") for one in (each, *each.iterancestors(*_NAMED))]
        yield ".".join(f"[{name}]" for name in reversed(names))


def _variable(path: PropertyPath, package: DtsPackage) -> Slot:
    namespace, _, name = path.member.rpartition("::")
    if namespace == "$Project":
        raise path.error("names a parameter of the project, which is in Project.params and not in the package")
    if namespace == "$Package" or path.collection == "Parameters":
        return _parameter(path, package, name)
    for scope in _scopes(path, package):
        for variable in scope:
            if variable.name == name and namespace in ("", variable.namespace):
                if path.property != "Value":
                    return _member(variable, path)
                value = variable.element.find(f"{DTS}VariableValue")
                if value is None or len(value) or variable.data_type not in _BY_NAME:
                    raise path.error("names an Object, which has no plain value")
                if variable.evaluate_as_expression and variable.expression:
                    raise path.error("is computed by the expression of the variable. Change the expression")
                return Slot(value, type=_BY_NAME[variable.data_type])
    known = {variable.qualified_name for scope in _scopes(path, package) for variable in scope}
    raise path.error(f"names no variable that {path.place.path} sees{nearest(path.member, known)}")


def _scopes(path: PropertyPath, package: DtsPackage) -> Iterator[Sequence[DtsVariable]]:
    """Yield the variables of the place, and of the objects around it from inside to outside."""
    outer = [
        (len(where), place.variables)
        for where, place in places(package).items()
        if path.place.path == where or path.place.path.startswith((f"{where}\\", f"{where}."))
    ]
    for _, variables in sorted(outer, key=lambda each: -each[0]):
        yield variables


def _parameter(path: PropertyPath, package: DtsPackage, name: str) -> Slot:
    found = next((each for each in package.parameters if each.name == name), None)
    if found is None:
        near = nearest(name, {each.name for each in package.parameters})
        raise path.error(f"names no parameter of the package{near}")
    if path.property != "Value":
        return _member(found, path)
    if found.sensitive or found.encrypted:
        raise path.error("names a sensitive parameter, whose value the file would show. Set it on the server")
    for each in found.element.iterfind(f"{DTS}Property"):
        if each.get(f"{DTS}Name") in ("ParameterValue", "DefaultValue") and found.data_type in _BY_NAME:
            return Slot(each, type=_BY_NAME[found.data_type])
    raise path.error("names a parameter without a stored value")


def _connection(path: PropertyPath, package: DtsPackage) -> Slot:
    name = path.member.casefold()
    managers = package.connection_managers
    found = next((each for each in managers if name in (each.name.casefold(), each.id.casefold())), None)
    if found is None:
        raise path.error(
            f"names no connection manager of the package: {', '.join(each.name for each in managers) or 'it has none'}"
        )
    if path.property in ("DelayValidation", "Description"):
        return _member(found, path)
    stored = stored_names.CONNECTIONS.get(path.property, path.property)
    slot = _inside(found, stored, path)
    if slot is not None:
        return slot
    keys = stored_names.CONNECTION_KEYS.get(path.property, ())
    if found.kind in stored_names.WITHOUT_PAIRS or stored_names.ONE_KIND.get(path.property, found.kind) != found.kind:
        keys = ()
    text = _inside(found, "ConnectionString", path)
    if keys and text is not None:
        return Slot(
            text.element, text.attribute, pair=keys, expression_owner=found.element, expression_name=path.property
        )
    inner = found.element.find(f"{DTS}ObjectData/{DTS}ConnectionManager")
    if inner is not None and path.property in stored_names.CONNECTIONS and package.format_version > 3:
        return Slot(
            inner,
            DTS + stored,
            type=bool if stored == "Retain" else str,
            expression_owner=found.element,
            expression_name=path.property,
        )
    stored_here = {*found.properties, *found.secrets}
    near = nearest(path.property, {*stored_here, *stored_names.CONNECTIONS, *stored_names.CONNECTION_KEYS})
    known = ", ".join(sorted(stored_here)) or "none"
    raise path.error(f"names no stored property of the connection manager{near}. It stores: {known}")


def _inside(found: DtsConnectionManager, name: str, path: PropertyPath) -> Slot | None:
    """Return the slot of a property inside ``ObjectData``: an attribute, a named property, or a child element."""
    kind: type = bool if is_flag(found.properties.get(name)) else str
    for inner in found.element.iterfind(f"{DTS}ObjectData/*"):
        for attribute in map(str, inner.attrib):
            if attribute.rpartition("}")[2] == name:
                return Slot(inner, attribute, type=kind, expression_owner=found.element, expression_name=path.property)
        for each in inner.iter("*"):
            is_named = each.tag == f"{DTS}Property" and each.get(f"{DTS}Name") == name
            if each is not inner and not len(each) and (is_named or local_name(each) == name):
                return Slot(
                    each,
                    type=kind,
                    words=("0", "-1") if is_named else ("False", "True"),
                    expression_owner=found.element,
                    expression_name=path.property,
                )
    return None


def is_flag(text: str | None) -> bool:
    """Return True for a text that SSIS writes for a boolean value of a connection manager."""
    return text is not None and text.lower() in ("true", "false")


def _enumerator(path: PropertyPath) -> Slot:
    enumerator = path.place.element.find(f"{DTS}ForEachEnumerator")
    name = stored_names.ENUMERATORS.get(path.property, path.property)
    for each in () if enumerator is None else enumerator.iterfind(f"{DTS}ObjectData//*"):
        for attribute in map(str, each.attrib):
            if attribute.rpartition("}")[2] == name:
                return Slot(each, attribute, expression_owner=enumerator, expression_name=path.property)
    raise path.error("names no stored property of the enumerator of a Foreach loop")


def _object(path: PropertyPath) -> Slot:
    for each in members(path.place.element, *_OBJECTS[path.collection]):
        found = DtsElement(each, path.place.part)
        if each.get(f"{DTS}ObjectName") == path.member or any(
            child.get(f"{DTS}Name") == "ObjectName" and child.text == path.member for child in each
        ):
            return _member(found, path)
    known = {
        str(each.get(f"{DTS}ObjectName") or each.findtext(f"{DTS}Property[@{DTS}Name='ObjectName']"))
        for each in members(path.place.element, *_OBJECTS[path.collection])
    }
    raise path.error(f"names nothing in {path.collection}{nearest(path.member, known)}")


def _member(found: DtsElement, path: PropertyPath) -> Slot:
    """Return the slot of a property of a variable, parameter, connection manager, log provider or constraint."""
    slot = _dts_property(found.element, path.property, path, owner=found.element)
    if slot is not None:
        return slot
    if path.property in _can_be_added(path):
        return _new(found.element, path.property, path, owner=found.element)
    raise path.error(f"names no property that the package stores{_nearest_property(path, found.element)}")


def _dts_property(element: _Element, name: str, path: PropertyPath, *, owner: _Element) -> Slot | None:
    if element.get(DTS + name) is not None:
        return _attribute(element, name, path, owner=owner)
    for child in element.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name") == name:
            return Slot(
                child,
                type=_kind(name),
                words=("0", "-1"),
                choices=NUMBERED.get(name, {}),
                expression_owner=owner,
                expression_name=path.property,
            )
    return None


def _new(element: _Element, name: str, path: PropertyPath, *, owner: _Element) -> Slot:
    """Return the slot of a property that the object does not store yet."""
    if element.find(f"{DTS}Property[@{DTS}Name='ObjectName']") is not None:
        raise path.error("is not stored yet; packages before SQL Server 2012 store all properties")
    return _attribute(element, name, path, owner=owner)


def _attribute(element: _Element, name: str, path: PropertyPath, *, owner: _Element) -> Slot:
    return Slot(
        element,
        DTS + name,
        type=_kind(name),
        choices=NUMBERED.get(name, {}),
        expression_owner=owner,
        expression_name=path.property,
    )


def _kind(name: str) -> type:
    return bool if name in stored_names.FLAGS else int if name in stored_names.NUMBERS else str
