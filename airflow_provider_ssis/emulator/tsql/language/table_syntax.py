"""The statements about tables and indexes, as data."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language.statements import Statement, TableDeclaration
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Key, PlainIndex, TableRules
from airflow_provider_ssis.emulator.tsql.query.source import QueryText

Name = tuple[str, ...]
"""The parts of a table's name; that of a temporary table has one, in lower case."""


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """``CREATE TABLE name (…)``.

    :param name: its parts.
    """

    table: TableDeclaration
    name: Name


@dataclass(frozen=True, slots=True)
class DropTable(Statement):
    """``DROP TABLE [IF EXISTS] name``."""

    names: tuple[Name, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class TruncateTable(Statement):
    """``TRUNCATE TABLE name``."""

    table: Name


@dataclass(frozen=True, slots=True)
class CreateIndex(Statement):
    """``CREATE [UNIQUE] INDEX name ON table (columns) [WHERE condition]``.

    :param index: a :class:`Key` for a unique one.
    """

    table: Name
    index: Key | PlainIndex


@dataclass(frozen=True, slots=True)
class DropIndex(Statement):
    """``DROP INDEX [IF EXISTS] name ON table``."""

    table: Name
    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AddToTable(Statement):
    """``ALTER TABLE name ADD columns and constraints``."""

    table: Name
    columns: tuple[Column, ...]
    rules: TableRules


@dataclass(frozen=True, slots=True)
class DropFromTable(Statement):
    """``ALTER TABLE name DROP COLUMN …, CONSTRAINT …``."""

    table: Name
    columns: tuple[str, ...]
    constraints: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class EnableConstraints(Statement):
    """``ALTER TABLE name [WITH CHECK] CHECK CONSTRAINT …`` and ``NOCHECK CONSTRAINT …``.

    :param names: of the constraints; empty for ALL.
    :param enables: CHECK.
    :param checks_rows: WITH CHECK: the existing rows must obey them.
    """

    table: Name
    names: tuple[str, ...]
    enables: bool
    checks_rows: bool


@dataclass(frozen=True, slots=True)
class CreateSchema(Statement):
    """``CREATE SCHEMA name``."""

    name: str


@dataclass(frozen=True, slots=True)
class DropSchema(Statement):
    """``DROP SCHEMA [IF EXISTS] name``."""

    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class CreateDatabase(Statement):
    """``CREATE DATABASE name``."""

    name: str


@dataclass(frozen=True, slots=True)
class DropDatabase(Statement):
    """``DROP DATABASE [IF EXISTS] name``."""

    names: tuple[str, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AlterColumn(Statement):
    """``ALTER TABLE name ALTER COLUMN name type``."""

    table: Name
    column: Column


@dataclass(frozen=True, slots=True)
class CheckIdentity(Statement):
    """``DBCC CHECKIDENT (table, RESEED, value)``.

    :param reseeds: not NORESEED.
    :param value: None for that of the rows.
    :param quiet: WITH NO_INFOMSGS.
    """

    table: Name
    reseeds: bool
    value: QueryText | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class SwitchTable(Statement):
    """``ALTER TABLE table SWITCH TO target``."""

    table: Name
    target: Name


@dataclass(frozen=True, slots=True)
class CreateStatistics(Statement):
    """``CREATE STATISTICS name ON table (columns)``."""

    name: str
    table: Name
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropStatistics(Statement):
    """``DROP STATISTICS table.name, …``.

    :param names: each with the parts of the table's name before it.
    """

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class UpdateStatistics(Statement):
    """``UPDATE STATISTICS table`` and ``ALTER TABLE table REBUILD``, which change nothing."""

    table: Name


@dataclass(frozen=True, slots=True)
class AlterIndex(Statement):
    """``ALTER INDEX name ON table action``.

    :param name: empty for ALL.
    :param action: REBUILD, REORGANIZE or DISABLE.
    """

    table: Name
    name: str
    action: str


@dataclass(frozen=True, slots=True)
class TransferTable(Statement):
    """``ALTER SCHEMA schema TRANSFER table``."""

    schema: str
    table: Name
