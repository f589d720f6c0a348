"""Code for the transformations of data flows, and the table of all components."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_ssis.datatypes import COLUMN_TYPES
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_lookups import CACHE_TYPES
from airflow_provider_ssis.project.builder.flow_set_transforms import AGGREGATIONS, JOIN_TYPES, Aggregation
from airflow_provider_ssis.project.builder_code.adapter_code import ADAPTERS
from airflow_provider_ssis.project.builder_code.calls import Ref
from airflow_provider_ssis.project.builder_code.flow_state import (
    FlowCode,
    column,
    names_by_lineage,
    property_text,
    sort_key,
)
from airflow_provider_ssis.project.package.data_flow import Component, OutputColumn


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
    return flow.call("add_row_count", found, flow.source(found), property_text(found, "VariableName"))


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
    no_match = "output" if property_text(found, "NoMatchBehavior") == "1" else _NO_MATCH.get(disposition, "fail")
    cache = CACHE_TYPES[int(property_text(found, "CacheType") or 0)]
    return flow.call(
        "add_lookup",
        found,
        source,
        flow.connection(found),
        property_text(found, "SqlCommand"),
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
        [
            sort_key(name, position, int(each.properties["NewComparisonFlags"].text or 0))
            for position, name, each in keys
        ],
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
    join = JOIN_TYPES[int(property_text(found, "JoinType") or 0)]
    return flow.call(
        "add_merge_join",
        found,
        left,
        right,
        columns,
        join=None if join == "inner" else join,
        key_columns=int(property_text(found, "NumKeyColumns") or 1),
        nulls_are_equal=None if property_text(found, "TreatNullsAsEqual") == "true" else False,
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
    return flow.call(
        "add_oledb_command", found, source, flow.connection(found), property_text(found, "SqlCommand"), parameters
    )


WRITERS: Mapping[str, Callable[[FlowCode, Component], Ref]] = {
    **ADAPTERS,
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
}
"""The function that writes the call for each class of component."""
