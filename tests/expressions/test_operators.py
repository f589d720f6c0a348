"""Types, values, NULL and overflow of operators."""

from __future__ import annotations

import pytest

from tests.support.expressions import error_of, outcome, type_of, value_of


def number(type_: str) -> str:
    """An expression of a number type whose value is 1."""
    parameters = {"NUM": "DT_NUMERIC,5,0", "DECIMAL": "DT_DECIMAL,0"}
    return f"({parameters.get(type_, 'DT_' + type_)})1"


# Source: Microsoft's diagram of the results of binary operations. Rows and columns are symmetric.
PROMOTION = """\
        I1  I2  I4  I8  UI1 UI2 UI4 UI8 R4  R8  CY  DECIMAL NUM
I1      I1  I2  I4  I8  I2  I4  I8  -   R4  R8  NUM NUM     NUM
I2      I2  I2  I4  I8  I2  I4  I8  -   R4  R8  NUM NUM     NUM
I4      I4  I4  I4  I8  I4  I4  I8  -   R4  R8  NUM NUM     NUM
I8      I8  I8  I8  I8  I8  I8  I8  -   R4  R8  NUM NUM     NUM
UI1     I2  I2  I4  I8  UI1 UI2 UI4 UI8 R4  R8  NUM NUM     NUM
UI2     I4  I4  I4  I8  UI2 UI2 UI4 UI8 R4  R8  NUM NUM     NUM
UI4     I8  I8  I8  I8  UI4 UI4 UI4 UI8 R4  R8  NUM NUM     NUM
UI8     -   -   -   -   UI8 UI8 UI8 UI8 R4  R8  NUM NUM     NUM
R4      R4  R4  R4  R4  R4  R4  R4  R4  R4  R8  R4  R4      R4
R8      R8  R8  R8  R8  R8  R8  R8  R8  R8  R8  R8  R8      R8
CY      NUM NUM NUM NUM NUM NUM NUM NUM R4  R8  CY  NUM     NUM
DECIMAL NUM NUM NUM NUM NUM NUM NUM NUM R4  R8  NUM NUM     NUM
NUM     NUM NUM NUM NUM NUM NUM NUM NUM R4  R8  NUM NUM     NUM"""
_HEAD, *_ROWS = [line.split() for line in PROMOTION.splitlines()]
PAIRS = [(row[0], column, result) for row in _ROWS for column, result in zip(_HEAD, row[1:], strict=True)]


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "=="])
def test_two_numbers_are_computed_in_their_common_type(sign: str) -> None:
    for left, right, expected in PAIRS:
        text = f"{number(left)} {sign} {number(right)}"
        if expected == "-":
            assert error_of(text) == "BINARYTYPEMISMATCH", text
        elif sign == "==":
            assert value_of(text) is True, text
        else:
            found = type_of(text).partition(",")[0]
            assert found == f"DT_{expected}".replace("NUM", "NUMERIC"), text


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("1.5 + 2.25", "DT_NUMERIC,4,2", "3.75"),
        ("0.1 + 0.2", "DT_NUMERIC,3,1", "0.3"),
        ("1.5 * 2.25", "DT_NUMERIC,6,3", "3.375"),
        ("1.5 + 1", "DT_NUMERIC,12,1", "2.5"),
        ("1.5 / 2", "DT_NUMERIC,13,12", "0.750000000000"),
        ("1.5 / 0.5", "DT_NUMERIC,8,6", "3.000000"),
        ("1.5 - 3", "DT_NUMERIC,12,1", "-1.5"),
        ("(DT_NUMERIC,18,3)1 / 3", "DT_NUMERIC,29,14", "0.33333333333333"),
        ("(DT_NUMERIC,18,3)1 / 4L", "DT_NUMERIC,38,23", "0.25000000000000000000000"),
        ("(DT_NUMERIC,38,10)1 * (DT_NUMERIC,38,10)2", "DT_NUMERIC,38,6", "2.000000"),
        ("(DT_CY)1.5 * (DT_CY)2.5", "DT_CY", "3.7500"),
        ("(DT_CY)1 + 1", "DT_NUMERIC,20,4", "2.0000"),
        ("TRUE ? 1.5 : 2.25", "DT_NUMERIC,3,2", "1.50"),
        ("-1.50", "DT_NUMERIC,3,2", "-1.50"),
        ("-0.0", "DT_NUMERIC,2,1", "0.0"),
        ("7 / 2", "DT_I4", 3),
        ("-7 / 2", "DT_I4", -3),
        ("7 / -2", "DT_I4", -3),
        ("7 % 3", "DT_I4", 1),
        ("-7 % 3", "DT_I4", -1),
        ("7 % -3", "DT_I4", 1),
        ("7U % 4U", "DT_UI4", 3),
        ("0.1F + 0.2F", "DT_R4", 0.3),
        ("16777217 + 0.0F", "DT_R4", 16777216.0),
        ("0.1L + 0.2L", "DT_R8", 0.30000000000000004),
        ("5 & 3", "DT_I4", 1),
        ("5 | 3L", "DT_I8", 7),
        ("5U ^ 3U", "DT_UI4", 6),
        ("-1 & 255", "DT_I4", 255),
        ("~5", "DT_I4", -6),
        ("~170", "DT_I4", -171),
        ("~(DT_UI1)5", "DT_UI1", 250),
        ("~0UL", "DT_UI8", 18446744073709551615),
        ("-(DT_I1)5", "DT_I1", -5),
        ('"a" + "bc"', "DT_WSTR,3", "abc"),
        ('(DT_STR,5,1252)"a" + "bc"', "DT_WSTR,7", "abc"),
        ('"a" + (DT_NTEXT)"b"', "DT_WSTR,4000", "ab"),
    ],
)
def test_results_have_precision_scale_and_length(text: str, type_: str, value: object) -> None:
    assert type_of(text) == type_
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2147483647 + 1", "BINARYOPOVERFLOW"),
        ("(DT_I1)100 + (DT_I1)100", "BINARYOPOVERFLOW"),
        ("(DT_I2)200 * (DT_I2)200", "BINARYOPOVERFLOW"),
        ("(DT_UI1)1 - (DT_UI1)2", "BINARYOPOVERFLOW"),
        ("0U - 1U", "BINARYOPOVERFLOW"),
        ("9223372036854775807L * 2L", "BINARYOPOVERFLOW"),
        ("(-2147483647 - 1) / -1", "BINARYOPOVERFLOW"),
        ("(DT_CY)922337203685477.58 + (DT_CY)1", "BINARYOPOVERFLOW"),
        ("1e308 * 10", "BINARYOPOVERFLOW"),
        ("3.0e38F * 10.0F", "BINARYOPOVERFLOW"),
        ("(DT_NUMERIC,38,0)99999999999999999999999999999999999999.0 + 1", "LITERALOVERFLOW"),
        ('(DT_NUMERIC,38,0)"99999999999999999999999999999999999999" + 1', "BINARYOPNUMERICOVERFLOW"),
        (
            '(DT_NUMERIC,38,0)"99999999999999999999" * (DT_NUMERIC,38,0)"99999999999999999999"',
            "BINARYOPNUMERICOVERFLOW",
        ),
        ("1 / 0", "DIVBYZERO"),
        ("1 % 0", "DIVBYZERO"),
        ("1.0 / 0", "DIVBYZERO"),
        ("1.0 / 0.00", "DIVBYZERO"),
        ("1.0L / 0.0L", "DIVBYZERO"),
        ("-(-2147483647 - 1)", "UNARYOPOVERFLOW"),
        ("-5U", "UNSUPPORTEDUNNARYTYPE"),
        ('-"5"', "UNSUPPORTEDUNNARYTYPE"),
        ("-TRUE", "UNSUPPORTEDUNNARYTYPE"),
        ("!1", "UNSUPPORTEDUNNARYTYPE"),
        ("~1.5", "UNSUPPORTEDUNNARYTYPE"),
        ("~TRUE", "UNSUPPORTEDUNNARYTYPE"),
        ('"a" + 1', "BINARYTYPEMISMATCH"),
        ('1 + "a"', "BINARYTYPEMISMATCH"),
        ('"a" - "b"', "UNSUPPORTEDBINARYTYPE"),
        ("TRUE + TRUE", "UNSUPPORTEDBINARYTYPE"),
        ("TRUE + 1", "BINARYTYPEMISMATCH"),
        ("GETDATE() + 1", "BINARYTYPEMISMATCH"),
        ("GETDATE() - GETDATE()", "UNSUPPORTEDBINARYTYPE"),
        ('"a" + GETDATE()', "BINARYTYPEMISMATCH"),
        ('(DT_NTEXT)"a" + (DT_NTEXT)"b"', "UNSUPPORTEDBINARYTYPE"),
        ("1.5 % 2", "UNSUPPORTEDBINARYTYPE"),
        ("1.0L % 2", "UNSUPPORTEDBINARYTYPE"),
        ("1 & 1U", "BINARYSIGNMISMATCH"),
        ("1 & 1.5", "BINARYTYPEMISMATCH"),
        ("1UL + 1", "BINARYTYPEMISMATCH"),
        ("1UL == 1", "BINARYTYPEMISMATCH"),
        ("TRUE == 1", "BINARYTYPEMISMATCH"),
        ('"1" == 1', "BINARYTYPEMISMATCH"),
        ('"2020-01-01" == GETDATE()', "BINARYTYPEMISMATCH"),
        ('(DT_DBTIME)"10:00:00" < GETDATE()', "BINARYTYPEMISMATCH"),
        ("TRUE < FALSE", "UNSUPPORTEDBINARYTYPE"),
        ("NULL(DT_GUID) < NULL(DT_GUID)", "UNSUPPORTEDBINARYTYPE"),
        ('(DT_NTEXT)"a" < (DT_NTEXT)"b"', "UNSUPPORTEDBINARYTYPE"),
        ('(DT_TEXT,1252)"a" == (DT_TEXT,1251)"a"', "BINARYOPERATORCODEPAGEMISMATCH"),
        ("1 && TRUE", "UNSUPPORTEDBINARYTYPE"),
        ("TRUE || NULL(DT_I4)", "UNSUPPORTEDBINARYTYPE"),
        ('NULL(DT_STR,5,1252) + "a"', "BINARYOPDTSTRNOTSUPPORTED"),
        ('NULL(DT_STR,5,1252) == "a"', "BINARYOPDTSTRNOTSUPPORTED"),
        ('TRUE ? NULL(DT_STR,5,1252) : "a"', "CONDITIONALOPDTSTRNOTSUPPORTED"),
        ("1 ? 2 : 3", "CONDITIONALOPINVALIDCONDITIONTYPE"),
        ('TRUE ? 1 : "a"', "CONDITIONALOPTYPEMISMATCH"),
        ("TRUE ? 1 : TRUE", "CONDITIONALOPTYPEMISMATCH"),
        ("TRUE ? 1 : 1UL", "CONDITIONALOPTYPEMISMATCH"),
        ('TRUE ? GETDATE() : (DT_DBTIME)"10:00:00"', "CONDITIONALOPTYPEMISMATCH"),
        ('TRUE ? (DT_TEXT,1252)"a" : (DT_TEXT,1251)"a"', "CONDITIONALOPCODEPAGEMISMATCH"),
    ],
)
def test_errors_of_operators(text: str, code: str) -> None:
    assert error_of(text) == code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE && NULL(DT_BOOL)", None),
        ("NULL(DT_BOOL) && TRUE", None),
        ("FALSE && NULL(DT_BOOL)", False),
        ("NULL(DT_BOOL) && FALSE", False),
        ("NULL(DT_BOOL) && NULL(DT_BOOL)", None),
        ("TRUE || NULL(DT_BOOL)", True),
        ("NULL(DT_BOOL) || TRUE", True),
        ("FALSE || NULL(DT_BOOL)", None),
        ("!NULL(DT_BOOL)", None),
        ("NULL(DT_I4) == NULL(DT_I4)", None),
        ("1 + NULL(DT_I4)", None),
        ("NULL(DT_I4) / 0", None),
        ('"a" + NULL(DT_WSTR,5)', None),
        ("NULL(DT_BOOL) ? 1 : 2", None),
        ("TRUE ? 1 : NULL(DT_I4)", 1),
        ("FALSE ? 1 : NULL(DT_I4)", None),
        ("-NULL(DT_I4)", None),
        ("ISNULL(NULL(DT_I4))", True),
        ("ISNULL(1 + NULL(DT_I4))", True),
        ('ISNULL("")', False),
        ('(DT_STR,5,1252)NULL(DT_STR,5,1252) + "a"', None),
    ],
)
def test_null_follows_three_valued_logic(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '"a" < "A"', '"A" < "b"', '"a" < "B"', '"_a" < "1a"', '"1" < "a"', '"ab" < "abc"', '"résumé" < "resumes"',
        '"resume" < "résumé"', '"a" != "A"', '"a " != "a"', '"é" != "e"', '"b" > "A"', '"a" <= "a"', '"Z" > "a"',
        '" " < "a"', '"" < "a"', '"co-op" < "coop"', '"a10" < "a9"',
        "1 < 1.5", "1 == 1.0", "1.50 == 1.5", "0.1F == 0.1", "1 == (DT_I8)1", "(DT_CY)1.5 == 1.5",
        '(DT_DBDATE)"2020-01-01" == (DT_DBTIMESTAMP)"2020-01-01 00:00:00"',
        '(DT_DBDATE)"2020-01-01" < (DT_DBTIMESTAMP)"2020-01-01 00:00:01"',
        '(DT_DATE)"2020-01-02" > (DT_DBTIMESTAMP2,7)"2020-01-01 23:59:59.9999999"',
        '(DT_DBTIMESTAMPOFFSET,0)"2020-01-01 10:00:00 +02:00" == (DT_DBTIMESTAMP)"2020-01-01 08:00:00"',
        '(DT_DBTIME)"10:00:00" < (DT_DBTIME2,3)"10:00:00.001"',
        '(DT_GUID)"{00000000-0000-0000-0000-00000000000a}" == (DT_GUID)"{00000000-0000-0000-0000-00000000000A}"',
        "TRUE == TRUE", "TRUE != FALSE", '(DT_NTEXT)"a" == (DT_NTEXT)"a"',
    ],
)  # fmt: skip
def test_comparisons(text: str) -> None:
    assert value_of(text) is True


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ('TRUE ? "a" : "bcd"', "DT_WSTR,3"),
        ('TRUE ? (DT_STR,9,1252)"a" : "bcd"', "DT_WSTR,9"),
        ("TRUE ? (DT_I2)1 : (DT_UI2)1", "DT_I4"),
        ("TRUE ? 1 : 1.5", "DT_NUMERIC,11,1"),
        ("TRUE ? 1 : 1.5F", "DT_R4"),
        ("TRUE ? (DT_DECIMAL,1)1 : (DT_DECIMAL,3)1", "DT_DECIMAL,3"),
        ('TRUE ? (DT_DBDATE)"2020-01-01" : (DT_DATE)"2020-01-01"', "DT_DBTIMESTAMP"),
        ('TRUE ? (DT_DBDATE)"2020-01-01" : (DT_DBTIMESTAMP2,5)"2020-01-01"', "DT_DBTIMESTAMP2,5"),
        ('TRUE ? (DT_DBTIMESTAMPOFFSET,3)"2020-01-01" : GETDATE()', "DT_DBTIMESTAMPOFFSET,3"),
        ('TRUE ? (DT_DBTIME)"10:00:00" : (DT_DBTIME2,2)"10:00:00"', "DT_DBTIME2,2"),
    ],
)
def test_branches_have_a_common_type(text: str, type_: str) -> None:
    assert type_of(text) == type_


def test_only_the_chosen_branch_is_computed() -> None:
    guarded = "@n == 0 ? 0 : 100 / @n"
    assert outcome(guarded, n={"type": "Int32", "value": 0}) == 0
    assert outcome(guarded, n={"type": "Int32", "value": 7}) == 14
    assert value_of("TRUE ? 1 : 1 / 0") == 1
    assert outcome("x > 0 ? 1 : 1 / 0", {"x": {"type": "DT_I4", "value": 1}}) == 1
    assert outcome("x > 0 ? 1 : 1 / 0", {"x": {"type": "DT_I4", "value": 0}}) == "DIVBYZERO"
    assert error_of("FALSE ? 1 : foo(1)") == "INVALIDFUNCTION"
    assert error_of("TRUE ? 1 : LEN(5)") == "PARAMTYPEMISMATCH"


def test_the_right_side_of_a_decided_operator_is_skipped_but_checked() -> None:
    guard = "@n != 0 && 10 / @n > 1"
    assert outcome(guard, n={"type": "Int32", "value": 0}) is False
    assert outcome(guard, n={"type": "Int32", "value": 2}) is True
    assert outcome("@n == 0 || 10 / @n > 1", n={"type": "Int32", "value": 0}) is True
    assert error_of("FALSE && LEN(5)") == "PARAMTYPEMISMATCH"
