"""Components of data flows with what they need to run alone: stored XML, a plan, and the context of a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from lxml import etree

from airflow_provider_ssis.datatypes import COLUMN_TYPES, TYPE_PARAMETERS, ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.data_flow.component import (
    ComponentPlan,
    Emitted,
    FlowComponent,
    FlowPart,
    RowComponent,
)
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.expressions.arrow import as_column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.data_flow import Component, read_pipeline
from tests.support.engine import Context, task_context

_NAMES = {code: name for name, code in COLUMN_TYPES.items()}
_ATTRIBUTES = {"length": "length", "precision": "precision", "scale": "scale", "code_page": "codePage"}
INTEGER = ColumnType(DataTypeCode.DT_I4)


@dataclass(frozen=True)
class TestColumn:
    """A column of a source or destination.

    :param name: its name in the flow, from which its lineage id is made.
    :param external: its name in the table. Default: its name in the flow.
    """

    __test__ = False

    name: str
    type: ColumnType
    external: str = ""
    error: str = "FailComponent"
    truncation: str = "FailComponent"
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def external_name(self) -> str:
        return self.external or self.name


def _type_attributes(type_: ColumnType) -> dict[str, str]:
    found = {"dataType": _NAMES[type_.code]}
    for name in TYPE_PARAMETERS.get(type_.code, ()):
        found[_ATTRIBUTES[name]] = str(getattr(type_, name))
    return found


def _element(parent: Any, name: str, attributes: Mapping[str, str]) -> Any:
    return etree.SubElement(parent, name, dict(attributes))


def _properties(parent: Any, properties: Mapping[str, str]) -> None:
    holder = _element(parent, "properties", {})
    for name, value in properties.items():
        _element(holder, "property", {"name": name, "dataType": "System.String"}).text = value


def _external(parent: Any, columns: Iterable[TestColumn]) -> None:
    holder = _element(parent, "externalMetadataColumns", {"isUsed": "True"})
    for column in columns:
        attributes = {"refId": f"X[{column.external_name}]", "name": column.external_name}
        _element(holder, "externalMetadataColumn", attributes | _type_attributes(column.type))


def _error_columns(parent: Any) -> None:
    for flag, name in enumerate(("ErrorCode", "ErrorColumn"), 1):
        attributes = {"refId": f"E[{name}]", "lineageId": f"E[{name}]", "name": name, "dataType": "i4"}
        _element(parent, "outputColumn", attributes | {"specialFlags": str(flag)})


def _component(class_name: str, properties: Mapping[str, str], connection: str, validate: bool) -> tuple[Any, Any]:
    pipeline = etree.Element("pipeline", version="1")
    component = _element(
        _element(pipeline, "components", {}),
        "component",
        {
            "refId": "Package\\Load\\Part",
            "name": "Part",
            "componentClassID": f"Microsoft.{class_name}",
            "usesDispositions": "true",
            "validateExternalMetadata": str(validate),
        },
    )
    _properties(component, properties)
    if connection:
        manager = f"Package.ConnectionManagers[{connection}]"
        attributes = {"refId": "C", "name": "Connection", "connectionManagerID": manager}
        _element(_element(component, "connections", {}), "connection", attributes | {"connectionManagerRefId": manager})
    return pipeline, component


def _stored(pipeline: Any) -> Component:
    return read_pipeline(pipeline, "p.dtsx").components[0]


def source(
    class_name: str,
    columns: Sequence[TestColumn],
    properties: Mapping[str, str],
    connection: str = "DB",
    *,
    validate: bool = True,
    disposition: str = "NotUsed",
    attached: bool = True,
) -> ComponentPlan:
    """The plan of a source, whose error output has a path if ``attached``."""
    pipeline, component = _component(class_name, properties, connection, validate)
    outputs = _element(component, "outputs", {})
    dispositions = {"errorRowDisposition": disposition, "truncationRowDisposition": disposition}
    main = _element(outputs, "output", {"refId": "O", "name": "Out"} | dispositions)
    holder = _element(main, "outputColumns", {})
    for column in columns:
        attributes = {"refId": f"O[{column.name}]", "lineageId": f"O[{column.name}]", "name": column.name}
        attributes |= {"errorRowDisposition": column.error, "truncationRowDisposition": column.truncation}
        attributes |= {"externalMetadataColumnId": f"X[{column.external_name}]"}
        _properties(_element(holder, "outputColumn", attributes | _type_attributes(column.type)), column.properties)
    _external(main, columns)
    errors = _element(outputs, "output", {"refId": "E", "name": "Errors", "isErrorOut": "true"})
    holder = _element(errors, "outputColumns", {})
    for column in columns:
        attributes = {"refId": f"E[{column.name}]", "lineageId": f"E[{column.name}]", "name": column.name}
        _element(holder, "outputColumn", attributes | _type_attributes(column.type))
    _error_columns(holder)
    rows = RowSchema(tuple(RowColumn(f"O[{column.name}]", column.name, column.type, "Part") for column in columns))
    copies = RowSchema(tuple(RowColumn(f"E[{column.name}]", column.name, column.type, "Part") for column in columns))
    return ComponentPlan(
        _stored(pipeline),
        "\\Package\\Load\\Part",
        {},
        {"O": rows, "E": copies.with_columns(_error_schema())},
        frozenset({"O", "E"} if attached else {"O"}),
        {f"O[{column.name}]": number for number, column in enumerate(columns, 11)},
        1033,
        100,
        number=5,
    )


def _error_schema() -> list[RowColumn]:
    return [RowColumn(f"E[{name}]", name, INTEGER, "Part") for name in ("ErrorCode", "ErrorColumn")]


def destination(
    class_name: str,
    columns: Sequence[TestColumn],
    properties: Mapping[str, str],
    connection: str = "DB",
    *,
    disposition: str = "FailComponent",
    attached: bool = True,
    validate: bool = True,
    unmapped: Sequence[TestColumn] = (),
    buffer_rows: int = 100,
    outputs: Sequence[TestColumn] = (),
) -> ComponentPlan:
    """The plan of a destination or of a command, which gets the columns and some that it does not use."""
    pipeline, component = _component(class_name, properties, connection, validate)
    attributes = {"refId": "I", "name": "In", "errorRowDisposition": disposition, "hasSideEffects": "true"}
    main = _element(_element(component, "inputs", {}), "input", attributes)
    holder = _element(main, "inputColumns", {})
    for column in columns:
        attributes = {"refId": f"I[{column.name}]", "lineageId": f"O[{column.name}]", "cachedName": column.name}
        attributes |= {"externalMetadataColumnId": f"X[{column.external_name}]"}
        _properties(_element(holder, "inputColumn", attributes), column.properties)
    _external(main, columns)
    holder = _element(component, "outputs", {})
    synchronous = {"synchronousInputId": "I", "exclusionGroup": "1"}
    if class_name == "OLEDBCommand":
        _element(holder, "output", {"refId": "O", "name": "Out"} | synchronous)
    errors = _element(holder, "output", {"refId": "E", "name": "Errors", "isErrorOut": "true"} | synchronous)
    _error_columns(_element(errors, "outputColumns", {}))
    every = [*columns, *outputs, *unmapped]
    rows = RowSchema(tuple(RowColumn(f"O[{column.name}]", column.name, column.type, "Before") for column in every))
    return ComponentPlan(
        _stored(pipeline),
        "\\Package\\Load\\Part",
        {"I": rows},
        {"O": rows, "E": rows.with_columns(_error_schema())},
        frozenset({"O", "E"} if attached else {"O"}),
        {f"O[{column.name}]": number for number, column in enumerate(every, 11)},
        1033,
        buffer_rows,
        number=5,
    )


def batch_of(schema: RowSchema, **values: Sequence[Any]) -> pa.RecordBatch:
    """A batch of values by the columns' names, as the scalar evaluator has them; dates as datetime objects."""
    columns = []
    for column, name in zip(schema.columns, schema.arrow, strict=True):
        given = list(values[column.name])
        is_arrow = pa.types.is_temporal(name.type) or pa.types.is_struct(name.type)
        columns.append(pa.array(given, name.type) if is_arrow else as_column(given, column.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema.arrow)


def rows_of(batches: Iterable[pa.RecordBatch]) -> list[tuple[Any, ...]]:
    """The rows of batches, as Arrow returns the values."""
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def flow_context(connections: Mapping[str, str] | None = None, *, retain: bool = False, **variables: Any) -> Context:
    """The context of a Data Flow task.

    :param connections: the connection strings of its connection managers: of OLE DB if they name a provider, else of
        ODBC.
    :param variables: the values of its variables; None is a variable of the type Object.
    """
    package = ProjectBuilder("Test").add_package("Test")
    strings = connections or {}
    for name, text in strings.items():
        add = package.connection_managers.add_oledb if "Provider=" in text else package.connection_managers.add_odbc
        # A package does not store passwords, so the string comes as a user's replacement.
        add(name, text.partition(";")[0], retain=retain)
    for name, value in variables.items():
        package.add_variable(name, value)
    package.add_data_flow("Load")
    return task_context(package.read(), replacements=strings)


def ole_db_string(server: SsisdbEmulator, database: str = "SSISDB") -> str:
    """The OLE DB connection string of an embedded server."""
    return (
        f"Provider=MSOLEDBSQL.1;Data Source={server.host},{server.port};Initial Catalog={database};"
        f"User ID={server.user};Password={server.password};"
    )


@contextmanager
def opened(part: FlowPart, context: Any) -> Iterator[None]:
    """Validate and open a component, and close it after the block."""
    part.validate(context)
    failed = True
    part.open(context)
    try:
        yield
        failed = False
    finally:
        part.close(failed=failed)


def read_all(part: FlowComponent, context: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Run a source; returns the rows of each output."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with opened(part, context):
        for key, batch in part.rows({}):
            assert batch.schema == part.plan.outputs[key].arrow
            found.setdefault(key, []).extend(rows_of([batch]))
    return found


def write_all(part: RowComponent, context: Any, *batches: pa.RecordBatch) -> dict[str, list[tuple[Any, ...]]]:
    """Run a destination or transformation; returns the rows of each output."""
    found: dict[str, list[tuple[Any, ...]]] = {}

    def take(emitted: Iterable[Emitted]) -> None:
        for key, batch in emitted:
            assert batch.schema == part.plan.outputs[key].arrow
            found.setdefault(key, []).extend(rows_of([batch]))

    with opened(part, context):
        for batch in batches:
            take(part.process("I", batch))
        take(part.finish())
    return found
