"""Write findings as text, JSON, SARIF 2.1.0, or annotations of GitHub."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from airflow_provider_ssis.lint.findings import Finding, Severity
from airflow_provider_ssis.lint.rule_table import RULES

_BREAKS = re.compile(r"\s*[\r\n]+\s*")
_SARIF_LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
_GITHUB_COMMANDS = {Severity.INFO: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


def to_text(findings: Sequence[Finding]) -> str:
    """Return findings as lines, and a summary. Line breaks in names and expressions become blanks.

    :param findings: the findings.
    """
    lines = []
    for one in findings:
        line = "" if one.place.line is None else f":{one.place.line}"
        where = f" {one.place.path}:" if one.place.path else ""
        text = f"{one.place.location}{line}: {one.severity.label} {one.rule}{where} {one.message}. {one.fix}"
        lines.append(_BREAKS.sub(" ", text))
    counts = Counter(one.severity for one in findings)
    summary = ", ".join(f"{counts[each]} {each.label}{'s' if counts[each] != 1 else ''}" for each in reversed(Severity))
    return "\n".join([*lines, summary, ""])


def to_json(findings: Sequence[Finding]) -> str:
    """Return findings as a JSON array; see :func:`to_text`."""
    found = [
        {
            "rule": one.rule,
            "name": one.name,
            "severity": one.severity.label,
            "file": one.place.file,
            "location": one.place.location,
            "line": one.place.line,
            "path": one.place.path,
            "message": one.message,
            "fix": one.fix,
            "fingerprint": one.fingerprint,
        }
        for one in findings
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def to_sarif(findings: Sequence[Finding]) -> str:
    """Return findings as a SARIF log with one run; see :func:`to_text`."""
    rules = sorted({one.rule for one in findings})
    run = {
        "tool": {
            "driver": {
                "name": "airflow-ssis lint",
                "version": version("airflow-provider-ssis"),
                "rules": [
                    {
                        "id": id_,
                        "name": RULES[id_].name,
                        "shortDescription": {"text": RULES[id_].name.replace("-", " ")},
                        "fullDescription": {"text": RULES[id_].explanation},
                        "help": {"text": RULES[id_].fix},
                        "defaultConfiguration": {"level": _SARIF_LEVELS[RULES[id_].severity]},
                    }
                    for id_ in rules
                ],
            }
        },
        "results": [_result(one, rules) for one in findings],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def to_github(findings: Sequence[Finding]) -> str:
    """Return findings as commands that GitHub Actions show as annotations; see :func:`to_text`."""
    lines = []
    for one in findings:
        line = "" if one.place.line is None else f",line={one.place.line}"
        where = f"file={_property(one.place.location)}{line},title={_property(f'{one.rule} {one.name}')}"
        path = f"{one.place.path}: " if one.place.path else ""
        lines.append(f"::{_GITHUB_COMMANDS[one.severity]} {where}::{_data(f'{path}{one.message}. {one.fix}')}")
    return "".join(f"{line}\n" for line in lines)


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": to_text,
    "json": to_json,
    "sarif": to_sarif,
    "github": to_github,
}
"""The formats by name."""


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.place.location)}}
    if finding.place.line is not None:
        physical["region"] = {"startLine": finding.place.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.place.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.place.path}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": [location],
        "partialFingerprints": {"airflowSsis/v1": finding.fingerprint},
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
