"""How a stored procedure is declared, and what its body is given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.session import Event, Message, ResultColumns, Rows, StatementDone
from airflow_provider_ssis.emulator.tsql.metadata.registry import split_name

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.execution.engine import Store
    from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession


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
    :param default: the value where the caller gives none; :data:`REQUIRED` where he must.
    :param output: declared OUTPUT.
    """

    name: str
    type: SqlType
    default: Any = REQUIRED
    output: bool = False

    @property
    def key(self) -> str:
        """The name under which the body finds the argument: without ``@``, in lower case."""
        return self.name.lstrip("@").lower()


@dataclass(frozen=True, slots=True)
class Procedure:
    """A stored procedure whose body is Python.

    :param body: does the work; what it returns is the return status, None stands for 0.
    """

    database: str
    schema: str
    name: str
    parameters: tuple[ProcedureParameter, ...]
    body: Callable[[ProcedureCall], Awaitable[int | None]]


@dataclass(slots=True)
class ProcedureCall:
    """One call of a procedure: the arguments, the data, and where results go.

    :param session: the caller's session: ``principal``, ``database``, ``spid``, ``engine``, ``in_transaction``.
    :param arguments: by :attr:`ProcedureParameter.key`, converted to the declared types; a sql_variant is a
        ``Variant`` or None, a table type is a ``TableValue``.
    :param outputs: what the body set with :meth:`set_output`; the interpreter reads it even if the body raised.
    :param events: result sets and messages, in order; the interpreter sends them.
    """

    session: TsqlSession
    arguments: Mapping[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def set_output(self, name: str, value: Any) -> None:
        """Give an OUTPUT parameter its value. It reaches the caller even if the body raises afterwards.

        :param name: with or without ``@``.
        """
        self.outputs[name.lstrip("@").lower()] = value

    def result_set(self, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
        """Send a result set."""
        self.events += [ResultColumns(tuple(columns)), Rows(list(rows)), StatementDone(len(rows), in_procedure=True)]

    def info(self, text: str, *, number: int = 0, severity: int = 0) -> None:
        """Send an informational message (severity 10 and below)."""
        self.events.append(Message(number, severity, 1, text))

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in the session's own view of the data."""
        return self.session.read(sql, parameters)

    def transaction(self) -> AbstractAsyncContextManager[Store]:
        """The write scope: the session's T-SQL transaction if it is in one, else one of its own.

        One of its own is committed at the end of the block, also when a ``SqlError`` leaves it: a body writes only what
        is to survive. Any other exception rolls it back.
        """
        return self.session.write_scope()


_TYPE_PART: Final = r"(?:\w+|\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\")"
_PARAMETER = re.compile(
    rf"\s*(?P<name>@\w+)\s+(?P<type>(?:{_TYPE_PART}\s*\.\s*)?{_TYPE_PART})(?P<facets>\s*\([^)]*\))?"
    r"(?:\s*=\s*(?P<default>N?'(?:[^']|'')*'|[-\w.]+))?"
    r"(?P<flags>(?:\s+(?:output|out|readonly))*)\s*",
    re.IGNORECASE,
)


def parse_signature(text: str, *, schema: str = "dbo") -> tuple[ProcedureParameter, ...]:
    """The parameters that T-SQL text declares: ``@folder_name nvarchar(128), @folder_id bigint = NULL OUTPUT``.

    :param text: as it stands behind ``CREATE PROCEDURE name``.
    :param schema: schema of table types that are named without one.
    :raises ValueError: the text is no list of parameters.
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
        raise ValueError(f"{'.'.join(parts)} is no data type of a single value; a table type needs READONLY")
    return SqlType.parse(name + facets)


def _literal(text: str) -> Any:
    if text.upper() == "NULL":
        return None
    if text.upper().startswith(("'", "N'")):
        return text[text.index("'") + 1 : -1].replace("''", "'")
    return int(text)
