"""T-SQL batches to statements: a recursive descent over the tokens.

Where a query or an expression ends is told by the words that begin a statement, as T-SQL needs no semicolons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql import statements as s
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.lexer import Kind, Token, syntax_error, tokenize

_LONG_LITERAL: Final = 4096
_STATEMENT_WORDS: Final = frozenset(
    """ALTER BEGIN BREAK COMMIT CONTINUE CREATE DECLARE DELETE DENY DROP ELSE END EXEC EXECUTE GOTO GRANT IF
    INSERT KILL MERGE PRINT RAISERROR RETURN REVOKE ROLLBACK SAVE SELECT SET THROW TRUNCATE UPDATE USE WAITFOR
    WHILE WITH""".split()
)
_SET_OPERATORS: Final = ("UNION", "EXCEPT", "INTERSECT", "ALL")
_BEHIND_WITH: Final = ("TIES", "ROLLUP", "CUBE")
_COMPOUND: Final = ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
_TRANSACTION: Final = ("TRAN", "TRANSACTION", "WORK")


@dataclass(frozen=True, slots=True)
class Batch:
    """A parsed batch.

    :param literals: literals of kilobytes and more, lifted out of the texts of queries: hidden variables by name.
    """

    statements: tuple[s.Statement, ...]
    literals: dict[str, tuple[SqlType, object]] = field(default_factory=dict)


def parse(text: str) -> Batch:
    """The statements of a batch. What was parsed lately is remembered.

    :raises SqlError: 102, 105, 156 and other syntax errors; nothing of the batch may run then.
    """
    return _Parser(text).batch() if len(text) > _LONG_LITERAL else _parse_short(text)


@lru_cache(maxsize=512)
def _parse_short(text: str) -> Batch:
    return _Parser(text).batch()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._position = 0
        self._literals: dict[str, tuple[SqlType, object]] = {}

    def batch(self) -> Batch:
        body = self._statements(until=())
        if self._now.kind is not Kind.END:
            raise self._error()
        return Batch(body, self._literals)

    # --- tokens

    @property
    def _now(self) -> Token:
        return self._tokens[self._position]

    @property
    def _next(self) -> Token:
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    def _advance(self) -> Token:
        token = self._now
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def _accept(self, *words: str) -> bool:
        if self._now.is_word(*words):
            self._position += 1
            return True
        return False

    def _accept_symbol(self, symbol: str) -> bool:
        if self._now.kind is Kind.SYMBOL and self._now.text == symbol:
            self._position += 1
            return True
        return False

    def _expect(self, *words: str) -> Token:
        if not self._now.is_word(*words):
            raise self._error()
        return self._advance()

    def _expect_symbol(self, symbol: str) -> None:
        if not self._accept_symbol(symbol):
            raise self._error()

    def _expect_kind(self, *kinds: Kind) -> Token:
        if self._now.kind not in kinds:
            raise self._error()
        return self._advance()

    def _error(self) -> SqlError:
        token = self._now
        if token.kind is Kind.END and self._position:
            token = self._tokens[self._position - 1]
        return syntax_error(token.value if token.kind is Kind.STRING else token.text, token.line)

    # --- statements

    def _statements(self, until: tuple[str, ...]) -> tuple[s.Statement, ...]:
        found: list[s.Statement] = []
        while True:
            while self._accept_symbol(";"):
                pass
            if self._now.kind is Kind.END or (until and self._now.is_word(*until)):
                return tuple(found)
            found += self._statement()

    def _one_statement(self) -> s.Statement:
        """The statement behind IF, ELSE, WHILE; several declarations in one DECLARE count as one."""
        line = self._now.line
        found = self._statement()
        return found[0] if len(found) == 1 else s.Block(line, tuple(found))

    def _statement(self) -> list[s.Statement]:
        token = self._now
        if token.kind is Kind.WORD:
            word = token.text.upper()
            if word == "DECLARE":
                return self._declare()
            if word in _STARTS:
                return [_STARTS[word](self)]
            if word in ("WITH", "UPDATE", "DELETE", "SELECT"):
                return [self._query()]
            if self._next.kind is Kind.SYMBOL and self._next.text == ":":
                raise SqlError(102, "GOTO and labels are not supported.", severity=15, line=token.line, ends_batch=True)
        if self._position == 0 and token.kind in (Kind.WORD, Kind.QUOTED) and not token.is_word(*_STATEMENT_WORDS):
            # The first statement of a batch may leave out EXEC.
            return [self._execute_procedure(token.line, "")]
        raise self._error()

    def _declare(self) -> list[s.Statement]:
        self._advance()
        found: list[s.Statement] = []
        while True:
            line = self._now.line
            name = self._expect_kind(Kind.VARIABLE).text
            self._accept("AS")
            if self._accept("TABLE"):
                found.append(s.DeclareTable(line, name, self._column_definitions()))
            else:
                found.append(self._declaration(line, name))
            if not self._accept_symbol(","):
                return found

    def _declaration(self, line: int, name: str) -> s.Statement:
        parts = self._name()
        if len(parts) > 1:
            return s.DeclareTable(line, name, (), parts)
        sql_type = self._facets(parts[0], line)
        value = self._expression(",") if self._accept_symbol("=") else None
        return s.DeclareVariable(line, name, sql_type, value)

    def _column_definitions(self) -> tuple[Column, ...]:
        self._expect_symbol("(")
        columns = []
        while True:
            if self._now.is_word("PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "INDEX"):
                self._skip_constraint()
            else:
                name = self._expect_kind(Kind.WORD, Kind.QUOTED)
                sql_type = self._facets(self._expect_kind(Kind.WORD, Kind.QUOTED).value, name.line)
                columns.append(Column(name.value, sql_type, nullable=self._column_options()))
            if self._accept_symbol(")"):
                return tuple(columns)
            self._expect_symbol(",")

    def _column_options(self) -> bool:
        """Skip what stands behind a column's type; returns whether it takes NULL."""
        nullable = True
        while not (self._now.kind is Kind.SYMBOL and self._now.text in ",)"):
            if self._accept("NOT"):
                self._expect("NULL")
                nullable = False
            elif self._accept("PRIMARY"):
                nullable = False
            elif self._now.is_word("DEFAULT", "IDENTITY", "CHECK", "REFERENCES"):
                word = self._now.text.upper()
                raise SqlError(
                    40000,
                    f"{word} on a column of a local table is not supported.",
                    line=self._now.line,
                    ends_batch=True,
                )
            elif self._now.kind is Kind.END:
                raise self._error()
            else:
                self._advance()
        return nullable

    def _skip_constraint(self) -> None:
        depth = 0
        while not (depth == 0 and self._now.kind is Kind.SYMBOL and self._now.text in ",)"):
            if self._now.kind is Kind.END:
                raise self._error()
            depth += {"(": 1, ")": -1}.get(self._advance().text, 0)

    def _facets(self, name: str, line: int) -> SqlType:
        text = name
        if self._accept_symbol("("):
            parts = []
            while not self._accept_symbol(")"):
                parts.append(self._expect_kind(Kind.NUMBER, Kind.WORD).text)
                self._accept_symbol(",")
            text += f"({','.join(parts)})"
        try:
            return SqlType.parse(text)
        except ValueError:
            raise SqlError(2715, f"Cannot find the data type {name}.", line=line, ends_batch=True) from None

    def _set(self) -> s.Statement:
        line = self._advance().line
        if self._now.kind is Kind.VARIABLE:
            name = self._advance().text
            operator = self._expect_kind(Kind.SYMBOL)
            if operator.text == "=":
                return s.SetVariable(line, name, self._expression())
            if operator.text not in _COMPOUND:
                self._position -= 1
                raise self._error()
            value = self._expression()
            return s.SetVariable(line, name, s.Text(f"{name} {operator.text[0]} ({value.sql})", value.line))
        words: list[str] = []
        while self._now.kind in (Kind.WORD, Kind.NUMBER, Kind.STRING, Kind.VARIABLE) or self._now.text in ("-", ","):
            if words and self._now.is_word(*_STATEMENT_WORDS):
                break
            words.append(self._advance().text.upper())
        if not words:
            raise self._error()
        return s.SetOption(line, tuple(words))

    def _query(self) -> s.Query:
        first = self._now
        text, into = self._query_text()
        returns_rows = not first.is_word("INSERT", "UPDATE", "DELETE") and not into
        return s.Query(first.line, text, returns_rows, into)

    def _insert(self) -> s.Statement:
        """INSERT … EXEC is a statement of its own; every other INSERT is a query."""
        start = self._position
        line = self._advance().line
        self._accept("INTO")
        table = self._advance()
        columns: list[str] = []
        if self._accept_symbol("("):
            while not self._accept_symbol(")"):
                columns.append(self._expect_kind(Kind.WORD, Kind.QUOTED).value)
                self._accept_symbol(",")
        if table.kind in (Kind.VARIABLE, Kind.WORD) and self._now.is_word("EXEC", "EXECUTE"):
            execute = self._execute()
            return s.InsertExecute(line, table.text, tuple(columns), execute)
        self._position = start
        return self._query()

    def _query_text(self) -> tuple[s.Text, str]:
        first = self._now
        pieces: list[str] = []
        into = ""
        depth = cases = 0
        select_allowed = True
        set_allowed = first.is_word("UPDATE")
        at = first.start
        while True:
            token = self._now
            if token.kind is Kind.END or (token.kind is Kind.SYMBOL and token.text == ";"):
                break
            if token.kind is Kind.SYMBOL:
                depth += {"(": 1, ")": -1}.get(token.text, 0)
                if depth < 0:
                    break
            elif token.kind is Kind.WORD:
                word = token.text.upper()
                if word == "CASE":
                    cases += 1
                elif word == "END" and cases:
                    cases -= 1
                elif word == "ELSE" and cases:
                    pass
                elif depth == 0 and word in _STATEMENT_WORDS and token is not first:
                    previous = self._tokens[self._position - 1]
                    if word == "SELECT" and (select_allowed and not first.is_word("SELECT")):
                        select_allowed = False
                    elif word == "SELECT" and previous.is_word(*_SET_OPERATORS):
                        pass
                    elif word == "SET" and set_allowed:
                        set_allowed = False
                    elif word == "WITH" and (self._next.text == "(" or self._next.is_word(*_BEHIND_WITH)):
                        pass
                    elif word in ("INSERT", "UPDATE", "DELETE") and first.is_word("WITH") and select_allowed:
                        select_allowed = False
                        set_allowed = word == "UPDATE"
                    else:
                        break
                elif (
                    word == "INTO"
                    and depth == 0
                    and self._next.text.startswith("#")
                    and first.is_word("SELECT", "WITH")
                ):
                    pieces.append(self._text[at : token.start])
                    self._advance()
                    into = self._advance().text
                    at = self._now.start
                    continue
            if len(token.text) > _LONG_LITERAL and token.kind in (Kind.STRING, Kind.BINARY):
                pieces += [self._text[at : token.start], self._lift(token)]
                at = token.end
            self._advance()
        end = self._tokens[self._position - 1].end
        if self._tokens[self._position - 1] is first and not first.is_word("SELECT"):
            raise self._error()
        pieces.append(self._text[at:end])
        return s.Text("".join(pieces), first.line), into

    def _expression(self, *ends: str) -> s.Text:
        """An expression or condition up to the next statement, or to one of the symbols given.

        A closing parenthesis that was not opened ends it too.
        """
        first = self._now
        pieces: list[str] = []
        at = first.start
        depth = cases = 0
        while True:
            token = self._now
            if token.kind is Kind.END:
                break
            if token.kind is Kind.SYMBOL:
                if token.text == ";" or (depth == 0 and (token.text in ends or token.text == ")")):
                    break
                depth += {"(": 1, ")": -1}.get(token.text, 0)
            elif token.kind is Kind.WORD:
                word = token.text.upper()
                if word == "CASE":
                    cases += 1
                elif word == "END" and cases:
                    cases -= 1
                elif word in _STATEMENT_WORDS and depth == 0 and not cases:
                    break
            if len(token.text) > _LONG_LITERAL and token.kind in (Kind.STRING, Kind.BINARY):
                pieces += [self._text[at : token.start], self._lift(token)]
                at = token.end
            self._advance()
        if self._now is first:
            raise self._error()
        pieces.append(self._text[at : self._tokens[self._position - 1].end])
        return s.Text("".join(pieces), first.line)

    def _lift(self, token: Token) -> str:
        """Take a long literal out of a text that is to be parsed; a hidden variable stands in its place."""
        name = f"@__literal{len(self._literals)}"
        if token.kind is Kind.BINARY:
            digits = token.text[2:]
            value: object = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
            self._literals[name] = (SqlType("varbinary", length=-1), value)
        else:
            kind = "nvarchar" if token.text[0] in "Nn" else "varchar"
            self._literals[name] = (SqlType(kind, length=-1), token.value)
        return name

    def _execute(self) -> s.Execute | s.ExecuteText:
        line = self._advance().line
        if self._accept_symbol("("):
            text = self._expression()
            self._expect_symbol(")")
            return s.ExecuteText(line, text)
        status = ""
        if self._now.kind is Kind.VARIABLE and self._next.text == "=":
            status = self._advance().text
            self._advance()
        return self._execute_procedure(line, status)

    def _execute_procedure(self, line: int, status: str) -> s.Execute:
        variable = ""
        name: tuple[str, ...] = ()
        if self._now.kind is Kind.VARIABLE:
            variable = self._advance().text
        else:
            name = self._name()
        arguments = []
        if self._begins_argument():
            arguments.append(self._argument())
            while self._accept_symbol(","):
                arguments.append(self._argument())
        if self._now.is_word("WITH"):
            self._advance()
            self._expect("RECOMPILE")
        return s.Execute(line, name, tuple(arguments), status, variable)

    def _begins_argument(self) -> bool:
        token = self._now
        if token.kind in (Kind.VARIABLE, Kind.STRING, Kind.NUMBER, Kind.BINARY, Kind.QUOTED) or token.text in "+-":
            return token.kind is not Kind.END
        return token.kind is Kind.WORD and not token.is_word(*_STATEMENT_WORDS)

    def _argument(self) -> s.Argument:
        name = ""
        if self._now.kind is Kind.VARIABLE and self._next.text == "=":
            name = self._advance().text
            self._advance()
        token = self._now
        if self._accept("DEFAULT"):
            return s.Argument(name, None)
        if token.kind is Kind.VARIABLE:
            self._advance()
            output = self._accept("OUTPUT", "OUT")
            return s.Argument(name, s.Text(token.text, token.line), token.text, output)
        sign = ""
        if token.kind is Kind.SYMBOL and token.text in "+-":
            sign = self._advance().text
            token = self._expect_kind(Kind.NUMBER)
            self._position -= 1
        if token.kind is Kind.WORD and not token.is_word("NULL", *_STATEMENT_WORDS):
            # A bare word is a string: EXEC p @flag = False.
            self._advance()
            return s.Argument(name, s.Text("N'" + token.text.replace("'", "''") + "'", token.line))
        if token.kind is Kind.QUOTED:
            self._advance()
            return s.Argument(name, s.Text("N'" + token.value.replace("'", "''") + "'", token.line))
        if token.kind not in (Kind.STRING, Kind.NUMBER, Kind.BINARY) and not token.is_word("NULL"):
            raise self._error()
        self._advance()
        text = self._lift(token) if len(token.text) > _LONG_LITERAL else token.text
        return s.Argument(name, s.Text(sign + text, token.line))

    def _name(self) -> tuple[str, ...]:
        parts = [self._expect_kind(Kind.WORD, Kind.QUOTED).value]
        while self._now.kind is Kind.SYMBOL and self._now.text == ".":
            self._advance()
            if self._now.text == ".":
                parts.append("")
            else:
                parts.append(self._expect_kind(Kind.WORD, Kind.QUOTED).value)
        return tuple(parts)

    def _if(self) -> s.Statement:
        line = self._advance().line
        condition = self._expression()
        then = self._one_statement()
        position = self._position
        while self._accept_symbol(";"):
            pass
        if self._accept("ELSE"):
            return s.If(line, condition, then, self._one_statement())
        self._position = position
        return s.If(line, condition, then, None)

    def _while(self) -> s.Statement:
        line = self._advance().line
        condition = self._expression()
        return s.While(line, condition, self._one_statement())

    def _begin(self) -> s.Statement:
        line = self._advance().line
        if self._accept(*_TRANSACTION):
            return s.BeginTransaction(line, self._transaction_name())
        if self._accept("TRY"):
            body = self._statements(until=("END",))
            self._end_of("TRY")
            while self._accept_symbol(";"):
                pass
            self._expect("BEGIN")
            self._expect("CATCH")
            handler = self._statements(until=("END",))
            self._end_of("CATCH")
            return s.TryCatch(line, body, handler)
        if self._now.is_word("DISTRIBUTED", "DIALOG", "CONVERSATION", "ATOMIC"):
            raise self._error()
        body = self._statements(until=("END",))
        self._expect("END")
        if not body:
            self._position -= 1
            raise self._error()
        return s.Block(line, body)

    def _end_of(self, word: str) -> None:
        self._expect("END")
        self._expect(word)

    def _commit(self) -> s.Statement:
        line = self._advance().line
        if self._accept(*_TRANSACTION):
            self._transaction_name()
        return s.CommitTransaction(line)

    def _rollback(self) -> s.Statement:
        line = self._advance().line
        name = self._transaction_name() if self._accept(*_TRANSACTION) else ""
        return s.RollbackTransaction(line, name)

    def _save(self) -> s.Statement:
        line = self._advance().line
        self._expect(*_TRANSACTION)
        return s.SaveTransaction(line, self._transaction_name())

    def _transaction_name(self) -> str:
        token = self._now
        if token.kind in (Kind.VARIABLE, Kind.QUOTED) or (
            token.kind is Kind.WORD and not token.is_word(*_STATEMENT_WORDS)
        ):
            return self._advance().value
        return ""

    def _raiserror(self) -> s.Statement:
        line = self._advance().line
        self._expect_symbol("(")
        arguments = [self._expression(",")]
        while self._accept_symbol(","):
            arguments.append(self._expression(","))
        self._expect_symbol(")")
        options = set()
        if self._accept("WITH"):
            options.add(self._expect("LOG", "NOWAIT", "SETERROR").text.upper())
            while self._accept_symbol(","):
                options.add(self._expect("LOG", "NOWAIT", "SETERROR").text.upper())
        if len(arguments) < 3:
            raise self._error()
        return s.Raiserror(line, tuple(arguments), frozenset(options))

    def _throw(self) -> s.Statement:
        line = self._advance().line
        if self._now.kind in (Kind.NUMBER, Kind.VARIABLE):
            number = self._expression(",")
            self._expect_symbol(",")
            text = self._expression(",")
            self._expect_symbol(",")
            return s.Throw(line, (number, text, self._expression()))
        return s.Throw(line, ())

    def _print(self) -> s.Statement:
        line = self._advance().line
        return s.Print(line, self._expression())

    def _return(self) -> s.Statement:
        line = self._advance().line
        token = self._now
        ends = token.kind is Kind.END or token.text == ";" or token.is_word(*_STATEMENT_WORDS)
        return s.Return(line, None if ends else self._expression())

    def _use(self) -> s.Statement:
        line = self._advance().line
        return s.Use(line, self._expect_kind(Kind.WORD, Kind.QUOTED).value)

    def _waitfor(self) -> s.Statement:
        line = self._advance().line
        until = self._expect("DELAY", "TIME").text.upper() == "TIME"
        return s.WaitFor(line, until, self._expression())

    def _create(self) -> s.Statement:
        line = self._advance().line
        self._expect("TABLE")
        if not self._now.text.startswith("#"):
            raise SqlError(
                262,
                "CREATE TABLE permission denied: only temporary tables (#name) can be made here.",
                severity=14,
                line=line,
            )
        return s.CreateTable(line, self._advance().text, self._column_definitions())

    def _drop(self) -> s.Statement:
        line = self._advance().line
        self._expect("TABLE")
        if_exists = self._accept("IF")
        if if_exists:
            self._expect("EXISTS")
        names = [self._name()[-1]]
        while self._accept_symbol(","):
            names.append(self._name()[-1])
        return s.DropTable(line, tuple(names), if_exists)

    def _break(self) -> s.Statement:
        return s.Break(self._advance().line)

    def _continue(self) -> s.Statement:
        return s.Continue(self._advance().line)


_STARTS: Final[dict[str, Callable[[_Parser], s.Statement]]] = {
    "BEGIN": _Parser._begin,
    "BREAK": _Parser._break,
    "COMMIT": _Parser._commit,
    "CONTINUE": _Parser._continue,
    "CREATE": _Parser._create,
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
    "SET": _Parser._set,
    "THROW": _Parser._throw,
    "USE": _Parser._use,
    "WAITFOR": _Parser._waitfor,
    "WHILE": _Parser._while,
}
"""The word that begins a statement, and what reads it: a new statement is a new row."""
