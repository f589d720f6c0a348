"""XML schemas as tables: one for each element with attributes or children, and for each that repeats.

Source: Microsoft Learn, "XML Source". What it does not define, such as ``xs:any`` and recursive elements, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from airflow_provider_ssis.engine.errors import TaskFailure

SCHEMA = "http://www.w3.org/2001/XMLSchema"
CANNOT_PROCESS = 0xC02092AF
"""DTS_E_XMLSRCUNABLETOPROCESSXMLDATA."""

_ANY, _GROUP, _MIXED = 0xC020929F, 0xC02092A0, 0xC02092A1
_MOST_TABLES = 10_000


@dataclass(frozen=True, slots=True)
class SimpleField:
    """A value of a table: an attribute, a child without children that does not repeat, or the text of the element.

    :param name: its name in the document.
    :param tag: its name with the namespace.
    :param is_attribute: whether it is an attribute.
    :param type_name: its built-in type, such as ``decimal``; empty if it is not known.
    :param has_default: whether the schema gives a value for an absent one.
    """

    name: str
    tag: str
    is_attribute: bool = False
    type_name: str = ""
    has_default: bool = False


@dataclass(eq=False, slots=True)
class XmlTable:
    """An element whose occurrences are rows.

    :param name: its name without the namespace.
    :param tag: its name with the namespace.
    :param parent: the table that contains it; None for the root.
    :param fields: its values by tag; those of attributes begin with ``@``.
    :param text: its own text; None if it has children.
    :param tables: the tables that it contains, by tag.
    """

    name: str
    tag: str
    parent: XmlTable | None = None
    fields: dict[str, SimpleField] = field(default_factory=dict)
    text: SimpleField | None = None
    tables: dict[str, XmlTable] = field(default_factory=dict)

    def walk(self) -> Iterator[XmlTable]:
        """Yield the table and all that it contains."""
        yield self
        for table in self.tables.values():
            yield from table.walk()

    @property
    def root(self) -> XmlTable:
        """The table of the element with which the document begins."""
        return self if self.parent is None else self.parent.root

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the elements from the root to this one."""
        return (*(() if self.parent is None else self.parent.path), self.name)


def tables_of_schema(root: etree._Element) -> dict[str, XmlTable]:
    """Return the tables of the elements with which a document can begin, by tag.

    :param root: the element ``xs:schema``.
    :raises TaskFailure: the schema has parts that the XML Source does not support, or that are not documented.
    """
    return _Schema(root).tables()


def _unsupported(what: str, code: int = CANNOT_PROCESS) -> TaskFailure:
    return TaskFailure(
        f"The XML schema contains {what}, which is not supported. Change the schema of the XML Source.", code
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of a complex type."""

    attributes: tuple[SimpleField, ...]
    elements: tuple[tuple[etree._Element, bool], ...]
    """The elements, and whether they repeat."""
    text_type: str | None
    """The type of its text; None if it has none."""


class _Schema:
    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._target = str(root.get("targetNamespace", ""))
        self._open: list[etree._Element] = []
        self._count = 0
        for name in ("include", "import", "redefine"):
            if root.find(f"{{{SCHEMA}}}{name}") is not None:
                raise _unsupported(f"xs:{name}: the XML Source reads one schema")
        self._types = self._named("complexType")
        self._simple = self._named("simpleType")
        self._elements = self._named("element")
        self._attributes = self._named("attribute")
        self._attribute_groups = self._named("attributeGroup")

    def _named(self, kind: str) -> Mapping[str, etree._Element]:
        return {str(each.get("name")): each for each in self._root.iterfind(f"{{{SCHEMA}}}{kind}")}

    def tables(self) -> dict[str, XmlTable]:
        found = {}
        for name, element in self._elements.items():
            if self._content(element) is not None:
                tag = self._tag(name)
                found[tag] = self._table(element, name, tag, None)
        if not found:
            raise _unsupported("no element with children or attributes")
        return found

    def _tag(self, name: str) -> str:
        return f"{{{self._target}}}{name}" if self._target else name

    def _local_tag(self, name: str, element: etree._Element, kind: str) -> str:
        form = element.get("form", self._root.get(f"{kind}FormDefault", "unqualified"))
        return self._tag(name) if form == "qualified" else name

    def _table(self, element: etree._Element, name: str, tag: str, parent: XmlTable | None) -> XmlTable:
        self._count += 1
        if self._count > _MOST_TABLES:
            raise _unsupported(f"more than {_MOST_TABLES} paths to elements with children")
        if element in self._open:
            raise _unsupported(f"the element {name}, which contains itself")
        self._open.append(element)
        try:
            return self._filled(element, XmlTable(name, tag, parent))
        finally:
            self._open.pop()

    def _filled(self, element: etree._Element, table: XmlTable) -> XmlTable:
        name, tag = table.name, table.tag
        content = self._content(element)
        if content is None:
            table.text = SimpleField(name, tag, type_name=self._simple_type(element), has_default=_has_default(element))
            return table
        for attribute in content.attributes:
            table.fields[f"@{attribute.tag}"] = attribute
        if content.text_type is not None:
            table.text = SimpleField(name, tag, type_name=content.text_type, has_default=_has_default(element))
        for child, repeats in content.elements:
            self._add(table, child, repeats)
        return table

    def _add(self, table: XmlTable, child: etree._Element, repeats: bool) -> None:
        reference = child.get("ref")
        if reference is not None:
            name = _local(reference)
            if name not in self._elements:
                raise _unsupported(f"a reference to {reference}, which is not declared in it")
            declared, tag = self._elements[name], self._tag(name)
        else:
            name, declared = str(child.get("name")), child
            tag = self._local_tag(name, child, "element")
        if tag in table.fields or tag in table.tables:
            repeats = True
        if self._content(declared) is not None or repeats:
            if tag in table.fields:
                del table.fields[tag]
            table.tables[tag] = self._table(declared, name, tag, table)
        else:
            type_name, has_default = self._simple_type(declared), _has_default(declared)
            table.fields[tag] = SimpleField(name, tag, type_name=type_name, has_default=has_default)

    def _content(self, element: etree._Element) -> _Content | None:
        """The content of an element; None if it contains only text."""
        if element.get("substitutionGroup") is not None or element.get("abstract") == "true":
            raise _unsupported(f"a substitution group or abstract element: {element.get('name')}")
        type_name = element.get("type")
        own = element.find(f"{{{SCHEMA}}}complexType")
        if (
            own is None
            and type_name is not None
            and _local(type_name) in self._types
            and not self._is_builtin(element, type_name)
        ):
            own = self._types[_local(type_name)]
        if own is not None:
            return self._of_type(own, str(element.get("name")))
        if type_name is None and element.find(f"{{{SCHEMA}}}simpleType") is None:
            raise _unsupported(f"the element {element.get('name')} without a type", _ANY)
        if type_name is not None and self._is_builtin(element, type_name) and _local(type_name) == "anyType":
            raise _unsupported(f"the element {element.get('name')} of the type anyType", _ANY)
        return None

    def _is_builtin(self, element: etree._Element, type_name: str) -> bool:
        prefix = type_name.partition(":")[0] if ":" in type_name else None
        return element.nsmap.get(prefix) == SCHEMA

    def _of_type(self, type_: etree._Element, name: str) -> _Content:
        if type_.get("mixed") == "true":
            raise _unsupported(f"mixed content of {name}", _MIXED)
        attributes: list[SimpleField] = []
        elements: list[tuple[etree._Element, bool]] = []
        text_type: str | None = None
        for part in type_.iterchildren(f"{{{SCHEMA}}}*"):
            kind = _local(str(part.tag).rpartition("}")[2])
            if kind == "simpleContent":
                derived = _only(part)
                attributes += self._attributes_of(derived)
                base = self._base(derived, name)
                if base is not None:
                    inherited = self._of_type(base, name)
                    attributes += inherited.attributes
                    text_type = inherited.text_type
                else:
                    text_type = self._builtin(derived, str(derived.get("base", "")))
            elif kind == "complexContent":
                derived = _only(part)
                if str(derived.tag).endswith("}restriction"):
                    raise _unsupported(f"a restriction of a complex type: {name}")
                base = self._base(derived, name)
                if base is None:
                    raise _unsupported(f"an extension of {derived.get('base')}")
                inherited = self._of_type(base, name)
                attributes += [*inherited.attributes, *self._attributes_of(derived)]
                elements += [*inherited.elements, *self._particles(derived, repeats=False)]
            elif kind in ("sequence", "choice", "all", "group", "any"):
                elements += self._particle(part, repeats=False)
        attributes += self._attributes_of(type_)
        return _Content(tuple(attributes), tuple(elements), text_type)

    def _base(self, derived: etree._Element, name: str) -> etree._Element | None:
        base = str(derived.get("base", ""))
        if self._is_builtin(derived, base) or _local(base) in self._simple:
            return None
        if _local(base) not in self._types:
            raise _unsupported(f"the type {base} of {name}, which is not declared in it")
        return self._types[_local(base)]

    def _particles(self, holder: etree._Element, *, repeats: bool) -> Iterator[tuple[etree._Element, bool]]:
        for part in holder.iterchildren(f"{{{SCHEMA}}}*"):
            yield from self._particle(part, repeats=repeats)

    def _particle(self, part: etree._Element, *, repeats: bool) -> Iterator[tuple[etree._Element, bool]]:
        kind = str(part.tag).rpartition("}")[2]
        repeats = repeats or part.get("maxOccurs", "1") not in ("0", "1")
        if kind == "element":
            if part.get("maxOccurs") != "0":
                yield part, repeats
        elif kind in ("sequence", "choice", "all"):
            yield from self._particles(part, repeats=repeats)
        elif kind == "group":
            raise _unsupported("a reference to a group", _GROUP)
        elif kind == "any":
            raise _unsupported("xs:any", _ANY)

    def _attributes_of(self, holder: etree._Element) -> Iterator[SimpleField]:
        for part in holder.iterchildren(f"{{{SCHEMA}}}attribute"):
            if part.get("use") == "prohibited":
                continue
            reference = part.get("ref")
            if reference is not None and _local(reference) not in self._attributes:
                raise _unsupported(f"a reference to the attribute {reference}, which is not declared in it")
            declared = part if reference is None else self._attributes[_local(reference)]
            name = str(declared.get("name"))
            tag = self._local_tag(name, part, "attribute") if reference is None else self._tag(name)
            yield SimpleField(
                name, tag, True, self._simple_type(declared), _has_default(declared) or _has_default(part)
            )
        for part in holder.iterchildren(f"{{{SCHEMA}}}attributeGroup"):
            group = self._attribute_groups.get(_local(str(part.get("ref", ""))))
            if group is None:
                raise _unsupported(f"a reference to the attributes {part.get('ref')}, which are not declared in it")
            yield from self._attributes_of(group)

    def _simple_type(self, element: etree._Element) -> str:
        """The built-in type of an element or attribute."""
        own = element.find(f"{{{SCHEMA}}}simpleType")
        if own is not None:
            return self._restricted(own)
        return self._builtin(element, str(element.get("type", "")))

    def _builtin(self, element: etree._Element, type_name: str) -> str:
        if self._is_builtin(element, type_name):
            return _local(type_name)
        declared = self._simple.get(_local(type_name))
        return "" if declared is None else self._restricted(declared)

    def _restricted(self, type_: etree._Element) -> str:
        restriction = type_.find(f"{{{SCHEMA}}}restriction")
        if restriction is None:
            return "string"  # a list or union is text
        own = restriction.find(f"{{{SCHEMA}}}simpleType")
        return (
            self._restricted(own) if own is not None else self._builtin(restriction, str(restriction.get("base", "")))
        )


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _only(holder: etree._Element) -> etree._Element:
    for part in holder.iterchildren(f"{{{SCHEMA}}}extension", f"{{{SCHEMA}}}restriction"):
        return part
    raise _unsupported("content without an extension or restriction")


def _has_default(element: etree._Element) -> bool:
    return element.get("default") is not None or element.get("fixed") is not None
