"""The statements about synonyms, sequences and table types, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language.statements import Statement, TableDeclaration


@dataclass(frozen=True, slots=True)
class CreateSynonym(Statement):
    """``CREATE SYNONYM name FOR object``.

    :param name: its parts.
    :param base: the parts of the object's name.
    """

    name: tuple[str, ...]
    base: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """What a statement says about a sequence; None for nothing.

    :param minimum: NO MINVALUE is :data:`NO`.
    :param maximum: NO MAXVALUE is :data:`NO`.
    :param cache: NO CACHE is 1.
    """

    start: int | None = None
    increment: int | None = None
    minimum: int | str | None = None
    maximum: int | str | None = None
    cycles: bool | None = None
    cache: int | None = None


NO: Final = "NO"


@dataclass(frozen=True, slots=True)
class CreateSequence(Statement):
    """``CREATE SEQUENCE name [AS type] options``."""

    name: tuple[str, ...]
    type: SqlType
    options: SequenceOptions


@dataclass(frozen=True, slots=True)
class AlterSequence(Statement):
    """``ALTER SEQUENCE name [RESTART [WITH value]] options``.

    :param restarts: RESTART.
    """

    name: tuple[str, ...]
    options: SequenceOptions
    restarts: bool


@dataclass(frozen=True, slots=True)
class CreateTableType(Statement):
    """``CREATE TYPE name AS TABLE (…)``."""

    name: tuple[str, ...]
    table: TableDeclaration


@dataclass(frozen=True, slots=True)
class DropObjects(Statement):
    """``DROP SYNONYM | SEQUENCE | TYPE [IF EXISTS] name, …``.

    :param kind: the word after DROP.
    """

    kind: str
    names: tuple[tuple[str, ...], ...]
    if_exists: bool
