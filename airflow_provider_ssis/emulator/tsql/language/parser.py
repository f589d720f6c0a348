"""T-SQL batches to statements: a recursive descent over the tokens.

All of a batch is read before anything of it runs, so an error in its syntax, an undeclared variable or a BREAK outside
a loop leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language import (
    bulk_statements,
    calls,
    cursors,
    declarations,
    extents,
    maintenance,
    messages,
    modules,
    named_objects,
    permissions,
    principals,
    security_contexts,
    settings,
    table_statements,
    transactions,
)
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.labels import Labels
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.literals import Literal, lift
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.language.unsupported import unsupported_statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, not_supported
from airflow_provider_ssis.emulator.tsql.values.recent import Recent

_DEEPEST: Final = 100
_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 20_000

_LONG: Final = 4000
_Key = tuple[str, tuple[tuple[str, SqlType], ...], frozenset[str], bool]

PARSED: Final[Recent[_Key, s.Batch]] = Recent(_REMEMBERED)
"""The batches that were parsed last."""


def parse(
    text: str,
    variables: Mapping[str, SqlType] | None = None,
    tables: frozenset[str] = frozenset(),
    *,
    in_module: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> s.Batch:
    """The statements of a batch; recently parsed batches are cached.

    :param variables: types of the variables that are declared already (the parameters of dynamic SQL), by name in
        lower case.
    :param tables: names of the table variables that are declared already, in lower case.
    :param in_module: it is the body of a procedure.
    :param is_cancelled: whether to stop; asked at each statement.
    :raises SqlError: 102, 105, 137, 156 and other errors of syntax, with their lines; nothing of the batch may run.
    """
    literals, key = _key(text, variables, tables)
    key = (*key[:3], in_module)
    batch = PARSED.get(key)
    if batch is None:
        short, given, *_ = key
        batch = _Parser(TokenStream(short, dict(given), tables), is_cancelled, in_module=in_module).batch()
        if len(short) <= _LONGEST_REMEMBERED:
            PARSED.put(key, batch)
    return replace(batch, literals=literals) if literals else batch


def is_quick(text: str, variables: Mapping[str, SqlType], tables: frozenset[str]) -> bool:
    """Whether :func:`parse` of the same arguments takes hardly any time: the batch is short, or cached."""
    return len(text) <= _LONG or (
        len(text) <= _LONGEST_REMEMBERED and PARSED.get(_key(text, variables, tables)[1]) is not None
    )


def _key(text: str, variables: Mapping[str, SqlType] | None, tables: frozenset[str]) -> tuple[dict[str, Literal], _Key]:
    """The literals of a batch, and what its statements depend on as well."""
    short, literals = lift(text)
    given = tuple(variables.items()) if variables else ()
    return literals, (short, given + tuple((name, literal.type) for name, literal in literals.items()), tables, False)


class _Parser:
    def __init__(self, stream: TokenStream, is_cancelled: Callable[[], bool], *, in_module: bool = False) -> None:
        self._in_module = in_module
        self._stream = stream
        self._is_cancelled = is_cancelled
        self._given = frozenset(stream.variables)
        self._depth = 0
        self._loops = 0
        self._handlers = 0
        self._labels = Labels()

    def batch(self) -> s.Batch:
        stream = self._stream
        body = self._statements()
        if not stream.at_end:
            raise stream.error()
        self._labels.check()
        declared = {name: kind for name, kind in stream.variables.items() if name not in self._given}
        return s.Batch(body, declared, tuple(stream.tables.values()), frozenset(stream.cursors))

    # --- lists of statements

    def _statements(self) -> tuple[s.Statement, ...]:
        """Statements up to END or the end of the batch."""
        with self._labels.inside():
            return self._listed()

    def _listed(self) -> tuple[s.Statement, ...]:
        found: list[s.Statement] = []
        while True:
            self._stream.skip_semicolons()
            if self._stream.now.is_word("END") and self._stream.following.is_word("CONVERSATION"):
                raise not_supported("END CONVERSATION", line=self._stream.now.line)
            if self._stream.at_end or self._stream.now.is_word("END"):
                return tuple(found)
            if self._stream.at_label:
                found.append(self._labels.label(self._stream))
            else:
                found += self._statement()

    def _one_statement(self) -> s.Statement:
        """The statement after IF, ELSE, WHILE; a DECLARE may become none, or several."""
        line = self._stream.now.line
        if self._stream.at_label:
            raise not_supported("A label directly after IF, ELSE or WHILE", line=line)
        found = self._statement()
        return found[0] if len(found) == 1 else s.Block(line, tuple(found))

    def _statement(self) -> list[s.Statement]:
        if self._is_cancelled():
            raise cancelled()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SqlError(
                191, f"Statements nest more than {_DEEPEST} levels deep.", severity=15, line=self._stream.now.line
            )
        try:
            return self._statement_here()
        finally:
            self._depth -= 1

    def _statement_here(self) -> list[s.Statement]:
        stream = self._stream
        token = stream.now
        if token.kind is Kind.WORD:
            word = token.text.upper()
            if word == "DECLARE":
                return declarations.declare(stream)
            about_principal = principals.statement(stream)
            if about_principal is not None:
                return [about_principal]
            about_permissions = permissions.statement(stream)
            if about_permissions is not None:
                return [about_permissions]
            about_module = modules.statement(stream)
            if about_module is not None:
                return [about_module]
            about_object = named_objects.statement(stream)
            if about_object is not None:
                return [about_object]
            about_upkeep = maintenance.statement(stream)
            if about_upkeep is not None:
                return [about_upkeep]
            error = unsupported_statement(stream)
            if error is not None:
                raise error
            if word in _SIMPLE:
                return [_SIMPLE[word](stream)]
            if word in _NESTED:
                return [_NESTED[word](self)]
        if stream.position == 0 and (token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword)):
            # The first statement of a batch may leave out EXEC.
            return [calls.execute_procedure(stream, token.line, "")]
        raise unsupported_statement(stream) or stream.error()

    # --- control of flow

    def _if(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        condition = extents.condition(self._stream)
        then = self._one_statement()
        position = stream.position
        stream.skip_semicolons()
        if stream.accept("ELSE"):
            return s.If(line, condition, then, self._one_statement())
        stream.position = position
        return s.If(line, condition, then, None)

    def _while(self) -> s.Statement:
        line = self._stream.advance().line
        condition = extents.condition(self._stream)
        self._loops += 1
        body = self._one_statement()
        self._loops -= 1
        return s.While(line, condition, body)

    def _begin(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        if stream.accept(*transactions.TRANSACTION):
            return transactions.begin(stream, line)
        if stream.accept("TRY"):
            return self._try(line)
        start = stream.position
        body = self._statements()
        if stream.position == start:
            raise stream.error()
        stream.expect("END")
        return s.Block(line, body)

    def _try(self, line: int) -> s.Statement:
        stream = self._stream
        body = self._statements()
        stream.expect("END")
        stream.expect("TRY")
        stream.skip_semicolons()
        stream.expect("BEGIN")
        stream.expect("CATCH")
        self._handlers += 1
        handler = self._statements()
        self._handlers -= 1
        stream.expect("END")
        stream.expect("CATCH")
        return s.TryCatch(line, body, handler)

    def _break(self) -> s.Statement:
        return s.Break(self._loop_word(135))

    def _continue(self) -> s.Statement:
        return s.Continue(self._loop_word(136))

    def _loop_word(self, number: int) -> int:
        token = self._stream.advance()
        if not self._loops:
            raise SqlError(number, f"{token.text.upper()} is outside a WHILE loop.", severity=15, line=token.line)
        return token.line

    def _return(self) -> s.Statement:
        line = self._stream.advance().line
        if extents.statement_ends(self._stream):
            return s.Return(line)
        if not self._in_module:
            text = "RETURN with a value is allowed only inside a procedure."
            raise SqlError(178, text, severity=15, line=line)
        return s.Return(line, extents.expression(self._stream))

    def _throw(self) -> s.Statement:
        return messages.throw(self._stream, in_handler=self._handlers > 0)

    def _goto(self) -> s.Statement:
        return self._labels.goto(self._stream)


_SIMPLE: Final[dict[str, Callable[[TokenStream], s.Statement]]] = {
    "ALTER": table_statements.alter,
    "BULK": bulk_statements.bulk_insert,
    "CLOSE": cursors.close,
    "COMMIT": transactions.commit,
    "CREATE": table_statements.create,
    "DEALLOCATE": cursors.deallocate,
    "DELETE": extents.query,
    "DROP": table_statements.drop,
    "EXEC": security_contexts.execute,
    "EXECUTE": security_contexts.execute,
    "FETCH": cursors.fetch,
    "INSERT": calls.insert,
    "MERGE": extents.query,
    "OPEN": cursors.open_cursor,
    "PRINT": messages.print_statement,
    "RAISERROR": messages.raiserror,
    "REVERT": security_contexts.revert,
    "ROLLBACK": transactions.rollback,
    "SAVE": transactions.save,
    "SELECT": extents.query,
    "SET": settings.set_statement,
    "TRUNCATE": table_statements.truncate,
    "UPDATE": extents.query,
    "USE": settings.use,
    "WAITFOR": messages.waitfor,
    "WITH": extents.statement,
}
"""The word that begins a statement without others inside, and what reads it: a new statement is a new row."""

_NESTED: Final[dict[str, Callable[[_Parser], s.Statement]]] = {
    "BEGIN": _Parser._begin,
    "BREAK": _Parser._break,
    "CONTINUE": _Parser._continue,
    "GOTO": _Parser._goto,
    "IF": _Parser._if,
    "RETURN": _Parser._return,
    "THROW": _Parser._throw,
    "WHILE": _Parser._while,
}
"""The same for statements that contain others, or are allowed in some places only."""
