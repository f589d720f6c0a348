"""Code for the components of data flows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ssis.datatypes import COLUMN_TYPES, TYPE_PARAMETERS
from airflow_provider_ssis.project.builder import components as built
from airflow_provider_ssis.project.builder.flow_columns import Column, SortKey
from airflow_provider_ssis.project.builder.flow_lookups import CACHE_TYPES
from airflow_provider_ssis.project.builder.flow_set_transforms import AGGREGATIONS, JOIN_TYPES, Aggregation
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.data_flow import Component, ComponentInput, DataType, OutputColumn


@dataclass
class FlowCode:
    """The state of the code for a data flow.

    :param code: the program.
    :param flow: the data flow that it builds.
    :param managers: the connection managers by id and reference.
    :param variables: the qualified names of variables by id in upper case.
    :param upstream: the output that leads to each input, by the key of the input.
    """

    code: Code
    flow: Ref
    managers: Mapping[str, Ref]
    variables: Mapping[str, str]
    upstream: dict[str, Ref]

    def connection(self, component: Component) -> Ref:
        """Return the connection manager of a component."""
        for each in component.connections:
            for key in (each.manager_ref_id, each.manager_id.removesuffix(":external")):
                if key.casefold() in self.managers:
                    return self.managers[key.casefold()]
        raise BuildError(f"the component {component.name} has no known connection manager")

    def source(self, component: Component, number: int = 0) -> Ref:
        """Return the output that leads to an input of a component."""
        key = component.inputs[number].key if number < len(component.inputs) else ""
        if key not in self.upstream:
            raise BuildError(f"no path leads to the component {component.name}")
        return self.upstream[key]

    def call(self, method: str, component: Component, *args: object, **kwargs: object) -> Ref:
        """Write the call that adds a component."""
        given = {name: value for name, value in kwargs.items() if value is not None}
        return self.code.call(self.flow, method, component.name, *args, into=component.name, **given)


def column(name: str, data_type: DataType) -> Column:
    """Return a column of the builder for a column that was read."""
    code = COLUMN_TYPES.get(data_type.name)
    if code is None:
        raise BuildError(f"the column {name} has the unknown type {data_type.name}")
    parts = TYPE_PARAMETERS.get(code, ())
    values: dict[str, Any] = {
        "length": data_type.length,
        "precision": data_type.precision,
        "scale": data_type.scale,
        "code_page": data_type.code_page,
    }
    return replace(Column(name, code.name), **{each: values[each] for each in parts})


def names_by_lineage(source: Ref) -> dict[str, str]:
    """Return the names of the columns of an output by their lineage ids."""
    return {each.lineage_id: name for name, each in source.value.columns().items()}


def _text(component: Component, name: str) -> str:
    found = component.properties.get(name)
    return "" if found is None else found.text


def _outputs(component: Component) -> list[Column]:
    return [column(each.name, each.data_type) for each in component.outputs[0].columns]


def _sorted_by(component: Component) -> list[object] | None:
    keys = sorted(
        (each for each in component.outputs[0].columns if each.sort_key_position),
        key=lambda each: abs(each.sort_key_position),
    )
    return [_key(each.name, each.sort_key_position, each.comparison_flags) for each in keys] or None


def _key(name: str, position: int, flags: int) -> object:
    return SortKey(name, position < 0, flags) if position < 0 or flags else name


def _access(component: Component, *, table: str = "OpenRowset", sql_mode: str = "2") -> dict[str, str]:
    """Return the arguments for the table or query of a source."""
    mode = _text(component, "AccessMode")
    if mode == sql_mode:
        return {"sql": _text(component, "SqlCommand")}
    return {
        "1": {"table_variable": _text(component, "OpenRowsetVariable")},
        "3": {"sql_variable": _text(component, "SqlCommandVariable")},
    }.get(mode, {"table": _text(component, table)})


def _parameters(flow: FlowCode, found: Component) -> object:
    """Return the variables of the parameters of a query: in order, or by name; None for none."""
    stored = _MAPPING.findall(_text(found, "ParameterMapping"))
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
    name = _text(found, "FileNameColumnName")
    return flow.call(
        "add_flat_file_source",
        found,
        flow.connection(found),
        file_name_column=name or None,
        sorted_by=_sorted_by(found),
    )


def _expression_columns(found: Component) -> dict[Column, str]:
    return {
        column(each.name, each.data_type): each.properties["FriendlyExpression"].text
        for each in found.outputs[0].columns
        if "FriendlyExpression" in each.properties
    }


def _derived_column(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    replaced = {
        names[each.lineage_id]: each.properties["FriendlyExpression"].text
        for each in found.inputs[0].columns
        if "FriendlyExpression" in each.properties
    }
    return flow.call("add_derived_column", found, source, _expression_columns(found) or None, replace=replaced or None)


def _data_conversion(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    columns = {
        column(each.name, each.data_type): names[_reference(each, "SourceInputColumnLineageID")]
        for each in found.outputs[0].columns
    }
    return flow.call("add_data_conversion", found, source, columns)


def _reference(found: OutputColumn, name: str) -> str:
    """Return the lineage id in a property."""
    return found.properties[name].text.removeprefix("#{").removesuffix("}")


def _copy_column(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    copies = {each.name: names[_reference(each, "copyColumnId")] for each in found.outputs[0].columns}
    return flow.call("add_copy_column", found, source, copies)


def _conditional_split(flow: FlowCode, found: Component) -> Ref:
    conditions = sorted(
        (each for each in found.outputs if "EvaluationOrder" in each.properties),
        key=lambda each: int(each.properties["EvaluationOrder"].text or 0),
    )
    default = next(each.name for each in found.outputs if "IsDefaultOut" in each.properties)
    return flow.call(
        "add_conditional_split",
        found,
        flow.source(found),
        {each.name: each.properties["FriendlyExpression"].text for each in conditions},
        default=None if default == "Conditional Split Default Output" else default,
    )


def _multicast(flow: FlowCode, found: Component) -> Ref:
    return flow.call("add_multicast", found, flow.source(found), [each.name for each in found.outputs])


def _row_count(flow: FlowCode, found: Component) -> Ref:
    return flow.call("add_row_count", found, flow.source(found), _text(found, "VariableName"))


def _lookup(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    used = found.inputs[0].columns
    joins = {
        names[each.lineage_id]: each.properties["JoinToReferenceColumn"].text
        for each in used
        if each.properties["JoinToReferenceColumn"].text
    }
    replaced = {
        names[each.lineage_id]: each.properties["CopyFromReferenceColumn"].text
        for each in used
        if each.properties["CopyFromReferenceColumn"].text
    }
    columns = {
        column(each.name, each.data_type): each.properties["CopyFromReferenceColumn"].text
        for each in found.outputs[0].columns
    }
    disposition = found.outputs[0].error_disposition
    no_match = "output" if _text(found, "NoMatchBehavior") == "1" else _NO_MATCH.get(disposition, "fail")
    cache = CACHE_TYPES[int(_text(found, "CacheType") or 0)]
    return flow.call(
        "add_lookup",
        found,
        source,
        flow.connection(found),
        _text(found, "SqlCommand"),
        joins,
        columns or None,
        replace=replaced or None,
        no_match=None if no_match == "fail" else no_match,
        cache=None if cache == "full" else cache,
    )


_NO_MATCH = {"FailComponent": "fail", "IgnoreFailure": "ignore", "RedirectRow": "redirect"}


def _sort(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    used = found.inputs[0].columns
    keys = sorted(
        (
            (int(each.properties["NewSortKeyPosition"].text or 0), names[each.lineage_id], each)
            for each in used
            if each.properties["NewSortKeyPosition"].text not in ("", "0")
        ),
        key=lambda each: abs(each[0]),
    )
    columns = [names[each.lineage_id] for each in used]
    return flow.call(
        "add_sort",
        found,
        source,
        [_key(name, position, int(each.properties["NewComparisonFlags"].text or 0)) for position, name, each in keys],
        columns=None if columns == list(source.value.columns()) else columns,
    )


def _united(flow: FlowCode, found: Component) -> tuple[list[Ref], dict[str, list[str | None]]]:
    used = [each for each in found.inputs if each.key in flow.upstream]
    sources = [flow.upstream[each.key] for each in used]
    columns: dict[str, list[str | None]] = {each.name: [None] * len(used) for each in found.outputs[0].columns}
    by_lineage = {each.lineage_id: each.name for each in found.outputs[0].columns}
    for number, (each, source) in enumerate(zip(used, sources, strict=True)):
        names = names_by_lineage(source)
        for one in each.columns:
            target = one.properties["OutputColumnLineageID"].text.removeprefix("#{").removesuffix("}")
            columns[by_lineage[target]][number] = names[one.lineage_id]
    return sources, columns


def _union_all(flow: FlowCode, found: Component) -> Ref:
    sources, columns = _united(flow, found)
    return flow.call("add_union_all", found, sources, columns=columns)


def _merge(flow: FlowCode, found: Component) -> Ref:
    sources, columns = _united(flow, found)
    return flow.call("add_merge", found, *sources, columns=columns)


def _merge_join(flow: FlowCode, found: Component) -> Ref:
    left, right = flow.source(found, 0), flow.source(found, 1)
    inputs = {
        one.key: (side, names[one.lineage_id])
        for side, each, names in (
            ("left", found.inputs[0], names_by_lineage(left)),
            ("right", found.inputs[1], names_by_lineage(right)),
        )
        for one in each.columns
    }
    columns = {each.name: inputs[_reference(each, "InputColumnID")] for each in found.outputs[0].columns}
    join = JOIN_TYPES[int(_text(found, "JoinType") or 0)]
    return flow.call(
        "add_merge_join",
        found,
        left,
        right,
        columns,
        join=None if join == "inner" else join,
        key_columns=int(_text(found, "NumKeyColumns") or 1),
        nulls_are_equal=None if _text(found, "TreatNullsAsEqual") == "true" else False,
    )


def _aggregate(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    columns = {}
    for each in found.outputs[0].columns:
        original = names.get(_reference(each, "AggregationColumnId"))
        data_type = COLUMN_TYPES[each.data_type.name].name
        columns[each.name] = Aggregation(
            AGGREGATIONS[int(each.properties["AggregationType"].text or 0)],
            original,
            data_type,
            each.properties["IsBig"].text == "1",
            int(each.properties["AggregationComparisonFlags"].text or 0),
        )
    return flow.call("add_aggregate", found, source, columns)


def _command(flow: FlowCode, found: Component) -> Ref:
    source = flow.source(found)
    names = names_by_lineage(source)
    external = {each.key: each.name for each in found.inputs[0].external_columns}
    by_parameter = {external[each.external_key]: names[each.lineage_id] for each in found.inputs[0].columns}
    numbered = {f"Param_{number}": by_parameter.get(f"Param_{number}") for number in range(len(by_parameter))}
    parameters: object = list(numbered.values()) if numbered == by_parameter else by_parameter
    return flow.call("add_oledb_command", found, source, flow.connection(found), _text(found, "SqlCommand"), parameters)


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
    mode = _text(found, "AccessMode")
    given: dict[str, object] = {"sql": _text(found, "SqlCommand")} if mode == "2" else {}
    if mode in ("1", "4"):
        given = {"table_variable": _text(found, "OpenRowsetVariable")}
    args = () if given else (_text(found, "OpenRowset"),)
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
            _text(found, table),
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
        _text(found, "VariableName"),
        columns=None if columns == list(source.value.columns()) else columns,
    )


WRITERS: Mapping[str, Callable[[FlowCode, Component], Ref]] = {
    "OLEDBSource": _oledb_source,
    "ExcelSource": _excel_source,
    "ADONETSource": _ado_net_source,
    "ODBCSource": _odbc_source,
    "FlatFileSource": _flat_file_source,
    "DerivedColumn": _derived_column,
    "DataConvert": _data_conversion,
    "CopyMap": _copy_column,
    "ConditionalSplit": _conditional_split,
    "Multicast": _multicast,
    "RowCount": _row_count,
    "Lookup": _lookup,
    "Sort": _sort,
    "UnionAll": _union_all,
    "Merge": _merge,
    "MergeJoin": _merge_join,
    "Aggregate": _aggregate,
    "OLEDBCommand": _command,
    "OLEDBDestination": _oledb_destination,
    "ADONETDestination": _destination("add_ado_net_destination", "TableOrViewName"),
    "ODBCDestination": _destination("add_odbc_destination", "TableName"),
    "ExcelDestination": _destination("add_excel_destination", "OpenRowset"),
    "FlatFileDestination": _flat_file_destination,
    "RecordsetDestination": _recordset,
}
"""The function that writes the call for each class of component."""


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "System.String": str,
    "System.Int32": int,
    "System.Boolean": lambda text: text.lower() == "true",
}


def adjust(flow: FlowCode, found: Component, made: Ref) -> None:
    """Write calls that set the properties, attributes and dispositions that the first call has not set."""
    component = made.value
    if not isinstance(component, built.Component) or component.written is None:
        return
    properties: dict[str, str | None] = {
        name: found.properties[name].text
        for name, each in component.properties.items()
        if name in found.properties and isinstance(each.text, str) and found.properties[name].text != each.text
    }
    properties |= {name: None for name in component.properties if name not in found.properties}
    if properties:
        flow.code.call(made, "set_properties", properties)
    for name, own_property in found.properties.items():
        parse = _PARSERS.get(own_property.data_type)
        if name not in component.properties and parse is not None and not own_property.is_array:
            flow.code.call(made, "add_property", name, parse(own_property.text))
    stored, own = found.element.attrib, component.written.attrib
    names = [
        each for each in {*map(str, stored), *map(str, own)} if each not in ("refId", "description", "contactInfo")
    ]
    changed = {each: stored.get(each) for each in sorted(names) if stored.get(each) != own.get(each)}
    changed.pop("componentClassID", None)
    if changed:
        flow.code.call(made, "set_attributes", changed)
    _dispositions(flow, found, made)


def _dispositions(flow: FlowCode, found: Component, made: Ref) -> None:
    stored = {each.get("refId"): each for each in found.element.iter("*") if each.get("refId")}
    wanted: dict[str, tuple[str, str]] = {}
    total = 0
    for each in made.value.written.iter("*"):
        names = [name for name in ("errorRowDisposition", "truncationRowDisposition") if each.get(name)]
        other = stored.get(each.get("refId"))
        if not names or other is None:
            continue
        total += 1
        pair = tuple(other.get(name, "FailComponent") for name in ("errorRowDisposition", "truncationRowDisposition"))
        if any(other.get(name) != each.get(name) for name in names):
            wanted[each.get("name") or each.get("cachedName") or ""] = (pair[0], pair[1])
    if wanted and len(wanted) == total and len(set(wanted.values())) == 1:
        flow.code.call(made, "set_dispositions", *next(iter(wanted.values())))
        return
    for name, (error, truncation) in wanted.items():
        flow.code.call(made, "set_dispositions", error, truncation, column=name)
