"""The statements of a batch, as data. Queries and expressions are left to the query compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.language.literals import Literal
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, Identity, TableRules
from airflow_provider_ssis.emulator.tsql.query.source import QueryText


@dataclass(frozen=True, slots=True)
class Statement:
    """Any statement.

    :param line: the line in which it begins.
    """

    line: int


@dataclass(frozen=True, slots=True)
class TableDeclaration:
    """``DECLARE @name TABLE (…)`` or ``DECLARE @name type``.

    :param name: with its ``@``, or ``#`` for a temporary table.
    :param type: the parts of a table type's name; empty if the declaration has columns.
    :param rules: for its rows.
    """

    line: int
    name: str
    columns: tuple[Column, ...]
    type: tuple[str, ...] = ()
    rules: TableRules = NO_RULES


@dataclass(frozen=True, slots=True)
class Batch:
    """A parsed batch.

    A T-SQL declaration holds from its position to the end of the batch, even if control never passes it, so the
    variables belong to the batch, and only their initial values are statements.

    :param variables: types by name, in lower case.
    :param tables: table variables.
    :param cursors: cursor variables, in lower case.
    :param literals: long literals (see ``literals.py``) by the name of their hidden variable.
    """

    statements: tuple[Statement, ...]
    variables: Mapping[str, SqlType] = field(default_factory=dict)
    tables: tuple[TableDeclaration, ...] = ()
    cursors: frozenset[str] = frozenset()
    literals: Mapping[str, Literal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetVariable(Statement):
    """``SET @name = value`` and ``DECLARE @name type = value``; the compound forms are written out in ``value``."""

    name: str
    value: QueryText


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    """``SET NOCOUNT ON`` and other options.

    :param options: names in upper case.
    :param value: the new value in upper case, or the name of a variable that holds it.
    """

    options: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class SetIdentityInsert(Statement):
    """``SET IDENTITY_INSERT table ON``.

    :param table: the parts of its name.
    """

    table: tuple[str, ...]
    on: bool


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """SELECT, WITH, INSERT, UPDATE, DELETE.

    :param into: the parts of the name of the new table of a SELECT … INTO.
    :param identity: the column of it that IDENTITY(…) fills.
    :param has_source: reads from or writes to something, which begins an implicit transaction.
    """

    text: QueryText
    into: tuple[str, ...] = ()
    has_source: bool = True
    identity: Identity | None = None


CHANGED_ROWS: Final = "#rows of a change"
"""The local table that has the rows of a change in FROM."""


@dataclass(frozen=True, slots=True)
class InsertChanged(Statement):
    """``INSERT table SELECT … FROM (MERGE … OUTPUT …) AS name``.

    :param change: the statement in FROM.
    :param insert: the INSERT, which reads :data:`CHANGED_ROWS` in its place.
    """

    change: QueryText
    insert: QueryText


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of EXEC.

    :param name: with ``@``; empty where it goes by its position.
    :param value: an expression (a literal or a variable); None for DEFAULT.
    :param variable: the variable that it names, in lower case, which an OUTPUT argument needs.
    """

    name: str
    value: QueryText | None
    variable: str = ""
    output: bool = False


@dataclass(frozen=True, slots=True)
class Execute(Statement):
    """``EXEC [@status =] procedure arguments``.

    :param procedure: the parts of the name; empty where ``variable`` holds it.
    :param result_sets: the columns of each result set, from ``WITH RESULT SETS``; None for any result sets.
    """

    procedure: tuple[str, ...]
    arguments: tuple[Argument, ...]
    status: str = ""
    variable: str = ""
    result_sets: tuple[tuple[Column, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class ExecuteText(Statement):
    """``EXEC ('text')``.

    :param result_sets: as those of :class:`Execute`.
    """

    text: QueryText
    result_sets: tuple[tuple[Column, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class InsertExecute(Statement):
    """``INSERT table (columns) EXEC …``.

    :param table: the parts of its name; a table variable has one.
    """

    table: tuple[str, ...]
    columns: tuple[str, ...]
    execute: Execute | ExecuteText


@dataclass(frozen=True, slots=True)
class InsertBulk(Statement):
    """``INSERT BULK table (columns) WITH (options)``; the rows follow in a separate message.

    :param table: the parts of its name.
    :param columns: with the types that the client sends.
    :param options: their names in upper case.
    """

    table: tuple[str, ...]
    columns: tuple[Column, ...]
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class BulkInsert(Statement):
    """``BULK INSERT table FROM 'file' WITH (options)``.

    :param options: their names in upper case, each with its value; empty for none.
    """

    table: tuple[str, ...]
    path: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """``BEGIN … END``."""

    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If(Statement):
    """``IF condition statement [ELSE statement]``."""

    condition: QueryText
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True, slots=True)
class While(Statement):
    """``WHILE condition statement``."""

    condition: QueryText
    body: Statement


@dataclass(frozen=True, slots=True)
class TryCatch(Statement):
    """``BEGIN TRY … END TRY BEGIN CATCH … END CATCH``."""

    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Raiserror(Statement):
    """``RAISERROR (message, severity, state, arguments) WITH options``."""

    arguments: tuple[QueryText, ...]
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Throw(Statement):
    """``THROW [number, message, state]``."""

    arguments: tuple[QueryText, ...]


@dataclass(frozen=True, slots=True)
class Print(Statement):
    """``PRINT value``."""

    value: QueryText


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """``RETURN [value]``.

    :param value: the status of a procedure; None for none.
    """

    value: QueryText | None = None


@dataclass(frozen=True, slots=True)
class Break(Statement):
    """``BREAK``."""


@dataclass(frozen=True, slots=True)
class Continue(Statement):
    """``CONTINUE``."""


@dataclass(frozen=True, slots=True)
class Label(Statement):
    """``name:``.

    :param name: in lower case.
    """

    name: str


@dataclass(frozen=True, slots=True)
class GoTo(Statement):
    """``GOTO name``.

    :param name: of the label, in lower case.
    """

    name: str


@dataclass(frozen=True, slots=True)
class TransactionStatement(Statement):
    """A statement about transactions.

    :param name: of the transaction or savepoint; with ``@`` it is that of a variable which holds the name.
    """

    name: str = ""


@dataclass(frozen=True, slots=True)
class BeginTransaction(TransactionStatement):
    """``BEGIN TRANSACTION [name]``."""


@dataclass(frozen=True, slots=True)
class CommitTransaction(TransactionStatement):
    """``COMMIT [TRANSACTION [name]]``; the name means nothing."""


@dataclass(frozen=True, slots=True)
class RollbackTransaction(TransactionStatement):
    """``ROLLBACK [TRANSACTION [name]]``."""


@dataclass(frozen=True, slots=True)
class SaveTransaction(TransactionStatement):
    """``SAVE TRANSACTION name``."""


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """``USE database``."""

    database: str


@dataclass(frozen=True, slots=True)
class SetUserAccess(Statement):
    """``ALTER DATABASE name SET SINGLE_USER`` or ``MULTI_USER``.

    :param database: its name; None for the current one.
    """

    database: str | None
    single_user: bool


@dataclass(frozen=True, slots=True)
class SetDatabaseOption(Statement):
    """``ALTER DATABASE name SET`` of an option that changes nothing on this server.

    :param database: its name; None for the current one.
    """

    database: str | None


@dataclass(frozen=True, slots=True)
class WaitFor(Statement):
    """``WAITFOR DELAY 'time'`` or ``WAITFOR TIME 'time'``.

    :param until: TIME: until that time of the day.
    """

    until: bool
    value: QueryText
