"""Build a project file (.ispac), as Visual Studio's build does.

There is nothing to compile: Visual Studio compiles scripts when it saves them, and stores them in the packages.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from airflow_provider_ssis.project.archive import CONTENT_TYPES, open_archive
from airflow_provider_ssis.project.errors import BuildError, located_in
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest.project_manifest import MANIFEST, PROJECT_PARAMETERS
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.build_parts import BuildResult, ProjectBuild
from airflow_provider_ssis.project.visual_studio.changes import NO_CHANGES, Changes
from airflow_provider_ssis.project.visual_studio.dtproj import read_dtproj
from airflow_provider_ssis.project.visual_studio.project_folder import ProjectFolder
from airflow_provider_ssis.project.visual_studio.settings import apply_target_version, apply_values
from airflow_provider_ssis.project.visual_studio.user_file import read_user_file, unused_secrets

logger = logging.getLogger(__name__)


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
    changes: Changes = NO_CHANGES,
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
    :param changes: other changes: password, protection, parameter values, version. Default: none.
    :param limits: limits for the files.
    :returns: the content of the project file.
    :raises ProjectError: the source cannot be built; the message names the file and what to do.
    """
    built = build_project(
        source,
        configuration=configuration,
        project=project,
        strip_sensitive=strip_sensitive,
        changes=changes,
        limits=limits,
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
    changes: Changes = NO_CHANGES,
    limits: Limits = DEFAULT_LIMITS,
) -> BuiltProject:
    """Build a project file in memory.

    :param source: as for :func:`build_ispac`.
    :param configuration: as for :func:`build_ispac`.
    :param project: as for :func:`build_ispac`.
    :param strip_sensitive: as for :func:`build_ispac`.
    :param changes: as for :func:`build_ispac`.
    :param limits: as for :func:`build_ispac`.
    :returns: the project file, its project, and warnings.
    :raises ProjectError: as for :func:`build_ispac`.
    """
    buffer = io.BytesIO()
    built = build_into(
        buffer,
        source,
        configuration=configuration,
        project=project,
        strip_sensitive=strip_sensitive,
        changes=changes,
        limits=limits,
    )
    return BuiltProject(built.project, built.warnings, built.stripped, buffer.getvalue())


def build_into(
    file: IO[bytes],
    source: Path | str,
    *,
    configuration: str | None = None,
    project: str | None = None,
    strip_sensitive: bool = False,
    changes: Changes = NO_CHANGES,
    limits: Limits = DEFAULT_LIMITS,
) -> BuildResult:
    """Build a project file into an open file. One part at a time is in memory.

    :param file: a seekable file, open for writing bytes.
    :param source: as for :func:`build_ispac`.
    :param configuration: as for :func:`build_ispac`.
    :param project: as for :func:`build_ispac`.
    :param strip_sensitive: as for :func:`build_ispac`.
    :param changes: as for :func:`build_ispac`.
    :param limits: as for :func:`build_ispac`.
    :returns: the project and warnings.
    :raises ProjectError: as for :func:`build_ispac`; the content of ``file`` is incomplete then.
    """
    source = Path(source)
    with located_in(source):
        if source.suffix.lower() == ".ispac" and not source.is_dir():
            changes_nothing = not strip_sensitive and replace(changes, password=None) == NO_CHANGES
            if changes_nothing or configuration is not None or project is not None:
                raise BuildError(
                    "is a project file already",
                    part=str(source),
                    advice="Deploy it as it is, or remove its sensitive values with strip_sensitive "
                    "(--strip-sensitive), without a configuration and without a project",
                )
            return _build_from_archive(file, source, strip_sensitive, changes, limits)
        return _build_from_folder(file, source, configuration, project, strip_sensitive, changes, limits)


def _build_from_folder(
    file: IO[bytes],
    source: Path,
    configuration: str | None,
    project: str | None,
    strip_sensitive: bool,
    changes: Changes,
    limits: Limits,
) -> BuildResult:
    if source.suffix.lower() == ".dtproj" and not source.is_dir():
        if project is not None and project.casefold() not in (source.name.casefold(), source.stem.casefold()):
            raise BuildError(f"is not the project {project!r}", part=str(source), advice="Leave the project out")
        source, project = source.parent, source.name
    folder = ProjectFolder.of(source, limits)
    part = folder.dtproj(project)
    dtproj = read_dtproj(folder.read(part, part), part, limits=limits)
    build = ProjectBuild(
        part,
        dtproj.manifest,
        lambda name: folder.read(name, part),
        strip_sensitive,
        changes,
        limits,
        follows_packages=True,
    )
    # Previews of SQL Server 2012 wrote no Project.params, and the parameters into the manifest.
    if PROJECT_PARAMETERS in folder or build.root.find(f"{SSIS}Parameters") is None:
        build.read_parameters()
    build.strip()
    dtproj = replace(dtproj, manifest=build.root)
    chosen = None if configuration is None else dtproj.configuration(configuration)
    if chosen is not None:
        build.warnings += apply_values(chosen, build.root, build.parameters, part)
        user_file = f"{part}.user"
        if user_file in folder:
            found = read_user_file(folder.read(user_file, part), user_file, limits=limits)
            build.warnings += unused_secrets(found, chosen.name, changes.values)
    build.warnings += apply_target_version(dtproj, chosen)
    return build.write(file, parameters_changed=chosen is not None)


def _build_from_archive(
    file: IO[bytes], source: Path, strip_sensitive: bool, changes: Changes, limits: Limits
) -> BuildResult:
    """Copy a project file with changes."""
    with open_archive(source, limits=limits) as archive:
        archive.read(CONTENT_TYPES)
        root = parse_xml(archive.read(MANIFEST), MANIFEST, limits=limits)
        build = ProjectBuild(MANIFEST, root, archive.read, strip_sensitive, changes, limits)
        if PROJECT_PARAMETERS in archive:
            build.read_parameters()
        build.strip()
        result = build.write(file)
        used = {name.casefold() for name in (*build.part_names(), MANIFEST, CONTENT_TYPES)}
        unused = [name for name in archive.names if name.casefold() not in used]
        warnings = [f"{name}: left out, because the manifest does not list it" for name in unused]
        return BuildResult(result.project, (*result.warnings, *warnings), result.stripped)
