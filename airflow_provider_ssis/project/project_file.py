"""Open the project file of a source: an .ispac as it is, or one that is built from a project folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from airflow_provider_ssis.project.archive import open_file
from airflow_provider_ssis.project.build import build_into
from airflow_provider_ssis.project.content import content_hash
from airflow_provider_ssis.project.errors import BuildError, InvalidArchiveError, located_in
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.models import Project
from airflow_provider_ssis.project.visual_studio.changes import Changes

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """An open project file. Its content stays on disk.

    :param project: the project in it.
    :param built: True if it was built, False if the source is an .ispac that is used as it is.
    :param warnings: the warnings of the build.
    """

    project: Project
    built: bool
    warnings: tuple[str, ...]
    _file: IO[bytes] = field(repr=False)
    _state: tuple[int, int]
    _limits: Limits

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._state[0]

    def read(self) -> bytes:
        """Read the whole file.

        :raises InvalidArchiveError: the file was changed after its project was read.
        """
        self._file.seek(0)
        data = self._file.read()
        self._require_unchanged()
        return data

    def has_content_of(self, other: IO[bytes]) -> bool:
        """Return True if another project file has the same content, however it was packed and written.

        :param other: the other project file: a seekable file.
        :raises ProjectError: one of the files cannot be read.
        """
        if _have_same_bytes(self._file, other):
            return True
        same = content_hash(self._file, limits=self._limits) == content_hash(other, limits=self._limits)
        self._require_unchanged()
        return same

    def _require_unchanged(self) -> None:
        if _state_of(self._file) != self._state:
            raise InvalidArchiveError(
                "the project file was changed while it was read", advice="Try again when no other process writes to it"
            )


@contextmanager
def open_project(
    source: Path,
    *,
    configuration: str | None = None,
    strip_sensitive: bool = False,
    password: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[ProjectFile]:
    """Open the project file of a source, and read its project.

    :param source: a project file (.ispac), a folder that contains a .dtproj, or the .dtproj itself.
    :param configuration: the configuration of the .dtproj, as for
        :func:`~airflow_provider_ssis.project.build.build_ispac`. Default: None.
    :param strip_sensitive: remove all sensitive values. Default: False.
    :param password: the password of the project, which a project that is encrypted as a whole needs. Default: None.
    :param limits: limits for the files.
    :raises ProjectError: the project cannot be read or built; the message names the file and what to do.
    """
    if strip_sensitive or source.is_dir() or source.suffix.lower() == ".dtproj":
        with tempfile.TemporaryFile(prefix="ispac-") as file:
            built = build_into(
                file,
                source,
                configuration=configuration,
                strip_sensitive=strip_sensitive,
                changes=Changes(password=password),
                limits=limits,
            )
            file.flush()
            with located_in(source):
                yield ProjectFile(built.project, True, built.warnings, file, _state_of(file), limits)
        return
    with located_in(source):
        if configuration is not None:
            raise BuildError(
                f"is a project file already, so the configuration {configuration!r} has no effect",
                part=str(source),
                advice="Leave the configuration out, or give the folder of the project",
            )
        with open_file(source) as archive:
            state = _state_of(archive)
            yield ProjectFile(read_ispac(archive, password=password, limits=limits), False, (), archive, state, limits)


def _state_of(file: IO[bytes]) -> tuple[int, int]:
    """Return the size and the modification time, which change with the content."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _have_same_bytes(one: IO[bytes], other: IO[bytes]) -> bool:
    if one.seek(0, os.SEEK_END) != other.seek(0, os.SEEK_END):
        return False
    one.seek(0)
    other.seek(0)
    while chunk := one.read(_CHUNK):
        if chunk != other.read(_CHUNK):
            return False
    return True
