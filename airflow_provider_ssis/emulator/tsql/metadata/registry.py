"""What databases, tables, views, table types and procedures there are, with their T-SQL types.

DuckDB knows a column as VARCHAR; this registry knows that it is ``nvarchar(128) NOT NULL``. The query compiler resolves
every name here, and the ``sys.`` and ``INFORMATION_SCHEMA`` views (``system_views.py``) show it to clients.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.metadata.constraints import constraints
from airflow_provider_ssis.emulator.tsql.metadata.names import DEFAULT_SCHEMA, qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    DatabasePrincipal,
    Relation,
    Routine,
    SchemaObject,
    SequenceObject,
    ServerPrincipal,
    SqlFunction,
    Synonym,
    TableType,
    UserFunction,
    UserTable,
    object_kind,
)
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import ForeignKey
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

SYSTEM_DATABASES: Final = ("master", "tempdb", "model", "msdb")
_FIRST_OBJECT_ID: Final = 245_575_913
_OBJECT_ID_STEP: Final = 16_000_057
_LARGEST_ID: Final = 2_147_483_647
_NAME_PARTS: Final = 3
_LAST_SYSTEM_TYPE: Final = 256


_VERSIONS: Final = count(1)


@dataclass(slots=True)
class Metadata:
    """The registry of everything that has a name.

    :param database_ids: the databases with their ids.
    :param server_principals: returns the server's logins and roles, each time that a view shows them.
    :param database_principals: the users and roles of a database, by the database's name, likewise.
    :param role_members: the ids of each database role and of its direct members, by the database's name.
    :param server_role_members: the same for server roles and logins.
    :param version: another one after each change, in this registry and its copies: compiled queries depend on it.
    :param scope: distinguishes the copies of open transactions.
    :param created: the time that every object claims to be made at.
    :param dropped: is called with database, schema and name of a dropped object; with an empty name for a schema.
        Also for an object that goes to another schema.
    :param renamed: is called with database, schema, old and new name of an object that stays in its schema.
    :param permissions: the permissions of a database, as ``sys.database_permissions`` shows them.
    :param single_user: the databases that are in single-user mode.
    """

    database_ids: dict[str, int] = field(default_factory=lambda: _numbered(SYSTEM_DATABASES))
    server_principals: Callable[[], Sequence[ServerPrincipal]] = tuple
    database_principals: Callable[[str], Sequence[DatabasePrincipal]] = lambda database: ()
    role_members: Callable[[str], Sequence[tuple[int, int]]] = lambda database: ()
    server_role_members: Callable[[], Sequence[tuple[int, int]]] = tuple
    version: int = 0
    scope: str = ""
    created: dt.datetime = dt.datetime(2022, 11, 1)
    dropped: Callable[[str, str, str], None] = lambda database, schema, name: None
    renamed: Callable[[str, str, str, str], None] = lambda database, schema, old, new: None
    permissions: Callable[[str], Sequence[tuple[str, str, str, str, str, str]]] = lambda database: ()
    single_user: set[str] = field(default_factory=set)
    _objects: dict[tuple[str, str, str], tuple[int, SchemaObject]] = field(default_factory=dict)
    _table_types: dict[tuple[str, str, str], tuple[int, TableType]] = field(default_factory=dict)
    _schemas: dict[str, list[str]] = field(default_factory=dict)
    _remembered: dict[tuple[str, str], list[tuple[Any, ...]]] = field(default_factory=dict)
    _last_object: int = 0

    def add(self, *objects: SchemaObject | TableType) -> None:
        """Make tables, views, procedures and table types known. An object of the same name is replaced."""
        self._changed()
        for item in objects:
            key = _key(item.database, item.schema, item.name)
            self._note_schema(item.database, item.schema)
            if isinstance(item, TableType):
                known_type = self._table_types.get(key)
                last = max((number for number, _ in self._table_types.values()), default=_LAST_SYSTEM_TYPE)
                type_id = known_type[0] if known_type else last + 1
                self._table_types[key] = (type_id, item)
            else:
                known = self._objects.get(key)
                self._objects[key] = (known[0] if known else self._next_object_id(), item)

    def remove(self, database: str, schema: str, name: str) -> None:
        """Forget a table, view, procedure or function."""
        self._changed()
        if self._objects.pop(_key(database, schema, name), None) is not None:
            self.dropped(database, schema, name)

    def remove_type(self, database: str, schema: str, name: str) -> None:
        """Forget a table type."""
        self._changed()
        self._table_types.pop(_key(database, schema, name), None)

    def rename(self, old: UserTable, new: UserTable) -> None:
        """Give a table another name or schema; it keeps its object id."""
        self._changed()
        number, _ = self._objects.pop(_key(old.database, old.schema, old.name))
        if old.schema.lower() == new.schema.lower():
            self.renamed(old.database, old.schema, old.name, new.name)
        else:
            self.dropped(old.database, old.schema, old.name)
        self._objects[_key(new.database, new.schema, new.name)] = number, new

    def add_schema(self, database: str, schema: str) -> None:
        """Make a schema known."""
        self._changed()
        self._note_schema(database, schema)

    def remove_schema(self, database: str, schema: str) -> None:
        """Forget a schema."""
        self._changed()
        known = self._schemas.get(database.lower(), [])
        known[:] = [each for each in known if each.lower() != schema.lower()]
        self.dropped(database, schema, "")

    def add_database(self, name: str) -> None:
        """Make a database known, with the lowest free id."""
        self._changed()
        used = set(self.database_ids.values())
        self.database_ids[name] = next(number for number in count(1) if number not in used)

    def remove_database(self, name: str) -> None:
        """Forget a database and all that is in it."""
        self._changed()
        self.database_ids.pop(name, None)
        self.single_user.discard(name)
        self._schemas.pop(name.lower(), None)
        for known in (self._objects, self._table_types):
            for key in [key for key in known if key[0] == name.lower()]:
                del known[key]

    def copy(self) -> Metadata:
        """A registry with the same contents, for the changes of an open transaction."""
        return replace(
            self,
            version=(version := next(_VERSIONS)),
            scope=f" of transaction {version}",
            dropped=lambda database, schema, name: None,
            renamed=lambda database, schema, old, new: None,
            database_ids=dict(self.database_ids),
            _objects=dict(self._objects),
            _table_types=dict(self._table_types),
            _schemas={database: list(names) for database, names in self._schemas.items()},
            _remembered={},
        )

    def _changed(self) -> None:
        self._remembered.clear()
        self.version = next(_VERSIONS)

    @property
    def database_names(self) -> tuple[str, ...]:
        """The databases in the order of their ids."""
        return tuple(sorted(self.database_ids, key=self.database_ids.__getitem__))

    def set_single_user(self, database: str, *, on: bool) -> None:
        """Put a database into single-user mode, or back into multi-user mode."""
        self._remembered.clear()
        (self.single_user.add if on else self.single_user.discard)(database)

    def resolved(self, names: tuple[str, str, str]) -> tuple[str, str, str]:
        """The name of the object behind a synonym; other names stay as they are.

        :param names: database, schema and name.
        :raises SqlError: 470, the synonym names another one; 7202, an object of another server.
        """
        synonym = self.item(*names)
        if not isinstance(synonym, Synonym):
            return names
        if len(synonym.base) > _NAME_PARTS:
            raise SqlError(7202, f"There is no linked server '{synonym.base[0]}'.", severity=11, state=2)
        base = qualified(synonym.base, synonym.database)
        if isinstance(self.item(*base), Synonym):
            text = f"The synonym '{synonym.name}' referenced synonym '{base[2]}'. Synonym chaining is not allowed."
            raise SqlError(470, text)
        return base

    def relation(self, database: str, schema: str, name: str) -> Relation | None:
        """The table or view of this name, or None."""
        found = self._objects.get(_key(database, schema, name))
        return found[1] if found is not None and isinstance(found[1], Relation) else None

    def function(self, database: str, schema: str, name: str) -> SqlFunction | None:
        """The function of this name, or None."""
        found = self._objects.get(_key(database, schema, name))
        return found[1] if found is not None and isinstance(found[1], SqlFunction) else None

    def user_function(self, database: str, schema: str, name: str) -> UserFunction | None:
        """The client's function of this name, or None."""
        found = self._objects.get(_key(database, schema, name))
        return found[1] if found is not None and isinstance(found[1], UserFunction) else None

    def sequence(self, database: str, schema: str, name: str) -> SequenceObject:
        """The sequence of this name.

        :raises SqlError: 208, there is no such object; 11726, it is not a sequence.
        """
        found = self.item(*self.resolved((database, schema, name)))
        if found is None:
            raise SqlError(208, f"Invalid object name '{schema}.{name}'.")
        if not isinstance(found, SequenceObject):
            raise SqlError(11726, f"Object '{schema}.{name}' is not a sequence object.")
        return found

    def item(self, database: str, schema: str, name: str) -> SchemaObject | None:
        """The object of this name, or None."""
        found = self._objects.get(_key(database, schema, name))
        return None if found is None else found[1]

    def routine(self, database: str, schema: str, name: str) -> Routine | None:
        """The procedure of this name, or None."""
        found = self._objects.get(_key(database, schema, name))
        return found[1] if found is not None and isinstance(found[1], Routine) else None

    def table_type(self, database: str, schema: str, name: str) -> TableType | None:
        """The table type of this name, or None."""
        found = self._table_types.get(_key(database, schema, name))
        return found[1] if found is not None else None

    def user_tables(self, database: str) -> list[tuple[int, UserTable]]:
        """The clients' tables in a database, with their object ids."""
        return [(number, item) for number, item in self.objects(database) if isinstance(item, UserTable)]

    def referring(self, table: UserTable) -> list[tuple[UserTable, ForeignKey]]:
        """The foreign keys that refer to a table, with the tables that have them."""
        wanted = table.schema.lower(), table.name.lower()
        return [
            (item, key)
            for _, item in self.user_tables(table.database)
            for key in item.rules.foreign_keys
            if (key.schema.lower(), key.table.lower()) == wanted
        ]

    def objects(self, database: str) -> list[tuple[int, SchemaObject]]:
        """The tables, views and procedures of a database with their object ids."""
        return [entry for key, entry in self._objects.items() if key[0] == database.lower()]

    def table_types(self, database: str) -> list[tuple[int, TableType]]:
        """The table types of a database with their ids."""
        return [entry for key, entry in self._table_types.items() if key[0] == database.lower()]

    def schemas(self, database: str) -> list[tuple[int, str]]:
        """The schemas of a database with their ids."""
        fixed = [(1, DEFAULT_SCHEMA), (2, "guest"), (3, "INFORMATION_SCHEMA"), (4, "sys")]
        return fixed + list(enumerate(self._schemas.get(database.lower(), ()), start=5))

    def remembered(
        self, name: str, database: str, rows: Callable[[Metadata, str], Iterable[tuple[Any, ...]]]
    ) -> list[tuple[Any, ...]]:
        """The rows that follow from the metadata of a database; they are computed again after an addition."""
        key = (name, database)
        if key not in self._remembered:
            self._remembered[key] = list(rows(self, database))
        return self._remembered[key]

    def database_name(self, name: str) -> str | None:
        """The database of this name as it is spelled, or None."""
        return next((known for known in self.database_names if known.lower() == name.lower()), None)

    def database_id(self, name: str) -> int | None:
        """``DB_ID(name)``."""
        known = self.database_name(name)
        return None if known is None else self.database_ids[known]

    def schema_id(self, database: str, name: str) -> int | None:
        """``SCHEMA_ID(name)``."""
        return next((number for number, known in self.schemas(database) if known.lower() == name.lower()), None)

    def schema_name(self, database: str, schema_id: int) -> str | None:
        """``SCHEMA_NAME(schema_id)``."""
        return next((known for number, known in self.schemas(database) if number == schema_id), None)

    def object_id(self, database: str, name: str, kind: str | None = None) -> int | None:
        """``OBJECT_ID(name, kind)``.

        :param name: one to three parts, brackets and quotation marks allowed.
        :param kind: ``U``, ``V``, ``P``; any when None.
        """
        parts = split_name(name)
        if not 1 <= len(parts) <= 3:
            return None
        names = qualified(parts, database)
        found = self._objects.get(_key(*names))
        if found is None:
            return self._constraint_id(names, kind)
        if kind is not None and object_kind(found[1]).strip() != kind.strip().upper():
            return None
        return found[0]

    def _constraint_id(self, names: tuple[str, str, str], kind: str | None) -> int | None:
        database, schema, name = names
        for each in constraints(self.user_tables(database)):
            if (each.table.schema.lower(), each.name.lower()) == (schema.lower(), name.lower()):
                return each.id if kind is None or each.kind.strip() == kind.strip().upper() else None
        return None

    def object_name(self, database: str, object_id: int) -> str | None:
        """``OBJECT_NAME(object_id)``."""
        found = next((item.name for number, item in self.objects(database) if number == object_id), None)
        names = (each.name for each in constraints(self.user_tables(database)) if each.id == object_id)
        return found or next(names, None)

    def object_schema_name(self, database: str, object_id: int) -> str | None:
        """``OBJECT_SCHEMA_NAME(object_id)``."""
        return next((item.schema for number, item in self.objects(database) if number == object_id), None)

    def _note_schema(self, database: str, schema: str) -> None:
        known = self._schemas.setdefault(database.lower(), [])
        if self.schema_id(database, schema) is None:
            known.append(schema)

    def _next_object_id(self) -> int:
        self._last_object += 1
        return (_FIRST_OBJECT_ID + (self._last_object - 1) * _OBJECT_ID_STEP) % _LARGEST_ID


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, start=1)}


def _key(database: str, schema: str, name: str) -> tuple[str, str, str]:
    return database.lower(), schema.lower(), name.lower()
