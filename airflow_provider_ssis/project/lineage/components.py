"""The tables, files and columns that the components of a data flow read and write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_ssis.project.lineage.addresses import Address, Dataset, UnknownAddress
from airflow_provider_ssis.project.lineage.columns import LOOKED_UP, column_lineage
from airflow_provider_ssis.project.lineage.package_values import PackageValues, UnknownValue
from airflow_provider_ssis.project.lineage.task_uses import DatasetColumn, TaskUses
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.type_names import component_class

FindAddress = Callable[[str], Address]
"""Returns where a connection manager leads."""

_MODE = "AccessMode"


@dataclass(frozen=True, slots=True)
class _Access:
    """Which property of a component says what it reads or writes.

    :param property: the property.
    :param in_variable: the property names a variable with the value.
    :param is_sql: the value is SQL and not the name of a table.
    """

    property: str
    in_variable: bool = False
    is_sql: bool = False


_OPEN_ROWSET = {"0": _Access("OpenRowset"), "1": _Access("OpenRowsetVariable", in_variable=True)}
_SQL = _Access("SqlCommand", is_sql=True)
_OLE_DB_SOURCE = _OPEN_ROWSET | {"2": _SQL, "3": _Access("SqlCommandVariable", in_variable=True, is_sql=True)}
_OLE_DB_DESTINATION = _OPEN_ROWSET | {
    "2": _SQL,
    "3": _Access("OpenRowset"),
    "4": _Access("OpenRowsetVariable", in_variable=True),
}
_ALWAYS = ""
"""The key of the access of a component without access modes."""

# The access modes are those of the components in files of Visual Studio.
_SOURCES: Mapping[str, Mapping[str, _Access]] = {
    "OLEDBSource": _OLE_DB_SOURCE,
    "ExcelSource": _OLE_DB_SOURCE,
    "ADONETSource": {"0": _Access("TableOrViewName"), "2": _SQL},
    "ODBCSource": {"0": _Access("TableName"), "1": _SQL},
    "Lookup": {_ALWAYS: _SQL},
}
_DESTINATIONS: Mapping[str, Mapping[str, _Access]] = {
    "OLEDBDestination": _OLE_DB_DESTINATION,
    "ExcelDestination": _OLE_DB_DESTINATION,
    "ADONETDestination": {_ALWAYS: _Access("TableOrViewName")},
    "ODBCDestination": {_ALWAYS: _Access("TableName")},
    "SQLServerDestination": {_ALWAYS: _Access("BulkInsertTableName")},
}
_FILE_SOURCES = frozenset({"FlatFileSource"})
_FILE_DESTINATIONS = frozenset({"FlatFileDestination"})
_SQL_COMMANDS = frozenset({"OLEDBCommand"})
_WITHOUT_MANAGER = frozenset(
    {"RawSource", "RawDestination", "XMLSource", "ScriptComponent", "ImportColumn", "ExportColumn"}
)
"""Components that can read or write files and more without a connection manager."""


def read_components(
    pipeline: Pipeline,
    expressions: Mapping[str, str],
    values: PackageValues,
    address: FindAddress,
    uses: TaskUses,
) -> None:
    """Record what the components of a data flow read and write.

    :param pipeline: the data flow.
    :param expressions: the property expressions of its task, by ``[Component].[Property]``.
    :param values: the values that expressions can use.
    :param address: finds where a connection manager leads.
    :param uses: where to record it.
    """
    reader = _Reader(expressions, values, address, uses)
    for component in pipeline.components:
        try:
            reader.read(component)
        except (UnknownAddress, UnknownValue) as error:
            uses.notes.append(f"{component.name}: {error}")
    _record_columns(pipeline, reader.origins, reader.targets, uses)


class _Reader:
    def __init__(
        self, expressions: Mapping[str, str], values: PackageValues, address: FindAddress, uses: TaskUses
    ) -> None:
        self._expressions = expressions
        self._values = values
        self._address = address
        self._uses = uses
        self.origins: dict[tuple[str, str], set[DatasetColumn]] = {}
        """The columns of tables and files by the component and its output column."""
        self.targets: dict[str, Dataset] = {}
        """What each destination writes, by its name."""

    def read(self, component: Component) -> None:
        kind = component_class(component)
        if kind in _FILE_SOURCES:
            self._columns_of(component, self._file(component, self._uses.reads), {})
        elif kind in _FILE_DESTINATIONS:
            self.targets[component.name] = self._file(component, self._uses.writes)
        elif kind in _SQL_COMMANDS:
            self._uses.add_sql(self._text(component, _SQL), self._connection(component))
        elif kind in _SOURCES:
            self._read_source(component, self._access(component, _SOURCES[kind]))
        elif kind in _DESTINATIONS:
            access = self._access(component, _DESTINATIONS[kind])
            if access.is_sql:
                raise UnknownValue("it writes through a query")
            address, name = self._connection(component), self._text(component, access)
            self.targets[component.name] = self._uses.add_table(self._uses.writes, name, address)
        elif component.connections or kind in _WITHOUT_MANAGER:
            raise UnknownValue(f"lineage of components of the class {kind} is not supported")

    def _read_source(self, component: Component, access: _Access) -> None:
        address, text = self._connection(component), self._text(component, access)
        if access.is_sql:
            results = self._uses.add_sql(text, address)
            self._columns_of(component, address.file, results)
        else:
            self._columns_of(component, self._uses.add_table(self._uses.reads, text, address), {})

    def _columns_of(
        self, component: Component, dataset: Dataset | None, results: Mapping[str, set[DatasetColumn]]
    ) -> None:
        """Record where the output columns of a source come from: a table or file, or the columns of a query."""
        by_name = {name.lower(): origins for name, origins in results.items()}

        def record(column: str, name: str) -> None:
            # A query with * gives all columns of its table.
            whole = {(table, name) for table, _ in by_name.get("*", ())}
            origins = {(dataset, name)} if dataset is not None else by_name.get(name.lower(), whole)
            self.origins.setdefault((component.name, column), set()).update(origins)
            for table, read in origins:
                self._uses.reads[table].add(read)

        for output in component.outputs:
            external = {one.key: one.name for one in output.external_columns}
            for column in output.columns if not output.is_error_output else ():
                reference = column.properties.get(LOOKED_UP)
                name = external.get(column.external_key, column.name) if reference is None else reference.text
                record(column.name, name)
        for one in component.inputs:
            for replaced in one.columns:
                reference = replaced.properties.get(LOOKED_UP)
                if reference is not None and reference.text:
                    record(reference.text, reference.text)

    def _file(self, component: Component, uses: dict[Dataset, set[str]]) -> Dataset:
        file = self._connection(component).file
        if file is None:
            raise UnknownAddress("its connection manager leads to no file")
        uses.setdefault(file, set())
        return file

    def _connection(self, component: Component) -> Address:
        for one in component.connections:
            if reference := one.manager_ref_id or one.manager_id:
                return self._address(reference)
        raise UnknownAddress("it has no connection manager")

    def _access(self, component: Component, modes: Mapping[str, _Access]) -> _Access:
        mode = component.properties.get(_MODE)
        key = _ALWAYS if _ALWAYS in modes else "0" if mode is None else mode.text.strip()
        if key not in modes:
            raise UnknownValue(f"the access mode {key} is not known")
        return modes[key]

    def _text(self, component: Component, access: _Access) -> str:
        expression = self._expressions.get(f"[{component.name}].[{access.property}]")
        found = component.properties.get(access.property)
        stored = "" if found is None else found.text
        text = stored if expression is None else self._values.text(expression)
        if access.in_variable:
            text = self._values.variable(text)
        if not text.strip():
            raise UnknownValue(f"the property {access.property} is empty")
        return text


def _record_columns(
    pipeline: Pipeline,
    origins: Mapping[tuple[str, str], set[DatasetColumn]],
    targets: Mapping[str, Dataset],
    uses: TaskUses,
) -> None:
    for one in column_lineage(pipeline):
        target = targets.get(one.destination)
        name = one.external_column
        if target is None or not name:
            continue
        uses.writes[target].add(name)
        found = [origin for each in one.origins for origin in origins.get((each.component, each.column), ())]
        if found:
            uses.columns.setdefault((target, name), set()).update(found)
