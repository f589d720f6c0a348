"""T-SQL expressions for parameter values, which must have the SQL Server type of the parameter's SSIS type.

The batch looks the SSIS type up and the expression casts the text of the value accordingly, in the same round trip.
The expression contains only casts that succeed, because the client tries the value for each SSIS type beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from airflow_provider_ssis.catalog.errors import ParameterNotFound, WrongParameterType
from airflow_provider_ssis.catalog.parameter_types import ValueDoesNotFit, fitting_literals, literal
from airflow_provider_ssis.catalog.requests import ParameterValue, Sensitive, Value

MOST_TEXTS = 6
"""The most different texts that one value can have for the SSIS types."""

TEXT_VARIABLES = ", ".join(f"@text{number} nvarchar(max)" for number in range(1, MOST_TEXTS + 1))
"""Declarations of the variables in expressions that are not constant."""


@dataclass(frozen=True, slots=True)
class ValueExpression:
    """An expression for a value.

    :param sql: the expression. If ``is_constant`` it has a marker for the one text, else it depends on ``@data_type``
        and on the variables ``@text1``, ``@text2``, ... (:data:`TEXT_VARIABLES`).
    :param texts: the value as text, in each form that it has for some type.
    :param data_types: the SSIS types that the value fits.
    """

    sql: str
    texts: tuple[str, ...] = field(repr=False)
    data_types: tuple[str, ...]

    @property
    def is_constant(self) -> bool:
        """Whether the expression is the same for all of the types."""
        return "@data_type" not in self.sql

    @property
    def text_assignments(self) -> str:
        """Assignments of the texts to their variables, each with a marker."""
        return ", ".join(f"@text{number} = ?" for number, _ in enumerate(self.texts, start=1))

    @property
    def type_list(self) -> str:
        """The types as one text, each between bars."""
        return f"|{'|'.join(self.data_types)}|"


def value_expression(value: Value) -> ValueExpression:
    """The expression for a value of whichever SSIS type ``@data_type`` names.

    It is NULL for a type that the value does not fit.

    :param value: the value.
    """
    branches: dict[tuple[str, str], list[str]] = {}
    for data_type, each in fitting_literals(plain(value)).items():
        branches.setdefault((each.text, each.sql_type), []).append(data_type)
    data_types = tuple(data_type for types in branches.values() for data_type in types)
    if len(branches) == 1:
        [(text, sql_type)] = branches
        return ValueExpression(f"CAST(? AS {sql_type})", (text,), data_types)
    if not branches:
        return ValueExpression("NULL", (), ())
    texts = tuple(dict.fromkeys(text for text, _ in branches))
    sql = "".join(
        f"WHEN @data_type IN ({', '.join(f'N{data_type!r}' for data_type in types)}) "
        f"THEN CAST(CAST(@text{texts.index(text) + 1} AS {sql_type}) AS sql_variant) "
        for (text, sql_type), types in branches.items()
    )
    return ValueExpression(f"CASE {sql}END", texts, data_types)


def typed_expression(value: ParameterValue, data_type: str) -> ValueExpression:
    """The expression for a value of a known SSIS type.

    :param value: the value.
    :param data_type: the type.
    :raises ValueDoesNotFit: the value does not fit it.
    """
    typed = literal(value, data_type)
    return ValueExpression(f"CAST(? AS {typed.sql_type})", (typed.text,), (data_type,))


def plain(value: Value) -> ParameterValue:
    """The value without its wrapper."""
    return value.value if isinstance(value, Sensitive) else value


def parameter_not_found(
    doing: str, owner: str, parameter: str, known: Iterable[str], *, elsewhere: str | None = None
) -> ParameterNotFound:
    """The exception for an unknown parameter, which lists the existing ones.

    :param doing: the failed action, as the beginning of the message.
    :param owner: the package or project that should have the parameter.
    :param parameter: its name.
    :param known: the names of the owner's parameters.
    :param elsewhere: ``project`` or ``package`` if that one has a parameter of the same name. Default: neither has.
    """
    names = sorted(known)
    advice = f"Its parameters are: {', '.join(names)}." if names else "It has no parameters that the login can see."
    similar = get_close_matches(parameter.lower(), [name.lower() for name in names], n=1)
    if similar:
        meant = next(name for name in names if name.lower() == similar[0])
        advice += f" Did you mean {meant!r}? Names of parameters are case-sensitive."
    if elsewhere is not None:
        advice += f" The {elsewhere} has a parameter of this name: give it as a parameter of the {elsewhere}."
    return ParameterNotFound(f"{doing} failed: {owner} has no parameter {parameter!r}", advice=advice)


def wrong_type(doing: str, title: str, data_type: str, value: Value, *, is_sensitive: bool) -> WrongParameterType:
    """The exception for a value that does not fit its parameter's type.

    :param doing: the failed action, as the beginning of the message.
    :param title: the parameter.
    :param data_type: its SSIS type.
    :param value: the value.
    :param is_sensitive: the parameter is sensitive, so the message must not show the value.
    """
    found = plain(value)
    if is_sensitive or isinstance(value, Sensitive):
        shown = "a value that does not fit"
    else:
        shown = str(found) if isinstance(found, date) else f"{found!r:.200}"
    try:
        literal(found, data_type)
        reason = f"it does not fit the type {data_type}"
    except ValueDoesNotFit as misfit:
        reason = str(misfit)
    return WrongParameterType(f"{doing} failed: {title} got {shown}: {reason}")
