"""Which casts exist, and what they do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_ssis.expressions import ExpressionError, compile_expression
from airflow_provider_ssis.expressions.settings import Settings
from tests.support.expressions import error_of, type_of, value_of

# Source: the diagram on Microsoft's page on the cast operator; rows are sources, columns targets. The three types with
# a scale are cast to and from text by that page's examples.
DIAGRAM = """\
I1 I2 I4 R4 R8 CY DATE BOOL NUMERIC DECIMAL UI1 UI2 UI4 I8 UI8 GUID BYTES STR WSTR DBDATE DBTIME DBTIME2 DBTIMESTAMP \
DBTIMESTAMP2 DBTIMESTAMPOFFSET FILETIME IMAGE TEXT NTEXT
I1 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
I2 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
I4 YYYYYYYYYYYYYYYnYYYYYnYnnnnnn
R4 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
R8 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
CY YYYYYYnYYYYYYYYnnYYnnnnnnnnnn
DATE YYYYYnYYYnYYYYYnnYYYYYYYYnnnn
BOOL YYYYYYYYYYYYYYYnnYYnnnnnnnnnn
NUMERIC YYYYYYYYYYYYYYYnnYYnnnnnnnnnn
DECIMAL YYYYYYnYYYYYYYYnnYYYYnYnnnnnn
UI1 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
UI2 YYYYYYYYYYYYYYYnnYYYYnYnnnnnn
UI4 YYYYYYYYYYYYYYYnYYYYYnYnnnnnn
I8 YYYYYYnYYYYYYYYnYYYnnnnnnYnnn
UI8 YYYYYYnYYYYYYYYnYYYnnnnnnYnnn
GUID nnnnnnnnnnnnnnnYYYYnnnnnnnnnn
BYTES nnnYnnnnnnnnYYYYYYYnnnnnnnYYY
STR YYYYYYYYYYYYYYYYYYYYYYYYYYYYY
WSTR YYYYYYYYYYYYYYYYYYYYYYYYYYYYY
DBDATE nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
DBTIME nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
DBTIME2 nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
DBTIMESTAMP nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
DBTIMESTAMP2 nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
DBTIMESTAMPOFFSET nnnnnnYnnnnnnnnnnYYYYYYYYYnnn
FILETIME nnnnnnYnnnnnnYYnnYYYYYYYYYnnn
IMAGE nnnnnnnnnnnnnnnnYnnnnnnnnnYYY
TEXT nnnnnnnnnnnnnnnnnYnnnnnnnnYYY
NTEXT nnnnnnnnnnnnnnnnnnYnnnnnnnYYY"""
_NAMES, *_ROWS = DIAGRAM.splitlines()
TARGETS = _NAMES.split()
PARAMETERS = {
    "STR": ",50,1252", "WSTR": ",50", "BYTES": ",50", "TEXT": ",1252", "NUMERIC": ",20,3", "DECIMAL": ",3",
    "DBTIME2": ",3", "DBTIMESTAMP2": ",3", "DBTIMESTAMPOFFSET": ",3",
}  # fmt: skip


def full(name: str) -> str:
    """A type with parameters."""
    return f"DT_{name}{PARAMETERS.get(name, '')}"


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.split()[0])
def test_each_cast_of_the_diagram_exists_and_no_other(row: str) -> None:
    source, marks = row.split()
    for target, mark in zip(TARGETS, marks, strict=True):
        found = error_of(f"({full(target)})NULL({full(source)})")
        assert found == ("" if mark == "Y" else "INVALIDCAST"), target


@pytest.mark.parametrize("name", TARGETS)
def test_a_null_casts_to_a_null(name: str) -> None:
    assert value_of(f"({full(name)})NULL({full(name)})") is None
    assert type_of(f"NULL({full(name)})") == full(name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(DT_I4)0.5", 0), ("(DT_I4)1.5", 2), ("(DT_I4)2.5", 2), ("(DT_I4)-1.5", -2), ("(DT_I4)-2.5", -2),
        ("(DT_I4)2.5L", 2), ("(DT_I4)(DT_CY)3.5", 4), ("(DT_I4)(DT_DECIMAL,1)2.5", 2), ("(DT_I4)2.6F", 3),
        ('(DT_I4)" 12 "', 12), ('(DT_I4)"-7"', -7), ('(DT_I4)"+7"', 7), ('(DT_UI1)"255"', 255),
        ('(DT_R8)"1.5e3"', 1500.0), ('(DT_R8)" -.5 "', -0.5), ('(DT_NUMERIC,10,2)"12.345"', "12.34"),
        ('(DT_NUMERIC,10,2)"12.5"', "12.50"), ("(DT_NUMERIC,10,2)1", "1.00"), ("(DT_DECIMAl,2)500", "500.00"),
        ("(DT_CY)1.23456", "1.2346"), ("(DT_CY)1", "1.0000"),
        ("(DT_I4)TRUE", -1), ("(DT_I4)FALSE", 0), ("(DT_R8)TRUE", -1.0), ("(DT_NUMERIC,5,2)TRUE", "-1.00"),
        ("(DT_BOOL)5", True), ("(DT_BOOL)0", False), ("(DT_BOOL)0.1", True), ("(DT_BOOL)-1", True),
        ('(DT_BOOL)"TRUE"', True), ('(DT_BOOL)"false"', False), ('(DT_BOOL)"2"', True), ('(DT_BOOL)"0"', False),
        ("(DT_WSTR,10)-12", "-12"), ("(DT_WSTR,20)1.50", "1.50"), ("(DT_WSTR,20)0.5L", "0.5"),
        ("(DT_WSTR,20)5.0L", "5"), ("(DT_WSTR,20)0.1F", "0.1"), ("(DT_WSTR,20)123456.0L", "123456"),
        ("(DT_WSTR,5)TRUE", "True"), ("(DT_WSTR,5)FALSE", "False"), ("(DT_STR,3,1252)255", "255"),
        ("(DT_WSTR,30)(DT_R8)(1.5 / 3)", "0.5"), ("(DT_WSTR,30)(1.5 / 3)", "0.500000000000"),
        ("(DT_WSTR,40)(DT_GUID)\"{00112233-4455-6677-8899-aabbccddeeff}\"", "{00112233-4455-6677-8899-AABBCCDDEEFF}"),
        ("(DT_WSTR,5)(DT_NTEXT)\"abc\"", "abc"), ("LEN((DT_STR,5,1252)\"\u20ac\")", 1),
        ("(DT_I4)(DT_DATE)\"1900-01-01\"", 2), ("(DT_R8)(DT_DATE)\"1899-12-31 12:00:00\"", 1.5),
        ("(DT_DATE)2.25", "1900-01-01 06:00:00"), ("(DT_DBDATE)36526", "2000-01-01"),
        ("(DT_I8)(DT_FILETIME)\"1601-01-01 00:00:01:000\"", 10000000), ("(DT_FILETIME)0L", "1601-01-01 00:00:00:000"),
        ("(DT_DATE)(DT_NUMERIC,5,2)2", "1900-01-01 00:00:00"),
        ("(DT_I8)9223372036854775807L", 9223372036854775807), ("(DT_UI8)\"18446744073709551615\"", 2**64 - 1),
    ],
)  # fmt: skip
def test_values_of_casts(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(DT_I1)128", "DATACONVERSIONOVERFLOW"),
        ("(DT_UI1)-1", "DATACONVERSIONOVERFLOW"),
        ("(DT_UI4)TRUE", "DATACONVERSIONOVERFLOW"),
        ("(DT_I4)3000000000L", "DATACONVERSIONOVERFLOW"),
        ("(DT_I4)1e300", "DATACONVERSIONOVERFLOW"),
        ("(DT_R4)1e300", "DATACONVERSIONOVERFLOW"),
        ("(DT_NUMERIC,3,1)100", "DATACONVERSIONOVERFLOW"),
        ("(DT_NUMERIC,38,0)1e300", "DATACONVERSIONOVERFLOW"),
        ("(DT_CY)1e15", "DATACONVERSIONOVERFLOW"),
        ("(DT_DECIMAL,28)10", "DATACONVERSIONOVERFLOW"),
        ('(DT_I4)"99999999999"', "DATACONVERSIONOVERFLOW"),
        (f'(DT_I4)"{"9" * 3000}"', "DATACONVERSIONOVERFLOW"),
        ('(DT_I4)"1x"', "DATACONVERSIONFAILED"),
        ('(DT_I4)""', "DATACONVERSIONFAILED"),
        ('(DT_I4)" "', "DATACONVERSIONFAILED"),
        ('(DT_I4)"\\t1"', "DATACONVERSIONFAILED"),
        ('(DT_I4)"\u0661"', "DATACONVERSIONFAILED"),
        ('(DT_I4)"1_0"', "DATACONVERSIONFAILED"),
        ('(DT_R8)"nan"', "DATACONVERSIONFAILED"),
        ('(DT_R8)"1,5"', "DATACONVERSIONFAILED"),
        ('(DT_BOOL)"yes"', "DATACONVERSIONFAILED"),
        ('(DT_GUID)"abc"', "DATACONVERSIONFAILED"),
        ('(DT_GUID)"00112233-4455-6677-8899-aabbccddeeff"', "DATACONVERSIONFAILED"),
        ('(DT_DATE)"tomorrow"', "DATACONVERSIONFAILED"),
        ('(DT_STR,5,1252)"\u0416"', "DATACONVERSIONFAILED"),
        ("(DT_BYTES,4)1", "DATACONVERSIONNOTSUPPORTED"),
        ("(DT_DATE)4000000", "DATACONVERSIONOVERFLOW"),
        ('(DT_WSTR,2)"abc"', "TRUNCATIONASERROR"),
        ('(DT_STR,2,1252)"abc"', "TRUNCATIONASERROR"),
        ("(DT_WSTR,2)123", "TRUNCATIONASERROR"),
        ('(DT_WSTR,1)"\\xD83D\\xDE00"', "TRUNCATIONASERROR"),
        ('(DT_STR,2,65001)"\u20ac"', "TRUNCATIONASERROR"),
        ('(DT_STR,3,932)"\u3042\u3042"', "TRUNCATIONASERROR"),
        ("(DT_WSTR)1", "INVALIDCASTPARAM"),
        ("(DT_STR,5)1", "INVALIDCASTPARAM"),
        ("(DT_I4,5)1", "INVALIDCASTPARAM"),
        ("(DT_NUMERIC,5)1", "INVALIDCASTPARAM"),
        ('(DT_WSTR,"5")1', "INVALIDCASTPARAMTYPE"),
        ("(DT_WSTR,2 + 3)1", "INVALIDCASTPARAMTYPE"),
        ("(DT_WSTR,5.0)1", "INVALIDCASTPARAMTYPE"),
        ("(DT_WSTR,-1)1", "INVALIDCASTLENGTH"),
        ("(DT_WSTR,4001)1", "INVALIDCASTLENGTH"),
        ("(DT_STR,8001,1252)1", "INVALIDCASTLENGTH"),
        ("(DT_STR,5,12345)1", "INVALIDCASTCODEPAGE"),
        ("(DT_NUMERIC,39,0)1", "INVALIDCASTPRECISION"),
        ("(DT_NUMERIC,0,0)1", "INVALIDCASTPRECISION"),
        ("(DT_NUMERIC,5,6)1", "INVALIDCASTSCALE"),
        ("(DT_DECIMAL,29)1", "INVALIDCASTSCALE"),
        ('(DT_DBTIME2,8)"10:00:00"', "INVALIDCASTSCALE"),
        ("NULL(DT_WSTR)", "INVALIDNULLPARAM"),
        ("NULL(DT_I4,5)", "INVALIDNULLPARAM"),
        ("NULL()", "INVALIDNULLPARAM"),
        ("NULL(5)", "INVALIDNULLPARAM"),
        ('NULL(DT_WSTR,"5")', "INVALIDNULLPARAMTYPE"),
        ("NULL(DT_WSTR,-1)", "INVALIDNULLLENGTH"),
        ("NULL(DT_STR,5,12345)", "INVALIDNULLCODEPAGE"),
        ("NULL(DT_NUMERIC,39,0)", "INVALIDNULLPRECISION"),
        ("NULL(DT_NUMERIC,5,6)", "INVALIDNULLSCALE"),
        ('(DT_TEXT,1251)(DT_STR,5,1252)"a"', "CASTCODEPAGEMISMATCH"),
        ("(DT_GUID)1", "INVALIDCAST"),
    ],
)
def test_errors_of_casts(text: str, code: str) -> None:
    assert error_of(text) == code


def test_text_of_multi_byte_code_pages_counts_bytes() -> None:
    assert value_of('(DT_STR,4,932)"\u3042\u3042"') == "\u3042\u3042"
    assert value_of('(DT_STR,3,65001)"\u20ac"') == "\u20ac"


def test_text_stays_dt_str_only_at_the_root() -> None:
    assert type_of('(DT_STR,5,1252)"a"') == "DT_STR,5,1252"
    assert type_of('UPPER((DT_STR,5,1252)"a")') == "DT_WSTR,5"
    assert type_of('TRUE ? (DT_STR,5,1252)"a" : (DT_STR,7,1252)"b"') == "DT_WSTR,7"


def test_text_can_be_cut_where_the_truncation_disposition_ignores_it() -> None:
    settings = Settings(cut_text=True)
    for text, cut in [
        ('(DT_WSTR,2)"abc"', "ab"),
        ('(DT_STR,4,65001)"\u20ac\u20ac"', "\u20ac"),
        ("(DT_WSTR,2)123", "12"),
    ]:
        assert compile_expression(text, settings=settings).evaluate() == cut


def test_a_shorter_text_is_a_warning() -> None:
    expression = compile_expression("(DT_WSTR,2)LEFT(TRIM((DT_WSTR,30)GETDATE()),2 * 4)")
    assert [warning.code.name for warning in expression.warnings] == ["DTS_W_EXPREVALPOTENTIALSTRINGTRUNCATION"]
    with pytest.raises(ExpressionError):
        expression.evaluate()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1e15", "1E+15"), ("123456789012345.0L", "123456789012345"), ("1.5e-7", "1.5E-07"), ("0.00001L", "1E-05"),
        ("0.0001L", "0.0001"), ("-2.5e100", "-2.5E+100"), ("0.0L", "0"), ("1.0e20F", "1E+20"),
        ("16777216.0F", "16777216"),
    ],
)  # fmt: skip
def test_reals_have_their_shortest_text(text: str, written: str) -> None:
    assert value_of(f"(DT_WSTR,50){text}") == written


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ('(DT_R8)"1,5"', 3082, 1.5),
        ('(DT_NUMERIC,9,2)"-1,25"', 1036, Decimal("-1.25")),
        ('(DT_R8)"15"', 1045, 15.0),
        ('(DT_BOOL)"0,5"', 1049, True),
        ('(DT_R8)"1.5"', 2058, 1.5),
        ("(DT_WSTR,20)1.50", 13322, "1,50"),
        ("(DT_WSTR,20)(DT_R8)1.5", 1031, "1,5"),
        ("(DT_WSTR,20)15", 9999, "15"),
    ],
)
def test_the_locale_decides_about_the_decimal_sign(text: str, locale: int, value: object) -> None:
    assert compile_expression(text, settings=Settings(locale=locale)).evaluate() == value


@pytest.mark.parametrize(
    ("text", "locale"), [('(DT_R8)"1.5"', 3082), ('(DT_R8)"1.234,5"', 3082), ("(DT_WSTR,20)1.5", 9999)]
)
def test_numbers_whose_form_in_the_locale_is_not_known_are_refused(text: str, locale: int) -> None:
    with pytest.raises(ExpressionError, match="DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED"):
        compile_expression(text, settings=Settings(locale=locale)).evaluate()
