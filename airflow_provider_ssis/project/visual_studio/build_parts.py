"""The parts of a project file as a build writes them, with a manifest that agrees with the packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive import CONTENT_TYPES, open_archive, write_archive
from airflow_provider_ssis.project.dts import DtsContents
from airflow_provider_ssis.project.dtsx import PackageFile, package_file
from airflow_provider_ssis.project.errors import LimitExceededError
from airflow_provider_ssis.project.ispac import assemble_project
from airflow_provider_ssis.project.limits import MEBIBYTE, Limits
from airflow_provider_ssis.project.manifest.connection_metadata import connection_values, refresh_connections, unowned
from airflow_provider_ssis.project.manifest.package_metadata import parameter_values, refresh
from airflow_provider_ssis.project.manifest.project_manifest import (
    MANIFEST,
    PROJECT_PARAMETERS,
    manifest_level,
    read_manifest,
)
from airflow_provider_ssis.project.manifest.properties import read_parameters, read_project_parameters
from airflow_provider_ssis.project.models import ConnectionManager, Package, Parameter, Project, ProtectionLevel
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.package.connections import plain_connection_manager, read_dts_connection_manager
from airflow_provider_ssis.project.protection.ciphers import AES_256, PasswordCipher
from airflow_provider_ssis.project.protection.decryption import check_password, cipher_of_element, decrypted
from airflow_provider_ssis.project.protection.encrypted_values import require_readable
from airflow_provider_ssis.project.protection.encryption import (
    PASSWORD_LEVELS,
    PasswordProtection,
    protect_dts,
    protect_manifest,
    protect_parameters,
)
from airflow_provider_ssis.project.protection.sensitive import (
    set_manifest_level,
    strip_dts,
    strip_manifest,
    strip_parameters,
)
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.visual_studio.build_checks import check_package, check_protection
from airflow_provider_ssis.project.visual_studio.changes import Changes, apply_version
from airflow_provider_ssis.project.visual_studio.dtproj import manifest_bytes
from airflow_provider_ssis.project.visual_studio.settings import apply_overrides

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.connections import DtsConnectionManager


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


class ProjectBuild:
    """A build in progress: the manifest and the parameters as they will be written, and what was found so far.

    :param part: the file that contains the manifest, for errors.
    :param root: the element ``SSIS:Project``; changed in place.
    :param read: returns the content of a file of the project.
    :param strip_sensitive: remove all sensitive values.
    :param changes: other changes.
    :param limits: limits for the files.
    :param follows_packages: the packages can be newer than the manifest, and then take precedence. Default: False.
    :raises ProjectError: the manifest is invalid, or the project cannot be built because of its protection level.
    """

    def __init__(
        self,
        part: str,
        root: _Element,
        read: Callable[[str], bytes],
        strip_sensitive: bool,
        changes: Changes,
        limits: Limits,
        *,
        follows_packages: bool = False,
    ) -> None:
        self.part = part
        self._follows_packages = follows_packages
        self.warnings: list[str] = []
        self.stripped: list[str] = []
        self.parameters: _Element | None = None
        self._declared: tuple[Parameter, ...] | None = None
        self._original_parameters = b""
        self._read = read
        self._changes = changes
        self._limits = limits
        level = manifest_level(root, part)
        if changes.password is None or level not in PASSWORD_LEVELS:
            require_readable(root, part, level)
        check_protection(level, part, strip_sensitive=strip_sensitive, has_password=changes.password is not None)
        self._password = changes.password if level in PASSWORD_LEVELS else None
        self._source_protection: PasswordProtection | None = None
        self._is_checked = False
        if self._password is not None:
            self._source_protection = PasswordProtection(level, self._password, self._cipher(root))
            self._is_checked = check_password(root, self._password, part)
        self.root = self._decrypted(root, part)
        self.manifest = read_manifest(self.root, part)
        self._connection_parameters = self.root.find(f"{SSIS}DeploymentInfo/{SSIS}ProjectConnectionParameters")
        self._connection_values = connection_values(self._connection_parameters, part)
        self._metadata = {
            one.get(f"{SSIS}Name", "").casefold(): (
                one,
                parameter_values(one, part),
                connection_values(one.find(f"{SSIS}Parameters"), part),
            )
            for one in self.root.iter(f"{SSIS}PackageMetaData")
        }
        self._strips = strip_sensitive or level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
        self._protection = changes.protection or (None if strip_sensitive else self._source_protection)

    def read_parameters(self) -> None:
        """Read Project.params."""
        self._original_parameters = self._read(PROJECT_PARAMETERS)
        parameters = parse_xml(self._original_parameters, PROJECT_PARAMETERS, limits=self._limits)
        self.parameters = self._decrypted(parameters, PROJECT_PARAMETERS)
        read_project_parameters(self.parameters, PROJECT_PARAMETERS)

    def strip(self) -> None:
        """Remove the sensitive values from manifest and parameters, if the build removes them."""
        if not self._strips:
            return
        self._record_stripped(self.part, strip_manifest(self.root, self.part))
        if self.parameters is not None:
            self._record_stripped(PROJECT_PARAMETERS, strip_parameters(self.parameters, PROJECT_PARAMETERS))

    def part_names(self) -> list[str]:
        """Return the names of the parts in Visual Studio's order, without the manifest and the content types."""
        names = [package.name for package in self.manifest.packages] + list(self.manifest.connection_managers)
        return names if self.parameters is None else [*names, PROJECT_PARAMETERS]

    def write(self, file: IO[bytes], *, parameters_changed: bool = False) -> BuildResult:
        """Apply the changes, and write the project file.

        :param file: a seekable file, open for writing bytes.
        :param parameters_changed: the values of parameters were changed already. Default: False.
        """
        apply_version(self._changes, self.root, self.part)
        packages: list[PackageFile] = []
        managers: list[ConnectionManager] = []
        changed = parameters_changed or bool(self._changes.values)
        write_archive(file, self._within_limits(self._parts(packages, managers, changed)))
        with open_archive(file, limits=self._limits):
            pass  # what cannot be read again is not built
        declared = self.manifest.parameters if self._declared is None else self._declared
        project = assemble_project(self.manifest, declared, managers, packages)
        return BuildResult(project, tuple(self.warnings), tuple(self.stripped))

    def _parts(
        self, packages: list[PackageFile], managers: list[ConnectionManager], parameters_changed: bool
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the parts in Visual Studio's order, and collect the content of packages and connection managers."""
        has_new_level = self._strips or self._changes.protection is not None
        target = read_manifest(self.root, self.part).target_server_version
        stored_managers: list[DtsConnectionManager] = []
        for package in self.manifest.packages:
            data = self._read(package.name)
            root = self._decrypted(parse_xml(data, package.name, limits=self._limits), package.name)
            content = package_file(root, package.name)
            if self._follows_packages and content.control_flow is not None:
                package = self._refreshed(package, root)
            self.warnings += check_package(package, content, self.manifest, target=target, has_new_level=has_new_level)
            packages.append(content)
            yield package.name, self._changed_dts(data, package.name)
        for name in self.manifest.connection_managers:
            data = self._read(name)
            root = self._decrypted(parse_xml(data, name, limits=self._limits), name)
            stored_managers.append(read_dts_connection_manager(root, name))
            managers.append(plain_connection_manager(stored_managers[-1]))
            yield name, self._changed_dts(data, name)
        if self._follows_packages:
            self._refresh_connections(stored_managers)
        # Only now, when the manifest has all parameters of the packages and connection managers.
        apply_overrides(
            self._changes.values, self.root, self.parameters, self.part, keeps_secrets=self._protection is not None
        )
        if self.parameters is not None:
            # As they are before the protection encrypts them.
            self._declared = read_project_parameters(self.parameters, PROJECT_PARAMETERS)
            yield PROJECT_PARAMETERS, self._changed_parameters(parameters_changed)
        manifest = self._at_new_level(self.root)
        self.manifest = read_manifest(manifest, self.part)  # as it is before the protection encrypts it
        if self._protection is not None:
            manifest = protect_manifest(manifest, self.part, self._protection)
        yield MANIFEST, manifest_bytes(manifest)
        yield CONTENT_TYPES, _content_types(self.part_names())

    def _refreshed(self, package: Package, root: _Element) -> Package:
        """Bring the manifest up to date with a package; return what it says about the package then."""
        metadata, before, connections = self._metadata[package.name.casefold()]
        stale = refresh(metadata, root, package.name, self.part, before)
        found = DtsContents(root).members("ConnectionManagers", "ConnectionManager")
        managers = [read_dts_connection_manager(one, package.name) for one in found]
        parameters = metadata.find(f"{SSIS}Parameters")
        if parameters is not None:
            stale += self._connections_refreshed(package.name, parameters, managers, connections)
        if not stale:
            return package
        self._warn_of_stale(f"{package.name}: its parameters", stale, "those of the package")
        listed = read_parameters(metadata.iterfind(f"{SSIS}Parameters/{SSIS}Parameter"), self.part)
        return replace(package, parameters=listed)

    def _refresh_connections(self, managers: list[DtsConnectionManager]) -> None:
        """Bring the manifest up to date with the project's connection managers."""
        if self._connection_parameters is None:
            information = self.root.find(f"{SSIS}DeploymentInfo")
            if not managers or information is None:
                return
            self._connection_parameters = etree.Element(f"{SSIS}ProjectConnectionParameters")
            information.insert(0, self._connection_parameters)
        stale = self._connections_refreshed(
            "The project", self._connection_parameters, managers, self._connection_values
        )
        if stale:
            self._warn_of_stale("The project's connection managers", stale, "their files")

    def _connections_refreshed(
        self, owner: str, parameters: _Element, managers: list[DtsConnectionManager], before: Mapping[str, str]
    ) -> list[str]:
        """Bring connection parameters up to date; return the names of those that changed."""
        stale = refresh_connections(parameters, managers, self.part, before)
        if names := [each.get(f"{SSIS}Name", "") for each in unowned(parameters, managers)]:
            self.warnings.append(
                f"{owner}: has no connection manager, but {self.part} lists {', '.join(sorted(names))}; they are kept"
            )
        return stale

    def _warn_of_stale(self, what: str, names: list[str], winner: str) -> None:
        found = ", ".join(sorted(names))
        self.warnings.append(f"{what} are newer than those in {self.part} ({found}); {winner} are used")

    def _changed_dts(self, data: bytes, name: str) -> bytes:
        """Return a .dtsx or .conmgr file with the protection of the build; byte for byte if that is not changed."""
        if not self._strips and self._changes.protection is None:
            return data
        root = parse_xml(data, name, limits=self._limits, keep_all=True)
        root = self._decrypted(root, name, keep_all=True)
        if self._strips:
            self._record_stripped(name, strip_dts(root, name))
        if self._protection is not None:
            root = protect_dts(root, self._protection)
        return etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True)

    def _changed_parameters(self, changed: bool) -> bytes:
        """Return Project.params; byte for byte if neither values nor protection are changed."""
        if self.parameters is None or not (changed or self._strips or self._changes.protection):
            return self._original_parameters
        root = self.parameters
        if self._protection is not None:
            root = protect_parameters(root, PROJECT_PARAMETERS, self._protection)
        return etree.tostring(root, encoding="utf-8", xml_declaration=True)

    def _at_new_level(self, root: _Element) -> _Element:
        """Return the manifest with the protection level that the project file will have."""
        if self._protection is not None:
            set_manifest_level(root, self.part, self._protection.level)
        return root

    def _cipher(self, root: _Element) -> PasswordCipher:
        """Return the cipher of a project: that of the first encrypted value in its manifest."""
        for element in (root, *root.iter(f"{SSIS}Property")):
            if element.get(f"{SSIS}IV") is not None:
                return cipher_of_element(element, self.part)
        return AES_256

    def _decrypted(self, root: _Element, part: str, *, keep_all: bool = False) -> _Element:
        if self._password is None:
            return root
        return decrypted(
            root, self._password, part, is_checked=self._is_checked, keep_all=keep_all, limits=self._limits
        )

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

    def _record_stripped(self, part: str, removed: list[str]) -> None:
        by_user_key = self.manifest.protection_level is ProtectionLevel.ENCRYPT_SENSITIVE_WITH_USER_KEY
        reason = "only its author's Windows account can decrypt it" if by_user_key else "it is sensitive"
        for what in removed:
            self.stripped.append(f"{part}: {what}")
            self.warnings.append(f"{part}: removed {what}, because {reason}; set it on the server")


def _content_types(names: list[str]) -> bytes:
    present = {name.rpartition(".")[2].lower() for name in (*names, MANIFEST)}
    extensions = [extension for extension in ("dtsx", "conmgr", "params", "manifest") if extension in present]
    defaults = "".join(f'<Default Extension="{extension}" ContentType="text/xml" />' for extension in extensions)
    namespace = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?><Types xmlns="{namespace}">{defaults}</Types>'.encode()
