"""The parameters of an OLE DB source: which variable each marker of the statement gets its value from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import pyodbc

from airflow_provider_ssis.engine.connections.sql_text import marker_count
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.table_names import split_name
from airflow_provider_ssis.engine.errors import TaskFailure

_ENTRY = re.compile(r'\s*"([^"]*)"\s*,\s*(\{[0-9A-Fa-f-]{36}\}|[^;,"]+?)\s*(?:;|$)')
_CALL = re.compile(r"\s*(?:\{\s*(?:\?\s*=\s*)?call|exec(?:ute)?)\s+([^\s(?@]+)", re.IGNORECASE)
_NAMED = re.compile(r"(@\w+)\s*=\s*\?")
_DIRECTION = "input"

_NUMBER = re.compile(r"[0-9]+$")
WRONG_FORM, TOO_FEW, NOT_FOUND = 0xC0207012, 0xC0207013, 0xC0207014


def parse_mapping(text: str) -> list[tuple[str, str]]:
    """Return the names of the parameters with the GUIDs of their variables.

    :param text: the property ParameterMapping: ``"Parameter0:Input",{GUID};"Parameter1:Input",{GUID};``, also with
        positions or names with ``@``, in any language, with or without the direction.
    :raises TaskFailure: 0xC0207012, it has another form, a parameter is not an input, or they are not in order.
    """
    entries: list[tuple[str, str]] = []
    position, text = 0, text.strip()
    while position < len(text):
        match = _ENTRY.match(text, position)
        if match is None:
            raise TaskFailure(
                'The property ParameterMapping must be a list of "parameter",{variable};. Map the parameters again.',
                WRONG_FORM,
            )
        name, _, direction = match[1].partition(":")
        if direction and direction.strip().lower() != _DIRECTION:
            raise TaskFailure(
                f"The parameter {name} of the query has the direction {direction.strip()}; a source reads rows only "
                "with input parameters. Change the direction to Input.",
                WRONG_FORM,
            )
        entries.append((name.strip(), match[2].strip()))
        position = match.end()
    numbers = [int(found[0]) for name, _ in entries if (found := _NUMBER.search(name)) and not name.startswith("@")]
    if any(second <= first for first, second in pairwise(numbers)):
        raise TaskFailure(
            "The parameters in the property ParameterMapping are not in the order of their numbers, so it is not clear "
            "which value belongs to which marker. Map the parameters again.",
            WRONG_FORM,
        )
    return entries


def parameter_values(context: TaskContext, connection: pyodbc.Connection, sql: str, mapping: str) -> list[Any]:
    """Return the values of the markers of a statement, in their order.

    :param context: the running task, whose variables are read.
    :param connection: the connection, which knows the parameters of a procedure.
    :param sql: the statement.
    :param mapping: the property ParameterMapping.
    :raises TaskFailure: the mapping is invalid or incomplete, or a variable does not exist.
    """
    entries = parse_mapping(mapping)
    named = _NAMED.findall(sql)
    markers = marker_count(sql)
    if markers > len(entries):
        raise TaskFailure(
            f"The query has {markers} parameters, and {len(entries)} are mapped. Map all parameters to variables.",
            TOO_FEW,
        )
    if entries and entries[0][0].startswith("@"):
        entries = _by_name(entries, named or _procedure_parameters(connection, sql), markers)
    return [context.read(variable) for _name, variable in entries[:markers]]


def _by_name(entries: Sequence[tuple[str, str]], names: Sequence[str], markers: int) -> list[tuple[str, str]]:
    """The entries in the order of the names of the parameters."""
    if not names:
        return list(entries)
    found = {name.lower(): (name, variable) for name, variable in entries}
    ordered = []
    for name in names[:markers]:
        if name.lower() not in found:
            raise TaskFailure(f"The parameter {name} of the query is not mapped to a variable.", NOT_FOUND)
        ordered.append(found[name.lower()])
    return ordered


def _procedure_parameters(connection: pyodbc.Connection, sql: str) -> list[str]:
    """The names of the parameters of the procedure that a statement calls, without its return value."""
    match = _CALL.match(sql)
    if match is None:
        return []
    parts = [part for part, _is_quoted in split_name(match[1])]
    schema = parts[-2] if len(parts) > 1 else None
    catalog = parts[-3] if len(parts) > 2 else None
    with closing(connection.cursor()) as cursor:
        rows = cursor.procedureColumns(parts[-1], catalog=catalog, schema=schema).fetchall()
    return [str(row.column_name) for row in rows if row.column_type != pyodbc.SQL_RETURN_VALUE]
