"""``airflow-ssis lint``: check SSIS projects and packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath, read_password
from airflow_provider_ssis.cli.output import printable
from airflow_provider_ssis.cli.output_file import replacing
from airflow_provider_ssis.lint.configuration import TARGETS, ConfigurationError, LintConfiguration

if TYPE_CHECKING:
    from airflow_provider_ssis.lint.findings import Finding

_FILE = FilePath(exists=True, dir_okay=False)
_PASSWORD_FILE = FilePath(exists=True, dir_okay=False, allow_dash=True)


@click.command("lint")
@click.argument("sources", type=FilePath(), nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "sarif", "github")),
    default="text",
    help="The form of the findings.",
)
@click.option("--target", type=click.Choice(TARGETS), help="Also report what this target does not have or run.")
@click.option(
    "--select", multiple=True, metavar="RULE", help="Check this rule, or the rules whose ids begin with this text."
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    help="Do not check this rule, or the rules whose ids begin with this text.",
)
@click.option(
    "--config",
    type=_FILE,
    metavar="FILE",
    help="The configuration. Default: the nearest airflow-ssis.toml, or pyproject.toml with [tool.airflow-ssis.lint].",
)
@click.option("--baseline", type=FilePath(), metavar="FILE", help="Leave out the findings in this file.")
@click.option("--write-baseline", type=FilePath(), metavar="FILE", help="Write all findings to this file.")
@click.option("--project", metavar="NAME", help="The .dtproj to check if the folder contains several.")
@click.option(
    "--password-file",
    type=_PASSWORD_FILE,
    metavar="FILE",
    help="The file with the password of the sources, in its first line.",
)
@click.option("--rules", "list_rules", is_flag=True, help="Print all rules, and end.")
@click.option("--explain", metavar="RULE", help="Print what a rule is about, and end.")
def command(
    sources: tuple[Path, ...],
    form: str,
    target: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    config: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    project: str | None,
    password_file: Path | None,
    list_rules: bool,
    explain: str | None,
) -> None:
    """Check projects and packages for faults, bad practice, and what a target does not support.

    SOURCES are project files (.ispac), .dtproj files, project folders, or packages. Exit code 1: there are errors.
    """
    from airflow_provider_ssis.lint.baseline import new_findings
    from airflow_provider_ssis.lint.baseline import write_baseline as baseline_text
    from airflow_provider_ssis.lint.findings import Severity
    from airflow_provider_ssis.lint.output import FORMATS
    from airflow_provider_ssis.lint.runner import check

    if list_rules or explain:
        _print_rules(explain)
        return
    if not sources:
        raise click.UsageError("Missing argument 'SOURCES...'.")
    password = None if password_file is None else read_password(password_file)
    findings: list[Finding] = []
    shown: Sequence[Finding]
    try:
        for source in sources:
            configuration = _configuration(source, config, target, select, ignore)
            found = check(source, configuration, project=project, password=password)
            findings += (replace(one, place=replace(one.place, folder=_folder(source, one))) for one in found)
        shown = findings if baseline is None else new_findings(findings, baseline)
    except ConfigurationError as error:
        raise CommandFailed(str(error)) from None
    if write_baseline is not None:
        try:
            with replacing(write_baseline) as file:
                file.write(baseline_text(findings).encode())
        except OSError as error:
            raise CommandFailed(f"cannot write {write_baseline}: {error.strerror or error}") from None
        click.echo(f"Wrote {len(findings)} findings to {write_baseline}.", err=True)
        return
    text = FORMATS[form](shown)
    click.echo(printable(text) if form == "text" else text, nl=False)
    if any(one.severity is Severity.ERROR for one in shown):
        click.get_current_context().exit(1)


def _folder(source: Path, found: Finding) -> str:
    """Return the folder of a finding's file from the working directory; a project file counts as a folder."""
    # A finding about the source as a whole has its name.
    is_inside = (source.is_dir() or source.suffix.lower() == ".ispac") and found.place.file != source.name
    folder = source if is_inside else source.parent
    here = Path.cwd()
    return (folder.relative_to(here) if folder.is_relative_to(here) else folder).as_posix()


def _configuration(
    source: Path, config: Path | None, target: str | None, select: tuple[str, ...], ignore: tuple[str, ...]
) -> LintConfiguration:
    """Return the configuration of a source, with the options of the command line on top."""
    from airflow_provider_ssis.lint.runner import configuration_of

    found = configuration_of(source, config)
    return replace(found, target=target or found.target, select=select or found.select, ignore=(*found.ignore, *ignore))


def _print_rules(rule_id: str | None) -> None:
    from airflow_provider_ssis.lint.rule_table import RULES
    from airflow_provider_ssis.lint.runner import RULES_ADVICE

    if rule_id is None:
        for rule in sorted(RULES.values(), key=lambda one: one.id):
            click.echo(f"{rule.id}  {rule.severity.label:8}{rule.name}")
        return
    if rule_id not in RULES:
        raise CommandFailed(f"no rule has the id {rule_id!r}. {RULES_ADVICE}")
    rule = RULES[rule_id]
    click.echo(f"{rule.id} {rule.name} ({rule.severity.label})\n\n{rule.explanation}\n\nFix: {rule.fix}.")
