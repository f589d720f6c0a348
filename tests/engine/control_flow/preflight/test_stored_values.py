"""Damaged parts of a control flow are refused before the run."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ssis.engine import UnsupportedError
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.project.builder.containers import ContainerContents
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.models import EvalOp
from tests.support.engine_runs import EngineRuns, add_task


@pytest.mark.parametrize("owner", ["package", "sequence", "task", "handler"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("Disabled", "yes"), ("DelayValidation", "2"), ("ForceExecutionResult", "3"), ("TransactionOption", "-1")],
)
def test_wrong_values_of_properties(runs: EngineRuns, owner: str, name: str, value: str) -> None:
    package = PackageBuilder("P")
    sequence = package.add_sequence("S")
    owners = {
        "package": package,
        "sequence": sequence,
        "task": add_task(sequence, "T"),
        "handler": package.event_handler("OnError"),
    }
    owners[owner].set_attributes({name: value})
    with pytest.raises(UnsupportedError, match=f"the property {name} with the value '{value}'"):
        runs.run(package)


@pytest.mark.parametrize("value", ["True", "true", "-1", "1", "False", "0", ""])
def test_all_forms_of_booleans_are_read(runs: EngineRuns, value: str) -> None:
    package = PackageBuilder("P")
    add_task(package, "T").set_attributes({"DelayValidation": value, "FailParentOnFailure": value})
    assert runs.run(package).status is Result.SUCCESS


@pytest.mark.parametrize(
    ("name", "value"),
    [("CheckpointUsage", "9"), ("SaveCheckpoints", "maybe"), ("EnableConfig", "maybe"), ("MaxErrorCount", "-1")],
)
def test_wrong_values_of_a_package(runs: EngineRuns, name: str, value: str) -> None:
    package = PackageBuilder("P")
    package.set_attributes({name: value})
    with pytest.raises(UnsupportedError, match=f"the property {name} with the value '?{value}"):
        runs.run(package)


def _constraint(package: ContainerContents) -> None:
    package.connect(add_task(package, "A"), add_task(package, "B"))


def _expression(package: ContainerContents) -> None:
    first, second = add_task(package, "A"), add_task(package, "B")
    package.add_constraint(first, second, expression="1 == 1", eval_op=EvalOp.EXPRESSION)


def _variable(package: ContainerContents) -> None:
    package.add_variable("N", 1)


def _handler(package: ContainerContents) -> None:
    assert isinstance(package, PackageBuilder)
    package.event_handler("OnError")


@pytest.mark.parametrize(
    ("build", "pattern", "replacement", "text"),
    [
        (_constraint, r"(<DTS:PrecedenceConstraint .*?/>)", r"\1\1", "two precedence constraints from"),
        (_expression, r'DTS:Expression="1 == 1"', "", "it evaluates an expression, but has none"),
        (_variable, r"(<DTS:Variable .*?</DTS:Variable>)", r"\1\1", "two variables User::N"),
        (_handler, r"(<DTS:EventHandler .*?</DTS:EventHandler>)", r"\1\1", "two event handlers of OnError"),
    ],
    ids=["constraint", "expression", "variable", "handler"],
)
def test_doubled_and_missing_parts(runs: EngineRuns, build: object, pattern: str, replacement: str, text: str) -> None:
    package = PackageBuilder("P")
    assert callable(build)
    build(package)
    assert runs.run(package).status is Result.SUCCESS
    damaged, count = re.subn(pattern, replacement, package.to_bytes().decode(), count=1, flags=re.DOTALL)
    assert count == 1
    with pytest.raises(UnsupportedError, match=text):
        runs.run(damaged.encode())


@pytest.mark.parametrize(
    "type_name",
    [
        "ExecuteSQLTask",
        "FileSystemTask",
        "ExecuteProcess",
        "ExecutePackageTask",
        "SendMailTask",
        "FtpTask",
        "BulkInsertTask",
        "ExpressionTask",
        "Pipeline",
    ],
)
def test_tasks_with_other_data(runs: EngineRuns, type_name: str) -> None:
    package = PackageBuilder("P")
    package.add_stored_task("T", f"Microsoft.{type_name}", "<other/>")
    with pytest.raises(UnsupportedError, match="the data of the task is missing or damaged"):
        runs.run(package)


def test_the_whole_type_of_an_unknown_task_is_named(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_stored_task("T", "Vendor.SecureTransfer.1", "<other/>")
    with pytest.raises(UnsupportedError, match=r"task of the type Vendor\.SecureTransfer\.1"):
        runs.run(package)
