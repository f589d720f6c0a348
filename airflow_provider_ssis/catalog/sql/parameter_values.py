"""Sending a parameter's value with the type that the parameter has, in the same round trip that looks the type up.

The batch finds the parameter's SSIS type, then casts the text of the value to the SQL Server type that belongs to it.
Only casts that must succeed go into the batch, because the value was tried against every SSIS type beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from airflow_provider_ssis.catalog.errors import CatalogError, ParameterNotFound, WrongParameterType
from airflow_provider_ssis.catalog.parameter_types import ValueDoesNotFit, data_type_of, fitting_literals, literal
from airflow_provider_ssis.catalog.requests import ParameterValue, Sensitive, Value
from airflow_provider_ssis.catalog.sql.statements import OwnError

_TEXTS = 6
"""The most different texts that one value can have for the SSIS types."""

VALUE_VARIABLES = (
    "@object_type smallint, @name nvarchar(128), @data_type nvarchar(128), @sensitive bit, @value sql_variant, "
    + ", ".join(f"@text{number} nvarchar(max)" for number in range(1, _TEXTS + 1))
)
"""Declarations of the variables that the statements of this module use."""

REQUIRE_PARAMETER = f"IF @data_type IS NULL {OwnError.UNKNOWN_PARAMETER.raised};\n"
"""Ends the batch if no parameter was found, with an error that :func:`is_unknown_parameter` recognises."""


def assign_value(value: Value) -> tuple[str, list[str]]:
    """The statements that set ``@value`` to a value of the type that ``@data_type`` names, and the texts for them.

    Where the value does not fit the type they end the batch with an error that :func:`explain_value` recognises.
    """
    literals = fitting_literals(plain(value))
    texts = list(dict.fromkeys(each.text for each in literals.values()))
    sql = f"SELECT {', '.join(f'@text{number} = ?' for number, _ in enumerate(texts, start=1))};\n"
    natural = data_type_of(plain(value))
    # The type that the value has by itself is the likeliest, so it is tried first.
    for data_type, each in sorted(literals.items(), key=lambda item: item[0] != natural):
        text = f"@text{texts.index(each.text) + 1}"
        sql += f"IF @data_type = N'{data_type}' SET @value = CAST({text} AS {each.sql_type})\nELSE "
    sql += f"{OwnError.UNFIT_VALUE.raised};\n"
    return sql, texts


def plain(value: Value) -> ParameterValue:
    """The value itself, out of its wrapper."""
    return value.value if isinstance(value, Sensitive) else value


def is_unknown_parameter(error: CatalogError) -> bool:
    """True if the batch ended because there is no such parameter."""
    return OwnError.UNKNOWN_PARAMETER.is_told_by(error) or isinstance(error, ParameterNotFound)


def parameter_not_found(doing: str, owner: str, parameter: str, known: Iterable[str]) -> ParameterNotFound:
    """The exception for an unknown parameter, which lists those that there are.

    :param doing: what was being done, as the beginning of the message.
    :param owner: what the parameter was looked for on.
    """
    names = sorted(known)
    advice = f"Its parameters are: {', '.join(names)}." if names else "It has no parameters."
    similar = get_close_matches(parameter.lower(), [name.lower() for name in names], n=1)
    if similar:
        meant = next(name for name in names if name.lower() == similar[0])
        advice += f" Did you mean {meant!r}? Names of parameters are case-sensitive."
    return ParameterNotFound(f"{doing} failed: {owner} has no parameter {parameter!r}", advice=advice)


def explain_value(error: CatalogError, doing: str, value: Value, row: Mapping[str, Any]) -> CatalogError:
    """The exception for a value that is no value of its parameter's type; every other error is returned as it is.

    :param row: the error row of the batch, with ``data_type`` and ``sensitive``.
    """
    if not OwnError.UNFIT_VALUE.is_told_by(error):
        return error
    data_type = str(row["data_type"])
    secret = isinstance(value, Sensitive) or bool(row["sensitive"])
    shown = "the value given" if secret else f"{plain(value)!r:.200}"
    try:
        literal(plain(value), data_type)
        reason = f"it does not fit the type {data_type}"
    except ValueDoesNotFit as misfit:
        reason = str(misfit)
    return WrongParameterType(
        f"{doing} failed: the parameter is of type {data_type} and {shown} is not: {reason}",
        advice="Pass a value of that type.",
    )
