"""Build a package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lxml import etree

from airflow_provider_ssis.project.archive_directory import is_plain_name
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.connections import ConnectionManagers
from airflow_provider_ssis.project.builder.containers import ContainerBuilder, EventHandlerBuilder
from airflow_provider_ssis.project.builder.executables import EVENTS, ExecutableBuilder, Options, executable_element
from airflow_provider_ssis.project.builder.layout import layout_text
from airflow_provider_ssis.project.builder.logging_options import (
    LOG_PROVIDERS,
    Configuration,
    LogProviderBuilder,
    creation_name,
    logging_elements,
)
from airflow_provider_ssis.project.builder.values import check_number, stored_value
from airflow_provider_ssis.project.builder.variables import BuiltParameter
from airflow_provider_ssis.project.builder.xml import check_name, element, expressions, group, guid
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.document import DtsPackage, dts_package, read_dts_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element

    from airflow_provider_ssis.project.models import ParameterValue

_FORMATS = {6: "11.0.2100.60", 8: "15.0.2000.180"}
"""The package formats that the builder writes, with the version of a product that writes them."""


class BuiltProject(Protocol):
    """What a package uses of its project."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def parameters(self) -> dict[str, BuiltParameter]:
        """Its parameters, by name without case."""

    @property
    def connection_managers(self) -> ConnectionManagers:
        """Its connection managers."""


class PackageBuilder(ContainerBuilder):
    """A package.

    Ids come from names, so the same code writes the same bytes. Sensitive values are not stored: the protection level
    is DontSaveSensitive.

    :param name: its name, without extension.
    :param project: the project that contains it. Default: None, a package without a project.
    :param format_version: 8 (SQL Server 2016 and later) or 6 (SQL Server 2012 and 2014). Default: 8.
    :param version: major, minor and build. Default: (1, 0, 0).
    :param version_comments: a text. Default: none.
    :param locale_id: the locale. Default: 1033, English of the United States.
    :param max_concurrent_executables: the number of executables that run at a time. Default: -1, the number of
        processors plus 2.
    :param options: the properties that all executables have. Default: their defaults.
    :raises BuildError: the name, the format or a number is invalid.
    """

    title = ""

    def __init__(
        self,
        name: str,
        *,
        project: BuiltProject | None = None,
        format_version: int = 8,
        version: tuple[int, int, int] = (1, 0, 0),
        version_comments: str = "",
        locale_id: int = 1033,
        max_concurrent_executables: int = -1,
        options: Options | None = None,
    ) -> None:
        self.part = f"{name}.dtsx"
        if not is_plain_name(self.part) or name != name.strip() or not name:
            raise BuildError(f"is not the name of a file: {name!r}", advice="Choose another name for the package")
        if format_version not in _FORMATS:
            raise BuildError(f"cannot be written in the format {format_version}", part=self.part, advice="Use 8 or 6")
        if len(version) != 3:
            raise BuildError(f"needs a version of three numbers, not {version!r}", part=self.part)
        for stored, number in zip(("VersionMajor", "VersionMinor", "VersionBuild"), version, strict=True):
            check_number("the version of the package", stored, number)
        check_number("the locale of the package", "LocaleID", locale_id)
        check_number("max_concurrent_executables", "MaxConcurrentExecutables", max_concurrent_executables)
        self.project = project
        self.format_version = format_version
        self.scope = ("" if project is None else project.name, name)
        self.version = version
        self.version_comments = version_comments
        self.locale_id = locale_id
        self.max_concurrent_executables = max_concurrent_executables
        self.parameters: dict[str, BuiltParameter] = {}
        self.configurations: list[Configuration] = []
        self.enable_configurations = False
        self._log_providers: list[LogProviderBuilder] = []
        self._event_handlers: dict[tuple[str, str], EventHandlerBuilder] = {}
        self.connection_managers = ConnectionManagers(self.part, self.scope, project_level=False)
        super().__init__(self, None, name, "Package", options or Options())

    @property
    def log_providers(self) -> Sequence[LogProviderBuilder]:
        """Its log providers."""
        return self._log_providers

    @property
    def version_guid(self) -> str:
        """The id of this version: it changes with the name and the version."""
        return guid(*self.scope, "version", *map(str, self.version))

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
        """Add a parameter of the package.

        :param name: its name.
        :param value: its design default. Default: None, the default of its type.
        :param data_type: its type. Default: that of the Python value.
        :param required: whether each run must set it. Default: False.
        :param sensitive: whether its value is a secret. It has no design default then. Default: False.
        :param description: a text. Default: none.
        :returns: the parameter.
        :raises BuildError: the name is invalid or used, the type cannot store the value, or a secret is given.
        """
        made = build_parameter(
            "$Package", name, value, data_type, required, sensitive, description, self.part, self.scope
        )
        if name.casefold() in self.parameters:
            raise BuildError(f"contains the parameter {name} twice", part=self.part)
        self.parameters[name.casefold()] = made
        return made

    def add_configuration(
        self, name: str, type_: int, string: str, *, variable: str = "", enable: bool = True
    ) -> Configuration:
        """Add a configuration of the package deployment model, which sets values when the package is loaded.

        :param name: its name.
        :param type_: a ``ConfigurationType`` of ``project.package.options``: 1 for an XML file.
        :param string: the path of the .dtsConfig file, the name of an environment or parent variable, or
            ``"connection manager";"table";"filter";``.
        :param variable: the property path that gets the value, for types with one value. Default: empty.
        :param enable: apply the configurations of the package. Default: True.
        :raises BuildError: the name is empty or used.
        """
        if not name.strip() or any(each.name == name for each in self.configurations):
            raise BuildError(f"cannot contain the configuration {name!r}", part=self.part)
        id_ = guid(*self.scope, "configuration", name)
        made = Configuration(name, id_, int(type_), string, variable)
        self.configurations.append(made)
        self.enable_configurations = enable
        return made

    def add_log_provider(
        self, name: str, kind: str, connection: ConnectionManagerBuilder | None = None, *, description: str = ""
    ) -> LogProviderBuilder:
        """Add a log provider, which logs the events of the executables that name it in ``set_logging``.

        :param name: its name.
        :param kind: ``TextFile``, ``XMLFile``, ``SQLServer``, ``EventLog`` or ``SQLProfiler``.
        :param connection: its connection manager: a FILE, or OLEDB for SQLServer. Default: None, for EventLog.
        :param description: a text. Default: none.
        :raises BuildError: the name is empty or used, there is no such kind, or the connection manager is missing or
            not one of this package.
        """
        if kind not in LOG_PROVIDERS or (connection is None) is not (kind == "EventLog"):
            raise BuildError(
                f"cannot contain the log provider {name} of the kind {kind!r}",
                part=self.part,
                advice=f"Kinds: {', '.join(LOG_PROVIDERS)}; all but EventLog need a connection manager",
            )
        if connection is not None and not self.sees(connection):
            raise BuildError(f"has no connection manager {connection.name} for {name}", part=self.part)
        if connection is not None and connection.kind != ("OLEDB" if kind == "SQLServer" else "FILE"):
            raise BuildError(
                f"cannot use {connection.name} of the type {connection.kind} for the log provider {name}",
                part=self.part,
                advice="SQLServer needs an OLEDB connection manager, the others a FILE",
            )
        if not name.strip() or any(each.name == name for each in self.log_providers):
            raise BuildError(f"cannot contain the log provider {name!r}", part=self.part)
        id_ = guid(*self.scope, "log provider", name)
        config_string = "" if connection is None else connection.name
        made = LogProviderBuilder(name, id_, creation_name(kind, self.format_version), config_string, description)
        self._log_providers.append(made)
        return made

    def event_handler(
        self, event: str, *, of: ExecutableBuilder | None = None, propagate: bool = True
    ) -> EventHandlerBuilder:
        """Return the handler of an event, which is added if there is none.

        :param event: ``OnError``, ``OnPreExecute``, ...
        :param of: the task or container of this package that raises the event. Default: None, the package.
        :param propagate: whether the handlers of the objects around that one run too. Used for a new handler.
            Default: True.
        :raises BuildError: there is no such event, or the executable is one of another package.
        """
        owner = self if of is None else of
        if owner.package is not self:
            raise BuildError(f"does not contain the executable {owner.ref_id}", part=self.part)
        if event not in EVENTS:
            raise BuildError(f"has no event {event!r}", part=self.part, advice=f"Events: {', '.join(EVENTS)}")
        key = (owner.ref_id, event)
        if key not in self._event_handlers:
            self._event_handlers[key] = EventHandlerBuilder(self, owner, event, propagate)
            owner.handlers[event] = self._event_handlers[key]
        return self._event_handlers[key]

    def visible_parameters(self) -> Iterator[BuiltParameter]:
        """Yield the parameters that this package can use: its own and those of its project."""
        yield from self.parameters.values()
        if self.project is not None:
            yield from self.project.parameters.values()

    def sees(self, manager: ConnectionManagerBuilder) -> bool:
        """Return True for a connection manager of this package or its project."""
        return manager in self.connection_managers or (
            self.project is not None and manager in self.project.connection_managers
        )

    def element(self) -> _Element:
        """Return the root element of the package.

        :raises ProjectError: the reader rejects it: precedence constraints form a cycle, for example.
        """
        type_name = "Microsoft.Package" if self.format_version == 8 else "SSIS.Package.3"
        major, minor, build = self.version
        made = executable_element(
            self,
            type_name,
            "",
            {
                "CreationDate": "1/1/2000 12:00:00 AM",
                "CreatorComputerName": "",
                "CreatorName": "",
                "EnableConfig": self.enable_configurations or None,
                "LastModifiedProductVersion": _FORMATS[self.format_version],
                "LocaleID": self.locale_id,
                "MaxConcurrentExecutables": None
                if self.max_concurrent_executables == -1
                else self.max_concurrent_executables,
                "PackageType": 5,
                "ProtectionLevel": "0",
                "VersionBuild": build,
                "VersionComments": self.version_comments or None,
                "VersionGUID": self.version_guid,
                "VersionMajor": None if major == 1 else major,
                "VersionMinor": minor or None,
            },
        )
        made.append(element("Property", {"Name": "PackageFormatVersion"}, text=str(self.format_version)))
        made.extend(group("ConnectionManagers", [each.element() for each in self.connection_managers]))
        made.extend(group("Configurations", [each.element() for each in self.configurations]))
        made.extend(group("LogProviders", [each.element() for each in self.log_providers]))
        made.extend(group("PackageParameters", [each.element() for each in self.parameters.values()]))
        made.extend(self._variable_elements())
        made.extend(expressions(self.expressions))
        made.extend(logging_elements(self.logging))
        made.extend(self._content_elements())
        made.extend(self._handler_elements())
        layout = element("DesignTimeProperties")
        layout.text = etree.CDATA(layout_text(dts_package(made, self.part)))
        made.append(layout)
        return made

    def to_bytes(self) -> bytes:
        """Return the .dtsx file.

        :raises BuildError: something in it cannot be written.
        :raises ProjectError: the reader rejects it: precedence constraints form a cycle, for example.
        """
        data = document(self.element())
        read_dts_package(data, self.part)
        return data

    def read(self) -> DtsPackage:
        """Return the package as the reader returns it from the file; raises as :meth:`to_bytes`."""
        return read_dts_package(document(self.element()), self.part)

    def save(self, folder: Path | str) -> Path:
        """Write the .dtsx file.

        :param folder: the folder.
        :returns: the path of the file.
        :raises ProjectError: as for :meth:`to_bytes`.
        """
        path = Path(folder) / self.part
        path.write_bytes(self.to_bytes())
        return path


def build_parameter(
    scope: str,
    name: str,
    value: ParameterValue,
    data_type: str | None,
    required: bool,
    sensitive: bool,
    description: str,
    part: str,
    names: tuple[str, ...],
) -> BuiltParameter:
    """Return a parameter of a package or project.

    :param scope: ``$Package`` or ``$Project``.
    :param part: the file that contains it.
    :param names: the names that make its id unique.
    :raises BuildError: as for :meth:`PackageBuilder.add_parameter`.
    """
    check_name(name, "parameter", part)
    if sensitive and value is not None:
        raise BuildError(
            f"the sensitive parameter {name} cannot have a design default, which the file would show",
            part=part,
            advice="Leave the value out, and set it on the server",
        )
    if value is None and data_type is None:
        data_type = "String"
    stored = stored_value(value, data_type, f"parameter {name}", part)
    if stored.data_type.name in ("Object", "Empty", "DBNull", "Char", "Currency"):
        raise BuildError(f"the parameter {name} cannot have the type {stored.data_type.name}", part=part)
    return BuiltParameter(name, scope, stored, guid(*names, "parameter", name), required, sensitive, description)


def document(root: _Element) -> bytes:
    """Return an XML document as Visual Studio writes it: UTF-8 with a declaration, indented.

    :param root: the root element; its white space is changed.
    """
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
