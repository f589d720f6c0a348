"""The typed tree, from which both evaluators are compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from airflow_provider_ssis.datatypes import STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import ExpressionError
from airflow_provider_ssis.expressions.syntax import Node

Compute = Callable[..., Value]


@dataclass(frozen=True, slots=True, eq=False)
class Typed:
    """A node of the typed tree.

    :param operation: what it does: ``constant``, ``variable``, ``column``, ``convert``, ``cast``, ``conditional``,
        ``and``, ``or``, ``unary -``, ``binary +``, ``function LEN`` and so on.
    :param type: the type of its value.
    :param node: the node of the syntax tree.
    :param operands: the operands.
    :param compute: the function of the operands' values; None where there is none to call.
    :param strict: whether it is NULL if one of its operands is NULL, so that ``compute`` never gets a NULL.
        Default: True.
    :param constant: whether it depends on no variable, column or clock. Default: False.
    :param known: whether ``value`` is its value: of variables, and of constants that have a value. Default: False.
    :param value: the value; None is NULL. Default: None.
    :param fault: the error of a constant that has no value. Default: None.
    :param column: the index of the column in the scope. Default: None.
    """

    operation: str
    type: ColumnType
    node: Node
    operands: tuple[Typed, ...] = ()
    compute: Compute | None = None
    strict: bool = True
    constant: bool = False
    known: bool = False
    value: Value | None = None
    fault: ExpressionError | None = None
    column: int | None = None

    @property
    def code(self) -> DataTypeCode:
        """The data type of its value."""
        return self.type.code

    @property
    def is_text(self) -> bool:
        """Whether it is DT_STR or DT_WSTR."""
        return self.type.code in STRINGS

    @property
    def operand_type(self) -> ColumnType:
        """Its type as an operand: text is DT_WSTR inside an expression."""
        if self.type.code is DataTypeCode.DT_STR:
            return ColumnType(DataTypeCode.DT_WSTR, length=self.type.length)
        return self.type


def post_order(root: Typed) -> Iterator[Typed]:
    """Iterate over a tree without recursion, operands before operators, from left to right."""
    stack = [(root, False)]
    while stack:
        typed, entered = stack.pop()
        if entered or not typed.operands:
            yield typed
            continue
        stack.append((typed, True))
        stack.extend((operand, False) for operand in reversed(typed.operands))


def computed_in_any_case(root: Typed) -> Iterator[Typed]:
    """Iterate over the parts of a tree that are computed for each row: no branches, and no right sides of && and ||."""
    stack = [root]
    while stack:
        typed = stack.pop()
        yield typed
        conditional = typed.operation in ("conditional", "and", "or")
        stack.extend(reversed(typed.operands[:1] if conditional else typed.operands))
