"""Brings the tables of an older data folder up to date: columns that were added or renamed since."""

from __future__ import annotations

from airflow_provider_ssis.emulator.ssisdb.tables import INDEXES, RENAMED, TYPES
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine


def upgrade(engine: Engine) -> None:
    """Add and rename columns. The rows stay; columns that are new are NULL in them."""
    found: dict[str, set[str]] = {}
    for table, column in engine.read(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = 'internal'",
        [engine.database],
    ):
        found.setdefault(table, set()).add(column)
    changes = []
    for name, columns in TYPES.items():
        if name not in found:
            continue
        for column, kind in columns.items():
            if column in found[name]:
                continue
            old = RENAMED.get((name, column))
            if old in found[name]:
                changes.append(f"ALTER TABLE internal.{name} RENAME COLUMN {old} TO {column}")
            else:
                changes.append(f"ALTER TABLE internal.{name} ADD COLUMN {column} {kind}")
    if not changes:
        return
    # DuckDB does not change a table that views or indexes depend on; installing the catalog makes them again.
    for view, schema in engine.read(
        "SELECT view_name, schema_name FROM duckdb_views() WHERE database_name = ? AND NOT internal", [engine.database]
    ):
        engine.run_script(f'DROP VIEW IF EXISTS "{schema}"."{view}" CASCADE')
    for table_name, column in INDEXES:
        engine.run_script(f"DROP INDEX IF EXISTS internal.{table_name}_{column}")
    for change in changes:
        engine.run_script(change)
