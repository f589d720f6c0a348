"""Properties of components, inputs, outputs and columns of data flows, as packages store them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Property(NamedTuple):
    """A property.

    :param data_type: its type: ``System.Int32``, ``System.Null`` for no value, ...
    :param text: its value as text, or the values of an array.
    :param can_have_expression: whether a property expression of the Data Flow task may set it.
    :param contains_id: whether its value may refer to objects of the data flow: ``#{reference}``.
    """

    data_type: str
    text: str | tuple[str, ...] = ""
    can_have_expression: bool = False
    contains_id: bool = False


Properties = Mapping[str, Property]
"""Properties by name, in the order of Visual Studio."""

NULL = Property("System.Null")
"""A property without a value."""


def text(value: str, *, can_have_expression: bool = False) -> Property:
    """Return a text."""
    return Property("System.String", value, can_have_expression)


def int32(value: int, *, can_have_expression: bool = False) -> Property:
    """Return a number of 32 bits."""
    return Property("System.Int32", str(value), can_have_expression)


def boolean(value: bool) -> Property:
    """Return true or false."""
    return Property("System.Boolean", str(value).lower())


def reference(id_: str) -> Property:
    """Return a reference to a column, by its reference or lineage id."""
    return Property("System.Int32", f"#{{{id_}}}", contains_id=True)


def expression(stored: str, shown: str) -> dict[str, Property]:
    """Return the properties of an expression.

    :param stored: the expression with references.
    :param shown: the expression with names of columns.
    """
    return {
        "Expression": Property("System.String", stored, contains_id=True),
        "FriendlyExpression": Property("System.String", shown, can_have_expression=True, contains_id=True),
    }
