"""Destinations of data flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import Component
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import NULL, Properties, boolean, int32, text
from airflow_provider_ssis.project.builder.flow_sources import file_columns
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.type_names import MANAGED_HOST, managed_type

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.components import Output
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

_RAW_FILE_OPTIONS = ("create always", "create once", "append", "truncate and append")
_INSERT = {"errorOrTruncationOperation": "Insert", "errorRowDisposition": "FailComponent", **SIDE_EFFECTS}


class Destinations(DataFlowElements):
    """The methods that add a destination."""

    def add_oledb_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str = "",
        *,
        table_variable: Variable | None = None,
        sql: str = "",
        mappings: Mapping[str, Column | str] | None = None,
        other_columns: Sequence[Column] = (),
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
        :param table: the table: ``[dbo].[Sales]``. Default: empty.
        :param table_variable: a String variable with the name of the table. Default: None.
        :param sql: a query that names the columns to insert into, which excludes ``fast_load``. Default: empty.
        :param mappings: the columns of the table by the name of the column upstream; a name stands for a column of the
            same type. Default: all columns, to columns of their names.
        :param other_columns: the columns of the table that get no value, such as identity columns. Default: none.
        :param fast_load: insert in bulk. Default: True.
        :param fast_load_options: the options of the bulk insert. Default: ``TABLOCK,CHECK_CONSTRAINTS``.
        :param keep_identity: write identity columns. Default: False.
        :param keep_nulls: write NULL instead of the column's default. Default: False.
        :param commit_size: the largest number of rows of a batch. Default: 2147483647.
        :raises BuildError: a name is invalid or used, a column is not upstream, there is not exactly one of table,
            variable and query, or the connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "OLEDB")
        table_name, _, mode = self._row_set(name, table, table_variable, sql, None)
        properties: Properties = {
            "CommandTimeout": int32(0),
            "OpenRowset": text(table),
            "OpenRowsetVariable": text(table_name),
            "SqlCommand": text(sql),
            "DefaultCodePage": int32(1252),
            "AlwaysUseDefaultCodePage": boolean(False),
            "AccessMode": int32(mode if sql or not fast_load else mode + 3),
            "FastLoadKeepIdentity": boolean(keep_identity),
            "FastLoadKeepNulls": boolean(keep_nulls),
            "FastLoadOptions": text(fast_load_options if fast_load and not sql else ""),
            "FastLoadMaxInsertCommitSize": int32(commit_size),
        }
        return self._table_destination(
            name,
            ref_id,
            "OLE DB Destination",
            "OLEDBDestination",
            4,
            properties,
            source,
            ("OleDbConnection", connection),
            mappings,
            other_columns,
        )

    def add_ado_net_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str,
        *,
        mappings: Mapping[str, Column | str] | None = None,
        other_columns: Sequence[Column] = (),
        batch_size: int = 0,
        timeout: int = 30,
        bulk_insert: bool = True,
    ) -> Component:
        """Add an ADO.NET Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the ADO.NET connection manager.
        :param table: the table: ``"dbo"."Sales"``.
        :param mappings: as for :meth:`add_oledb_destination`.
        :param other_columns: as for :meth:`add_oledb_destination`.
        :param batch_size: the number of rows of a batch; 0 for the size of the buffer. Default: 0.
        :param timeout: the longest time of a statement, in seconds. Default: 30.
        :param bulk_insert: insert in bulk where the driver can. Default: True.
        :raises BuildError: as for :meth:`add_oledb_destination`.
        """
        ref_id = self._start(name, connection, "ADO.NET")
        properties: Properties = {
            "TableOrViewName": text(table, can_have_expression=True),
            "BatchSize": int32(batch_size),
            "CommandTimeout": int32(timeout),
            "UseBulkInsertWhenPossible": boolean(bulk_insert),
        }
        return self._table_destination(
            name,
            ref_id,
            "ADO NET Destination",
            MANAGED_HOST,
            2,
            properties,
            source,
            ("IDbConnection", connection),
            mappings,
            other_columns,
            managed_type("ADONETDestination", self.task.package.format_version),
        )

    def add_odbc_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str,
        *,
        mappings: Mapping[str, Column | str] | None = None,
        other_columns: Sequence[Column] = (),
        batch_size: int = 1000,
        row_by_row: bool = False,
        transaction_size: int = 0,
    ) -> Component:
        """Add an ODBC Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the ODBC connection manager.
        :param table: the table.
        :param mappings: as for :meth:`add_oledb_destination`.
        :param other_columns: as for :meth:`add_oledb_destination`.
        :param batch_size: the number of rows of a batch. Default: 1000.
        :param row_by_row: insert single rows. Default: False, batches.
        :param transaction_size: the number of rows of a transaction; 0 for no transaction. Default: 0.
        :raises BuildError: as for :meth:`add_oledb_destination`, or the package has format 6.
        """
        ref_id = self._start(name, connection, "ODBC")
        properties: Properties = {
            "TableName": text(table, can_have_expression=True),
            "BatchSize": int32(batch_size),
            "InsertMethod": int32(0 if row_by_row else 1),
            "TransactionSize": int32(transaction_size),
            "BindCharColumnsAs": int32(0),
            "DefaultCodePage": int32(1252),
            "LobChunkSize": int32(32768),
            "StatementTimeout": int32(0),
        }
        return self._table_destination(
            name,
            ref_id,
            "ODBC Destination",
            "Attunity.SSISODBCDst",
            7,
            properties,
            source,
            ("ODBCConnection", connection),
            mappings,
            other_columns,
        )

    def add_excel_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str = "",
        *,
        table_variable: Variable | None = None,
        mappings: Mapping[str, Column | str] | None = None,
        other_columns: Sequence[Column] = (),
    ) -> Component:
        """Add an Excel Destination, which appends rows to a sheet.

        :param name: its name.
        :param source: the output before it.
        :param connection: the EXCEL connection manager.
        :param table: the sheet: ``Sheet1$``. Default: empty.
        :param table_variable: a String variable with the name of the sheet. Default: None.
        :param mappings: as for :meth:`add_oledb_destination`.
        :param other_columns: as for :meth:`add_oledb_destination`.
        :raises BuildError: as for :meth:`add_oledb_destination`.
        """
        ref_id = self._start(name, connection, "EXCEL")
        table_name, _, mode = self._row_set(name, table, table_variable, "", None)
        properties: Properties = {
            "CommandTimeout": int32(0),
            "OpenRowset": text(table),
            "OpenRowsetVariable": text(table_name),
            "SqlCommand": text(""),
            "AccessMode": int32(mode),
            "FastLoadKeepIdentity": boolean(False),
            "FastLoadKeepNulls": boolean(False),
            "FastLoadOptions": text(""),
            "FastLoadMaxInsertCommitSize": int32(0),
        }
        return self._table_destination(
            name,
            ref_id,
            "Excel Destination",
            "ExcelDestination",
            0,
            properties,
            source,
            ("OleDbConnection", connection),
            mappings,
            other_columns,
        )

    def add_sql_server_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        table: str,
        *,
        mappings: Mapping[str, Column | str] | None = None,
        keep_identity: bool = False,
        keep_nulls: bool = False,
        fire_triggers: bool = False,
        timeout: int = 30,
    ) -> Component:
        """Add a SQL Server Destination, which loads a table of the server on which the package runs.

        :param name: its name.
        :param source: the output before it.
        :param connection: the OLEDB connection manager.
        :param table: the table: ``[dbo].[Sales]``.
        :param mappings: as for :meth:`add_oledb_destination`.
        :param keep_identity: write identity columns. Default: False.
        :param keep_nulls: write NULL instead of the column's default. Default: False.
        :param fire_triggers: run the triggers of the table. Default: False.
        :param timeout: the longest time of the load, in seconds. Default: 30.
        :raises BuildError: as for :meth:`add_oledb_destination`.
        """
        ref_id = self._start(name, connection, "OLEDB")
        properties: Properties = {
            "BulkInsertTableName": text(table, can_have_expression=True),
            "BulkInsertCheckConstraints": boolean(True),
            "BulkInsertFirstRow": int32(-1),
            "BulkInsertLastRow": int32(-1),
            "BulkInsertMaxErrors": int32(-1),
            "BulkInsertTablock": boolean(True),
            "BulkInsertFireTriggers": boolean(fire_triggers),
            "BulkInsertKeepIdentity": boolean(keep_identity),
            "BulkInsertKeepNulls": boolean(keep_nulls),
            "BulkInsertOrder": text("", can_have_expression=True),
            "Timeout": int32(timeout),
            "MaxInsertCommitSize": int32(0),
        }
        columns = self._mapped(name, source, mappings)
        made = self._input(name, ref_id, "SQL Server Destination Input", source, columns, SIDE_EFFECTS)
        return self._add(
            name, "SQLServerDestination", 5, properties, connection=("OleDbConnection", connection), inputs=[made]
        )

    def add_flat_file_destination(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        *,
        mappings: Mapping[str, str] | None = None,
        overwrite: bool = True,
        header: str | None = None,
    ) -> Component:
        """Add a Flat File Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the FLATFILE connection manager.
        :param mappings: the columns of the file by the name of the column upstream. Default: columns of equal names.
            The other columns of the file stay empty.
        :param overwrite: replace the file; False to append to it. Default: True.
        :param header: a text before the first row. Default: None, no text.
        :raises BuildError: as for :meth:`add_oledb_destination`, or the file has no such column.
        """
        ref_id = self._start(name, connection, "FLATFILE")
        file = {each.name: each for each in file_columns(connection)}
        upstream = source.columns()
        chosen = {each: each for each in upstream if each in file} if mappings is None else mappings
        missing = [each for each in chosen.values() if each not in file]
        if missing or not chosen:
            raise self._error(name, f"maps no column of the file {connection.name}: {', '.join(missing) or 'none'}")
        columns = self._mapped(name, source, {original: file[target] for original, target in chosen.items()})
        made = self._input(name, ref_id, "Flat File Destination Input", source, columns, SIDE_EFFECTS)
        # Integration Services compares them with all columns of the connection manager, and their order.
        made.other_columns = tuple(column for key, column in file.items() if key not in chosen.values())
        made.external_names = tuple(file)
        properties: Properties = {
            "Overwrite": boolean(overwrite),
            "Header": NULL._replace(can_have_expression=True)
            if header is None
            else text(header, can_have_expression=True),
        }
        return self._add(
            name,
            "FlatFileDestination",
            0,
            properties,
            connection=("FlatFileConnection", connection),
            inputs=[made],
        )

    def add_raw_file_destination(
        self,
        name: str,
        source: Output,
        *,
        path: str = "",
        path_variable: Variable | None = None,
        write: str = "create always",
        columns: Sequence[str] | None = None,
    ) -> Component:
        """Add a Raw File Destination, which writes rows in a form that a Raw File Source reads.

        :param name: its name.
        :param source: the output before it.
        :param path: the path of the file. Default: empty.
        :param path_variable: a String variable with the path, if there is no path. Default: None.
        :param write: ``create always``, ``create once``, ``append`` or ``truncate and append``.
            Default: ``create always``.
        :param columns: the columns to write. Default: all.
        :raises BuildError: as for :meth:`add_raw_file_source`, or a column is not upstream.
        """
        ref_id = self._start(name)
        if write not in _RAW_FILE_OPTIONS:
            raise self._error(name, f"has the unknown option {write!r}. Options: {', '.join(_RAW_FILE_OPTIONS)}")
        properties = {
            **self._raw_file(name, path, path_variable),
            "WriteOption": int32(_RAW_FILE_OPTIONS.index(write)),
        }
        used = self._used(name, source, columns)
        made = self._input(name, ref_id, "Raw File Destination Input", source, used, SIDE_EFFECTS)
        return self._add(name, "RawDestination", 2, properties, inputs=[made])

    def add_recordset_destination(
        self, name: str, source: Output, variable: Variable, *, columns: Sequence[str] | None = None
    ) -> Component:
        """Add a Recordset Destination, which keeps rows in a variable for a Foreach loop.

        :param name: its name.
        :param source: the output before it.
        :param variable: the variable of type Object.
        :param columns: the columns to keep, in the order in which the loop numbers them. Default: all.
        :raises BuildError: a name is invalid or used, a column is not upstream, or the variable is not visible or of
            another type.
        """
        variable_name = self._variable(name, variable, "Object")
        ref_id = self._start(name)
        used = self._used(name, source, columns)
        made = self._input(name, ref_id, "Recordset Destination Input", source, used, SIDE_EFFECTS)
        return self._add(name, "RecordsetDestination", 0, {"VariableName": text(variable_name)}, inputs=[made])

    def add_datareader_destination(
        self, name: str, source: Output, *, columns: Sequence[str] | None = None, timeout: int = 30000
    ) -> Component:
        """Add a DataReader Destination, which hands rows to the program that runs the package.

        :param name: its name.
        :param source: the output before it.
        :param columns: the columns to hand over. Default: all.
        :param timeout: the longest time that it waits for the program, in milliseconds. Default: 30000.
        :raises BuildError: a name is invalid or used, or a column is not upstream.
        """
        ref_id = self._start(name)
        used = self._used(name, source, columns)
        made = self._input(name, ref_id, "DataReader Destination Input", source, used, SIDE_EFFECTS)
        properties: Properties = {
            "DataReader": text(name),
            "ReadTimeout": int32(timeout),
            "FailOnTimeout": boolean(False),
        }
        managed = managed_type("DataReaderDestinationAdapter", self.task.package.format_version)
        return self._add(name, MANAGED_HOST, 0, properties, inputs=[made], managed=managed)

    def _table_destination(
        self,
        name: str,
        ref_id: str,
        label: str,
        class_name: str,
        version: int,
        properties: Properties,
        source: Output,
        connection: tuple[str, ConnectionManagerBuilder],
        mappings: Mapping[str, Column | str] | None,
        other_columns: Sequence[Column],
        managed: str = "",
    ) -> Component:
        """Add a destination whose rows can fail one by one."""
        columns = self._mapped(name, source, mappings)
        made = self._input(name, ref_id, f"{label} Input", source, columns, _INSERT)
        made.other_columns = tuple(other_columns)
        return self._add(
            name,
            class_name,
            version,
            properties,
            uses_dispositions=True,
            connection=connection,
            inputs=[made],
            outputs=[self._error_output(ref_id, label, source)],
            managed=managed,
        )
