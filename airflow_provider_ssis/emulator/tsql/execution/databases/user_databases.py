"""The databases that clients create: each is a separate attached DuckDB database.

A database in one file is dropped with its file, and a writer in one never waits for another. DuckDB writes to one
database in a transaction, so a transaction that writes to two of them is refused. What T-SQL knows of a table is kept
with the rows, in DuckDB's schema ``main``; T-SQL's schemas have DuckDB schemas of other names.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.database_file import attach
from airflow_provider_ssis.emulator.tsql.execution.databases.database_rights import (
    DATABASE,
    OBJECT,
    Permission,
    is_allowed,
)
from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities
from airflow_provider_ssis.emulator.tsql.execution.databases.sequences import SEQUENCE_TABLE, Sequences, row_versions
from airflow_provider_ssis.emulator.tsql.metadata.definitions import item_of
from airflow_provider_ssis.emulator.tsql.metadata.names import DEFAULT_SCHEMA, TEMPORARY_DATABASE
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    DatabasePrincipal,
    SequenceObject,
    UserTable,
    storage_database,
    storage_schema,
)
from airflow_provider_ssis.emulator.tsql.metadata.principals import Logins, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

FOLDER: Final = "databases"
"""The folder in the data folder."""

_FIRST_USER_ID: Final = 5
_FIRST_ROLE_ID: Final = 10_000
_OWNER: Final = "dbo"
_LONGEST_FILE_NAME: Final = 200
_PERMISSION_COLUMNS: Final = ", ".join(
    f"{name} VARCHAR" for name in ("grantee", "state", "permission", "kind", "schema_name", "name")
)
RIGHT_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS main.roles (name VARCHAR, roles VARCHAR)",
    f"CREATE TABLE IF NOT EXISTS main.permissions ({_PERMISSION_COLUMNS})",
)
_SET_UP: Final = (
    "CREATE TABLE main.owner (login VARCHAR)",
    "CREATE TABLE main.schemas (name VARCHAR)",
    "CREATE TABLE main.objects (schema_name VARCHAR, name VARCHAR, kind VARCHAR, definition VARCHAR)",
    "CREATE TABLE main.identities (table_name VARCHAR, next_value HUGEINT)",
    SEQUENCE_TABLE,
    *RIGHT_TABLES,
    "CREATE TABLE main.members (user_name VARCHAR, login VARCHAR, roles VARCHAR)",
)


@dataclass(slots=True)
class Member:
    """A user of a database, or a role that a client created in it.

    :param login: its login; empty for none.
    :param roles: of which it is a member, in lower case.
    """

    name: str
    login: str
    roles: set[str] = field(default_factory=set)


@dataclass(slots=True)
class UserDatabase:
    """A database that a client created.

    :param owner: the login that created it.
    :param members: its users, by name in lower case.
    :param roles: the roles that clients created, likewise.
    :param permissions: what GRANT and DENY have said.
    """

    name: str
    owner: str
    members: dict[str, Member] = field(default_factory=dict)
    roles: dict[str, Member] = field(default_factory=dict)
    permissions: set[Permission] = field(default_factory=set)

    @property
    def storage(self) -> str:
        """The DuckDB name, quoted."""
        return quoted(storage_database(self.name))

    def is_owner(self, principal: Principal) -> bool:
        """Whether a login is dbo here."""
        return principal.is_sysadmin or principal.name.lower() == self.owner.lower()

    def user(self, principal: Principal) -> str:
        """The user that a login is here."""
        member = self.member(principal)
        return "dbo" if self.is_owner(principal) else "guest" if member is None else member.name

    def roles_of(self, user: str) -> frozenset[str]:
        """The roles of a user or role, also through other roles, in lower case."""
        found = {"public"}
        waiting = ["db_owner"] if user.lower() == _OWNER else self._direct_roles(user)
        while waiting:
            role = waiting.pop()
            if role not in found:
                found.add(role)
                waiting += self._direct_roles(role)
        return frozenset(found)

    def _direct_roles(self, name: str) -> list[str]:
        member = self.members.get(name.lower()) or self.roles.get(name.lower())
        return [] if member is None else list(member.roles)

    def may(self, principal: Principal, right: str, schema: str = "", name: str = "") -> bool | None:
        """Whether a login has a right; None where it may not use the database.

        :param schema: empty for a right in the whole database.
        :param name: empty for a right in the whole schema.
        """
        if self.is_owner(principal):
            return True
        member = self.member(principal)
        if member is None:
            return None
        return self.user_may(member.name, right, schema, name)

    def user_may(self, user: str, right: str, schema: str = "", name: str = "") -> bool:
        """Whether a user has a right; the parameters are those of :meth:`may`."""
        grantees = self.roles_of(user) | {user.lower()}
        return user.lower() == _OWNER or is_allowed(self.permissions, grantees, right, schema.lower(), name.lower())

    def member(self, principal: Principal) -> Member | None:
        """The user of a login, or None."""
        name = principal.name.lower()
        return next((each for each in self.members.values() if each.login.lower() == name), None)


class UserDatabases:
    """The databases of clients.

    :param connection: to DuckDB.
    :param metadata: gets their names.
    :param data_dir: the folder of their files; None keeps them in memory.
    :param identities: the next IDENTITY values of their tables.
    :param sequences: the last values of their sequences.
    :raises OSError: a file cannot be opened.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        metadata: Metadata,
        data_dir: Path | None,
        identities: Identities,
        sequences: Sequences,
    ) -> None:
        self._connection = connection
        self._metadata = metadata
        self._folder = None if data_dir is None else data_dir / FOLDER
        self._identities = identities
        self._sequences = sequences
        self._known: dict[str, UserDatabase] = {}
        attach(connection, storage_database(TEMPORARY_DATABASE), None)
        self._set_up(TEMPORARY_DATABASE, "")
        if self._folder is not None and self._folder.is_dir():
            for path in sorted(self._folder.glob("*.duckdb")):
                try:
                    self._open(unquote(path.stem))
                except (duckdb.Error, IndexError, KeyError, ValueError) as error:
                    # The server ended while it made the file, or the file comes from elsewhere.
                    reason = f"it is not a database of this server ({type(error).__name__}): move it away to start"
                    raise OSError(errno.EINVAL, reason, str(path)) from None

    def get(self, name: str) -> UserDatabase | None:
        """The client's database of this name, or None."""
        return self._known.get(name.lower())

    def all(self) -> list[UserDatabase]:
        """The databases of clients."""
        return list(self._known.values())

    def create(self, name: str, owner: str) -> None:
        """Make a database.

        :param owner: the login that is dbo in it.
        :raises SqlError: 1802, its file cannot be made.
        """
        database = UserDatabase(name, owner)
        try:
            attach(self._connection, storage_database(name), self._path(name))
        except OSError as error:
            raise SqlError(1802, f"CREATE DATABASE failed: {error}.", state=4) from None
        self._set_up(name, owner)
        self._add(database)

    def _set_up(self, name: str, owner: str) -> None:
        storage = quoted(storage_database(name))
        self._connection.execute("BEGIN TRANSACTION")
        for sql in _SET_UP:
            self._connection.execute(sql.replace("main.", f"{storage}.main.", 1))
        self._connection.execute(f"INSERT INTO {storage}.main.owner VALUES (?)", [owner])
        self._connection.execute(f"CREATE SCHEMA {storage_schema(name, DEFAULT_SCHEMA)}")
        self._connection.execute("COMMIT")

    def drop(self, name: str) -> None:
        """Delete a database with all that is in it."""
        database = self._known.pop(name.lower())
        self._metadata.remove_database(database.name)
        self._connection.execute(f"DETACH {database.storage}")
        self._identities.forget(f"{database.storage}.")
        self._sequences.forget_row_versions(database.name)
        path = self._path(database.name)
        if path is not None:
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".wal").unlink(missing_ok=True)

    def principals(self, name: str, logins: Logins) -> list[DatabasePrincipal]:
        """The users of a client's database; none for any other database."""
        database = self.get(name)
        found = []
        for number, member in enumerate(() if database is None else database.members.values(), start=_FIRST_USER_ID):
            login = logins.login(member.login)
            sid, kind = (None, "S") if login is None else (login.sid, login.kind.value)
            found.append(DatabasePrincipal(member.name, number, sid, kind))
        for number, role in enumerate(() if database is None else database.roles.values(), start=_FIRST_ROLE_ID):
            found.append(DatabasePrincipal(role.name, number, None, "R"))
        return found

    def permissions(self, name: str) -> list[tuple[str, str, str, str, str, str]]:
        """What GRANT and DENY have said in a client's database."""
        database = self.get(name)
        return [] if database is None else sorted(map(astuple, database.permissions))

    def forget_permissions(self, name: str, schema: str, item: str) -> None:
        """Forget the permissions on an object that was dropped, or with an empty name on a schema."""
        database = self.get(name)
        if database is None:
            return
        kept = {
            each
            for each in database.permissions
            if each.kind == DATABASE or (each.schema, each.name) != (schema.lower(), item.lower())
        }
        if len(kept) < len(database.permissions):
            database.permissions = kept
            self.save_members(database)

    def rename_permissions(self, name: str, schema: str, old: str, new: str) -> None:
        """Keep the permissions on an object that gets another name."""
        database = self.get(name)
        if database is None:
            return
        place = OBJECT, schema.lower(), old.lower()
        moved = {each for each in database.permissions if (each.kind, each.schema, each.name) == place}
        if moved:
            database.permissions -= moved
            database.permissions |= {replace(each, name=new.lower()) for each in moved}
            self.save_members(database)

    def save_members(self, database: UserDatabase) -> None:
        """Keep the users, roles and permissions of a database; all of them, or after a crash the earlier ones."""
        rows: dict[str, list[Sequence[str]]] = {
            "members": [(each.name, each.login, _role_text(each)) for each in database.members.values()],
            "roles": [(each.name, _role_text(each)) for each in database.roles.values()],
            "permissions": [astuple(each) for each in database.permissions],
        }
        with self._connection.cursor() as connection:
            connection.begin()
            for name, listed in rows.items():
                table = f"{database.storage}.main.{name}"
                connection.execute(f"DELETE FROM {table}")
                for row in listed:
                    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            connection.commit()

    def close(self) -> None:
        """Keep the IDENTITY values before the server stops."""
        for database in self._known.values():
            table, prefix = f"{database.storage}.main.identities", f"{database.storage}."
            self._connection.execute(f"DELETE FROM {table}")
            for name, value in self._identities.known().items():
                if name.startswith(prefix):
                    self._connection.execute(f"INSERT INTO {table} VALUES (?, ?)", [name, value])
            for _, item in self._metadata.objects(database.name):
                if isinstance(item, SequenceObject):
                    self._sequences.keep(item)
            self._sequences.keep(row_versions(database.name))

    def _add(self, database: UserDatabase) -> None:
        self._known[database.name.lower()] = database
        self._metadata.add_database(database.name)

    def _path(self, name: str) -> Path | None:
        if self._folder is None:
            return None
        stem = quote(name, safe=" !#$&'()+,-=@[]^_`{}~")
        if len(stem) > _LONGEST_FILE_NAME:
            raise SqlError(1802, "CREATE DATABASE failed: the name is too long for a file in the data folder.", state=4)
        return self._folder / f"{stem}.duckdb"

    def _open(self, name: str) -> None:
        """Open a database of an earlier run of the server."""
        attach(self._connection, storage_database(name), self._path(name))
        storage = quoted(storage_database(name))
        owner = self._rows(f"FROM {storage}.main.owner")[0][0]
        # A database of an earlier version has none.
        for sql in (SEQUENCE_TABLE, *RIGHT_TABLES):
            self._connection.execute(sql.replace("main.", f"{storage}.main.", 1))
        database = UserDatabase(name, owner)
        for user, login, roles in self._rows(f"FROM {storage}.main.members"):
            database.members[user.lower()] = Member(user, login, _role_names(roles))
        for role, roles in self._rows(f"FROM {storage}.main.roles"):
            database.roles[role.lower()] = Member(role, "", _role_names(roles))
        database.permissions = {Permission(*row) for row in self._rows(f"FROM {storage}.main.permissions")}
        self._add(database)
        for (schema,) in self._rows(f"FROM {storage}.main.schemas"):
            self._metadata.add_schema(name, schema)
        for schema, item, kind, text in self._rows(f"FROM {storage}.main.objects"):
            self._metadata.add(item_of(name, schema, item, kind, text))
        self._identities.restore(dict(self._rows(f"FROM {storage}.main.identities")))
        self._sequences.restore(dict(self._rows(f"FROM {storage}.main.sequences")))
        for _, item in self._metadata.objects(name):
            if isinstance(item, UserTable):
                self._note_identity(item)

    def _note_identity(self, table: UserTable) -> None:
        """Continue after the values in the table: a server that did not stop in order kept no newer ones."""
        identity = table.rules.identity
        if identity is None:
            return
        extreme = "max" if identity.increment > 0 else "min"
        value = self._rows(f"SELECT {extreme}({quoted(identity.column)}) FROM {table.storage_name}")[0][0]
        if value is not None:
            self._identities.note(table, int(value))

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _role_text(member: Member) -> str:
    return json.dumps(sorted(member.roles))


def _role_names(text: str) -> set[str]:
    """The names in a list; an earlier version wrote them as words."""
    return set(json.loads(text)) if text.startswith("[") else set(text.split())
