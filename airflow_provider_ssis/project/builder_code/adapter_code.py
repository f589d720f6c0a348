"""Code for the sources and destinations of data flows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder_code.calls import Ref
from airflow_provider_ssis.project.builder_code.flow_state import (
    FlowCode,
    column,
    names_by_lineage,
    property_text,
    sort_key,
)
from airflow_provider_ssis.project.package.data_flow import Component, ComponentInput


def _outputs(component: Component) -> list[Column]:
    return [column(each.name, each.data_type) for each in component.outputs[0].columns]


def _sorted_by(component: Component) -> list[object] | None:
    keys = sorted(
        (each for each in component.outputs[0].columns if each.sort_key_position),
        key=lambda each: abs(each.sort_key_position),
    )
    return [sort_key(each.name, each.sort_key_position, each.comparison_flags) for each in keys] or None


def _access(component: Component, *, table: str = "OpenRowset", sql_mode: str = "2") -> dict[str, str]:
    """Return the arguments for the table or query of a source."""
    mode = property_text(component, "AccessMode")
    if mode == sql_mode:
        return {"sql": property_text(component, "SqlCommand")}
    return {
        "1": {"table_variable": property_text(component, "OpenRowsetVariable")},
        "3": {"sql_variable": property_text(component, "SqlCommandVariable")},
    }.get(mode, {"table": property_text(component, table)})


def _parameters(flow: FlowCode, found: Component) -> object:
    """Return the variables of the parameters of a query: in order, or by name; None for none."""
    stored = _MAPPING.findall(property_text(found, "ParameterMapping"))
    named = {name: flow.variables.get(id_.upper(), "") for name, id_ in stored}
    if not named or "" in named.values():
        return None  # the stored text is set as a property
    numbered = [f"Parameter{number}" for number in range(len(named))]
    return list(named.values()) if list(named) == numbered else named


_MAPPING = re.compile(r'"([^"]+?)(?::Input)?",(\{[^}]*\});')


def _oledb_source(flow: FlowCode, found: Component) -> Ref:
    return flow.call(
        "add_oledb_source",
        found,
        flow.connection(found),
        _outputs(found),
        **_access(found),
        parameters=_parameters(flow, found),
        sorted_by=_sorted_by(found),
    )


def _excel_source(flow: FlowCode, found: Component) -> Ref:
    return flow.call(
        "add_excel_source",
        found,
        flow.connection(found),
        _outputs(found),
        **_access(found),
        parameters=_parameters(flow, found),
    )


def _ado_net_source(flow: FlowCode, found: Component) -> Ref:
    access = _access(found, table="TableOrViewName")
    return flow.call(
        "add_ado_net_source", found, flow.connection(found), _outputs(found), **access, sorted_by=_sorted_by(found)
    )


def _odbc_source(flow: FlowCode, found: Component) -> Ref:
    access = _access(found, table="TableName", sql_mode="1")
    return flow.call(
        "add_odbc_source", found, flow.connection(found), _outputs(found), **access, sorted_by=_sorted_by(found)
    )


def _flat_file_source(flow: FlowCode, found: Component) -> Ref:
    name = property_text(found, "FileNameColumnName")
    return flow.call(
        "add_flat_file_source",
        found,
        flow.connection(found),
        file_name_column=name or None,
        sorted_by=_sorted_by(found),
    )


def _mappings(source: Ref, found: ComponentInput, *, names_only: bool = False) -> dict[str, object] | None:
    """Return the columns of a destination by the name of the column upstream; None for equal columns."""
    external = {each.key: each for each in found.external_columns}
    upstream = source.value.columns()
    names = names_by_lineage(source)
    made: dict[str, object] = {}
    for each in found.columns:
        name, target = names[each.lineage_id], external[each.external_key]
        other = column(target.name, target.data_type)
        is_same = other == upstream[name].column.renamed(target.name)
        made[name] = target.name if is_same or names_only else other
    return None if made == {each: each for each in upstream} else made


def _other_columns(found: ComponentInput) -> list[Column] | None:
    """Return the columns of a destination that get no value."""
    used = {each.external_key for each in found.columns}
    return [column(each.name, each.data_type) for each in found.external_columns if each.key not in used] or None


def _oledb_destination(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    mode = property_text(found, "AccessMode")
    given: dict[str, object] = {"sql": property_text(found, "SqlCommand")} if mode == "2" else {}
    if mode in ("1", "4"):
        given = {"table_variable": property_text(found, "OpenRowsetVariable")}
    args = () if given else (property_text(found, "OpenRowset"),)
    return flow.call(
        "add_oledb_destination",
        found,
        source,
        flow.connection(found),
        *args,
        **given,
        mappings=_mappings(source, found.inputs[0]),
        other_columns=_other_columns(found.inputs[0]),
        fast_load=False if mode in ("0", "1") else None,
    )


def _destination(method: str, table: str) -> Callable[[FlowCode, Component], Ref]:
    def write(flow: FlowCode, found: Component) -> Ref:
        source = flow.source(found)
        return flow.call(
            method,
            found,
            source,
            flow.connection(found),
            property_text(found, table),
            mappings=_mappings(source, found.inputs[0]),
            other_columns=_other_columns(found.inputs[0]),
        )

    return write


def _flat_file_destination(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    mappings = _mappings(source, found.inputs[0], names_only=True)
    return flow.call("add_flat_file_destination", found, source, flow.connection(found), mappings=mappings)


def _recordset(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    columns = [names[each.lineage_id] for each in found.inputs[0].columns]
    return flow.call(
        "add_recordset_destination",
        found,
        source,
        property_text(found, "VariableName"),
        columns=None if columns == list(source.value.columns()) else columns,
    )


ADAPTERS: Mapping[str, Callable[[FlowCode, Component], Ref]] = {
    "OLEDBSource": _oledb_source,
    "ExcelSource": _excel_source,
    "ADONETSource": _ado_net_source,
    "ODBCSource": _odbc_source,
    "FlatFileSource": _flat_file_source,
    "OLEDBDestination": _oledb_destination,
    "ADONETDestination": _destination("add_ado_net_destination", "TableOrViewName"),
    "ODBCDestination": _destination("add_odbc_destination", "TableName"),
    "ExcelDestination": _destination("add_excel_destination", "OpenRowset"),
    "FlatFileDestination": _flat_file_destination,
    "RecordsetDestination": _recordset,
}
"""The function that writes the call for each class of source and destination."""
