"""The views of logins, users, roles and permissions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata


def _server_principals(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    texts = {"S": "SQL_LOGIN", "R": "SERVER_ROLE", "U": "WINDOWS_LOGIN", "G": "WINDOWS_GROUP", "E": "EXTERNAL_LOGIN"}
    for item in metadata.server_principals():
        yield (
            item.name,
            item.id,
            item.sid,
            item.kind,
            texts.get(item.kind, ""),
            item.disabled,
            metadata.created,
            metadata.created,
            "master",
            item.kind == "R",
        )


def _database_principals(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    texts = {"S": "SQL_USER", "R": "DATABASE_ROLE", "U": "WINDOWS_USER", "G": "WINDOWS_GROUP", "E": "EXTERNAL_USER"}
    for item in metadata.database_principals(database):
        yield (
            item.name,
            item.id,
            item.kind,
            texts.get(item.kind, ""),
            "dbo",
            metadata.created,
            metadata.created,
            item.sid,
            item.fixed_role,
        )


def _role_members(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    yield from metadata.role_members(database)


_PERMISSION_CODES: Final = {
    "SELECT": "SL  ",
    "INSERT": "IN  ",
    "UPDATE": "UP  ",
    "DELETE": "DL  ",
    "EXECUTE": "EX  ",
    "REFERENCES": "RF  ",
    "ALTER": "AL  ",
    "CONTROL": "CL  ",
    "CONNECT": "CO  ",
    "CREATE TABLE": "CRTB",
    "CREATE VIEW": "CRVW",
    "CREATE PROCEDURE": "CRPR",
    "CREATE FUNCTION": "CRFN",
    "CREATE SCHEMA": "CRSM",
    "VIEW DEFINITION": "VW  ",
}
_PERMISSION_CLASSES: Final = {"DATABASE": (0, "DATABASE"), "OBJECT": (1, "OBJECT_OR_COLUMN"), "SCHEMA": (3, "SCHEMA")}
_PERMISSION_STATES: Final = {"G": "GRANT", "W": "GRANT_WITH_GRANT_OPTION", "D": "DENY"}


def _permissions(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    ids = {each.name.lower(): each.id for each in metadata.database_principals(database)}
    for grantee, state, permission, kind, schema, name in metadata.permissions(database):
        major = 0
        if kind == "SCHEMA":
            major = metadata.schema_id(database, schema) or 0
        elif kind == "OBJECT":
            known = {(item.schema.lower(), item.name.lower()): number for number, item in metadata.objects(database)}
            major = known.get((schema, name), 0)
        code = _PERMISSION_CODES.get(permission, "    ")
        yield (
            *(*_PERMISSION_CLASSES[kind], major, 0, ids.get(grantee, 0), 1, code, permission),
            *(state, _PERMISSION_STATES[state]),
        )


def _server_role_members(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    yield from metadata.server_role_members()


PRINCIPAL_VIEWS: Final = (
    ComputedView(
        "sys.server_principals",
        columns_of(
            "name sysname; principal_id int; sid varbinary(85) ?; type char(1); type_desc nvarchar(60) ?; "
            "is_disabled bit ?; create_date datetime; modify_date datetime; default_database_name sysname ?; "
            "is_fixed_role bit"
        ),
        _server_principals,
        fresh=True,
    ),
    ComputedView(
        "sys.database_principals",
        columns_of(
            "name sysname; principal_id int; type char(1); type_desc nvarchar(60) ?; default_schema_name sysname "
            "?; create_date datetime; modify_date datetime; sid varbinary(85) ?; is_fixed_role bit"
        ),
        _database_principals,
        fresh=True,
    ),
    ComputedView(
        "sys.database_role_members",
        columns_of("role_principal_id int; member_principal_id int"),
        _role_members,
        fresh=True,
    ),
    ComputedView(
        "sys.database_permissions",
        columns_of(
            "class tinyint; class_desc nvarchar(60) ?; major_id int; minor_id int; grantee_principal_id int; "
            "grantor_principal_id int; type char(4); permission_name nvarchar(128) ?; state char(1); state_desc "
            "nvarchar(60) ?"
        ),
        _permissions,
        fresh=True,
    ),
    ComputedView(
        "sys.server_role_members",
        columns_of("role_principal_id int; member_principal_id int"),
        _server_role_members,
        fresh=True,
    ),
)
