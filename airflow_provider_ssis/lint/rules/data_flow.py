"""Rules about data flows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.flow import Flow
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import Subject
from airflow_provider_ssis.project.package.data_flow import Component, DataType
from airflow_provider_ssis.project.type_names import component_class

_NAME = r'(?:\w+|\[[^\]]*\]|"[^"]*")'
_INNER = re.compile(r"\(([^()]*)\)")
_TOP = r"(?:top\s*(?:\d+|\x00\d+\x00)\s+(?:percent\s+)?(?:with\s+ties\s+)?)?"
_SELECT = re.compile(
    rf"\bselect\b\s*(?:(?:distinct|all)\s+)?{_TOP}(?P<columns>.*?)(?:\bfrom\b\s*(?:\x00(?P<derived>\d+)\x00)?|$)",
    re.IGNORECASE | re.DOTALL,
)
"""Matches a SELECT whose texts in parentheses were replaced by numbers between null characters."""
_ALL_COLUMNS = re.compile(rf"(?:^|,)\s*(?:{_NAME}\s*\.\s*)*\*\s*(?=,|$)")
_NOT_SQL = re.compile(r"--[^\r\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_TEXTS = ("str", "wstr", "bytes", "129", "130", "128")
_REDIRECT = "RedirectRow"
_JOIN = "JoinToReferenceColumn"
_CACHE_MANAGER = "1"
_QUERY_MODES = {"OLEDBSource": "2", "ExcelSource": "2", "ADONETSource": "2", "ODBCSource": "1"}
"""The access mode in which a source uses SqlCommand."""


@rule(
    "D101",
    "unused-column",
    Severity.WARNING,
    explanation="A column that no component reads costs network, memory and time (warning 0x80047076 in a run).",
    fix="Remove the column from the query, or deselect it in the component",
)
def unused_column(subject: Subject) -> Iterator[Hit]:
    """Find columns of sources and transformations that nothing reads."""
    for flow, component in subject.components():
        for output in component.outputs:
            if output.is_error_output or output.key not in flow.starts:
                continue
            names = [one.name for one in output.columns if (one.lineage_id or one.key) not in flow.used]
            for name in names:
                yield flow.place(component), f"nothing reads the column {name} of {component.name}"


@rule(
    "D102",
    "truncation-at-destination",
    Severity.WARNING,
    explanation=(
        "A text that is longer than its destination column, or than its column in a Data Conversion, is cut, "
        "or its row fails."
    ),
    fix="Widen the destination column, or convert the column with a checked length before",
)
def truncation(subject: Subject) -> Iterator[Hit]:
    """Find text columns that are longer than the destination column, or the converted column, that gets them."""
    for flow, component in subject.components():
        for one in component.inputs:
            external = {column.key: column for column in one.external_columns}
            for column in one.columns:
                target = external.get(column.external_key)
                found = flow.columns.get(column.lineage_id)
                if target is None or found is None:
                    continue
                source = found[2].data_type
                if _is_shorter(target.data_type, source):
                    length = target.data_type.length
                    message = f"{found[2].name} has a length of {source.length}, {target.name} of {length}"
                    yield flow.place(component), message
    for flow, component in subject.components("DataConvert"):
        for output in component.outputs:
            for new in output.columns:
                lineage = new.properties.get("SourceInputColumnLineageID")
                found = None if lineage is None else flow.columns.get(_lineage_id(lineage.text))
                if found is not None and _is_shorter(new.data_type, found[2].data_type):
                    message = f"{found[2].name} has a length of {found[2].data_type.length}"
                    yield flow.place(component), f"{message}, {new.name} of {new.data_type.length}"


def _lineage_id(text: str) -> str:
    """Return a lineage id; format 8 has ``#{…}`` around it."""
    return text.strip().removeprefix("#{").removesuffix("}") if text.strip().startswith("#{") else text.strip()


def selects_all(query: str) -> bool:
    """Return True if a query returns all columns of a table, also those that the table gets later.

    :param query: the query, in T-SQL.
    """
    parts: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        parts.append(match[1])
        return f" \x00{len(parts) - 1}\x00 "

    text = _NOT_SQL.sub(" ", query.replace("\x00", " "))
    while (outer := _INNER.sub(replaced, text)) != text:  # subqueries and arguments
        text = outer
    pending = [text]
    while pending:
        for found in _SELECT.finditer(pending.pop()):
            if _ALL_COLUMNS.search(found["columns"].strip()):
                if found["derived"] is None:
                    return True
                pending.append(parts[int(found["derived"])])
    return False


def _is_shorter(target: DataType, source: DataType) -> bool:
    return source.name in _TEXTS and target.name in _TEXTS and 0 < target.length < source.length


@rule(
    "D103",
    "sort-without-keys",
    Severity.ERROR,
    explanation="A Sort without keys fails at validation.",
    fix="Choose at least one column to sort by",
)
def sort_without_keys(subject: Subject) -> Iterator[Hit]:
    """Find Sort components without a key."""
    for flow, component in subject.components("Sort"):
        positions = [column.properties.get("NewSortKeyPosition") for one in component.inputs for column in one.columns]
        has_key = any(one is not None and one.text.strip() not in ("", "0") for one in positions)
        has_key = has_key or any(column.sort_key_position for output in component.outputs for column in output.columns)
        if not has_key:
            yield flow.place(component), f"{component.name} sorts by no column"


@rule(
    "D104",
    "lookup-without-keys",
    Severity.ERROR,
    explanation="A Lookup that joins no column fails at validation (0xC02090F1).",
    fix="Join at least one input column to a column of the reference table",
)
def lookup_without_keys(subject: Subject) -> Iterator[Hit]:
    """Find Lookup components without a joined column."""
    for flow, component in subject.components("Lookup"):
        joined = [column.properties.get(_JOIN) for one in component.inputs for column in one.columns]
        if not any(one is not None and one.text.strip() for one in joined):
            yield flow.place(component), f"{component.name} joins no column"


@rule(
    "D105",
    "lookup-caches-all-columns",
    Severity.WARNING,
    explanation="A full-cache Lookup on SELECT * loads every column of the table into memory before the first row.",
    fix="Select only the columns that the Lookup joins and returns",
)
def lookup_of_all_columns(subject: Subject) -> Iterator[Hit]:
    """Find Lookup components with full cache and a query for all columns."""
    for flow, component in subject.components("Lookup"):
        properties = component.properties
        cache, connection = properties.get("CacheType"), properties.get("ConnectionType")
        is_full = cache is None or cache.text.strip() in ("", "0")
        is_filled_before = connection is not None and connection.text.strip() == _CACHE_MANAGER
        if is_full and not is_filled_before and selects_all(_query(flow, component)):
            yield flow.place(component), f"{component.name} caches all columns of its query"


@rule(
    "D106",
    "missing-error-output",
    Severity.WARNING,
    explanation="Rows that are redirected to an error output without a path are lost. SSIS reports no error.",
    fix="Connect the error output to a destination, or let the component fail",
)
def missing_error_output(subject: Subject) -> Iterator[Hit]:
    """Find components that redirect rows to an error output from which no path leads."""
    for flow, component in subject.components():
        errors = [output for output in component.outputs if output.is_error_output]
        if errors and _redirects(component) and not any(output.key in flow.starts for output in errors):
            yield flow.place(component), f"{component.name} redirects rows to an error output without a path"


def _query(flow: Flow, component: Component) -> str:
    """Return the stored query of a component; nothing if an expression replaces it in each run."""
    stored = component.properties.get("SqlCommand")
    is_replaced = f"[{component.name}].[SqlCommand]" in flow.executable.container.expressions
    return "" if stored is None or is_replaced else stored.text


def _redirects(component: Component) -> bool:
    owners = [*component.ends, *(column for end in component.ends for column in end.columns)]
    return any(_REDIRECT in (one.error_disposition, one.truncation_disposition) for one in owners)


@rule(
    "D107",
    "source-selects-all-columns",
    Severity.INFO,
    explanation=(
        "A query with SELECT * returns other columns when the table changes. Then they no longer match the "
        "stored metadata."
    ),
    fix="Name the columns in the query",
)
def source_selects_all(subject: Subject) -> Iterator[Hit]:
    """Find sources whose query asks for all columns."""
    for flow, component in subject.components():
        mode = component.properties.get("AccessMode")
        # In other access modes, a source keeps a query that it does not use.
        is_used = mode is None or mode.text.strip() == _QUERY_MODES.get(component_class(component), mode.text.strip())
        if not component.inputs and is_used and selects_all(_query(flow, component)):
            yield flow.place(component), f"{component.name} selects all columns"


@rule(
    "D108",
    "input-without-path",
    Severity.ERROR,
    explanation=(
        "An input without a path fails the validation of the data flow, unless it is a spare input that is "
        "marked as dangling."
    ),
    fix="Connect the component, or remove it",
)
def without_path(subject: Subject) -> Iterator[Hit]:
    """Find inputs that need a path and have none."""
    for flow, component in subject.components():
        for one in component.inputs:
            if not one.dangling and one.key not in flow.upstream:
                yield flow.place(component), f"no path leads to the input {one.name} of {component.name}"


@rule(
    "D109",
    "join-of-unsorted-inputs",
    Severity.ERROR,
    explanation="Merge and Merge Join need inputs that are sorted by the join columns.",
    fix="Sort both inputs, or declare the order of the source's query (IsSorted and SortKeyPosition)",
)
def unsorted_join(subject: Subject) -> Iterator[Hit]:
    """Find Merge and Merge Join components with a connected input that has no sort key."""
    for flow, component in subject.components("MergeJoin", "Merge"):
        for one in component.inputs:
            if one.key in flow.upstream and not _has_sort_key(flow, one.key, set()):
                yield flow.place(component), f"the input {one.name} of {component.name} is not sorted"


def _has_sort_key(flow: Flow, input_key: str, seen: set[str]) -> bool:
    """Return True if an input gets sorted rows: from a sorted output, or through components that keep the order."""
    output = flow.upstream.get(input_key)
    if output is None or output.key in seen:
        return False
    seen.add(output.key)
    if output.is_sorted or any(column.sort_key_position for column in output.columns):
        return True
    return bool(output.synchronous_input_key) and _has_sort_key(flow, output.synchronous_input_key, seen)


@rule(
    "D110",
    "unknown-column",
    Severity.ERROR,
    explanation="A component fails at validation if it reads a column that no component creates.",
    fix="Open the component in Visual Studio and choose its columns again",
)
def unknown_column(subject: Subject) -> Iterator[Hit]:
    """Find input columns whose lineage id belongs to no output column."""
    for flow, component in subject.components():
        for one in component.inputs:
            for column in one.columns:
                if one.key in flow.upstream and column.lineage_id not in flow.columns:
                    name = column.name or column.cached_name or column.lineage_id
                    yield flow.place(component), f"{component.name} reads the column {name}, which does not exist"


@rule(
    "D111",
    "script-component-without-binary",
    Severity.WARNING,
    explanation=(
        "The server does not compile scripts. A Script component fails if the package does not contain its "
        "compiled code."
    ),
    fix="Open the script in Visual Studio, build it, and save the package",
)
def script_without_binary(subject: Subject) -> Iterator[Hit]:
    """Find Script components without compiled code."""
    for flow, component in subject.components("ScriptComponent"):
        binary = component.properties.get("BinaryCode")
        if binary is None or not (binary.items or binary.text.strip()):
            yield flow.place(component), f"{component.name} has no compiled script"
