"""Variables, precedence constraints with expressions, loops, Expression tasks and property expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ssis.catalog.codes import MessageType, ObjectType, OperationStatus
from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.models import (
    ConstraintValue,
    EvalOp,
    Executable,
    ForeachItems,
    ForExpressions,
    Package,
    Parameter,
    VariableDefinition,
)
from tests.support.dtsx_text import package_text
from tests.support.simulated_runs import Played, play, request, run
from tests.support.ssis_projects import (
    constraint,
    execute_package,
    for_loop,
    foreach_loop,
    package,
    sequence,
    task,
)


def with_variables(found: Package, *definitions: VariableDefinition) -> Package:
    """A package that declares variables."""
    assert found.control_flow is not None
    return replace(found, control_flow=replace(found.control_flow, definitions=definitions))


def number(name: str, value: int, *, expression: str = "", read_only: bool = False) -> VariableDefinition:
    """A variable of type Int32."""
    return VariableDefinition(f"User::{name}", "Int32", str(value), expression, read_only)


def assigning(name: str, assignment: str) -> Executable:
    """An Expression task."""
    return replace(task(name, type_="Microsoft.ExpressionTask"), assignment=assignment)


def errors_of(played: Played) -> list[tuple[int | None, str]]:
    """The codes and texts of a run's errors."""
    return [(each.message_code, each.message) for each in played.events if each.message_type is MessageType.ERROR]


def arrow(expression: str, eval_op: EvalOp = EvalOp.EXPRESSION_AND_CONSTRAINT, **options: Any) -> Any:
    """A constraint from A to B."""
    return constraint("A", "B", ConstraintValue.SUCCESS, eval_op=eval_op, expression=expression, **options)


@pytest.mark.parametrize(
    ("expression", "eval_op", "forced", "runs"),
    [
        ("@Day == 1", EvalOp.EXPRESSION, None, True),
        ("@Day == 2", EvalOp.EXPRESSION, None, False),
        ("@Day == 2", EvalOp.CONSTRAINT, None, True),
        ("@Day == 1", EvalOp.EXPRESSION_AND_CONSTRAINT, None, True),
        ("@Day == 2", EvalOp.EXPRESSION_AND_CONSTRAINT, None, False),
        ("@Day == 1", EvalOp.EXPRESSION_AND_CONSTRAINT, 1, False),
        ("@Day == 1", EvalOp.EXPRESSION, 1, True),
        ("@Day == 2", EvalOp.EXPRESSION_OR_CONSTRAINT, None, True),
        ("@Day == 1", EvalOp.EXPRESSION_OR_CONSTRAINT, 1, True),
        ("@Day == 2", EvalOp.EXPRESSION_OR_CONSTRAINT, 1, False),
        ("NULL(DT_BOOL)", EvalOp.EXPRESSION, None, False),
    ],
)
def test_constraints_combine_expression_and_outcome(
    expression: str, eval_op: EvalOp, forced: int | None, runs: bool
) -> None:
    tasks = (task("A", force_execution_result=forced), task("B"))
    found = package("P.dtsx", *tasks, constraints=[arrow(expression, eval_op)], max_error_count=0)
    assert ("B" in run(with_variables(found, number("Day", 1))).ran) is runs


@pytest.mark.parametrize(
    ("expression", "symbol"),
    [
        ("@Month == 1", "DTS_E_EXPREVALVARIABLENOTFOUND"),
        ("@Day", "DTS_E_EXPREVALCANNOTCONVERTRESULT"),
        ("1 / (@Day - 1) == 1", "DTS_E_EXPREVALDIVBYZERO"),
        ("x == 1", "DTS_E_EXPREVALNOINPUTCOLUMNCOLLECTIONFORCOLUMNNAME"),
    ],
)
def test_a_constraint_without_a_value_fails_the_container(expression: str, symbol: str) -> None:
    found = package("P.dtsx", task("A"), task("B"), constraints=[arrow(expression)])
    played = run(with_variables(found, number("Day", 1)))
    assert played.status is OperationStatus.FAILED
    assert played.ran == ["Package", "A"]
    (error,) = errors_of(played)
    assert error[0] == 0xC0014021 - (1 << 32)
    assert "precedence constraint from \\Package\\A to \\Package\\B" in error[1]
    assert symbol in error[1]


def test_a_constraint_is_evaluated_when_its_source_ends() -> None:
    tasks = (task("A"), assigning("C", "@Day = 2"), task("B"))
    arrows = [arrow("@Day == 1"), constraint("C", "B", ConstraintValue.SUCCESS)]
    played = run(with_variables(package("P.dtsx", *tasks, constraints=arrows), number("Day", 1)))
    assert played.ran == ["Package", "A", "C", "B"]


def test_a_for_loop_counts() -> None:
    loop = replace(for_loop("Each", task("A")), for_expressions=ForExpressions("@i = 2", "@i < 7", "@i = @i + 1"))
    played = run(with_variables(package("P.dtsx", loop), number("i", 0)))
    assert [record.execution_path for record in played.statistics if record.execution_path.endswith("A")] == [
        f"\\Package\\Each[{turn}]\\A" for turn in range(1, 6)
    ]


def test_a_for_loop_can_take_no_turn_and_follow_an_expression_task() -> None:
    never = replace(for_loop("Never", task("A")), for_expressions=ForExpressions("", "FALSE", ""))
    until = replace(
        for_loop("Until", assigning("Next", "@[User::i] := @i + 3")), for_expressions=ForExpressions("", "@i < 7", "")
    )
    played = run(with_variables(package("P.dtsx", never, until), number("i", 0)))
    assert played.ran == ["Package", "Never", "Until", "Next", "Next", "Next"]


def test_a_loop_that_waits_for_a_time_takes_that_time() -> None:
    condition = 'DATEDIFF("ss", @[System::StartTime], GETDATE()) < 3'
    loop = replace(for_loop("Wait"), for_expressions=ForExpressions("", condition, ""))
    played = run(package("P.dtsx", loop))
    assert played.status is OperationStatus.SUCCEEDED
    assert 2 <= played.seconds <= 4


def test_a_loop_that_nothing_ends_takes_three_turns_with_a_warning() -> None:
    loop = replace(for_loop("Wait", task("A")), for_expressions=ForExpressions("", "@i == 0", ""))
    played = run(with_variables(package("P.dtsx", loop), number("i", 0)))
    assert played.status is OperationStatus.SUCCEEDED
    assert played.ran.count("A") == 3
    warnings = [each.message for each in played.events if each.message_type is MessageType.WARNING]
    assert any("stays true" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("expressions", "code"),
    [
        (ForExpressions("@i = 1", "", ""), 0xC001F185),
        (ForExpressions("@j = 1", "TRUE", ""), 0xC0017009),
        (ForExpressions("", "@i", ""), 0xC0017006),
        (ForExpressions("", "@j < 5", ""), 0xC0017005),
        (ForExpressions("", "@i < 5", "@i = @i / @i"), 0xC0017008),
        (ForExpressions("@fixed = 1", "TRUE", ""), 0xC0017009),
        (ForExpressions("@i = NULL(DT_GUID)", "TRUE", ""), 0xC0017009),
    ],
)
def test_a_loop_with_a_faulty_expression_fails(expressions: ForExpressions, code: int) -> None:
    loop = replace(for_loop("Each", task("A")), for_expressions=expressions)
    variables = (number("i", 0), number("fixed", 0, read_only=True))
    played = run(with_variables(package("P.dtsx", loop), *variables))
    assert played.status is OperationStatus.FAILED
    assert [error[0] for error in errors_of(played)] == [code - (1 << 32)]


def test_a_foreach_loop_over_items_sets_variables() -> None:
    items = ForeachItems((((8, "x"), (3, "1")), ((8, "y"), (3, "2"))), (("User::Name", 0), ("User::i", 1)))
    inner = sequence("S", task("A"), task("B"), constraints=[arrow('@Name == "y" && @i == 2')])
    loop = replace(foreach_loop("Each", inner), foreach_items=items)
    variables = (VariableDefinition("User::Name", "String"), number("i", 0))
    played = run(with_variables(package("P.dtsx", loop), *variables))
    assert played.ran == ["Package", "Each", "S", "A", "S", "A", "B"]


def test_variables_are_seen_in_their_container_and_inside() -> None:
    inner = replace(sequence("S", assigning("Set", "@Day = 5"), task("A")), definitions=(number("Day", 1),))
    tasks = (inner, task("A"), task("B"))
    played = run(with_variables(package("P.dtsx", *tasks, constraints=[arrow("@Day == 2")]), number("Day", 2)))
    assert "B" in played.ran


def test_a_variable_with_an_expression_is_evaluated_when_it_is_read() -> None:
    variables = (number("i", 1), number("Twice", 0, expression="@i * 2"))
    tasks = (assigning("A", "@i = 21"), task("B"))
    found = package("P.dtsx", *tasks, constraints=[arrow("@Twice == 42")])
    assert "B" in run(with_variables(found, *variables)).ran


@pytest.mark.parametrize("expression", ["@Twice + 1", "@Other", "1 / 0", '"text"', " " * 4001 + "1"])
def test_a_variable_whose_expression_fails_is_an_error_where_it_is_read(expression: str) -> None:
    variables = (number("Twice", 0, expression=expression), number("Other", 0, expression="@Twice"))
    found = package("P.dtsx", task("A"), task("B"), constraints=[arrow("@Twice == 0")])
    played = run(with_variables(found, *variables))
    assert played.status is OperationStatus.FAILED
    assert errors_of(played)[0][0] == 0xC0014021 - (1 << 32)
    assert "DTS_E_EXPREVALVARIABLECOMPUTEFAILED" in errors_of(played)[0][1]


@pytest.mark.parametrize(("expression", "runs"), [("@Day != 1", True), ("@Day == 1", False), ('"True"', False)])
def test_a_property_expression_disables_a_task(expression: str, runs: bool) -> None:
    disabling = replace(task("A"), property_expressions=(("Disable", expression), ("Description", "no expression")))
    played = run(with_variables(package("P.dtsx", disabling), number("Day", 1)))
    assert ("A" in played.ran) is runs


def test_a_property_expression_with_a_wrong_value_fails_the_validation() -> None:
    for expression, code in [('"maybe"', 0xC0017004), ("@Month", 0xC0017003)]:
        disabling = replace(task("A"), property_expressions=(("Disable", expression),))
        played = run(package("P.dtsx", disabling))
        assert [error[0] for error in errors_of(played)] == [one - (1 << 32) for one in (code, 0xC0024107)]
        assert (played.ran, played.status) == ([], OperationStatus.FAILED)


def test_an_expression_task_fails_without_a_value() -> None:
    played = run(with_variables(package("P.dtsx", assigning("A", "@Day = 1 / 0")), number("Day", 1)))
    assert played.status is OperationStatus.FAILED
    assert errors_of(played)[0][0] == 0xC004707B - (1 << 32)


def test_parameters_have_the_values_of_the_execution() -> None:
    parameters = (Parameter("Limit", "Int32", 1), Parameter("Name", "String", "a"))
    found = package("P.dtsx", task("A"), task("B"), constraints=[arrow("@[$Package::Limit] > @[$Project::Least]")])
    asked = request(replace(found, parameters=parameters), parameters=[Parameter("Least", "Int64", 5)])
    assert "B" not in play(asked).ran
    given = {(int(ObjectType.PACKAGE), "Limit"): 7}
    assert "B" in play(replace(asked, parameters=given)).ran


def test_a_child_package_has_its_own_variables() -> None:
    child = with_variables(package("C.dtsx", task("A"), task("B"), constraints=[arrow("@Day == 3")]), number("Day", 3))
    parent = with_variables(package("P.dtsx", execute_package("Run", "C.dtsx")), number("Day", 1))
    assert "B" in run(parent, child).ran


@pytest.mark.parametrize(
    ("assignments", "is_secret", "runs_b", "succeeds"),
    [
        ((("Limit", "User::Day"),), False, True, True),
        ((("Limit", "$Package::Days"),), False, True, True),
        ((), False, False, False),  # the parameter is required
        ((("Missing", "User::Day"),), False, False, False),
        ((("Limit", "User::Missing"),), False, False, False),
        ((("Limit", "User::Text"),), False, False, False),
        ((("Limit", "$Package::Days"),), True, False, False),  # a secret, and the parameter of the child is none
    ],
)
def test_a_child_package_gets_the_parameters_that_its_task_assigns(
    assignments: tuple[tuple[str, str], ...], is_secret: bool, runs_b: bool, succeeds: bool
) -> None:
    child = package("C.dtsx", task("A"), task("B"), constraints=[arrow("@[$Package::Limit] == 7")])
    child = replace(child, parameters=(Parameter("Limit", "Int32", 1, required=True),))
    calling = replace(execute_package("Run", "C.dtsx"), child_assignments=assignments)
    text = VariableDefinition("User::Text", "String", "many")
    parent = with_variables(package("P.dtsx", calling), number("Day", 7), text)
    parent = replace(parent, parameters=(Parameter("Days", "Int32", 7, sensitive=is_secret),))
    played = run(parent, child)
    assert ("B" in played.ran, played.status is OperationStatus.SUCCEEDED) == (runs_b, succeeds)


def test_system_variables() -> None:
    expression = '@[System::PackageName] == "P" && @[System::ServerExecutionID] == 1 && !@[System::InteractiveMode]'
    expression += ' && DATEDIFF("day", @[System::StartTime], GETDATE()) == 0'
    assert "B" in run(package("P.dtsx", task("A"), task("B"), constraints=[arrow(expression)])).ran


def test_all_of_it_is_read_from_packages() -> None:
    text = package_text(
        """
<DTS:Variables><DTS:Variable DTS:Namespace="User" DTS:ObjectName="i" DTS:EvaluateAsExpression="True"
 DTS:Expression="1+1" DTS:ReadOnly="True"><DTS:VariableValue DTS:DataType="3">0</DTS:VariableValue></DTS:Variable>
</DTS:Variables>
<DTS:Executables>
<DTS:Executable DTS:refId="Package\\For" DTS:ExecutableType="STOCK:FORLOOP" DTS:ObjectName="For"
 DTS:InitExpression="@i = 0" DTS:EvalExpression="@i &lt; 2" DTS:AssignExpression="@i = @i + 1">
<DTS:PropertyExpression DTS:Name="Disable">@i == 1</DTS:PropertyExpression></DTS:Executable>
<DTS:Executable DTS:refId="Package\\Each" DTS:ExecutableType="STOCK:FOREACHLOOP" DTS:ObjectName="Each">
<DTS:ForEachEnumerator DTS:CreationName="Microsoft.ForEachItemEnumerator"><DTS:ObjectData>
<FEIEItems><FEIEItem><FEIEItemValue Type="3" Value="7"/></FEIEItem></FEIEItems></DTS:ObjectData></DTS:ForEachEnumerator>
<DTS:ForEachVariableMappings><DTS:ForEachVariableMapping DTS:VariableName="User::i" DTS:ValueIndex="0"/>
</DTS:ForEachVariableMappings></DTS:Executable>
<DTS:Executable DTS:refId="Package\\Set" DTS:ExecutableType="Microsoft.ExpressionTask" DTS:ObjectName="Set">
<DTS:ObjectData><ExpressionTask Expression="@i = 1"/></DTS:ObjectData></DTS:Executable>
</DTS:Executables>"""
    )
    root = read_package(text, "Load.dtsx").control_flow
    assert root is not None
    loop, each, setting = root.children
    assert root.definitions == (VariableDefinition("User::i", "Int32", "0", "1+1", True),)
    assert loop.for_expressions == ForExpressions("@i = 0", "@i < 2", "@i = @i + 1")
    assert loop.property_expressions == (("Disable", "@i == 1"),)
    assert each.foreach_items == ForeachItems((((3, "7"),),), (("User::i", 0),))
    assert setting.assignment == "@i = 1"
