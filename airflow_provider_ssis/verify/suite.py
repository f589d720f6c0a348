"""Runs the suite: every fact in order, and then the removal of what it made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from airflow_provider_ssis.verify.administration_facts import administration_facts
from airflow_provider_ssis.verify.answers import NotApplicable, ServerError
from airflow_provider_ssis.verify.facts import Fact, Outcome, Result
from airflow_provider_ssis.verify.object_facts import object_facts
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.refusals.facts import refusal_facts
from airflow_provider_ssis.verify.run_facts import run_facts
from airflow_provider_ssis.verify.shape_facts import shape_facts
from airflow_provider_ssis.verify.type_facts import type_facts


def all_facts() -> list[Fact]:
    """Every fact, in the order in which they are tried."""
    parts = (shape_facts(), object_facts(), administration_facts(), run_facts(), type_facts(), refusal_facts())
    return list(chain.from_iterable(parts))


def check(probe: Probe, facts: Iterable[Fact], *, clock: Callable[[], float] = time.monotonic) -> Iterator[Result]:
    """Ask a server about facts, one after the other. What that makes is left to :meth:`Probe.remove`.

    :param probe: the server.
    :param facts: the facts.
    :param clock: seconds. Default: the system's.
    """
    for fact in facts:
        began = clock()
        outcome, expected, found = _outcome(fact, probe)
        yield Result(fact, outcome, expected, found, clock() - began)


def _outcome(fact: Fact, probe: Probe) -> tuple[Outcome, str, str]:
    try:
        finding = fact.check(probe)
    except NotApplicable as reason:
        return Outcome.SKIPPED, "", str(reason)
    except ServerError as error:
        return Outcome.ERROR, "an answer", str(error)
    same = finding.expected == finding.found
    outcome = Outcome.CONFIRMED if same else Outcome.CONTRADICTED
    return outcome, str(finding.expected), str(finding.found)
