"""Evaluating expressions in tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_ssis.expressions import ExpressionError, Settings, compile_expression
from airflow_provider_ssis.expressions.requests import evaluate_request
from airflow_provider_ssis.expressions.values import to_json

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2)))
SETTINGS = Settings(clock=lambda: NOW)


def value_of(text: str) -> Any:
    """The value of an expression without variables and columns, as JSON has it."""
    expression = compile_expression(text, settings=SETTINGS)
    return to_json(expression.evaluate(), expression.type)


def type_of(text: str) -> str:
    """The type of an expression without variables and columns, as a cast writes it."""
    return str(compile_expression(text, settings=SETTINGS).type)


def error_of(text: str) -> str:
    """The symbol of an expression's error, without its prefix; an empty text if it has a value."""
    try:
        compile_expression(text, settings=SETTINGS).evaluate()
    except ExpressionError as error:
        return error.code.name.removeprefix("DTS_E_EXPREVAL")
    return ""


def outcome(text: str, columns: dict[str, Any] | None = None, **variables: Any) -> Any:
    """The value of an expression with variables and columns as requests have them, or the symbol of its error."""
    request = {"expression": text, "variables": variables, "columns": columns or {}}
    result = evaluate_request(request, SETTINGS)
    if result["error"]:
        return result["error"]["symbol"].removeprefix("DTS_E_EXPREVAL")
    return result["value"]
