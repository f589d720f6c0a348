"""Every rule for queries in one table."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.query.binder import Grammar
from airflow_provider_ssis.emulator.tsql.query.rules import (
    aggregates,
    calls,
    comparisons,
    conditionals,
    conversions,
    names,
    operators,
    selects,
    sequences,
    set_operations,
    stored_values,
    time_zones,
    windows,
)

GRAMMAR: Final = Grammar(
    values={
        **names.VALUES,
        **operators.VALUES,
        **conditionals.VALUES,
        **conversions.VALUES,
        **time_zones.VALUES,
        **aggregates.VALUES,
        **windows.VALUES,
        **calls.VALUES,
        **sequences.VALUES,
        **stored_values.VALUES,
    },
    predicates=comparisons.PREDICATES,
    queries={**selects.QUERIES, **set_operations.QUERIES},
)
"""A node without a rule here gets error 102."""
