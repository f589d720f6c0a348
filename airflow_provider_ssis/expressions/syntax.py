"""The syntax tree of an expression.

The parser is an LALR automaton with its own stack, and all later passes walk the tree with explicit stacks: the nesting
of an expression is bounded by its length only, and not by Python's recursion limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import ExpressionError

MAX_LENGTH = 131_072
"""The longest expression, in characters. Microsoft states no limit; the longest in public packages has 2,972."""


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


def parse(text: str, *, assignment: bool = False) -> Node:
    """Return the syntax tree of an expression.

    :param text: the expression.
    :param assignment: whether it is an assignment, ``@x = expression`` or ``@x := expression``. Default: False.
    :raises ExpressionError: the text is not an expression, or it is longer than :data:`MAX_LENGTH`.
    """
    if not text.strip(" \t\r\n"):
        raise ExpressionError(Code.DTS_E_EXPREVALEXPRESSIONEMPTY, "The expression is empty", 0, "")
    if len(text) > MAX_LENGTH:
        reason = f"The expression is longer than {MAX_LENGTH} characters"
        raise ExpressionError(Code.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSIONOUTOFMEMORY, reason, MAX_LENGTH, "")
    return _parse_short(text, assignment) if len(text) <= _SHORT else _parse(text, assignment)


def _parse(text: str, assignment: bool) -> Node:
    # Imported late: the parser library takes longer to import than everything else here.
    from airflow_provider_ssis.expressions.grammar import parse_text

    return parse_text(text, assignment=assignment)


_SHORT = 4000
_parse_short = lru_cache(maxsize=1024)(_parse)
