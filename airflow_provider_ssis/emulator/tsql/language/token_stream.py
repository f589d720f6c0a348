"""A position in the tokens of a batch, and the declarations before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, Token, syntax_error, tokenize, without_comments
from airflow_provider_ssis.emulator.tsql.language.statements import TableDeclaration
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, undeclared

Item = TypeVar("Item")

_TABLE_PLACES = ("FROM", "JOIN", "APPLY", "INTO", "UPDATE", "INSERT", "DELETE")


class TokenStream:
    """The tokens of a batch with a position.

    :param text: the batch; the stream has it without comments.
    :param variables: types of the variables that exist from the start, by name in lower case.
    :param tables: names of the table variables that exist from the start, in lower case.
    :raises SqlError: 105, 113: the text cannot be cut into tokens.
    """

    def __init__(self, text: str, variables: dict[str, SqlType], tables: frozenset[str] = frozenset()) -> None:
        self.text = without_comments(text)
        self.variables = variables
        self.given_tables = tables
        self.tables: dict[str, TableDeclaration] = {}
        self.cursors: set[str] = set()
        """The cursor variables, in lower case."""
        self._tokens = tokenize(self.text)
        self._position = 0

    @property
    def position(self) -> int:
        """The number of the current token; set it to go back."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        self._position = value

    @property
    def now(self) -> Token:
        """The current token."""
        return self._tokens[self._position]

    @property
    def following(self) -> Token:
        """The token after the current one."""
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    @property
    def previous(self) -> Token:
        """The token before the current one."""
        return self._tokens[self._position - 1]

    @property
    def at_end(self) -> bool:
        """Whether the batch ends here."""
        return self.now.kind is Kind.END

    @property
    def at_label(self) -> bool:
        """Whether a label is here: a name and a colon."""
        return self.now.kind is Kind.WORD and self.following.is_symbol(":") and not self.now.is_keyword

    def advance(self) -> Token:
        """Take the current token."""
        token = self.now
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take the current token if it is one of these words."""
        if self.now.is_word(*words):
            self._position += 1
            return True
        return False

    def accept_symbol(self, *symbols: str) -> bool:
        """Take the current token if it is one of these symbols."""
        if self.now.is_symbol(*symbols):
            self._position += 1
            return True
        return False

    def expect(self, *words: str) -> Token:
        """Take the current token, which must be one of these words."""
        if not self.now.is_word(*words):
            raise self.error()
        return self.advance()

    def expect_symbol(self, symbol: str) -> None:
        """Take the current token, which must be this symbol."""
        if not self.accept_symbol(symbol):
            raise self.error()

    def expect_kind(self, *kinds: Kind) -> Token:
        """Take the current token, which must be of one of these kinds."""
        if self.now.kind not in kinds:
            raise self.error()
        return self.advance()

    def identifier(self) -> str:
        """Take a name: quoted, or a bare word that is not a keyword."""
        if self.now.kind is not Kind.QUOTED and (self.now.kind is not Kind.WORD or self.now.is_keyword):
            raise self.error()
        return self.advance().value

    def name(self) -> tuple[str, ...]:
        """Take a name of one or more parts; parts left out (``db..name``) are empty."""
        parts = [self.identifier()]
        while self.accept_symbol("."):
            parts.append("" if self.now.is_symbol(".") else self.identifier())
        return tuple(parts)

    def listed(self, read: Callable[[], Item]) -> tuple[Item, ...]:
        """Take one thing or more, with commas between them.

        :param read: takes one.
        """
        found = [read()]
        while self.accept_symbol(","):
            found.append(read())
        return tuple(found)

    def accept_if_exists(self) -> bool:
        """Take ``IF EXISTS`` if it is here."""
        if not self.accept("IF"):
            return False
        self.expect("EXISTS")
        return True

    def skip_semicolons(self) -> None:
        """Take all semicolons at the current position."""
        while self.accept_symbol(";"):
            pass

    def has_table(self, name: str) -> bool:
        """Whether there is a table variable of this name, in lower case."""
        return name in self.tables or name in self.given_tables

    def check_scalar(self) -> None:
        """Check that the current token names a declared variable that is not a table.

        :raises SqlError: 137, it does not.
        """
        if self.now.text.lower() not in self.variables:
            raise undeclared(self.now.text, line=self.now.line)

    def check_variable(self) -> None:
        """Check that the variable that the current token names is declared.

        :raises SqlError: 137, 1087: it is not.
        """
        token = self.now
        name = token.text.lower()
        if name.startswith("@@") or name in self.variables or self.has_table(name):
            return
        if self.previous.is_word(*_TABLE_PLACES):
            raise SqlError(
                1087,
                f'Must declare the table variable "{token.text}".',
                severity=15,
                state=2,
                line=token.line,
            )
        raise undeclared(token.text, line=token.line)

    def error(self) -> SqlError:
        """The syntax error at the current token."""
        token = self.now
        if token.kind is Kind.END and self._position:
            token = self._tokens[self._position - 1]
        return syntax_error(token.value if token.kind is Kind.STRING else token.text, token.line)
