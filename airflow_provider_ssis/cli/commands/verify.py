"""``airflow-ssis verify``: does a server's catalog behave as this project expects?"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import connector_command
from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.interrupts import Interruption, interruptible
from airflow_provider_ssis.cli.option_values import FilePath, confirm, poll_interval_option
from airflow_provider_ssis.cli.output import Output, console

if TYPE_CHECKING:
    from airflow_provider_ssis.hooks.connector import CatalogConnector
    from airflow_provider_ssis.verify.facts import Fact, Result
    from airflow_provider_ssis.verify.probe import Probe
    from airflow_provider_ssis.verify.report import Report

_QUESTION = (
    "The suite creates a folder and a customized logging level with a random name in the catalog, deploys projects to "
    "the folder, runs and stops their packages, and removes both. It changes nothing else. The log of these operations "
    "stays in the catalog.\nStart?"
)


@connector_command("verify")
@click.option("--ispac", type=FilePath(), metavar="FILE", help="A further project file to deploy.")
@click.option(
    "--only", multiple=True, metavar="GROUP", help="Only the facts whose ids begin with this text. Can be repeated."
)
@click.option("--report", type=FilePath(), metavar="FILE", help="Write the report to FILE.txt and FILE.json.")
@click.option("--yes", is_flag=True, help="Do not ask before the start.")
@poll_interval_option(1.0)
def command(
    connector: CatalogConnector,
    output: Output,
    ispac: Path | None,
    only: tuple[str, ...],
    report: Path | None,
    yes: bool,
    poll_interval: float,
) -> int:
    """Check on a real server what this project assumes of the SSISDB catalog: signatures, views, codes, the order of
    errors, a deployment, runs, parameters of every type, stops, permissions, catalog properties, logging levels and
    Scale Out.

    Everything happens in a scratch folder and a customized logging level with the same random name, which are removed
    at the end, also after Ctrl+C. Facts that do not apply to the edition, the version or the login are skipped. The
    report contains versions and error numbers, but no names of servers or logins: please attach it to an issue if the
    server contradicts a fact.

    Exit code 0: the server contradicts nothing; 1: it does, or something could not be removed; 130: interrupted.
    """
    from airflow_provider_ssis.verify.report import Report

    facts = _facts(only)
    if report is not None and not report.absolute().parent.is_dir():
        raise CommandFailed(f"cannot write {report}: there is no folder {report.absolute().parent}. Nothing was done.")
    if not yes and not confirm(_QUESTION):
        raise CommandFailed("nothing was done.")
    with connector.open_catalog() as catalog:
        session = catalog.server_session()
        refuses_login = catalog.refuses_login()
        schema_version = catalog.catalog_properties().get("SCHEMA_VERSION")
    began = datetime.now().astimezone()
    results: list[Result] = []
    left: list[str] = []
    interrupted = False
    with closing(connector.get_conn()) as connection:
        import pyodbc

        from airflow_provider_ssis.verify.answers import Server
        from airflow_provider_ssis.verify.probe import Probe

        probe = Probe(
            Server(connection, pyodbc.Error),
            session,
            refuses_login=refuses_login,
            ispac=None if ispac is None else _project_file(ispac),
            poll_interval=poll_interval,
        )
        try:
            with interruptible(signal.SIGINT, signal.SIGTERM) as interruption:
                _run(probe, facts, results, output, interruption)
        except KeyboardInterrupt:
            interrupted = True
            click.echo("Interrupted. Removing what the suite created.", err=True)
        finally:
            left = _removed(probe, connector)
    made = Report(
        began=began,
        session=session,
        refuses_login=refuses_login,
        schema_version=schema_version,
        driver=connector.odbc_driver.label,
        results=tuple(results),
        planned=len(facts),
        left=tuple(left),
    )
    _write(made, report)
    if output.as_json:
        output.json(made.as_json())
    else:
        click.echo(made.as_text() if report is None else f"{made.summary}\nReport: {report}.txt, {report}.json")
    if interrupted:
        return 130
    return 0 if made.is_confirmed else 1


def _facts(only: tuple[str, ...]) -> list[Fact]:
    from airflow_provider_ssis.verify.suite import all_facts

    facts = all_facts()
    if not only:
        return facts
    chosen = [fact for fact in facts if fact.id.startswith(only)]
    unknown = [each for each in only if not any(fact.id.startswith(each) for fact in facts)]
    if unknown:
        groups = ", ".join(dict.fromkeys(fact.group for fact in facts))
        raise click.UsageError(f"No fact begins with {unknown[0]!r}. The groups are {groups}.")
    return chosen


def _project_file(path: Path) -> tuple[str, bytes]:
    from airflow_provider_ssis.project.project_file import open_project

    if not path.exists():
        raise CommandFailed(f"{path} does not exist.")
    with open_project(path) as file:
        return file.project.name, file.read()


def _run(probe: Probe, facts: list[Fact], results: list[Result], output: Output, interruption: Interruption) -> None:
    """Try the facts, with a progress bar on a terminal."""
    from airflow_provider_ssis.verify.suite import check

    if output.as_json or not sys.stderr.isatty():
        for result in check(probe, facts):
            interruption.check()
            results.append(result)
        return
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Facts", total=len(facts))
        for result in check(probe, facts):
            interruption.check()
            results.append(result)
            progress.update(bar, advance=1, description=result.fact.id)


def _removed(probe: Probe, connector: CatalogConnector) -> list[str]:
    """Remove what the suite made, on another connection if that of the suite is broken or busy.

    :return: what is left, with the reason.
    """
    import pyodbc

    from airflow_provider_ssis.catalog.errors import CatalogError
    from airflow_provider_ssis.verify.answers import Server, ServerError

    if not probe.has_made_something:
        return []
    try:
        with closing(connector.get_conn()) as connection:
            probe.server = Server(connection, pyodbc.Error)
            return probe.remove()
    except (CatalogError, ServerError, pyodbc.Error) as error:
        return [f"the folder {probe.scratch}, because the connection failed ({type(error).__name__})"]


def _write(report: Report, path: Path | None) -> None:
    from airflow_provider_ssis.cli.output_file import replacing

    if path is None:
        return
    for suffix, text in ((".txt", report.as_text()), (".json", json.dumps(report.as_json(), indent=2) + "\n")):
        target = path.with_name(path.name + suffix)
        try:
            with replacing(target) as file:
                file.write(text.encode())
        except OSError as error:
            raise CommandFailed(f"cannot write {target}: {error.strerror or error}") from None
