"""The class of rules, and the registration of their check functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.lint.findings import Place, Severity

if TYPE_CHECKING:
    from airflow_provider_ssis.lint.subject import Subject

Hit = tuple[Place, str]
"""A place, and the problem there as a sentence without a full stop."""
Check = Callable[["Subject"], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    :param id: its id: ``P101``. The letter is the subject, the first digit a group.
    :param name: its name in words: ``required-parameter-without-value``.
    :param severity: the severity of its findings, unless the configuration changes it.
    :param explanation: why it matters.
    :param fix: what to do about a finding.
    :param check: yields what it finds.
    :param with_disabled: report errors and warnings of disabled tasks too, which SSIS neither validates nor runs.
        Default: False.
    """

    id: str
    name: str
    severity: Severity
    explanation: str
    fix: str
    check: Check
    with_disabled: bool = False


RULES: dict[str, Rule] = {}
"""All rules by id; complete when :mod:`airflow_provider_ssis.lint.rule_table` is imported."""


def rule(
    id_: str, name: str, severity: Severity, *, explanation: str, fix: str, with_disabled: bool = False
) -> Callable[[Check], Check]:
    """Register a function as the check of a rule.

    :param id_: the id of the rule.
    :param name: as for :class:`Rule`.
    :param severity: as for :class:`Rule`.
    :param explanation: as for :class:`Rule`.
    :param fix: as for :class:`Rule`.
    :param with_disabled: as for :class:`Rule`.
    """

    def register(check: Check) -> Check:
        if id_ in RULES:
            raise ValueError(f"two rules have the id {id_}")
        RULES[id_] = Rule(id_, name, severity, explanation, fix, check, with_disabled)
        return check

    return register
