"""Build a data flow: columns and lineage come from the components upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import (
    Component,
    Output,
    OutputColumn,
    Properties,
    error_columns,
)
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.variables import BuiltVariable
from airflow_provider_ssis.project.errors import BuildError

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connections import ConnectionManagerBuilder
    from airflow_provider_ssis.project.builder.variables import Variable

_TEXT, _INT, _BOOL = "System.String", "System.Int32", "System.Boolean"
_COUNTERS = ("Int32", "UInt32", "Int64", "UInt64")


class DataFlowBuilder(DataFlowElements):
    """The components of a Data Flow task."""

    def add_oledb_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        columns: Sequence[Column],
        *,
        table: str = "",
        sql: str = "",
    ) -> Component:
        """Add an OLE DB Source.

        :param name: its name.
        :param connection: the OLEDB connection manager.
        :param columns: the columns of the table or query.
        :param table: the table or view: ``[dbo].[Sales]``. Default: empty.
        :param sql: the query, if there is no table. Default: empty.
        :raises BuildError: a name is invalid or used, there are both a table and a query or none, or the connection
            manager is not visible here.
        """
        if bool(table) is bool(sql):
            raise self._error(name, "needs either a table or a query")
        ref_id = self._start(name, connection, "OLEDB")
        properties: Properties = {
            "CommandTimeout": (_INT, "0"),
            "OpenRowset": (_TEXT, table),
            "OpenRowsetVariable": (_TEXT, ""),
            "SqlCommand": (_TEXT, sql),
            "SqlCommandVariable": (_TEXT, ""),
            "DefaultCodePage": (_INT, "1252"),
            "AlwaysUseDefaultCodePage": (_BOOL, "false"),
            "AccessMode": (_INT, "0" if table else "2"),
            "ParameterMapping": (_TEXT, ""),
        }
        outputs = self._source_outputs(ref_id, "OLE DB Source", columns, {}, name)
        return self._add(name, "OLEDBSource", 7, True, properties, ("OleDbConnection", connection), None, outputs)

    def add_flat_file_source(self, name: str, connection: ConnectionManagerBuilder) -> Component:
        """Add a Flat File Source with the columns of its connection manager.

        :param name: its name.
        :param connection: the FLATFILE connection manager.
        :raises BuildError: a name is invalid or used, or the connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "FLATFILE")
        properties: Properties = {"RetainNulls": (_BOOL, "false"), "FileNameColumnName": (_TEXT, "")}
        own: Properties = {"FastParse": (_BOOL, "false"), "UseBinaryFormat": (_BOOL, "false")}
        outputs = self._source_outputs(ref_id, "Flat File Source", _file_columns(connection), own, name)
        raw = outputs["Flat File Source Error Output"]
        raw.added = error_columns([Column("Flat File Source Error Output Column", "DT_TEXT")])
        return self._add(name, "FlatFileSource", 1, True, properties, ("FlatFileConnection", connection), None, outputs)

    def add_derived_column(self, name: str, source: Output, columns: Mapping[Column, str]) -> Component:
        """Add a Derived Column transformation.

        :param name: its name.
        :param source: the output before it.
        :param columns: the expressions of new columns: ``{Column("Total", "DT_I4"): "[Price] * [Pieces]"}``.
        :raises BuildError: a name is invalid or used, or an expression refers to a column that is not upstream.
        """
        ref_id = self._start(name)
        upstream, used = source.columns(), dict[str, FlowColumn]()
        added = []
        for column, text in columns.items():
            stored = self._expression(text, upstream, used, name)
            properties = {"Expression": (_TEXT, stored), "FriendlyExpression": (_TEXT, text)}
            added.append(OutputColumn(column, operation="Computation", properties=properties))
        return self._transform(name, ref_id, "DerivedColumn", "Derived Column", source, used, tuple(added))

    def add_data_conversion(self, name: str, source: Output, columns: Mapping[Column, str]) -> Component:
        """Add a Data Conversion transformation.

        :param name: its name.
        :param source: the output before it.
        :param columns: the columns upstream that new columns convert: ``{Column("Copy of Id", "DT_I4"): "Id"}``.
        :raises BuildError: a name is invalid or used, or a column is not upstream.
        """
        ref_id = self._start(name)
        upstream, used = source.columns(), dict[str, FlowColumn]()
        added = []
        for column, original in columns.items():
            found = self._column(name, original, upstream)
            used[original] = found
            reference = f"#{{{found.lineage_id}}}"
            properties = {"SourceInputColumnLineageID": (_INT, reference), "FastParse": (_BOOL, "false")}
            added.append(OutputColumn(column, operation="Conversion", properties=properties))
        return self._transform(name, ref_id, "DataConvert", "Data Conversion", source, used, tuple(added))

    def add_conditional_split(
        self,
        name: str,
        source: Output,
        conditions: Mapping[str, str],
        *,
        default: str = "Conditional Split Default Output",
    ) -> Component:
        """Add a Conditional Split. Its main output gets the rows for which no condition is true.

        :param name: its name.
        :param source: the output before it.
        :param conditions: the conditions by the name of the output, in the order in which they are evaluated.
        :param default: the name of the main output.
        :raises BuildError: as for :meth:`add_derived_column`.
        """
        ref_id = self._start(name)
        upstream, used = source.columns(), dict[str, FlowColumn]()
        label = "Conditional Split"
        group = {"exclusionGroup": 1, "synchronousInputId": f"{ref_id}.Inputs[{label} Input]"}
        passed = tuple(upstream.values())
        outputs = {
            default: Output(
                default, self._output(ref_id, default), passed, (), {**group}, {"IsDefaultOut": (_BOOL, "true")}
            )
        }
        for order, (output, text) in enumerate(conditions.items()):
            if output in outputs:
                raise self._error(name, f"has two outputs {output}")
            properties: Properties = {
                "Expression": (_TEXT, self._expression(text, upstream, used, name)),
                "FriendlyExpression": (_TEXT, text),
                "EvaluationOrder": (_INT, str(order)),
            }
            attributes = {
                **group,
                "errorOrTruncationOperation": "Computation",
                "errorRowDisposition": "FailComponent",
                "truncationRowDisposition": "FailComponent",
            }
            outputs[output] = Output(output, self._output(ref_id, output), passed, (), attributes, properties)
        error = f"{label} Error Output"
        outputs[error] = Output(
            error, self._output(ref_id, error), passed, error_columns(), {**group, "isErrorOut": "true"}
        )
        made = self._input(name, ref_id, f"{label} Input", source, [(each, None) for each in used.values()])
        return self._add(name, "ConditionalSplit", 0, True, {}, None, made, outputs)

    def add_multicast(self, name: str, source: Output, outputs: Sequence[str]) -> Component:
        """Add a Multicast, each output of which gets all rows.

        :param name: its name.
        :param source: the output before it.
        :param outputs: the names of its outputs.
        :raises BuildError: a name is invalid or used.
        """
        ref_id = self._start(name)
        if not outputs or len(set(outputs)) < len(outputs):
            raise self._error(name, "needs outputs with different names")
        attributes: dict[str, object] = {"synchronousInputId": f"{ref_id}.Inputs[Multicast Input 1]"}
        passed = tuple(source.columns().values())
        made = {each: Output(each, self._output(ref_id, each), passed, (), {**attributes}) for each in outputs}
        return self._add(
            name, "Multicast", 0, False, {}, None, self._input(name, ref_id, "Multicast Input 1", source), made
        )

    def add_row_count(self, name: str, source: Output, variable: Variable) -> Component:
        """Add a Row Count.

        :param name: its name.
        :param source: the output before it.
        :param variable: the variable that gets the number of rows: Int32, UInt32, Int64 or UInt64.
        :raises BuildError: a name is invalid or used, or the variable is not visible or has another type.
        """
        variable_name = self.task.variable_name(variable)
        found = self.task.visible(variable_name)
        if not isinstance(found, BuiltVariable) or found.value.data_type.name not in _COUNTERS:
            raise self._error(name, f"needs a variable of type {', '.join(_COUNTERS)}; {variable_name} is none")
        ref_id = self._start(name)
        attributes: dict[str, object] = {"synchronousInputId": f"{ref_id}.Inputs[Row Count Input 1]"}
        output = Output(
            "Row Count Output 1",
            self._output(ref_id, "Row Count Output 1"),
            tuple(source.columns().values()),
            (),
            attributes,
        )
        made = self._input(name, ref_id, "Row Count Input 1", source, attributes={"hasSideEffects": "true"})
        properties: Properties = {"VariableName": (_TEXT, variable_name)}
        return self._add(name, "RowCount", 0, False, properties, None, made, {output.name: output})

    def add_oledb_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str,
        *,
        mappings: Mapping[str, Column | str] | None = None,
        fast_load: bool = True,
        fast_load_options: str = "TABLOCK,CHECK_CONSTRAINTS",
        keep_identity: bool = False,
        keep_nulls: bool = False,
        commit_size: int = 2147483647,
    ) -> Component:
        """Add an OLE DB Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the OLEDB connection manager.
        :param table: the table: ``[dbo].[Sales]``.
        :param mappings: the columns of the table by the name of the column upstream; a name stands for a column of the
            same type. Default: all columns, to columns of their names.
        :param fast_load: insert in bulk. Default: True.
        :param fast_load_options: the options of the bulk insert. Default: ``TABLOCK,CHECK_CONSTRAINTS``.
        :param keep_identity: write identity columns. Default: False.
        :param keep_nulls: write NULL instead of the column's default. Default: False.
        :param commit_size: the largest number of rows of a batch. Default: 2147483647.
        :raises BuildError: a name is invalid or used, a column is not upstream, or the connection manager is not
            visible here.
        """
        ref_id = self._start(name, connection, "OLEDB")
        properties: Properties = {
            "CommandTimeout": (_INT, "0"),
            "OpenRowset": (_TEXT, table),
            "OpenRowsetVariable": (_TEXT, ""),
            "SqlCommand": (_TEXT, ""),
            "DefaultCodePage": (_INT, "1252"),
            "AlwaysUseDefaultCodePage": (_BOOL, "false"),
            "AccessMode": (_INT, "3" if fast_load else "0"),
            "FastLoadKeepIdentity": (_BOOL, str(keep_identity).lower()),
            "FastLoadKeepNulls": (_BOOL, str(keep_nulls).lower()),
            "FastLoadOptions": (_TEXT, fast_load_options if fast_load else ""),
            "FastLoadMaxInsertCommitSize": (_INT, str(commit_size)),
        }
        columns = self._mapped(name, source, mappings)
        label = "OLE DB Destination Input"
        attributes = {
            "errorOrTruncationOperation": "Insert",
            "errorRowDisposition": "FailComponent",
            "hasSideEffects": "true",
        }
        made = self._input(name, ref_id, label, source, columns, attributes)
        error = "OLE DB Destination Error Output"
        group = {"exclusionGroup": 1, "isErrorOut": "true", "synchronousInputId": f"{ref_id}.Inputs[{label}]"}
        passed = tuple(source.columns().values())
        outputs = {error: Output(error, self._output(ref_id, error), passed, error_columns(), group)}
        return self._add(name, "OLEDBDestination", 4, True, properties, ("OleDbConnection", connection), made, outputs)

    def add_flat_file_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        *,
        mappings: Mapping[str, str] | None = None,
        overwrite: bool = True,
    ) -> Component:
        """Add a Flat File Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the FLATFILE connection manager.
        :param mappings: the columns of the file by the name of the column upstream. Default: columns of equal names.
        :param overwrite: replace the file; False to append to it. Default: True.
        :raises BuildError: as for :meth:`add_oledb_destination`, or the file has no such column.
        """
        ref_id = self._start(name, connection, "FLATFILE")
        file = {each.name: each for each in _file_columns(connection)}
        upstream = source.columns()
        chosen = {each: each for each in upstream if each in file} if mappings is None else mappings
        missing = [each for each in chosen.values() if each not in file]
        if missing or not chosen:
            raise self._error(name, f"maps no column of the file {connection.name}: {', '.join(missing) or 'none'}")
        columns = self._mapped(name, source, {original: file[target] for original, target in chosen.items()})
        made = self._input(name, ref_id, "Flat File Destination Input", source, columns, {"hasSideEffects": "true"})
        properties: Properties = {"Overwrite": (_BOOL, str(overwrite).lower()), "Header": ("System.Null", "")}
        return self._add(
            name, "FlatFileDestination", 0, False, properties, ("FlatFileConnection", connection), made, {}
        )


def _file_columns(connection: ConnectionManagerBuilder) -> list[Column]:
    file = connection.flat_file
    if file is None:
        raise BuildError(f"the connection manager {connection.name} has no columns of a flat file")
    return [
        Column(each.name, each.data_type, each.length, each.precision, each.scale, file.code_page)
        for each in file.columns
    ]
