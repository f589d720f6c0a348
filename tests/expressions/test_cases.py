"""A table of expressions with what Microsoft's documentation and measurements say about them.

Each line of cases.jsonl has a request of ``airflow-ssis eval --batch``, and either the type (with its parameters, where
they are known) and the value, or the codes of which the error has one; no codes are any error.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from airflow_provider_ssis.expressions import ExpressionError, Scope, compile_expression
from airflow_provider_ssis.expressions.requests import compile_request, evaluate_request
from tests.expressions.test_arrow import batch_outcomes, scalar_outcome

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()]


def is_right(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Whether an answer is what the table has."""
    if "errors" in case:
        return answer["error"] is not None and (not case["errors"] or answer["error"]["code"] in case["errors"])
    name, *parameters = case["type"].split(",")
    if answer["error"] is not None or answer["type"] != name:
        return False
    found = [answer[key] for key in ("length", "precision", "scale", "code_page") if key in answer]
    if parameters and list(map(int, parameters)) != found:
        return False
    value, wanted = answer["value"], case["value"]
    if name in ("DT_R4", "DT_R8") and wanted is not None:
        return value is not None and math.isclose(value, wanted, rel_tol=1e-6 if name == "DT_R4" else 1e-13)
    return bool(value == wanted) and isinstance(value, bool) is isinstance(wanted, bool)


def test_expressions_have_the_types_values_and_errors_of_the_table() -> None:
    wrong = [(case, answer) for case in CASES if not is_right(case, answer := evaluate_request(case["request"]))]
    assert wrong == []


def test_the_kernels_agree_about_the_table() -> None:
    compared = 0
    for case in CASES:
        try:
            expression, row = compile_request(case["request"])
            if expression.scope.columns is None:
                scope = Scope(expression.scope.variables, ())
                expression = compile_expression(expression.text, scope, expression.settings)
        except ExpressionError:
            continue
        expected = scalar_outcome(expression, row)
        if isinstance(expected[0], str) and any("\ud800" <= character <= "\udfff" for character in expected[0]):
            continue  # Arrow has no halves of surrogate pairs
        assert batch_outcomes(expression, [row, row]) == [expected, expected], expression.text
        compared += 1
    assert compared > len(CASES) // 2
