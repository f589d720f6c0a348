"""``airflow-ssis build``: a project folder becomes a project file."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "build",
        help="build a project file (.ispac) from a project folder",
        description="Build a project file (.ispac) from a folder with a .dtproj of the project deployment model. "
        "The same folder gives the same file.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder with the .dtproj and its files")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the project file to write")
    parser.add_argument(
        "--configuration",
        metavar="NAME",
        help="take the parameters' values from this configuration (default: those in the project's files)",
    )
    parser.add_argument("--project", metavar="NAME", help="which .dtproj to build, where the folder holds several")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build, write, and say what was built; warnings and errors go to standard error.

    :returns: 0 when the file was written, 1 when not.
    """
    from airflow_provider_ssis.project.build import build_project
    from airflow_provider_ssis.project.errors import ProjectError, naming
    from airflow_provider_ssis.project.ispac import content_hash

    try:
        with naming(options.folder):
            built = build_project(options.folder, configuration=options.configuration, project=options.project)
        write_whole(options.output, built.ispac)
    except ProjectError as error:
        print(f"airflow-ssis build: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"airflow-ssis build: cannot write {options.output}: {error.strerror or error}", file=sys.stderr)
        return 1
    for warning in built.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    packages = built.project.packages
    print(f"Built project {built.project.name}: {options.output}, {len(built.ispac)} bytes")
    print(f"Packages ({len(packages)}): {', '.join(package.name for package in packages)}")
    print(f"Content hash: {content_hash(built.ispac)}")
    return 0


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it.

    :raises OSError: it cannot be written; a file that was there before stays as it was.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.close()
            # A temporary file is its owner's alone; a build's result is as readable as any file made here.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
