"""Building a project file (.ispac) from a folder with a .dtproj, as Visual Studio's build does.

There is nothing to compile: scripts are compiled when they are saved, and stand in the packages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, write_parts
from airflow_provider_ssis.project.dtproj import DtProject, manifest_bytes, read_dtproj
from airflow_provider_ssis.project.dtsx import PackageFile, read_package
from airflow_provider_ssis.project.errors import BuildError, ProtectedError
from airflow_provider_ssis.project.ispac import project_of
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.manifest import MANIFEST, PROJECT_PARAMETERS, Manifest, read_manifest
from airflow_provider_ssis.project.models import EventHandler, Executable, Package, Project, ProtectionLevel
from airflow_provider_ssis.project.properties import DPAPI_BLOB, read_project_parameters
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.sensitive import strip_dts, strip_manifest, strip_parameters
from airflow_provider_ssis.project.settings import apply_configuration

if TYPE_CHECKING:
    from lxml.etree import _Element

logger = logging.getLogger(__name__)

_SET_LEVEL = "Set the protection level of the project and of each package to DontSaveSensitive in Visual Studio"
_REFUSED_LEVELS = {
    ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD: "it needs the project's password, which is not supported yet",
    ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD: "it needs the project's password, which is not supported yet",
    ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY: "only its author's Windows account can read it",
    ProtectionLevel.SERVER_STORAGE: "only the server that stored it can read it",
}


@dataclass(frozen=True, slots=True)
class BuiltProject:
    """A project file that was built.

    :param ispac: the file's bytes.
    :param project: what it holds.
    :param warnings: what its author should know.
    """

    ispac: bytes = field(repr=False)
    project: Project
    warnings: tuple[str, ...] = ()


def build_ispac(
    folder: Path, *, configuration: str | None = None, project: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """The project file of a project folder; what its author should know goes to the log as warnings.

    The same folder gives the same bytes, on any machine with the same zlib.

    :param folder: the folder with the .dtproj and its files.
    :param configuration: the configuration of the .dtproj whose parameter values to use; without one, the parameters
        keep the values they have in the project's files.
    :param project: which .dtproj, where the folder holds several; its name, with or without the extension.
    :param limits: how large the files may be.
    :raises ProjectError: the folder cannot be built; the message names the file and what to do.
    """
    built = build_project(folder, configuration=configuration, project=project, limits=limits)
    for warning in built.warnings:
        logger.warning("%s", warning)
    return built.ispac


def build_project(
    folder: Path, *, configuration: str | None = None, project: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> BuiltProject:
    """The project file of a project folder, what it holds, and warnings.

    A project of the level EncryptSensitiveWithUserKey becomes one of the level DontSaveSensitive: its sensitive values,
    readable for their author's Windows account alone, are left out and named in the warnings.

    :param folder: as for :func:`build_ispac`.
    :param configuration: as for :func:`build_ispac`.
    :param project: as for :func:`build_ispac`.
    :param limits: as for :func:`build_ispac`.
    :raises ProjectError: as :func:`build_ispac`.
    """
    files = _Files.of(folder, limits)
    dtproj = read_dtproj(*files.dtproj(project), limits=limits)
    manifest = read_manifest(dtproj.manifest, dtproj.part)
    if manifest.protection_level in _REFUSED_LEVELS:
        level = manifest.protection_level
        problem = f"has the protection level {level.label}: {_REFUSED_LEVELS[level]}"
        raise ProtectedError(problem, part=dtproj.part, advice=_SET_LEVEL)
    packages = {package.name: files.read(package.name, dtproj.part) for package in manifest.packages}
    managers = {name: files.read(name, dtproj.part) for name in manifest.connection_managers}
    params = parse_xml(files.read(PROJECT_PARAMETERS, dtproj.part), PROJECT_PARAMETERS, limits=limits)
    read_project_parameters(params, PROJECT_PARAMETERS)
    warnings = _check_packages(manifest, packages, limits)
    if configuration is not None:
        warnings += apply_configuration(dtproj.configuration(configuration), dtproj.manifest, params, dtproj.part)
    if manifest.protection_level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY:
        warnings += _strip_user_key(dtproj, params, packages, managers, limits)
    parts = {
        **packages,
        **managers,
        PROJECT_PARAMETERS: etree.tostring(params, encoding="utf-8", xml_declaration=True),
        MANIFEST: manifest_bytes(dtproj.manifest),
        CONTENT_TYPES: _content_types(bool(managers)),
    }
    return BuiltProject(write_parts(parts), project_of(parts, limits=limits), tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a project folder, found without regard to case as on Windows."""

    folder: Path
    names: dict[str, str]
    limits: Limits

    @classmethod
    def of(cls, folder: Path, limits: Limits) -> _Files:
        try:
            names = sorted(path.name for path in folder.iterdir() if path.is_file())
        except OSError as error:
            raise BuildError(
                f"cannot be read as a folder: {error.strerror or error}",
                part=str(folder),
                advice="Name the folder that holds the .dtproj",
            ) from None
        return cls(folder, {name.casefold(): name for name in names} | {name: name for name in names}, limits)

    def dtproj(self, project: str | None) -> tuple[bytes, str]:
        """The bytes and name of the .dtproj to build."""
        found = sorted({name for name in self.names.values() if name.casefold().endswith(".dtproj")})
        if project is not None:
            wanted = {project.casefold(), f"{project.casefold()}.dtproj"}
            chosen = [name for name in found if name.casefold() in wanted]
            problem = f"holds no project {project!r}"
        else:
            chosen, problem = found, "holds more than one .dtproj" if found else "holds no .dtproj"
        if len(chosen) != 1:
            advice = f"Name one of {', '.join(found)}" if found else "Name the folder that holds the .dtproj"
            raise BuildError(problem, part=str(self.folder), advice=advice)
        return self.read(chosen[0], chosen[0]), chosen[0]

    def read(self, name: str, listed_in: str) -> bytes:
        """A file's bytes.

        :raises BuildError: it is not there, or cannot be read.
        """
        actual = self.names.get(name) or self.names.get(name.casefold())
        if actual is None:
            raise BuildError(
                f"is missing in {self.folder}, and {listed_in} needs it",
                part=name,
                advice="Put the file back, or remove it from the project in Visual Studio",
            )
        try:
            with (self.folder / actual).open("rb") as file:
                return file.read(self.limits.part_bytes + 1)  # one more than allowed: the parser then refuses it
        except OSError as error:
            raise BuildError(f"cannot be read: {error.strerror or error}", part=name) from None


def _check_packages(manifest: Manifest, packages: dict[str, bytes], limits: Limits) -> list[str]:
    """Warnings about the packages.

    :raises BuildError: a package has another protection level than the project.
    """
    warnings = []
    names = {name.casefold() for name in packages}
    for package in manifest.packages:
        file = read_package(packages[package.name], package.name, limits=limits)
        if file.protection_level is not manifest.protection_level:
            level = "encrypted as a whole"
            if file.protection_level is not None:
                level = f"of the protection level {file.protection_level.label}"
            raise BuildError(
                f"is {level}, but its project of the level {manifest.protection_level.label}; "
                "the server refuses projects whose parts differ in that",
                part=package.name,
                advice=_SET_LEVEL,
            )
        warnings += _parameter_warnings(package, file)
        warnings += [
            f"{package.name}: {task.path} runs the package {task.child_package}, which the project does not have"
            for task in _all_executables(file.control_flow)
            if task.child_package is not None and task.child_package.casefold() not in names
        ]
    return warnings


def _parameter_warnings(package: Package, file: PackageFile) -> list[str]:
    """Warnings where the manifest is older than the package: the server goes by the manifest."""
    listed = {parameter.name for parameter in package.parameters if not parameter.name.startswith("CM.")}
    stale = sorted(listed.symmetric_difference(file.parameters))
    if not stale:
        return []
    problem = f"the project lists other parameters than the package declares ({', '.join(stale)})"
    return [f"{package.name}: {problem}; open the project in Visual Studio and save it"]


def _all_executables(root: Executable | EventHandler | None) -> Iterator[Executable]:
    """An executable and all inside it, those of event handlers too."""
    if root is None:
        return
    if isinstance(root, Executable):
        yield root
        for handler in root.event_handlers:
            yield from _all_executables(handler)
    for child in root.children:
        yield from _all_executables(child)


def _strip_user_key(
    dtproj: DtProject, params: _Element, packages: dict[str, bytes], managers: dict[str, bytes], limits: Limits
) -> list[str]:
    """Take all sensitive values out, in place.

    :returns: warnings that name them.
    """
    stripped = {dtproj.part: strip_manifest(dtproj.manifest, dtproj.part)}
    stripped[PROJECT_PARAMETERS] = strip_parameters(params, PROJECT_PARAMETERS)
    for files in (packages, managers):
        for name, data in files.items():
            root = parse_xml(data, name, limits=limits, keep_all=True)
            stripped[name] = strip_dts(root)
            files[name] = etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True)
            if DPAPI_BLOB.encode() in files[name]:
                raise ProtectedError(
                    "holds a value encrypted with a user's key in a place where SSIS keeps none",
                    part=name,
                    advice=_SET_LEVEL,
                )
    return [
        f"{part}: left out {what}, which only its author's Windows account can decrypt; give it a value on the server"
        for part, found in stripped.items()
        for what in found
    ]


def _content_types(with_connection_managers: bool) -> bytes:
    extensions = ["dtsx", *(["conmgr"] if with_connection_managers else []), "params", "manifest"]
    defaults = "".join(f'<Default Extension="{extension}" ContentType="text/xml" />' for extension in extensions)
    namespace = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?><Types xmlns="{namespace}">{defaults}</Types>'.encode()
