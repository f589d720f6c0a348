"""Valid T-SQL in queries that this server does not support: it gets error 40514, not a syntax error.

A query that fails is searched for the constructs below, so that the error names the construct. A query that works is
not searched: most of these words are allowed as names.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from airflow_provider_ssis.emulator.tsql.query.dialect import tokens_of
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_CONSTRUCTS: Final = (
    *((name, rf"\b{name} \(") for name in ("OPENROWSET", "OPENQUERY", "OPENDATASOURCE", "OPENXML")),
    *((name, rf"\b{name} \(") for name in ("CONTAINSTABLE", "FREETEXTTABLE", "SEMANTICKEYPHRASETABLE", "PREDICT")),
    *((name, rf"\b{name} \(") for name in ("CONTAINS", "FREETEXT", "CHANGETABLE", "REGEXP_LIKE")),
    ("The function {}", r"\bSYS ?\. ?(?P<name>(?:FN|DM)_\w+) \("),
    ("The function {}", r"\b(?:FROM|JOIN|APPLY) (?P<name>FN_\w+) \("),
    ("FOR {}", r"\bFOR (?P<name>BROWSE|SYSTEM_TIME|PATH)\b"),
    ("A change in FROM", r"\bFROM \( (?:INSERT|UPDATE|DELETE|MERGE)\b"),
    ("The method {}", r"\. (?P<name>WRITE|NODES|MODIFY) \("),
    ("WITH XMLNAMESPACES", r"\bWITH XMLNAMESPACES\b"),
    ("USE HINT", r"\bUSE HINT\b"),
    ("TABLESAMPLE", r"\bTABLESAMPLE\b"),
    ("CURRENT OF", r"\bCURRENT OF\b"),
    ("GROUP BY ALL", r"\bGROUP BY ALL\b"),
    ("The shift operator {}", r"(?P<name>< <|> >)"),
    ("The operator ||", r"\|\|"),
    ("{{fn …}}", r"\{ FN\b"),
    ("{{oj …}}", r"\{ OJ\b"),
    ("{{guid …}}", r"\{ GUID\b"),
    ("A method of a type (::)", r"\w :: ?\w+ \("),
    ("The pseudo column {}", r"(?P<name>\$(?:IDENTITY|ROWGUID|PARTITION|NODE_ID|EDGE_ID)\b)"),
    ("JSON_OBJECT", r"\bJSON_OBJECT \("),
)
_PATTERNS: Final = tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in _CONSTRUCTS)
_REPLACED: Final = {TokenType.STRING: "''", TokenType.NATIONAL_STRING: "''", TokenType.IDENTIFIER: "[]"}

UNSUPPORTED_TYPES: Final = frozenset({"geography", "geometry", "hierarchyid", "json", "vector"})
"""Data types of SQL Server that this server does not have."""

UNSUPPORTED_FUNCTIONS: Final = frozenset(
    """approx_count_distinct approx_ approx_ assemblyproperty asymkey_id asymkeyproperty base64_decode
    base64_encode bit_count cert_id certencoded certprivatekey certproperty checksum_agg col_length col_name
    collationproperty columnproperty columns_updated compress context_info cryptgen_random current_timezone
    current_timezone_id data_source_name databaseproperty date_bucket decompress decryptbyasymkey
    decryptbycert decryptbykey decryptbykeyautoasymkey decryptbykeyautocert decryptbypassphrase difference
    edit_distance edit_distance_similarity encryptbyasymkey encryptbycert encryptbykey encryptbypassphrase
    eventdata file_id file_name filegroup_id filegroup_name filegroupproperty fileproperty filepropertyex
    fulltextcatalogproperty fulltextserviceproperty get_bit get_filestream_transaction_context getansinull
    index_col indexkey_property indexproperty is_objectsigned jaro_winkler_distance jaro_winkler_similarity
    json_array json_arrayagg json_contains json_modify json_object json_objectagg json_path_exists key_guid
    key_id key_name left_shift loginproperty min_active_rowversion object_definition objectproperty
    objectpropertyex permissions publishingservername pwdcompare pwdencrypt regexp_count regexp_instr
    regexp_like regexp_matches regexp_replace regexp_split_to_table regexp_substr right_shift set_bit
    signbyasymkey signbycert soundex sql_variant_property stats_date symkeyproperty textptr textvalid
    trigger_nestlevel typeproperty unistr vector_distance vector_norm vector_normalize vectorproperty
    verifysignedbyasymkey verifysignedbycert""".split()
)
"""Functions of SQL Server, of which those in ``FUNCTIONS`` are supported and the others are not."""

_FAILURES: Final = frozenset({102, 105, 156, 195, 207, 208, 243, 448, 1087, 4104, 4121, 4145})
"""Errors that an unsupported construct may cause."""


def explained(error: SqlError, text: str) -> SqlError:
    """The error of a query: error 40514 where a construct that is not supported explains it.

    :param error: the error without a line, or with a line counted in the text.
    :param text: the query.
    """
    if error.number not in _FAILURES:
        return error
    try:
        tokens = tokens_of(text)
    except TokenError:
        return error
    words: list[str] = []
    starts: list[int] = []
    position = 0
    for token in tokens:
        word = _REPLACED.get(token.token_type, token.text.upper())
        words.append(word)
        starts.append(position)
        position += len(word) + 1
    joined = " ".join(words)
    found = [(match, name) for name, pattern in _PATTERNS if (match := pattern.search(joined)) is not None]
    if not found:
        return error
    match, name = min(found, key=lambda each: each[0].start(_name_group(each[0])))
    group = _name_group(match)
    line = tokens[bisect_right(starts, match.start(group)) - 1].line
    return not_supported(name.format(match.group(group)), line=line)


def _name_group(match: re.Match[str]) -> str | int:
    return "name" if "name" in match.re.groupindex else 0
