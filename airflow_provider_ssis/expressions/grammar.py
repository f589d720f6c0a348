"""The grammar of expressions: text to a syntax tree."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import ExpressionError
from airflow_provider_ssis.expressions.syntax import Kind, Node
from airflow_provider_ssis.expressions.text import join_units

_GRAMMAR = r"""
assignment: VARIABLE ASSIGN conditional

?expression: conditional
?conditional: or_ | or_ QUESTION conditional _COLON conditional
?or_: and_ | or_ OR and_ -> binary
?and_: bit_or | and_ AND bit_or -> binary
?bit_or: bit_xor | bit_or BIT_OR bit_xor -> binary
?bit_xor: bit_and | bit_xor BIT_XOR bit_and -> binary
?bit_and: equality | bit_and BIT_AND equality -> binary
?equality: comparison | equality EQUALITY comparison -> binary
?comparison: sum | comparison COMPARISON sum -> binary
?sum: product | sum (PLUS | MINUS) product -> binary
?product: prefix | product PRODUCT prefix -> binary
?prefix: primary
    | (MINUS | NOT) prefix -> unary
    | _LEFT DATA_TYPE parameters _RIGHT prefix -> cast
?primary: INTEGER -> integer
    | HEXADECIMAL -> hexadecimal
    | REAL -> real
    | STRING -> string
    | BOOLEAN -> boolean
    | VARIABLE -> variable
    | LINEAGE -> lineage
    | NULL _LEFT DATA_TYPE parameters _RIGHT -> null
    | NULL _LEFT arguments _RIGHT -> null_of_nothing
    | (NAME | BRACKETED) _LEFT arguments _RIGHT -> function
    | (NAME | BRACKETED) -> column
    | (NAME | BRACKETED) _DOT (NAME | BRACKETED) -> dotted_column
    | _LEFT conditional _RIGHT
arguments: [conditional (_COMMA conditional)*]
parameters: (_COMMA conditional)*

ASSIGN: /:=|=(?!=)/
QUESTION: "?"
_COLON: ":"
OR: "||"
AND: "&&"
BIT_OR: "|"
BIT_XOR: "^"
BIT_AND: "&"
EQUALITY: "==" | "!="
COMPARISON: "<=" | ">=" | "<" | ">"
PLUS: "+"
MINUS: /-(?!-)/
PRODUCT: "*" | "/" | "%"
NOT: "~" | /!(?!=)/
_LEFT: "("
_RIGHT: ")"
_COMMA: ","
_DOT: "."
REAL.3: /(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFlL]?(?![\w@$#.])|[0-9]+[eE][+-]?[0-9]+[fFlL]?(?![\w@$#.])/
HEXADECIMAL.3: /0[xX][0-9a-fA-F]+[uU]?(?![\w@$#.])/
INTEGER.2: /[0-9]+(?:[uU][lL]?|[lL][uU]?)?(?![\w@$#.])/
STRING: /"(?:[^"\\]|\\[\s\S])*"/
BOOLEAN.3: /(?:true|false)(?![\w@$#])/i
DATA_TYPE.3: /DATA_TYPES/i
NULL.3: /(?:NULL|\[NULL\])(?=[ \t\r\n]*\()/i
VARIABLE: /@\[[^\[\]]+\]|@[^\W\d][\w@$#]*/
LINEAGE: /#[0-9]+(?![\w@$#.])|#\{(?:[^{}\[\]]|\[[^\[\]]*\])+\}/
NAME: /[^\W\d][\w@$#]*/
BRACKETED: /\[[^\[\]]+\]/
BLANK: /[ \t\r\n]+/
%ignore BLANK
"""

_DATA_TYPES = f"(?:{'|'.join(code.name for code in reversed(DataTypeCode) if code > DataTypeCode.DT_NULL)})"

_PLACEHOLDER = re.compile(r"<<[^<>]*>>")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{4})|([\s\S]))")
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
}


def _plain(token: Token) -> str:
    text = str(token)
    return text[1:-1] if text.startswith("[") else text


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Makes nodes of what the parser reduces."""

    def assignment(self, variable: Token, sign: Token, value: Node) -> Node:
        return Node(Kind.ASSIGNMENT, str(sign), sign.start_pos or 0, (self.variable(variable), value))

    def conditional(self, condition: Node, sign: Token, yes: Node, no: Node) -> Node:
        return Node(Kind.CONDITIONAL, "? :", sign.start_pos or 0, (condition, yes, no))

    def binary(self, left: Node, sign: Token, right: Node) -> Node:
        return Node(Kind.BINARY, str(sign), sign.start_pos or 0, (left, right))

    def unary(self, sign: Token, operand: Node) -> Node:
        return Node(Kind.UNARY, str(sign), sign.start_pos or 0, (operand,))

    def cast(self, name: Token, parameters: tuple[Node, ...], operand: Node) -> Node:
        return Node(Kind.CAST, str(name).upper(), name.start_pos or 0, (*parameters, operand))

    def null(self, _null: Token, name: Token, parameters: tuple[Node, ...]) -> Node:
        return Node(Kind.NULL, str(name).upper(), name.start_pos or 0, parameters)

    def null_of_nothing(self, null: Token, _arguments: tuple[Node, ...]) -> Node:
        reason = "NULL needs a data type, such as NULL(DT_WSTR,10)"
        raise ExpressionError(Code.DTS_E_EXPREVALINVALIDNULLPARAM, reason, null.start_pos or 0, str(null))

    def function(self, name: Token, arguments: tuple[Node, ...]) -> Node:
        return Node(Kind.FUNCTION, _plain(name), name.start_pos or 0, arguments)

    def arguments(self, *arguments: Node | None) -> tuple[Node, ...]:
        return tuple(argument for argument in arguments if argument is not None)

    def parameters(self, *parameters: Node) -> tuple[Node, ...]:
        return parameters

    def integer(self, token: Token) -> Node:
        return Node(Kind.INTEGER, str(token), token.start_pos or 0)

    hexadecimal = integer

    def real(self, token: Token) -> Node:
        return Node(Kind.REAL, str(token), token.start_pos or 0)

    def boolean(self, token: Token) -> Node:
        return Node(Kind.BOOLEAN, str(token), token.start_pos or 0)

    def string(self, token: Token) -> Node:
        return Node(Kind.STRING, _unescape(token), token.start_pos or 0)

    def variable(self, token: Token) -> Node:
        name = str(token)[1:]
        return Node(Kind.VARIABLE, name[1:-1] if name.startswith("[") else name, token.start_pos or 0)

    def lineage(self, token: Token) -> Node:
        return Node(Kind.LINEAGE, str(token), token.start_pos or 0)

    def column(self, name: Token) -> Node:
        return Node(Kind.COLUMN, _plain(name), name.start_pos or 0)

    def dotted_column(self, source: Token, name: Token) -> Node:
        return Node(Kind.COLUMN, _plain(name), source.start_pos or 0, source=_plain(source))


def _unescape(token: Token) -> str:
    start = token.start_pos or 0
    text = str(token)[1:-1]
    if "\0" in text:
        reason = "A string must not contain the null character"
        raise ExpressionError(
            Code.DTS_E_EXPREVALILLEGALHEXESCAPEINSTRINGLITERAL, reason, start + 1 + text.index("\0"), "\\0"
        )

    def character(match: re.Match[str]) -> str:
        position = start + 1 + match.start()
        if match[1]:
            if match[1] == "0000":
                reason = "A string must not contain the null character"
                raise ExpressionError(Code.DTS_E_EXPREVALILLEGALHEXESCAPEINSTRINGLITERAL, reason, position, match[0])
            return chr(int(match[1], 16))
        if match[2] == "x":
            reason = "The escape \\x needs four hexadecimal digits"
            raise ExpressionError(Code.DTS_E_EXPREVALILLEGALHEXESCAPEINSTRINGLITERAL, reason, position, match[0])
        if match[2] not in _ESCAPES:
            reason = f"A string has no escape {match[0]}; write a backslash as \\\\"
            raise ExpressionError(Code.DTS_E_EXPREVALILLEGALESCAPEINSTRINGLITERAL, reason, position, match[0])
        return _ESCAPES[match[2]]

    return join_units(_ESCAPE.sub(character, text))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(
        _GRAMMAR.replace("DATA_TYPES", _DATA_TYPES + r"(?![\w@$#])"),
        parser="lalr",
        lexer="contextual",
        start=["expression", "assignment"],
        transformer=_Builder(),
        maybe_placeholders=False,
    )


def parse_text(text: str, *, assignment: bool) -> Node:
    """Return the syntax tree of an expression, or of an assignment.

    :param text: the expression, of any length.
    :param assignment: whether it is an assignment.
    :raises ExpressionError: the text is not an expression.
    """
    try:
        tree: Any = _parser().parse(text, start="assignment" if assignment else "expression")
    except UnexpectedInput as error:
        if assignment and _is_expression(text):
            reason = "The expression assigns nothing. Write a variable and = before it, such as @[User::Name] ="
            raise ExpressionError(Code.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION, reason, 0, "") from None
        raise _syntax_error(text, error) from None
    assert isinstance(tree, Node)  # noqa: S101 all rules of the grammar have a method in _Builder
    return tree


def _is_expression(text: str) -> bool:
    try:
        _parser().parse(text, start="expression")
    except UnexpectedInput:
        return False
    return True


def _syntax_error(text: str, error: UnexpectedInput) -> ExpressionError:
    position = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    token = text[position : position + 1]
    if isinstance(error, UnexpectedToken):
        token = str(error.token)
        if error.token.type == "$END":
            return ExpressionError(
                Code.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION, "The expression ends too early", len(text), ""
            )
    for start in (position, position - 1):
        if placeholder := _PLACEHOLDER.match(text, max(start, 0)):
            reason = "Replace the placeholder of the expression builder by an expression"
            code = Code.DTS_E_EXPREVALPLACEHOLDERINEXPRESSION
            return ExpressionError(code, reason, placeholder.start(), placeholder[0])
    code, reason = Code.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION, "An operator is missing here, or something else is wrong"
    if token.startswith("'"):
        code, reason = Code.DTS_E_EXPREVALINVALIDTOKENSINGLEQUOTE, "Strings need double quotes, not single quotes"
    elif token.startswith("="):
        code = Code.DTS_E_EXPREVALINVALIDTOKENSINGLEEQUAL
        reason = "A single = assigns, which only For loops and Expression tasks can do; compare with =="
    elif token.startswith('"') and isinstance(error, UnexpectedCharacters):
        code, reason = Code.DTS_E_EXPREVALINVALIDTOKENSTATE, "The string has no closing double quote"
    elif isinstance(error, UnexpectedCharacters):
        code, reason = Code.DTS_E_EXPREVALINVALIDTOKEN, "The expression has no such token"
    else:
        reason = f"The token {token[:60]!r} does not fit here"
    return ExpressionError(code, reason, position, token)
