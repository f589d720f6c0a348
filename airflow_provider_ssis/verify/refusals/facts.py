"""Facts about what the catalog refuses: a call, and the number of the error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from airflow_provider_ssis.verify.answers import NotApplicable
from airflow_provider_ssis.verify.facts import Fact, Finding
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.refusals import (
    administration,
    catalog_properties,
    environments,
    executions,
    folders,
    logging_levels,
    parameters,
    projects,
    scale_out,
)
from airflow_provider_ssis.verify.refusals.row import Refusal
from airflow_provider_ssis.verify.signatures import SIGNATURES, WINDOWS_FIRST

REFUSALS = (
    *folders.REFUSALS,
    *environments.REFUSALS,
    *projects.REFUSALS,
    *parameters.REFUSALS,
    *executions.REFUSALS,
    *administration.REFUSALS,
    *catalog_properties.REFUSALS,
    *logging_levels.REFUSALS,
    *scale_out.REFUSALS,
    projects.BROKEN_DEPLOYMENT,
)
"""Tried in this order."""


def refusal_facts() -> Iterator[Fact]:
    """A fact for each refused call, and for each procedure that refuses SQL logins."""
    for each in REFUSALS:
        yield Fact(f"refusals.{each.name}", f"{each.statement}.", partial(_refused, each))
    for name in WINDOWS_FIRST:
        yield Fact(
            f"windows.{name}",
            f"catalog.{name} refuses a SQL login with 27123, before it checks its arguments.",
            partial(_windows, name),
        )


def _refused(refusal: Refusal, probe: Probe) -> Finding:
    refusal.needs(probe)
    return Finding(f"error {refusal.number}", probe.call(refusal.call).text)


def _windows(name: str, probe: Probe) -> Finding:
    if not probe.refuses_login:
        raise NotApplicable("the catalog accepts this login")
    declared = [text.split() for text in SIGNATURES[name]]
    outputs = [f"DECLARE {parameter} {kind};" for parameter, kind, *output in declared if output]
    arguments = [f"{parts[0]} = " + (f"{parts[0]} OUTPUT" if parts[2:] else "NULL") for parts in declared]
    return Finding("error 27123", probe.call(f"{' '.join(outputs)} EXEC catalog.{name} {', '.join(arguments)};").text)
