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
from airflow_provider_ssis.retry_policy import (
    AFTER_A_KILL,
    POINTLESS,
    TEMPORARY,
    WORTH_IT,
    RetryPoliciesMissing,
    SsisRetryPolicy,
)
from tests.support.dag_runs import migrated_home, run_dag

with contextlib.suppress(ImportError):
    from airflow.providers.common.compat.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

HAS_POLICIES = hasattr(SsisRetryPolicy, "evaluate")
HAS_RESCHEDULES = HAS_POLICIES and hasattr(RetryAction, "RESCHEDULE")
with_reschedules = pytest.mark.skipif(not HAS_RESCHEDULES, reason="reschedules after a failure came with Airflow 3.4")
with_policies = pytest.mark.skipif(not HAS_POLICIES, reason="retry policies came with Airflow 3.3")

FAILS_AT_ONCE = {
    "AlreadyExists",
    "AmbiguousEnvironment",
    "BuildError",
    "CatalogMissing",
    "DataTapNotFound",
    "DeploymentFailed",
    "DriverMissing",
    "DriverUnsuitable",
    "EnvironmentNotFound",
    "EnvironmentReferenceNotFound",
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
    "LocalRunRefused",
    "RenderedToNothing",
    "KerberosFailed",
    "LimitExceededError",
    "LoggingLevelNotFound",
    "LoginFailed",
    "NoRunningExecution",
    "AttemptSuperseded",
    "TrySuperseded",
    "NotFound",
    "OperationNotFound",
    "PackageNotFound",
    "ParameterNotFound",
    "PermissionDenied",
    "PrincipalNotFound",
    "ProjectError",
    "ProjectInvalid",
    "ProjectKeyMissing",
    "ProjectNameMismatch",
    "ProjectNotFound",
    "ProtectedError",
    "WrongPasswordError",
    "RequiredParameterMissing",
    "SingleUserRequired",
    "TlsRefused",
    "TokenRefused",
    "ValidationFailed",
    "VersionInUse",
    "VersionNotFound",
    "WindowsAuthenticationRequired",
    "WorkerNotFound",
    "WrongParameterType",
}
IS_RETRIED = {
    "ExecutionNotStarted",
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
    "LocalRunCanceled",
    "LocalRunEndedUnexpectedly",
    "LocalRunError",
    "LocalRunFailed",
    "LocalRunTimeout",
    "NotStoppable",
    "OperationsActive",
    "OtherExecutionActive",
    "PreviousExecutionActive",
    "ProcessNotFound",
    "ProjectChanged",
    "ServerUnreachable",
    "StartInterrupted",
    "SsisTaskError",
    "StatementTimeout",
    "ExecutionStoppedByKill",
    "TransientError",
    "ValidationError",
    "ValidationStopped",
    "ValidationTimeout",
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
    """An exception of a class, made without arguments."""
    found = classes()[name]
    return found.__new__(found)


def action_for(error: Exception, policy: SsisRetryPolicy | None = None) -> str:
    return (policy or SsisRetryPolicy()).evaluate(error, 1, 3).action.value


def test_each_exception_class_is_in_the_table() -> None:
    assert set(classes()) == FAILS_AT_ONCE | IS_RETRIED


@with_policies
@pytest.mark.parametrize("name", sorted(FAILS_AT_ONCE))
def test_a_failure_that_repeats_fails_the_task_at_once(name: str) -> None:
    assert action_for(raised(name)) == "fail"


@with_policies
@pytest.mark.parametrize("name", sorted(IS_RETRIED))
def test_a_failure_that_a_retry_can_fix_is_retried(name: str) -> None:
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
def test_your_own_rules_come_first() -> None:
    rule = RetryRule(exception=errors.LoginFailed, action=RetryAction.RETRY)
    assert action_for(raised("LoginFailed"), SsisRetryPolicy(rules=[rule])) == "retry"


@with_policies
def test_the_decision_has_a_reason() -> None:
    assert SsisRetryPolicy().evaluate(raised("ParameterNotFound"), 1, 3).reason == ("the catalog has no such object")


@with_policies
def test_it_can_be_written_into_a_serialized_dag() -> None:
    read_back = ExceptionRetryPolicy.deserialize(SsisRetryPolicy().serialize())
    assert read_back.evaluate(raised("TlsRefused"), 1, 3).action is RetryAction.FAIL
    assert read_back.evaluate(raised("TransientError"), 1, 3).action is RetryAction.RETRY


@with_policies
@pytest.mark.processes
def test_real_airflow_retries_only_failures_that_a_retry_can_fix(
    mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path
) -> None:
    ssisdb.scripts.finish(OperationStatus.ENDED_UNEXPECTEDLY, package="Load.dtsx", times=1)
    dag = Path(__file__).parent / "operators" / "dags" / "retries.py"
    run = run_dag(migrated_home(tmp_path), dag, ssisdb.airflow_uri)
    once, wrong = run.task("ends_unexpectedly_once"), run.task("wrong_parameter")
    assert (once["state"], once["tries"]) == ("success", 2), run.log
    assert (wrong["state"], wrong["tries"]) == ("failed", 1), run.log
    assert "the catalog has no such object" in run.log


@with_reschedules
@pytest.mark.parametrize("name", ["ServerUnreachable", "PreviousExecutionActive", "ExecutionUnreachable"])
def test_a_temporary_failure_can_reschedule_the_task(name: str) -> None:
    bound = timedelta(hours=1)
    policy = SsisRetryPolicy(reschedule_timeout=bound, retry_delay=timedelta(minutes=2))
    decision = policy.evaluate(raised(name), 1, 3)
    assert decision.action.value == "reschedule"
    assert decision.retry_delay == timedelta(minutes=2)
    assert getattr(decision, "reschedule_timeout", None) == bound


@with_reschedules
@pytest.mark.parametrize(
    ("name", "action"),
    [("LoginFailed", "fail"), ("ExecutionFailed", "retry"), ("ExecutionEndedUnexpectedly", "retry")],
)
def test_other_failures_reschedule_no_task(name: str, action: str) -> None:
    assert action_for(raised(name), SsisRetryPolicy(reschedule_timeout=timedelta(hours=1))) == action


@with_policies
@pytest.mark.skipif(HAS_RESCHEDULES, reason="this Airflow can reschedule tasks after a failure")
def test_an_airflow_without_reschedules_refuses_the_argument() -> None:
    with pytest.raises(RetryPoliciesMissing, match=r"Airflow 3\.4.*Remove the argument reschedule_timeout"):
        SsisRetryPolicy(reschedule_timeout=timedelta(hours=1))


@pytest.mark.skipif(HAS_POLICIES, reason="this Airflow has retry policies")
def test_an_older_airflow_says_what_to_do() -> None:
    with pytest.raises(RetryPoliciesMissing, match=r"Airflow 3\.3.*Remove the argument retry_policy"):
        SsisRetryPolicy()


def test_no_class_has_two_reasons() -> None:
    listed = [
        found for table in (AFTER_A_KILL, POINTLESS, TEMPORARY, WORTH_IT) for group in table.values() for found in group
    ]
    assert len(listed) == len(set(listed))
