"""Reading an XML document as the rows of its tables, without keeping the document in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from lxml import etree

from airflow_provider_ssis.engine.data_flow.xml_documents.schema import (
    CANNOT_PROCESS,
    SCHEMA,
    XmlTable,
    tables_of_schema,
)
from airflow_provider_ssis.engine.errors import TaskFailure

_NO_INLINE_SCHEMA, _LATE_INLINE_SCHEMA, _SECOND_INLINE_SCHEMA = 0xC02092A3, 0xC02092A2, 0xC020929E
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CHECKED = 10_000
"""The number of tags between two checks."""
_SCHEMA_TAG = f"{{{SCHEMA}}}schema"


@dataclass(slots=True)
class XmlRow:
    """A row of a table.

    :param table: the table.
    :param key: its number among the rows of the table, from 1.
    :param parent_key: the number of the row of the parent; None for the root.
    :param values: its texts, by the keys of the table's fields; None for an empty element.
    :param text: its own text.
    """

    table: XmlTable
    key: int
    parent_key: int | None
    values: dict[str, str | None] = field(default_factory=dict)
    text: str | None = None


def read_rows(
    source: IO[bytes],
    name: str,
    tables: Mapping[str, XmlTable] | None,
    encoding: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[XmlRow]:
    """Yield the rows of a document, each when its element ends.

    :param source: the document.
    :param name: what messages call it.
    :param tables: the tables by the tag of the root; None for the schema in the document.
    :param encoding: the encoding of the document; None for that which it declares. Default: None.
    :param check: is called now and then; raises an exception to end the work. Default: nothing does.
    :raises TaskFailure: the document is not well-formed, has a document type, or does not belong to the schema.
    """
    reader = _Reader(name, tables)
    events = etree.iterparse(
        source,
        events=("start", "end"),
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
    )
    try:
        for number, (event, element) in enumerate(events):
            if number % _CHECKED == 0:
                check()
            if event == "start":
                reader.start(element)
            else:
                row = reader.end(element)
                if row is not None:
                    yield row
                if not reader.keeps_elements:
                    _forget(element)
    except etree.XMLSyntaxError as error:
        raise TaskFailure(f"{name} is not well-formed XML: {error}.", CANNOT_PROCESS) from error


def _forget(element: etree._Element) -> None:
    """Release an element that was read, and those before it."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


class _Reader:
    def __init__(self, name: str, tables: Mapping[str, XmlTable] | None) -> None:
        self._name = name
        self._tables = tables
        self._is_inline = tables is None
        self._root: etree._Element | None = None
        self._open: list[XmlRow] = []
        self._depth = 0
        """The number of open elements."""
        self._ignored = 0
        """The depth of an element that is neither a table nor a field; 0 for none."""
        self._in_schema = 0
        self._counts: dict[XmlTable, int] = {}
        self._pending: list[tuple[str, etree._Element]] = []

    @property
    def keeps_elements(self) -> bool:
        """Whether the elements are needed later: those of a schema, and the text of an open field."""
        return bool(self._in_schema) or bool(self._pending)

    def _failure(self, why: str, code: int = CANNOT_PROCESS) -> TaskFailure:
        return TaskFailure(f"{self._name} cannot be read: {why}.", code)

    def start(self, element: etree._Element) -> None:
        self._depth += 1
        if self._depth == 1:
            if element.getroottree().docinfo.doctype:
                raise self._failure("it has a document type (DTD), which the XML Source does not support")
            self._root = element
            if not self._is_inline:
                self._begin_root(element)
            return
        if self._in_schema or self._ignored:
            return
        if element.tag == _SCHEMA_TAG:
            self._begin_schema(element)
            return
        if self._tables is None:
            raise self._failure("it contains no schema, but UseInlineSchema is true", _NO_INLINE_SCHEMA)
        if self._pending:
            self._ignored = self._depth  # an unknown child of a field
            return
        row = self._open[-1]
        tag = str(element.tag)
        if tag in row.table.tables:
            self._begin_row(element, row.table.tables[tag], row.key)
        elif tag in row.table.fields:
            self._pending.append((tag, element))
        else:
            self._ignored = self._depth

    def _begin_root(self, element: etree._Element) -> None:
        assert self._tables is not None  # noqa: S101 the caller has checked it
        table = self._tables.get(str(element.tag))
        if table is None:
            names = ", ".join(sorted(each.name for each in self._tables.values()))
            raise self._failure(f"it begins with {element.tag!s}, and the schema declares {names}")
        self._begin_row(element, table, None)

    def _begin_row(self, element: etree._Element, table: XmlTable, parent_key: int | None) -> None:
        number = self._counts[table] = self._counts.get(table, 0) + 1
        row = XmlRow(table, number, parent_key)
        for name, value in element.attrib.items():
            if f"@{name}" in table.fields:
                row.values[f"@{name}"] = str(value)
        self._open.append(row)

    def _begin_schema(self, element: etree._Element) -> None:
        if not self._is_inline:
            raise self._failure("it contains a schema, but UseInlineSchema is false", _LATE_INLINE_SCHEMA)
        if self._tables is not None:
            raise self._failure("it contains several schemas", _SECOND_INLINE_SCHEMA)
        if self._depth != 2 or element.getprevious() is not None:
            raise self._failure("its schema is not the first child of the root", _LATE_INLINE_SCHEMA)
        self._in_schema = self._depth

    def end(self, element: etree._Element) -> XmlRow | None:
        depth, self._depth = self._depth, self._depth - 1
        if self._in_schema:
            if self._in_schema == depth:
                self._in_schema = 0
                self._tables = tables_of_schema(element)
                if self._root is not None:
                    self._begin_root(self._root)
            return None
        if self._ignored:
            if self._ignored == depth:
                self._ignored = 0
            return None
        if self._pending:
            tag, field_element = self._pending.pop()
            row = self._open[-1]
            if tag in row.values:
                raise self._failure(
                    f"the element {row.table.fields[tag].name} repeats in {row.table.name}, but not in the schema"
                )
            row.values[tag] = _text(field_element)
            return None
        if not self._open:
            raise self._failure("it contains no schema, but UseInlineSchema is true", _NO_INLINE_SCHEMA)
        row = self._open.pop()
        if row.table.text is not None:
            row.text = _text(element)
        return row


def _text(element: etree._Element) -> str | None:
    """The text of an element; None for an empty one, as the XML Source has it, and for ``xsi:nil``."""
    if element.get(_NIL) in ("true", "1"):
        return None
    parts = [element.text or ""]
    for child in element:
        if isinstance(child, etree._Entity):
            raise TaskFailure(f"The document refers to the entity {child.text}, which is not known.", CANNOT_PROCESS)
        parts.append(child.tail or "")
    return "".join(parts) or None
