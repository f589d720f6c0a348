"""The ends of queries and expressions: T-SQL needs no semicolons, so a query ends at a word that begins a statement.

Their content is left to the query compiler.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, Token
from airflow_provider_ssis.emulator.tsql.language.statements import CHANGED_ROWS, InsertChanged, Query
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.names import is_global
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Identity
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

STATEMENT_WORDS: Final = frozenset(
    """ALTER BEGIN BREAK BULK CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE DENY DROP ELSE END EXEC
    EXECUTE FETCH GOTO GRANT IF INSERT KILL MERGE OPEN PRINT RAISERROR RETURN REVERT REVOKE ROLLBACK SAVE SELECT
    SET THROW TRUNCATE UPDATE USE WAITFOR WHILE WITH""".split()
)
"""Words that begin a statement, or end the one before."""

_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE")
_BETWEEN_SELECTS: Final = ("UNION", "EXCEPT", "INTERSECT", "ALL")
_BEHIND_WITH: Final = ("TIES", "ROLLUP", "CUBE")
_BEHIND_FOR: Final = ("READ", "UPDATE")
"""Words after FOR that belong to the cursor of the query."""
_SOURCES: Final = ("FROM", "JOIN", *_CHANGES)
_PARENTHESES: Final = {"(": 1, ")": -1}


def begins_statement(token: Token) -> bool:
    """Whether a statement begins or ends at this word."""
    return token.kind is Kind.WORD and token.text.upper() in STATEMENT_WORDS


def statement_ends(stream: TokenStream) -> bool:
    """Whether a statement ends before the current token."""
    return stream.at_end or stream.now.is_symbol(";") or begins_statement(stream.now) or stream.at_label


def expression(stream: TokenStream, *ends: str, before: str = "") -> QueryText:
    """The query of an expression's value: up to the next statement, an unmatched closing parenthesis, or ``ends``.

    :param ends: symbols.
    :param before: text that the expression continues: ``@a +`` for ``SET @a += value``.
    """
    sql, line = _enclosed(stream, ends)
    return QueryText.parse(f"SELECT {before}({sql})", line)


def condition(stream: TokenStream) -> QueryText:
    """The query that returns 1 for a true condition, and 0 for one that is false or unknown."""
    sql, line = _enclosed(stream, ())
    return QueryText.parse(f"SELECT CASE WHEN ({sql}) THEN 1 ELSE 0 END", line)


def _enclosed(stream: TokenStream, ends: tuple[str, ...]) -> tuple[str, int]:
    first = stream.now
    depth = cases = 0
    while not stream.at_end:
        token = stream.now
        if token.kind is Kind.SYMBOL:
            if token.text == ";" or (depth == 0 and (token.text in ends or token.text == ")")):
                break
            depth += _PARENTHESES.get(token.text, 0)
        elif token.kind is Kind.VARIABLE:
            stream.check_variable()
        elif token.is_word("CASE"):
            cases += 1
        elif token.is_word("END") and cases:
            cases -= 1
        elif depth == 0 and not cases and (begins_statement(token) or stream.at_label):
            break
        stream.advance()
    if stream.now is first or depth:
        raise stream.error()
    return stream.text[first.start : stream.previous.end], first.line


class _Extent:
    """Decides for each word at the top level whether it belongs to the query.

    :param first: the word that begins it.
    """

    def __init__(self, first: Token) -> None:
        self._selects = first.is_word("WITH", "INSERT")
        self._changes = first.is_word("WITH")
        self._set = first.is_word("UPDATE")
        self._merges = first.is_word("MERGE")
        self.takes_into = first.is_word("WITH", "SELECT")

    def end_selects(self) -> None:
        """VALUES gives the rows of an INSERT: a SELECT after it is another statement."""
        self._selects = False

    @property
    def merges(self) -> bool:
        """Whether it is a MERGE, which ends at a semicolon only."""
        return self._merges

    def holds(self, token: Token, previous: Token, following: Token) -> bool:
        if token.is_word("SELECT") and not self._merges:
            if previous.is_word(*_BETWEEN_SELECTS):
                return True
            allowed, self._selects, self._changes = self._selects, False, False
            return allowed
        if self._merges:
            return True
        if token.is_word("MERGE") and following.is_word("JOIN"):
            return True
        if token.is_word(*_CHANGES):
            allowed, self._changes = self._changes, False
            self._set = token.is_word("UPDATE")
            self._selects = token.is_word("INSERT")
            self.takes_into = False
            self._merges = allowed and token.is_word("MERGE")
            return allowed
        if token.is_word("SET"):
            allowed, self._set = self._set, False
            return allowed
        if token.is_word("FETCH"):
            return previous.is_word("ROW", "ROWS")
        return token.is_word("WITH") and (following.is_symbol("(") or following.is_word(*_BEHIND_WITH))


def query(stream: TokenStream) -> Query:
    """SELECT, WITH, INSERT, UPDATE, DELETE or MERGE.

    :raises SqlError: 40514, a change in FROM of another statement than INSERT.
    """
    found = statement(stream)
    if isinstance(found, InsertChanged):
        raise not_supported("A change in FROM", line=found.line)
    return found


def statement(stream: TokenStream) -> Query | InsertChanged:
    """As :func:`query`, and an INSERT of the rows that a change in FROM outputs."""
    return _StatementReader(stream).read()


class _StatementReader:
    """Reads a statement to its end. Takes out what the query compiler does not read: INTO, IDENTITY, a change in FROM.

    :param stream: at the first word of the statement.
    """

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        self._first = stream.advance()
        self._extent = _Extent(self._first)
        self._pieces: list[str] = []
        self._start = self._first.start
        """Where the text begins that no piece has yet."""
        self._depth = 0
        self._cases = 0
        self._has_source = not self._first.is_word("SELECT", "WITH")
        self._into: tuple[str, ...] = ()
        self._identity: Identity | None = None
        self._changed: QueryText | None = None

    def read(self) -> Query | InsertChanged:
        """The statement; the stream is then behind it."""
        stream, first = self._stream, self._first
        while not stream.at_end:
            token = stream.now
            if self._takes_out(token):
                continue
            if self._ends_at(token):
                break
            stream.advance()
        if self._depth > 0 or (stream.previous is first and not first.is_word("SELECT")):
            raise stream.error()
        if self._extent.merges and not stream.now.is_symbol(";"):
            raise SqlError(10713, "A MERGE statement must end with a semicolon (;).", severity=15, line=first.line)
        if self._identity is not None and not self._into:
            text = "The IDENTITY function can only be used when the SELECT statement has an INTO clause."
            raise SqlError(177, text, severity=15, line=first.line)
        self._add(stream.text[self._start : stream.previous.end])
        parsed = QueryText.parse("".join(self._pieces), first.line)
        if self._changed is not None:
            return InsertChanged(first.line, self._changed, parsed)
        return Query(first.line, parsed, self._into, self._has_source, self._identity)

    def _takes_out(self, token: Token) -> bool:
        """Take out the part that begins at a token, if one does."""
        stream = self._stream
        if token.is_symbol("("):
            return self._takes_out_change(token)
        if self._depth or token.kind is not Kind.WORD:
            return False
        if token.is_word("IDENTITY") and stream.following.is_symbol("("):
            self._add_before(token)
            column, self._identity = _identity(stream)
            self._add(column)
        elif token.is_word("INTO") and self._extent.takes_into and not self._into:
            self._add_before(token)
            self._into = _into(stream)
            self._has_source = True
        else:
            return False
        self._start = stream.previous.end
        return True

    def _takes_out_change(self, token: Token) -> bool:
        stream = self._stream
        if not (stream.previous.is_word("FROM", "JOIN") and stream.following.is_word(*_CHANGES)):
            return False
        is_second = self._changed is not None or stream.previous.is_word("JOIN")
        if is_second or not self._first.is_word("INSERT", "WITH"):
            raise not_supported("A change in FROM", line=token.line)
        self._add_before(token)
        self._add(f"(SELECT * FROM [{CHANGED_ROWS}])")
        self._changed = _inner_change(stream)
        self._start = stream.previous.end
        return True

    def _add_before(self, token: Token) -> None:
        self._add(self._stream.text[self._start : token.start])

    def _add(self, piece: str) -> None:
        self._pieces.append(piece)

    def _ends_at(self, token: Token) -> bool:
        """Whether the statement ends before a token."""
        stream = self._stream
        if token.kind is Kind.SYMBOL:
            self._depth += _PARENTHESES.get(token.text, 0)
            return token.text == ";" or self._depth < 0
        if token.kind is Kind.VARIABLE:
            stream.check_variable()
        if token.kind is not Kind.WORD:
            return False
        self._has_source = self._has_source or token.is_word(*_SOURCES)
        at_top = self._depth == 0
        if at_top and (stream.at_label or (token.is_word("FOR") and stream.following.is_word(*_BEHIND_FOR))):
            return True
        if token.is_word("CASE"):
            self._cases += 1
            return False
        if self._cases and token.is_word("END", "ELSE"):
            if token.is_word("END"):
                self._cases -= 1
            return False
        if at_top and token.is_word("VALUES"):
            self._extent.end_selects()
        # THROW is not reserved: after a query without a semicolon it is an alias.
        begins = at_top and begins_statement(token) and not token.is_word("THROW")
        return begins and not self._extent.holds(token, stream.previous, stream.following)


def _inner_change(stream: TokenStream) -> QueryText:
    """The statement in the parentheses that begin here."""
    stream.advance()
    first = stream.now
    depth = 0
    while not stream.at_end:
        token = stream.now
        if token.kind is Kind.VARIABLE:
            stream.check_variable()
        elif token.kind is Kind.SYMBOL:
            depth += _PARENTHESES.get(token.text, 0)
            if depth < 0:
                stream.advance()
                return QueryText.parse(stream.text[first.start : token.start], first.line)
        stream.advance()
    raise stream.error()


def _identity(stream: TokenStream) -> tuple[str, Identity]:
    """``IDENTITY(type, seed, increment) AS name`` of SELECT … INTO: a column of NULLs in its place."""
    stream.advance()
    stream.expect_symbol("(")
    start = stream.now
    while not (stream.at_end or stream.now.is_symbol(",", ")")):
        stream.advance()
    sql_type = stream.text[start.start : stream.previous.end]
    numbers = []
    while stream.accept_symbol(","):
        sign = -1 if stream.accept_symbol("-") else 1
        numbers.append(sign * int(stream.expect_kind(Kind.NUMBER).text))
    stream.expect_symbol(")")
    stream.accept("AS")
    name = stream.identifier()
    seed, increment = (*numbers, 1, 1)[:2]
    return f"CAST(NULL AS {sql_type}) AS {stream.previous.text}", Identity(name, seed, increment)


def _into(stream: TokenStream) -> tuple[str, ...]:
    """The table after INTO."""
    line = stream.advance().line
    if stream.now.kind is Kind.VARIABLE:
        raise stream.error()
    return table_name(stream.name(), line)


def table_name(parts: tuple[str, ...], line: int) -> tuple[str, ...]:
    """The parts of a table's name: one for a temporary table, which ``tempdb..`` may precede."""
    name = parts[-1]
    if not is_global(name) and name.startswith("#") and (len(parts) == 1 or parts[0].lower() == "tempdb"):
        return (name.lower(),)
    return parts
