"""The statements about views, procedures and functions, as data."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language.statements import Statement, TableDeclaration

VIEW = "VIEW"
PROCEDURE = "PROCEDURE"
FUNCTION = "FUNCTION"


@dataclass(frozen=True, slots=True)
class DefineModule(Statement):
    """CREATE, ALTER or CREATE OR ALTER of a view, procedure or function.

    :param kind: one of these words.
    :param name: its parts.
    :param creates: CREATE is allowed.
    :param alters: ALTER is allowed.
    :param signature: the parameters, as text.
    :param body: the query of a view, the statements of a procedure, the query or expression of a function; as text that
        begins in the line in which it does in the batch.
    :param columns: the names that a view gives its columns; empty for those of the query.
    :param returns: the type of the value of a function; None for a table.
    :param definition: the text of the whole statement.
    :param has_statements: the body of a function is statements.
    :param as_owner: EXECUTE AS OWNER.
    :param as_self: EXECUTE AS SELF.
    :param table: the table that such a function returns; None for one that returns a value.
    """

    kind: str
    name: tuple[str, ...]
    creates: bool
    alters: bool
    body: str
    definition: str
    signature: str = ""
    columns: tuple[str, ...] = ()
    returns: SqlType | None = None
    has_statements: bool = False
    table: TableDeclaration | None = None
    as_owner: bool = False
    as_self: bool = False


@dataclass(frozen=True, slots=True)
class DropModules(Statement):
    """``DROP VIEW | PROCEDURE | FUNCTION [IF EXISTS] name, …``."""

    kind: str
    names: tuple[tuple[str, ...], ...]
    if_exists: bool
