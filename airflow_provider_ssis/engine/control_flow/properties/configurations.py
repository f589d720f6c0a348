"""The configurations of the package deployment model, which set properties before a package runs.

A configuration that cannot be applied is a warning, and the design value stays. One of a property that the engine does
not apply is an error. Source: "Package Configurations".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.package_runs import Note, PackageRun
from airflow_provider_ssis.engine.control_flow.properties.property_paths import (
    PathError,
    UnsupportedPathError,
    set_property,
)
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.project.configuration_file import read_configuration_file
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.options import ConfigurationType, DtsConfiguration

ONE_OR_MORE_FAILED: Final = 0x80012059
"""DTS_W_ONEORMORECONFIGLOADFAILED."""
_NO_OBJECT: Final = 0x80012017
_NO_PARENT: Final = 0x8001201C
_NO_FILE: Final = 0x80012014
_BAD_FILE: Final = 0x80012013
_NO_VARIABLE: Final = 0x80019003
_NO_ROWS: Final = 0x80012054
_SQL_FAILED: Final = 0x80012051
_UNKNOWN_TYPE: Final = 0x80012023
_BAD_STRING: Final = 0x80012019
_SECRET: Final = re.compile(r"password|pwd|secret", re.IGNORECASE)
_PART: Final = re.compile(r'"((?:[^"]|"")*)"')

_REGISTRY: Final = (ConfigurationType.REGISTRY, ConfigurationType.INDIRECT_REGISTRY)
_OF_PARENT: Final = (ConfigurationType.PARENT_VARIABLE, ConfigurationType.INDIRECT_PARENT_VARIABLE)

Values = list[tuple[str, Any]]
"""Values by property path."""


class NotApplied(Exception):
    """A configuration cannot be applied."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Configurations:
    """Applies the configurations of a package.

    :param run: the package, before it starts, with its connections.
    :param evaluation: evaluates the variables of the parent package.
    :param secrets: gets configured passwords.
    :param environment: the environment variables. Default: those of this process.
    """

    def __init__(
        self,
        run: PackageRun,
        evaluation: Evaluation,
        secrets: Secrets,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._run = run
        self._evaluation = evaluation
        self._secrets = secrets
        self._environment = os.environ if environment is None else environment

    def apply(self, overrides: Mapping[str, Any], parent: Frame | None) -> Iterator[Note]:
        """Apply configurations and property overrides, in the order of dtexec.

        The configurations are applied again after the overrides, so that an override can change where a configuration
        is, but not what it sets. Parent variables are last.

        :param overrides: values by property path.
        :param parent: the Execute Package task; None without one.
        :raises PathError: a path of the overrides names nothing, or a path of an override or configuration leads to a
            property that the engine does not apply.
        """
        applied = [] if not is_enabled(self._run) else list(self._run.package.configurations)
        early = [one for one in applied if one.type not in _OF_PARENT]
        if overrides:
            list(self._all(early, None))
            for path, value in overrides.items():
                set_property(self._run, path, value)
        yield from self._all(early, None)
        if parent is not None:
            yield from self._all([one for one in applied if one.type in _OF_PARENT], parent)
        elif len(early) < len(applied):
            names = [one.name for one in applied if one.type in _OF_PARENT]
            self._run.failed_configurations += names
            text = f"The package runs without a parent package: {', '.join(names)} keeps the design values."
            yield Note(text, _NO_PARENT, is_warning=True)
        if self._run.failed_configurations:
            text = "One or more configurations were not applied. See the warnings before."
            yield Note(text, ONE_OR_MORE_FAILED, is_warning=True)

    def _all(self, configurations: list[DtsConfiguration], parent: Frame | None) -> Iterator[Note]:
        failed = self._run.failed_configurations
        for one in configurations:
            if one.name in failed:
                failed.remove(one.name)
            try:
                read, code = _READERS.get(one.type, (_unknown, 0))
                values = read(self, one, parent)
            except NotApplied as error:
                failed.append(one.name)
                yield Note(f"The configuration {one.name} is not applied. {error.text}", error.code, is_warning=True)
                continue
            is_applied = True
            for path, value in values:
                if _SECRET.search(path):
                    self._secrets.add(value)
                try:
                    set_property(self._run, path, value)
                except UnsupportedPathError as error:
                    # As a warning, the run would have another result than in Integration Services.
                    raise UnsupportedPathError(f"The configuration {one.name}: {error}") from None
                except PathError as error:
                    is_applied = False
                    yield Note(f"The configuration {one.name}: {error}", _NO_OBJECT, is_warning=True)
            if is_applied:
                yield Note(f"The configuration {one.name} was applied.", code)
            else:
                failed.append(one.name)

    # --- where the values are

    def parent_variable(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the value of a variable of the parent package, searched from its task outwards."""
        return self._parent_value(one.string, one, parent)

    def indirect_parent_variable(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the value of the parent's variable that an environment variable names."""
        return self._parent_value(self._environment_value(one.string), one, parent)

    def _parent_value(self, name: str, one: DtsConfiguration, parent: Frame | None) -> Values:
        for outer in () if parent is None else parent.outwards():
            for full in outer.package.variables_of(outer.container):
                if name in (full, full.rpartition("::")[2]):
                    return [(one.variable, self._evaluation.view(outer).read(full))]
        raise NotApplied(f"The parent package has no variable {name}.", _NO_PARENT)

    def environment_variable(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the value of an environment variable."""
        return [(one.variable, self._environment_value(one.string))]

    def xml_file(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the values of a .dtsConfig file."""
        return self._file(one.string)

    def indirect_xml_file(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the values of the .dtsConfig file whose path an environment variable contains."""
        return self._file(self._environment_value(one.string))

    def _environment_value(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            raise NotApplied(f"There is no environment variable {name}.", _NO_VARIABLE)
        return value

    def _file(self, text: str) -> Values:
        try:
            path = self._connections.path(text)
        except TaskFailure as error:
            raise NotApplied(error.text, _NO_FILE) from None
        if not path.is_absolute() and self._run.project.folder is not None:
            path = self._run.project.folder / path
        return self._values(path)

    @staticmethod
    def _values(path: Path) -> Values:
        try:
            found = read_configuration_file(path.read_bytes(), path.name)
        except FileNotFoundError:
            raise NotApplied(f"There is no file {path}.", _NO_FILE) from None
        except (OSError, ProjectError) as error:
            raise NotApplied(f"The file {path} cannot be read: {error}", _BAD_FILE) from None
        return [(one.path, one.value) for one in found.values]

    def sql_table(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the values in a table of a database."""
        return self._table(one.string)

    def indirect_sql_table(self, one: DtsConfiguration, parent: Frame | None) -> Values:
        """Return the values in the table that an environment variable names."""
        return self._table(self._environment_value(one.string))

    def _table(self, text: str) -> Values:
        import pyodbc

        parts = [part.replace('""', '"') for part in _PART.findall(text)]
        if len(parts) != 3:
            text = 'Its string is not of the form "connection manager";"table";"filter";.'
            raise NotApplied(text, _BAD_STRING)
        manager, table, configuration_filter = parts
        if not re.fullmatch(r"(\[[^\]]+\]|\w+)(\.(\[[^\]]+\]|\w+)){0,2}", table):
            raise NotApplied(f"{table} is not the name of a table.", _BAD_STRING)
        statement = f"SELECT ConfiguredValue, PackagePath FROM {table} WHERE ConfigurationFilter = ?"  # noqa: S608 a name
        try:
            with self._connections.odbc(manager) as connection:
                rows = connection.execute(statement, configuration_filter).fetchall()
        except TaskFailure as error:
            raise NotApplied(error.text, _SQL_FAILED) from None
        except pyodbc.Error as error:
            reason = self._secrets.masked(str(error.args[-1]))
            raise NotApplied(f"The table {table} cannot be read: {reason}", _SQL_FAILED) from None
        if not rows:
            raise NotApplied(f"The table {table} has no row with the filter {configuration_filter}.", _NO_ROWS)
        return [(str(path), "" if value is None else str(value)) for value, path in rows]

    @property
    def _connections(self) -> Any:
        if self._run.connections is None:
            raise ValueError("configurations need the connections of the package")
        return self._run.connections


def _unknown(self: Configurations, one: DtsConfiguration, parent: Frame | None) -> Values:
    raise NotApplied(f"Its type {one.type} is unknown.", _UNKNOWN_TYPE)


_READERS: Final[Mapping[int, tuple[Callable[[Configurations, DtsConfiguration, Frame | None], Values], int]]] = {
    ConfigurationType.PARENT_VARIABLE: (Configurations.parent_variable, 0x40016042),
    ConfigurationType.INDIRECT_PARENT_VARIABLE: (Configurations.indirect_parent_variable, 0x40016042),
    ConfigurationType.ENVIRONMENT_VARIABLE: (Configurations.environment_variable, 0x40016038),
    ConfigurationType.XML_FILE: (Configurations.xml_file, 0x40016041),
    ConfigurationType.INDIRECT_XML_FILE: (Configurations.indirect_xml_file, 0x40016041),
    ConfigurationType.SQL_SERVER: (Configurations.sql_table, 0x40016040),
    ConfigurationType.INDIRECT_SQL_SERVER: (Configurations.indirect_sql_table, 0x40016040),
}
"""How the values of each type are read, and the code of the information that they were applied."""


def is_enabled(run: PackageRun) -> bool:
    """Return whether configurations are applied: not in projects, whose parameters take their place."""
    return run.package.enable_configurations and not run.project.is_project


def configuration_refusals(package: DtsPackage) -> Iterator[Refusal]:
    """Yield the configurations that the engine does not support."""
    for one in package.configurations if package.enable_configurations else ():
        if one.type in _REGISTRY:
            where = f"{package.container.path}.Configurations[{one.name}]"
            advice = "Use an XML file or an environment variable."
            yield Refusal(where, "configuration in the registry", "this machine has no registry of Windows", advice)
