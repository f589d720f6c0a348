"""Build a project: packages, parameters and connection managers, as a folder for Visual Studio or as an .ispac."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.archive_directory import is_plain_name
from airflow_provider_ssis.project.build import build_ispac
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.connections import ConnectionManagers
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder, build_parameter, document
from airflow_provider_ssis.project.builder.values import stored_value
from airflow_provider_ssis.project.builder.variables import BuiltParameter
from airflow_provider_ssis.project.builder.xml import guid, plain_element
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.manifest.project_manifest import PROJECT_PARAMETERS
from airflow_provider_ssis.project.namespaces import SSIS

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.builder.values import StoredValue
    from airflow_provider_ssis.project.models import ParameterValue

_TARGETS = (2012, 2014, 2016, 2017, 2019, 2022, 2025)
_PRODUCT_VERSION = "15.0.2000.180"


class ProjectBuilder:
    """A project of the project deployment model, with the protection level DontSaveSensitive.

    :param name: its name.
    :param target_server: the release of SQL Server that runs it: 2012, 2014, 2016, 2017, 2019, 2022 or 2025.
        Packages have format 6 for 2012 and 2014. Default: 2019.
    :param version: major, minor and build. Default: (1, 0, 0).
    :param version_comments: a text. Default: none.
    :param description: a text. Default: none.
    :raises BuildError: the name or the release is invalid.
    """

    def __init__(
        self,
        name: str,
        *,
        target_server: int = 2019,
        version: tuple[int, int, int] = (1, 0, 0),
        version_comments: str = "",
        description: str = "",
    ) -> None:
        if not is_plain_name(name) or name != name.strip():
            raise BuildError(f"is not the name of a project: {name!r}", advice="Choose another name")
        self.part = f"{name}.dtproj"
        if target_server not in _TARGETS:
            known = ", ".join(map(str, _TARGETS))
            raise BuildError(f"has no target server {target_server}", part=self.part, advice=f"Releases: {known}")
        self.name = name
        self.target_server = target_server
        self.version = version
        self.version_comments = version_comments
        self.description = description
        self.parameters: dict[str, BuiltParameter] = {}
        self.connection_managers = ConnectionManagers(self.part, (name,), project_level=True)
        self.packages: dict[str, PackageBuilder] = {}

    def add_package(
        self,
        name: str,
        *,
        version: tuple[int, int, int] = (1, 0, 0),
        version_comments: str = "",
        locale_id: int = 1033,
        max_concurrent_executables: int = -1,
        options: Options | None = None,
    ) -> PackageBuilder:
        """Add a package.

        :param name: its name, without extension.
        :param version: as for :class:`PackageBuilder`, as all other arguments.
        :param version_comments: a text. Default: none.
        :param locale_id: the locale. Default: 1033.
        :param max_concurrent_executables: the number of executables that run at a time. Default: -1.
        :param options: the properties that all executables have. Default: their defaults.
        :raises BuildError: the name is invalid or used.
        """
        if name.casefold() in self.packages:
            raise BuildError(f"contains two packages {name}", part=self.part)
        format_version = 6 if self.target_server < 2016 else 8
        made = PackageBuilder(
            name,
            project=self,
            format_version=format_version,
            version=version,
            version_comments=version_comments,
            locale_id=locale_id,
            max_concurrent_executables=max_concurrent_executables,
            options=options,
        )
        self.packages[name.casefold()] = made
        return made

    def add_parameter(
        self,
        name: str,
        value: ParameterValue = None,
        *,
        data_type: str | None = None,
        required: bool = False,
        sensitive: bool = False,
        description: str = "",
    ) -> BuiltParameter:
        """Add a parameter of the project; arguments as for :meth:`PackageBuilder.add_parameter`."""
        made = build_parameter(
            "$Project", name, value, data_type, required, sensitive, description, PROJECT_PARAMETERS, (self.name,)
        )
        if name.casefold() in self.parameters:
            raise BuildError(f"contains the parameter {name} twice", part=PROJECT_PARAMETERS)
        self.parameters[name.casefold()] = made
        return made

    def save(self, folder: Path | str) -> Path:
        """Write the project for Visual Studio: .dtproj, Project.params, .conmgr and .dtsx files.

        :param folder: the folder, which is made if it does not exist. Files of the same names are replaced.
        :returns: the path of the .dtproj.
        :raises ProjectError: as for :meth:`PackageBuilder.to_bytes`.
        """
        files = {
            self.part: document(self._dtproj()),
            PROJECT_PARAMETERS: document(_parameters(f"{SSIS}Parameters", self.parameters.values(), lower_ids=True)),
            **{each.file_name: document(each.element()) for each in self.connection_managers},
            **{each.part: each.to_bytes() for each in self.packages.values()},
        }
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return folder / self.part

    def to_ispac(self) -> bytes:
        """Return the project file (.ispac). The same code gives the same bytes.

        :raises ProjectError: as for :meth:`save`.
        """
        with tempfile.TemporaryDirectory(prefix="ssis-build-") as temporary:
            self.save(temporary)
            return build_ispac(Path(temporary))

    def _dtproj(self) -> _Element:
        root = etree.Element("Project")
        for tag, text in (
            ("DeploymentModel", "Project"),
            ("ProductVersion", _PRODUCT_VERSION),
            ("SchemaVersion", "9.0.1.0"),
        ):
            etree.SubElement(root, tag).text = text
        database = etree.SubElement(root, "Database")
        etree.SubElement(database, "Name").text = f"{self.name}.database"
        etree.SubElement(database, "FullPath").text = f"{self.name}.database"
        etree.SubElement(root, "DataSources")
        etree.SubElement(root, "DataSourceViews")
        content = etree.SubElement(root, "DeploymentModelSpecificContent")
        etree.SubElement(content, "Manifest").append(self._manifest())
        etree.SubElement(root, "ControlFlowParts")
        etree.SubElement(root, "Miscellaneous")
        configuration = etree.SubElement(etree.SubElement(root, "Configurations"), "Configuration")
        etree.SubElement(configuration, "Name").text = "Development"
        options = etree.SubElement(configuration, "Options")
        etree.SubElement(options, "OutputPath").text = "bin"
        etree.SubElement(options, "ConnectionMappings")
        etree.SubElement(options, "ConnectionProviderMappings")
        etree.SubElement(options, "ConnectionSecurityMappings")
        etree.SubElement(options, "DatabaseStorageLocations")
        etree.SubElement(options, "TargetServerVersion").text = f"SQLServer{self.target_server}"
        etree.SubElement(options, "ParameterConfigurationValues")
        return root

    def _manifest(self) -> _Element:
        root = etree.Element(f"{SSIS}Project", nsmap={"SSIS": SSIS[1:-1]})
        root.set(f"{SSIS}ProtectionLevel", "DontSaveSensitive")
        major, minor, build = self.version
        _properties(
            root,
            {
                "ID": guid(self.name).lower(),
                "Name": self.name,
                "VersionMajor": major,
                "VersionMinor": minor,
                "VersionBuild": build,
                "VersionComments": self.version_comments,
                "CreationDate": "2000-01-01T00:00:00.0000000+00:00",
                "CreatorName": "",
                "CreatorComputerName": "",
                "Description": self.description,
                "FormatVersion": 1,
            },
        )
        packages = etree.SubElement(root, f"{SSIS}Packages")
        for package in self.packages.values():
            listed = etree.SubElement(packages, f"{SSIS}Package")
            listed.set(f"{SSIS}Name", package.part)
            listed.set(f"{SSIS}EntryPoint", "1")
        managers = etree.SubElement(root, f"{SSIS}ConnectionManagers")
        for manager in self.connection_managers:
            etree.SubElement(managers, f"{SSIS}ConnectionManager").set(f"{SSIS}Name", manager.file_name)
        deployment = etree.SubElement(root, f"{SSIS}DeploymentInfo")
        deployment.append(
            _parameters(f"{SSIS}ProjectConnectionParameters", (), list(self.connection_managers), self.part)
        )
        info = etree.SubElement(deployment, f"{SSIS}PackageInfo")
        info.extend([_metadata(each) for each in self.packages.values()])
        return root


def _metadata(package: PackageBuilder) -> _Element:
    made = etree.Element(f"{SSIS}PackageMetaData", nsmap={"SSIS": SSIS[1:-1]})
    made.set(f"{SSIS}Name", package.part)
    major, minor, build = package.version
    _properties(
        made,
        {
            "ID": package.id,
            "Name": package.name,
            "VersionMajor": major,
            "VersionMinor": minor,
            "VersionBuild": build,
            "VersionComments": package.version_comments,
            "VersionGUID": package.version_guid,
            "PackageFormatVersion": package.format_version,
            "Description": package.options.description or "",
            "ProtectionLevel": 0,
        },
    )
    made.append(
        _parameters(f"{SSIS}Parameters", package.parameters.values(), list(package.connection_managers), package.part)
    )
    return made


def _parameters(
    tag: str,
    parameters: Iterable[BuiltParameter],
    managers: Iterable[ConnectionManagerBuilder] = (),
    part: str = "",
    *,
    lower_ids: bool = False,
) -> _Element:
    made = etree.Element(tag, nsmap={"SSIS": SSIS[1:-1]})
    for each in parameters:
        _parameter(
            made,
            each.name,
            each.value,
            id_=each.id.lower() if lower_ids else each.id,
            required=each.required,
            sensitive=each.sensitive,
            description=each.description,
        )
    for manager in managers:
        for name, value, sensitive in manager.parameters:
            stored = stored_value(value, "String" if value is None else None, f"property {name}", part)
            _parameter(made, f"CM.{manager.name}.{name}", stored, sensitive=sensitive, has_value=value is not None)
    return made


def _parameter(
    parent: _Element,
    name: str,
    value: StoredValue,
    *,
    id_: str = "",
    required: bool = False,
    sensitive: bool = False,
    description: str = "",
    has_value: bool = True,
) -> None:
    made = etree.SubElement(parent, f"{SSIS}Parameter")
    made.set(f"{SSIS}Name", name)
    properties: dict[str, object] = {
        "ID": id_,
        "CreationName": "",
        "Description": description,
        "IncludeInDebugDump": 0,
        "Required": int(required),
        "Sensitive": int(sensitive),
    }
    if has_value and not sensitive:
        properties["Value"] = value.manifest_text
    _properties(made, {**properties, "DataType": value.data_type.type_code})


def _properties(parent: _Element, properties: dict[str, object]) -> None:
    made = etree.SubElement(parent, f"{SSIS}Properties")
    for name, value in properties.items():
        text = str(value) or None
        made.append(
            plain_element(f"{SSIS}Property", {"Name": name}, prefix=SSIS, nsmap={"SSIS": SSIS[1:-1]}, text=text)
        )
