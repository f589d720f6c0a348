"""Literals, names, precedence, and what is not an expression."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import (
    MAX_VARIABLE_LENGTH,
    Column,
    ExpressionCode,
    ExpressionError,
    Scope,
    Variable,
    compile_assignment,
    compile_expression,
)
from airflow_provider_ssis.expressions.parsing import MAX_LENGTH
from tests.support.expressions import error_of, outcome, type_of, value_of

I4 = ColumnType(DataTypeCode.DT_I4)


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("2147483647", "DT_I4", 2147483647),
        ("4294967295U", "DT_UI4", 4294967295),
        ("4294967295u", "DT_UI4", 4294967295),
        ("9223372036854775807L", "DT_I8", 9223372036854775807),
        ("18446744073709551615UL", "DT_UI8", 18446744073709551615),
        ("1lu", "DT_UI8", 1),
        ("007", "DT_I4", 7),
        ("0x1F", "DT_I4", 31),
        ("0XfFu", "DT_UI4", 255),
        (".9", "DT_NUMERIC,1,1", "0.9"),
        ("6.", "DT_NUMERIC,1,0", "6"),
        ("1.50", "DT_NUMERIC,3,2", "1.50"),
        ("1.5F", "DT_R4", 1.5),
        ("1.5l", "DT_R8", 1.5),
        ("1e3", "DT_R8", 1000.0),
        ("2.5E-1", "DT_R8", 0.25),
        ("1.5e0f", "DT_R4", 1.5),
        ('""', "DT_WSTR,0", ""),
        (r'"a\tb\"\\\x0041"', "DT_WSTR,6", 'a\tb"\\A'),
        (r'"\xD83D\xDE00"', "DT_WSTR,2", "\U0001f600"),
        ('"one\r\ntwo"', "DT_WSTR,8", "one\r\ntwo"),
        ("TrUe", "DT_BOOL", True),
        ("TRUE&&FALSE", "DT_BOOL", False),
        (" \t\r\n1 + \n2 ", "DT_I4", 3),
    ],
)
def test_literals_have_the_type_of_their_form(text: str, type_: str, value: object) -> None:
    assert type_of(text) == type_
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EXPRESSIONEMPTY"),
        (" \n", "EXPRESSIONEMPTY"),
        ("2147483648", "LITERALOVERFLOW"),
        ("-2147483648", "LITERALOVERFLOW"),
        ("4294967296U", "LITERALOVERFLOW"),
        ("9223372036854775808L", "LITERALOVERFLOW"),
        ("18446744073709551616UL", "LITERALOVERFLOW"),
        ("0xFFFFFFFF", "LITERALOVERFLOW"),
        ("9" * 5000, "LITERALOVERFLOW"),
        ("1e400", "LITERALOVERFLOW"),
        ("1e39F", ""),
        (f"1.{'0' * 40}", "LITERALOVERFLOW"),
        ("1.0e39F", "LITERALOVERFLOW"),
        ("12abc", "INVALIDTOKEN"),
        ("1.5.2", "INVALIDTOKEN"),
        (r'"C:\dir"', "ILLEGALESCAPEINSTRINGLITERAL"),
        (r'"\x41"', "ILLEGALHEXESCAPEINSTRINGLITERAL"),
        (r'"\x0000"', "ILLEGALHEXESCAPEINSTRINGLITERAL"),
        ('"a', "INVALIDTOKENSTATE"),
        ("'a'", "INVALIDTOKENSINGLEQUOTE"),
        ("\"a\" + 'b'", "INVALIDTOKENSINGLEQUOTE"),
        ("1 = 2", "INVALIDTOKENSINGLEEQUAL"),
        ("@x = 2", "INVALIDTOKENSINGLEEQUAL"),
        ("UPPER( <<character_expression>> )", "PLACEHOLDERINEXPRESSION"),
        ("<<type>>", "PLACEHOLDERINEXPRESSION"),
        ("FOO(1)", "INVALIDFUNCTION"),
    ],
)
def test_faults_of_tokens_have_their_own_code(text: str, code: str) -> None:
    if text == "1e39F":
        code = "LITERALOVERFLOW"
    assert error_of(text) == code


NO_EXPRESSIONS = """\
1 2|(1|1)|1 +|* 1|+1|++1|1 <> 2|1 !> 2|1 << 2|1 // 2|/* a */ 1|1 -- 2|1 /*a*/|"a""b"|a AND b|NOT 1|1 ? 2|1 : 2|f(1,)
f(,1)|@ x|@User::x|[a|a.b.c|#|#x|()|(DT_I4)|DT_I4|(DT_FOO)1|NULL|TRUE FALSE|1;|$x|{1}|\\|@[]|[]|1\u00a0+ 1"""


@pytest.mark.parametrize("text", NO_EXPRESSIONS.replace("\n", "|").split("|"))
def test_an_invalid_expression_is_refused(text: str) -> None:
    assert error_of(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("10 - 4 - 3", 3),
        ("100 / 10 / 5", 2),
        ("-2 * 3", -6),
        ("- -5", 5),
        ("!!TRUE", True),
        ("~~5", 5),
        ("!(1 == 2)", True),
        ("1 + 2 < 4 == TRUE", True),
        ("(3 & 1) == 1", True),
        ("1 | 2 ^ 3 & 6", 1 | 2 ^ 3 & 6),
        ("TRUE || FALSE && FALSE", True),
        ("FALSE ? 1 : TRUE ? 2 : 3", 2),
        ("TRUE ? FALSE ? 1 : 2 : 3", 2),
        ('(DT_WSTR,3)1 + "2"', "12"),
        ('-(DT_I4)"5"', -5),
        ("(DT_I4)-2.5", -2),
        ("(dt_wstr , 5)(DT_I4) 2.5", "2"),
        ('[UPPER]("a") + upper("b")', "AB"),
    ],
)
def test_operators_bind_by_their_level(text: str, value: object) -> None:
    assert value_of(text) == value


def test_bits_bind_less_than_comparisons_as_in_c() -> None:
    assert error_of("3 & 1 == 1") == "BINARYTYPEMISMATCH"


VARIABLES = {
    "User::x": Variable(I4, 1),
    "Other::x": Variable(I4, 2),
    "User::y": Variable(I4, 3),
    "$Project::Größe (1)": Variable(I4, 4),
    "System::StartTime": Variable(None, None),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@[User::x]", 1),
        ("@[Other::x]", 2),
        ("@y", 3),
        ("@[y]", 3),
        ("@[$Project::Größe (1)]", 4),
        ("@x", ExpressionCode.DTS_E_EXPREVALAMBIGUOUSVARIABLENNAME),
        ("@Y", ExpressionCode.DTS_E_EXPREVALVARIABLENOTFOUND),
        ("@[user::y]", ExpressionCode.DTS_E_EXPREVALVARIABLENOTFOUND),
        ("@[System::StartTime]", ExpressionCode.DTS_E_EXPREVALVARIABLETYPENOTSUPPORTED),
        ("y", ExpressionCode.DTS_E_EXPREVALNOINPUTCOLUMNCOLLECTIONFORCOLUMNNAME),
        ("#12", ExpressionCode.DTS_E_EXPREVALNOINPUTCOLUMNCOLLECTIONFORCOLUMNID),
    ],
)
def test_variables_are_found_by_their_case_sensitive_names(text: str, expected: object) -> None:
    try:
        found: object = compile_expression(text, Scope(VARIABLES)).evaluate()
    except ExpressionError as error:
        found = error.code
    assert found == expected


COLUMNS = [
    Column("a", I4, "In 1", ("#12", "#{Package\\T\\C.Outputs[Out {1}].Columns[a]}")),
    Column("a", I4, "Second", ("#13",)),
    Column(" My Column", I4, "Second", ("#14",)),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#12", 1),
        ("#{Package\\T\\C.Outputs[Out {1}].Columns[a]} * #13", 2),
        ("[ABS](#13)", 2),
        ("[In 1].a", 1),
        ("Second.[a] + [Second].[ My Column]", 5),
        ("[ My Column]", 3),
        ("a", ExpressionCode.DTS_E_EXPREVALAMBIGUOUSINPUTCOLUMNNAME),
        ("b", ExpressionCode.DTS_E_EXPREVALINPUTCOLUMNNAMENOTFOUND),
        ("A", ExpressionCode.DTS_E_EXPREVALINPUTCOLUMNNAMENOTFOUND),
        ("[My Column]", ExpressionCode.DTS_E_EXPREVALINPUTCOLUMNNAMENOTFOUND),
        ("Third.a", ExpressionCode.DTS_E_EXPREVALDOTTEDINPUTCOLUMNNAMENOTFOUND),
        ("#1", ExpressionCode.DTS_E_EXPREVALINPUTCOLUMNIDNOTFOUND),
    ],
)
def test_columns_are_found_by_name_input_and_lineage(text: str, expected: object) -> None:
    try:
        found: object = compile_expression(text, Scope(columns=COLUMNS)).evaluate([1, 2, 3])
    except ExpressionError as error:
        found = error.code
    assert found == expected


def test_a_column_can_be_named_like_a_function_or_a_variable() -> None:
    columns = [Column(name, I4) for name in ("LEN", "NULL", "x")]
    expression = compile_expression("LEN + NULL + x + @x", Scope({"User::x": Variable(I4, 100)}, columns))
    assert expression.evaluate([1, 2, 3]) == 106
    assert expression.columns == (0, 1, 2)


@pytest.mark.parametrize(
    ("text", "position", "token"),
    [
        ("1 + foo", 4, "foo"),
        ("1 +\n  LEN(5)", 6, "LEN"),
        ('"a" + 1', 4, "+"),
        ('TRUE ? 1 : "a"', 5, "? :"),
        ("1 + (2", 6, ""),
        ("1 + 2 3", 6, "3"),
    ],
)
def test_errors_name_position_and_token(text: str, position: int, token: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert (caught.value.position, caught.value.token) == (position, token)
    assert f"at position {position}" in str(caught.value)
    assert caught.value.code.hexadecimal in str(caught.value)


def test_assignments_convert_to_the_variables_type() -> None:
    scope = Scope(VARIABLES | {"User::s": Variable(ColumnType(DataTypeCode.DT_WSTR), "")})
    assignment = compile_assignment("@y = @y + 1", scope)
    assert assignment.variable == "User::y"
    assert assignment.expression.evaluate() == 4
    assert compile_assignment("@[User::y] := 2.5 + 1", scope).expression.evaluate() == 4
    assert compile_assignment('@s = "a longer text"', scope).expression.evaluate() == "a longer text"
    assert compile_assignment("@y = @y == 3 ? 1 : 0", scope).expression.evaluate() == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@z = 1", ExpressionCode.DTS_E_EXPREVALVARIABLENOTFOUND),
        ("@[$Project::Größe (1)] = 1", ExpressionCode.DTS_E_EXPREVALASSIGNMENTTOREADONLYVARIABLE),
        ("@y = NULL(DT_GUID)", ExpressionCode.DTS_E_EXPREVALASSIGNMENTTYPEMISMATCH),
        ("@y", ExpressionCode.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION),
        ("1 = 1", ExpressionCode.DTS_E_EXPREVALFAILEDTOPARSEEXPRESSION),
    ],
)
def test_assignments_that_cannot_be_done(text: str, code: ExpressionCode) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_assignment(text, Scope(VARIABLES))
    assert caught.value.code is code


@pytest.mark.parametrize("text", ["@y", "@y == 3", "1 + 1"])
def test_an_expression_instead_of_an_assignment_is_named(text: str) -> None:
    with pytest.raises(ExpressionError, match="assigns nothing"):
        compile_assignment(text, Scope(VARIABLES))


DEEP = 6000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(" * DEEP + "1" + ")" * DEEP, 1),
        ("!" * DEEP + "TRUE", True),
        ("+".join(["1"] * DEEP), DEEP),
        ("FALSE ? 1 : " * DEEP + "2", 2),
        ("ABS(" * DEEP + "-1" + ")" * DEEP, 1),
        ("(DT_I4)" * DEEP + '"7"', 7),
        ("1+(" * DEEP + "1" + ")" * DEEP, DEEP + 1),
        (" && ".join(["TRUE"] * DEEP), True),
    ],
)
def test_nesting_is_limited_by_the_length_only(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.slow
def test_deep_expressions_of_variables_need_no_recursion() -> None:
    assert outcome("@n == 0 ? 1 : " * DEEP + "2", n={"type": "Int32", "value": 5}) == 2
    assert outcome("1+(" * DEEP + "@n" + ")" * DEEP, n={"type": "Int32", "value": 5}) == DEEP + 5


def test_expressions_of_variables_have_at_most_4000_characters() -> None:
    text = "1".ljust(MAX_VARIABLE_LENGTH)
    assert compile_expression(text, max_length=MAX_VARIABLE_LENGTH).evaluate() == 1
    with pytest.raises(ExpressionError, match="4001 characters"):
        compile_expression(text + " ", max_length=MAX_VARIABLE_LENGTH)


def test_texts_and_expressions_are_bounded() -> None:
    assert error_of("1" + " " * MAX_LENGTH) == "FAILEDTOPARSEEXPRESSIONOUTOFMEMORY"
    assert error_of('REPLICATE("abc", 2147483647)') == "FUNCTIONOVERFLOW"
    assert error_of('REPLACE(REPLICATE("a",100000),"a",REPLICATE("b",100000))') == "FUNCTIONOVERFLOW"
    assert error_of("+".join(['REPLICATE("a",1000000)'] * 3)) == "BINARYOPOVERFLOW"
