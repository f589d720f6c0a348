"""The table of all rules: importing this module registers those of each subject."""

from __future__ import annotations

from airflow_provider_ssis.lint.rule import RULES, Rule
from airflow_provider_ssis.lint.rules import (
    connections,
    control_flow,
    data_flow,
    expressions,
    parameters,
    policies,
    projects,
    targets,
    variables,
)

__all__ = [
    "RULES",
    "Rule",
    "connections",
    "control_flow",
    "data_flow",
    "expressions",
    "parameters",
    "policies",
    "projects",
    "targets",
    "variables",
]
