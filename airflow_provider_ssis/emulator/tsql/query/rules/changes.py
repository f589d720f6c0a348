"""INSERT, UPDATE, DELETE and MERGE on table variables and temporary tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.change import BoundChange
from airflow_provider_ssis.emulator.tsql.query.rules.inserts import bind_insert
from airflow_provider_ssis.emulator.tsql.query.rules.merges import bind_merge
from airflow_provider_ssis.emulator.tsql.query.rules.updates import bind_delete, bind_update

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

CHANGES: Final[dict[type[exp.Expr], Callable[[Binder, exp.Expr], BoundChange]]] = {
    exp.Insert: bind_insert,  # type: ignore[dict-item] # each rule takes the node kind of its key
    exp.Update: bind_update,  # type: ignore[dict-item]
    exp.Delete: bind_delete,  # type: ignore[dict-item]
    exp.Merge: bind_merge,  # type: ignore[dict-item]
}
"""By the kind of the statement's root."""
