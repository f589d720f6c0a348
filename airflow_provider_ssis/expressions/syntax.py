"""The syntax tree of an expression.

The parser is an LALR automaton with its own stack, and all later passes walk the tree with explicit stacks: the nesting
of an expression is bounded by its length only, and not by Python's recursion limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of nodes."""

    INTEGER = "integer"
    REAL = "real"
    STRING = "string"
    BOOLEAN = "boolean"
    VARIABLE = "variable"
    COLUMN = "column"
    LINEAGE = "lineage"
    UNARY = "unary"
    BINARY = "binary"
    CONDITIONAL = "conditional"
    FUNCTION = "function"
    CAST = "cast"
    NULL = "null"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node of the syntax tree.

    :param kind: what it is.
    :param lexeme: the operator, function, data type, name or literal, as the expression has it; the text of a string.
    :param position: where the lexeme starts, in characters from the start of the expression.
    :param children: the operands. A cast has its parameters first and its operand last.
    :param source: the input's name, of a column written with one. Default: an empty text.
    """

    kind: Kind
    lexeme: str
    position: int
    children: tuple[Node, ...] = ()
    source: str = ""


def post_order(root: Node) -> Iterator[Node]:
    """Iterate over a tree without recursion, operands before operators, from left to right."""
    stack = [(root, False)]
    while stack:
        node, entered = stack.pop()
        if entered or not node.children:
            yield node
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(node.children))
