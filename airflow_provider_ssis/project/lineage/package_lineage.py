"""The tables, files and columns that each Data Flow, Execute SQL and Bulk Insert task of a package reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.connection_strings import connection_pairs
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.lineage.addresses import Address, Dataset, UnknownAddress, address_of
from airflow_provider_ssis.project.lineage.components import read_components
from airflow_provider_ssis.project.lineage.overrides import Overrides
from airflow_provider_ssis.project.lineage.package_values import Evaluate, PackageValues, UnknownValue
from airflow_provider_ssis.project.lineage.task_uses import TaskUses
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.tasks import BulkInsertTask, ExecutePackageTask, ExecuteSqlTask

if TYPE_CHECKING:
    from lxml.etree import _Element

_ADDRESS_PROPERTIES = ("ConnectionString", "ServerName", "InitialCatalog", "ExcelFilePath")
_DISABLE = "Disable"
_DISABLED = frozenset({"disable", "disabled"})
"""The names of the property in paths, in lower case."""
_MAY_BE_DISABLED = "whether it is disabled is known only when the package runs"
_CALLED_PACKAGE = "PackageName"


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """A table or file that a task uses.

    :param columns: the columns that it uses, in alphabetical order; empty if they are not known.
    """

    dataset: Dataset
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnFlow:
    """Where a written column comes from.

    :param target: the table or file that is written.
    :param column: its column.
    :param origins: the columns from which it is computed, each with its table or file.
    """

    target: Dataset
    column: str
    origins: tuple[tuple[Dataset, str], ...]


@dataclass(frozen=True, slots=True)
class TaskLineage:
    """What a task reads and writes.

    :param task: the path of the task in the package.
    :param kind: ``Data Flow``, ``Execute SQL`` or ``Bulk Insert``; ``Execute Package`` if the package that it runs
        cannot be read, ``Package`` for a package that cannot be read.
    :param notes: what is missing here, and why.
    """

    task: str
    kind: str
    reads: tuple[DatasetUse, ...]
    writes: tuple[DatasetUse, ...]
    columns: tuple[ColumnFlow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageCall:
    """An Execute Package task.

    :param package: the package of the same project that it runs.
    :param parameters: the parameters that it sets.
    :param task: its path; empty for the package that is started. It makes no difference in comparisons.
    """

    package: str
    parameters: frozenset[str]
    task: str = field(default="", compare=False)

    def unread(self, note: str) -> TaskLineage:
        """Return the task without tables.

        :param note: why its package cannot be read.
        """
        kind = _KINDS[ExecutePackageTask] if self.task else "Package"
        return TaskLineage(self.task or "\\Package", kind, (), (), (), (note,))


@dataclass(frozen=True, slots=True)
class PackageLineage:
    """What a package reads and writes.

    :param tasks: its tasks.
    :param calls: the packages that it runs.
    """

    tasks: tuple[TaskLineage, ...]
    calls: tuple[PackageCall, ...]


_KINDS: Mapping[type, str] = {
    Pipeline: "Data Flow",
    ExecuteSqlTask: "Execute SQL",
    BulkInsertTask: "Bulk Insert",
    ExecutePackageTask: "Execute Package",
}


def package_lineage(
    package: DtsPackage,
    *,
    evaluate: Evaluate,
    parameters: Iterable[Parameter] = (),
    managers: Iterable[DtsConnectionManager] = (),
    given: Mapping[str, Any] | None = None,
    machine: str = "",
    overrides: Overrides | None = None,
) -> PackageLineage:
    """Return what each task of a package reads and writes. Disabled tasks are left out.

    :param package: the package.
    :param evaluate: evaluates expressions:
        :func:`~airflow_provider_ssis.expressions.property_values.evaluate_property`.
    :param parameters: the parameters of the project. Default: none.
    :param managers: the connection managers of the project. Default: none.
    :param given: values by ``$Project::Name`` or ``$Package::Name`` that replace the design defaults. Names such as
        ``$Project::CM.Warehouse.ServerName`` set properties of connection managers. Default: none.
    :param machine: the machine that runs the package, for servers named ``.`` or ``localhost``. Default: unknown.
    :param overrides: what the run replaces besides parameters. Default: nothing.
    """
    given, overrides = given or {}, overrides or Overrides()
    contents = {one.element: _data(one) for one in package.container.walk()}
    values = PackageValues.of(package, parameters, given, evaluate, contents.values(), overrides.variables)
    # The expressions of connection managers can use no variables of inner containers.
    outer = values.inside(package.container.variables)
    connections = Connections((*managers, *package.connection_managers), given, machine, outer, overrides)
    reader = _PackageReader(contents, connections, overrides)
    return PackageLineage(tuple(reader.read(package.container, values)), tuple(reader.calls))


class _PackageReader:
    def __init__(
        self, contents: Mapping[_Element, ContainerData], connections: Connections, overrides: Overrides
    ) -> None:
        self._contents = contents
        self._connections = connections
        self._overrides = overrides
        self.calls: list[PackageCall] = []

    def read(self, container: DtsContainer, values: PackageValues, note: str = "") -> Iterator[TaskLineage]:
        values = values.inside(container.variables)
        disabled = self._is_disabled(container, values)
        if disabled:
            return
        note = _MAY_BE_DISABLED if disabled is None else note
        found = self._task(container, values)
        if found is not None:
            yield replace(found, notes=(*found.notes, note)) if note else found
        for child in container.children:
            yield from self.read(child, values, note)
        for handler in container.enabled_handlers:
            inner = values.inside(handler.variables)
            for child in handler.children:
                yield from self.read(child, inner, note)

    def _is_disabled(self, container: DtsContainer, values: PackageValues) -> bool | None:
        """Return True for a disabled container, and None if only the run knows."""
        given = [
            value for name, value in self._overrides.of_container(container.path).items() if name.lower() in _DISABLED
        ]
        try:
            if _DISABLE in container.expressions:
                return values.text(container.expressions[_DISABLE]).lower() == "true"
        except UnknownValue:
            return None
        if given:
            return None if given[-1] is None else is_true(str(given[-1]))
        return container.disabled

    def _task(self, container: DtsContainer, values: PackageValues) -> TaskLineage | None:
        data = self._contents[container.element]
        changed = sorted(one for one in self._overrides.of_container(container.path) if one.lower() not in _DISABLED)
        kind = _KINDS.get(type(data))
        if changed and kind is not None:
            note = f"the run sets its properties: {', '.join(changed)}"
            return TaskLineage(container.path, kind, (), (), (), (note,))
        if isinstance(data, ExecutePackageTask):
            return self._call(container, data, values)
        return _task(container, data, values, self._connections)

    def _call(self, container: DtsContainer, data: ExecutePackageTask, values: PackageValues) -> TaskLineage | None:
        expression = container.expressions.get(_CALLED_PACKAGE)
        call = PackageCall(data.package_name, frozenset(one.parameter for one in data.assignments), container.path)
        if not data.use_project_reference:
            return call.unread("the package that it runs is not in the project")
        try:
            name = data.package_name if expression is None else values.text(expression)
        except UnknownValue as error:
            return call.unread(f"the package that it runs is not known: {error}")
        self.calls.append(replace(call, package=name))
        return None


class Connections:
    """The connection managers of a package, by each name that a task can use for them.

    :param managers: those of the project, then those of the package.
    :param given: values of parameters, some for properties of connection managers.
    :param machine: the machine that runs the package.
    :param values: the values that their expressions can use.
    :param overrides: what the run replaces.
    """

    def __init__(
        self,
        managers: Iterable[DtsConnectionManager],
        given: Mapping[str, Any],
        machine: str,
        values: PackageValues,
        overrides: Overrides,
    ) -> None:
        self._values = values
        self._overrides = overrides
        self._found: dict[str, DtsConnectionManager] = {}
        self._given = given
        self._machine = machine
        for one in managers:
            keys = (one.name, one.id, f"{one.id}:external", one.ref_id)
            scopes = (f"{scope}.ConnectionManagers[{one.name}]" for scope in ("Package", "Project"))
            for key in (*keys, *scopes):
                if key:
                    self._found[key.upper()] = one

    def address(self, reference: str) -> Address:
        """Return where a connection manager leads.

        :param reference: its id, refId or name.
        :raises UnknownAddress: the place cannot be named.
        """
        manager = self._found.get(reference.upper())
        if manager is None:
            raise UnknownAddress(f"the connection manager {reference or 'of the task'} is not in the project")
        try:
            return self._address(manager)
        except (UnknownAddress, UnknownValue) as error:
            raise UnknownAddress(f"the place of the connection manager {manager.name} is not known: {error}") from None

    def _address(self, manager: DtsConnectionManager) -> Address:
        text = self._overrides.connection_string(manager.name)
        if text is not None:
            kind = "ODBC" if "driver" in connection_pairs(text) else manager.kind
            creation_name = manager.creation_name if kind == manager.kind else kind
            return address_of(kind, creation_name, text, {}, machine=self._machine)
        given = {
            name: self._given[key]
            for name in _ADDRESS_PROPERTIES
            for scope in ("$Project", "$Package")
            if (key := f"{scope}::CM.{manager.name}.{name}") in self._given and self._given[key] != ""
        }
        for name in _ADDRESS_PROPERTIES:
            for member, value in self._overrides.connections_with(name):
                if self._found.get(member.upper()) is manager:
                    given[name] = value
        properties = {"ConnectionString": manager.connection_string}
        for name in _ADDRESS_PROPERTIES:
            if name in manager.expressions:
                properties[name] = self._values.text(manager.expressions[name])
            elif name in given:
                if given[name] is None:
                    raise UnknownValue(f"the run sets its property {name} to a sensitive value")
                properties[name] = str(given[name])
        return address_of(
            manager.kind, manager.creation_name, properties["ConnectionString"], properties, machine=self._machine
        )


def _data(container: DtsContainer) -> ContainerData:
    try:
        return container.data()
    except ProjectError:
        return None


def _task(
    container: DtsContainer, data: ContainerData, values: PackageValues, connections: Connections
) -> TaskLineage | None:
    uses = TaskUses()
    if isinstance(data, Pipeline):
        read_components(data, container.expressions, values, connections.address, uses)
    elif isinstance(data, ExecuteSqlTask):
        _execute_sql(data, container.expressions, values, connections, uses)
    elif isinstance(data, BulkInsertTask):
        _bulk_insert(data, connections, uses)
    else:
        return None
    return TaskLineage(
        task=container.path,
        kind=_KINDS[type(data)],
        reads=tuple(DatasetUse(one, tuple(sorted(columns))) for one, columns in sorted(uses.reads.items())),
        writes=tuple(DatasetUse(one, tuple(sorted(columns))) for one, columns in sorted(uses.writes.items())),
        columns=tuple(
            ColumnFlow(target, column, tuple(sorted(origins)))
            for (target, column), origins in sorted(uses.columns.items())
        ),
        notes=tuple(dict.fromkeys(uses.notes)),
    )


def _execute_sql(
    data: ExecuteSqlTask,
    expressions: Mapping[str, str],
    values: PackageValues,
    connections: Connections,
    uses: TaskUses,
) -> None:
    try:
        if "SqlStatementSource" in expressions:
            sql = values.text(expressions["SqlStatementSource"])
        elif data.source_type == "Variable":
            sql = values.variable(data.source)
        elif data.source_type == "FileConnection":
            raise UnknownValue("its SQL is in a file")
        else:
            sql = data.source
        if data.is_stored_procedure:
            raise UnknownValue("it calls a procedure, whose tables are not known")
        uses.add_sql(sql, connections.address(data.connection))
    except (UnknownAddress, UnknownValue) as error:
        uses.notes.append(str(error))


def _bulk_insert(data: BulkInsertTask, connections: Connections, uses: TaskUses) -> None:
    try:
        file = connections.address(data.source_connection).file
        if file is not None:
            uses.reads.setdefault(file, set())
        uses.add_table(uses.writes, data.destination_table, connections.address(data.destination_connection))
    except (UnknownAddress, UnknownValue) as error:
        uses.notes.append(str(error))
