"""Long literals, taken out of a batch before it is read.

A client without parameters writes a file of megabytes as one ``0x…`` literal. A hidden variable takes its place, so
that neither the tokens nor the syntax trees ever hold it, and the batch around it can be remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType, utf16_length
from airflow_provider_ssis.emulator.tsql.language.lexer import (
    BINARY_PATTERN,
    QUOTED_PATTERN,
    STRING_PATTERN,
    comment_end,
)
from airflow_provider_ssis.emulator.tsql.values.precedence import sized
from airflow_provider_ssis.emulator.tsql.values.recent import Recent
from airflow_provider_ssis.emulator.tsql.values.string_conversion import fit_string

LONG: Final = 4096
"""Characters from which a literal counts as long."""

_PIECE = re.compile(
    rf"--[^\n]*+|(?P<block>/\*)|(?P<string>{STRING_PATTERN})|{QUOTED_PATTERN}|(?P<binary>{BINARY_PATTERN})|[\w@#$]++"
)
_NAME: Final = "@long_literal_"
_LONGEST_REMEMBERED: Final = 20_000
_WITHOUT: Final[Recent[str, bool]] = Recent(512)
"""Long batches without a long literal that were looked at last: the search takes a millisecond."""


@dataclass(frozen=True, slots=True)
class Literal:
    """The value of a long literal."""

    type: SqlType
    value: Any


def lift(text: str) -> tuple[str, dict[str, Literal]]:
    """A batch with each long literal replaced by a hidden variable, and these variables by name.

    Lines stay where they are.
    """
    if len(text) < LONG or _WITHOUT.get(text):
        return text, {}
    name = _NAME
    while name in text:
        name += "_"
    literals: dict[str, Literal] = {}
    pieces: list[str] = []
    copied = position = 0
    while match := _PIECE.search(text, position):
        position = match.end()
        if match.lastgroup == "block":
            position = comment_end(text, match.start()) or len(text)
        elif match.lastgroup is not None and match.end() - match.start() >= LONG:
            variable = f"{name}{len(literals)}"
            literals[variable] = _literal(text, match)
            newlines = "\n" * text.count("\n", match.start(), match.end())
            pieces += [text[copied : match.start()], " ", variable, " ", newlines]
            copied = position
    if not literals and len(text) <= _LONGEST_REMEMBERED:
        _WITHOUT.put(text, True)
    pieces.append(text[copied:])
    return "".join(pieces), literals


def _literal(text: str, match: re.Match[str]) -> Literal:
    if match.lastgroup == "binary":
        digits = text[match.start() + 2 : match.end()]
        value = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
        return Literal(sized("varbinary", len(value)), value)
    quote = text.index("'", match.start())
    content = text[quote + 1 : match.end() - 1].replace("''", "'")
    if quote > match.start():
        return Literal(sized("nvarchar", utf16_length(content)), content)
    kind = sized("varchar", len(content))
    return Literal(kind, fit_string(content, kind))
