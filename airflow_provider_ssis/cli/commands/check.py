"""``airflow-ssis check``: list the packages that the engine can run, and the unsupported parts of the others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath, Pair, Pairs, read_password
from airflow_provider_ssis.cli.output import Output, printable
from airflow_provider_ssis.cli.script_functions import script_functions


@click.command("check")
@click.argument("sources", type=FilePath(exists=True), nargs=-1, required=True)
@click.option("--package", metavar="NAME", help="Check one package of a project.")
@click.option(
    "--script",
    type=Pair("PATH=MODULE:FUNCTION"),
    multiple=True,
    help="A Python function in place of a script, as for run.",
)
@click.option(
    "--password-file",
    type=FilePath(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file with the password of the sources, in its first line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    sources: tuple[Path, ...], package: str | None, script: Pairs, password_file: Path | None, as_json: bool
) -> int:
    """Show the packages that the engine can run on this machine, and the unsupported parts of the others.

    SOURCES are packages (.dtsx), project files (.ispac), .dtproj files, project folders, or folders of packages.
    Nothing is run, and no connection is opened. A package whose passwords are encrypted can run if you give them; they
    are listed. Exit code 1: the engine cannot run some of the packages.
    """
    from airflow_provider_ssis.engine import EngineError, check_package
    from airflow_provider_ssis.project.errors import ProjectError

    output = Output(as_json=as_json)
    password = None if password_file is None else read_password(password_file)
    found = []
    try:
        scripts = script_functions(script)
        for source in sources:
            checked = check_package(source, package, scripts=scripts, password=password)
            found += [(str(source), one) for one in checked]
    except (EngineError, ProjectError) as error:
        raise CommandFailed(str(error), cause=error) from None
    if as_json:
        output.json([{"source": source, "can_run": one.can_run, **asdict(one)} for source, one in found])
    else:
        for _, one in found:
            missing = " with these values:" if one.can_run and one.values else ""
            click.echo(printable(f"{one.name}: {'can run' if one.can_run else 'cannot run'}{missing}"))
            for line in [one.problem] if one.problem else (*one.refusals, *one.values):
                click.echo(printable(f"  {line}"))
        can_run = sum(one.can_run for _, one in found)
        click.echo(f"The engine can run {can_run} of {len(found)} packages.")
    return 0 if all(one.can_run for _, one in found) else 1
