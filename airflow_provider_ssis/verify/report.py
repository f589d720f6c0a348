"""The report of a run of the suite, as text and as JSON: versions and error numbers, no names, and no secrets."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.verify.facts import Outcome, Result

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.models import ServerSession

FORMAT = 1
"""The version of the JSON."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the suite found.

    :param began: when it began.
    :param session: the server and the login, of which the report shows versions and roles only.
    :param refuses_login: the catalog refuses this login what needs a Windows account.
    :param schema_version: the catalog's version.
    :param driver: the ODBC driver.
    :param results: the results of the facts, in order.
    :param planned: the number of facts; more than there are results if the suite was interrupted.
    :param left: what could not be removed from the server.
    """

    began: datetime
    session: ServerSession
    refuses_login: bool
    schema_version: str | None
    driver: str
    results: tuple[Result, ...]
    planned: int
    left: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of results of each outcome."""
        found = Counter(each.outcome for each in self.results)
        return {outcome.value: found[outcome] for outcome in Outcome}

    @property
    def is_confirmed(self) -> bool:
        """Whether the server contradicts nothing, and nothing is left on it."""
        wrong = {Outcome.CONTRADICTED, Outcome.ERROR}
        return not self.left and not any(each.outcome in wrong for each in self.results)

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "format": FORMAT,
            "began": self.began.isoformat(timespec="seconds"),
            "suite": version("airflow-provider-ssis"),
            "python": platform.python_version(),
            "driver": self.driver,
            "server": {
                "product_version": self.session.product_version,
                "edition": self.session.edition,
                "schema_version": self.schema_version,
                "auth_scheme": self.session.auth_scheme,
                "roles": list(self.session.roles),
                "refuses_login": self.refuses_login,
            },
            "planned": self.planned,
            "counts": self.counts,
            "facts": [
                {
                    "id": each.fact.id,
                    "source": each.fact.source,
                    "statement": each.fact.statement,
                    "outcome": each.outcome.value,
                    "expected": each.expected,
                    "found": each.found,
                    "seconds": round(each.seconds, 3),
                }
                for each in self.results
            ],
            "left_on_server": list(self.left),
        }

    def as_text(self) -> str:
        """The report for people: what the server contradicts first, then what was skipped, then everything."""
        server = self.as_json()["server"]
        lines = [
            "Conformance of an SSISDB catalog",
            "",
            f"began            {self.began.isoformat(sep=' ', timespec='seconds')}",
            f"suite            airflow-provider-ssis {version('airflow-provider-ssis')}",
            f"driver           {self.driver}",
            f"server           version {server['product_version']}, {server['edition']}",
            f"catalog          schema version {server['schema_version'] or 'unknown'}",
            f"login            {server['auth_scheme'] or 'unknown'}; roles: {', '.join(server['roles']) or 'none'}"
            + ("; refused by the catalog (27123)" if self.refuses_login else ""),
            "",
            self.summary,
        ]
        if self.left:
            lines += ["", "Left on the server:", *(f"  {each}" for each in self.left)]
        for outcome, title in (
            (Outcome.CONTRADICTED, "The server contradicts:"),
            (Outcome.ERROR, "The server answered with an error:"),
        ):
            found = [each for each in self.results if each.outcome is outcome]
            if found:
                lines += ["", title]
                for each in found:
                    lines += [f"  {each.fact.id}: {each.fact.statement}", f"    source:   {each.fact.source}"]
                    lines += [f"    expected: {each.expected}", f"    found:    {each.found}"]
        skipped = Counter(each.found for each in self.results if each.outcome is Outcome.SKIPPED)
        if skipped:
            lines += ["", "Skipped:", *(f"  {count} facts: {reason}" for reason, count in skipped.most_common())]
        lines += ["", "All facts:", *(f"  {each.outcome.value:<12} {each.fact.id}" for each in self.results)]
        return "\n".join(lines) + "\n"

    @property
    def summary(self) -> str:
        """One line: how many facts were confirmed, contradicted and skipped."""
        counts = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number)
        missing = self.planned - len(self.results)
        return f"{self.planned} facts: {counts}" + (f", {missing} not tried" if missing else "")
