"""The source of a task: a project file, project folder or package on the worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import required_text


def existing_source(task: Any, source: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a task's source.

    :param task: the operator.
    :param source: the argument after templating. A relative path starts at the folder of the DAG file.
    :raises InvalidTaskArgument: it does not exist on this worker, or is relative and the task belongs to no DAG.
    """
    given = os.fspath(source) if isinstance(source, os.PathLike) else source
    path = Path(required_text("source", given))
    if not path.is_absolute():
        if not task.has_dag():
            raise InvalidTaskArgument(
                f"The source {given!r} is a relative path, and the task belongs to no DAG file. Give an absolute path."
            )
        path = Path(task.dag.folder) / path
    if not _exists(path):
        raise InvalidTaskArgument(
            f"The source {path} does not exist on this worker. Give the path of an .ispac file or of a project "
            "folder that exists on every worker; a relative path starts at the folder of the DAG file."
        )
    return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, such as a whole document
        return False
