"""Sources that have a name: tables, views, common table expressions, table variables and temporary tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, Column
from airflow_provider_ssis.emulator.tsql.metadata.missing_views import is_missing_view
from airflow_provider_ssis.emulator.tsql.metadata.names import GLOBAL_MARK, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    LocalTable,
    SequenceObject,
    Table,
    UserFunction,
    UserTable,
    UserView,
    View,
    WritableTable,
)
from airflow_provider_ssis.emulator.tsql.metadata.system_objects import SPT_VALUES
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.instants import shown
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import bound_view
from airflow_provider_ssis.emulator.tsql.query.scope import ROW_ID, Source
from airflow_provider_ssis.emulator.tsql.query.typed import Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, CommonTable


def named_source(binder: Binder, node: exp.Table, alias: exp.TableAlias | None) -> str:
    """The DuckDB text of a named source, which is put into the binder's scope.

    :raises SqlError: 208, 1087: there is no such table or view.
    """
    local = local_table(binder, node)
    if local is not None:
        binder.compilation.sources.add(local.storage_name.lower())
        called = ((local.name.lower(),),)
        return _stored(binder, alias, called, local.columns, local.storage_name, zoned=True, table=local)
    parts = name_parts(node)
    if len(parts) == 1:
        common = _common(binder, parts[0])
        if common is not None:
            return _stored(binder, alias, ((parts[0].lower(),),), common.columns, common.sql_name, positional=True)
    metadata = binder.compilation.metadata
    database, schema, name = qualified(parts, binder.compilation.database)
    names = tuple(tuple(part.lower() for part in (database, schema, name)[start:]) for start in (2, 1, 0))
    wanted = database, schema, name
    database, schema, name = metadata.resolved(wanted)
    relation = metadata.relation(database, schema, name)
    if isinstance(relation, UserView):
        return _view(binder, alias, names, relation)
    if isinstance(relation, Table):
        _guard(binder, relation)
    if isinstance(relation, UserTable):
        guard_rights(binder, relation, "SELECT")
        binder.compilation.sources.add(relation.storage_name.lower())
        return _stored(binder, alias, names, relation.columns, relation.storage_name, zoned=True, table=relation)
    if relation is not None:
        compilation = binder.compilation
        if isinstance(relation, View):
            if relation.database.lower() != compilation.database.lower():
                _guard_database(binder, relation.database)
            return _stored(binder, alias, names, relation.columns, compilation.view(relation))
        storage = relation.shown or relation.storage_name(sees_all=compilation.sees_all)
        return _stored(binder, alias, names, relation.columns, storage)
    known = metadata.database_name(database)
    # The views of SQL Server 2000 are also known by their names of that time.
    is_old = schema.lower() == "dbo" and name.lower().startswith("sys")
    system = SYSTEM_VIEWS.get(("sys" if is_old else schema.lower(), name.lower()))
    if (database.lower(), schema.lower(), name.lower()) == ("master", "dbo", "spt_values"):
        system = SPT_VALUES
    if system is not None and known is not None:
        if known.lower() != binder.compilation.database.lower():
            _guard_database(binder, known)
        return _system(binder, alias, names, system, known)
    if known is not None and any(is_missing_view(known, each, name) for each in ("sys" if is_old else schema, schema)):
        raise not_supported(f"The view {schema.lower()}.{name.lower()}")
    if (database, schema, name) != wanted:
        raise invalid_synonym(parts)
    raise SqlError(208, f"Invalid object name {'.'.join(parts)!r}.")


def invalid_synonym(parts: Sequence[str]) -> SqlError:
    """The error for a synonym whose object is missing, or of another kind."""
    return SqlError(5313, f"Synonym '{'.'.join(parts)}' refers to an invalid object.")


def _view(binder: Binder, alias_node: exp.TableAlias | None, names: tuple[tuple[str, ...], ...], view: UserView) -> str:
    """A client's view: its query."""
    guard_rights(binder, view, "SELECT")
    query = bound_view(binder, view)
    if len(query.columns) != len(view.columns):
        text = f"View '{view.name}' has other columns than when it was created. Run ALTER VIEW for it."
        raise SqlError(4502, text)
    alias = binder.compilation.alias()
    columns = tuple(
        Typed(f"{alias}.{output_name(place)}", column.type, nullable=column.nullable, name=known.name)
        for place, (column, known) in enumerate(zip(query.columns, view.columns, strict=True), start=1)
    )
    expose(binder, alias_node, names, columns)
    return f"({query.sql}) AS {alias}"


def _guard(binder: Binder, table: Table) -> None:
    """Only administrators of the server read tables; other logins read views, which show each login its own rows."""
    question = "is_srvrolemember()"
    denied = f"Reading {table.name!r} of schema {table.schema!r} in database {table.database!r} is denied."

    def check(values: Mapping[str, Any]) -> None:
        if not values[question]("sysadmin"):
            raise SqlError(229, denied, severity=14)

    binder.compilation.needed[question] = None
    binder.compilation.guards[f"{table.database}.{table.schema}.{table.name}"] = check


def guard_rights(binder: Binder, table: UserTable | UserView | UserFunction | SequenceObject, right: str) -> None:
    """A login reads and changes what is in a client's database by its roles there.

    :param right: SELECT, INSERT, UPDATE, DELETE or EXECUTE.
    """
    if table.database.lower() == binder.compilation.chained:
        return
    question = "may()"
    denied = f"The {right} permission was denied on the object '{table.name}', database '{table.database}'."

    def check(values: Mapping[str, Any]) -> None:
        allowed = values[question](right, table.database, table.schema, table.name)
        if allowed is None:
            raise SqlError(916, f"The login has no user in the database '{table.database}'.", severity=14)
        if not allowed:
            raise SqlError(229, denied, severity=14, state=5)

    binder.compilation.needed[question] = None
    binder.compilation.guards[_guard_name(right, table)] = check


def _guard_name(right: str, table: UserTable | UserView | UserFunction | SequenceObject) -> str:
    return f"{right} on {table.database}.{table.schema}.{table.name}"


def reads_nothing(binder: Binder, table: UserTable) -> None:
    """Note that a statement changes a table without reading it: it needs no SELECT right."""
    binder.compilation.guards.pop(_guard_name("SELECT", table), None)


def _guard_database(binder: Binder, database: str) -> None:
    """A login reads another database only if it has a user there."""
    question = "has_dbaccess()"

    def check(values: Mapping[str, Any]) -> None:
        if not values[question](database):
            raise SqlError(916, f"The login has no user in the database '{database}'.", severity=14)

    binder.compilation.needed[question] = None
    binder.compilation.guards[database] = check


def name_parts(node: exp.Table) -> list[str]:
    """The one to three parts of a table's name; in ``database..name`` the schema is empty."""
    parts = (node.args.get("catalog"), node.args.get("db"), node.this)
    *qualifiers, name = [part for part in parts if part is not None]
    written = f"{GLOBAL_MARK}{name.name}" if isinstance(name, exp.Expr) and name.args.get("global_") else name
    return [part if isinstance(part, str) else part.name for part in (*qualifiers, written)]


def local_table(binder: Binder, node: exp.Table) -> LocalTable | None:
    """The table variable or temporary table that a node names; None for other tables.

    :raises SqlError: 1087, 208: there is none of this name.
    """
    if isinstance(node.this, exp.Parameter):
        name = f"@{node.this.name.lower()}"
    elif is_temporary(node.this):
        name = f"#{node.this.name.lower().removeprefix('#')}"
    else:
        return None
    found = binder.compilation.local_tables.get(name)
    if found is None and name.startswith("@"):
        raise SqlError(1087, f'Must declare the table variable "{name}".', severity=15)
    if found is None:
        raise SqlError(208, f"Invalid object name {name!r}.")
    return found


def is_temporary(identifier: exp.Expr) -> bool:
    """Whether a table's name is that of a temporary table: #name or [#name]."""
    return bool(identifier.args.get("temporary")) or (
        isinstance(identifier, exp.Identifier) and identifier.quoted and identifier.name.startswith("#")
    )


def _common(binder: Binder, name: str) -> CommonTable | None:
    return next((table for table in reversed(binder.common_tables) if table.name.lower() == name.lower()), None)


def _stored(
    binder: Binder,
    alias_node: exp.TableAlias | None,
    names: tuple[tuple[str, ...], ...],
    columns: Sequence[Column],
    storage: str,
    *,
    zoned: bool = False,
    positional: bool = False,
    table: WritableTable | None = None,
) -> str:
    alias = binder.compilation.alias()
    bound = tuple(
        _column(
            f"{alias}.{output_name(position) if positional else quoted(column.name)}",
            column,
            None if zoned or positional else binder.compilation.zone_minutes,
        )
        for position, column in enumerate(columns, start=1)
    )
    if table is not None:
        bound += (Typed(f"{alias}.rowid", BIGINT, nullable=False, name=ROW_ID),)
    expose(binder, alias_node, names, bound, table)
    return f"{storage} AS {alias}"


def _column(sql: str, column: Column, zone_minutes: int | None) -> Typed:
    """A column as a value.

    :param zone_minutes: the offset in which instants are shown, for a datetimeoffset kept as TIMESTAMPTZ.
    """
    if column.type.name == "datetimeoffset" and zone_minutes is not None:
        sql = shown(sql, zone_minutes)
    return Typed(sql, column.type, nullable=column.nullable, name=column.name)


def expose(
    binder: Binder,
    alias_node: exp.TableAlias | None,
    names: tuple[tuple[str, ...], ...],
    columns: tuple[Typed, ...],
    table: WritableTable | None = None,
) -> None:
    """Put a source into the scope, under its alias if it has one; the alias may rename the columns."""
    if alias_node is not None:
        only(alias_node, "this", "columns")
        if alias_node.this is not None:
            names = ((alias_node.name.lower(),),)
        new_names = [column.name for column in alias_node.args.get("columns") or ()]
        if new_names:
            if len(new_names) != len(columns):
                raise SqlError(
                    8158 if len(columns) > len(new_names) else 8159,
                    f"{alias_node.name!r} has {len(columns)} columns, and names for {len(new_names)}.",
                )
            columns = tuple(column.named(name) for column, name in zip(columns, new_names, strict=True))
    binder.scope.add(Source(names, columns, table))


def _system(
    binder: Binder,
    alias_node: exp.TableAlias | None,
    names: tuple[tuple[str, ...], ...],
    view: ComputedView,
    database: str,
) -> str:
    """A system view: its rows are computed when the query runs, and come in as one list for each column."""
    compilation = binder.compilation
    alias = compilation.alias()
    for name in view.needs:
        compilation.needed[name] = None
    lists = {}
    for position, column in enumerate(view.columns, start=1):
        mark = compilation.rows_argument(
            f"{view.name} of {database}, column {position}",
            view.reader(compilation.metadata, database, position),
            column.type,
        )
        lists[column.name] = f"unnest({mark}) AS {quoted(column.name)}"
    columns = tuple(
        Typed(f"{alias}.{quoted(column.name)}", column.type, nullable=column.nullable, name=column.name)
        for column in view.columns
    )
    expose(binder, alias_node, names, columns)
    return f"{compilation.view(_Lists(view.columns, lists))} AS {alias}"


@dataclass(frozen=True, slots=True)
class _Lists:
    """The columns of a system view.

    :param lists: the text of each column, by name.
    """

    columns: Sequence[Column]
    lists: Mapping[str, str]

    def source(self, alias: str, wanted: Collection[str], *, sees_all: bool) -> str:
        """The DuckDB text with the wanted columns; with one column if there are none, for the number of rows."""
        texts = [text for name, text in self.lists.items() if name in wanted] or list(self.lists.values())[:1]
        return f"({' '.join(['SELECT', ', '.join(texts)])}) AS {alias}"
