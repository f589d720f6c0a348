"""Where deployed project files are kept: one file for each version, beside the database or in a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Final

from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import Project

_PARSED_KEPT: Final = 64


class ProjectFiles:
    """The streams of deployed projects, by version.

    :param folder: where they are kept; None takes a temporary folder that is gone when this is closed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._temporary = folder is None
        self._folder = Path(tempfile.mkdtemp(prefix="ssisdb-projects-")) if folder is None else folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._parsed: OrderedDict[int, Project] = OrderedDict()

    def write(self, version: int, stream: bytes, project: Project) -> None:
        """Keep a version."""
        self._path(version).write_bytes(stream)
        self._remember(version, project)

    def read(self, version: int) -> bytes:
        """The stream of a version, as it was deployed.

        :raises OSError: the file is gone.
        """
        return self._path(version).read_bytes()

    def project(self, version: int) -> Project:
        """What a version holds."""
        if version not in self._parsed:
            self._remember(version, read_ispac(self._path(version)))
        self._parsed.move_to_end(version)
        return self._parsed[version]

    def delete(self, version: int) -> None:
        """Forget a version."""
        self._parsed.pop(version, None)
        self._path(version).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all versions."""
        self._parsed.clear()
        for path in self._folder.glob("*.ispac"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the temporary folder."""
        self._parsed.clear()
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _remember(self, version: int, project: Project) -> None:
        self._parsed[version] = project
        if len(self._parsed) > _PARSED_KEPT:
            self._parsed.popitem(last=False)

    def _path(self, version: int) -> Path:
        return self._folder / f"{version}.ispac"
