"""T-SQL batches to statements: a recursive descent over the tokens.

All of a batch is read before anything of it runs, so an error in its syntax, an undeclared variable or a BREAK outside
a loop leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language import declarations, extents, options
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.extents import begins_statement
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.literals import lift
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.language.unsupported import unsupported_statement
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported, undeclared

_COMPOUND: Final = ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
_TRANSACTION: Final = ("TRAN", "TRANSACTION")
_DEEPEST: Final = 100
_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 20_000
_NAME_PARTS: Final = 3
_STATISTICS: Final = ("STATISTICS IO", "STATISTICS TIME", "STATISTICS PROFILE", "STATISTICS XML")

_Types = tuple[tuple[str, SqlType], ...]


def parse(text: str, variables: Mapping[str, SqlType] | None = None, tables: frozenset[str] = frozenset()) -> s.Batch:
    """The statements of a batch; recently parsed batches are cached.

    :param variables: types of the variables that are declared already (the parameters of dynamic SQL), by name in
        lower case.
    :param tables: names of the table variables that are declared already, in lower case.
    :raises SqlError: 102, 105, 137, 156 and other errors of syntax, with their lines; nothing of the batch may run.
    """
    short, literals = lift(text)
    given = tuple(variables.items()) if variables else ()
    given += tuple((name, literal.type) for name, literal in literals.items())
    batch = (_parse_remembered if len(short) <= _LONGEST_REMEMBERED else _parse)(short, given, tables)
    return s.Batch(batch.statements, batch.variables, batch.tables, literals) if literals else batch


def _parse(text: str, given: _Types, tables: frozenset[str]) -> s.Batch:
    return _Parser(TokenStream(text, dict(given), tables)).batch()


_parse_remembered = lru_cache(maxsize=_REMEMBERED)(_parse)


class _Parser:
    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        self._given = frozenset(stream.variables)
        self._depth = 0
        self._loops = 0
        self._handlers = 0

    def batch(self) -> s.Batch:
        stream = self._stream
        body = self._statements()
        if not stream.at_end:
            raise stream.error()
        declared = {name: kind for name, kind in stream.variables.items() if name not in self._given}
        return s.Batch(body, declared, tuple(stream.tables.values()))

    # --- lists of statements

    def _statements(self) -> tuple[s.Statement, ...]:
        """Statements up to END or the end of the batch."""
        found: list[s.Statement] = []
        while True:
            self._stream.skip_semicolons()
            if self._stream.now.is_word("END") and self._stream.following.is_word("CONVERSATION"):
                raise not_supported("END CONVERSATION", line=self._stream.now.line)
            if self._stream.at_end or self._stream.now.is_word("END"):
                return tuple(found)
            found += self._statement()

    def _one_statement(self) -> s.Statement:
        """The statement after IF, ELSE, WHILE; a DECLARE may become none, or several."""
        line = self._stream.now.line
        found = self._statement()
        return found[0] if len(found) == 1 else s.Block(line, tuple(found))

    def _statement(self) -> list[s.Statement]:
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
                return self._declare()
            error = unsupported_statement(stream)
            if error is not None:
                raise error
            if word in _STARTS:
                return [_STARTS[word](self)]
        if stream.position == 0 and (token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword)):
            # The first statement of a batch may leave out EXEC.
            return [self._execute_procedure(token.line, "")]
        raise unsupported_statement(stream) or stream.error()

    # --- values

    def _query(self) -> s.Statement:
        return extents.query(self._stream)

    def _expression(self, *ends: str) -> QueryText:
        return extents.expression(self._stream, *ends)

    def _condition(self) -> QueryText:
        return extents.condition(self._stream)

    # --- variables and options

    def _declare(self) -> list[s.Statement]:
        return list(declarations.declare(self._stream))

    def _set(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        if stream.now.kind is not Kind.VARIABLE:
            return self._set_option(line)
        self._scalar()
        name = stream.advance().text
        if stream.now.is_symbol("."):
            raise not_supported(f"The method {stream.following.text}", line=stream.now.line)
        operator = stream.expect_kind(Kind.SYMBOL).text
        if operator == "=":
            return s.SetVariable(line, name.lower(), self._expression())
        if operator not in _COMPOUND:
            stream.position -= 1
            raise stream.error()
        return s.SetVariable(line, name.lower(), extents.expression(stream, before=f"{name} {operator[0]} "))

    def _scalar(self) -> None:
        """See that the current token names a declared variable that is no table."""
        name = self._stream.now.text
        if name.lower() not in self._stream.variables:
            raise undeclared(name, line=self._stream.now.line)

    def _set_option(self, line: int) -> s.Statement:
        stream = self._stream
        if stream.accept("IDENTITY_INSERT"):
            table = stream.name()[-1].lower()
            stream.expect("ON", "OFF")
            return s.SetIdentityInsert(line, table)
        names = [self._option_name()]
        while stream.accept_symbol(","):
            names.append(self._option_name(names[-1].partition(" ")[0] if names[-1] in _STATISTICS else ""))
        sign = "-" if stream.accept_symbol("-") else ""
        if stream.now.kind is Kind.VARIABLE:
            self._scalar()
        first = stream.expect_kind(Kind.WORD, Kind.NUMBER, Kind.STRING, Kind.VARIABLE, Kind.BINARY)
        value = sign + first.text.upper()
        if first.is_word("READ", "REPEATABLE"):
            value += " " + stream.expect("READ", "COMMITTED", "UNCOMMITTED").text.upper()
        return s.SetOption(line, tuple(names), value)

    def _option_name(self, family: str = "") -> str:
        stream = self._stream
        line = stream.now.line
        name = family or stream.expect_kind(Kind.WORD).text.upper()
        if name == "STATISTICS":
            name += " " + stream.expect_kind(Kind.WORD).text.upper()
        elif name == "OFFSETS":
            # The words whose places are asked for.
            stream.expect_kind(Kind.WORD)
            while stream.accept_symbol(","):
                stream.expect_kind(Kind.WORD)
        elif name == "TRANSACTION":
            name += f" {stream.expect('ISOLATION').text} {stream.expect('LEVEL').text}".upper()
        if not options.is_option(name):
            raise SqlError(195, f"'{name}' is not a recognized SET option.", severity=15, line=line)
        return name

    # --- calls

    def _insert(self) -> s.Statement:
        """INSERT … EXEC is a separate statement; every other INSERT is a query."""
        stream = self._stream
        start = stream.position
        line = stream.advance().line
        stream.accept("INTO")
        table, columns = stream.advance(), []
        if stream.accept_symbol("("):
            while stream.now.kind in (Kind.WORD, Kind.QUOTED):
                columns.append(stream.advance().value)
                stream.accept_symbol(",")
            stream.accept_symbol(")")
        if not stream.now.is_word("EXEC", "EXECUTE"):
            stream.position = start
            return self._query()
        if table.kind is Kind.VARIABLE and not stream.has_table(table.text.lower()):
            text = f'Must declare the table variable "{table.text}".'
            raise SqlError(1087, text, severity=15, state=2, line=table.line)
        return s.InsertExecute(line, table.value.lower(), tuple(columns), self._execute())

    def _execute(self) -> s.Execute | s.ExecuteText:
        stream = self._stream
        line = stream.advance().line
        if stream.accept_symbol("("):
            text = self._expression()
            stream.expect_symbol(")")
            if stream.now.is_word("AT", "AS"):
                raise not_supported(f"EXECUTE … {stream.now.text.upper()}", line=stream.now.line)
            return s.ExecuteText(line, text)
        status = ""
        if stream.now.kind is Kind.VARIABLE and stream.following.is_symbol("="):
            self._scalar()
            status = stream.advance().text.lower()
            stream.advance()
        return self._execute_procedure(line, status)

    def _execute_procedure(self, line: int, status: str) -> s.Execute:
        stream = self._stream
        variable = ""
        name: tuple[str, ...] = ()
        if stream.now.kind is Kind.VARIABLE:
            self._scalar()
            variable = stream.advance().text.lower()
        else:
            name = stream.name()
            if len(name) > _NAME_PARTS:
                raise SqlError(7202, f"There is no linked server '{name[0]}'.", severity=11, state=2, line=line)
        if stream.now.is_symbol(";") and stream.following.kind is Kind.NUMBER:
            raise not_supported("The number of a procedure", line=stream.now.line)
        arguments = []
        if self._begins_argument():
            arguments.append(self._argument())
            while stream.accept_symbol(","):
                arguments.append(self._argument())
        if stream.accept("WITH"):
            if stream.now.is_word("RESULT"):
                raise not_supported("EXECUTE … WITH RESULT SETS", line=stream.now.line)
            stream.expect("RECOMPILE")
        return s.Execute(line, name, tuple(arguments), status, variable)

    def _begins_argument(self) -> bool:
        token = self._stream.now
        if token.kind in (Kind.VARIABLE, Kind.STRING, Kind.NUMBER, Kind.BINARY, Kind.QUOTED):
            return True
        if token.is_symbol("+", "-", "$") or token.is_word("DEFAULT", "NULL"):
            return True
        return token.kind is Kind.WORD and not token.is_keyword and not token.is_word("THROW")

    def _argument(self) -> s.Argument:
        stream = self._stream
        name = ""
        if stream.now.kind is Kind.VARIABLE and stream.following.is_symbol("="):
            name = stream.advance().text
            stream.advance()
        token = stream.now
        if stream.accept("DEFAULT"):
            return s.Argument(name, None)
        if token.kind is Kind.VARIABLE:
            stream.check_variable()
            stream.advance()
            output = stream.accept("OUTPUT", "OUT")
            return s.Argument(name, QueryText.parse(f"SELECT {token.text}", token.line), token.text.lower(), output)
        if token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword):
            # A bare word is a string: EXEC p @flag = False.
            stream.advance()
            return s.Argument(name, QueryText.parse("SELECT N'" + token.value.replace("'", "''") + "'", token.line))
        sign = stream.advance().text if token.is_symbol("+", "-", "$") else ""
        if stream.now.kind is not Kind.NUMBER and (
            sign or not (stream.now.kind in (Kind.STRING, Kind.BINARY) or stream.now.is_word("NULL"))
        ):
            raise stream.error()
        return s.Argument(name, QueryText.parse(f"SELECT {sign}{stream.advance().text}", token.line))

    # --- control of flow

    def _if(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        condition = self._condition()
        then = self._one_statement()
        position = stream.position
        stream.skip_semicolons()
        if stream.accept("ELSE"):
            return s.If(line, condition, then, self._one_statement())
        stream.position = position
        return s.If(line, condition, then, None)

    def _while(self) -> s.Statement:
        line = self._stream.advance().line
        condition = self._condition()
        self._loops += 1
        body = self._one_statement()
        self._loops -= 1
        return s.While(line, condition, body)

    def _begin(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        if stream.accept(*_TRANSACTION):
            name = self._transaction_name()
            self._transaction_option("MARK")
            return s.BeginTransaction(line, name)
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
        if not self._statement_ends():
            text = "RETURN with a value is allowed only inside a procedure."
            raise SqlError(178, text, severity=15, line=line)
        return s.Return(line)

    def _statement_ends(self) -> bool:
        stream = self._stream
        return stream.at_end or stream.now.is_symbol(";") or begins_statement(stream.now)

    def _waitfor(self) -> s.Statement:
        line = self._stream.advance().line
        until = self._stream.expect("DELAY", "TIME").is_word("TIME")
        return s.WaitFor(line, until, self._expression())

    # --- transactions

    def _commit(self) -> s.Statement:
        line = self._stream.advance().line
        name = ""
        if self._stream.accept(*_TRANSACTION):
            name = self._transaction_name()
        else:
            self._stream.accept("WORK")
        self._transaction_option("(")
        return s.CommitTransaction(line, name)

    def _rollback(self) -> s.Statement:
        line = self._stream.advance().line
        if self._stream.accept(*_TRANSACTION):
            return s.RollbackTransaction(line, self._transaction_name())
        self._stream.accept("WORK")
        return s.RollbackTransaction(line)

    def _save(self) -> s.Statement:
        line = self._stream.advance().line
        self._stream.expect(*_TRANSACTION)
        name = self._transaction_name()
        if not name:
            raise self._stream.error()
        return s.SaveTransaction(line, name)

    def _transaction_name(self) -> str:
        token = self._stream.now
        if token.kind is Kind.VARIABLE:
            self._scalar()
            return self._stream.advance().text.lower()
        if token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword):
            return self._stream.advance().value
        return ""

    def _transaction_option(self, kind: str) -> None:
        """WITH MARK of BEGIN and WITH (DELAYED_DURABILITY …) of COMMIT: neither changes anything here."""
        stream = self._stream
        if not (stream.now.is_word("WITH") and stream.following.text.upper() == kind):
            return
        stream.advance()
        if stream.accept("MARK"):
            if stream.now.kind is Kind.STRING:
                stream.advance()
            return
        stream.expect_symbol("(")
        stream.expect("DELAYED_DURABILITY")
        stream.expect_symbol("=")
        stream.expect("ON", "OFF")
        stream.expect_symbol(")")

    # --- messages

    def _print(self) -> s.Statement:
        line = self._stream.advance().line
        return s.Print(line, self._expression())

    def _raiserror(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        stream.expect_symbol("(")
        arguments = [self._expression(",")]
        while stream.accept_symbol(","):
            arguments.append(self._expression(","))
        if len(arguments) < 3:
            raise stream.error()
        stream.expect_symbol(")")
        chosen = set()
        if stream.accept("WITH"):
            chosen.add(stream.expect("LOG", "NOWAIT", "SETERROR").text.upper())
            while stream.accept_symbol(","):
                chosen.add(stream.expect("LOG", "NOWAIT", "SETERROR").text.upper())
        return s.Raiserror(line, tuple(arguments), frozenset(chosen))

    def _throw(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        if self._statement_ends():
            if not self._handlers:
                text = "THROW without arguments is allowed only inside a CATCH block."
                raise SqlError(10704, text, severity=15, line=line)
            return s.Throw(line, ())
        number = self._expression(",")
        stream.expect_symbol(",")
        message = self._expression(",")
        stream.expect_symbol(",")
        return s.Throw(line, (number, message, self._expression(",")))

    # --- databases and tables

    def _use(self) -> s.Statement:
        line = self._stream.advance().line
        return s.Use(line, self._stream.identifier())

    def _create(self) -> s.Statement:
        return declarations.create_table(self._stream)

    def _drop(self) -> s.Statement:
        stream = self._stream
        line = stream.advance().line
        stream.expect("TABLE")
        if_exists = stream.accept("IF")
        if if_exists:
            stream.expect("EXISTS")
        names = [stream.name()[-1].lower()]
        while stream.accept_symbol(","):
            names.append(stream.name()[-1].lower())
        return s.DropTable(line, tuple(names), if_exists)

    def _truncate(self) -> s.Statement:
        """``TRUNCATE TABLE #name``, which empties a local table as DELETE does."""
        stream = self._stream
        line = stream.advance().line
        stream.expect("TABLE")
        name = stream.now
        parts = stream.name()
        if stream.now.is_word("WITH") and stream.following.is_symbol("("):
            raise not_supported("TRUNCATE TABLE … WITH PARTITIONS", line=line)
        if not parts[-1].startswith("#"):
            raise SqlError(
                4701, f"Cannot truncate the table '{'.'.join(parts)}': it is not a temporary table.", line=line
            )
        return s.Query(line, QueryText.parse(f"DELETE FROM {name.text}", line))


_STARTS: Final[dict[str, Callable[[_Parser], s.Statement]]] = {
    "BEGIN": _Parser._begin,
    "BREAK": _Parser._break,
    "COMMIT": _Parser._commit,
    "CONTINUE": _Parser._continue,
    "CREATE": _Parser._create,
    "DELETE": _Parser._query,
    "DROP": _Parser._drop,
    "EXEC": _Parser._execute,
    "EXECUTE": _Parser._execute,
    "IF": _Parser._if,
    "INSERT": _Parser._insert,
    "PRINT": _Parser._print,
    "RAISERROR": _Parser._raiserror,
    "RETURN": _Parser._return,
    "ROLLBACK": _Parser._rollback,
    "SAVE": _Parser._save,
    "SELECT": _Parser._query,
    "SET": _Parser._set,
    "THROW": _Parser._throw,
    "TRUNCATE": _Parser._truncate,
    "UPDATE": _Parser._query,
    "USE": _Parser._use,
    "WAITFOR": _Parser._waitfor,
    "WHILE": _Parser._while,
    "WITH": _Parser._query,
}
"""The word that begins a statement, and what reads it: a new statement is a new row."""
