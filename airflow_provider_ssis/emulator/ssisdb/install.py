"""Installs the catalog on a server: tables, views, procedures, roles."""

from __future__ import annotations

from airflow_provider_ssis.emulator.control.scripts import scripting_procedures
from airflow_provider_ssis.emulator.ssisdb import procedures, views  # noqa: F401 - importing them declares them
from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb
from airflow_provider_ssis.emulator.ssisdb.declare import PROCEDURES, QUIRKS, VIEWS
from airflow_provider_ssis.emulator.ssisdb.edition import Edition
from airflow_provider_ssis.emulator.ssisdb.error_texts import catalog_error
from airflow_provider_ssis.emulator.ssisdb.functions import FUNCTIONS
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.ssisdb.orphans import close_orphans
from airflow_provider_ssis.emulator.ssisdb.principals import (
    database_principals,
    role_members,
    server_principals,
    server_role_members,
)
from airflow_provider_ssis.emulator.ssisdb.rows import write_default_properties
from airflow_provider_ssis.emulator.ssisdb.tables import (
    INDEXES,
    PERMISSION_TABLES,
    PERMISSIONS_VIEWS,
    SEQUENCES,
    TABLE_TYPES,
    TABLES,
)
from airflow_provider_ssis.emulator.ssisdb.upgrade import upgrade
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine, Read


def install(engine: Engine, *, edition: Edition, quirks: bool = False) -> Ssisdb:
    """Install the catalog on a server. Existing rows of its database are kept.

    Operations that were running when the server stopped get status 6, as at the start of a real server.

    :param quirks: where a real catalog has a known fault, behave as it does.
    """
    ssisdb = Ssisdb(engine, edition, quirks=quirks)
    engine.session_variables = ssisdb.session_variables
    engine.sees_all = ssisdb.is_admin
    engine.check_drop = check_drop
    engine.metadata.server_principals = lambda: server_principals(engine.logins)
    engine.metadata.server_role_members = lambda: server_role_members(engine.logins)
    engine.metadata.database_principals = lambda database: [
        *database_principals(engine.logins, database),
        *engine.databases.principals(database, engine.logins),
    ]
    engine.metadata.role_members = lambda database: role_members(engine.logins, database)
    is_new = not engine.has_table("internal", "folders")
    if not is_new:
        upgrade(engine)
    for table in TABLES:
        engine.define_table(table)
    for schema, name, columns in TABLE_TYPES:
        engine.define_table_type(schema, name, columns)
    for sequence in SEQUENCES:
        engine.run_script(f"CREATE SEQUENCE IF NOT EXISTS internal.{sequence} START 1")
    for table_name, column in INDEXES:
        engine.run_script(f"CREATE INDEX IF NOT EXISTS {table_name}_{column} ON internal.{table_name} ({column})")
    if is_new:
        write_default_properties(engine.setup_store())
    else:
        engine.changes.note(f"internal.{table.name}" for table in TABLES)
    for script in PERMISSIONS_VIEWS:
        engine.run_script(script)
    _reserve_principals(engine)
    for table, select in PERMISSION_TABLES:
        engine.metadata.add(table)
        engine.run_script(f"CREATE OR REPLACE VIEW {table.storage_name(sees_all=True)} AS {select}")
    for view in ({**VIEWS, **QUIRKS} if quirks else VIEWS).values():
        engine.define_view(view)
    engine.metadata.add(*(procedure.bind(ssisdb) for procedure in PROCEDURES.values()))
    engine.metadata.add(*FUNCTIONS)
    engine.metadata.add(*scripting_procedures(DATABASE, ssisdb.runtime.scripts))
    close_orphans(engine.setup_store(), engine.now(), is_running=lambda operation_id, kind: False)
    ssisdb.refresh_workers()
    return ssisdb


def _reserve_principals(engine: Engine) -> None:
    """Let users keep the ids to which permissions in the data folder refer; other users must not get them."""
    # Fixed roles have ids from 16384.
    engine.logins.reserve(
        engine.read(
            "SELECT DISTINCT sid, principal_id FROM internal.object_permissions WHERE principal_id BETWEEN 1 AND 16383"
        )
    )


def check_drop(read: Read, principal_id: int) -> None:
    """Refuse to drop a user or role to which permissions in the catalog refer, as the trigger of a real catalog does.

    :raises SqlError: 27226.
    """
    sql = "SELECT 1 FROM internal.object_permissions WHERE principal_id = ? OR grantor_id = ? LIMIT 1"
    if read(sql, [principal_id, principal_id]):
        raise catalog_error(27226)
