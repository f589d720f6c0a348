"""The parameters of a procedure, and how T-SQL text declares them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.precedence import sized


class _Required:
    """The type of :data:`REQUIRED`."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()
"""The default of a parameter that has none."""


@dataclass(frozen=True, slots=True)
class ProcedureParameter:
    """A parameter of a procedure.

    :param name: with its ``@``.
    :param default: the value of an omitted argument; :data:`REQUIRED` for a parameter that cannot be omitted.
    :param output: declared OUTPUT.
    """

    name: str
    type: SqlType
    default: Any = REQUIRED
    output: bool = False

    @property
    def has_default(self) -> bool:
        """Whether a caller may leave it out."""
        return self.default is not REQUIRED

    @property
    def key(self) -> str:
        """The name under which the body finds the argument: without ``@``, in lower case."""
        return self.name.lstrip("@").lower()


def with_typed_default(parameter: ProcedureParameter) -> ProcedureParameter:
    """A parameter whose default is a value of its type."""
    if parameter.default in (None, REQUIRED):
        return parameter
    text = str(parameter.default)
    return replace(parameter, default=conversion.assign(text, sized("varchar", len(text)), parameter.type))


_TYPE_PART: Final = r"(?:\w+|\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\")"
_PARAMETER = re.compile(
    rf"\s*(?P<name>@\w+)\s+(?:AS\s+)?(?P<type>(?:{_TYPE_PART}\s*\.\s*)?{_TYPE_PART})(?P<facets>\s*\([^)]*\))?"
    r"(?:\s*=\s*(?P<default>N?'(?:[^']|'')*'|[-\w.]+))?"
    r"(?P<flags>(?:\s+(?:output|out|readonly))*)\s*",
    re.IGNORECASE,
)


def parse_signature(text: str, *, schema: str = "dbo") -> tuple[ProcedureParameter, ...]:
    """The parameters that T-SQL text declares: ``@folder_name nvarchar(128), @folder_id bigint = NULL OUTPUT``.

    :param text: the text after ``CREATE PROCEDURE name``.
    :param schema: schema of table types that are named without one.
    :raises ValueError: the text is not a list of parameters.
    """
    parameters = []
    position = 0
    while position < len(text.rstrip()):
        match = _PARAMETER.match(text, position)
        if match is None:
            raise ValueError(f"not a parameter: {text[position:]!r}")
        parameters.append(
            ProcedureParameter(
                match["name"],
                _parameter_type(
                    split_name(match["type"]),
                    match["facets"] or "",
                    schema,
                    readonly="readonly" in match["flags"].lower(),
                ),
                REQUIRED if match["default"] is None else _literal(match["default"]),
                output="out" in match["flags"].lower(),
            )
        )
        position = match.end()
        if position < len(text) and text[position] != ",":
            raise ValueError(f"a comma is missing before {text[position:]!r}")
        position += 1
    return tuple(parameters)


def _parameter_type(parts: Sequence[str], facets: str, schema: str, *, readonly: bool) -> SqlType:
    *qualifier, name = parts
    if readonly:
        return SqlType(name, schema=qualifier[0] if qualifier else schema)
    if qualifier and qualifier[0].lower() != "sys":
        raise ValueError(f"{'.'.join(parts)} is not the data type of a single value; a table type needs READONLY")
    return SqlType.parse(name + facets)


def _literal(text: str) -> Any:
    if text.upper() == "NULL":
        return None
    if text.upper().startswith(("'", "N'")):
        return text[text.index("'") + 1 : -1].replace("''", "'")
    return int(text) if text.lstrip("-").isdecimal() else text
