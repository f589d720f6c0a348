"""``airflow-ssis fmt``: write SSIS files in a canonical form for version control."""

from __future__ import annotations

from pathlib import Path

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import FilePath
from airflow_provider_ssis.cli.output import printable
from airflow_provider_ssis.cli.output_file import replacing

_SUFFIXES = (".dtsx", ".dtsxp", ".conmgr", ".params", ".dtproj", ".dtsconfig")


class _FmtCommand(click.Command):
    """A command whose exit code 1 is a file that is not in canonical form."""

    failed_exit_code = 2


@click.command("fmt", cls=_FmtCommand)
@click.argument("paths", type=FilePath(exists=True), nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Change nothing, and exit with 1 if a file is not in canonical form.")
@click.option("--strip-layout", is_flag=True, help="Remove the designer's layout; the designer makes a new one.")
@click.option("--strip-machine", is_flag=True, help="Remove names of machines and authors, and times of creation.")
def command(paths: tuple[Path, ...], check: bool, strip_layout: bool, strip_machine: bool) -> int:
    """Write SSIS files in a canonical form: one property a line, in a fixed order, so that changes are easy to read in
    version control. What SSIS reads stays the same. Exit code 0: done, 1: --check found a file, 2: a file failed.

    PATHS are .dtsx, .dtsxp, .conmgr, .params, .dtproj and .dtsConfig files, or folders with such files.
    """
    from airflow_provider_ssis.project.comparison.canonical import canonical
    from airflow_provider_ssis.project.errors import ProjectError
    from airflow_provider_ssis.project.regular_files import read_regular

    changed = failed = 0
    for path in _files(paths):
        try:
            data = read_regular(path)
            new = canonical(data, str(path), layout=not strip_layout, machine=not strip_machine)
            if new == data:
                continue
            if not check:
                with replacing(path) as file:
                    file.write(new)
        except (ProjectError, OSError) as error:
            failed += 1
            reason = (
                f"cannot read or write {path}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
            )
            click.echo(printable(f"error: {reason}"), err=True)
            continue
        changed += 1
        click.echo(f"{'would format' if check else 'formatted'} {path}")
    if failed:
        raise CommandFailed(f"{failed} file{'s' if failed != 1 else ''} cannot be formatted", 2)
    return 1 if check and changed else 0


def _files(paths: tuple[Path, ...]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        known = [one for one in inside if one.is_file() and one.suffix.lower() in _SUFFIXES]
        if not known:
            what = "contains no" if path.is_dir() else "is not a"
            raise CommandFailed(f"{path} {what} file that can be formatted. Known: {', '.join(_SUFFIXES)}", 2)
        found |= dict.fromkeys(known)
    return list(found)
