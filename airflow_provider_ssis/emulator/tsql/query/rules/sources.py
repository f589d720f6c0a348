"""FROM: tables, views, table variables, derived tables, VALUES, joins, APPLY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, Column
from airflow_provider_ssis.emulator.tsql.metadata.missing_views import is_missing_view
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable, Table, View
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import shared_type, unified
from airflow_provider_ssis.emulator.tsql.query.rules.grouping import is_grouped
from airflow_provider_ssis.emulator.tsql.query.rules.open_json import open_json
from airflow_provider_ssis.emulator.tsql.query.rules.pivots import pivoted
from airflow_provider_ssis.emulator.tsql.query.rules.schema_functions import bound_function, find_function
from airflow_provider_ssis.emulator.tsql.query.rules.table_functions import TABLE_FUNCTIONS
from airflow_provider_ssis.emulator.tsql.query.scope import PLACE, ROW_ID, Clause, Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type, quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, CommonTable

_OPEN_JSON: Final = exp.TableAlias(this=exp.to_identifier("openjson"))
_JOINS: Final = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("LEFT", ""): "LEFT JOIN",
    ("LEFT", "OUTER"): "LEFT JOIN",
    ("RIGHT", ""): "RIGHT JOIN",
    ("RIGHT", "OUTER"): "RIGHT JOIN",
    ("FULL", ""): "FULL JOIN",
    ("FULL", "OUTER"): "FULL JOIN",
}


def bind_from(binder: Binder, select: exp.Select) -> str:
    """The DuckDB FROM clause of a query, whose sources are put into the binder's scope; empty without FROM."""
    clause = select.args.get("from_")
    if clause is None:
        return ""
    text = _source(binder, clause.this)
    count = len(binder.scope.sources)
    joins = select.args.get("joins") or ()
    joined = "".join([_join(binder, join) for join in joins])
    if count == 1 and binder.scope.places and any(isinstance(join.this, exp.Lateral) for join in joins):
        text = _with_places(binder, text)
    return f" FROM {text}{joined}"


def _with_places(binder: Binder, text: str) -> str:
    """The text of the first source, whose rows get numbers if they have none: those of APPLY come in their order."""
    source = binder.scope.sources[0]
    if source.hidden(PLACE) or source.hidden(ROW_ID):
        return text
    alias = source.columns[0].sql.partition(".")[0]
    binder.scope.sources[0] = _placed(source, alias)
    return f"(SELECT {alias}.*, row_number() OVER () AS place FROM {text}) AS {alias}"


def _placed(source: Source, alias: str) -> Source:
    place = Typed(f"{alias}.place", BIGINT, nullable=False, name=PLACE)
    return replace(source, columns=(*source.columns, place))


def add_source(binder: Binder, node: exp.Expr) -> str:
    """The DuckDB text of one source, which is put into the binder's scope."""
    return _source(binder, node)


def _join(binder: Binder, join: exp.Join) -> str:
    only(join, "this", "side", "kind", "on", "hint")
    if isinstance(join.this, exp.Lateral):
        return _apply(binder, join.this)
    side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
    condition = join.args.get("on")
    if kind == "CROSS" or (not side and not kind and condition is None):
        return f" CROSS JOIN {_source(binder, join.this)}"
    word = _JOINS.get((side, kind))
    if word is None or condition is None:
        raise not_understood(join)
    known = len(binder.scope.sources)
    text = _source(binder, join.this)
    with binder.scope.inside(Clause.ON):
        predicate = binder.predicate(condition)
    _loosen(binder, side, known)
    return f" {word} {text} ON {predicate.sql}"


def _loosen(binder: Binder, side: str, known: int) -> None:
    """Columns of the side of an outer join that may have no row become nullable."""
    for index, source in enumerate(binder.scope.sources):
        if side == "FULL" or (side == "LEFT" and index >= known) or (side == "RIGHT" and index < known):
            binder.scope.sources[index] = _nullable(source)


def _nullable(source: Source) -> Source:
    return replace(source, columns=tuple(replace(column, nullable=True) for column in source.columns))


def _apply(binder: Binder, lateral: exp.Lateral) -> str:
    only(lateral, "this", "alias", "cross_apply", "ordinality")
    known = len(binder.scope.sources)
    if isinstance(lateral.this, exp.Subquery) and isinstance(lateral.this.this, exp.Values):
        text = _values(binder, lateral.this.this, lateral.args.get("alias"), sees_siblings=True)
    elif isinstance(lateral.this, exp.Subquery):
        query = _passing_places(lateral.this.this)
        text = _derived(binder, query, lateral.args.get("alias"), sees_siblings=True)
    elif isinstance(lateral.this, exp.OpenJSON):
        text = _query_source(binder, open_json(binder, lateral.this), lateral.args.get("alias") or _OPEN_JSON)
    elif isinstance(lateral.this, exp.Anonymous):
        text = _function(binder, lateral.this, lateral.args.get("alias"))
    elif isinstance(lateral.this, exp.Dot) and isinstance(lateral.this.expression, exp.Anonymous):
        schema = [part.name for part in lateral.this.flatten()][:-1]
        text = _function(binder, lateral.this.expression, lateral.args.get("alias"), schema)
    else:
        raise not_understood(lateral)
    if lateral.args.get("cross_apply"):
        return f" CROSS JOIN LATERAL {text}"
    _loosen(binder, "LEFT", known)
    return f" LEFT JOIN LATERAL {text} ON TRUE"


def _passing_places(query: exp.Expr) -> exp.Expr:
    """A query in APPLY that also returns the places of the elements of OPENJSON, if it reads them."""
    clause = query.args.get("from_")
    if not isinstance(query, exp.Select) or clause is None or not isinstance(clause.this.this, exp.OpenJSON):
        return query
    if any(query.args.get(part) for part in ("joins", "distinct", "for_")) or is_grouped(query):
        return query
    passing = query.copy()
    passing.append("expressions", exp.column(exp.to_identifier(PLACE, quoted=True)))
    return passing


def _source(binder: Binder, node: exp.Expr) -> str:
    match node:
        case exp.Table():
            return _table(binder, node)
        case exp.Subquery():
            only(node, "this", "alias", "pivots")
            if isinstance(node.this, exp.Table) or (isinstance(node.this, exp.Subquery) and not node.args.get("alias")):
                return _joined(binder, node)
            if node.args.get("pivots"):
                return _pivot(binder, node)
            return _derived(binder, node.this, node.args.get("alias"))
        case exp.Values() if node.args.get("pivots"):
            return _pivot(binder, node)
        case exp.Values():
            return _values(binder, node, node.args.get("alias"))
        case exp.Paren():
            return _source(binder, node.this)
        case _:
            raise not_understood(node)


def _joined(binder: Binder, node: exp.Subquery) -> str:
    """``(a JOIN b ON ...)``: parentheses around joins, which have no separate scope."""
    inner = node.this
    text = _source(binder, inner)
    for join in inner.args.get("joins") or ():
        text += _join(binder, join)
    return f"({text})"


def _pivot(binder: Binder, node: exp.Expr) -> str:
    """``source PIVOT (...)``: the source has its own scope, which the rest of FROM cannot use."""
    pivots = node.args["pivots"]
    if len(pivots) > 1:
        raise not_understood(pivots[1])
    inner = binder.within(Scope(parent=binder.scope.parent))
    bare = node.copy()
    bare.set("pivots", None)
    text = _source(inner, bare)
    query = pivoted(inner, pivots[0], text, inner.scope.sources[-1])
    return _query_source(binder, query, pivots[0].args["alias"])


def _table(binder: Binder, node: exp.Table) -> str:
    only(node, "this", "db", "catalog", "alias", "hints", "pivots", "joins")
    if node.args.get("pivots"):
        return _pivot(binder, node)
    alias = node.args.get("alias")
    if isinstance(node.this, exp.OpenJSON):
        return _query_source(binder, open_json(binder, node.this), alias or _OPEN_JSON)
    if isinstance(node.this, exp.Anonymous):
        return _function(binder, node.this, alias, name_parts(node)[:-1])
    return _named(binder, node, alias)


def _named(binder: Binder, node: exp.Table, alias: exp.TableAlias | None) -> str:
    local = local_table(binder, node)
    if local is not None:
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
    relation = metadata.relation(database, schema, name)
    if isinstance(relation, Table):
        _guard(binder, relation)
    if relation is not None:
        compilation = binder.compilation
        if isinstance(relation, View):
            if relation.database.lower() != compilation.database.lower():
                _guard_database(binder, relation.database)
            return _stored(binder, alias, names, relation.columns, compilation.view(relation))
        storage = relation.storage_name(sees_all=compilation.sees_all)
        return _stored(binder, alias, names, relation.columns, storage)
    system = SYSTEM_VIEWS.get((schema.lower(), name.lower()))
    known = metadata.database_name(database)
    if system is not None and known is not None:
        return _system(binder, alias, names, system, known)
    if known is not None and is_missing_view(schema, name):
        raise not_supported(f"The view {schema.lower()}.{name.lower()}")
    raise SqlError(208, f"Invalid object name {'.'.join(parts)!r}.")


def _guard(binder: Binder, table: Table) -> None:
    """Only administrators of the server read tables; other logins read views, which show each login its own rows."""
    question = "is_srvrolemember()"
    denied = f"Reading {table.name!r} of schema {table.schema!r} in database {table.database!r} is denied."

    def check(values: Mapping[str, Any]) -> None:
        if not values[question]("sysadmin"):
            raise SqlError(229, denied, severity=14)

    binder.compilation.needed[question] = None
    binder.compilation.guards[f"{table.database}.{table.schema}.{table.name}"] = check


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
    return [part if isinstance(part, str) else part.name for part in parts if part is not None]


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
    table: LocalTable | None = None,
) -> str:
    alias = binder.compilation.alias()
    bound = tuple(
        column_of(
            f"{alias}.{output_name(position) if positional else quoted(column.name)}",
            column,
            None if zoned or positional else binder.compilation.zone_minutes,
        )
        for position, column in enumerate(columns, start=1)
    )
    if table is not None:
        bound += (Typed(f"{alias}.rowid", BIGINT, nullable=False, name=ROW_ID),)
    _expose(binder, alias_node, names, bound, table)
    return f"{storage} AS {alias}"


def column_of(sql: str, column: Column, zone_minutes: int | None) -> Typed:
    """A column as a value.

    :param zone_minutes: the offset in which instants are shown, for a datetimeoffset kept as TIMESTAMPTZ.
    """
    if column.type.name == "datetimeoffset" and zone_minutes is not None:
        pair = f"{{'us': epoch_us({sql}), 'minutes': {zone_minutes}}}"
        sql = f"CASE WHEN {sql} IS NULL THEN NULL ELSE CAST({pair} AS {duckdb_type(column.type, zoned=True)}) END"
    return Typed(sql, column.type, nullable=column.nullable, name=column.name)


def _expose(
    binder: Binder,
    alias_node: exp.TableAlias | None,
    names: tuple[tuple[str, ...], ...],
    columns: tuple[Typed, ...],
    table: LocalTable | None = None,
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


def _derived(
    binder: Binder, query_node: exp.Expr, alias_node: exp.TableAlias | None, *, sees_siblings: bool = False
) -> str:
    if alias_node is None or not alias_node.name:
        raise SqlError(102, "Incorrect syntax near ')': a query in FROM needs an alias.", severity=15)
    outside = binder if sees_siblings else binder.within(Scope(parent=binder.scope.parent))
    query = outside.query(query_node)
    return _query_source(binder, query, alias_node)


def _query_source(binder: Binder, query: BoundQuery, alias_node: exp.TableAlias) -> str:
    alias = binder.compilation.alias()
    columns = derived_columns(alias, query.columns)
    if not alias_node.args.get("columns"):
        check_names(columns, alias_node.name)
    _expose(binder, alias_node, (), columns)
    if query.has_place:
        binder.scope.sources[-1] = _placed(binder.scope.sources[-1], alias)
    return f"({query.sql}) AS {alias}"


def derived_columns(alias: str, columns: Sequence[Typed]) -> tuple[Typed, ...]:
    """The outputs of a bound query as columns of a source."""
    return tuple(
        Typed(f"{alias}.{output_name(position)}", column.type, nullable=column.nullable, name=column.name)
        for position, column in enumerate(columns, start=1)
    )


def check_names(columns: Sequence[Typed], source: str) -> None:
    """See that the columns of a derived table have names, each its own.

    :raises SqlError: 8155, 8156.
    """
    seen: set[str] = set()
    for position, column in enumerate(columns, start=1):
        if not column.name:
            raise SqlError(8155, f"Column {position} of {source!r} has no name. Give it an alias.")
        if column.name.lower() in seen:
            raise SqlError(8156, f"The column {column.name!r} was specified multiple times for {source!r}.")
        seen.add(column.name.lower())


def _values(binder: Binder, node: exp.Values, alias_node: exp.TableAlias | None, *, sees_siblings: bool = False) -> str:
    only(node, "expressions", "alias")
    if alias_node is None:
        raise SqlError(102, "Incorrect syntax near 'VALUES': it needs an alias with column names.", severity=15)
    outside = binder if sees_siblings else binder.within(Scope(parent=binder.scope.parent))
    rows = bind_rows(outside, node)
    alias = binder.compilation.alias()
    columns = [
        Typed(f"{alias}.{output_name(position)}", shared_type(column), nullable=any(each.nullable for each in column))
        for position, column in enumerate(zip(*rows, strict=True), start=1)
    ]
    _expose(binder, alias_node, (), tuple(columns))
    names = [output_name(position) for position in range(1, len(columns) + 1)]
    if sees_siblings:
        # The place of each row: APPLY is a join, which in DuckDB does not keep the order.
        binder.scope.sources[-1] = _placed(binder.scope.sources[-1], alias)
        rows = [[*row, Typed(str(place), BIGINT)] for place, row in enumerate(rows, start=1)]
        names.append("place")
    return f"(VALUES {rows_sql(rows)}) AS {alias}({', '.join(names)})"


def bind_rows(binder: Binder, node: exp.Values) -> list[list[Typed]]:
    """The rows of a VALUES list, each column of one type."""
    rows = [binder.values(row.expressions if isinstance(row, exp.Tuple) else [row]) for row in node.expressions]
    if any(not row for row in rows):
        raise SqlError(102, "Incorrect syntax near ')': a row of VALUES needs at least one value.", severity=15)
    if len({len(row) for row in rows}) != 1:
        raise SqlError(10709, "All rows of VALUES must have the same number of columns.")
    columns = [unified(binder, column) for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def rows_sql(rows: Sequence[Sequence[Typed]]) -> str:
    """Rows in DuckDB's syntax after VALUES."""
    return ", ".join(f"({', '.join(value.sql for value in row)})" for row in rows)


def _function(
    binder: Binder, node: exp.Anonymous, alias_node: exp.TableAlias | None, schema: Sequence[str] = ()
) -> str:
    name = str(node.this)
    if schema:
        of_schema = find_function(binder, (*schema, name), is_scalar=False)
        query = None if of_schema is None else bound_function(binder, of_schema, node.expressions)
    else:
        function = TABLE_FUNCTIONS.get(name.lower())
        query = None if function is None else function(binder, node.expressions)
    if query is None:
        raise SqlError(208, f"Invalid object name {'.'.join((*schema, name))!r}.")
    if alias_node is None:
        alias_node = exp.TableAlias(this=exp.to_identifier(node.name))
    return _query_source(binder, query, alias_node)


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
    lists = []
    for position, column in enumerate(view.columns, start=1):
        mark = compilation.rows_argument(
            f"{view.name} of {database}, column {position}",
            view.reader(compilation.metadata, database, position),
            column.type,
        )
        lists.append(f"unnest({mark}) AS {quoted(column.name)}")
    columns = tuple(
        Typed(f"{alias}.{quoted(column.name)}", column.type, nullable=column.nullable, name=column.name)
        for column in view.columns
    )
    _expose(binder, alias_node, names, columns)
    return f"({' '.join(['SELECT', ', '.join(lists)])}) AS {alias}"
