"""The statements about tables and indexes, as data."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language.statements import Statement, TableDeclaration
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Key, TableRules


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """``CREATE TABLE #name (…)``."""

    table: TableDeclaration


@dataclass(frozen=True, slots=True)
class DropTable(Statement):
    """``DROP TABLE [IF EXISTS] #name``."""

    names: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class TruncateTable(Statement):
    """``TRUNCATE TABLE #name``."""

    table: str


@dataclass(frozen=True, slots=True)
class CreateIndex(Statement):
    """``CREATE [UNIQUE] INDEX name ON #name (columns)``.

    :param key: of a unique index; None for others, which change nothing.
    """

    table: str
    name: str
    key: Key | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropIndex(Statement):
    """``DROP INDEX [IF EXISTS] name ON #name``."""

    table: str
    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AddToTable(Statement):
    """``ALTER TABLE #name ADD columns and constraints``."""

    table: str
    columns: tuple[Column, ...]
    rules: TableRules


@dataclass(frozen=True, slots=True)
class DropFromTable(Statement):
    """``ALTER TABLE #name DROP COLUMN …, CONSTRAINT …``."""

    table: str
    columns: tuple[str, ...]
    constraints: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AlterColumn(Statement):
    """``ALTER TABLE #name ALTER COLUMN name type``."""

    table: str
    column: Column
