"""The transformation that compares rows with a dimension table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import Properties, boolean, int32, text

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

COLUMN_TYPES = ("other", "key", "changing", "historical", "fixed")
DIMENSION_OUTPUTS = (
    "Unchanged Output",
    "New Output",
    "Fixed Attribute Output",
    "Changing Attribute Updates Output",
    "Historical Attribute Inserts Output",
    "Inferred Member Updates Output",
)
_HISTORICAL = DIMENSION_OUTPUTS[4]


class Dimensions(DataFlowElements):
    """The method that adds a Slowly Changing Dimension."""

    def add_slowly_changing_dimension(
        self,
        name: str,
        source: Output,
        connection: ConnectionManagerBuilder,
        sql: str,
        columns: Mapping[str, str],
        *,
        current_row: str = "",
        all_are_new: bool = False,
        update_history: bool = False,
        fail_on_fixed_change: bool = False,
        fail_on_missing_key: bool = False,
        inferred_member_column: str = "",
        inferred_members: bool = True,
    ) -> Component:
        """Add a Slowly Changing Dimension. It has the six outputs of ``DIMENSION_OUTPUTS``, by kind of change.

        The statements that insert and update rows are components after it: OLE DB Command and OLE DB Destination.

        :param name: its name.
        :param source: the output before it.
        :param connection: the OLEDB connection manager of the dimension table.
        :param sql: the query that returns the columns of the dimension table, which have the names of those upstream.
        :param columns: the kind by the name of the column upstream: ``key`` (the business key), ``changing``,
            ``historical``, ``fixed`` or ``other``.
        :param current_row: the condition of the current row of a key: ``[EndDate] IS NULL``. Default: empty.
        :param all_are_new: send all rows to ``New Output``, for the first load. Default: False.
        :param update_history: update changing attributes in all rows of a key. Default: False, in the current one.
        :param fail_on_fixed_change: fail if a fixed attribute changes. Default: False.
        :param fail_on_missing_key: fail if the key is not in the table. Default: False.
        :param inferred_member_column: the column of the table that marks inferred members. Default: empty.
        :param inferred_members: send rows of inferred members to their output. Default: True.
        :raises BuildError: a name is invalid or used, a column is not upstream, there is no key or no such kind, or the
            connection manager is not visible here.
        """
        ref_id = self._start(name, connection, "OLEDB")
        unknown = [each for each in columns.values() if each not in COLUMN_TYPES]
        if unknown or "key" not in columns.values() or not sql.strip():
            raise self._error(name, f"needs a query, a key, and columns of the kinds {', '.join(COLUMN_TYPES)}")
        upstream = source.columns()
        used = []
        for original, kind in columns.items():
            found = self._column(name, original, upstream)
            properties: Properties = {"ColumnType": int32(COLUMN_TYPES.index(kind))}
            used.append(InputColumn(found, found.column, properties=properties))
        label = "Slowly Changing Dimension Input"
        passed, group = tuple(upstream.values()), self._group(ref_id, label)
        outputs = [
            self._output(ref_id, each, passed, attributes={**group, "exclusionGroup": 2 if each == _HISTORICAL else 1})
            for each in DIMENSION_OUTPUTS
        ]
        return self._add(
            name,
            "SCD",
            3,
            {
                "SqlCommand": text(sql),
                "CurrentRowWhere": text(current_row),
                "UpdateChangingAttributeHistory": boolean(update_history),
                "FailOnFixedAttributeChange": boolean(fail_on_fixed_change),
                "InferredMemberIndicator": text(inferred_member_column),
                "EnableInferredMember": boolean(inferred_members),
                "FailOnLookupFailure": boolean(fail_on_missing_key),
                "IncomingRowChangeType": int32(int(not all_are_new)),
                "DefaultCodePage": int32(1252),
            },
            connection=("LookupConnection", connection),
            inputs=[self._input(name, ref_id, label, source, used)],
            outputs=outputs,
        )
