"""The page on expressions names all functions."""

from __future__ import annotations

import re

from airflow_provider_ssis.expressions import MAX_VARIABLE_LENGTH
from airflow_provider_ssis.expressions.functions import FUNCTIONS
from airflow_provider_ssis.expressions.operators import MAX_TEXT
from airflow_provider_ssis.expressions.parsing import MAX_LENGTH
from tests.support.places import ROOT


def test_functions_and_limits_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "expressions.md").read_text()
    table = page.partition("## Functions")[2].partition("Operators:")[0]
    assert set(re.findall(r"`([A-Z]+)`", table)) == set(FUNCTIONS)
    for limit in (MAX_LENGTH, MAX_VARIABLE_LENGTH, MAX_TEXT):
        assert f"{limit:,}" in page
