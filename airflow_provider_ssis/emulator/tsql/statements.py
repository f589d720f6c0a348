"""The statements of a batch, as data. Queries and expressions stay text: the query compiler reads them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.datatypes import Column, SqlType


@dataclass(frozen=True, slots=True)
class Text:
    """A query or an expression as it stands in the batch.

    :param line: the line in which it begins.
    """

    sql: str
    line: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Any statement.

    :param line: the line in which it begins.
    """

    line: int


@dataclass(frozen=True, slots=True)
class DeclareVariable(Statement):
    """``DECLARE @name type [= value]``."""

    name: str
    type: SqlType
    value: Text | None


@dataclass(frozen=True, slots=True)
class DeclareTable(Statement):
    """``DECLARE @name TABLE (…)``; ``type`` names a table type instead of columns."""

    name: str
    columns: tuple[Column, ...]
    type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetVariable(Statement):
    """``SET @name = value``; the compound forms are written out in ``value``."""

    name: str
    value: Text


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    """``SET NOCOUNT ON`` and the like.

    :param words: behind SET, in upper case.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """SELECT, WITH, INSERT, UPDATE, DELETE.

    :param into: the temporary table of a SELECT … INTO.
    """

    text: Text
    returns_rows: bool
    into: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of EXEC.

    :param name: with ``@``; empty where it goes by its position.
    :param value: an expression (a literal or a variable); None for DEFAULT.
    :param variable: the variable that it names, which an OUTPUT argument needs.
    """

    name: str
    value: Text | None
    variable: str = ""
    output: bool = False


@dataclass(frozen=True, slots=True)
class Execute(Statement):
    """``EXEC [@status =] procedure arguments``.

    :param procedure: the parts of the name; empty where ``variable`` holds it.
    """

    procedure: tuple[str, ...]
    arguments: tuple[Argument, ...]
    status: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True)
class ExecuteText(Statement):
    """``EXEC ('text')``."""

    text: Text


@dataclass(frozen=True, slots=True)
class InsertExecute(Statement):
    """``INSERT table (columns) EXEC …``."""

    table: str
    columns: tuple[str, ...]
    execute: Execute | ExecuteText


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """``BEGIN … END``."""

    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If(Statement):
    """``IF condition statement [ELSE statement]``."""

    condition: Text
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True, slots=True)
class While(Statement):
    """``WHILE condition statement``."""

    condition: Text
    body: Statement


@dataclass(frozen=True, slots=True)
class TryCatch(Statement):
    """``BEGIN TRY … END TRY BEGIN CATCH … END CATCH``."""

    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Raiserror(Statement):
    """``RAISERROR (message, severity, state, arguments) WITH options``."""

    arguments: tuple[Text, ...]
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Throw(Statement):
    """``THROW [number, message, state]``."""

    arguments: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Print(Statement):
    """``PRINT value``."""

    value: Text


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """``RETURN [status]``."""

    value: Text | None


@dataclass(frozen=True, slots=True)
class Break(Statement):
    """``BREAK``."""


@dataclass(frozen=True, slots=True)
class Continue(Statement):
    """``CONTINUE``."""


@dataclass(frozen=True, slots=True)
class BeginTransaction(Statement):
    """``BEGIN TRANSACTION [name]``."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class CommitTransaction(Statement):
    """``COMMIT [TRANSACTION]``."""


@dataclass(frozen=True, slots=True)
class RollbackTransaction(Statement):
    """``ROLLBACK [TRANSACTION [name]]``."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class SaveTransaction(Statement):
    """``SAVE TRANSACTION name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """``USE database``."""

    database: str


@dataclass(frozen=True, slots=True)
class WaitFor(Statement):
    """``WAITFOR DELAY 'time'`` or ``WAITFOR TIME 'time'``."""

    until: bool
    value: Text


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """``CREATE TABLE #name (…)``."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class DropTable(Statement):
    """``DROP TABLE [IF EXISTS] #name``."""

    names: tuple[str, ...]
    if_exists: bool
