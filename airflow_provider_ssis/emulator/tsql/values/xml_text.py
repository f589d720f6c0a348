"""Rows as XML: what FOR XML PATH, RAW and AUTO write ("FOR XML (SQL Server)")."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, BINARIES, MONEY, family
from airflow_provider_ssis.emulator.tsql.values.xml_parsing import ATTRIBUTE_ESCAPES, TEXT_ESCAPES

_NAME: Final = re.compile(r"[^\W\d][\w.\-]*")
_ISO_STYLE: Final = 126
_TEXT_NODES: Final = ("", "*", "text()", "node()")
_DATA: Final = "data()"


def value_text(value: Any, type: SqlType) -> str:  # noqa: A002 - the field's own word
    """A value that is not NULL, as XML and JSON show it."""
    if isinstance(value, Variant):
        return value_text(value.value, value.type)
    if type.name in BINARIES:
        return base64.b64encode(value).decode()
    if type.name == "bit":
        return "1" if value else "0"
    if type.name in MONEY:
        return f"{value:.4f}"
    if type.name in APPROXIMATE:
        mantissa, _, exponent = f"{value:.15e}".partition("e")
        return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(3)}"
    if family(type) in ("datetime", "moment"):
        return str(conversion.convert(value, type, NVARCHAR_MAX, _ISO_STYLE))
    return str(conversion.convert(value, type, NVARCHAR_MAX))


@dataclass(slots=True)
class _Element:
    name: str
    attributes: list[str] = field(default_factory=list)
    content: list[_Element | str] = field(default_factory=list)

    def text(self) -> str:
        inner = "".join(part if isinstance(part, str) else part.text() for part in self.content)
        if not self.name:
            return inner
        opening = " ".join([self.name, *self.attributes])
        return f"<{opening}>{inner}</{self.name}>" if self.content else f"<{opening}/>"


def path_row(names: Sequence[str], types: Sequence[SqlType], values: Sequence[Any], row: str) -> str:
    """A row of FOR XML PATH. Columns that follow each other share the elements that their paths have in common.

    :param names: of the columns: paths such as ``@id``, ``name/first``, ``text()``; empty for text.
    :param row: the element of the row; empty for none.
    """
    root = _Element(row)
    opened: list[str] = []
    elements: list[_Element] = [root]
    follows_data = False
    for name, type_, value in zip(names, types, values, strict=True):
        path, leaf = _steps(name)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opened, path, strict=False)))
        # A column with NULL closes elements too, and opens none.
        opened, elements = path[:shared], elements[: shared + 1]
        if value is None:
            continue
        for step in path[len(elements) - 1 :]:
            elements.append(_child(elements[-1], step))
        opened = path
        here = elements[-1]
        text = value_text(value, type_)
        content = text if type_.name == "xml" else text.translate(TEXT_ESCAPES)
        if leaf.startswith("@"):
            here.attributes.append(f'{leaf[1:]}="{text.translate(ATTRIBUTE_ESCAPES)}"')
        else:
            here.content.append(f" {content}" if leaf == _DATA and follows_data else content)
        follows_data = leaf == _DATA
    return root.text()


def _steps(name: str) -> tuple[list[str], str]:
    """The elements of a column's path, and what is in the last: an attribute, data() or text."""
    *parents, leaf = name.split("/")
    return (parents, leaf) if leaf.startswith("@") or leaf in (*_TEXT_NODES, _DATA) else ([*parents, leaf], "")


def is_list(names: Sequence[str]) -> bool:
    """Whether the rows of FOR XML PATH without an element are one list, with blanks between its values."""
    return bool(names) and all(name == _DATA for name in names)


def _child(parent: _Element, name: str) -> _Element:
    child = _Element(name)
    parent.content.append(child)
    return child


def check_path(name: str, has_row: bool, seen: list[str]) -> None:
    """Check that a column's name is a path of FOR XML PATH.

    :param has_row: whether the rows have an element.
    :param seen: the names before it.
    :raises SqlError: 6850 not an XML name, 6852 an attribute after its element's content, 6864 it has no element.
    """
    *parents, leaf = name.split("/")
    if leaf.startswith("@"):
        if not parents and not has_row:
            raise SqlError(6864, "Row tag omission (empty row tag name) cannot be used with attribute-centric columns.")
        prefix = "/".join(parents)
        for other in seen:
            *others, other_leaf = other.split("/")
            is_sibling = "/".join(others) == prefix and not other_leaf.startswith("@")
            if is_sibling or (other == seen[-1] == prefix):
                text = f"The attribute-centric column '{name}' must not come after a non-attribute-centric sibling."
                raise SqlError(6852, text)
        leaf = leaf[1:]
    elif leaf in (*_TEXT_NODES, _DATA):
        leaf = "text"
    for part in (*parents, leaf):
        if not _NAME.fullmatch(part):
            raise SqlError(6850, f"Column name '{name}' contains an invalid XML identifier as required by FOR XML.")


def flat_row(
    names: Sequence[str], types: Sequence[SqlType], values: Sequence[Any], row: str, *, elements: bool, nil: bool
) -> str:
    """A row of FOR XML RAW, or AUTO of one source: an attribute or an element for each column.

    :param nil: an element for NULL too.
    """
    element = _Element(row)
    for name, type_, value in zip(names, types, values, strict=True):
        if value is None:
            if nil:
                element.content.append(f'<{name} xsi:nil="true"/>')
            continue
        text = value_text(value, type_)
        content = text if type_.name == "xml" else text.translate(TEXT_ESCAPES)
        if elements or type_.name == "xml":
            element.content.append(f"<{name}>{content}</{name}>")
        else:
            element.attributes.append(f'{name}="{text.translate(ATTRIBUTE_ESCAPES)}"')
    return element.text()


def encoded_name(name: str) -> str:
    """A name with the characters that XML does not allow written as ``_x0020_``."""
    first = True
    found = []
    for character in name:
        allowed = re.fullmatch(r"[^\W\d]" if first else r"[\w.\-]", character)
        found.append(character if allowed else f"_x{ord(character):04X}_")
        first = False
    return "".join(found)
