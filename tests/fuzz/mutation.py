"""Mutations of bytes and of T-SQL, from a source of chance that repeats itself with its seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

_INTERESTING_BYTES = (
    b"\x00",
    b"\xff",
    b"\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\xff" * 8,
    b"\x00" * 16,
    b"<",
    b"&",
    b'"',
    b"\xed\xa0\x80",
)
_LARGEST = 4_000_000

_TOKEN = re.compile(r"N?'(?:[^']|'')*'|--[^\n]*|\[[^\]]*\]|[@#\w$.]+|\s+|[<>!]=|<>|.", re.DOTALL)
_TYPES = (
    "int bigint smallint tinyint bit float real money smallmoney decimal(38,0) decimal(38,38) "
    "numeric(1,1) date time(7) time(0) datetime smalldatetime datetime2(7) datetimeoffset(3) char(3) "
    "varchar(1) nchar(2) nvarchar(max) varbinary(8) varbinary(max) uniqueidentifier sql_variant xml "
    "sysname "
).split()
_NUMBERS = (
    "NULL 0 1 -1 2 2147483647 2147483648 -9223372036854775808 9223372036854775807 1e308 -1e308 1e-308 0.5 1.10 $1 "
    "$-922337203685477 0x 0xFF 99999999999999999999999999999999999999 0.00000000000000000000000000000000000001 "
).split()
_TEXTS = (
    "'' N'' N'\U0001f642' N'a\U0001f642b' '1' 'x' '-' '2024-02-30' '2024-02-29' '2024-02-29T12:00:00+02:00' "
    "'9999-12-31T23:59:59.9999999' '0001-01-01' '12:00' N'%[a-' '[' '<a/>' '6F9619FF-8B86-D011-B42D-00C04FC964FF' "
).split()
_CALCULATED = (
    "NEWID()",
    "GETDATE()",
    "SYSDATETIMEOFFSET()",
    "DB_NAME()",
    "@@ROWCOUNT",
    "REPLICATE(N'ab', 5000)",
    "REPLICATE(CAST('x' AS varchar(max)), 20000)",
    "CAST(NULL AS int)",
    "(SELECT 1)",
    "(SELECT 1 WHERE 1 = 0)",
)
_VALUES = (*_NUMBERS, *_TEXTS, *_CALCULATED)
_CALL = re.compile(r"\b[A-Za-z_]+\([^()]*(?:\([^()]*\)[^()]*)*\)")
"""A call of a function, with calls in its arguments."""
_OPERATORS = "+ - * / % & | ^ = <> < > <= >= AND OR LIKE".split()
_CLAUSES = (
    " DISTINCT ",
    "TOP (1) ",
    "TOP (0) PERCENT ",
    " OVER (ORDER BY NEWID())",
    " OVER (PARTITION BY 1)",
    " GROUP BY 1",
    " ORDER BY 1",
    " ORDER BY NEWID()",
    " HAVING 1 = 1",
    " UNION ALL SELECT NULL",
    " EXCEPT SELECT 1",
    " FOR XML PATH('')",
    " COLLATE Latin1_General_BIN",
    " AT TIME ZONE 'UTC'",
    " WHERE COUNT(*) > 1",
    " CROSS APPLY (SELECT 1 AS q) AS q",
    " OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY",
    " NOT ",
    " IN (1, NULL)",
    " IS NULL",
    " BETWEEN 1 AND NULL",
)
_LONGEST = 5000


def mutated_bytes(chance: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Change, remove, repeat, insert or cut off some bytes, one to four times.

    :param others: data of the same kind, to take parts from.
    """
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        stop = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 8, 30, 300)))
        part = data[start:stop]
        match chance.randrange(8):
            case 0:
                new = chance.randbytes(len(part) or 1)
            case 1:
                new = chance.choice(_INTERESTING_BYTES)
            case 2:
                new = part * chance.choice((2, 2, 3, 100))
            case 3:
                new = b""
            case 4 if others:
                other = chance.choice(others)
                begin = chance.randint(0, len(other))
                new = other[begin : begin + chance.choice((4, 30, 300))]
            case 5 if part:
                flipped = bytearray(part)
                flipped[chance.randrange(len(part))] ^= 1 << chance.randrange(8)
                new = bytes(flipped)
            case 6 if len(part) >= 2:
                # A length or a count, a little wrong.
                number = int.from_bytes(part[:2], "little") + chance.choice((-2, -1, 1, 2, 256))
                new = (number % 65536).to_bytes(2, "little") + part[2:]
            case _:
                new = chance.choice((b"", part))
                stop = len(data) if chance.randrange(4) == 0 else stop
        data = data[:start] + new + data[stop:]
    return data[:_LARGEST]


def mutated_batch(chance: Random, batch: str, others: Sequence[str]) -> str:
    """Change T-SQL so that much of it is still understood: values, types, operators, functions; seldom its structure.

    :param others: batches to take functions, expressions and statements from.
    """
    tokens = _TOKEN.findall(batch)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        places = [place for place, token in enumerate(tokens) if not token.isspace()]
        if not places:
            break
        place = chance.choice(places)
        token = tokens[place]
        if chance.randrange(10) == 0:
            _break_structure(chance, tokens, place)
        elif token[0] in "'@0123456789" or token.startswith("N'"):
            tokens[place] = _value(chance, others)
        elif token in _OPERATORS:
            tokens[place] = f" {chance.choice(_OPERATORS)} "
        elif any(token.lower() == each.partition("(")[0] for each in _TYPES):
            tokens[place] = chance.choice(_TYPES).partition("(")[0]
        elif place + 1 < len(tokens) and tokens[place + 1] == "(" and (called := _functions(chance.choice(others))):
            tokens[place] = chance.choice(called)
        elif chance.randrange(3) == 0:
            tokens.insert(place + 1, chance.choice(_CLAUSES))
        elif chance.randrange(3) == 0:
            tokens[place] = _value(chance, others)
        elif chance.randrange(5) == 0:
            tokens += ["; ", chance.choice(others)]
    return "".join(tokens)[:_LONGEST]


def _value(chance: Random, others: Sequence[str]) -> str:
    """A literal, a conversion, or an expression of another batch."""
    match chance.randrange(4):
        case 0:
            verb = chance.choice(("CAST", "TRY_CAST"))
            return f"{verb}({chance.choice(_VALUES)} AS {chance.choice(_TYPES)})"
        case 1:
            other = chance.choice(others)
            return f"({other})" if other.startswith("SELECT") and ";" not in other else chance.choice(_VALUES)
        case 2:
            calls = _CALL.findall(chance.choice(others))
            return str(chance.choice(calls)) if calls else chance.choice(_VALUES)
        case _:
            return chance.choice(_VALUES)


def _functions(batch: str) -> list[str]:
    """The names of the functions that a batch calls."""
    return re.findall(r"\b([A-Za-z_]+)\(", batch)


def _break_structure(chance: Random, tokens: list[str], place: int) -> None:
    """Remove, repeat, swap or insert tokens."""
    match chance.randrange(4):
        case 0:
            del tokens[place : place + chance.choice((1, 1, 2, 6))]
        case 1:
            tokens[place:place] = [*tokens[place : place + chance.choice((1, 3, 8))], " "]
        case 2:
            other = chance.randrange(len(tokens))
            tokens[place], tokens[other] = tokens[other], tokens[place]
        case _:
            tokens.insert(place, chance.choice("()[],;.*'@"))
