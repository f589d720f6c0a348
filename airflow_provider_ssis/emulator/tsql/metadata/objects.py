"""Tables, views, procedures and other objects with their T-SQL types."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, TableRules
from airflow_provider_ssis.emulator.tsql.metadata.view_columns import ViewColumns, view_columns
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.datatypes import Column, SqlType

ALL_ROWS: Final = "all rows"
"""The DuckDB schema of the views that filter nothing; T-SQL does not know it."""


DEFAULT_CACHE: Final = 50
"""The values that a sequence reserves together, where its definition does not say."""


@dataclass(frozen=True, slots=True)
class Table:
    """A permanent table of the server itself, stored in DuckDB under the same three-part name.

    :param shown: a DuckDB query in parentheses with the rows that clients see. Default: all, as they are stored.
    """

    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    shown: str = ""

    def storage_name(self, *, sees_all: bool) -> str:
        """The name of the DuckDB table, quoted; it is the same for every login."""
        return ".".join(quoted(part) for part in (self.database, self.schema, self.name))


@dataclass(frozen=True, slots=True)
class View:
    """A view: its T-SQL columns, and the DuckDB query behind it.

    :param columns: names and T-SQL types, in the order of the query's columns.
    :param select: DuckDB SQL, of which each column has the type that ``storage.duckdb_type`` gives.
    :param unfiltered: the same with all rows, for those who may see them; None where ``select`` is for all.
    :param spare_join: the text of a join in them that finds one row for each, ``JOIN table alias ON …``.
    """

    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    select: str
    unfiltered: str | None = None
    spare_join: str = ""

    def storage_name(self, *, sees_all: bool) -> str:
        """The name of the DuckDB view, quoted.

        :param sees_all: whether the login may see all rows.
        """
        schema = ALL_ROWS if sees_all and self.unfiltered is not None else self.schema
        return ".".join(quoted(part) for part in (self.database, schema, self.name))

    def source(self, alias: str, wanted: Collection[str], *, sees_all: bool) -> str:
        """The DuckDB text of a source with some of the view's columns, or with all of them.

        :param alias: the name of the source.
        :param wanted: the names of the columns, as the view spells them.
        :param sees_all: whether the login may see all rows.
        """
        columns = self._taken_apart(sees_all=sees_all)
        if columns is None:
            return f"{self.storage_name(sees_all=sees_all)} AS {alias}"
        return columns.source(alias, self._names, wanted, spare_join=self.spare_join)

    def is_inlined(self, *, sees_all: bool) -> bool:
        """Whether :meth:`source` contains the view's query, and not its name.

        :param sees_all: whether the login may see all rows.
        """
        return self._taken_apart(sees_all=sees_all) is not None

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def _taken_apart(self, *, sees_all: bool) -> ViewColumns | None:
        select = self.unfiltered if sees_all and self.unfiltered is not None else self.select
        return view_columns(select, self._names)


@dataclass(frozen=True, slots=True)
class TableType:
    """A user-defined table type.

    :param rules: for the rows of its variables.
    """

    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    rules: TableRules = NO_RULES


@dataclass(frozen=True, slots=True)
class Routine:
    """A stored procedure, as clients see it in the system views."""

    database: str
    schema: str
    name: str
    parameters: tuple[ProcedureParameter, ...]


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """A function of a schema: its result is a table, or one value.

    :param columns: of the result; one for a function that returns a value.
    :param select: DuckDB SQL with the columns, in which ``{0}`` is the first argument.
    """

    database: str
    schema: str
    name: str
    parameters: tuple[ProcedureParameter, ...]
    columns: tuple[Column, ...]
    select: str
    is_scalar: bool = False


@dataclass(frozen=True, slots=True)
class LocalTable:
    """A table variable or temporary table of a session, kept as a temporary DuckDB table.

    The DuckDB table is made by ``storage.create_table(table.storage_name, table.columns, temporary=True)``.

    :param name: as T-SQL writes it: ``@rows`` or ``#rows``.
    :param level: the nesting level of the procedure that declared it; distinguishes tables of one name.
    :param rules: for its rows.
    :param is_readonly: it is a table-valued parameter.
    """

    name: str
    columns: tuple[Column, ...]
    level: int = 0
    rules: TableRules = NO_RULES
    is_readonly: bool = False

    @property
    def is_variable(self) -> bool:
        """Whether it is a table variable."""
        return self.name.startswith("@")

    @property
    def storage_name(self) -> str:
        """The name of the DuckDB table, quoted."""
        return f"temp.main.{quoted(f'{self.name.lower()} {self.level}')}"

    @property
    def text(self) -> str:
        """The name in T-SQL text."""
        return self.name if self.is_variable else bracketed(self.name)


@dataclass(frozen=True, slots=True)
class UserTable:
    """A table that a client created in a database.

    :param rules: for its rows.
    """

    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    rules: TableRules = NO_RULES

    @property
    def is_variable(self) -> bool:
        """Whether it is a table variable."""
        return False

    @property
    def storage_name(self) -> str:
        """The name of the DuckDB table, quoted."""
        return f"{storage_schema(self.database, self.schema)}.{quoted(self.name)}"

    @property
    def text(self) -> str:
        """The name in T-SQL text."""
        return ".".join(map(bracketed, (self.database, self.schema, self.name)))


def storage_database(database: str) -> str:
    """The name of a client's database in DuckDB, whose own names such as ``temp`` must not be hit."""
    return f"database {database.lower()}"


def storage_schema(database: str, schema: str) -> str:
    """The DuckDB schema of a schema in a client's database, quoted."""
    return f"{quoted(storage_database(database))}.{quoted(f'schema {schema.lower()}')}"


def bracketed(name: str) -> str:
    """A name in T-SQL text."""
    return f"[{name.replace(']', ']]')}]"


@dataclass(frozen=True, slots=True)
class UserView:
    """A view that a client created in a database.

    :param select: its query, in T-SQL.
    :param definition: the statement that created it.
    """

    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    select: str
    definition: str


@dataclass(frozen=True, slots=True)
class UserProcedure(Routine):
    """A stored procedure that a client created in a database.

    :param signature: its parameters, in T-SQL.
    :param body: its statements, in T-SQL; they begin in the line in which they do in the definition.
    :param definition: the statement that created it.
    :param as_owner: it runs as the owner of the database: WITH EXECUTE AS OWNER.
    """

    signature: str
    body: str
    definition: str
    as_owner: bool = False


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function that a client created in a database: one expression, one query, or statements.

    :param signature: its parameters, in T-SQL.
    :param returns: the type of its value; None for a table.
    :param columns: of the table.
    :param body: the expression, the query or the statements, in T-SQL.
    :param definition: the statement that created it.
    :param has_statements: the body is statements.
    :param table: the table variable that such a function fills; empty for a function with a value.
    :param rules: of that table.
    """

    database: str
    schema: str
    name: str
    parameters: tuple[ProcedureParameter, ...]
    signature: str
    returns: SqlType | None
    columns: tuple[Column, ...]
    body: str
    definition: str
    has_statements: bool = False
    table: str = ""
    rules: TableRules = NO_RULES


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another name for an object, which may be in another database.

    :param base: the parts of the object's name, as they were written.
    """

    database: str
    schema: str
    name: str
    base: tuple[str, ...]

    @property
    def base_text(self) -> str:
        """The name of the object in T-SQL text."""
        return ".".join(bracketed(part) if part else "" for part in self.base)


@dataclass(frozen=True, slots=True)
class SequenceObject:
    """A sequence of numbers.

    :param key: of its last value, which is kept outside of transactions. A restart changes the key.
    :param cache: the values that are reserved together; 1 for NO CACHE.
    """

    database: str
    schema: str
    name: str
    type: SqlType
    start: int
    increment: int
    minimum: int
    maximum: int
    cycles: bool = False
    cache: int = DEFAULT_CACHE
    key: str = ""


@dataclass(frozen=True, slots=True)
class ServerPrincipal:
    """A login or a server role, as ``sys.server_principals`` shows it."""

    name: str
    id: int
    sid: bytes
    kind: str = "S"
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class DatabasePrincipal:
    """A user or a role of a database, as ``sys.database_principals`` shows it."""

    name: str
    id: int
    sid: bytes | None
    kind: str = "S"
    fixed_role: bool = False


BaseTable = Table | UserTable
WritableTable = LocalTable | UserTable
AnyView = View | UserView
Relation = Table | UserTable | View | UserView
Module = UserView | UserProcedure | UserFunction
NamedObject = Module | Synonym | SequenceObject | TableType
"""An object of a client that is not a table."""
SchemaObject = Table | UserTable | View | UserView | Routine | SqlFunction | UserFunction | Synonym | SequenceObject


def object_kind(item: SchemaObject) -> str:
    """The two letters of ``sys.objects.type``."""
    match item:
        case Table() | UserTable():
            return "U "
        case View() | UserView():
            return "V "
        case Routine():
            return "P "
        case SqlFunction(is_scalar=is_scalar):
            return "FN" if is_scalar else "IF"
        case Synonym():
            return "SN"
        case SequenceObject():
            return "SO"
        case UserFunction(returns=returns, has_statements=has_statements):
            return "FN" if returns is not None else "TF" if has_statements else "IF"
