"""From the text of an expression to its syntax tree."""

from __future__ import annotations

from functools import lru_cache

from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import ExpressionError
from airflow_provider_ssis.expressions.syntax import Node

MAX_LENGTH = 131_072
"""The longest expression, in characters. Microsoft states no limit; the longest in public packages has 2,972."""


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
