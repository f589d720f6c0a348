"""A fact about the catalog: where it is known from, what it states, and how a server is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from airflow_provider_ssis.verify.probe import Probe


class Source:
    """Where facts are known from."""

    SCHEMA = "T-SQL of the SSISDB of SQL Server 2019"
    DOCS = "Microsoft's documentation of the SSIS catalog"
    OBSERVED = "what this project assumes of a server"


class Outcome(Enum):
    """What a server says to a fact."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    SKIPPED = "skipped"
    """It does not apply to this edition, version or login, or could not be tried."""
    ERROR = "error"
    """The server answered with an error that the fact does not expect."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a fact expects, and what was found. They are equal where the server confirms the fact."""

    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact.

    :param id: its name: group, dot, and words joined by underscores.
    :param statement: what it states, as a sentence.
    :param check: asks the server; raises :class:`NotApplicable` if the fact does not apply.
    :param source: where it is known from.
    """

    id: str
    statement: str
    check: Callable[[Probe], Finding]
    source: str = Source.SCHEMA

    @property
    def group(self) -> str:
        """The group that the fact belongs to."""
        return self.id.partition(".")[0]


def rows_are(
    query: str, expected: list[tuple[Any, ...]], subject: Callable[[Probe], int]
) -> Callable[[Probe], Finding]:
    """A check that compares the rows of a query about one object.

    :param query: T-SQL; the marker ``:id`` is the object's id.
    :param expected: the rows.
    :param subject: makes the object, and returns its id.
    """
    return lambda probe: Finding(expected, list(probe.rows(query, id=subject(probe))))


def value_is(query: str, expected: Any, subject: Callable[[Probe], int]) -> Callable[[Probe], Finding]:
    """A check like :func:`rows_are` that compares only the first value."""
    return lambda probe: Finding(expected, probe.value(query, id=subject(probe)))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a fact.

    :param expected: what the fact expects, as text.
    :param found: what the server answered, as text; the reason where the fact was skipped.
    :param seconds: how long the server was asked.
    """

    fact: Fact
    outcome: Outcome
    expected: str
    found: str
    seconds: float
