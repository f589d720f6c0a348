"""Evaluating expressions whose variables and columns are given as JSON, for the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.datatypes import (
    DECIMALS,
    MAX_BYTES_LENGTH,
    MAX_DECIMAL_SCALE,
    MAX_PRECISION,
    MAX_SECONDS_SCALE,
    MAX_WSTR_LENGTH,
    STRINGS,
    TYPE_PARAMETERS,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions.codes import ExpressionCode
from airflow_provider_ssis.expressions.compiled import Expression, compile_expression
from airflow_provider_ssis.expressions.conversion import Value, fit_text
from airflow_provider_ssis.expressions.errors import ExpressionError, Fault
from airflow_provider_ssis.expressions.legal_casts import known_code_page
from airflow_provider_ssis.expressions.number_types import fits, scale_of
from airflow_provider_ssis.expressions.scope import Column, Scope, Variable
from airflow_provider_ssis.expressions.settings import DEFAULT_SETTINGS, Settings
from airflow_provider_ssis.expressions.text import units
from airflow_provider_ssis.expressions.values import from_python, to_json, type_code, variable_type

PROPERTY = "property"
DATA_FLOW = "dataflow"

_DEFAULT_CODE_PAGE = 1252
_TYPE = re.compile(r"\s*([A-Za-z0-9_.]+)\s*(?:[(,]\s*([0-9\s,]*)\)?)?\s*")
_INTEGERS = {
    "length": "length",
    "precision": "precision",
    "scale": "scale",
    "code_page": "code_page",
    "codepage": "code_page",
}


class RequestError(ValueError):
    """A request that is not a valid request, so that no expression was evaluated."""


def evaluate_line(line: str | bytes, settings: Settings = DEFAULT_SETTINGS) -> dict[str, Any]:
    """Evaluate the request of a line of JSON.

    :param line: an object with ``expression``, and optionally ``variables``, ``columns``, ``context`` and ``now``;
        bytes are UTF-8, with or without a byte order mark.
    :param settings: clock and locale. Default: the machine's clock and English (United States).
    :returns: as :func:`evaluate_request`; a line that is not a request has an ``error`` without a code.
    """
    try:
        text = line.decode() if isinstance(line, bytes) else line
    except UnicodeDecodeError as error:
        return _no_request(f"The line is not UTF-8: byte {error.start} is wrong")
    text = text.strip("\ufeff \t\r\n")
    if not text:
        return _no_request("The line is empty")
    try:
        request = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _no_request(f"The line is not JSON: {error}")
    if not isinstance(request, dict):
        return _no_request("The line is not a JSON object")
    try:
        return evaluate_request(request, settings)
    except RequestError as error:
        return _no_request(str(error))
    except Exception as error:  # noqa: BLE001 one line must not end the batch
        return _no_request(f"Internal error, please report it: {type(error).__name__}: {error}")


def _no_request(message: str) -> dict[str, Any]:
    error = {"code": None, "symbol": None, "message": message, "position": None}
    return {"type": None, "value": None, "error": error}


def evaluate_request(request: Mapping[str, Any], settings: Settings = DEFAULT_SETTINGS) -> dict[str, Any]:
    """Evaluate an expression with the variables and columns of a request.

    :param request: ``expression``; ``variables``: name to ``{"type", "value"}``; ``columns``: name to ``{"type",
        "length", "precision", "scale", "code_page", "value"}``, where the name can be ``#12`` for a lineage id or
        ``Input.Column``; ``context``: ``property`` or ``dataflow`` (default: ``dataflow`` if there are columns);
        ``now``: the time for GETDATE, in ISO 8601.
    :param settings: clock and locale. Default: the machine's clock and English (United States).
    :returns: ``type`` (such as ``DT_WSTR``, with ``length``, ``precision``, ``scale`` and ``code_page`` where the type
        has them), ``value``, and ``error``: None, or ``code``, ``symbol``, ``message`` and ``position``.
        A result with possible faults also has ``warnings``, each with the keys of an error.
    :raises RequestError: the request is not valid.
    """
    result: dict[str, Any] = {"type": None, "value": None, "error": None}
    try:
        expression, row = compile_request(request, settings)
        result |= describe_type(expression.type)
        if expression.warnings:
            result["warnings"] = [_report(each.code, each.message, each.position) for each in expression.warnings]
        result["value"] = to_json(expression.evaluate(row), expression.type)
    except ExpressionError as error:
        result["error"] = _report(error.code, str(error), error.position)
    return result


def compile_request(
    request: Mapping[str, Any], settings: Settings = DEFAULT_SETTINGS
) -> tuple[Expression, list[Value | None]]:
    """Compile the expression of a request.

    :param request: as for :func:`evaluate_request`.
    :param settings: clock and locale. Default: the machine's clock and English (United States).
    :returns: the expression, and the values of its columns.
    :raises RequestError: the request is not valid.
    :raises ExpressionError: the expression is not valid.
    """
    text = request.get("expression")
    if not isinstance(text, str):
        raise RequestError("The request needs a text 'expression'")
    if now := request.get("now"):
        settings = replace(settings, clock=_fixed_clock(now))
    variables = {
        name if "::" in name else f"User::{name}": _variable(name, entry)
        for name, entry in _entries(request, "variables").items()
    }
    columns, row = [], []
    for name, entry in _entries(request, "columns").items():
        column, value = _column(name, entry)
        columns.append(column)
        row.append(value)
        if column.source:
            columns.append(Column(name, column.type))  # a column whose own name has a point
            row.append(value)
    context = request.get("context") or (DATA_FLOW if columns else PROPERTY)
    if context not in (PROPERTY, DATA_FLOW):
        raise RequestError(f"The context must be {PROPERTY!r} or {DATA_FLOW!r}, not {context!r}")
    scope = Scope(variables, columns if context == DATA_FLOW else None)
    return compile_expression(text, scope, settings), row


def _report(code: ExpressionCode, message: str, position: int) -> dict[str, Any]:
    return {"code": code.hexadecimal, "symbol": code.name, "message": message, "position": position}


def describe_type(type_: ColumnType) -> dict[str, Any]:
    """Return a type for JSON: ``type``, and the parameters that it has."""
    return {"type": type_.code.name} | {name: getattr(type_, name) for name in TYPE_PARAMETERS.get(type_.code, ())}


def _fixed_clock(now: Any) -> Any:
    try:
        moment = datetime.fromisoformat(now)
    except (TypeError, ValueError):
        raise RequestError(f"'now' must be a time such as 2024-12-31T23:59:59, not {now!r}") from None
    return lambda: moment if moment.tzinfo else moment.astimezone()


def _entries(request: Mapping[str, Any], key: str) -> dict[str, Any]:
    entries = request.get(key)
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise RequestError(f"{key!r} must be an object with names as keys")
    return entries


def _typed_entry(name: str, entry: Any) -> tuple[DataTypeCode | None, dict[str, int], Any]:
    """The type, its parameters and the value of a variable or column."""
    if not isinstance(entry, dict):
        entry = {"type": _type_of(name, entry), "value": entry}
    match = _TYPE.fullmatch(entry["type"]) if isinstance(entry.get("type"), str) else None
    if match is None:
        raise RequestError(f"{name!r} needs a 'type' such as 'DT_I4' or 'Int32'")
    try:
        code = type_code(match[1])
    except ValueError as error:
        raise RequestError(f"{name!r}: {error}") from None
    parameters: dict[str, int] = {}
    if code is not None and match[2]:
        numbers = [int(number) for number in match[2].split(",") if number.strip()]
        parameters = dict(zip(TYPE_PARAMETERS.get(code, ()), numbers, strict=False))
    for key, value in entry.items():
        parameter = _INTEGERS.get(key.lower())
        if parameter and value is not None:
            parameters[parameter] = _whole_number(name, key, value)
    return code, parameters, entry.get("value")


def _whole_number(name: str, key: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise RequestError(f"The {key} of {name!r} must be a whole number, not {value!r}")


def _type_of(name: str, value: Any) -> str:
    for type_, found in ((bool, "Boolean"), (int, "Int32"), (float, "Double"), (str, "String")):
        if isinstance(value, type_):
            return found
    raise RequestError(f"{name!r} must be an object with 'type' and 'value'")


def _value(name: str, given: Any, type_: ColumnType) -> Value | None:
    """The value of a variable or column, which the type must have without a loss."""
    try:
        if isinstance(given, bool) and type_.code is not DataTypeCode.DT_BOOL:
            raise ValueError(f"{given} is a Boolean")
        if type_.code in STRINGS and not isinstance(given, str | int | None):
            raise ValueError(f"{given!r} is not a text")
        value = from_python(given, type_)
        if value is not None and type_.code in STRINGS:
            if type_.code is DataTypeCode.DT_WSTR or known_code_page(type_.code_page):
                fit_text(value, type_, cut=False)
        elif value is not None and type_.code is DataTypeCode.DT_BYTES and len(value) > type_.length:
            raise ValueError(f"it has {len(value)} bytes, and the type has {type_.length}")
        elif value is not None and type_.code in DECIMALS:
            if value != Decimal(str(given).strip()):
                raise ValueError(f"{given!r} has more than {scale_of(type_)} digits after the point")
            if not fits(value, type_):
                raise ValueError("it is out of the range of the type")
    except Fault as fault:
        raise RequestError(f"The value of {name!r} does not fit {type_}: {fault.reason}") from None
    except ValueError as error:
        raise RequestError(f"The value of {name!r} does not fit {type_}: {error}") from None
    return value


def _column_type(name: str, type_: ColumnType) -> ColumnType:
    """A column's type, whose length, precision and scale must exist."""
    longest = MAX_WSTR_LENGTH if type_.code is DataTypeCode.DT_WSTR else MAX_BYTES_LENGTH
    largest_scale = {DataTypeCode.DT_NUMERIC: type_.precision, DataTypeCode.DT_DECIMAL: MAX_DECIMAL_SCALE}
    ranges = {
        "length": (0, longest),
        "precision": (1, MAX_PRECISION),
        "scale": (0, largest_scale.get(type_.code, MAX_SECONDS_SCALE)),
    }
    for parameter in TYPE_PARAMETERS.get(type_.code, ()):
        number = getattr(type_, parameter)
        low, high = ranges.get(parameter, (number, number))  # a wrong code page is an error of the expression
        if not low <= number <= high:
            raise RequestError(f"The {parameter} of {name!r} must be from {low} to {high}, not {number}")
    return type_


def _derived_type(code: DataTypeCode, parameters: Mapping[str, int], value: Any) -> ColumnType:
    """A type whose missing parameters follow from the value."""
    names = TYPE_PARAMETERS.get(code, ())
    given = {parameter: parameters[parameter] for parameter in names if parameter in parameters}
    if code in (DataTypeCode.DT_STR, DataTypeCode.DT_TEXT):
        given.setdefault("code_page", _DEFAULT_CODE_PAGE)
    if code in STRINGS and not given.get("length"):
        given["length"] = 0 if value is None else units(str(value))
    elif code is DataTypeCode.DT_BYTES:
        given.setdefault("length", len(value) // 2 if isinstance(value, str) else 0)
    elif code in (DataTypeCode.DT_NUMERIC, DataTypeCode.DT_DECIMAL) and "scale" not in given:
        whole, _, fraction = str(value or 0).strip().lstrip("+-").partition(".")
        given["scale"] = len(fraction)
        if code is DataTypeCode.DT_NUMERIC:
            given.setdefault("precision", max(len(whole) + len(fraction), 1))
    elif code is DataTypeCode.DT_NUMERIC:
        given.setdefault("precision", 38)
    elif "scale" in names:
        given.setdefault("scale", 7)
    return ColumnType(code, **given)


def _variable(name: str, entry: Any) -> Variable:
    code, parameters, given = _typed_entry(name, entry)
    if code is None:
        return Variable(None, None)
    if code in STRINGS:
        code = DataTypeCode.DT_WSTR
        parameters = {}
    if code is DataTypeCode.DT_UI2 and isinstance(given, str) and len(given) == 1 and not given.isdecimal():
        given = ord(given)  # a variable of type Char
    value = _value(name, given, _derived_type(code, parameters, given))
    if code is DataTypeCode.DT_NUMERIC:
        return Variable(_derived_type(code, parameters, given), value)
    return Variable(variable_type(code, value), value)


def _column(name: str, entry: Any) -> tuple[Column, Value | None]:
    code, parameters, given = _typed_entry(name, entry)
    if code is None:
        raise RequestError(f"The column {name!r} has a type that columns cannot have")
    type_ = _column_type(name, _derived_type(code, parameters, given))
    value = _value(name, given, type_)
    lineage = [str(found) for key in ("lineage", "lineageId", "lineage_id") if (found := _get(entry, key)) is not None]
    references = tuple(reference if reference.startswith("#") else f"#{reference}" for reference in lineage)
    if name.startswith("#"):
        return Column(name, type_, lineage=(name, *references)), value
    source, _, column = name.rpartition(".")
    return Column(column.strip("[]"), type_, source.strip("[]"), references), value


def _get(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None
