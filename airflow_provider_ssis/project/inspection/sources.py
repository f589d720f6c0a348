"""Open what can be inspected, checked and compared: files of a project, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.archive import Archive, open_archive
from airflow_provider_ssis.project.errors import InvalidPartError, ProtectedError, located_in
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest.project_manifest import (
    MANIFEST,
    PROJECT_PARAMETERS,
    Manifest,
    read_manifest,
)
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.package.document import DtsPackage, dts_package, is_encrypted_package
from airflow_provider_ssis.project.protection.decryption import check_password, decrypted
from airflow_provider_ssis.project.protection.encrypted_values import HOW_TO_DECRYPT
from airflow_provider_ssis.project.regular_files import read_regular
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.dtproj import (
    Configuration,
    read_dtproj,
    read_package_model,
    uses_package_model,
)
from airflow_provider_ssis.project.visual_studio.project_folder import ProjectFolder

if TYPE_CHECKING:
    from lxml.etree import _Element

PACKAGE_SUFFIXES = (".dtsx", ".dtsxp")
_FILE_SUFFIXES = (*PACKAGE_SUFFIXES, ".conmgr", ".params")
_GIVE = "Give an .ispac, .dtproj, .dtsx, .dtsxp, .conmgr or .params file, or a project folder"


@dataclass
class SsisFiles:
    """The files of a source. Each is read and parsed once, when it is asked for.

    :param part: the name of the file that lists the others, or of the only file.
    :param names: the names of the packages, .conmgr and .params files.
    :param manifest: the manifest of a project of the project deployment model. Default: None.
    :param configurations: the configurations of a .dtproj. Default: none.
    :param source: where the files are, for errors. Default: None, unknown.
    """

    part: str
    names: tuple[str, ...]
    read: Callable[[str], bytes]
    manifest: Manifest | None = None
    configurations: tuple[Configuration, ...] = ()
    password: str | None = field(default=None, repr=False)
    limits: Limits = DEFAULT_LIMITS
    is_checked: bool = False
    source: str | None = None
    _roots: dict[str, _Element] = field(default_factory=dict, repr=False)
    _packages: dict[str, DtsPackage] = field(default_factory=dict, repr=False)

    @property
    def is_project(self) -> bool:
        """True for a project, False for a single file."""
        return self.part not in self.names

    @property
    def package_names(self) -> tuple[str, ...]:
        """The names of the packages."""
        return tuple(name for name in self.names if name.lower().endswith(PACKAGE_SUFFIXES))

    def root(self, name: str) -> _Element:
        """Return the root element of a file, decrypted if there is a password.

        :raises ProjectError: the file cannot be read.
        """
        if name not in self._roots:
            # Two sources can be open at once.
            with located_in(self.source):
                root = parse_xml(self.read(name), name, limits=self.limits)
                if self.password is not None:
                    root = decrypted(root, self.password, name, is_checked=self.is_checked, limits=self.limits)
            self._roots[name] = root
        return self._roots[name]

    def is_encrypted(self, name: str) -> bool:
        """Return True for a package that is encrypted as a whole, and that no password decrypts."""
        return is_encrypted_package(self.root(name))

    def package(self, name: str) -> DtsPackage:
        """Return a package.

        :raises ProtectedError: it is encrypted as a whole, and no password decrypts it.
        :raises ProjectError: the file cannot be read as a package.
        """
        if self.is_encrypted(name):
            raise ProtectedError("is encrypted as a whole", part=name, advice=HOW_TO_DECRYPT)
        if name not in self._packages:
            self._packages[name] = dts_package(self.root(name), name)
        return self._packages[name]

    def project_parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters of the project, without its connection parameters."""
        if PROJECT_PARAMETERS in self.names:
            return read_project_parameters(self.root(PROJECT_PARAMETERS), PROJECT_PARAMETERS)
        return self.manifest.parameters if self.manifest is not None else ()


@contextmanager
def open_files(
    source: Path | bytes, *, project: str | None = None, password: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[SsisFiles]:
    """Open a source.

    :param source: a package, project file (.ispac), .dtproj, project folder, .conmgr or .params file; or the content of
        a project file.
    :param project: the .dtproj to choose if a folder contains several. Default: None, the only one.
    :param password: the password of the project or package. Default: None.
    :param limits: limits for the files.
    :raises ProjectError: the source cannot be read.
    """
    if isinstance(source, bytes):
        with open_archive(source, limits=limits) as archive:
            yield _archive(archive, password, limits)
        return
    suffix = "" if source.is_dir() else source.suffix.lower()
    with located_in(source):
        if not source.exists():
            raise InvalidPartError("does not exist", part=source.name, advice=f"Check the path. {_GIVE}")
        if suffix == ".ispac":
            with open_archive(source, limits=limits) as archive:
                yield replace(_archive(archive, password, limits), source=str(source))
            return
        if suffix in _FILE_SUFFIXES:
            path = source
            only = SsisFiles(path.name, (path.name,), lambda name: file_content(path), password=password, limits=limits)
            yield replace(only, source=str(source))
            return
        if suffix != ".dtproj" and not source.is_dir():
            raise InvalidPartError("is not an SSIS file that can be read", part=source.name, advice=_GIVE)
        if suffix:
            source, project = source.parent, source.name
        yield replace(_folder(ProjectFolder.of(source, limits), project, password, limits), source=str(source))


def _archive(archive: Archive, password: str | None, limits: Limits) -> SsisFiles:
    root = parse_xml(archive.read(MANIFEST), MANIFEST, limits=limits)
    return _project(MANIFEST, root, archive.read, archive.__contains__, (), password, limits)


def _folder(folder: ProjectFolder, project: str | None, password: str | None, limits: Limits) -> SsisFiles:
    part = folder.dtproj(project)
    data = folder.read(part, part)

    def read(name: str) -> bytes:
        return folder.read(name, part)

    if uses_package_model(data, part, limits=limits):
        found = read_package_model(data, part, limits=limits)
        names = tuple(one.full_path or one.name for one in found.packages)
        return SsisFiles(part, names, read, configurations=found.configurations, password=password, limits=limits)
    dtproj = read_dtproj(data, part, limits=limits)
    return _project(part, dtproj.manifest, read, folder.__contains__, dtproj.configurations, password, limits)


def _project(
    part: str,
    root: _Element,
    read: Callable[[str], bytes],
    contains: Callable[[str], bool],
    configurations: tuple[Configuration, ...],
    password: str | None,
    limits: Limits,
) -> SsisFiles:
    is_checked = False
    if password is not None:
        is_checked = check_password(root, password, part)
        root = decrypted(root, password, part, is_checked=is_checked, limits=limits)
    manifest = read_manifest(root, part)
    names = (
        *(package.name for package in manifest.packages),
        *manifest.connection_managers,
        *((PROJECT_PARAMETERS,) if contains(PROJECT_PARAMETERS) else ()),
    )
    return SsisFiles(part, names, read, manifest, configurations, password, limits, is_checked)


def file_content(source: Path) -> bytes:
    """Read a file.

    :raises InvalidPartError: it cannot be read, or is not a regular file.
    """
    try:
        return read_regular(source)
    except OSError as error:
        raise InvalidPartError(f"cannot be read: {error.strerror or error}", part=source.name) from None
