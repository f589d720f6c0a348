"""``airflow-ssis build``: build a project file from a project folder."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from airflow_provider_ssis.cli.output_file import replacing

_SOURCE_FILES = (".dtproj", ".dtsx", ".params", ".conmgr")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options to the command line.

    :param subparsers: the commands of ``airflow-ssis``.
    """
    parser = subparsers.add_parser(
        "build",
        help="build a project file (.ispac) from a project folder",
        description="Build a project file (.ispac) from a project of the project deployment model. The same source "
        "always gives the same file.",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="the folder that contains the .dtproj, or the .dtproj itself; with --strip-sensitive also an .ispac",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the project file to write")
    parser.add_argument(
        "--configuration",
        metavar="NAME",
        help="use the parameter values and the target server version of this configuration (default: the values in the "
        "project's files, and the target server version of the first configuration)",
    )
    parser.add_argument(
        "--project", metavar="NAME", help="the .dtproj to build if the folder contains several (default: the only one)"
    )
    parser.add_argument(
        "--strip-sensitive",
        action="store_true",
        help="remove all sensitive values, list them, and set the protection level DontSaveSensitive (default: only "
        "values encrypted with a user key are removed)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the project file, and print what it contains. Warnings and errors go to standard error.

    :param options: the parsed command line.
    :returns: 0 if the file was written, 1 if not.
    """
    from airflow_provider_ssis.project.build import build_into
    from airflow_provider_ssis.project.content import content_hash
    from airflow_provider_ssis.project.errors import ProjectError

    if options.output.suffix.lower() in _SOURCE_FILES:
        return _failed(f"{options.output} has the name of a project's source file. Give it the extension .ispac")
    try:
        with replacing(options.output) as file:
            built = build_into(
                file,
                options.source,
                configuration=options.configuration,
                project=options.project,
                strip_sensitive=options.strip_sensitive,
            )
            size = file.seek(0, os.SEEK_END)
            digest = content_hash(file)
    except ProjectError as error:
        return _failed(str(error))
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        return _failed(f"cannot write {options.output}: {getattr(error, 'strerror', None) or error}")
    for warning in built.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    packages = built.project.packages
    print(f"Built project {built.project.name}: {options.output}, {size} bytes")
    print(f"Packages ({len(packages)}): {', '.join(package.name for package in packages)}")
    print(f"Content hash: {digest}")
    return 0


def _failed(problem: str) -> int:
    print(f"airflow-ssis build: {problem}", file=sys.stderr)
    return 1
