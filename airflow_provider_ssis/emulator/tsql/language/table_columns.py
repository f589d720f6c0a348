"""The columns and constraints of tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.extents import begins_statement
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, Token
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.names import DEFAULT_SCHEMA
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import (
    PRIMARY_KEY,
    UNIQUE,
    UNIQUE_INDEX,
    UNNUMBERED,
    Check,
    Computed,
    Default,
    ForeignKey,
    Identity,
    Key,
    PlainIndex,
    TableRules,
)
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_COLLATIONS: Final = (
    *("DATABASE_DEFAULT", "SQL_LATIN1_GENERAL_CP1_CI_AS", "LATIN1_GENERAL_CI_AS", "LATIN1_GENERAL_100_CI_AS"),
)
"""Those that compare as the collation of the server does."""
_CONSTRAINT_WORDS: Final = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "DEFAULT", "FOREIGN", "REFERENCES", "INDEX")
_UNSUPPORTED: Final = (
    *("MASKED", "GENERATED", "FILESTREAM", "ENCRYPTED", "HIDDEN", "PERSISTED"),
    "INDEX",
)
_IGNORED: Final = ("ROWGUIDCOL", "SPARSE")
"""Words on a column that change no result."""
_DEFAULT_ENDS: Final = (
    *(word for word in _CONSTRAINT_WORDS if word != "DEFAULT"),
    *("NOT", "NULL", "IDENTITY", "COLLATE", "WITH", "FOR", *_UNSUPPORTED, *_IGNORED),
)
_COMPUTED_ENDS: Final = ("PERSISTED", "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "REFERENCES")
UNTYPED: Final = SqlType("sql_variant")
"""The type of a computed column that is declared."""
_ROW_VERSIONS: Final = ("rowversion", "timestamp")
_IDENTITY_TYPES: Final = ("tinyint", "smallint", "int", "bigint", "decimal", "numeric")
_PARENTHESES: Final = {"(": 1, ")": -1}


@dataclass(slots=True)
class TableParts:
    """What is read of a table so far.

    :param name: of the table.
    """

    name: str
    columns: list[Column] = field(default_factory=list)
    identity: Identity | None = None
    defaults: list[Default] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    indexes: list[PlainIndex] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    computed: list[Computed] = field(default_factory=list)

    @property
    def rules(self) -> TableRules:
        """The rules for the rows."""
        return TableRules(
            self.identity,
            tuple(self.defaults),
            tuple(self.checks),
            tuple(self.keys),
            tuple(self.indexes),
            tuple(self.foreign_keys),
            tuple(self.computed),
        )

    @property
    def checked_columns(self) -> tuple[Column, ...]:
        """The columns; those of the primary key and the identity column are never NULL."""
        never_null = {name.lower() for key in self.keys if key.kind == PRIMARY_KEY for name in key.columns}
        if self.identity is not None:
            never_null.add(self.identity.column.lower())
        return tuple(
            replace(column, nullable=column.nullable and column.name.lower() not in never_null)
            for column in self.columns
        )

    def constraint_name(self, kind: str, given: str) -> str:
        """The name of a constraint. SQL Server makes one up where none is given: see ``TableRules.named``."""
        return given or f"{kind}__{self.name.strip('#@')[:8]}__{UNNUMBERED}"


def table_declaration(stream: TokenStream, name: str, line: int) -> s.TableDeclaration:
    """``(columns and constraints)``."""
    stream.expect_symbol("(")
    parts = TableParts(name)
    while True:
        read_part(stream, parts)
        if stream.accept_symbol(")"):
            break
        stream.expect_symbol(",")
    if not parts.columns:
        raise stream.error()
    if len({column.name.lower() for column in parts.columns}) != len(parts.columns):
        raise SqlError(2705, f"Column names in table '{name}' must be unique.", state=3, line=line)
    if sum(key.kind == PRIMARY_KEY for key in parts.keys) > 1:
        raise SqlError(8110, f"Cannot add several PRIMARY KEY constraints to table '{name}'.", line=line)
    return s.TableDeclaration(line, name, parts.checked_columns, rules=parts.rules)


def read_part(stream: TokenStream, parts: TableParts) -> None:
    """A column or a table constraint."""
    if stream.now.is_word(*_CONSTRAINT_WORDS):
        _constraint(stream, parts, None)
    else:
        parts.columns.append(_column(stream, parts))


def _column(stream: TokenStream, parts: TableParts) -> Column:
    line = stream.now.line
    name = stream.identifier()
    if stream.accept("AS"):
        return _computed(stream, parts, name, line)
    if stream.now.is_word(*_UNSUPPORTED):
        raise not_supported(f"{stream.now.text.upper()} on a column of a table", line=line)
    # The type alone is a name as well: CREATE TABLE t (timestamp).
    is_bare = name.lower() == "timestamp" and (stream.at_end or stream.now.is_symbol(",", ")", ";"))
    type_name = name if is_bare else stream.name()[-1]
    sql_type = data_type(stream, type_name, line)
    nullable = True
    if type_name.lower() in _ROW_VERSIONS:
        _row_version(parts, name, line)
        nullable = False
    while not (stream.at_end or stream.now.is_symbol(",", ")", ";")):
        if stream.accept("NOT"):
            if _is_for_replication(stream):
                continue
            stream.expect("NULL")
            nullable = False
        elif stream.accept(*_IGNORED):
            pass
        elif stream.accept("NULL"):
            nullable = True
        elif stream.accept("COLLATE"):
            collation(stream)
        elif stream.accept("IDENTITY"):
            if sql_type.name not in _IDENTITY_TYPES or sql_type.scale:
                text = f"Identity column '{name}' must be of an integer type, or decimal or numeric with scale 0."
                raise SqlError(2749, text, state=2, line=line)
            _identity(stream, parts, name, line)
        elif stream.now.is_word(*_UNSUPPORTED):
            raise not_supported(f"{stream.now.text.upper()} on a column of a table", line=stream.now.line)
        elif stream.now.is_word(*_CONSTRAINT_WORDS):
            _constraint(stream, parts, name)
        else:
            break
    return Column(name, sql_type, nullable)


def _row_version(parts: TableParts, name: str, line: int) -> None:
    if any(not each.expression for each in parts.computed):
        text = f"A table can have only one timestamp column, and table '{parts.name}' has one already."
        raise SqlError(2738, text, state=2, line=line)
    parts.computed.append(Computed(name, ""))


def _is_for_replication(stream: TokenStream) -> bool:
    """``NOT FOR REPLICATION``, after NOT: it changes nothing, because there is no replication."""
    if not stream.accept("FOR"):
        return False
    if stream.advance().text.upper() != "REPLICATION":
        raise stream.error()
    return True


def _computed(stream: TokenStream, parts: TableParts, name: str, line: int) -> Column:
    """The expression of a computed column; its type is known when the table is created."""
    text = _span(stream, ends=_COMPUTED_ENDS)
    QueryText.parse(f"SELECT ({text})", line)
    persisted = stream.accept("PERSISTED")
    nullable = True
    if persisted and stream.accept("NOT"):
        stream.expect("NULL")
        nullable = False
    while stream.now.is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "REFERENCES"):
        _constraint(stream, parts, name)
    parts.computed.append(Computed(name, text, persisted))
    return Column(name, UNTYPED, nullable)


def _identity(stream: TokenStream, parts: TableParts, column: str, line: int) -> None:
    if parts.identity is not None:
        text = f"Several identity columns are given for table '{parts.name}'. Only one is allowed."
        raise SqlError(2744, text, state=2, line=line)
    seed = increment = 1
    if stream.accept_symbol("("):
        seed = _integer(stream)
        stream.expect_symbol(",")
        increment = _integer(stream)
        stream.expect_symbol(")")
    if not increment:
        raise SqlError(2745, "The increment of an identity column must not be 0.", line=line)
    parts.identity = Identity(column, seed, increment)


def _integer(stream: TokenStream) -> int:
    sign = -1 if stream.accept_symbol("-") else 1
    token = stream.expect_kind(Kind.NUMBER)
    if not token.text.isdecimal():
        raise stream.error()
    return sign * int(token.text)


def _constraint(stream: TokenStream, parts: TableParts, column: str | None) -> None:
    """A constraint: of a column, or of the table where that is None."""
    given = stream.identifier() if stream.accept("CONSTRAINT") else ""
    line = stream.now.line
    if stream.now.is_word("PRIMARY", "UNIQUE"):
        kind = _key_words(stream)
        names = (column,) if column is not None and not stream.now.is_symbol("(") else key_columns(stream)
        index_options(stream)
        short = "PK" if kind == PRIMARY_KEY else "UQ"
        parts.keys.append(Key(parts.constraint_name(short, given), names, kind))
    elif stream.accept("CHECK"):
        if stream.accept("NOT"):
            _is_for_replication(stream)
        text = _condition(stream)
        QueryText.parse(f"SELECT 1 WHERE ({text})", line)
        parts.checks.append(Check(parts.constraint_name("CK", given), text))
    elif stream.accept("DEFAULT"):
        text = _expression(stream)
        QueryText.parse(f"SELECT ({text})", line)
        target = column
        if target is None:
            stream.expect("FOR")
            target = stream.identifier()
        stream.accept("WITH")
        stream.accept("VALUES")
        parts.defaults.append(Default(target, text, parts.constraint_name("DF", given)))
    elif stream.now.is_word("FOREIGN", "REFERENCES"):
        parts.foreign_keys.append(_foreign_key(stream, parts.constraint_name("FK", given), column))
    elif stream.accept("INDEX"):
        _index(stream, parts)
    else:
        raise stream.error()


def _key_words(stream: TokenStream) -> str:
    """PRIMARY KEY or UNIQUE."""
    kind = UNIQUE
    if stream.expect("PRIMARY", "UNIQUE").is_word("PRIMARY"):
        stream.expect("KEY")
        kind = PRIMARY_KEY
    stream.accept("CLUSTERED", "NONCLUSTERED")
    return kind


def _index(stream: TokenStream, parts: TableParts) -> None:
    name = stream.identifier()
    unique = stream.accept("UNIQUE")
    stream.accept("CLUSTERED", "NONCLUSTERED")
    names = key_columns(stream)
    condition = index_filter(stream)
    index_options(stream)
    if unique:
        parts.keys.append(Key(name, names, UNIQUE_INDEX, condition))
    else:
        parts.indexes.append(PlainIndex(name, names, filter=condition))


def key_columns(stream: TokenStream) -> tuple[str, ...]:
    """``(a ASC, b DESC)``: the names."""
    stream.expect_symbol("(")
    names = stream.listed(lambda: _key_column(stream))
    stream.expect_symbol(")")
    return names


def index_filter(stream: TokenStream) -> str:
    """``WHERE condition`` of an index: the text of the condition; empty without WHERE."""
    if not stream.accept("WHERE"):
        return ""
    first, depth = stream.now, 0
    while not (stream.at_end or (depth == 0 and _ends_filter(stream.now))):
        depth += _PARENTHESES.get(stream.advance().text, 0)
    if stream.now is first:
        raise stream.error()
    return stream.text[first.start : stream.previous.end]


def _ends_filter(token: Token) -> bool:
    return token.is_symbol(",", ")", ";") or token.is_word("ON", "FILESTREAM_ON") or begins_statement(token)


def _key_column(stream: TokenStream) -> str:
    name = stream.identifier()
    stream.accept("ASC", "DESC")
    return name


def index_options(stream: TokenStream) -> None:
    """``WITH (…)``, ``ON filegroup`` and ``TEXTIMAGE_ON filegroup``, which change nothing here.

    :raises SqlError: 40514, IGNORE_DUP_KEY.
    """
    if stream.now.is_word("WITH") and stream.following.is_symbol("("):
        stream.advance()
        stream.expect_symbol("(")
        depth = 1
        while depth:
            if stream.now.is_word("IGNORE_DUP_KEY") and not _is_off(stream):
                raise not_supported("IGNORE_DUP_KEY", line=stream.now.line)
            if stream.at_end:
                raise stream.error()
            depth += _PARENTHESES.get(stream.advance().text, 0)
    while stream.now.is_word("ON") or stream.now.text.upper() in ("TEXTIMAGE_ON", "FILESTREAM_ON"):
        stream.advance()
        stream.identifier()


def _is_off(stream: TokenStream) -> bool:
    stream.advance()
    stream.expect_symbol("=")
    return stream.now.is_word("OFF")


def _foreign_key(stream: TokenStream, name: str, column: str | None) -> ForeignKey:
    columns: tuple[str, ...] = () if column is None else (column,)
    if stream.accept("FOREIGN"):
        stream.expect("KEY")
        if column is None or stream.now.is_symbol("("):
            columns = key_columns(stream)
    stream.expect("REFERENCES")
    *schema, table = stream.name()
    references = key_columns(stream) if stream.now.is_symbol("(") else ()
    actions = {"DELETE": "", "UPDATE": ""}
    while True:
        if stream.now.is_word("ON") and stream.following.is_word(*actions):
            stream.advance()
            changed = stream.advance().text.upper()
            actions[changed] = _action(stream)
        elif stream.now.is_word("NOT") and stream.following.is_word("FOR"):
            stream.advance()
            _is_for_replication(stream)
        else:
            break
    found = ForeignKey(name, columns, schema[-1] if schema else DEFAULT_SCHEMA, table, references)
    return replace(found, on_delete=actions["DELETE"], on_update=actions["UPDATE"])


def _action(stream: TokenStream) -> str:
    """What happens to the rows that refer to a row; empty for NO ACTION."""
    if stream.accept("CASCADE"):
        return "CASCADE"
    if stream.accept("SET"):
        return f"SET {stream.expect('NULL', 'DEFAULT').text.upper()}"
    stream.expect("NO")
    stream.expect("ACTION")
    return ""


def _condition(stream: TokenStream) -> str:
    """A condition in parentheses."""
    if not stream.now.is_symbol("("):
        raise stream.error()
    return _span(stream, ends=())


def _expression(stream: TokenStream) -> str:
    """The expression of a DEFAULT."""
    return _span(stream, ends=_DEFAULT_ENDS)


def _span(stream: TokenStream, ends: tuple[str, ...]) -> str:
    """The text up to a comma, a closing parenthesis or one of these words; without words, one pair of parentheses."""
    first = stream.now
    depth = cases = 0
    while not stream.at_end:
        token = stream.now
        ended = token.is_symbol(",", ")", ";") or begins_statement(token)
        if token.is_word(*ends):
            # NEXT VALUE FOR is an expression; in any other place FOR ends it.
            ended = not (token.is_word("FOR") and stream.previous.is_word("VALUE"))
        if depth == 0 and not cases and token is not first and ended:
            break
        cases += token.is_word("CASE") - (token.is_word("END") and cases > 0)
        depth += _PARENTHESES.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
        if depth < 0 or token.kind is Kind.VARIABLE:
            raise stream.error()
        stream.advance()
        if depth == 0 and not ends:
            break
    if stream.now is first or depth:
        raise stream.error()
    return stream.text[first.start : stream.previous.end]


def collation(stream: TokenStream) -> None:
    """The collation after COLLATE.

    :raises SqlError: 40514, it is not that of the server.
    """
    line = stream.now.line
    name = stream.identifier()
    if name.upper() not in _COLLATIONS:
        raise not_supported(f"The collation {name}", line=line)
