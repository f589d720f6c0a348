"""Change a package and save it: all bytes outside of the changed values stay as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn, stored_expression
from airflow_provider_ssis.project.builder.values import stored_value
from airflow_provider_ssis.project.connection_strings import has_password, with_pair
from airflow_provider_ssis.project.datatypes import DataType, parse_value
from airflow_provider_ssis.project.editing import spans as edit
from airflow_provider_ssis.project.editing.property_paths import PropertyPath, executable, places, resolve
from airflow_provider_ssis.project.editing.slots import Slot, find_slot
from airflow_provider_ssis.project.encodings import to_utf8
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.choices import chosen, listed, number_problem
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package
from airflow_provider_ssis.project.package.elements import BOOLEANS, is_true, local_name
from airflow_provider_ssis.project.safe_xml import NOT_IN_XML, XML_SPACE, is_blank

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

_UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class _State:
    """The document after the changes so far.

    :param spans: the position of each element, in the order of ``elements``.
    """

    data: bytes
    package: DtsPackage
    elements: list[_Element]
    spans: list[edit.Span]


class PackageEditor:
    """A package that is changed in place.

    Values are named by property paths, as ``dtexec /SET`` does: ``\\Package\\Task.Properties[Disable]``,
    ``\\Package.Variables[User::Day].Value``, ``\\Package.Connections[Mart].Properties[ConnectionString]``. A value
    that the package does not store yet is added. Packages of all formats can be changed; a package that is encrypted as
    a whole cannot.

    :param data: the .dtsx file.
    :param part: its name, for errors.
    :raises ProjectError: it cannot be read.
    :raises BuildError: its encoding is not UTF-8.
    """

    def __init__(self, data: bytes, part: str) -> None:
        self.part = part
        mark = _UTF8_MARK if data.startswith(_UTF8_MARK) else b""
        plain = to_utf8(data, part)
        if mark + plain != data:
            raise BuildError("is not written in UTF-8", part=part, advice="Save it in UTF-8 before you change it")
        self._mark = mark
        self._state = self._read(plain)

    @classmethod
    def open(cls, path: Path | str) -> PackageEditor:
        """Read a .dtsx file.

        :param path: its path.
        :raises OSError: it cannot be read.
        :raises ProjectError: as for the class.
        """
        return cls(Path(path).read_bytes(), Path(path).name)

    @property
    def package(self) -> DtsPackage:
        """The package with the changes so far. Another change makes its elements invalid."""
        return self._state.package

    def get(self, path: str) -> str:
        """Return a stored value as text; empty if the package stores none.

        :param path: the property path.
        :raises BuildError: it names nothing.
        """
        return self._slot(path)[1].text

    def set(self, path: str, value: ParameterValue) -> None:
        """Change a value.

        :param path: the property path.
        :param value: the value; a text is read as the type of the property, as dtexec does.
        :raises BuildError: the path names nothing, the value does not suit the type, a property expression sets the
            property and so wins, or the value is a secret.
        """
        where, slot = self._slot(path)
        expression = _expression_of(slot)
        if expression is not None:
            raise where.error("has a property expression, which replaces the value. Change it with set_expression")
        if len(slot.element) and not slot.attribute:
            raise where.error("is encrypted, and cannot be changed")
        text = _checked(slot.prefix + _text(value, slot, where).removeprefix(slot.prefix), where)
        if local_name(slot.element) == "property" and slot.element.get("name") in ("Expression", "FriendlyExpression"):
            self._set_flow_expression(slot, text, where)
            return
        self._write(slot, text)

    def set_variable(self, name: str, value: ParameterValue, *, scope: str = "\\Package") -> None:
        """Change the value of a variable.

        :param name: its qualified name: ``User::Rows``.
        :param value: the value.
        :param scope: the path of an object that sees the variable. Default: the package.
        :raises BuildError: as for :meth:`set`.
        """
        self.set(f"{scope}.Variables[{name}].Value", value)

    def set_parameter(self, name: str, value: ParameterValue) -> None:
        """Change the design default of a parameter of the package.

        :param name: its name.
        :param value: the value.
        :raises BuildError: as for :meth:`set`, or the parameter is sensitive.
        """
        self.set(f"\\Package.Parameters[{name}].Value", value)

    def set_connection_string(self, name: str, connection_string: str) -> None:
        """Change the connection string of a connection manager of the package.

        :param name: its name or id.
        :param connection_string: the connection string, without a password.
        :raises BuildError: as for :meth:`set`.
        """
        self.set(f"\\Package.Connections[{name}].Properties[ConnectionString]", connection_string)

    def set_expression(self, path: str, expression: str | None) -> None:
        """Set or remove a property expression of an executable, connection manager or Foreach enumerator.

        :param path: the property path of the property.
        :param expression: the expression; None to remove it.
        :raises BuildError: the path names nothing that can have a property expression.
        """
        where, slot = self._slot(path)
        _checked(expression or "", where)
        owner = slot.expression_owner
        if owner is None:
            raise where.error("names nothing that can have a property expression")
        found = [
            each for each in owner.iterfind(f"{DTS}PropertyExpression") if each.get(f"{DTS}Name") == where.property
        ]
        if found and expression is None:
            self._splice(edit.remove_element(self._state.data, self._span(found[0])))
        elif found:
            self._splice(edit.set_text(self._state.data, self._span(found[0]), expression or ""))
        elif expression is not None:
            made = etree.Element(f"{DTS}PropertyExpression", {f"{DTS}Name": where.property}, nsmap={"DTS": DTS[1:-1]})
            made.text = expression
            self._insert_first(owner, made)

    def remove(self, path: str) -> None:
        """Remove a task or container, and the precedence constraints that lead to or from it.

        :param path: its path: ``\\Package\\Sequence\\Task``.
        :raises BuildError: there is none, or it is the package.
        """
        found = executable(path, self.package)
        if found is self.package.container:
            raise BuildError("cannot remove the package itself", part=self.part)
        owner = next(each for each in places(self.package).values() if any(one is found for one in each.children))
        constraints = [each.element for each in owner.constraints if found.path in (each.source, each.target)]
        splices = {
            self._span(each).start: edit.remove_element(self._state.data, self._span(each))
            for each in [*constraints, found.element]
        }
        data = self._state.data
        for start in sorted(splices, reverse=True):
            data = splices[start].apply(data)
        self._state = self._read(data)

    def add(self, element: _Element, container: str = "\\Package") -> None:
        """Add a task or container that a builder has made.

        :param element: its element: ``builder.add_execute_sql(…).element()``. The objects that it refers to must exist
            in this package: see :func:`~airflow_provider_ssis.project.editing.builders.builder_of`.
        :param container: the path of the container. Default: the package.
        :raises BuildError: the container has an executable of that name, or the element is not an executable.
        """
        owner = executable(container, self.package)
        name = element.get(f"{DTS}ObjectName", "")
        if element.tag != f"{DTS}Executable" or element.get(f"{DTS}refId") != f"{owner.ref_id}\\{name}":
            raise BuildError(
                f"cannot add {name or local_name(element)} to {container}: it has another place", part=self.part
            )
        if any(each.name.casefold() == name.casefold() for each in owner.children):
            raise BuildError(f"contains two executables {name} in {container}", part=self.part)
        collection = owner.element.find(f"{DTS}Executables")
        if collection is None:
            raise BuildError(f"cannot add {name} to {container}, which is not a container", part=self.part)
        self._splice(edit.insert_child(self._state.data, self._span(collection), _lines(element)))

    def to_bytes(self) -> bytes:
        """Return the .dtsx file."""
        return self._mark + self._state.data

    def save(self, path: Path | str) -> None:
        """Write the .dtsx file.

        :param path: its path.
        :raises OSError: it cannot be written.
        """
        Path(path).write_bytes(self.to_bytes())

    def _slot(self, path: str) -> tuple[PropertyPath, Slot]:
        where = resolve(path, self.package)
        return where, find_slot(where, self.package)

    def _set_flow_expression(self, slot: Slot, shown: str, where: PropertyPath) -> None:
        """Set an expression of a data flow in both of its forms: with the names of columns, and with references."""
        properties = slot.element.getparent()
        component = slot.element
        while component.tag != "component":
            parent = component.getparent()
            if parent is None:
                raise where.error("is not part of a component")
            component = parent
        columns = {
            str(each.get("name") or each.get("cachedName", "")): FlowColumn(Column(""), each.get("lineageId", ""))
            for each in component.iter("inputColumn")
        }
        if component.get("refId") is None:
            raise where.error("cannot be changed in a package of a format before SQL Server 2012")
        stored, _ = stored_expression(shown, columns, component.get("name", ""))
        for name, text in (("Expression", stored), ("FriendlyExpression", shown)):
            # Each change replaces the tree, so the element is found again by its position.
            number = next(
                self._state.elements.index(each)
                for each in (() if properties is None else properties)
                if each.get("name") == name
            )
            span = self._state.spans[number]
            owner = self._state.elements.index(properties) if properties is not None else 0
            self._splice(edit.set_text(self._state.data, span, text))
            properties = self._state.elements[owner]

    def _write(self, slot: Slot, text: str) -> None:
        span = self._span(slot.element)
        if slot.attribute:
            name = self._prefixed(slot.element, slot.attribute)
            self._splice(edit.set_attribute(self._state.data, span, name, text))
            return
        number = self._state.elements.index(slot.element)
        if is_blank(text) and slot.element.get(XML_SPACE) is None:
            self._splice(edit.set_attribute(self._state.data, span, "xml:space", "preserve"))
            span = self._state.spans[number]
        self._splice(edit.set_text(self._state.data, span, text))

    def _prefixed(self, element: _Element, attribute: str) -> str:
        namespace, _, name = attribute.rpartition("}")
        if not namespace:
            return name
        prefix = next(each for each, uri in element.nsmap.items() if each and uri == namespace[1:])
        return f"{prefix}:{name}"

    def _insert_first(self, owner: _Element, made: _Element) -> None:
        """Add a property expression where Visual Studio puts it: before the other children but properties."""
        data = self._state.data
        after = None
        for child in owner:
            if child.tag in (f"{DTS}Property", f"{DTS}PropertyExpression"):
                after = child
        span = self._span(owner)
        if after is None and len(owner):
            first = self._span(owner[0])
            whole = edit.Span(first.start, first.start, first.start, first.start)
            inserted = edit.insert_child(data, span, _lines(made), whole).replacement
            newline = inserted[: len(inserted) - len(inserted.lstrip(b"\r\n"))]
            indented = inserted.removeprefix(newline)
            indentation = indented[: len(indented) - len(indented.lstrip())]
            self._splice(edit.Splice(first.start, first.start, indented.lstrip() + newline + indentation))
            return
        self._splice(edit.insert_child(data, span, _lines(made), None if after is None else self._span(after)))

    def _span(self, element: _Element) -> edit.Span:
        return self._state.spans[self._state.elements.index(element)]

    def _splice(self, splice: edit.Splice) -> None:
        self._state = self._read(splice.apply(self._state.data))

    def _read(self, data: bytes) -> _State:
        package = read_dts_package(data, self.part)
        elements = list(package.element.iter(etree.Element))
        positions = edit.spans(data)
        if len(elements) != len(positions):
            raise BuildError("has elements whose positions are not clear", part=self.part)
        return _State(data, package, elements, positions)


def _expression_of(slot: Slot) -> str | None:
    if slot.expression_owner is None:
        return None
    for each in slot.expression_owner.iterfind(f"{DTS}PropertyExpression"):
        if each.get(f"{DTS}Name") == slot.expression_name:
            return each.text or ""
    return None


def _checked(text: str, where: PropertyPath) -> str:
    forbidden = NOT_IN_XML.search(text)
    if forbidden is not None:
        raise where.error(f"cannot have the character U+{ord(forbidden[0]):04X}, which XML does not allow")
    return text


def _text(value: ParameterValue, slot: Slot, where: PropertyPath) -> str:
    """Return a value as the package stores it."""
    if isinstance(slot.type, DataType):
        return _typed(value, slot.type, where)
    if slot.type is bool:
        text = str(value).strip()
        if text.lower() not in BOOLEANS:
            raise where.error("is a Boolean: True or False")
        return slot.words[int(is_true(text))]
    if slot.type is int:
        return _number(value, slot, where)
    text = "" if value is None else str(value)
    if slot.choices:
        number = chosen(text.removeprefix(slot.prefix), slot.choices)
        if number is None:
            raise where.error(f"is one of {listed(slot.choices)}")
        return slot.choices[number]
    if slot.pair:
        text = with_pair(slot.text, slot.pair, text)
    if where.collection == "Connections" and has_password(text):
        raise where.error("would store a password in the file. Leave it out, and set it on the server")
    return text


def _number(value: ParameterValue, slot: Slot, where: PropertyPath) -> str:
    text = str(value).strip()
    number = chosen(text, slot.choices)
    if number is None:
        if isinstance(value, bool) or re.fullmatch(r"-?[0-9]{1,19}", text) is None:
            raise where.error("is a whole number")
        number = int(text)
    problem = number_problem(slot.name, number)
    if problem is not None:
        raise where.error(problem)
    return str(number)


def _typed(value: ParameterValue, data_type: DataType, where: PropertyPath) -> str:
    try:
        parsed: Any = parse_value(value, data_type) if isinstance(value, str) else value
    except ValueError as error:
        raise where.error(f"is of the type {data_type.name}: the value is {error}") from None
    return stored_value(parsed, data_type.name, where.text, where.place.part).package_text


def _lines(element: _Element) -> bytes:
    etree.indent(element)
    text = etree.tostring(element)
    return text.replace(b' xmlns:DTS="www.microsoft.com/SqlServer/Dts"', b"", 1)
