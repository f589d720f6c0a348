"""Baselines: findings that a team knows and accepts for now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from airflow_provider_ssis.lint.configuration import ConfigurationError
from airflow_provider_ssis.lint.findings import Finding

_FORMAT = 1


def write_baseline(findings: Iterable[Finding]) -> str:
    """Return the text of a baseline file.

    :param findings: the findings to accept.
    """
    entries = [
        {"rule": one.rule, "file": one.place.file, "path": one.place.path, "fingerprint": one.fingerprint}
        for one in findings
    ]
    entries.sort(key=lambda entry: tuple(entry.values()))
    return json.dumps({"format": _FORMAT, "findings": entries}, indent=2) + "\n"


def new_findings(findings: Iterable[Finding], path: Path) -> tuple[Finding, ...]:
    """Return the findings that a baseline does not contain. Each entry accepts one finding.

    :param findings: the findings.
    :param path: the baseline file.
    :raises ConfigurationError: it cannot be read.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != _FORMAT:
            raise ValueError(f"its format is {data['format']}, not {_FORMAT}")
        accepted = Counter(str(entry["fingerprint"]) for entry in data["findings"])
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: is not a baseline ({error}). Write one with --write-baseline") from None
    found = []
    for one in findings:
        if accepted[one.fingerprint] > 0:
            accepted[one.fingerprint] -= 1
        else:
            found.append(one)
    return tuple(found)
