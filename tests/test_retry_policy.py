"""Which failures are retried."""

from __future__ import annotations

import contextlib
import inspect
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_ssis import exceptions
from airflow_provider_ssis.catalog import errors
from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks import entra, extra
from airflow_provider_ssis.project import errors as project_errors
from airflow_provider_ssis.retry_policy import AFTER_A_KILL, POINTLESS, WORTH_IT, RetryPoliciesMissing, SsisRetryPolicy
from tests.support.dag_runs import migrated_home, run_dag

with contextlib.suppress(ImportError):
    from airflow.providers.common.compat.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

HAS_POLICIES = hasattr(SsisRetryPolicy, "evaluate")
with_policies = pytest.mark.skipif(not HAS_POLICIES, reason="retry policies came with Airflow 3.3")

FAILS_AT_ONCE = {
    "AlreadyExists",
    "AmbiguousEnvironment",
    "BuildError",
    "CatalogMissing",
    "DeploymentFailed",
    "DriverMissing",
    "DriverUnsuitable",
    "EnvironmentNotFound",
    "EnvironmentVariableNotFound",
    "ExecutionCanceled",
    "ExecutionNotFound",
    "ExecutionNotRunning",
    "FolderNotEmpty",
    "FolderNotFound",
    "InvalidArchiveError",
    "InvalidArgument",
    "InvalidConnection",
    "InvalidName",
    "InvalidPartError",
    "InvalidTaskArgument",
    "KerberosFailed",
    "LimitExceededError",
    "LoginFailed",
    "NoRunningExecution",
    "AttemptSuperseded",
    "TrySuperseded",
    "NotFound",
    "OperationNotFound",
    "PackageNotFound",
    "ParameterNotFound",
    "PermissionDenied",
    "ProjectError",
    "ProjectKeyMissing",
    "ProjectNameMismatch",
    "ProjectNotFound",
    "ProtectedError",
    "RequiredParameterMissing",
    "TlsRefused",
    "TokenRefused",
    "ValidationFailed",
    "WindowsAuthenticationRequired",
    "WrongParameterType",
}
IS_RETRIED = {
    "AlreadyStarted",
    "AlreadyStopping",
    "CatalogError",
    "ConnectError",
    "ConnectionLost",
    "DeploymentBusy",
    "EntraUnreachable",
    "ExecutionEndedUnexpectedly",
    "ExecutionError",
    "ExecutionFailed",
    "ExecutionNotStopped",
    "ExecutionUnreachable",
    "ExecutionStuckPending",
    "ExecutionTimeout",
    "ExecutionUnsuccessful",
    "InvalidTriggerEvent",
    "KilledBeforeStart",
    "NotStoppable",
    "OtherExecutionActive",
    "PreviousExecutionActive",
    "ProjectChanged",
    "ServerUnreachable",
    "SsisTaskError",
    "StatementTimeout",
    "ExecutionStoppedByKill",
    "TransientError",
}


def classes() -> dict[str, type[Exception]]:
    """Every exception class of the package that a task can fail with."""
    return {
        name: found
        for module in (errors, exceptions, project_errors, extra, entra)
        for name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == module.__name__
    }


def raised(name: str) -> Exception:
    """An exception of a class, whatever its arguments are."""
    found = classes()[name]
    return found.__new__(found)


def action_for(error: Exception, policy: SsisRetryPolicy | None = None) -> str:
    return (policy or SsisRetryPolicy()).evaluate(error, 1, 3).action.value


def test_each_exception_class_is_in_the_table() -> None:
    assert set(classes()) == FAILS_AT_ONCE | IS_RETRIED


@with_policies
@pytest.mark.parametrize("name", sorted(FAILS_AT_ONCE))
def test_what_comes_again_fails_at_once(name: str) -> None:
    assert action_for(raised(name)) == "fail"


@with_policies
@pytest.mark.parametrize("name", sorted(IS_RETRIED))
def test_what_may_pass_is_retried(name: str) -> None:
    assert action_for(raised(name)) == "retry"


@with_policies
def test_failures_that_have_nothing_to_do_with_ssis_are_left_to_airflow() -> None:
    assert action_for(ZeroDivisionError()) == "default"


@with_policies
def test_packages_that_must_not_run_twice_are_not_retried_when_they_failed() -> None:
    careful = SsisRetryPolicy(retry_failed=False)
    assert action_for(raised("ExecutionFailed"), careful) == "fail"
    assert action_for(raised("ServerUnreachable"), careful) == "retry"


@with_policies
def test_the_delay_is_that_of_the_task_unless_given() -> None:
    delay = timedelta(minutes=7)
    assert SsisRetryPolicy().evaluate(raised("ServerUnreachable"), 1, 3).retry_delay is None
    assert SsisRetryPolicy(retry_delay=delay).evaluate(raised("ServerUnreachable"), 1, 3).retry_delay == delay


@with_policies
def test_rules_of_ones_own_come_first() -> None:
    rule = RetryRule(exception=errors.LoginFailed, action=RetryAction.RETRY)
    assert action_for(raised("LoginFailed"), SsisRetryPolicy(rules=[rule])) == "retry"


@with_policies
def test_the_reason_is_told() -> None:
    assert SsisRetryPolicy().evaluate(raised("ParameterNotFound"), 1, 3).reason == (
        "what the task asks for is not there"
    )


@with_policies
def test_it_can_be_written_into_a_serialized_dag() -> None:
    read_back = ExceptionRetryPolicy.deserialize(SsisRetryPolicy().serialize())
    assert read_back.evaluate(raised("TlsRefused"), 1, 3).action is RetryAction.FAIL
    assert read_back.evaluate(raised("TransientError"), 1, 3).action is RetryAction.RETRY


@with_policies
@pytest.mark.processes
def test_real_airflow_retries_what_may_pass_and_nothing_else(
    mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path
) -> None:
    ssisdb.scripts.finish(OperationStatus.ENDED_UNEXPECTEDLY, package="Load.dtsx", times=1)
    dag = Path(__file__).parent / "operators" / "dags" / "retries.py"
    run = run_dag(migrated_home(tmp_path), dag, ssisdb.airflow_uri)
    once, wrong = run.task("ends_unexpectedly_once"), run.task("wrong_parameter")
    assert (once["state"], once["tries"]) == ("success", 2), run.log
    assert (wrong["state"], wrong["tries"]) == ("failed", 1), run.log
    assert "what the task asks for is not there" in run.log


@pytest.mark.skipif(HAS_POLICIES, reason="this Airflow has retry policies")
def test_an_older_airflow_says_what_to_do() -> None:
    with pytest.raises(RetryPoliciesMissing, match=r"Airflow 3\.3.*leave the argument retry_policy out"):
        SsisRetryPolicy()


def test_no_class_has_two_reasons() -> None:
    listed = [found for table in (AFTER_A_KILL, POINTLESS, WORTH_IT) for group in table.values() for found in group]
    assert len(listed) == len(set(listed))
