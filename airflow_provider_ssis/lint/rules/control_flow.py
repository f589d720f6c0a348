"""Rules about the control flow: tasks, containers, loops, precedence constraints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from airflow_provider_ssis.expressions import ExpressionError, compile_expression
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.rule import Hit, rule
from airflow_provider_ssis.lint.subject import CheckedPackage, Subject, is_always_disabled
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp, ExecutableKind
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler, DtsPrecedenceConstraint
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import ExecuteSqlTask, ScriptTask

_SUCCESS_ONLY = (EvalOp.CONSTRAINT, EvalOp.EXPRESSION_AND_CONSTRAINT)
_OPPOSITES = {ConstraintValue.SUCCESS, ConstraintValue.FAILURE}


@rule(
    "F101",
    "disabled-task",
    Severity.INFO,
    explanation="A disabled task or container does not run, and its successors run as if it had succeeded.",
    fix="Remove the task, or enable it",
)
def disabled(subject: Subject) -> Iterator[Hit]:
    """Find disabled tasks, containers and event handlers."""
    for one in subject.packages:
        for owner, _ in one.scopes[1:]:
            if isinstance(owner, DtsContainer) and is_always_disabled(owner):
                yield one.place(owner, owner.path), f"{owner.name} is disabled"
            if isinstance(owner, DtsEventHandler) and owner.disabled and owner.children:
                yield one.place(owner, owner.path), f"the event handler {owner.event} is disabled"


@rule(
    "F102",
    "precedence-never-satisfied",
    Severity.WARNING,
    explanation="A task never runs if its precedence constraints cannot all hold. SSIS reports no error.",
    fix="Correct the constraints, or let one of them be enough (logical OR)",
)
def never_runs(subject: Subject) -> Iterator[Hit]:
    """Find constraints that cannot hold: of a disabled task, a constant expression, or in contradiction."""
    for one in subject.packages:
        for owner, _ in one.scopes:
            yield from _impossible(one, owner.children, owner.constraints)


@rule(
    "F104",
    "script-without-binary",
    Severity.WARNING,
    explanation=(
        "The server does not compile scripts. A Script task fails if the package does not contain its compiled code."
    ),
    fix="Open the script in Visual Studio, build it, and save the package",
)
def without_binary(subject: Subject) -> Iterator[Hit]:
    """Find Script tasks without compiled code."""
    for place, container, task in subject.with_data(ScriptTask):
        if not task.has_binary:
            yield place, f"{container.name} has no compiled script"


@rule(
    "F106",
    "empty-container",
    Severity.INFO,
    explanation="A container without tasks has no effect.",
    fix="Remove the container",
)
def empty(subject: Subject) -> Iterator[Hit]:
    """Find containers without tasks."""
    for place, executable in subject.executables():
        container = executable.container
        if container.kind not in (ExecutableKind.PACKAGE, ExecutableKind.TASK) and not container.children:
            yield place, f"the {container.kind.value} {container.name} is empty"


@rule(
    "F107",
    "loop-without-condition",
    Severity.ERROR,
    explanation="A For loop without EvalExpression, or a Foreach loop without enumerator, fails at validation.",
    fix="Complete the properties of the loop",
)
def incomplete_loop(subject: Subject) -> Iterator[Hit]:
    """Find loops without a condition or an enumerator."""
    for place, container, for_loop in subject.with_data(ForLoop):
        if not for_loop.eval_expression and "EvalExpression" not in container.expressions:
            yield place, f"the For loop {container.name} has no EvalExpression"
    for place, container, foreach_loop in subject.with_data(ForeachLoop):
        if foreach_loop.enumerator is None:
            yield place, f"the Foreach loop {container.name} has no enumerator"


@rule(
    "F108",
    "loop-without-mapping",
    Severity.INFO,
    explanation="A Foreach loop that maps no value to a variable repeats its tasks without the current element.",
    fix="Map the value to a variable, or remove the loop",
)
def without_mapping(subject: Subject) -> Iterator[Hit]:
    """Find Foreach loops without variable mappings."""
    for place, container, loop in subject.with_data(ForeachLoop):
        if loop.enumerator is not None and not loop.mappings:
            yield place, f"the Foreach loop {container.name} maps no value"


@rule(
    "F109",
    "incomplete-sql-task",
    Severity.ERROR,
    explanation="An Execute SQL task without connection or statement fails at validation.",
    fix="Choose a connection manager, and write the statement",
)
def incomplete_sql(subject: Subject) -> Iterator[Hit]:
    """Find Execute SQL tasks without a connection or a statement."""
    for place, container, task in subject.with_data(ExecuteSqlTask):
        missing = [
            word
            for word, value, name in (
                ("connection manager", task.connection, "Connection"),
                ("statement", task.source.strip(), "SqlStatementSource"),
            )
            if not value and name not in container.expressions
        ]
        if missing:
            yield place, f"{container.name} has no {' and no '.join(missing)}"


@rule(
    "F110",
    "result-binding-missing",
    Severity.WARNING,
    explanation="An Execute SQL task with a result set fails at validation without variables for the result.",
    fix="Set ResultSet and the result bindings so that they agree",
)
def bindings(subject: Subject) -> Iterator[Hit]:
    """Find Execute SQL tasks whose result set and bindings do not agree."""
    for place, container, task in subject.with_data(ExecuteSqlTask):
        if "ResultSetType" in container.expressions:
            continue
        kind = task.result_type
        if kind in ("SingleRow", "Rowset", "XML") and not task.results:
            yield place, f"{container.name} has the result set {kind}, but binds it to no variable"
        elif kind in ("Rowset", "XML") and [each.name for each in task.results] != ["0"]:
            yield place, f"{container.name} must bind the result set {kind} by the name 0"


def _impossible(
    one: CheckedPackage, children: Sequence[DtsContainer], constraints: Sequence[DtsPrecedenceConstraint]
) -> Iterator[Hit]:
    by_path = {child.path: child for child in children}
    by_target: dict[str, list[DtsPrecedenceConstraint]] = {}
    for constraint in constraints:
        by_target.setdefault(constraint.target, []).append(constraint)
    never: dict[str, tuple[DtsPrecedenceConstraint, str]] = {}
    found = True
    while found:  # the successors of a task that never runs never run either
        found = False
        for target, before in by_target.items():
            if target not in never and (reason := _never(before, by_path, never)):
                never[target] = reason
                found = True
    for target, (bad, why) in never.items():
        yield one.place(bad, target), f"{by_path[target].name} never runs: {why}"


def _never(
    before: Sequence[DtsPrecedenceConstraint], children: dict[str, DtsContainer], never: Collection[str]
) -> tuple[DtsPrecedenceConstraint, str] | None:
    """Return the constraint because of which a task never runs, and the reason; None if the task can run."""
    reasons = [(each, reason) for each in before if (reason := _reason(each, children, never))]
    needs_all = all(each.logical_and for each in before)
    if reasons and (needs_all or len(reasons) == len(before)):
        return reasons[0]
    for first, second in combinations(before, 2) if needs_all else ():
        both = first.eval_op in _SUCCESS_ONLY and second.eval_op in _SUCCESS_ONLY
        if first.source == second.source and both and {first.value, second.value} == _OPPOSITES:
            return second, f"{children[first.source].name} cannot both succeed and fail"
    return None


def _reason(constraint: DtsPrecedenceConstraint, children: dict[str, DtsContainer], never: Collection[str]) -> str:
    """Return why a constraint can never hold, or an empty text."""
    source = children[constraint.source]
    if constraint.source in never:
        return f"{source.name} never runs"
    needs_failure = constraint.eval_op in _SUCCESS_ONLY and constraint.value is ConstraintValue.FAILURE
    if needs_failure and is_always_disabled(source):
        return f"{source.name} is disabled, so it cannot fail"
    if constraint.eval_op in (EvalOp.EXPRESSION, EvalOp.EXPRESSION_AND_CONSTRAINT) and constraint.expression:
        try:
            if compile_expression(constraint.expression).evaluate() is False:
                return f"{constraint.expression} is always False"
        except ExpressionError:
            return ""
    return ""
