"""The tables, files and columns that each Data Flow, Execute SQL and Bulk Insert task of a package reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.lineage.addresses import Address, Dataset, UnknownAddress, address_of
from airflow_provider_ssis.project.lineage.components import read_components
from airflow_provider_ssis.project.lineage.package_values import Evaluate, PackageValues, UnknownValue
from airflow_provider_ssis.project.lineage.task_uses import TaskUses
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.tasks import BulkInsertTask, ExecuteSqlTask

if TYPE_CHECKING:
    from lxml.etree import _Element

_ADDRESS_PROPERTIES = ("ConnectionString", "ServerName", "InitialCatalog")


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
    :param kind: ``Data Flow``, ``Execute SQL`` or ``Bulk Insert``.
    :param notes: what is missing here, and why.
    """

    task: str
    kind: str
    reads: tuple[DatasetUse, ...]
    writes: tuple[DatasetUse, ...]
    columns: tuple[ColumnFlow, ...]
    notes: tuple[str, ...]


def package_lineage(
    package: DtsPackage,
    *,
    evaluate: Evaluate,
    parameters: Iterable[Parameter] = (),
    managers: Iterable[DtsConnectionManager] = (),
    given: Mapping[str, Any] | None = None,
    machine: str = "",
) -> tuple[TaskLineage, ...]:
    """Return what each task of a package reads and writes. Disabled tasks are left out.

    :param package: the package.
    :param evaluate: evaluates expressions:
        :func:`~airflow_provider_ssis.expressions.property_values.evaluate_property`.
    :param parameters: the parameters of the project. Default: none.
    :param managers: the connection managers of the project. Default: none.
    :param given: values by ``$Project::Name`` or ``$Package::Name`` that replace the design defaults. Names such as
        ``$Project::CM.Warehouse.ServerName`` set properties of connection managers. Default: none.
    :param machine: the machine that runs the package, for servers named ``.`` or ``localhost``. Default: unknown.
    """
    given = given or {}
    contents = {one.element: _data(one) for one in package.container.walk()}
    values = PackageValues.of(package, parameters, given, evaluate, contents.values())
    connections = Connections((*managers, *package.connection_managers), given, machine)
    return tuple(_walk(package.container, contents, values, connections))


class Connections:
    """The connection managers of a package, by each name that a task can use for them.

    :param managers: those of the project, then those of the package.
    :param given: values of parameters, some for properties of connection managers.
    :param machine: the machine that runs the package.
    """

    def __init__(self, managers: Iterable[DtsConnectionManager], given: Mapping[str, Any], machine: str) -> None:
        self._found: dict[str, DtsConnectionManager] = {}
        self._given = given
        self._machine = machine
        for one in managers:
            keys = (one.name, one.id, f"{one.id}:external", one.ref_id)
            scopes = (f"{scope}.ConnectionManagers[{one.name}]" for scope in ("Package", "Project"))
            for key in (*keys, *scopes):
                if key:
                    self._found[key.upper()] = one

    def address(self, reference: str, values: PackageValues) -> Address:
        """Return where a connection manager leads.

        :param reference: its id, refId or name.
        :param values: the values that its expressions can use.
        :raises UnknownAddress: the place cannot be named.
        """
        manager = self._found.get(reference.upper())
        if manager is None:
            raise UnknownAddress(f"the connection manager {reference or 'of the task'} is not in the project")
        properties: dict[str, str] = {"ConnectionString": manager.connection_string}
        for name in _ADDRESS_PROPERTIES:
            for scope in ("$Project", "$Package"):
                value = self._given.get(f"{scope}::CM.{manager.name}.{name}")
                if value not in (None, ""):
                    properties[name] = str(value)
        try:
            properties |= {
                name: values.text(manager.expressions[name])
                for name in _ADDRESS_PROPERTIES
                if name in manager.expressions
            }
            return address_of(
                manager.kind,
                manager.creation_name,
                properties["ConnectionString"],
                properties,
                machine=self._machine,
            )
        except (UnknownAddress, UnknownValue) as error:
            raise UnknownAddress(f"the place of the connection manager {manager.name} is not known: {error}") from None


def _data(container: DtsContainer) -> ContainerData:
    try:
        return container.data()
    except ProjectError:
        return None


def _walk(
    container: DtsContainer, contents: Mapping[_Element, ContainerData], values: PackageValues, connections: Connections
) -> Iterator[TaskLineage]:
    if container.disabled:
        return
    values = values.inside(container.variables)
    found = _task(container, contents[container.element], values, connections)
    if found is not None:
        yield found
    for child in container.children:
        yield from _walk(child, contents, values, connections)
    for handler in container.enabled_handlers:
        inner = values.inside(handler.variables)
        for child in handler.children:
            yield from _walk(child, contents, inner, connections)


def _task(
    container: DtsContainer, data: ContainerData, values: PackageValues, connections: Connections
) -> TaskLineage | None:
    uses = TaskUses()
    if isinstance(data, Pipeline):
        kind = "Data Flow"
        read_components(data, container.expressions, values, connections.address, uses)
    elif isinstance(data, ExecuteSqlTask):
        kind = "Execute SQL"
        _execute_sql(data, container.expressions, values, connections, uses)
    elif isinstance(data, BulkInsertTask):
        kind = "Bulk Insert"
        _bulk_insert(data, values, connections, uses)
    else:
        return None
    return TaskLineage(
        task=container.path,
        kind=kind,
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
        uses.add_sql(sql, connections.address(data.connection, values))
    except (UnknownAddress, UnknownValue) as error:
        uses.notes.append(str(error))


def _bulk_insert(data: BulkInsertTask, values: PackageValues, connections: Connections, uses: TaskUses) -> None:
    try:
        file = connections.address(data.source_connection, values).file
        if file is not None:
            uses.reads.setdefault(file, set())
        uses.add_table(uses.writes, data.destination_table, connections.address(data.destination_connection, values))
    except (UnknownAddress, UnknownValue) as error:
        uses.notes.append(str(error))
