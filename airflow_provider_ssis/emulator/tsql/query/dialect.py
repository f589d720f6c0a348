"""Text of a query to sqlglot's syntax tree, read as T-SQL alone.

sqlglot's own T-SQL dialect is made for translating: it accepts what other databases write too, and turns ``LEN`` and
``GETDATE`` into kinds of nodes that several databases share. Here every function keeps its T-SQL name and every type
its T-SQL text, so that ``functions/`` is one table of names, and syntax that T-SQL does not have is rejected.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.tsql import TSQLParser
from sqlglot.tokenizer_core import Token, TokenType

from airflow_provider_ssis.emulator.tsql.query.change_parser import ChangeParser
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_MODIFIERS: Final = (
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.WINDOW,
    TokenType.ORDER_BY,
    TokenType.OFFSET,
    TokenType.FETCH,
    TokenType.OPTION,
    TokenType.FOR,
)
_RANGES: Final = (TokenType.BETWEEN, TokenType.IN, TokenType.IS, TokenType.LIKE)
_NOTHING_FOLLOWS: Final = (TokenType.FROM, TokenType.WHERE, TokenType.R_PAREN, TokenType.COMMA, TokenType.GROUP_BY)
"""What cannot follow a comma. sqlglot lets a list end in a comma; T-SQL does not."""
_OPENING: Final = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1, TokenType.CASE: 1, TokenType.END: -1}
_VALUE_ENDS: Final = (
    *(TokenType.COMMA, TokenType.FROM, TokenType.WHERE, TokenType.SEMICOLON),
    *(TokenType.RETURNING, TokenType.OPTION, TokenType.WHEN),
)
"""What ends the value of ``a += value``."""
XML_METHODS: Final = ("value", "query", "exist")
"""The methods of the type xml that this server has."""
_NEGATED: Final = {("!", "<"): (TokenType.GTE, ">="), ("!", ">"): (TokenType.LTE, "<=")}
_COMPOUND: Final = (
    TokenType.PLUS,
    TokenType.DASH,
    TokenType.STAR,
    TokenType.SLASH,
    TokenType.MOD,
    TokenType.AMP,
    TokenType.PIPE,
    TokenType.CARET,
)


class QueryParser(ChangeParser):
    """T-SQL's queries and expressions, with functions and types as they are written."""

    FUNCTIONS = {}  # noqa: RUF012 - sqlglot's own way of configuring a parser
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    FUNCTION_PARSERS = {  # noqa: RUF012
        "CAST": lambda self: self.parse_cast(exp.Cast),
        "TRY_CAST": lambda self: self.parse_cast(exp.TryCast),
        "CONVERT": lambda self: self.parse_convert(safe=False),
        "TRY_CONVERT": lambda self: self.parse_convert(safe=True),
        "TRIM": lambda self: self.parse_trim(),
        "OPENJSON": lambda self: self.parse_open_json(),
        "PARSE": lambda self: self.parse_parse("PARSE"),
        "TRY_PARSE": lambda self: self.parse_parse("TRY_PARSE"),
    }
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        "CASE": TSQLParser.NO_PAREN_FUNCTION_PARSERS["CASE"],
        "NEXT": lambda self: self.parse_next_value(),
    }
    QUERY_MODIFIER_PARSERS = {  # noqa: RUF012
        token: parse for token, parse in TSQLParser.QUERY_MODIFIER_PARSERS.items() if token in _MODIFIERS
    }
    # Any other beginning of a statement would be read as a "command", of which sqlglot logs the text.
    STATEMENT_PARSERS = {  # noqa: RUF012
        TokenType.INSERT: lambda self: self.parse_insert(),
        TokenType.UPDATE: lambda self: self.parse_update(),
        TokenType.DELETE: lambda self: self.parse_delete(),
        TokenType.MERGE: lambda self: self.parse_merge(),
    }
    RANGE_PARSERS = {token: parse for token, parse in TSQLParser.RANGE_PARSERS.items() if token in _RANGES}  # noqa: RUF012
    COLUMN_OPERATORS = {TokenType.DOT: TSQLParser.COLUMN_OPERATORS[TokenType.DOT]}  # noqa: RUF012

    def _parse_column_ops(self, this: exp.Expr | None) -> exp.Expr | None:
        # sqlglot reads (query).value(...) as a function in a schema, and makes names of the query's columns.
        while (
            isinstance(this, exp.Subquery | exp.Parameter | exp.Dot)
            and self._curr.token_type == TokenType.DOT
            and self._next.text.lower() in XML_METHODS
        ):
            self._match(TokenType.DOT)
            this = exp.Dot(this=this, expression=self._parse_function(any_token=True))
        return super()._parse_column_ops(this)

    def parse_cast(self, kind: type[exp.Cast]) -> exp.Expression:
        """``CAST(value AS type)``, after the opening parenthesis."""
        value = self._parse_disjunction()
        if not self._match(TokenType.ALIAS):
            self.raise_error("AS is expected")
        return self.expression(kind(this=value, to=self.parse_type_name()))

    def parse_convert(self, *, safe: bool) -> exp.Expression:
        """``CONVERT(type, value[, style])``, after the opening parenthesis."""
        target = self.parse_type_name()
        if not self._match(TokenType.COMMA):
            self.raise_error("a comma is expected")
        value = self._parse_disjunction()
        style = self._parse_disjunction() if self._match(TokenType.COMMA) else None
        return self.expression(exp.Convert(this=target, expression=value, style=style, safe=safe))

    def parse_open_json(self) -> exp.Expression:
        """``OPENJSON(text[, path]) [WITH (columns)]``, after the opening parenthesis."""
        text = self._parse_disjunction()
        path = self._parse_disjunction() if self._match(TokenType.COMMA) else None
        columns: list[exp.Expr] = []
        if self._curr.token_type == TokenType.R_PAREN and self._next.token_type == TokenType.WITH:
            self._match_r_paren()
            self._match(TokenType.WITH)
            if not self._match(TokenType.L_PAREN):
                self.raise_error("a list of columns is expected")
            # The closing parenthesis of the list is taken as that of the function.
            columns = self._parse_csv(self._json_column)
        return exp.OpenJSON(this=text, path=path, expressions=columns)

    def _json_column(self) -> exp.Expr:
        name = self._parse_id_var()
        kind = self.parse_type_name()
        path = self._parse_string()
        as_json = bool(self._match(TokenType.ALIAS) and self._match_text_seq("JSON"))
        return exp.OpenJSONColumnDef(this=name, kind=kind, path=path, as_json=as_json)

    def parse_parse(self, name: str) -> exp.Expression:
        """``PARSE(value AS type [USING culture])``, after the opening parenthesis."""
        parts = [self._parse_disjunction()]
        if not self._match(TokenType.ALIAS):
            self.raise_error("AS is expected")
        parts.append(self.parse_type_name())
        if self._match(TokenType.USING):
            parts.append(self._parse_disjunction())
        return self.expression(exp.Anonymous(this=name, expressions=parts))

    def parse_next_value(self) -> exp.Expr | None:
        """``NEXT VALUE FOR sequence [OVER (ORDER BY …)]``, after NEXT; None where that is a name."""
        if not self._match_text_seq("VALUE", "FOR"):
            self._retreat(self._index - 1)
            return None
        sequence = self._parse_table_parts()
        order = self._parse_wrapped(self._parse_order) if self._match(TokenType.OVER) else None
        return self.expression(exp.NextValueFor(this=sequence, order=order))

    def parse_trim(self) -> exp.Expression:
        """``TRIM([[LEADING|TRAILING|BOTH] characters FROM] value)``, after the opening parenthesis."""
        side = self._prev.text.upper() if self._match_texts(("LEADING", "TRAILING", "BOTH")) else "BOTH"
        value = self._parse_disjunction()
        characters = None
        if self._match(TokenType.FROM):
            characters, value = value, self._parse_disjunction()
        name = {"LEADING": "LTRIM", "TRAILING": "RTRIM", "BOTH": "TRIM"}[side]
        return self.expression(exp.Anonymous(this=name, expressions=[part for part in (value, characters) if part]))

    def parse_type_name(self) -> exp.Expression:
        """A data type as it is written: name, and in parentheses its length or precision and scale."""
        parts = [self._type_word()]
        while self._match(TokenType.DOT):
            parts.append(self._type_word())
        facets: list[str] = []
        if self._match(TokenType.L_PAREN):
            while not self._match(TokenType.R_PAREN):
                if facets and not self._match(TokenType.COMMA):
                    self.raise_error("a comma or a closing parenthesis is expected")
                if not self._curr or not self._curr.text.isalnum():
                    self.raise_error("a number is expected")
                facets.append(self._advance_text())
        text = ".".join(parts) + (f"({','.join(facets)})" if facets else "")
        return self.expression(exp.DataType(this=exp.DType.USERDEFINED, kind=text))

    def _type_word(self) -> str:
        if not self._curr or not re.match(r"\w", self._curr.text):
            self.raise_error("a data type is expected")
        return self._advance_text()

    def _advance_text(self) -> str:
        self._advance()
        return str(self._prev.text)

    def _parse_primary(self) -> exp.Expr | None:
        # 'a' 'b' is a value and its alias here, and one string elsewhere.
        if self._match(TokenType.STRING):
            return self.expression(exp.Literal.string(self._prev.text), self._prev)
        return super()._parse_primary()

    def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> exp.Expr | None:
        # T-SQL has no literals such as DATE '2020-01-01', so a type's name is a name like any other here.
        if fallback_to_identifier:
            return self._parse_id_var()
        return self._parse_column()


_OTHER_KEYWORDS: Final = frozenset(
    {
        *"ANALYZE ANTI ASOF DESCRIBE DIV FALSE GLOB ILIKE ISNULL KEEP LATERAL LIMIT LOCK NATURAL NOTNULL".split(),
        *"OVERLAPS OVERWRITE PRAGMA QUALIFY RECURSIVE REGEXP RETURNING RLIKE SEMI SETTINGS STRAIGHT_JOIN TRUE".split(),
        *("UNNEST", "XOR", "CLUSTER BY", "CONNECT BY", "DISTRIBUTE BY", "SIMILAR TO", "SORT BY"),
    }
)
"""Keywords of other databases, which are names in T-SQL."""


class QueryDialect(TSQL):
    """sqlglot's T-SQL with :class:`QueryParser`."""

    class Tokenizer(TSQL.Tokenizer):
        """T-SQL's tokens; no word begins a "command"."""

        COMMANDS: ClassVar[set[TokenType]] = set()
        KEYWORDS = {  # noqa: RUF012 - sqlglot's own way of configuring a tokenizer
            word: kind for word, kind in TSQL.Tokenizer.KEYWORDS.items() if word not in _OTHER_KEYWORDS
        }

    Parser = QueryParser


_DIALECT: Final = QueryDialect()


def tokens_of(text: str) -> list[Token]:
    """The tokens of a query, as sqlglot reads them.

    :raises sqlglot.errors.TokenError: a string or comment is not closed.
    """
    return list(_DIALECT.tokenize(text))


def parse_query(text: str) -> exp.Expr:
    """The syntax tree of one query.

    :raises SqlError: 102, with the line and the word.
    """
    try:
        tokens = tokens_of(text)
        trees = _DIALECT.parser().parse(_written_out(tokens), text)
    except TokenError as error:
        raise SqlError(105, f"Unclosed quotation mark or comment: {error}", severity=15, line=1) from None
    except ParseError as error:
        raise _syntax_error(error) from None
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise SqlError(102, "Incorrect syntax: one query is expected.", severity=15, line=1)
    return found[0]


def _syntax_error(error: ParseError) -> SqlError:
    if not error.errors:
        return SqlError(102, "Incorrect syntax: the query nests too deeply or ends too early.", severity=15, line=1)
    place = error.errors[0]
    word = str(place.get("highlight") or "")
    line = int(place.get("line") or 1)
    return _unexpected(word, line)


def _unexpected(word: str, line: int) -> SqlError:
    if word.upper() in _KEYWORDS:
        return SqlError(156, f"Incorrect syntax near the keyword {word!r}.", severity=15, line=line)
    return SqlError(102, f"Incorrect syntax near {word!r}.", severity=15, line=line)


_KEYWORDS: Final = frozenset(
    "SELECT FROM WHERE GROUP BY ORDER HAVING UNION EXCEPT INTERSECT JOIN INNER LEFT RIGHT FULL CROSS OUTER ON AS IN IS "
    "NOT NULL LIKE BETWEEN AND OR CASE WHEN THEN ELSE END TOP DISTINCT ALL ANY SOME EXISTS INTO VALUES INSERT UPDATE "
    "DELETE SET WITH FOR OPTION DESC ASC OVER".split()
)


def _written_out(tokens: list[Token]) -> list[Token]:
    """The tokens with ``@a += b`` and ``SET a += b`` written as ``@a = @a + (b)``, which sqlglot's parser knows."""
    result: list[Token] = []
    closing_at: dict[int, int] = {}
    depth = 0
    index = 0
    while index < len(tokens):
        token = _as_tsql(tokens[index], tokens[index - 1] if index else None)
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        comparison = _NEGATED.get((token.text, following.text)) if following is not None else None
        if comparison is not None and following is not None and token.end + 1 == following.start:
            kind, text = comparison
            result.append(Token(kind, text, token.line, token.col, token.start, following.end))
            index += 2
            continue
        if (
            token.token_type in _COMPOUND
            and following is not None
            and following.token_type == TokenType.EQ
            and token.end + 1 == following.start
        ):
            target = _target_before(result)
            opening = Token(TokenType.L_PAREN, "(", token.line, token.col, token.start, token.end)
            result += [following, *target, token, opening]
            closing_at[depth] = closing_at.get(depth, 0) + 1
            index += 2
            continue
        depth += _OPENING.get(token.token_type, 0)
        if token.token_type == TokenType.COMMA and (following is None or following.token_type in _NOTHING_FOLLOWS):
            stands = following or token
            raise _unexpected(stands.text, stands.line)
        ends = token.token_type in _VALUE_ENDS
        if ends and depth in closing_at:
            result += [_closing(token)] * closing_at.pop(depth)
        result.append(token)
        index += 1
    if tokens:
        result += [_closing(tokens[-1])] * sum(closing_at.values())
    return result


def _as_tsql(token: Token, before: Token | None) -> Token:
    """A token that sqlglot reads otherwise: ``0x`` is a binary without bytes, ``#values`` the name of a table.

    :param before: the token before it; None for the first.
    """
    follows_hash = before is not None and before.token_type == TokenType.HASH and before.end + 1 == token.start
    if follows_hash and _WORD.fullmatch(token.text) and token.token_type != TokenType.IDENTIFIER:
        return Token(TokenType.VAR, token.text, token.line, token.col, token.start, token.end)
    if token.token_type == TokenType.IDENTIFIER and token.text in ("0x", "0X") and token.end - token.start == 1:
        return Token(TokenType.HEX_STRING, "", token.line, token.col, token.start, token.end)
    return token


_WORD: Final = re.compile(r"[^\W\d][\w$#@]*")


def _target_before(tokens: list[Token]) -> list[Token]:
    start = len(tokens) - 1
    while start > 0 and tokens[start - 1].token_type in (TokenType.PARAMETER, TokenType.DOT):
        start -= 1 if tokens[start - 1].token_type == TokenType.PARAMETER else 2
    return tokens[start:]


def _closing(token: Token) -> Token:
    return Token(TokenType.R_PAREN, ")", token.line, token.col, token.start, token.end)
