"""Checks of the statements in a function, which may change only its variables and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.language import cursor_syntax, parser
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserFunction
from airflow_provider_ssis.emulator.tsql.query.rules.assignments import split_assignments
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import inner_sequence
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_ALLOWED: Final = (
    *(s.SetVariable, s.Return, s.If, s.While, s.Block, s.Break, s.Continue, s.Label, s.GoTo, s.Query),
    *(cursor_syntax.DeclareCursor, cursor_syntax.OpenCursor, cursor_syntax.Fetch, cursor_syntax.CloseCursor),
    cursor_syntax.DeallocateCursor,
)
_WITHOUT_TEXT: Final = ("datetimeoffset", "sql_variant")


def check_statements(function: UserFunction) -> None:
    """Check that a function has statements that it may have.

    :raises SqlError: 443, 444, 455 and errors of syntax; 40514, a column of its table has an unsupported type.
    """
    for column in function.columns:
        if column.type.name in _WITHOUT_TEXT:
            raise not_supported(f"A column of type {column.type.name} in the table of a function with statements")
    variables = {each.name.lower(): each.type for each in function.parameters}
    tables = frozenset({function.table.lower()} if function.table else ())
    batch = parser.parse(function.body, variables, tables, in_module=True)
    if not batch.statements or not isinstance(batch.statements[-1], s.Return):
        text = "The last statement included within a function must be a return statement."
        raise SqlError(455, text, state=2)
    for statement in _all(batch.statements):
        if not isinstance(statement, _ALLOWED):
            raise _side_effect(type(statement).__name__, statement.line)
        if isinstance(statement, s.Query):
            _check_query(statement)


def _all(statements: Sequence[s.Statement]) -> Iterator[s.Statement]:
    for statement in statements:
        yield statement
        match statement:
            case s.Block():
                yield from _all(statement.body)
            case s.While():
                yield from _all((statement.body,))
            case s.If():
                yield from _all([each for each in (statement.then, statement.otherwise) if each is not None])


def _check_query(statement: s.Query) -> None:
    tree = statement.text.tree
    if tree.find(exp.NextValueFor) is not None:
        raise inner_sequence()
    if statement.into:
        raise _side_effect("SELECT INTO", statement.line)
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        if not _changes_variable(tree):
            raise _side_effect(tree.key.upper(), statement.line)
    elif not split_assignments(tree).variables:
        text = "Select statements included within a function cannot return data to a client."
        raise SqlError(444, text, state=2, line=statement.line)


def _changes_variable(tree: exp.Expr) -> bool:
    """Whether a statement changes a table variable, which may be named by its alias in FROM."""
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(target, exp.Table):
        return False
    if isinstance(target.this, exp.Parameter):
        return True
    return any(
        isinstance(each.this, exp.Parameter) and each.alias.lower() == target.name.lower()
        for each in tree.find_all(exp.Table)
    )


def _side_effect(what: str, line: int) -> SqlError:
    text = f"Invalid use of a side-effecting operator '{what}' within a function."
    return SqlError(443, text, state=14, line=line)
