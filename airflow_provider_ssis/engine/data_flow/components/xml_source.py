"""The XML Source: an output for each element of the schema that has attributes or children, or repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import IO, ClassVar

import pyarrow as pa

from airflow_provider_ssis.datatypes import INTEGERS, ColumnType
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.conversions.text_lengths import fitted
from airflow_provider_ssis.engine.data_flow.databases.query_source import text_of_variable
from airflow_provider_ssis.engine.data_flow.error_outputs import error_output_refusals
from airflow_provider_ssis.engine.data_flow.row_errors import (
    REDIRECT,
    TRUNCATED_ROW,
    Outcomes,
    apply_dispositions,
    status_errors,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type, flag_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import (
    EXTERNAL_COLUMN,
    OUTPUT,
    OUTPUT_COLUMN,
    StoredParts,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values, unknown_properties
from airflow_provider_ssis.engine.data_flow.xml_documents.reading import XmlRow, read_rows
from airflow_provider_ssis.engine.data_flow.xml_documents.schema import XmlTable, tables_of_schema
from airflow_provider_ssis.engine.data_flow.xml_documents.values import SUPPORTED, values_of
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.package.data_flow import ComponentOutput, OutputColumn
from airflow_provider_ssis.project.safe_xml import parse_xml

_PATH, _PATH_OF_VARIABLE, _DATA_OF_VARIABLE = "0", "1", "2"
_PROPERTIES = frozenset(
    ("AccessMode", "UseInlineSchema", "XMLData", "XMLDataVariable", "XMLIntegerMapping", "XMLSchemaDefinition")
)
"""XMLIntegerMapping decides the types of new columns in the designer."""

_CODES = {
    Status.CANNOT_CONVERT: 0xC02092B0,
    Status.SIGN_MISMATCH: 0xC0208385,
    Status.OVERFLOW: 0xC0208385,
    Status.TRUNCATED: TRUNCATED_ROW,
}
_OUTCOMES = Outcomes(error=0xC02090FB, truncation=0xC02090FA)
"""DTS_E_XMLSRC_INDUCEDTRANSFORMFAILUREONERROR and …ONTRUNCATION."""

_CANNOT_READ, _NO_PROPERTY, _NOT_IN_SCHEMA = 0xC02090D0, 0xC02090F6, 0xC020838B
_SEPARATORS = re.compile(r"[:/\\]")
_URL = re.compile(r"\s*[a-z]{2,}://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Read:
    """An output column and the values of the table that it gets.

    :param key: the key of a field; ``#`` for the row's own key, ``^`` for that of the parent, and empty for the text.
    """

    stored: OutputColumn
    type: ColumnType
    key: str
    type_name: str

    def text(self, row: XmlRow) -> str | None:
        match self.key:
            case "":
                return row.text
            case "#":
                return str(row.key)
            case "^":
                return None if row.parent_key is None else str(row.parent_key)
            case _:
                return row.values.get(self.key)


@dataclass(slots=True)
class _Table:
    """A table with its output and the rows that wait."""

    plan: ComponentPlan
    reads: Sequence[_Read]
    rows: list[XmlRow]
    count: int = 0


class XmlSource(FlowComponent):
    """Reads an XML document."""

    classes: ClassVar[tuple[str, ...]] = ("XMLSource",)
    parts: ClassVar[StoredParts] = StoredParts(
        {OUTPUT: frozenset({"RowsetID"}), **dict.fromkeys((OUTPUT_COLUMN, EXTERNAL_COLUMN), frozenset({"CLRType"}))},
        dispositions=frozenset({OUTPUT_COLUMN}),
    )
    """CLRType is the .NET type of the designer; the type of the column decides."""

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties, URLs, and columns and outputs that cannot be read."""
        yield from unknown_properties(plan, _PROPERTIES)
        yield from error_output_refusals(plan, has_texts=True)
        why = "the engine does not know this value"
        yield from other_values(plan, "XMLIntegerMapping", ("0", "1"), why, "Set it to 0 (decimals) or 1 (32 bits).")
        modes = (_PATH, _PATH_OF_VARIABLE, _DATA_OF_VARIABLE)
        yield from other_values(plan, "AccessMode", modes, "it is not one of an XML Source", "Choose 0, 1 or 2.")
        for name in ("XMLData", "XMLSchemaDefinition"):
            if _URL.match(plan.text(name)) and (name != "XMLData" or plan.text("AccessMode", _PATH) == _PATH):
                why = "the engine does not read XML documents from a URL"
                yield Refusal(plan.path, f"the property {name}", why, "Download the document in a task before.")
        for output in _outputs(plan):
            if not _rowset(output):
                yield Refusal(
                    plan.path,
                    f"the output {output.name}",
                    "it has no RowsetID, which names its element",
                    "Open the component in Visual Studio, and create its outputs again.",
                )
            for column in output.columns:
                type_ = column_type(column.data_type)
                if type_.code not in SUPPORTED:
                    why = "an XML Source has no columns of this type"
                    yield Refusal(plan.path, f"the type {type_} of the column {column.name}", why, "Change its type.")

    def validate(self, context: TaskContext) -> None:
        """Compare the columns with the schema, if it is a file."""
        if self.plan.stored.validate_external_metadata and not self._is_inline:
            self._check(self._schema(context))

    def _check(self, tables: Mapping[str, XmlTable]) -> None:
        """Check that the outputs belong to one of the elements with which a document can begin."""
        problems: list[TaskFailure] = []
        for root in sorted(tables.values(), key=lambda each: -len(list(each.walk()))):
            try:
                self._match(root)
            except TaskFailure as failure:
                problems.append(failure)
            else:
                return
        raise problems[0]

    @property
    def _is_inline(self) -> bool:
        return flag_of(self.plan.stored.properties, "UseInlineSchema")

    def _schema(self, context: TaskContext) -> Mapping[str, XmlTable]:
        text = self.plan.text("XMLSchemaDefinition")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no XML schema. Choose one.", _NO_PROPERTY)
        path = context.connections.path(text)
        try:
            root = parse_xml(path.read_bytes(), str(path))
        except OSError as error:
            raise TaskFailure(f"The XML schema {path} cannot be read: {error.strerror}.", _CANNOT_READ) from error
        except ProjectError as error:
            raise TaskFailure(f"The XML schema {path} cannot be read: {error}", _CANNOT_READ) from error
        return tables_of_schema(root)

    def _match(self, root: XmlTable) -> dict[XmlTable, _Table]:
        """Find the table of each output, and the field of each column.

        :param root: the table of the element with which the document begins.
        """
        every = list(root.walk())
        found: dict[XmlTable, _Table] = {}
        for output in _outputs(self.plan):
            table = self._table(output, every)
            errors = [each for each in self.plan.stored.outputs if each.is_error_output]
            error = next((each for each in errors if _rowset(each) == _rowset(output)), None)
            stored = replace(self.plan.stored, outputs=(output,) if error is None else (output, error))
            external = {column.key: column.name for column in output.external_columns}
            reads = [self._read(column, external, output, table) for column in output.columns]
            if table in found:
                raise TaskFailure(
                    f"Two outputs of {self.plan.stored.name} have the RowsetID {_rowset(output)}.", 0xC02090F7
                )
            found[table] = _Table(replace(self.plan, stored=stored), reads, [])
        return found

    def _table(self, output: ComponentOutput, every: Sequence[XmlTable]) -> XmlTable:
        names = tuple(_SEPARATORS.split(_rowset(output)))
        fitting = [table for table in every if table.path[-len(names) :] == names]
        exact = [table for table in fitting if table.path == names]
        if len(fitting) != 1 and len(exact) != 1:
            which = "no element" if not fitting else "several elements"
            raise TaskFailure(
                f"The output {output.name} of {self.plan.stored.name} belongs to {which} of the XML schema with "
                f"attributes or children: its RowsetID is {_rowset(output)!r}. Elements: "
                f"{', '.join('/'.join(table.path) for table in every)}.",
                _NOT_IN_SCHEMA,
            )
        return (exact or fitting)[0]

    def _read(
        self, column: OutputColumn, external: Mapping[str, str], output: ComponentOutput, table: XmlTable
    ) -> _Read:
        name = external.get(column.external_key, column.name)
        type_ = column_type(column.data_type)
        found = {key: each for key, each in table.fields.items() if each.name == name}
        keys: list[tuple[str, str]] = [(key, each.type_name) for key, each in found.items()]
        if any(each.has_default for each in found.values()):
            raise self._mismatch(output, name, "has a default value in the schema, which is not supported")
        is_key = type_.code in INTEGERS
        if is_key and name == f"{table.name}_Id":
            keys.append(("#", ""))
        if is_key and table.parent is not None and name == f"{table.parent.name}_Id":
            keys.append(("^", ""))
        if table.text is not None and name in ("text", table.name, f"{table.name}_Text", f"{table.name}_Column"):
            if table.text.has_default:
                raise self._mismatch(output, name, "has a default value in the schema, which is not supported")
            keys.append(("", table.text.type_name))
        if len(keys) != 1:
            names = sorted({each.name for each in table.fields.values()})
            why = f"matches several values of {table.name}" if keys else f"is not in the schema: {', '.join(names)}"
            raise self._mismatch(output, name, why)
        return _Read(column, type_, *keys[0])

    def _mismatch(self, output: ComponentOutput, name: str, why: str) -> TaskFailure:
        return TaskFailure(
            f"The external column {name} of the output {output.name} of {self.plan.stored.name} {why}.", _NOT_IN_SCHEMA
        )

    def open(self, context: TaskContext) -> None:
        """Read the schema, and open the document."""
        self._cancel = context.cancel
        self._tables = None if self._is_inline else self._schema(context)
        if self._tables is not None:
            self._check(self._tables)
        self._encoding: str | None = None
        self._source: IO[bytes]
        mode = self.plan.text("AccessMode", _PATH)
        if mode == _DATA_OF_VARIABLE:
            data = text_of_variable(context, self.plan.text("XMLDataVariable"), "an XML document")
            # The text is decoded already, also if its declaration names an encoding.
            self._source, self._encoding = BytesIO(data.lstrip("\ufeff").encode()), "utf-8"
            self._name = "The document of the variable"
            return
        if mode == _PATH_OF_VARIABLE:
            text = text_of_variable(context, self.plan.text("XMLDataVariable"), "the path of an XML document")
        else:
            text = self.plan.text("XMLData")
        if not text.strip():
            raise TaskFailure(f"{self.plan.stored.name} has no XML document. Choose one.", _NO_PROPERTY)
        if _URL.match(text):
            raise TaskFailure(
                f"The engine does not read XML documents from a URL: {text.strip()}. Download it in a task before.",
                _CANNOT_READ,
            )
        path = context.connections.path(text)
        try:
            self._source = path.open("rb")
        except OSError as error:
            raise TaskFailure(f"The XML document {path} cannot be read: {error.strerror}.", _CANNOT_READ) from error
        self._name = str(path)

    def close(self, *, failed: bool) -> None:
        """Close the document."""
        source: IO[bytes] | None = getattr(self, "_source", None)
        if source is not None:
            source.close()

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows of all tables."""
        matched: dict[XmlTable, _Table] | None = None
        for row in read_rows(self._source, self._name, self._tables, self._encoding, self._cancel.check):
            if matched is None:
                matched = self._match(row.table.root)
            table = matched.get(row.table)
            if table is None:
                continue
            table.rows.append(row)
            if len(table.rows) >= self.plan.buffer_rows:
                yield from self._flush(table)
        for table in (matched or {}).values():
            yield from self._flush(table)

    def _flush(self, table: _Table) -> Iterator[Emitted]:
        rows, table.rows = table.rows, []
        if not rows:
            return
        plan, output = table.plan, table.plan.main_output
        texts = [[read.text(row) for row in rows] for read in table.reads]
        arrays, errors = [], []
        for read, values in zip(table.reads, texts, strict=True):
            converted = values_of(values, read.type, read.type_name)
            arrays.append(converted.values)
            if converted.statuses is not None:
                errors += status_errors(converted.statuses, _CODES, read.stored, f'the column "{read.stored.name}"')
        batch = pa.RecordBatch.from_arrays(arrays, schema=plan.outputs[output.key].arrow)
        has_redirects = any(each.disposition == REDIRECT for each in errors)
        copies = self._copies(table, texts) if has_redirects else batch
        found = apply_dispositions(plan, copies, errors, table.count + 1, _OUTCOMES)
        table.count += len(rows)
        if found.kept is not None:
            batch = batch.filter(pa.array(found.kept))
        if batch.num_rows:
            yield output.key, batch
        if found.redirected is not None and plan.error_output is not None:
            yield plan.error_output.key, found.redirected

    def _copies(self, table: _Table, texts: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
        """The texts in the types of the error output, whose columns have the names of those of the output."""
        error = table.plan.error_output
        columns = {} if error is None else {each.name: each for each in table.plan.outputs[error.key].columns}
        arrays, names = [], []
        for read, values in zip(table.reads, texts, strict=True):
            column = columns.get(read.stored.name)
            copy = values_of(values, column.type, read.type_name).values if column else pa.nulls(len(values))
            arrays.append(fitted(copy, column.type)[0] if column else copy)
            names.append(read.stored.lineage_id or read.stored.key)
        return pa.RecordBatch.from_arrays(arrays, names=names)


def _outputs(plan: ComponentPlan) -> Iterator[ComponentOutput]:
    """The outputs that are not error outputs."""
    return (output for output in plan.stored.outputs if not output.is_error_output)


def _rowset(output: ComponentOutput) -> str:
    return text_of(output.properties, "RowsetID").strip()
