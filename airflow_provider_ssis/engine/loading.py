"""Load the source of a run: a package, a project file (.ispac), or the folder of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from airflow_provider_ssis.engine.errors import EngineError
from airflow_provider_ssis.project.errors import ProjectError, located_in
from airflow_provider_ssis.project.inspection.sources import PACKAGE_SUFFIXES, SsisFiles, open_files
from airflow_provider_ssis.project.manifest.project_manifest import PROJECT_PARAMETERS
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.connections import DtsConnectionManager, read_dts_connection_manager
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.protection.encrypted_values import is_encrypted
from airflow_provider_ssis.project.visual_studio.project_folder import ProjectFolder

_LISTED = 20
"""How many names an error lists."""
_LOOSE = (*PACKAGE_SUFFIXES, ".conmgr", ".params")


class LoadError(EngineError):
    """A package or project cannot be loaded."""


class PackageNotFoundError(LoadError):
    """A project has no package of a name."""


@dataclass
class LoadedProject:
    """A project, or a single package without one. Its packages are read when they are asked for.

    :param source: where it was loaded from.
    :param folder: the folder of its files; None for a project file.
    :param entry: the package to run if the caller names none; None if there are several.
    """

    source: str
    folder: Path | None
    entry: str | None
    _files: SsisFiles = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the project; empty for packages without a project."""
        return "" if self._files.manifest is None else self._files.manifest.name

    @property
    def is_project(self) -> bool:
        """Whether it uses the project deployment model, in which configurations are not applied."""
        return self._files.manifest is not None

    @property
    def package_names(self) -> tuple[str, ...]:
        """The file names of the packages."""
        return self._files.package_names

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the project, without its connection parameters."""
        with located_in(self.source):
            return self._files.project_parameters()

    @cached_property
    def encrypted_parameters(self) -> tuple[str, ...]:
        """The names of the project's parameters whose values are encrypted, so that they are not known."""
        if PROJECT_PARAMETERS not in self._files.names:
            return ()
        return tuple(
            element.get(f"{SSIS}Name", "")
            for element in self._files.root(PROJECT_PARAMETERS).iterfind(f"{SSIS}Parameter")
            if any(is_encrypted(one) for one in element.iterfind(f"{SSIS}Properties/{SSIS}Property"))
        )

    @cached_property
    def connection_parameters(self) -> tuple[Parameter, ...]:
        """The project's connection parameters (``CM.Sales.ConnectionString``)."""
        return () if self._files.manifest is None else self._files.manifest.connection_parameters

    @cached_property
    def connection_managers(self) -> tuple[DtsConnectionManager, ...]:
        """The connection managers of the project."""
        with located_in(self.source):
            return tuple(
                read_dts_connection_manager(self._files.root(name), name)
                for name in self._files.names
                if name.lower().endswith(".conmgr")
            )

    def file_name(self, name: str | None = None) -> str:
        """Return the file name of a package.

        :param name: with or without ``.dtsx``, in upper or lower case. Default: None, the only package.
        :raises PackageNotFoundError: there is no such package.
        :raises LoadError: there is more than one, and none was named.
        """
        known = _listed(self.package_names)
        if name is None:
            if self.entry is None:
                raise LoadError(f"{self.source} contains several packages. Name the one to run: {known}.")
            return self.entry
        wanted = {name.casefold(), f"{name}.dtsx".casefold()}
        for one in self.package_names:
            if one.casefold() in wanted:
                return one
        path = Path(self.source)
        place = path.parent if path.suffix.lower() == ".dtsx" else self.source
        raise PackageNotFoundError(f"{place} contains no package {name}. Packages: {known}.")

    def package(self, name: str) -> DtsPackage:
        """Return a package.

        :param name: its file name, as :meth:`file_name` returns it.
        :raises ProjectError: the file cannot be read as a package, or is encrypted and the password is missing.
        """
        with located_in(self.source):
            return self._files.package(name)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return (", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")) or "none"


def load_project(source: Path | str | bytes, *, password: str | None = None) -> LoadedProject:
    """Load a package or project.

    A package (.dtsx) whose folder contains its project uses the parameters and connection managers of the project.

    :param source: a package, project file (.ispac), .dtproj, the folder of a project or of packages; or the content of
        a project file.
    :param password: the password that protects the project or the package. Default: None.
    :raises LoadError: there is nothing to run in it.
    :raises ProjectError: it cannot be read; the message names the file and what to do.
    """
    if isinstance(source, bytes):
        return _opened(source, "the project file", None, password)
    path = Path(source)
    if path.is_dir():
        if any(one.suffix.lower() == ".dtproj" for one in path.iterdir()):
            return _opened(path, str(path), path, password)
        return _loose(path, None, password)
    if path.suffix.lower() in PACKAGE_SUFFIXES and path.is_file():
        return _package(path, password)
    return _opened(path, str(path), path.parent if path.suffix.lower() == ".dtproj" else None, password)


def _package(path: Path, password: str | None) -> LoadedProject:
    """Load a package, with its project if a .dtproj in its folder lists the package."""
    for dtproj in sorted(path.parent.glob("*.[dD][tT][pP][rR][oO][jJ]")):
        try:
            found = _opened(dtproj, str(path), path.parent, password)
        except ProjectError:
            continue  # another project of the folder; the package alone may still run
        if path.name in found.package_names:
            found.entry = path.name
            return found
    return _loose(path.parent, path.name, password)


def _loose(folder: Path, package: str | None, password: str | None) -> LoadedProject:
    """Load the packages of a folder without a project, with the connection managers and parameters in it."""
    files = ProjectFolder.of(folder)
    names = sorted({name for name in files.names.values() if name.lower().endswith(_LOOSE)})
    packages = [name for name in names if name.lower().endswith(PACKAGE_SUFFIXES)]
    if not packages:
        raise LoadError(f"{folder} contains no package (.dtsx) and no project (.dtproj).")
    shared = [name for name in names if name == PROJECT_PARAMETERS or name.lower().endswith(".conmgr")]
    part = package or folder.name
    source = str(folder / package) if package else str(folder)
    entry = package or (packages[0] if len(packages) == 1 else None)
    opened = SsisFiles(part, (*packages, *shared), lambda name: files.read(name, part), password=password)
    return LoadedProject(source, folder, entry, opened)


def _opened(source: Path | bytes, shown: str, folder: Path | None, password: str | None) -> LoadedProject:
    with open_files(source, password=password) as files:
        if isinstance(source, bytes) or source.suffix.lower() == ".ispac":
            # The archive is closed after this block, and packages are parsed when they are asked for.
            files.read = {name: files.read(name) for name in files.names}.__getitem__
    if not files.package_names:
        raise LoadError(f"{shown} contains no package.")
    entry = files.package_names[0] if len(files.package_names) == 1 else None
    return LoadedProject(shown, folder, entry, files)
