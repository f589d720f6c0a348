"""The scalar evaluator: a typed tree as a list of instructions for a stack.

A list and not nested calls: evaluation needs no recursion, so that the nesting of an expression is not limited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto

from airflow_provider_ssis.expressions.checker import logical
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.typed import Typed


class _Code(IntEnum):
    PUSH = auto()
    COLUMN = auto()
    CALL = auto()
    CALL_WITH_NULL = auto()
    CHOOSE = auto()
    JUMP = auto()
    SKIP_IF = auto()
    COMBINE = auto()


@dataclass(slots=True, eq=False)
class _Instruction:
    """An instruction.

    :param code: what it does.
    :param typed: the node it belongs to.
    :param count: the number of operands of a call, or the index of a column.
    :param target: the instruction to jump to.
    :param end: the instruction after a conditional.
    """

    code: _Code
    typed: Typed
    count: int = 0
    target: int = 0
    end: int = 0


class Program:
    """An expression that computes one row at a time.

    :param root: the typed tree.
    """

    def __init__(self, root: Typed) -> None:
        self._instructions: list[_Instruction] = []
        self._compile(root)

    def _compile(self, root: Typed) -> None:
        """Append the instructions of a tree; steps of work are on a stack instead of recursive calls."""
        add = self._instructions.append
        work: list[Callable[[], None]] = []

        def visit(typed: Typed) -> None:
            if typed.known:
                add(_Instruction(_Code.PUSH, typed))
            elif typed.column is not None:
                add(_Instruction(_Code.COLUMN, typed, typed.column))
            elif typed.operation == "conditional":
                conditional(typed)
            elif typed.operation in ("and", "or"):
                both(typed)
            else:
                code = _Code.CALL if typed.strict else _Code.CALL_WITH_NULL
                work.append(lambda: add(_Instruction(code, typed, len(typed.operands))))
                work.extend(later(operand) for operand in reversed(typed.operands))

        def later(typed: Typed) -> Callable[[], None]:
            return lambda: visit(typed)

        def conditional(typed: Typed) -> None:
            condition, yes, no = typed.operands
            choose = _Instruction(_Code.CHOOSE, typed)
            jump = _Instruction(_Code.JUMP, typed)

            def between() -> None:
                add(jump)
                choose.target = len(self._instructions)

            def behind() -> None:
                choose.end = jump.target = len(self._instructions)

            work.extend((behind, later(no), between, later(yes), lambda: add(choose), later(condition)))

        def both(typed: Typed) -> None:
            first, second = typed.operands
            skip = _Instruction(_Code.SKIP_IF, typed)

            def behind() -> None:
                add(_Instruction(_Code.COMBINE, typed))
                skip.target = len(self._instructions)

            work.extend((behind, later(second), lambda: add(skip), later(first)))

        work.append(later(root))
        while work:
            work.pop()()

    def run(self, row: Sequence[Value | None]) -> Value | None:
        """Return the value for a row.

        :param row: the values of the scope's columns, in their order.
        :returns: the value; None is NULL.
        :raises ExpressionError: the expression has no value for the row.
        """
        instructions = self._instructions
        stack: list[Value | None] = []
        position, end = 0, len(instructions)
        while position < end:
            instruction = instructions[position]
            position += 1
            typed = instruction.typed
            match instruction.code:
                case _Code.PUSH:
                    stack.append(typed.value)
                case _Code.COLUMN:
                    stack.append(row[instruction.count])
                case _Code.CALL | _Code.CALL_WITH_NULL:
                    start = len(stack) - instruction.count
                    operands = stack[start:]
                    del stack[start:]
                    if instruction.code is _Code.CALL and None in operands:
                        stack.append(None)
                        continue
                    assert typed.compute is not None  # noqa: S101 all operations that are called have a function
                    try:
                        stack.append(typed.compute(*operands))
                    except Fault as fault:
                        raise fault.at(typed.node.position, typed.node.lexeme) from None
                case _Code.CHOOSE:
                    condition = stack.pop()
                    if condition is None:
                        stack.append(None)
                        position = instruction.end
                    elif not condition:
                        position = instruction.target
                case _Code.JUMP:
                    position = instruction.target
                case _Code.SKIP_IF:
                    if stack[-1] is (typed.operation == "or"):
                        position = instruction.target
                case _Code.COMBINE:
                    second, first = stack.pop(), stack.pop()
                    stack.append(logical(typed.operation == "or", first, second))
        return stack[0]
