"""All that is understood: the rules of this package in one table."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.transforms import (
    aggregates,
    calls,
    comparisons,
    conditionals,
    conversions,
    moments_at,
    names,
    operators,
    selects,
    set_operations,
)
from airflow_provider_ssis.emulator.tsql.transforms.binder import Grammar

GRAMMAR: Final = Grammar(
    values={
        **names.VALUES,
        **operators.VALUES,
        **conditionals.VALUES,
        **conversions.VALUES,
        **moments_at.VALUES,
        **aggregates.VALUES,
        **calls.VALUES,
    },
    predicates=comparisons.PREDICATES,
    queries={**selects.QUERIES, **set_operations.QUERIES},
)
"""What is not in here is refused with error 102."""
