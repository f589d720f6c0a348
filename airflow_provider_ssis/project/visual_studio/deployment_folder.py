"""Build the deployment folder of a project of the package deployment model: its files and a deployment manifest.

The form of the manifest is that of Microsoft's tutorial "Deploying Packages".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from lxml import etree

from airflow_provider_ssis.project.archive_directory import is_plain_name
from airflow_provider_ssis.project.errors import BuildError, located_in
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.package.document import DtsPackage, dts_package, is_encrypted_package
from airflow_provider_ssis.project.package.options import ConfigurationType
from airflow_provider_ssis.project.protection.encryption import USER_KEY_LEVELS
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.dtproj import (
    PackageModelProject,
    read_package_model,
    uses_package_model,
)
from airflow_provider_ssis.project.visual_studio.project_folder import ProjectFolder

_NO_DATE = "2000-01-01T00:00:00.0000000+00:00"
_CONFIGURATION = ".dtsconfig"


@dataclass(frozen=True, slots=True)
class DeploymentFolder:
    """The content of a deployment folder.

    :param name: the name of the project.
    :param files: the contents by file name: packages, configuration files, other files, and the manifest at the end.
    :param packages: the file names of the packages.
    :param warnings: what the author of the project should know.
    """

    name: str
    files: dict[str, bytes]
    packages: tuple[str, ...]
    warnings: tuple[str, ...]


def is_package_model(source: Path, project: str | None = None, *, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Return True if a source is a project of the package deployment model.

    :param source: a folder, a .dtproj, or another file.
    :param project: the .dtproj to choose if the folder contains several. Default: None.
    :param limits: limits for the files.
    """
    if source.is_file() and source.suffix.lower() != ".dtproj":
        return False
    folder, part = _located(source, project, limits)
    return uses_package_model(folder.read(part, part), part, limits=limits)


def build_deployment_folder(
    source: Path, *, project: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> DeploymentFolder:
    """Build the deployment folder of a project in memory.

    The same source gives the same files: the manifest has no user name and a fixed date.

    :param source: the folder that contains the .dtproj, or the .dtproj itself.
    :param project: the .dtproj to build if the folder contains several. Default: None, the only one.
    :param limits: limits for the files.
    :raises ProjectError: a file is missing, is not valid, or has the name of another one.
    """
    with located_in(source):
        folder, part = _located(source, project, limits)
        dtproj = read_package_model(folder.read(part, part), part, limits=limits)
        builder = _Builder(folder, dtproj, limits)
        return builder.build()


def _located(source: Path, project: str | None, limits: Limits) -> tuple[ProjectFolder, str]:
    if source.suffix.lower() == ".dtproj" and not source.is_dir():
        source, project = source.parent, source.name
    folder = ProjectFolder.of(source, limits)
    return folder, folder.dtproj(project)


class _Builder:
    def __init__(self, folder: ProjectFolder, dtproj: PackageModelProject, limits: Limits) -> None:
        self._folder = folder
        self._dtproj = dtproj
        self._limits = limits
        self._files: dict[str, bytes] = {}
        self._warnings: list[str] = []

    def build(self) -> DeploymentFolder:
        packages = [self._add(package.full_path or package.name) for package in self._dtproj.packages]
        configurations: list[str] = []
        for name in packages:
            package = self._package(name)
            if package is not None:
                configurations += self._configurations(package)
        others: list[str] = []
        for path in self._dtproj.miscellaneous:
            name = self._add(path)
            (configurations if name.casefold().endswith(_CONFIGURATION) else others).append(name)
        configurations = list(dict.fromkeys(configurations))
        name = self._dtproj.part.rpartition(".")[0]
        files = (("Package", packages), ("ConfigurationFile", configurations), ("MiscellaneousFile", others))
        manifest = _manifest(name, files, allows_changes=self._dtproj.allows_configuration_changes)
        return DeploymentFolder(
            name, {**self._files, f"{name}.SSISDeploymentManifest": manifest}, tuple(packages), tuple(self._warnings)
        )

    def _add(self, path: str) -> str:
        """Add a file of the project, and return its name."""
        name = PureWindowsPath(path).name
        if not is_plain_name(name) or name != path.removeprefix(".\\"):
            raise BuildError(
                f"refers to {path!r}, which is not a file in the project's folder",
                part=self._dtproj.part,
                advice="Copy the file into the folder, and add it to the project again",
            )
        if name.casefold() not in {one.casefold() for one in self._files}:
            self._files[name] = self._folder.read(name, self._dtproj.part)
        return name

    def _package(self, name: str) -> DtsPackage | None:
        root = parse_xml(self._files[name], name, limits=self._limits)
        if is_encrypted_package(root):
            self._warnings.append(f"{name}: is encrypted as a whole, so it is copied without checks")
            return None
        package = dts_package(root, name)
        if package.protection_level in USER_KEY_LEVELS:
            self._warnings.append(
                f"{name}: has the protection level {package.protection_level.label}: only its author's Windows account "
                "can run it with its sensitive values"
            )
        return package

    def _configurations(self, package: DtsPackage) -> Iterator[str]:
        """Yield the names of a package's configuration files that are in the folder."""
        for configuration in package.configurations:
            name = PureWindowsPath(configuration.string.strip('"')).name
            if configuration.type != ConfigurationType.XML_FILE or not is_plain_name(name):
                continue
            if name in self._folder:
                yield self._add(name)
            else:
                self._warnings.append(
                    f"{package.part}: its configuration file {name} is not in the project's folder, so it is left out"
                )


def _manifest(name: str, files: Iterable[tuple[str, list[str]]], *, allows_changes: bool) -> bytes:
    root = etree.Element(
        "DTSDeploymentManifest",
        {
            "GeneratedBy": "airflow-ssis",
            "GeneratedFromProjectName": name,
            "GeneratedDate": _NO_DATE,
            "AllowConfigurationChanges": str(allows_changes).lower(),
        },
    )
    for tag, names in files:
        for one in names:
            etree.SubElement(root, tag).text = one
    return b'<?xml version="1.0"?>' + etree.tostring(root, encoding="utf-8")
