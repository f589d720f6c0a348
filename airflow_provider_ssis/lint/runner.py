"""Run the rules on a source."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from airflow_provider_ssis.lint.configuration import (
    ConfigurationError,
    LintConfiguration,
    find_configuration,
    read_configuration,
)
from airflow_provider_ssis.lint.findings import Finding, Place, Severity
from airflow_provider_ssis.lint.rule_table import RULES, Rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.inspection.sources import SsisFiles, open_files
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits

UNREADABLE = "P001"
RULES_ADVICE = "`airflow-ssis lint --rules` prints all rules"


def check(
    source: Path,
    configuration: LintConfiguration,
    *,
    project: str | None = None,
    password: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Finding, ...]:
    """Check a source.

    :param source: a project file (.ispac), .dtproj, project folder, or a package.
    :param configuration: which rules are checked, and how.
    :param project: the .dtproj to choose if a folder contains several. Default: None.
    :param password: the password of the project or package. Default: None.
    :param limits: limits for the files.
    :returns: the findings, by file and line. A file that cannot be read is a finding too.
    :raises ConfigurationError: the configuration names a rule that does not exist.
    """
    check_rule_names(configuration)
    try:
        with open_files(source, project=project, password=password, limits=limits) as files:
            return check_files(files, configuration)
    except ProjectError as error:
        return tuple(_selected([_unreadable(error.part or source.name, error)], configuration))


def check_files(files: SsisFiles, configuration: LintConfiguration) -> tuple[Finding, ...]:
    """Check opened files; see :func:`check`.

    :param files: the files.
    :param configuration: which rules are checked, and how.
    """
    subject = Subject(files, configuration)
    subject.read()
    findings = [_unreadable(part, error) for part, error in subject.unreadable]
    for rule in RULES.values():
        if rule.id != UNREADABLE and is_selected(rule.id, configuration):
            findings += _findings(rule, subject)
    found = dict.fromkeys(_selected(findings, configuration))
    return tuple(sorted(found, key=lambda one: (one.place.file, one.place.line or 0, one.rule, one.message)))


def configuration_of(source: Path, path: Path | None = None) -> LintConfiguration:
    """Return the configuration that applies to a source.

    :param source: the file or folder to check.
    :param path: the configuration file. Default: the nearest one upwards; without one, the default configuration.
    :raises ConfigurationError: the file cannot be read, or a key, a value or the name of a rule is not valid.
    """
    path = path or find_configuration(source)
    if path is None:
        return LintConfiguration()
    found = read_configuration(path)
    try:
        check_rule_names(found)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return found


def check_rule_names(configuration: LintConfiguration) -> None:
    """Refuse names of rules that match no rule: a misspelt one would switch off checks, or ignore nothing.

    :param configuration: the configuration.
    :raises ConfigurationError: a name matches no rule.
    """
    per_file = (name for names in configuration.per_file.values() for name in names)
    for name in (*configuration.select, *configuration.ignore, *per_file):
        if not name or not any(_matches(rule_id, (name,)) for rule_id in RULES):
            raise ConfigurationError(f"no rule has the id {name!r}. {RULES_ADVICE}")
    for name in configuration.severities:
        if name not in RULES:
            raise ConfigurationError(f"a severity needs the whole id of a rule, not {name!r}. {RULES_ADVICE}")


def is_selected(rule_id: str, configuration: LintConfiguration) -> bool:
    """Return True if a configuration checks a rule.

    :param rule_id: the id of the rule.
    :param configuration: the configuration.
    """
    selected = not configuration.select or _matches(rule_id, configuration.select)
    return selected and not _matches(rule_id, configuration.ignore)


def _matches(rule_id: str, prefixes: Collection[str]) -> bool:
    return any(rule_id.startswith(prefix) for prefix in prefixes)


def _findings(rule: Rule, subject: Subject) -> Iterator[Finding]:
    skips_disabled = rule.severity > Severity.INFO and not rule.with_disabled
    for place, message in rule.check(subject):
        if not (skips_disabled and subject.is_disabled(place)):
            yield Finding(rule.id, rule.name, rule.severity, place, message, rule.fix)


def _unreadable(part: str, error: ProjectError) -> Finding:
    rule = RULES[UNREADABLE]
    place = Place(error.part or part, error.line)
    return Finding(rule.id, rule.name, rule.severity, place, error.problem, error.advice or rule.fix)


def _selected(findings: list[Finding], configuration: LintConfiguration) -> Iterator[Finding]:
    for one in findings:
        ignored = (
            _matches(one.rule, rules)
            for pattern, rules in configuration.per_file.items()
            if fnmatchcase(one.place.file, pattern)
        )
        if is_selected(one.rule, configuration) and not any(ignored):
            severity = configuration.severities.get(one.rule, one.severity)
            yield Finding(one.rule, one.name, Severity(severity), one.place, one.message, one.fix)
