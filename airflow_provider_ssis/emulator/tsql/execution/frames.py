"""The variables and tables of a batch, or of dynamic SQL inside it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


@dataclass(slots=True)
class Frame:
    """The variables and tables of a batch or of dynamic SQL.

    :param types: of the variables, by name in lower case.
    :param values: of the same.
    :param table_variables: by name in lower case.
    :param table_types: the table types of those that were declared with one.
    :param temporary_tables: the visible ones, by name; the first map has those of the frame.
    :param level: ``@@NESTLEVEL``.
    :param cursors: LOCAL cursors by name, and cursor variables, each with its cursor or None.
    :param last_identity: ``SCOPE_IDENTITY()``.
    :param procedure: the client's procedure whose body it is; empty for none.
    :param status: the value of RETURN.
    :param returns: the type of the client's function whose body it is; None for others.
    :param result: the value of that function.
    """

    temporary_tables: ChainMap[str, LocalTable]
    level: int = 0
    types: dict[str, SqlType] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    table_variables: dict[str, LocalTable] = field(default_factory=dict)
    table_types: dict[str, SqlType] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)
    last_identity: int | None = None
    procedure: str = ""
    status: int | None = None
    returns: SqlType | None = None
    result: Any = None

    @property
    def in_procedure(self) -> bool:
        """Whether its statements run inside a procedure or dynamic SQL."""
        return self.level > 0

    @property
    def tables(self) -> Mapping[str, LocalTable]:
        """The visible table variables and temporary tables."""
        if not self.table_variables and not any(self.temporary_tables.maps):
            return {}
        return {**self.temporary_tables, **self.table_variables}

    def inside(self) -> Frame:
        """A frame for dynamic SQL that this one runs."""
        return Frame(self.temporary_tables.new_child(), self.level + 1)

    def declare(self, name: str, sql_type: SqlType, value: Any = None) -> None:
        """Add a variable."""
        self.types[name] = sql_type
        self.values[name] = value


@dataclass(slots=True)
class Outcome:
    """The outcome of a procedure call.

    :param status: the return status; None where the call did not come to it.
    :param outputs: OUTPUT arguments with the types and values that they get.
    """

    status: int | None = None
    outputs: list[tuple[ActualArgument, SqlType, Any]] = field(default_factory=list)


class Signal(Exception):
    """A signal that passes up through the statements of a batch."""


class BatchEnded(Signal):
    """An error ended the batch; the client has received it."""


class StatementRefused(Signal):
    """A statement does not compile: the batch or dynamic SQL that holds it ends, and no TRY inside that catches it."""

    def __init__(self, error: SqlError) -> None:
        super().__init__(str(error))
        self.error = error


class Returned(Signal):
    """RETURN."""


class Broken(Signal):
    """BREAK."""


class Continued(Signal):
    """CONTINUE."""


class Jumped(Signal):
    """GOTO.

    :param label: in lower case.
    """

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label
