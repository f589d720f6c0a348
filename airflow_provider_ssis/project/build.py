"""Build a project file (.ispac), as Visual Studio's build does.

There is nothing to compile: Visual Studio compiles scripts when it saves them, and stores them in the packages.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, open_archive, write_archive
from airflow_provider_ssis.project.build_checks import check_package, check_protection
from airflow_provider_ssis.project.dtproj import manifest_bytes, read_dtproj
from airflow_provider_ssis.project.dtsx import PackageFile, read_package
from airflow_provider_ssis.project.errors import BuildError, LimitExceededError, located_in
from airflow_provider_ssis.project.ispac import assemble_project
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, MEBIBYTE, Limits
from airflow_provider_ssis.project.manifest import MANIFEST, PROJECT_PARAMETERS, Manifest, read_manifest
from airflow_provider_ssis.project.models import ConnectionManager, Project, ProtectionLevel
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.connections import read_connection_manager
from airflow_provider_ssis.project.project_folder import ProjectFolder
from airflow_provider_ssis.project.properties import read_project_parameters
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.sensitive import strip_file, strip_manifest, strip_parameters
from airflow_provider_ssis.project.settings import apply_target_version, apply_values

if TYPE_CHECKING:
    from lxml.etree import _Element

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The result of a build.

    :param project: the project in the project file.
    :param warnings: what the author of the project should know.
    :param stripped: the sensitive values that were removed, each with its file:
        ``Project.params: the value of the parameter Key``.
    """

    project: Project
    warnings: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltProject(BuildResult):
    """A project file that was built in memory.

    :param ispac: the content of the file.
    """

    ispac: bytes = field(default=b"", repr=False)


def build_ispac(
    source: Path | str,
    *,
    configuration: str | None = None,
    project: str | None = None,
    strip_sensitive: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Build a project file in memory, and log the warnings.

    The same source gives the same bytes on every machine with the same zlib.

    :param source: the folder that contains the .dtproj, the .dtproj itself, or, with ``strip_sensitive``, a project
        file (.ispac).
    :param configuration: the configuration of the .dtproj whose parameter values and target server version are used.
        Default: None; parameters keep the values in the project's files, and the target server version is that of the
        first configuration.
    :param project: the .dtproj to build if the folder contains several, with or without the extension. Default: None,
        the only one.
    :param strip_sensitive: remove all sensitive values, and set the protection level DontSaveSensitive. Default: False;
        only values encrypted with a user key are removed from a folder's project, because no one else can decrypt them.
    :param limits: limits for the files.
    :returns: the content of the project file.
    :raises ProjectError: the source cannot be built; the message names the file and what to do.
    """
    built = build_project(
        source, configuration=configuration, project=project, strip_sensitive=strip_sensitive, limits=limits
    )
    for warning in built.warnings:
        logger.warning("%s", warning)
    return built.ispac


def build_project(
    source: Path | str,
    *,
    configuration: str | None = None,
    project: str | None = None,
    strip_sensitive: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> BuiltProject:
    """Build a project file in memory.

    :param source: as for :func:`build_ispac`.
    :param configuration: as for :func:`build_ispac`.
    :param project: as for :func:`build_ispac`.
    :param strip_sensitive: as for :func:`build_ispac`.
    :param limits: as for :func:`build_ispac`.
    :returns: the project file, its project, and warnings.
    :raises ProjectError: as for :func:`build_ispac`.
    """
    buffer = io.BytesIO()
    built = build_into(
        buffer, source, configuration=configuration, project=project, strip_sensitive=strip_sensitive, limits=limits
    )
    return BuiltProject(built.project, built.warnings, built.stripped, buffer.getvalue())


def build_into(
    file: IO[bytes],
    source: Path | str,
    *,
    configuration: str | None = None,
    project: str | None = None,
    strip_sensitive: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> BuildResult:
    """Build a project file into an open file. One part at a time is in memory.

    :param file: a seekable file, open for writing bytes.
    :param source: as for :func:`build_ispac`.
    :param configuration: as for :func:`build_ispac`.
    :param project: as for :func:`build_ispac`.
    :param strip_sensitive: as for :func:`build_ispac`.
    :param limits: as for :func:`build_ispac`.
    :returns: the project and warnings.
    :raises ProjectError: as for :func:`build_ispac`; the content of ``file`` is incomplete then.
    """
    source = Path(source)
    with located_in(source):
        if source.suffix.lower() == ".ispac" and not source.is_dir():
            if not strip_sensitive or configuration is not None or project is not None:
                raise BuildError(
                    "is a project file already",
                    part=str(source),
                    advice="Deploy it as it is, or remove its sensitive values with strip_sensitive "
                    "(--strip-sensitive), without a configuration and without a project",
                )
            return _build_from_archive(file, source, limits)
        return _build_from_folder(file, source, configuration, project, strip_sensitive, limits)


def _build_from_folder(
    file: IO[bytes], source: Path, configuration: str | None, project: str | None, strip_sensitive: bool, limits: Limits
) -> BuildResult:
    if source.suffix.lower() == ".dtproj" and not source.is_dir():
        if project is not None and project.casefold() not in (source.name.casefold(), source.stem.casefold()):
            raise BuildError(f"is not the project {project!r}", part=str(source), advice="Leave the project out")
        source, project = source.parent, source.name
    folder = ProjectFolder.of(source, limits)
    part = folder.dtproj(project)
    dtproj = read_dtproj(folder.read(part, part), part, limits=limits)
    manifest = read_manifest(dtproj.manifest, part)
    check_protection(manifest.protection_level, part, strip_sensitive=strip_sensitive)
    build = _Build(part, dtproj.manifest, manifest, lambda name: folder.read(name, part), limits)
    # Previews of SQL Server 2012 wrote no Project.params, and the parameters into the manifest.
    if PROJECT_PARAMETERS in folder or dtproj.manifest.find(f"{SSIS}Parameters") is None:
        build.read_parameters()
    chosen = None if configuration is None else dtproj.configuration(configuration)
    if chosen is not None:
        build.warnings += apply_values(chosen, dtproj.manifest, build.parameters, part)
    build.warnings += apply_target_version(dtproj, chosen)
    if strip_sensitive or manifest.protection_level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY:
        build.strip()
    return build.write(file, byte_for_byte=chosen is None)


def _build_from_archive(file: IO[bytes], source: Path, limits: Limits) -> BuildResult:
    """Copy a project file without its sensitive values."""
    with open_archive(source, limits=limits) as archive:
        archive.read(CONTENT_TYPES)
        root = parse_xml(archive.read(MANIFEST), MANIFEST, limits=limits)
        manifest = read_manifest(root)
        check_protection(manifest.protection_level, MANIFEST, strip_sensitive=True)
        build = _Build(MANIFEST, root, manifest, archive.read, limits)
        if PROJECT_PARAMETERS in archive:
            build.read_parameters()
        build.strip()
        result = build.write(file)
        used = {name.casefold() for name in (*build.part_names(), MANIFEST, CONTENT_TYPES)}
        unused = [name for name in archive.names if name.casefold() not in used]
        warnings = [f"{name}: left out, because the manifest does not list it" for name in unused]
        return BuildResult(result.project, (*result.warnings, *warnings), result.stripped)


class _Build:
    """A build in progress: the manifest and the parameters as they will be written, and what was found so far."""

    def __init__(
        self, part: str, root: _Element, manifest: Manifest, read: Callable[[str], bytes], limits: Limits
    ) -> None:
        self.part = part
        self.root = root
        self.manifest = manifest
        self.parameters: _Element | None = None
        self.warnings: list[str] = []
        self.stripped: list[str] = []
        self._original_parameters = b""
        self._read = read
        self._limits = limits
        self._strips = False

    def read_parameters(self) -> None:
        """Read Project.params."""
        self._original_parameters = self._read(PROJECT_PARAMETERS)
        self.parameters = parse_xml(self._original_parameters, PROJECT_PARAMETERS, limits=self._limits)
        read_project_parameters(self.parameters, PROJECT_PARAMETERS)

    def strip(self) -> None:
        """Remove the sensitive values: from manifest and parameters now, from other files when they are written."""
        self._strips = True
        self._record_stripped(self.part, strip_manifest(self.root, self.part))
        if self.parameters is not None:
            self._record_stripped(PROJECT_PARAMETERS, strip_parameters(self.parameters, PROJECT_PARAMETERS))

    def part_names(self) -> list[str]:
        """Return the names of the parts in Visual Studio's order, without the manifest and the content types."""
        names = [package.name for package in self.manifest.packages] + list(self.manifest.connection_managers)
        return names if self.parameters is None else [*names, PROJECT_PARAMETERS]

    def write(self, file: IO[bytes], *, byte_for_byte: bool = False) -> BuildResult:
        """Write the project file.

        :param file: a seekable file, open for writing bytes.
        :param byte_for_byte: copy Project.params unchanged, unless sensitive values were removed. Default: False.
        """
        packages: list[PackageFile] = []
        managers: list[ConnectionManager] = []
        write_archive(file, self._within_limits(self._parts(packages, managers, byte_for_byte and not self._strips)))
        with open_archive(file, limits=self._limits):
            pass  # what cannot be read again is not built
        manifest = read_manifest(self.root, self.part)
        declared = manifest.parameters
        if self.parameters is not None:
            declared = read_project_parameters(self.parameters, PROJECT_PARAMETERS)
        project = assemble_project(manifest, declared, managers, packages)
        return BuildResult(project, tuple(self.warnings), tuple(self.stripped))

    def _parts(
        self, packages: list[PackageFile], managers: list[ConnectionManager], byte_for_byte: bool
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the parts in Visual Studio's order, and collect the content of packages and connection managers."""
        for package in self.manifest.packages:
            data = self._read(package.name)
            content = read_package(data, package.name, limits=self._limits)
            self.warnings += check_package(package, content, self.manifest)
            packages.append(content)
            yield package.name, self._without_secrets(data, package.name)
        for name in self.manifest.connection_managers:
            data = self._read(name)
            managers.append(read_connection_manager(parse_xml(data, name, limits=self._limits), name))
            yield name, self._without_secrets(data, name)
        if self.parameters is not None:
            yield PROJECT_PARAMETERS, self._original_parameters if byte_for_byte else _document(self.parameters)
        yield MANIFEST, manifest_bytes(self.root)
        yield CONTENT_TYPES, _content_types(self.part_names())

    def _within_limits(self, parts: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        total = 0
        for number, (name, data) in enumerate(parts, start=1):
            total += len(data)
            if number > self._limits.parts:
                raise LimitExceededError(f"has more files than the limit of {self._limits.parts}", part=self.part)
            if total > self._limits.total_bytes:
                limit = self._limits.total_bytes / MEBIBYTE
                raise LimitExceededError(f"has files of more than the limit of {limit:.0f} MiB", part=self.part)
            yield name, data

    def _without_secrets(self, data: bytes, name: str) -> bytes:
        if not self._strips:
            return data
        data, removed = strip_file(data, name, limits=self._limits)
        self._record_stripped(name, removed)
        return data

    def _record_stripped(self, part: str, removed: list[str]) -> None:
        by_user_key = self.manifest.protection_level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
        reason = "only its author's Windows account can decrypt it" if by_user_key else "it is sensitive"
        for what in removed:
            self.stripped.append(f"{part}: {what}")
            self.warnings.append(f"{part}: removed {what}, because {reason}; set it on the server")


def _document(root: _Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _content_types(names: list[str]) -> bytes:
    present = {name.rpartition(".")[2].lower() for name in (*names, MANIFEST)}
    extensions = [extension for extension in ("dtsx", "conmgr", "params", "manifest") if extension in present]
    defaults = "".join(f'<Default Extension="{extension}" ContentType="text/xml" />' for extension in extensions)
    namespace = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?><Types xmlns="{namespace}">{defaults}</Types>'.encode()
