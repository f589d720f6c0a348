"""The changes of a transaction to schemas and tables of a client's database.

Other sessions see them when the transaction is committed; until then, its session uses a separate registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import (
    check_key_columns,
    stored_rows,
    write_rows,
)
from airflow_provider_ssis.emulator.tsql.metadata.definitions import item_text, kind_of
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    NamedObject,
    TableType,
    UserTable,
    storage_database,
    storage_schema,
)
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.values.storage import create_table, quoted

if TYPE_CHECKING:
    import duckdb

    from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities


class UserTables:
    """The tables of clients' databases, as a session changes them.

    :param connection: the session's DuckDB connection, with an open transaction.
    :param metadata: the names that are committed.
    :param identities: the next IDENTITY values.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, metadata: Metadata, identities: Identities) -> None:
        self._connection = connection
        self._committed = metadata
        self._own: Metadata | None = None
        self._changes: list[Callable[[Metadata], None]] = []
        self.identities = identities

    @property
    def metadata(self) -> Metadata:
        """The names that the session sees."""
        return self._own or self._committed

    def commit(self) -> None:
        """Show the changes to all sessions."""
        for change in self._changes:
            change(self._committed)
        self.forget()

    def forget(self) -> None:
        """Forget the changes, which are undone."""
        self._changes.clear()
        self._own = None

    def _change(self, change: Callable[[Metadata], None]) -> None:
        self._own = self._own or self._committed.copy()
        change(self._own)
        self._changes.append(change)

    # --- schemas

    def create_schema(self, database: str, name: str) -> None:
        """Make a schema."""
        self._connection.execute(f"CREATE SCHEMA {storage_schema(database, name)}")
        self._connection.execute(f"INSERT INTO {_own_table(database, 'schemas')} VALUES (?)", [name])
        self._change(lambda metadata: metadata.add_schema(database, name))

    def drop_schema(self, database: str, name: str) -> None:
        """Drop an empty schema."""
        self._connection.execute(f"DROP SCHEMA {storage_schema(database, name)}")
        table = _own_table(database, "schemas")
        self._connection.execute(f"DELETE FROM {table} WHERE lower(name) = lower(?)", [name])
        self._change(lambda metadata: metadata.remove_schema(database, name))

    # --- tables

    def create(self, table: UserTable) -> None:
        """Make a table.

        :raises SqlError: 1911, a key names a column that there is not.
        """
        for key in table.rules.keys:
            check_key_columns(table, key.columns)
        self.identities.reset(table)
        self._connection.execute(create_table(table.storage_name, table.columns, zoned=True))
        self._define(table)

    def drop(self, table: UserTable) -> None:
        """Drop a table."""
        self._connection.execute(f"DROP TABLE {table.storage_name}")
        self._undefine(table)
        self._change(lambda metadata: metadata.remove(table.database, table.schema, table.name))

    def rename(self, table: UserTable, new: UserTable) -> None:
        """Give a table another name or schema; the foreign keys that refer to it follow."""
        if table.schema == new.schema:
            self._connection.execute(f"ALTER TABLE {table.storage_name} RENAME TO {quoted(new.name)}")
        else:
            self._connection.execute(create_table(new.storage_name, new.columns, zoned=True))
            self._connection.execute(f"INSERT INTO {new.storage_name} SELECT * FROM {table.storage_name}")
            self._connection.execute(f"DROP TABLE {table.storage_name}")
        children = [child for child, _ in self.metadata.referring(table)]
        self.identities.rename(table, new)
        self._undefine(table)
        self._connection.execute(
            f"INSERT INTO {_own_table(new.database, 'objects')} VALUES (?, ?, ?, ?)",
            [new.schema, new.name, kind_of(new), item_text(new)],
        )
        self._change(lambda metadata: metadata.rename(table, new))
        for child in children:
            now = new if child.storage_name == table.storage_name else child
            keys = tuple(
                replace(key, schema=new.schema, table=new.name)
                if (key.schema.lower(), key.table.lower()) == (table.schema.lower(), table.name.lower())
                else key
                for key in now.rules.foreign_keys
            )
            self.define(replace(now, rules=replace(now.rules, foreign_keys=keys)))

    def rename_column(self, table: UserTable, old: str, new: str) -> None:
        """Give a column another name; the rules of the table and the foreign keys that refer to it follow."""
        self._connection.execute(f"ALTER TABLE {table.storage_name} RENAME COLUMN {quoted(old)} TO {quoted(new)}")

        def named(name: str) -> str:
            return new if name.lower() == old.lower() else name

        def listed(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(map(named, names))

        rules = table.rules
        changed = replace(
            rules,
            identity=rules.identity and replace(rules.identity, column=named(rules.identity.column)),
            defaults=tuple(replace(each, column=named(each.column)) for each in rules.defaults),
            keys=tuple(replace(each, columns=listed(each.columns)) for each in rules.keys),
            indexes=tuple(replace(each, columns=listed(each.columns)) for each in rules.indexes),
            foreign_keys=tuple(replace(each, columns=listed(each.columns)) for each in rules.foreign_keys),
            computed=tuple(replace(each, column=named(each.column)) for each in rules.computed),
        )
        columns = tuple(replace(column, name=named(column.name)) for column in table.columns)
        self.define(replace(table, columns=columns, rules=changed))
        for child in {child.storage_name: child for child, _ in self.metadata.referring(table)}.values():
            keys = tuple(
                replace(key, references=listed(key.references))
                if (key.schema.lower(), key.table.lower()) == (table.schema.lower(), table.name.lower())
                else key
                for key in child.rules.foreign_keys
            )
            self.define(replace(child, rules=replace(child.rules, foreign_keys=keys)))

    def describe(self, table: UserTable) -> None:
        """Take new rules for a table."""
        self.define(table)

    def rebuild(
        self, table: UserTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], date_order: str
    ) -> None:
        """Make a table again, with other columns and these rows.

        :param columns: the columns of the rows; one for each new column of the table.
        :param date_order: SET DATEFORMAT.
        :raises SqlError: 515 and the errors of conversions; nothing is changed.
        """
        stored = stored_rows(table, columns, rows, date_order)
        self._connection.execute(f"DROP TABLE {table.storage_name}")
        self._connection.execute(create_table(table.storage_name, table.columns, zoned=True))
        write_rows(self._connection, table, stored)
        self.describe(table)

    def define(self, item: UserTable | NamedObject) -> None:
        """Make an object, or replace that of its name."""
        self._undefine(item)
        self._define(item)

    def undefine(self, item: UserTable | NamedObject) -> None:
        """Drop an object that is not a table."""
        self._undefine(item)
        if isinstance(item, TableType):
            self._change(lambda metadata: metadata.remove_type(item.database, item.schema, item.name))
        else:
            self._change(lambda metadata: metadata.remove(item.database, item.schema, item.name))

    def _define(self, table: UserTable | NamedObject) -> None:
        self._connection.execute(
            f"INSERT INTO {_own_table(table.database, 'objects')} VALUES (?, ?, ?, ?)",
            [table.schema, table.name, kind_of(table), item_text(table)],
        )
        self._change(lambda metadata: metadata.add(table))

    def _undefine(self, table: UserTable | NamedObject) -> None:
        self._connection.execute(
            f"DELETE FROM {_own_table(table.database, 'objects')} "
            "WHERE lower(schema_name) = lower(?) AND lower(name) = lower(?) AND (kind = 'TableType') = ?",
            [table.schema, table.name, isinstance(table, TableType)],
        )


def _own_table(database: str, name: str) -> str:
    """The DuckDB table in which a database keeps what T-SQL knows."""
    return f"{quoted(storage_database(database))}.main.{name}"
