"""Find and read the files of a project folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.regular_files import open_regular

_NAME_THE_FOLDER = "Give the path of the folder that contains the .dtproj, or of the .dtproj itself"


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """The files of a folder, whose names are compared without case as on Windows.

    :param path: the folder.
    :param names: the names of its files, by name and by name in lower case.
    :param limits: limits on the size of a file.
    """

    path: Path
    names: dict[str, str]
    limits: Limits

    @classmethod
    def of(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> ProjectFolder:
        """List the files of a folder.

        :param path: the folder.
        :param limits: limits on the size of a file.
        :raises BuildError: the folder cannot be read.
        """
        try:
            names = sorted(file.name for file in path.iterdir() if file.is_file())
        except OSError as error:
            raise BuildError(
                f"cannot be read as a folder: {error.strerror or error}", part=str(path), advice=_NAME_THE_FOLDER
            ) from None
        return cls(path, {name.casefold(): name for name in names} | {name: name for name in names}, limits)

    def dtproj(self, project: str | None = None) -> str:
        """Return the name of the .dtproj.

        :param project: its name with or without the extension. Default: None, the only .dtproj of the folder.
        :raises BuildError: the folder contains no such .dtproj, or several.
        """
        found = sorted({name for name in self.names.values() if name.casefold().endswith(".dtproj")})
        if project is not None:
            wanted = {project.casefold(), f"{project.casefold()}.dtproj"}
            chosen = [name for name in found if name.casefold() in wanted]
            problem = f"contains no project {project!r}"
        else:
            chosen, problem = found, "contains more than one .dtproj" if found else "contains no .dtproj"
        if len(chosen) != 1:
            advice = f"Choose one of {', '.join(found)}" if found else _NAME_THE_FOLDER
            raise BuildError(problem, part=str(self.path), advice=advice)
        return chosen[0]

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self.names

    def read(self, name: str, listed_in: str) -> bytes:
        """Read a file.

        :param name: its name.
        :param listed_in: the file that refers to it, for errors.
        :returns: its content, cut off after the limit plus one byte; the XML parser refuses that.
        :raises BuildError: the file is missing or cannot be read.
        """
        actual = self.names.get(name) or self.names.get(name.casefold())
        if actual is None:
            raise BuildError(
                f"is missing in {self.path}, but {listed_in} refers to it",
                part=name,
                advice="Restore the file, or remove it from the project in Visual Studio",
            )
        try:
            with open_regular(self.path / actual) as file:
                return file.read(self.limits.part_bytes + 1)
        except OSError as error:
            raise BuildError(f"cannot be read: {error.strerror or error}", part=name) from None
