"""The base of the typed objects of a package: views on elements, which remain the source of truth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.namespaces import DTS

if TYPE_CHECKING:
    from lxml.etree import _Element

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class DtsElement:
    """A typed view on an element of a package.

    :param element: the element. What the view does not show stays in it.
    :param part: the file that contains it, for errors.
    """

    element: _Element = field(repr=False, compare=False)
    part: str = field(repr=False, compare=False)

    def error(self, problem: str) -> InvalidPartError:
        """Return the error for a problem of this object.

        :param problem: what is wrong, as a clause that follows the name of the file.
        """
        return InvalidPartError(problem, part=self.part, line=self.element.sourceline)


def local_name(element: _Element) -> str:
    """Return the tag of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attributes(element: _Element) -> dict[str, str]:
    """Return the attributes of an element by name without namespace. Tasks write theirs with and without one."""
    return {str(name).rpartition("}")[2]: str(value) for name, value in element.attrib.items()}


BOOLEANS: Final = ("true", "false", "-1", "1", "0")
"""The texts of a Boolean in lower case; :func:`is_true` reads others as False."""


def is_true(text: str | None, default: bool = False) -> bool:
    """Return the value of a boolean text: ``True``, ``true``, ``-1`` and ``1`` are true.

    :param text: the text, or None if it is absent.
    :param default: returned for an absent or empty text. Default: False.
    """
    return text.strip().lower() in ("true", "-1", "1") if text and text.strip() else default


def number(text: str | None, default: int, owner: DtsElement, name: str) -> int:
    """Return the value of an integer text.

    :param text: the text, or None if it is absent.
    :param default: returned for an absent or empty text.
    :param owner: the object with the property, for errors.
    :param name: the name of the property, for errors.
    :raises InvalidPartError: the text is not an integer.
    """
    text = (text or "").strip()
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(text) > 20:
        raise owner.error(f"the property {name} is {text[:40]!r}, not a whole number")
    return int(text)


def unescaped(text: str) -> str:
    """Return a text without the escapes ``_xHHHH_`` that SSIS writes in delimiters and qualifiers."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def property_expressions(element: _Element) -> Mapping[str, str]:
    """Return the property expressions of an object by the name of the property in Microsoft's object model."""
    return expressions_of(element.iterfind(f"{DTS}PropertyExpression"))


def expressions_of(elements: Iterable[_Element]) -> Mapping[str, str]:
    """Return the property expressions of some elements; see :func:`property_expressions`."""
    return {child.get(f"{DTS}Name", ""): child.text or "" for child in elements}
