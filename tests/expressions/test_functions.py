"""Functions on numbers, text and NULL."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.expressions.functions import FUNCTIONS
from tests.support.expressions import error_of, outcome, type_of, value_of


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("ABS(-1.23)", "DT_NUMERIC,3,2", "1.23"),
        ("ABS(-5)", "DT_I4", 5),
        ("CEILING(-124.27)", "DT_NUMERIC,5,2", "-124.00"),
        ("CEILING(9.9)", "DT_NUMERIC,2,1", "10.0"),
        ("CEILING(1.2L)", "DT_R8", 2.0),
        ("FLOOR(-123.45)", "DT_NUMERIC,5,2", "-124.00"),
        ("FLOOR(7)", "DT_I4", 7),
        ("ROUND(137.1575, 3)", "DT_NUMERIC,7,4", "137.1580"),
        ("ROUND(-2.5, 0)", "DT_NUMERIC,2,1", "-3.0"),
        ("ROUND(2.345L, 2)", "DT_R8", 2.35),
        ("ROUND(5, 9)", "DT_I4", 5),
        ("SIGN(-3.5)", "DT_I4", -1),
        ("SIGN(0)", "DT_I4", 0),
        ("EXP(0)", "DT_R8", 1.0),
        ("POWER(4, 3)", "DT_R8", 64.0),
        ("POWER(4, 0.5)", "DT_R8", 2.0),
        ("LN(1)", "DT_R8", 0.0),
        ("LOG(1000)", "DT_R8", 3.0),
        ("SQRT(25)", "DT_R8", 5.0),
        ("SQUARE(-12)", "DT_R8", 144.0),
        ("HEX(400)", "DT_WSTR,8", "190"),
        ("HEX(-1)", "DT_WSTR,8", "FFFFFFFF"),
        ("HEX((DT_UI1)255)", "DT_WSTR,2", "FF"),
        ("HEX((DT_I2)-2)", "DT_WSTR,4", "FFFE"),
        ("HEX(-1L)", "DT_WSTR,16", "F" * 16),
        ('CODEPOINT("Ab")', "DT_UI2", 65),
        ('CODEPOINT("\\xD83D\\xDE00")', "DT_UI2", 0xD83D),
        ('CODEPOINT("")', "DT_UI2", None),
        ('FINDSTRING("New York, NY, NY", "NY", 1)', "DT_I4", 11),
        ('FINDSTRING("New York, NY, NY", "NY", 2)', "DT_I4", 15),
        ('FINDSTRING("New York", "NY", 1)', "DT_I4", 0),
        ('FINDSTRING("aaaa", "aa", 3)', "DT_I4", 3),
        ('FINDSTRING("aaaa", "aa", 4)', "DT_I4", 0),
        ('FINDSTRING("abc", "", 1)', "DT_I4", 0),
        ('FINDSTRING("\\xD83D\\xDE00b", "b", 1)', "DT_I4", 3),
        ('LEFT("elephant", 3)', "DT_WSTR,3", "ele"),
        ('LEFT("ab", 1 + 4)', "DT_WSTR,5", "ab"),
        ('LEFT("ab", 0)', "DT_WSTR,0", ""),
        ('RIGHT("elephant", 3)', "DT_WSTR,3", "ant"),
        ('RIGHT("ab", 0)', "DT_WSTR,0", ""),
        ('RIGHT("ab", 5)', "DT_WSTR,5", "ab"),
        ('RIGHT("0" + (DT_WSTR,2)7, 2)', "DT_WSTR,2", "07"),
        ('LEN(" ab ")', "DT_I4", 4),
        ('LEN("\\xD83D\\xDE00")', "DT_I4", 2),
        ('LEN((DT_NTEXT)"abc")', "DT_I4", 6),
        ('LEN((DT_TEXT,1252)"abc")', "DT_I4", 3),
        ('LEN((DT_TEXT,65001)"\u20ac")', "DT_I4", 3),
        ('UPPER("straße ﬁ ŉ é")', "DT_WSTR,12", "STRAßE ﬁ ŉ É"),
        ('LOWER("ÀI")', "DT_WSTR,2", "ài"),
        ('LTRIM("  a ")', "DT_WSTR,4", "a "),
        ('RTRIM(" a  ")', "DT_WSTR,4", " a"),
        ('TRIM(" \\ta\\n\\x00A0 ")', "DT_WSTR,6", "\ta\n\u00a0"),
        ('REPLACE("aXbX", "X", "yz")', "DT_WSTR,8", "ayzbyz"),
        ('REPLACE("aXbX", "X", "")', "DT_WSTR,4", "ab"),
        ('REPLACE("aXbX", "x", "-")', "DT_WSTR,4", "aXbX"),
        ('REPLACE("abc", "", "x")', "DT_WSTR,3", "abc"),
        ('REPLICATE("ab", 3)', "DT_WSTR,6", "ababab"),
        ('REPLICATE("ab", 0)', "DT_WSTR,0", ""),
        ('REVERSE("abc")', "DT_WSTR,3", "cba"),
        ('SUBSTRING("elephant", 1, 3)', "DT_WSTR,3", "ele"),
        ('SUBSTRING("abc", 4, 2)', "DT_WSTR,2", ""),
        ('SUBSTRING("abc", 2, 9)', "DT_WSTR,9", "bc"),
        ('SUBSTRING("abc", 2, 0)', "DT_WSTR,0", ""),
        ('TOKEN("a little white dog", " ", 2)', "DT_WSTR,18", "little"),
        ('TOKEN(",a,;b;", ",;", 2)', "DT_WSTR,6", "b"),
        ('TOKEN("a,b", ",", 9)', "DT_WSTR,3", ""),
        ('TOKEN("", ",", 1)', "DT_WSTR,0", ""),
        ('TOKENCOUNT("a,b,,c,", ",")', "DT_I4", 3),
        ('TOKENCOUNT("", ",")', "DT_I4", 1),
        ('TOKENCOUNT(",,", ",")', "DT_I4", 0),
        ('TOKENCOUNT(NULL(DT_WSTR,5), ",")', "DT_I4", None),
        ("REPLACENULL(NULL(DT_I4), 5)", "DT_I4", 5),
        ("REPLACENULL(3, 5)", "DT_I4", 3),
        ("REPLACENULL(NULL(DT_I4), NULL(DT_I4))", "DT_I4", None),
        ('REPLACENULL(NULL(DT_I4), "12")', "DT_I4", 12),
        ('REPLACENULL(NULL(DT_DBDATE), "2020-05-06")', "DT_DBDATE", "2020-05-06"),
        ('REPLACENULL(NULL(DT_WSTR,2), "longer")', "DT_WSTR,6", "longer"),
        ("REPLACENULL(NULL(DT_NUMERIC,5,2), 1)", "DT_NUMERIC,5,2", "1.00"),
        ("ISNULL(NULL(DT_IMAGE))", "DT_BOOL", True),
    ],
)
def test_functions_have_type_and_value(text: str, type_: str, value: object) -> None:
    assert type_of(text) == type_
    found = value_of(text)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('SUBSTRING("abc", 0, 1)', "FNSUBSTRINGINVALIDSTARTINDEX"),
        ('SUBSTRING("abc", 1, -1)', "FNSUBSTRINGINVALIDLENGTH"),
        ('LEFT("abc", -1)', "FNRIGHTINVALIDLENGTH"),
        ('RIGHT("abc", -1)', "FNRIGHTINVALIDLENGTH"),
        ('REPLICATE("abc", -1)', "FNREPLICATEINVALIDREPEATCOUNT"),
        ('FINDSTRING("abc", "a", 0)', "FNFINDSTRINGINVALIDOCCURRENCECOUNT"),
        ("SQRT(-1)", "SQRTINVALIDPARAM"),
        ("LN(0)", "LNINVALIDPARAM"),
        ("LOG(-1.5)", "LOGINVALIDPARAM"),
        ("POWER(0, -1)", "POWERINVALIDPARAM"),
        ("POWER(-8, 0.5)", "POWERINVALIDPARAM"),
        ("POWER(10, 400)", "FUNCTIONOVERFLOW"),
        ("EXP(1000)", "FUNCTIONOVERFLOW"),
        ("ABS(-2147483647 - 1)", "FUNCTIONOVERFLOW"),
        ("ROUND(1.5, -1)", "FUNCTIONCOMPUTEFAILED"),
        ('TOKEN("a", "", 1)', "FUNCTIONCOMPUTEFAILED"),
        ('TOKENCOUNT("a", "")', "FUNCTIONCOMPUTEFAILED"),
        ("SIGN(1U)", "PARAMTYPEMISMATCH"),
        ("HEX(1.5)", "PARAMTYPEMISMATCH"),
        ('ABS("1")', "PARAMTYPEMISMATCH"),
        ("LEN(5)", "PARAMTYPEMISMATCH"),
        ("UPPER(1)", "PARAMTYPEMISMATCH"),
        ('UPPER((DT_NTEXT)"a")', "PARAMTYPEMISMATCH"),
        ('LEFT("abc", "1")', "PARAMTYPEMISMATCH"),
        ('LEFT("abc", 1.0)', "PARAMTYPEMISMATCH"),
        ('SUBSTRING("abc", TRUE, 1)', "PARAMTYPEMISMATCH"),
        ('YEAR("2020-01-01")', "PARAMTYPEMISMATCH"),
        ('REPLACENULL((DT_NTEXT)"a", "b")', "PARAMTYPEMISMATCH"),
        ("REPLACENULL(NULL(DT_GUID), 1)", "INVALIDCAST"),
        ("GETDATE(1)", "INVALIDNUMBEROFPARAMSPLURALSINGULAR"),
        ('LEFT("a")', "INVALIDNUMBEROFPARAMSPLURALSINGULAR"),
        ('LEN("a", "b")', "INVALIDNUMBEROFPARAMSSINGULARPLURAL"),
        ("LEN()", "INVALIDNUMBEROFPARAMSSINGULARPLURAL"),
        ('SUBSTRING("a", 1)', "INVALIDNUMBEROFPARAMSPLURALPLURAL"),
        ('LEFT("a", 1, 2)', "INVALIDNUMBEROFPARAMSPLURALPLURAL"),
        ("YEARS(GETDATE())", "INVALIDFUNCTION"),
    ],
)
def test_errors_of_functions(text: str, code: str) -> None:
    assert error_of(text) == code


ARGUMENTS = {
    "DATEADD": '"day", NULL(DT_I4), GETDATE()',
    "DATEDIFF": '"day", GETDATE(), NULL(DT_DATE)',
    "DATEPART": '"day", NULL(DT_DBTIMESTAMP)',
    "DAY": "NULL(DT_DATE)",
    "MONTH": "NULL(DT_DATE)",
    "YEAR": "NULL(DT_DATE)",
    "FINDSTRING": 'NULL(DT_WSTR,5), "a", 1',
    "SUBSTRING": '"abc", NULL(DT_I4), 1',
    "REPLACE": '"a", "b", NULL(DT_WSTR,1)',
    "LEFT": '"abc", NULL(DT_I4)',
    "RIGHT": "NULL(DT_WSTR,5), -1",
    "REPLICATE": '"abc", NULL(DT_I4)',
    "TOKEN": '"abc", NULL(DT_WSTR,5), 1',
    "TOKENCOUNT": 'NULL(DT_WSTR,5), ","',
    "ROUND": "1.5, NULL(DT_I4)",
    "POWER": "NULL(DT_I4), 2",
}
TEXT = ("LEN", "LOWER", "UPPER", "LTRIM", "RTRIM", "TRIM", "REVERSE", "CODEPOINT")


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"ISNULL", "REPLACENULL", "GETDATE", "GETUTCDATE"}))
def test_null_in_an_argument_gives_null(name: str) -> None:
    arguments = ARGUMENTS.get(name, "NULL(DT_WSTR,5)" if name in TEXT else "NULL(DT_I4)")
    assert value_of(f"{name}({arguments})") is None


def test_lengths_of_columns_follow_the_arguments() -> None:
    name = {"name": {"type": "DT_WSTR(20)", "value": "abc"}, "n": {"type": "DT_I4", "value": 2}}
    for text, value in [
        ("LEFT(name, n)", "ab"),
        ("SUBSTRING(name, 3, n)", "c"),
        ("REPLICATE(name, n)", "abcabc"),
        ("SUBSTRING(name, n, 100)", "bc"),
    ]:
        assert outcome(text, name) == value


def test_corpus_shapes() -> None:
    """Shapes that real packages use most."""
    path = {"path": {"type": "String", "value": r"C:\data\in\sales_2024.csv"}}
    assert outcome('RIGHT(@path, FINDSTRING(REVERSE(@path), "\\\\", 1) - 1)', **path) == "sales_2024.csv"
    assert value_of('RIGHT("0" + (DT_WSTR,2)MONTH(GETDATE()), 2)') == "05"
    assert value_of("YEAR(GETDATE()) * 10000 + MONTH(GETDATE()) * 100 + DAY(GETDATE())") == 20240506
    text = 'REPLACE(REPLACE(REPLACE(LEFT((DT_WSTR,30)GETDATE(), 19), "-", ""), ":", ""), " ", "_")'
    assert value_of(text) == "20240506_070809"
    assert value_of("(DT_WSTR,10)(DT_DBDATE)GETDATE()") == "2024-05-06"
    sql = {"name": {"type": "String", "value": "O'Neil"}}
    assert outcome('"SELECT \'" + REPLACE(@[User::name], "\'", "\'\'") + "\'"', **sql) == "SELECT 'O''Neil'"
