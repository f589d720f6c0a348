"""The files of deployed projects: one for each version, next to the database or in a temporary folder."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Final

from airflow_provider_ssis.project.archive import Source, open_archive
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import Project
from airflow_provider_ssis.project.package.document import DtsPackage, read_dts_package

_PARSED_KEPT: Final = 64
_SUFFIX: Final = ".ispac"
_STAGED: Final = "staged-"


def read_deployed(source: Source) -> Project:
    """Read a project file as a server does: a package with invalid content is kept, and fails when it is run.

    :param source: the project file: bytes or path.
    :raises ProjectError: the file is damaged, or the project itself is invalid.
    """
    return read_ispac(source, keep_invalid=True)


class ProjectFiles:
    """The streams of deployed projects, by version.

    :param folder: the folder of the files; None takes a temporary folder, which :meth:`close` deletes.
    """

    def __init__(self, folder: Path | None) -> None:
        self._temporary = folder is None
        self._folder = Path(tempfile.mkdtemp(prefix="ssisdb-projects-")) if folder is None else folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._parsed: OrderedDict[int, Project] = OrderedDict()
        for left in self._folder.glob(f"{_STAGED}*"):
            left.unlink(missing_ok=True)

    async def stage(self, stream: bytes) -> Path:
        """Write a stream to a new file, which :meth:`keep` makes a version."""

        def write() -> Path:
            with tempfile.NamedTemporaryFile(prefix=_STAGED, suffix=_SUFFIX, dir=self._folder, delete=False) as file:
                file.write(stream)
            return Path(file.name)

        return await asyncio.to_thread(write)

    def keep(self, version: int, staged: Path, project: Project) -> None:
        """Make a staged file a version."""
        staged.rename(self.path(version))
        self._remember(version, project)

    def read(self, version: int) -> bytes:
        """The stream of a version, as it was deployed.

        :raises OSError: the file is missing.
        """
        return self.path(version).read_bytes()

    async def load(self, version: int) -> None:
        """Read a version in a thread, so that :meth:`project` has it at once. A deleted version is not an error."""
        if version not in self._parsed and self.path(version).exists():
            self._remember(version, await asyncio.to_thread(read_deployed, self.path(version)))

    def project(self, version: int) -> Project:
        """The project of a version."""
        if version not in self._parsed:
            self._remember(version, read_deployed(self.path(version)))
        self._parsed.move_to_end(version)
        return self._parsed[version]

    def document(self, version: int, package: str) -> DtsPackage:
        """The typed document of a package of a version.

        :raises ProjectError: the package cannot be read.
        :raises OSError: the file is missing.
        """
        with open_archive(self.path(version)) as archive:
            name = next((name for name in archive.names if name.lower() == package.lower()), package)
            return read_dts_package(archive.read(name), name)

    def delete(self, version: int) -> None:
        """Delete a version."""
        self._parsed.pop(version, None)
        self.path(version).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete all versions."""
        self._parsed.clear()
        for path in self._folder.glob(f"*{_SUFFIX}"):
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

    def path(self, version: int) -> Path:
        """The file of a version."""
        return self._folder / f"{version}{_SUFFIX}"
