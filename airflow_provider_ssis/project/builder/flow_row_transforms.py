"""Transformations that treat each row by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import (
    Properties,
    Property,
    boolean,
    expression,
    int32,
    reference,
    text,
)
from airflow_provider_ssis.project.builder.variables import Variable

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

_COUNTERS = ("Int32", "UInt32", "Int64", "UInt64")
_IN_OUT = 65
"""The flags of a parameter of a statement: an input that may be NULL."""


class RowTransforms(DataFlowElements):
    """The methods that add a transformation of single rows."""

    def add_derived_column(
        self,
        name: str,
        source: Output,
        columns: Mapping[Column, str] | None = None,
        *,
        replace: Mapping[str, str] | None = None,
    ) -> Component:
        """Add a Derived Column transformation.

        :param name: its name.
        :param source: the output before it.
        :param columns: the expressions of new columns: ``{Column("Total", "DT_I4"): "[Price] * [Pieces]"}``.
            Default: none.
        :param replace: the expressions of the new values of columns upstream, which keep their types:
            ``{"City": "UPPER([City])"}``. Each expression sees the old values. Default: none.
        :raises BuildError: a name is invalid or used, there is no expression, or one refers to a column that is not
            upstream.
        """
        ref_id = self._start(name)
        upstream, used = source.columns(), dict[str, FlowColumn]()
        if not columns and not replace:
            raise self._error(name, "needs an expression")
        added = [
            OutputColumn(
                column,
                operation="Computation",
                properties=expression(self._expression(shown, upstream, used, name), shown),
            )
            for column, shown in (columns or {}).items()
        ]
        replaced = {
            original: InputColumn(
                self._column(name, original, upstream),
                operation="Computation",
                read_write=True,
                properties=expression(self._expression(shown, upstream, used, name), shown),
            )
            for original, shown in (replace or {}).items()
        }
        listed = {**{each: InputColumn(column) for each, column in used.items()}, **replaced}
        outputs = self._row_outputs(ref_id, "Derived Column", source, self._new_columns(name, added, source))
        made = self._input(name, ref_id, "Derived Column Input", source, list(listed.values()))
        return self._add(name, "DerivedColumn", 0, {}, uses_dispositions=True, inputs=[made], outputs=outputs)

    def add_data_conversion(self, name: str, source: Output, columns: Mapping[Column, str]) -> Component:
        """Add a Data Conversion transformation.

        :param name: its name.
        :param source: the output before it.
        :param columns: the columns upstream that new columns convert: ``{Column("Copy of Id", "DT_I4"): "Id"}``.
        :raises BuildError: a name is invalid or used, there is no column, or one is not upstream.
        """
        ref_id = self._start(name)
        upstream, used = source.columns(), dict[str, FlowColumn]()
        added = []
        for column, original in columns.items():
            found = self._column(name, original, upstream)
            used[original] = found
            properties: Properties = {
                "SourceInputColumnLineageID": reference(found.lineage_id),
                "FastParse": boolean(False),
            }
            added.append(OutputColumn(column, operation="Conversion", properties=properties))
        if not added:
            raise self._error(name, "needs a column")
        outputs = self._row_outputs(ref_id, "Data Conversion", source, self._new_columns(name, added, source))
        made = self._input(name, ref_id, "Data Conversion Input", source, [InputColumn(each) for each in used.values()])
        return self._add(name, "DataConvert", 0, {}, uses_dispositions=True, inputs=[made], outputs=outputs)

    def add_copy_column(self, name: str, source: Output, columns: Mapping[str, str]) -> Component:
        """Add a Copy Column transformation.

        :param name: its name.
        :param source: the output before it.
        :param columns: the columns upstream by the name of their copy: ``{"Copy of Id": "Id"}``.
        :raises BuildError: as for :meth:`add_data_conversion`.
        """
        ref_id = self._start(name)
        upstream = source.columns()
        added = []
        used = {original: self._column(name, original, upstream) for original in columns.values()}
        for copy, original in columns.items():
            properties: Properties = {"copyColumnId": reference(used[original].lineage_id)}
            added.append(OutputColumn(used[original].column.renamed(copy), properties=properties))
        if not added:
            raise self._error(name, "needs a column")
        label = "Copy Column"
        output = self._output(
            ref_id,
            f"{label} Output",
            tuple(upstream.values()),
            self._new_columns(name, added, source),
            {"synchronousInputId": f"{ref_id}.Inputs[{label} Input]"},
        )
        made = self._input(name, ref_id, f"{label} Input", source, [InputColumn(each) for each in used.values()])
        return self._add(name, "CopyMap", 0, {}, inputs=[made], outputs=[output])

    def add_character_map(
        self,
        name: str,
        source: Output,
        *,
        replace: Mapping[str, int] | None = None,
        columns: Mapping[str, tuple[str, int]] | None = None,
    ) -> Component:
        """Add a Character Map transformation.

        :param name: its name.
        :param source: the output before it.
        :param replace: the flags by the name of the text column that is changed in place. A flag is one of Windows'
            LCMapString: 0x100 lower case, 0x200 upper case, 0x800 reversed bytes, 0x100000 hiragana, 0x200000
            katakana, 0x400000 half width, 0x800000 full width, 0x1000000 linguistic casing. Default: none.
        :param columns: the column upstream and the flags by the name of the new column. Default: none.
        :raises BuildError: as for :meth:`add_data_conversion`.
        """
        ref_id = self._start(name)
        upstream = source.columns()
        used = {
            original: InputColumn(
                self._column(name, original, upstream),
                operation="Character Map",
                can_fail=("truncationRowDisposition",),
                read_write=True,
                properties={"MapFlags": _flags(flags)},
            )
            for original, flags in (replace or {}).items()
        }
        added = []
        for new, (original, flags) in (columns or {}).items():
            found = self._column(name, original, upstream)
            used.setdefault(original, InputColumn(found))
            added.append(
                OutputColumn(
                    found.column.renamed(new),
                    operation="Character Map",
                    can_fail=("truncationRowDisposition",),
                    properties={"InputColumnLineageID": reference(found.lineage_id), "MapFlags": _flags(flags)},
                )
            )
        if not used:
            raise self._error(name, "needs a column")
        outputs = self._row_outputs(ref_id, "Character Map", source, self._new_columns(name, added, source))
        made = self._input(name, ref_id, "Character Map Input", source, list(used.values()))
        return self._add(name, "CharacterMap", 1, {}, uses_dispositions=True, inputs=[made], outputs=outputs)

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
        group = self._group(ref_id, f"{label} Input")
        passed = tuple(upstream.values())
        outputs = [
            self._output(ref_id, default, passed, (), group, {"IsDefaultOut": boolean(True)}),
        ]
        for order, (output, shown) in enumerate(conditions.items()):
            properties: Properties = {
                **expression(self._expression(shown, upstream, used, name), shown),
                "EvaluationOrder": int32(order),
            }
            attributes = {
                **group,
                "errorOrTruncationOperation": "Computation",
                "errorRowDisposition": "FailComponent",
                "truncationRowDisposition": "FailComponent",
            }
            outputs.append(self._output(ref_id, output, passed, (), attributes, properties))
        outputs.append(self._error_output(ref_id, label, source))
        made = self._input(name, ref_id, f"{label} Input", source, [InputColumn(each) for each in used.values()])
        return self._add(name, "ConditionalSplit", 0, {}, uses_dispositions=True, inputs=[made], outputs=outputs)

    def add_multicast(self, name: str, source: Output, outputs: Sequence[str]) -> Component:
        """Add a Multicast, each output of which gets all rows.

        :param name: its name.
        :param source: the output before it.
        :param outputs: the names of its outputs.
        :raises BuildError: a name is invalid or used.
        """
        return self._copies(name, source, outputs, "Multicast", "Multicast Input 1", {})

    def add_balanced_data_distributor(self, name: str, source: Output, outputs: Sequence[str]) -> Component:
        """Add a Balanced Data Distributor, the outputs of which get the buffers in turn.

        :param name: its name.
        :param source: the output before it.
        :param outputs: the names of its outputs.
        :raises BuildError: a name is invalid or used, or the package has format 6.
        """
        label = "Balanced Data Distributor Input"
        return self._copies(name, source, outputs, "BDD", label, {"exclusionGroup": 1})

    def add_row_count(self, name: str, source: Output, variable: Variable) -> Component:
        """Add a Row Count.

        :param name: its name.
        :param source: the output before it.
        :param variable: the variable that gets the number of rows: Int32, UInt32, Int64 or UInt64.
        :raises BuildError: a name is invalid or used, or the variable is not visible or has another type.
        """
        variable_name = self._variable(name, variable, *_COUNTERS)
        ref_id = self._start(name)
        label = "Row Count Input 1"
        output = self._output(
            ref_id,
            "Row Count Output 1",
            tuple(source.columns().values()),
            attributes={"synchronousInputId": f"{ref_id}.Inputs[{label}]"},
        )
        made = self._input(name, ref_id, label, source, attributes=SIDE_EFFECTS)
        return self._add(name, "RowCount", 0, {"VariableName": text(variable_name)}, inputs=[made], outputs=[output])

    def add_oledb_command(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        sql: str,
        parameters: Sequence[str] | Mapping[str, str] = (),
        *,
        timeout: int = 0,
    ) -> Component:
        """Add an OLE DB Command, which runs a statement for each row.

        :param name: its name.
        :param source: the output before it.
        :param connection: the OLEDB connection manager.
        :param sql: the statement, with ``?`` for each parameter.
        :param parameters: the columns upstream for the parameters: for each ``?`` in order, or by the name of the
            parameter of a procedure: ``{"@id": "Id"}``. Default: none.
        :param timeout: the longest time of a statement, in seconds; 0 for no limit. Default: 0.
        :raises BuildError: a name is invalid or used, there is no statement, a column is not upstream, or the
            connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "OLEDB")
        if not sql.strip():
            raise self._error(name, "needs a statement")
        named = (
            parameters
            if isinstance(parameters, Mapping)
            else {f"Param_{number}": each for number, each in enumerate(parameters)}
        )
        upstream = source.columns()
        flags = {"DBParamInfoFlags": int32(_IN_OUT)}
        used = []
        for parameter, original in named.items():
            found = self._column(name, original, upstream)
            used.append(InputColumn(found, found.column.renamed(parameter), flags))
        if len({each.source.lineage_id for each in used}) < len(used):
            raise self._error(name, "uses a column for two parameters. Copy the column with a Copy Column before it")
        attributes = {
            "errorOrTruncationOperation": "Command Execution",
            "errorRowDisposition": "FailComponent",
            **SIDE_EFFECTS,
        }
        made = self._input(name, ref_id, "OLE DB Command Input", source, used, attributes)
        properties: Properties = {
            "CommandTimeout": int32(timeout),
            "SqlCommand": text(sql, can_have_expression=True),
            "DefaultCodePage": int32(1252),
        }
        return self._add(
            name,
            "OLEDBCommand",
            2,
            properties,
            uses_dispositions=True,
            connection=("OleDbConnection", connection),
            inputs=[made],
            outputs=self._row_outputs(ref_id, "OLE DB Command", source),
        )

    def _copies(
        self,
        name: str,
        source: Output,
        outputs: Sequence[str],
        class_name: str,
        label: str,
        attributes: Mapping[str, object],
    ) -> Component:
        ref_id = self._start(name)
        if not outputs or len(set(outputs)) < len(outputs):
            raise self._error(name, "needs outputs with different names")
        passed = tuple(source.columns().values())
        synchronous = {**attributes, "synchronousInputId": f"{ref_id}.Inputs[{label}]"}
        made = [self._output(ref_id, each, passed, (), synchronous) for each in outputs]
        return self._add(name, class_name, 0, {}, inputs=[self._input(name, ref_id, label, source)], outputs=made)


def _flags(flags: int) -> Property:
    return Property("System.UInt32", str(flags))
