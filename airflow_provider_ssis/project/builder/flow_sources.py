"""Sources of data flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import Component, OutputColumn, error_columns
from airflow_provider_ssis.project.builder.flow_columns import Column, SortKey
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import Properties, boolean, int32, text
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.type_names import MANAGED_HOST, managed_type

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder


class Sources(DataFlowElements):
    """The methods that add a source."""

    def add_oledb_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        columns: Sequence[Column],
        *,
        table: str = "",
        table_variable: Variable | None = None,
        sql: str = "",
        sql_variable: Variable | None = None,
        parameters: Sequence[Variable] | Mapping[str, Variable] = (),
        sorted_by: Sequence[SortKey | str] = (),
    ) -> Component:
        """Add an OLE DB Source, which reads a table or the result of a query.

        :param name: its name.
        :param connection: the OLEDB connection manager.
        :param columns: the columns of the table or query.
        :param table: the table or view: ``[dbo].[Sales]``. Default: empty.
        :param table_variable: a String variable with the name of the table. Default: None.
        :param sql: the query. Default: empty.
        :param sql_variable: a String variable with the query. Default: None.
        :param parameters: the variables for the parameters of ``sql``: for each ``?`` in order, or by the name of the
            parameter: ``{"@since": since}``. Default: none.
        :param sorted_by: the columns by which the rows are sorted, because of an ORDER BY in the query.
            Default: not sorted.
        :raises BuildError: a name is invalid or used, there is not exactly one of table, query and variable, or the
            connection manager or a variable is not visible here.
        """
        ref_id = self._start(name, connection, "OLEDB")
        table_name, sql_name, mode = self._row_set(name, table, table_variable, sql, sql_variable)
        properties: Properties = {
            "CommandTimeout": int32(0),
            "OpenRowset": text(table),
            "OpenRowsetVariable": text(table_name),
            "SqlCommand": text(sql),
            "SqlCommandVariable": text(sql_name),
            "DefaultCodePage": int32(1252),
            "AlwaysUseDefaultCodePage": boolean(False),
            "AccessMode": int32(mode),
            "ParameterMapping": text(self._parameter_mapping(name, sql, parameters)),
        }
        return self._add(
            name,
            "OLEDBSource",
            7,
            properties,
            uses_dispositions=True,
            connection=("OleDbConnection", connection),
            outputs=self._source_outputs(name, ref_id, "OLE DB Source", columns, {}, sorted_by=sorted_by),
        )

    def add_ado_net_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        columns: Sequence[Column],
        *,
        table: str = "",
        sql: str = "",
        timeout: int = 30,
        sorted_by: Sequence[SortKey | str] = (),
    ) -> Component:
        """Add an ADO.NET Source.

        :param name: its name.
        :param connection: the ADO.NET connection manager.
        :param columns: the columns of the table or query. Texts are DT_WSTR or DT_NTEXT: .NET knows no others.
        :param table: the table or view: ``"dbo"."Sales"``. Default: empty.
        :param sql: the query, if there is no table. Default: empty.
        :param timeout: the longest time that the query may take, in seconds; 0 for no limit. Default: 30.
        :param sorted_by: as for :meth:`add_oledb_source`.
        :raises BuildError: as for :meth:`add_oledb_source`.
        """
        ref_id = self._start(name, connection, "ADO.NET")
        mode = self._row_set(name, table, None, sql, None)[2]
        properties: Properties = {
            "SqlCommand": text(sql, can_have_expression=True),
            "CommandTimeout": int32(timeout),
            "AllowImplicitStringConversion": boolean(True),
            "TableOrViewName": text(table, can_have_expression=True),
            "AccessMode": int32(mode),
        }
        return self._add(
            name,
            MANAGED_HOST,
            4,
            properties,
            uses_dispositions=True,
            connection=("IDbConnection", connection),
            outputs=self._source_outputs(name, ref_id, "ADO NET Source", columns, {}, sorted_by=sorted_by),
            managed=managed_type("ADONETSource", self.task.package.format_version),
        )

    def add_odbc_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        columns: Sequence[Column],
        *,
        table: str = "",
        sql: str = "",
        batch_size: int = 1000,
        row_by_row: bool = False,
        unicode: bool = False,
        sorted_by: Sequence[SortKey | str] = (),
    ) -> Component:
        """Add an ODBC Source.

        :param name: its name.
        :param connection: the ODBC connection manager.
        :param columns: the columns of the table or query.
        :param table: the table or view. Default: empty.
        :param sql: the query, if there is no table. Default: empty.
        :param batch_size: the number of rows of a batch. Default: 1000.
        :param row_by_row: fetch single rows, which redirecting rows needs. Default: False, batches.
        :param unicode: return texts as DT_WSTR. Default: False, as DT_STR.
        :param sorted_by: as for :meth:`add_oledb_source`.
        :raises BuildError: as for :meth:`add_oledb_source`, or the package has format 6.
        """
        ref_id = self._start(name, connection, "ODBC")
        mode = 0 if self._row_set(name, table, None, sql, None)[2] == 0 else 1
        properties: Properties = {
            "TableName": text(table, can_have_expression=True),
            "SqlCommand": text(sql, can_have_expression=True),
            "BatchSize": int32(batch_size),
            "LobChunkSize": int32(32768),
            "ExposeCharColumnsAsUnicode": boolean(unicode),
            "StatementTimeout": int32(0),
            "DefaultCodePage": int32(1252),
            "FetchMethod": int32(0 if row_by_row else 1),
            "BindNumericAs": int32(0),
            "BindCharColumnsAs": int32(0),
            "AccessMode": int32(mode),
        }
        main, error = self._source_outputs(name, ref_id, "ODBC Source", columns, {}, sorted_by=sorted_by)
        for each in main.added:
            each.operation = None
        main.attributes |= {"errorRowDisposition": "FailComponent", "truncationRowDisposition": "FailComponent"}
        return self._add(
            name,
            "Attunity.SSISODBCSrc",
            7,
            properties,
            uses_dispositions=True,
            connection=("ODBCConnection", connection),
            outputs=(main, error),
        )

    def add_excel_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        columns: Sequence[Column],
        *,
        table: str = "",
        table_variable: Variable | None = None,
        sql: str = "",
        sql_variable: Variable | None = None,
        parameters: Sequence[Variable] | Mapping[str, Variable] = (),
    ) -> Component:
        """Add an Excel Source.

        :param name: its name.
        :param connection: the EXCEL connection manager.
        :param columns: the columns of the sheet or query: numbers are DT_R8, texts DT_WSTR of length 255.
        :param table: the sheet or range: ``Sheet1$``, ``Sheet1$A1:F20``. Default: empty.
        :param table_variable: a String variable with the name of the sheet. Default: None.
        :param sql: the query. Default: empty.
        :param sql_variable: a String variable with the query. Default: None.
        :param parameters: as for :meth:`add_oledb_source`.
        :raises BuildError: as for :meth:`add_oledb_source`.
        """
        ref_id = self._start(name, connection, "EXCEL")
        table_name, sql_name, mode = self._row_set(name, table, table_variable, sql, sql_variable)
        properties: Properties = {
            "CommandTimeout": int32(0),
            "OpenRowset": text(table),
            "OpenRowsetVariable": text(table_name),
            "SqlCommand": text(sql),
            "SqlCommandVariable": text(sql_name),
            "AccessMode": int32(mode),
            "ParameterMapping": text(self._parameter_mapping(name, sql, parameters)),
        }
        return self._add(
            name,
            "ExcelSource",
            1,
            properties,
            uses_dispositions=True,
            connection=("OleDbConnection", connection),
            outputs=self._source_outputs(name, ref_id, "Excel Source", columns, {}),
        )

    def add_flat_file_source(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        *,
        retain_nulls: bool = False,
        file_name_column: str = "",
        sorted_by: Sequence[SortKey | str] = (),
    ) -> Component:
        """Add a Flat File Source with the columns of its connection manager.

        :param name: its name.
        :param connection: the FLATFILE connection manager.
        :param retain_nulls: read an empty field as NULL. Default: False, as an empty text or 0.
        :param file_name_column: the name of a column with the path of the file. Default: empty, no such column.
        :param sorted_by: as for :meth:`add_oledb_source`.
        :raises BuildError: a name is invalid or used, or the connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "FLATFILE")
        properties: Properties = {
            "RetainNulls": boolean(retain_nulls),
            "FileNameColumnName": text(file_name_column),
        }
        own: Properties = {"FastParse": boolean(False), "UseBinaryFormat": boolean(False)}
        columns = file_columns(connection)
        main, error = self._source_outputs(name, ref_id, "Flat File Source", columns, own, sorted_by=sorted_by)
        if file_name_column:
            if file_name_column in main.columns():
                raise self._error(name, f"has two columns {file_name_column}")
            main.added = (*main.added, OutputColumn(Column(file_name_column, length=260)))
        unicode = connection.flat_file is not None and connection.flat_file.unicode
        raw = Column(
            "Flat File Source Error Output Column", "DT_NTEXT" if unicode else "DT_TEXT", code_page=columns[0].code_page
        )
        error.added = error_columns([raw])
        return self._add(
            name,
            "FlatFileSource",
            1,
            properties,
            uses_dispositions=True,
            connection=("FlatFileConnection", connection),
            outputs=(main, error),
        )

    def add_raw_file_source(
        self, name: str, columns: Sequence[Column], *, path: str = "", path_variable: Variable | None = None
    ) -> Component:
        """Add a Raw File Source, which reads the file of a Raw File Destination.

        :param name: its name.
        :param columns: the columns of the file.
        :param path: the path of the file. Default: empty.
        :param path_variable: a String variable with the path, if there is no path. Default: None.
        :raises BuildError: a name is invalid or used, there are both a path and a variable or none, or the variable is
            not visible here.
        """
        ref_id = self._start(name)
        properties = self._raw_file(name, path, path_variable)
        main, _ = self._source_outputs(name, ref_id, "Raw File Source", columns, {})
        for each in main.added:
            each.operation = None
        return self._add(name, "RawSource", 1, properties, outputs=[main])

    def add_xml_source(
        self,
        name: str,
        outputs: Mapping[str, Sequence[Column]],
        *,
        path: str = "",
        path_variable: Variable | None = None,
        data_variable: Variable | None = None,
        schema: str = "",
    ) -> Component:
        """Add an XML Source, with an output for each element that has children or repeats.

        :param name: its name.
        :param outputs: the columns of each output, by the name of its element.
        :param path: the path or URL of the document. Default: empty.
        :param path_variable: a String variable with the path. Default: None.
        :param data_variable: a String variable with the document itself. Default: None.
        :param schema: the path of the XML schema. Default: empty, the schema inside the document.
        :raises BuildError: a name is invalid or used, or there is not exactly one of path and variables.
        """
        ref_id = self._start(name)
        if [bool(path), path_variable is not None, data_variable is not None].count(True) != 1 or not outputs:
            raise self._error(name, "needs outputs, and either a path or a variable")
        variable = path_variable if data_variable is None else data_variable
        properties: Properties = {
            "XMLData": text(path, can_have_expression=True),
            "XMLDataVariable": text("" if variable is None else self._variable(name, variable, "String")),
            "AccessMode": int32(0 if path else 1 if data_variable is None else 2),
            "XMLSchemaDefinition": text(schema, can_have_expression=True),
            "UseInlineSchema": boolean(not schema),
            "XMLIntegerMapping": int32(0),
        }
        made = []
        for element, columns in outputs.items():
            main, error = self._source_outputs(name, ref_id, element, columns, {})
            main = self._output(ref_id, element, added=main.added, properties={"RowsetID": text(element)})
            texts = [Column(each.name, "DT_NTEXT") for each in columns]
            error = self._output(
                ref_id,
                f"{element} Error Output",
                added=error_columns(texts),
                attributes={"isErrorOut": "true"},
                properties={"RowsetID": text(element)},
            )
            made += [main, error]
        return self._add(
            name,
            MANAGED_HOST,
            2,
            properties,
            uses_dispositions=True,
            outputs=made,
            managed=managed_type("XMLSource", self.task.package.format_version),
        )

    def _parameter_mapping(self, name: str, sql: str, parameters: Sequence[Variable] | Mapping[str, Variable]) -> str:
        """Return the variables of the parameters of a query: ``"Parameter0:Input",{id};``."""
        named = (
            parameters
            if isinstance(parameters, Mapping)
            else {f"Parameter{number}": each for number, each in enumerate(parameters)}
        )
        if named and not sql:
            raise self._error(name, "needs a query for its parameters")
        stored = []
        for parameter, variable in named.items():
            variable_name = self.task.variable_name(variable)
            found = self.task.visible(variable_name)
            if found is None:
                raise self._error(
                    name, f"cannot use {variable_name} as a parameter: the id of a system variable is not known"
                )
            stored.append(f'"{parameter}:Input",{found.id};')
        return "".join(stored)


def file_columns(connection: ConnectionManagerBuilder) -> list[Column]:
    """Return the columns of a flat file.

    :param connection: its connection manager.
    :raises BuildError: the connection manager is not one of a flat file.
    """
    file = connection.flat_file
    if file is None:
        raise BuildError(f"the connection manager {connection.name} has no columns of a flat file")
    return [
        Column(each.name, each.data_type, each.length, each.precision, each.scale, file.code_page)
        for each in file.columns
    ]
