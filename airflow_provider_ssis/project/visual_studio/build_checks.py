"""Checks of a build: protection levels, and packages that do not agree with their manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from airflow_provider_ssis.project.dtsx import PackageFile
from airflow_provider_ssis.project.errors import BuildError, ProtectedError
from airflow_provider_ssis.project.manifest.project_manifest import Manifest
from airflow_provider_ssis.project.models import EventHandler, Executable, Package, ProtectionLevel
from airflow_provider_ssis.project.protection.encrypted_values import HOW_TO_DECRYPT, SET_LEVEL
from airflow_provider_ssis.project.protection.encryption import PASSWORD_LEVELS

_FIRST_OF_FORMAT_8, _OLDER_FORMAT = 130, 6
"""SQL Server 2016 reads package format 8; 2012 and 2014 read formats up to 6."""
_STRIP = "remove the sensitive values with strip_sensitive (--strip-sensitive)"
_NOT_BUILT = {
    ProtectionLevel.ENCRYPT_SENSITIVE_WITH_PASSWORD: ("its sensitive values are encrypted with a password"),
    ProtectionLevel.SERVER_STORAGE: "its sensitive values can be decrypted only by the server that stored it",
}
_NOT_READ = {
    ProtectionLevel.ENCRYPT_ALL_WITH_PASSWORD: ("its files are encrypted with a password"),
    ProtectionLevel.ENCRYPT_ALL_WITH_USER_KEY: "its files can be decrypted only with its author's Windows account",
}


def check_protection(level: ProtectionLevel, part: str, *, strip_sensitive: bool, has_password: bool = False) -> None:
    """Check that a project of some protection level can be built.

    :param level: the protection level of the project.
    :param part: the file that names it, for errors.
    :param strip_sensitive: whether the build removes the sensitive values.
    :param has_password: whether the password of the project is given. Default: False.
    :raises ProtectedError: it cannot be built.
    """
    if has_password and level in PASSWORD_LEVELS:
        return
    advice = SET_LEVEL
    if level in PASSWORD_LEVELS:
        advice = HOW_TO_DECRYPT
    if level in _NOT_READ:
        raise ProtectedError(f"has the protection level {level.label}: {_NOT_READ[level]}", part=part, advice=advice)
    if level in _NOT_BUILT and not strip_sensitive:
        raise ProtectedError(
            f"has the protection level {level.label}: {_NOT_BUILT[level]}",
            part=part,
            advice=f"{advice}, or {_STRIP}",
        )


def check_package(
    package: Package, file: PackageFile, manifest: Manifest, *, target: int | None = None, has_new_level: bool = False
) -> list[str]:
    """Check a package against the manifest of its project.

    :param package: the package as the manifest describes it.
    :param file: the content of its .dtsx file.
    :param manifest: the manifest.
    :param target: the target server version of the project file, such as 150. Default: None, it names none.
    :param has_new_level: the build gives the package the protection level of the project. Default: False.
    :returns: warnings.
    :raises BuildError: the protection level of the package is not that of the project.
    """
    warnings = []
    if not file.names_level and not has_new_level and file.protection_level is not manifest.protection_level:
        # Versions of Visual Studio disagree about the level of such a package.
        warnings.append(
            f"{package.name}: names no protection level, and its project has {manifest.protection_level.label}; if the "
            "server rejects the project, save the package in Visual Studio"
        )
    elif file.protection_level is not manifest.protection_level and not has_new_level:
        level = "is encrypted as a whole"
        if file.protection_level is not None:
            level = f"has the protection level {file.protection_level.label}"
        raise BuildError(
            f"{level}, but its project has {manifest.protection_level.label}; the server rejects projects whose "
            "packages have another protection level than the project",
            part=package.name,
            advice=SET_LEVEL,
        )
    names = {one.name.casefold() for one in manifest.packages}
    if target is not None and target < _FIRST_OF_FORMAT_8 and package.format_version > _OLDER_FORMAT:
        warnings.append(
            f"{package.name}: has the package format {package.format_version}, which servers of the target server "
            f"version {target} cannot read: set the version in Visual Studio, which then saves the package in format "
            f"{_OLDER_FORMAT}"
        )
    return [*warnings, *_parameter_warnings(package, file), *_child_warnings(package, file, names)]


def _parameter_warnings(package: Package, file: PackageFile) -> list[str]:
    """Return warnings for a project file whose manifest differs from a package: the server uses the manifest."""
    listed = {parameter.name for parameter in package.parameters if not parameter.name.startswith("CM.")}
    stale = sorted(listed.symmetric_difference(file.parameters))
    if not stale:
        return []
    problem = f"its parameters differ from those in the project's manifest ({', '.join(stale)})"
    return [f"{package.name}: {problem}; open the project in Visual Studio and save it"]


def _child_warnings(package: Package, file: PackageFile, names: Collection[str]) -> list[str]:
    return [
        f"{package.name}: {task.path} runs the package {task.child_package}, which the project does not contain"
        for task in _all_executables(file.control_flow)
        if task.child_package is not None and task.child_package.casefold() not in names
    ]


def _all_executables(root: Executable | EventHandler | None) -> Iterator[Executable]:
    """Yield an executable and all executables inside, including those of event handlers."""
    if root is None:
        return
    if isinstance(root, Executable):
        yield root
        for handler in root.event_handlers:
            yield from _all_executables(handler)
    for child in root.children:
        yield from _all_executables(child)
