"""The error of an expression."""

from __future__ import annotations

from airflow_provider_ssis.expressions.codes import ExpressionCode


class ExpressionError(ValueError):
    """An expression that does not parse, does not pass the type check, or has no value.

    :param code: Microsoft's code.
    :param reason: the rule that the expression violates, as a sentence.
    :param position: where the token is, in characters from the start of the expression, starting with 0.
    :param token: the operator, function, literal or name that is at fault.
    """

    def __init__(self, code: ExpressionCode, reason: str, position: int, token: str) -> None:
        where = f"at position {position}" + (f", near {token[:60]!r}" if token else "")
        super().__init__(f"{reason} ({code.hexadecimal} {code.name}, {where})")
        self.code = code
        self.reason = reason
        self.position = position
        self.token = token

    def __reduce__(self) -> tuple[type[ExpressionError], tuple[ExpressionCode, str, int, str]]:
        """Errors cross the border between processes."""
        return type(self), (self.code, self.reason, self.position, self.token)


class Fault(Exception):
    """An error of an operation that does not know its position; :meth:`at` makes it an :class:`ExpressionError`.

    :param code: Microsoft's code.
    :param reason: the rule that the expression violates, as a sentence.
    """

    def __init__(self, code: ExpressionCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def at(self, position: int, token: str) -> ExpressionError:
        """Return the error for a place in the expression.

        :param position: where the token is, in characters from the start of the expression, starting with 0.
        :param token: the text there.
        """
        return ExpressionError(self.code, self.reason, position, token)
