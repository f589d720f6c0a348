"""The type check: a syntax tree to a typed tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.datatypes import (
    INTEGER_RANGES,
    MAX_BYTES_LENGTH,
    MAX_DECIMAL_SCALE,
    MAX_PRECISION,
    MAX_SECONDS_SCALE,
    MAX_WSTR_LENGTH,
    STRINGS,
    TYPE_PARAMETERS,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value, converter, depends_on_locale
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.functions import FUNCTIONS, Call
from airflow_provider_ssis.expressions.legal_casts import LEGAL, code_pages_differ, known_code_page
from airflow_provider_ssis.expressions.number_types import single
from airflow_provider_ssis.expressions.operators import BOOLEAN, bind_binary, bind_unary, branch_type, text_type
from airflow_provider_ssis.expressions.scope import Scope
from airflow_provider_ssis.expressions.settings import Settings
from airflow_provider_ssis.expressions.syntax import Kind, Node, post_order
from airflow_provider_ssis.expressions.text import units
from airflow_provider_ssis.expressions.typed import Typed

_T = DataTypeCode


@dataclass(frozen=True, slots=True)
class _Parameters:
    """The errors of a type's parameters: of a cast, or of NULL."""

    number: Code
    kind: Code
    length: Code
    precision: Code
    scale: Code
    code_page: Code


_CAST = _Parameters(
    Code.DTS_E_EXPREVALINVALIDCASTPARAM,
    Code.DTS_E_EXPREVALINVALIDCASTPARAMTYPE,
    Code.DTS_E_EXPREVALINVALIDCASTLENGTH,
    Code.DTS_E_EXPREVALINVALIDCASTPRECISION,
    Code.DTS_E_EXPREVALINVALIDCASTSCALE,
    Code.DTS_E_EXPREVALINVALIDCASTCODEPAGE,
)
_NULL = _Parameters(
    Code.DTS_E_EXPREVALINVALIDNULLPARAM,
    Code.DTS_E_EXPREVALINVALIDNULLPARAMTYPE,
    Code.DTS_E_EXPREVALINVALIDNULLLENGTH,
    Code.DTS_E_EXPREVALINVALIDNULLPRECISION,
    Code.DTS_E_EXPREVALINVALIDNULLSCALE,
    Code.DTS_E_EXPREVALINVALIDNULLCODEPAGE,
)


def check(root: Node, scope: Scope, settings: Settings) -> Typed:
    """Return the typed tree of an expression.

    :param root: the syntax tree.
    :param scope: variables and columns.
    :param settings: clock, locale, and whether text is cut.
    :raises ExpressionError: a type, a name, or a number of arguments is wrong.
    """
    stack: list[Typed] = []
    for node in post_order(root):
        count = len(node.children)
        operands = tuple(stack[len(stack) - count :])
        del stack[len(stack) - count :]
        try:
            stack.append(_check_node(node, operands, scope, settings))
        except Fault as fault:
            raise fault.at(node.position, node.lexeme) from None
    return stack[0]


def _check_node(node: Node, operands: tuple[Typed, ...], scope: Scope, settings: Settings) -> Typed:
    match node.kind:
        case Kind.INTEGER:
            return _integer(node)
        case Kind.REAL:
            return _real(node)
        case Kind.STRING:
            return _string(node, scope)
        case Kind.BOOLEAN:
            return _constant(node, BOOLEAN, node.lexeme.lower() == "true")
        case Kind.VARIABLE:
            return _variable(node, scope)
        case Kind.COLUMN:
            return _column(node, scope.column(node.lexeme, node.source), scope)
        case Kind.LINEAGE:
            return _column(node, scope.lineage(node.lexeme), scope)
        case Kind.NULL:
            return _constant(node, _specified_type(node, node.children, _NULL), None)
        case Kind.CAST:
            return _cast(node, operands[-1], settings)
        case Kind.UNARY:
            type_, compute = bind_unary(node.lexeme, operands[0].type)
            return fold(Typed(f"unary {node.lexeme}", type_, node, operands, compute))
        case Kind.BINARY:
            return _binary(node, operands)
        case Kind.CONDITIONAL:
            return _conditional(node, operands, settings)
        case _:
            return _function(node, operands, settings)


def _constant(node: Node, type_: ColumnType, value: Any) -> Typed:
    return Typed("constant", type_, node, constant=True, known=True, value=value)


# -- literals and names ------------------------------------------------------------------------------------------------


def _too_large(node: Node, type_: DataTypeCode) -> Fault:
    return Fault(
        Code.DTS_E_EXPREVALLITERALOVERFLOW, f"The literal {node.lexeme[:60]} is out of the range of {type_.name}"
    )


def _integer(node: Node) -> Typed:
    text = node.lexeme.upper()
    is_hexadecimal = text.startswith("0X")
    digits = text[2:].rstrip("U") if is_hexadecimal else text.rstrip("UL")
    suffix = "".join(sorted(text[2:].lstrip("0123456789ABCDEF") if is_hexadecimal else text.lstrip("0123456789")))
    code = {"": _T.DT_I4, "U": _T.DT_UI4, "L": _T.DT_I8, "LU": _T.DT_UI8}[suffix]
    digits = digits.lstrip("0") or "0"
    if len(digits) > 20:
        raise _too_large(node, code)
    value = int(digits, 16 if is_hexadecimal else 10)
    if value > INTEGER_RANGES[code][1]:
        raise _too_large(node, code)
    return _constant(node, ColumnType(code), value)


def _real(node: Node) -> Typed:
    text = node.lexeme.upper()
    number = text.rstrip("FL")
    if text[-1] in "FL" or "E" in number:
        code = _T.DT_R4 if text.endswith("F") else _T.DT_R8
        value = single(float(number)) if code is _T.DT_R4 else float(number)
        if value in (float("inf"), float("-inf")):
            raise _too_large(node, code)
        return _constant(node, ColumnType(code), value)
    whole, _, fraction = number.partition(".")
    precision = len(whole) + len(fraction)
    if precision > MAX_PRECISION:
        raise _too_large(node, _T.DT_NUMERIC)
    type_ = ColumnType(_T.DT_NUMERIC, precision=precision, scale=len(fraction))
    return _constant(node, type_, Decimal(f"{whole or '0'}.{fraction}" if fraction else whole))


def _string(node: Node, scope: Scope) -> Typed:
    length = units(node.lexeme)
    if scope.columns is not None and length > MAX_WSTR_LENGTH:
        reason = f"A string in a data flow has at most {MAX_WSTR_LENGTH} characters"
        raise Fault(Code.DTS_E_EXPREVALSTRINGLITERALTOOLONG, reason)
    return _constant(node, text_type(length), node.lexeme)


def _variable(node: Node, scope: Scope) -> Typed:
    name, variable = scope.variable(node.lexeme)
    if variable.type is None:
        reason = f"Expressions cannot use the variable {name!r}, because of its type"
        raise Fault(Code.DTS_E_EXPREVALVARIABLETYPENOTSUPPORTED, reason)
    if scope.columns is not None and variable.type.code in STRINGS and variable.type.length > MAX_WSTR_LENGTH:
        reason = f"The text of variable {name!r} has more than {MAX_WSTR_LENGTH} characters"
        raise Fault(Code.DTS_E_EXPREVALSTRINGVARIABLETOOLONG, reason)
    return Typed("variable", variable.type, node, known=True, value=variable.value)


def _column(node: Node, index: int, scope: Scope) -> Typed:
    assert scope.columns is not None  # noqa: S101 the scope found the column
    column = scope.columns[index]
    if column.type.code is _T.DT_STR and not known_code_page(column.type.code_page):
        reason = f"The column {column.name!r} has the code page {column.type.code_page}, which is not known"
        raise Fault(Code.DTS_E_EXPREVALFAILEDTOCONVERTSTRCOLUMNTOWSTR, reason)
    return Typed("column", column.type, node, column=index)


# -- casts -------------------------------------------------------------------------------------------------------------


def _literal_integer(node: Node) -> int | None:
    if node.kind is Kind.UNARY and node.lexeme == "-" and node.children[0].kind is Kind.INTEGER:
        return -int(str(_integer(node.children[0]).value))
    return int(str(_integer(node).value)) if node.kind is Kind.INTEGER else None


def _specified_type(node: Node, parameters: tuple[Node, ...], errors: _Parameters) -> ColumnType:
    code = DataTypeCode[node.lexeme]
    names = TYPE_PARAMETERS.get(code, ())
    if len(parameters) != len(names):
        needed = f"needs {' and '.join(names).replace('_', ' ')}" if names else "has no parameters"
        raise Fault(errors.number, f"{code.name} {needed}; {len(parameters)} are given")
    values: dict[str, int] = {}
    for name, parameter in zip(names, parameters, strict=True):
        value = _literal_integer(parameter)
        if value is None:
            raise Fault(errors.kind, f"The {name.replace('_', ' ')} of {code.name} must be an integer literal")
        values[name] = value
    if "length" in values:
        most = MAX_WSTR_LENGTH if code is _T.DT_WSTR else MAX_BYTES_LENGTH
        if not 0 <= values["length"] <= most:
            raise Fault(errors.length, f"The length of {code.name} must be from 0 to {most}, not {values['length']}")
    if "precision" in values and not 1 <= values["precision"] <= MAX_PRECISION:
        reason = f"The precision of {code.name} must be from 1 to {MAX_PRECISION}, not {values['precision']}"
        raise Fault(errors.precision, reason)
    if "scale" in values:
        most = values.get("precision", MAX_DECIMAL_SCALE if code is _T.DT_DECIMAL else MAX_SECONDS_SCALE)
        if not 0 <= values["scale"] <= most:
            raise Fault(errors.scale, f"The scale of {code.name} must be from 0 to {most}, not {values['scale']}")
    if "code_page" in values and not known_code_page(values["code_page"]):
        raise Fault(errors.code_page, f"The code page {values['code_page']} is not known")
    return ColumnType(code, **values)


def _cast(node: Node, operand: Typed, settings: Settings) -> Typed:
    target = _specified_type(node, node.children[:-1], _CAST)
    return fold(cast_to(node, operand, target, settings))


def cast_to(node: Node, operand: Typed, target: ColumnType, settings: Settings, *, operation: str = "cast") -> Typed:
    """Return a cast.

    :param node: the node of the syntax tree, for errors.
    :param operand: the operand.
    :param target: the type of the result.
    :param settings: clock, locale, and whether text is cut.
    :param operation: ``cast``, or ``convert`` for an implicit one. Default: ``cast``.
    :raises Fault: the cast does not exist.
    """
    source = operand.type
    if source.code is not target.code and target.code not in LEGAL[source.code]:
        reason = f"{source.code.name} cannot be cast to {target.code.name}"
        raise Fault(Code.DTS_E_EXPREVALINVALIDCAST, reason)
    if code_pages_differ(source, target):
        reason = f"Text of code page {source.code_page} cannot be cast to code page {target.code_page}"
        raise Fault(Code.DTS_E_EXPREVALCASTCODEPAGEMISMATCH, reason)
    compute = converter(source, target, settings)
    if depends_on_locale(source, target, settings.locale):
        operation += " by locale"  # no kernel knows decimal signs
    return Typed(operation, target, node, (operand,), compute)


# -- operators and functions -------------------------------------------------------------------------------------------


def _is_null_string(typed: Typed) -> bool:
    return typed.node.kind is Kind.NULL and typed.code is _T.DT_STR


def _binary(node: Node, operands: tuple[Typed, ...]) -> Typed:
    if any(map(_is_null_string, operands)):
        reason = "NULL(DT_STR,…) cannot be an operand: cast it to DT_STR, or use DT_WSTR"
        raise Fault(Code.DTS_E_EXPREVALBINARYOPDTSTRNOTSUPPORTED, reason)
    if node.lexeme in ("&&", "||"):
        for operand in operands:
            if operand.code is not _T.DT_BOOL:
                reason = f"{node.lexeme} needs DT_BOOL on both sides, not {operand.code.name}"
                raise Fault(Code.DTS_E_EXPREVALUNSUPPORTEDBINARYTYPE, reason)
        return fold(Typed("and" if node.lexeme == "&&" else "or", BOOLEAN, node, operands))
    type_, compute = bind_binary(node.lexeme, operands[0].operand_type, operands[1].operand_type)
    return fold(Typed(f"binary {node.lexeme}", type_, node, operands, compute))


def _conditional(node: Node, operands: tuple[Typed, ...], settings: Settings) -> Typed:
    condition, yes, no = operands
    if condition.code is not _T.DT_BOOL:
        reason = f"The condition of ? : must be DT_BOOL, not {condition.code.name}"
        raise Fault(Code.DTS_E_EXPREVALCONDITIONALOPINVALIDCONDITIONTYPE, reason)
    if _is_null_string(yes) or _is_null_string(no):
        reason = "NULL(DT_STR,…) cannot be a branch of ? : — cast it to DT_STR, or use DT_WSTR"
        raise Fault(Code.DTS_E_EXPREVALCONDITIONALOPDTSTRNOTSUPPORTED, reason)
    type_ = branch_type(yes.operand_type, no.operand_type)
    branches = [
        branch
        if branch.operand_type == type_ or branch.is_text or branch.code is _T.DT_BYTES
        else fold(cast_to(node, branch, type_, settings, operation="convert"))
        for branch in (yes, no)
    ]
    return fold(Typed("conditional", type_, node, (condition, *branches)))


def _function(node: Node, operands: tuple[Typed, ...], settings: Settings) -> Typed:
    name = node.lexeme.upper()
    function = FUNCTIONS.get(name)
    if function is None:
        raise Fault(Code.DTS_E_EXPREVALINVALIDFUNCTION, f"There is no function {node.lexeme!r}")
    if len(operands) != function.arity:
        raise _wrong_arity(name, function.arity, len(operands))
    type_, compute = function.bind(Call(name, operands, settings))
    typed = Typed(f"function {name}", type_, node, operands, compute, strict=function.strict)
    return fold(typed) if function.fixed else typed


def _wrong_arity(name: str, needed: int, given: int) -> Fault:
    if needed == 1:
        code = Code.DTS_E_EXPREVALINVALIDNUMBEROFPARAMSSINGULARPLURAL
    elif given == 1:
        code = Code.DTS_E_EXPREVALINVALIDNUMBEROFPARAMSPLURALSINGULAR
    else:
        code = Code.DTS_E_EXPREVALINVALIDNUMBEROFPARAMSPLURALPLURAL
    return Fault(code, f"{name} needs {needed} argument{'s' * (needed != 1)}, not {given}")


# -- constants ---------------------------------------------------------------------------------------------------------


def fold(typed: Typed) -> Typed:
    """Compute an operation whose operands are all constants; an error becomes its ``fault``."""
    operands = typed.operands
    if not all(operand.constant for operand in operands):
        return typed
    if typed.operation in ("conditional", "and", "or"):
        return _fold_branches(typed)
    if fault := next((operand.fault for operand in operands if operand.fault), None):
        return replace(typed, constant=True, fault=fault)
    if not all(operand.known for operand in operands):
        return replace(typed, constant=True)
    values = [operand.value for operand in operands]
    if typed.strict and None in values:
        return _known(typed, None)
    assert typed.compute is not None  # noqa: S101 only branches have no function
    try:
        value = typed.compute(*values)
    except Fault as error:
        return replace(typed, constant=True, fault=error.at(typed.node.position, typed.node.lexeme))
    if isinstance(value, str) and len(value) > MAX_BYTES_LENGTH:
        return replace(typed, constant=True)  # no large texts in memory before they are needed
    return _known(typed, value)


def _known(typed: Typed, value: Value | None) -> Typed:
    return replace(typed, operands=(), constant=True, known=True, value=value)


def _fold_branches(typed: Typed) -> Typed:
    first, *others = typed.operands
    if first.fault or not first.known:
        return replace(typed, constant=True, fault=first.fault)
    if typed.operation == "conditional":
        if first.value is None:
            return _known(typed, None)
        chosen = others[0] if first.value else others[1]
        return _known(typed, chosen.value) if chosen.known else replace(typed, constant=True, fault=chosen.fault)
    decisive = typed.operation == "or"
    if first.value is decisive:
        return _known(typed, decisive)
    second = others[0]
    if second.fault or not second.known:
        return replace(typed, constant=True, fault=second.fault)
    return _known(typed, logical(decisive, first.value, second.value))


def logical(decisive: bool, first: bool | None, second: bool | None) -> bool | None:
    """The value of ``&&`` (decisive False) or ``||`` (decisive True) with NULLs."""
    if first is decisive or second is decisive:
        return decisive
    return None if first is None or second is None else not decisive
