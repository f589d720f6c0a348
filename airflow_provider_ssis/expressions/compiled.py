"""Compiling an expression: parse, check types, and make the scalar evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_ssis.datatypes import (
    DECIMALS,
    INTEGERS,
    MAX_DECIMAL_SCALE,
    MAX_WSTR_LENGTH,
    STRINGS,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions.checker import cast_to, check, fold
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import ExpressionError, Fault
from airflow_provider_ssis.expressions.number_types import scale_of
from airflow_provider_ssis.expressions.operators import text_type
from airflow_provider_ssis.expressions.parsing import MAX_LENGTH, parse
from airflow_provider_ssis.expressions.program import Program
from airflow_provider_ssis.expressions.scope import Scope
from airflow_provider_ssis.expressions.settings import DEFAULT_SETTINGS, Settings
from airflow_provider_ssis.expressions.syntax import Node
from airflow_provider_ssis.expressions.typed import Typed, computed_in_any_case, post_order

MAX_VARIABLE_LENGTH = 4000
"""The longest expression of a variable, in characters."""


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 Python has a Warning already
    """A possible fault that is not an error.

    :param code: Microsoft's code.
    :param message: the reason.
    :param position: where it is, in characters from the start of the expression, starting with 0.
    """

    code: Code
    message: str
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression.

    :param text: the expression.
    :param type: the type of the result.
    :param root: the typed tree.
    :param scope: the variables and columns that it was compiled for.
    :param settings: clock, locale, and whether text is cut.
    :param columns: the indexes of the scope's columns that it reads, in ascending order.
    :param warnings: possible faults.
    """

    text: str
    type: ColumnType
    root: Typed
    scope: Scope
    settings: Settings
    columns: tuple[int, ...]
    warnings: tuple[Warning_, ...]
    _program: Program

    def evaluate(self, row: Sequence[Value | None] = ()) -> Value | None:
        """Return the value for a row.

        Values are int, float, Decimal, bool, str, bytes and UUID; dates and times are ticks of 100 ns
        (:mod:`~airflow_provider_ssis.expressions.values` converts them); None is NULL.

        :param row: the values of the scope's columns, in their order. Default: none.
        :raises ExpressionError: the expression has no value for the row.
        """
        return self._program.run(row)


def compile_expression(
    text: str,
    scope: Scope | None = None,
    settings: Settings = DEFAULT_SETTINGS,
    *,
    target: ColumnType | None = None,
    max_length: int = MAX_LENGTH,
    for_variable: bool = False,
) -> Expression:
    """Compile an expression.

    :param text: the expression.
    :param scope: the variables and columns that it can use. Default: None, neither.
    :param settings: clock, locale, and whether text is cut. Default: the machine's clock and English (United States).
    :param target: the type to which the result is converted, such as that of a derived column. Default: None, the
        expression's own.
    :param max_length: the longest text, in characters; for the expression of a variable :data:`MAX_VARIABLE_LENGTH`.
        Default: :data:`~airflow_provider_ssis.expressions.parsing.MAX_LENGTH`.
    :param for_variable: whether the target is the type of a variable, whose decimals have the scale of the result.
        Default: False.
    :raises ExpressionError: the text is not an expression or is too long, a type or name is wrong, or a constant part
        has no value.
    """
    node = parse(text)
    if len(text) > max_length:
        reason = f"The expression has {len(text)} characters; at most {max_length} are allowed here"
        raise ExpressionError(Code.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION, reason, max_length, "")
    return _compile(text, node, scope or Scope(), settings, target, for_variable=for_variable)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """An assignment of a For loop or an Expression task.

    :param variable: the full name of the variable, ``Namespace::Name``.
    :param expression: the expression whose value it gets, converted to the variable's type.
    """

    variable: str
    expression: Expression


def compile_assignment(text: str, scope: Scope, settings: Settings = DEFAULT_SETTINGS) -> Assignment:
    """Compile an assignment, ``@variable = expression`` or ``@variable := expression``.

    :param text: the assignment.
    :param scope: the variables that it can use.
    :param settings: clock and locale. Default: the machine's clock and English (United States).
    :raises ExpressionError: as of :func:`compile_expression`; the target is a parameter or a system variable; the types
        do not go together.
    """
    node = parse(text, assignment=True)
    target, value = node.children
    try:
        name, variable = scope.variable(target.lexeme)
    except Fault as fault:
        raise fault.at(target.position, target.lexeme) from None
    if name.startswith(("$", "System::")):
        reason = f"{name!r} is read-only: a parameter or a system variable"
        raise ExpressionError(Code.DTS_E_EXPREVALASSIGNMENTTOREADONLYVARIABLE, reason, target.position, target.lexeme)
    try:
        expression = _compile(text, value, scope, settings, _variable_target(variable.type), for_variable=True)
    except ExpressionError as error:
        if error.code is not Code.DTS_E_EXPREVALCANNOTCONVERTRESULT:
            raise
        code = Code.DTS_E_EXPREVALASSIGNMENTTYPEMISMATCH
        raise ExpressionError(code, error.reason, node.position, node.lexeme) from None
    return Assignment(name, expression)


def _variable_target(type_: ColumnType | None) -> ColumnType | None:
    """The type to which a variable's new value is converted; a text of any length is assigned as it is."""
    return None if type_ is None or type_.code in STRINGS else type_


def _decimal_target(result: ColumnType, target: ColumnType) -> ColumnType | None:
    """The type of a decimal variable with the scale of its new value, because the variable has none."""
    if result.code in DECIMALS:
        return ColumnType(DataTypeCode.DT_DECIMAL, scale=min(scale_of(result), MAX_DECIMAL_SCALE))
    return target if result.code in INTEGERS else None


def _compile(
    text: str,
    node: Node,
    scope: Scope,
    settings: Settings,
    target: ColumnType | None,
    *,
    for_variable: bool = False,
) -> Expression:
    checked = check(node, scope, settings)
    if for_variable and target is not None and target.code is DataTypeCode.DT_DECIMAL:
        target = _decimal_target(checked.type, target)
    root = _with_target(checked, node, scope, settings, target)
    # A constant without a value is an error of the expression, unless it is in a branch that may never be computed.
    for typed in computed_in_any_case(root):
        if typed.fault is not None:
            raise typed.fault
    columns = sorted({typed.column for typed in post_order(root) if typed.column is not None})
    return Expression(text, root.type, root, scope, settings, tuple(columns), tuple(_warnings(root)), Program(root))


def _with_target(root: Typed, node: Node, scope: Scope, settings: Settings, target: ColumnType | None) -> Typed:
    is_long = scope.columns is not None and root.code is DataTypeCode.DT_WSTR and root.type.length > MAX_WSTR_LENGTH
    if target is None and is_long:
        target = text_type(MAX_WSTR_LENGTH)
    if target is None or target == root.type:
        return root
    try:
        return fold(cast_to(node, root, target, settings, operation="convert"))
    except Fault as fault:
        code = Code.DTS_E_EXPREVALCANNOTCONVERTRESULT
        raise ExpressionError(
            code, f"The result has the wrong type: {fault.reason}", node.position, node.lexeme
        ) from None


def _warnings(root: Typed) -> list[Warning_]:
    found = []
    for typed in post_order(root):
        if typed.operation not in ("cast", "convert") or typed.code not in STRINGS or not typed.operands:
            continue
        source = typed.operands[0]
        if source.is_text and source.type.length > typed.type.length and not source.known:
            reason = f"Text of up to {source.type.length} characters may not fit into {typed.type}"
            code = Code.DTS_W_EXPREVALPOTENTIALSTRINGTRUNCATION
            found.append(Warning_(code, reason, typed.node.position))
    return found
