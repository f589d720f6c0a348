"""The statements about synonyms, as data."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.tsql.language.statements import Statement


@dataclass(frozen=True, slots=True)
class CreateSynonym(Statement):
    """``CREATE SYNONYM name FOR object``.

    :param name: its parts.
    :param base: the parts of the object's name.
    """

    name: tuple[str, ...]
    base: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropObjects(Statement):
    """``DROP SYNONYM [IF EXISTS] name``.

    :param kind: the word after DROP.
    """

    kind: str
    names: tuple[tuple[str, ...], ...]
    if_exists: bool
