"""What a task says when its package fails, or when it was given something wrong."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    FolderNotFound,
    LoginFailed,
    PackageNotFound,
    ParameterNotFound,
    ProjectNotFound,
    RequiredParameterMissing,
    ServerUnreachable,
    TlsRefused,
    WindowsAuthenticationRequired,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.emulator.server import Edition, SsisdbEmulator
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionEndedUnexpectedly,
    ExecutionFailed,
    ExecutionUnreachable,
    InvalidTaskArgument,
)
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.mart import MART
from tests.support.running import SECRET, SingleTryHook, parameters_of, run
from tests.support.ssis_projects import make_ispac, package, parameter, task
from tests.support.waiting import wait_until


def test_a_failed_package_fails_the_task_with_its_first_cause(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.", code=0xC0202009)
    task_run = run()
    with pytest.raises(ExecutionFailed, match=r"The disk is full\.") as caught:
        task_run.execute()
    error = caught.value
    assert error.execution_id == task_run.task_instance.xcoms["execution_id"]
    assert error.status is OperationStatus.FAILED
    assert any("0xC0202009" in cause for cause in error.causes)
    assert f"operation_id {error.execution_id}" in str(error)
    assert any("The disk is full." in line for line in task_run.log.at("error"))


def test_errors_and_warnings_of_the_package_keep_their_level(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    ssisdb.scripts.warn("Nearly full.", package="Load.dtsx", executable="Truncate")
    task_run = run()
    with pytest.raises(ExecutionFailed) as caught:
        task_run.execute()
    assert any("Nearly full." in line for line in task_run.log.at("warning"))
    for message_type, level in ((MessageType.ERROR, "error"), (MessageType.WARNING, "warning")):
        expected = mart.event_messages(caught.value.execution_id, message_types=[message_type])
        assert len(task_run.log.messages(level)) == len(expected)


def test_an_execution_that_ended_unexpectedly_has_its_own_error(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.crash(package="Load.dtsx")
    with pytest.raises(ExecutionEndedUnexpectedly, match="event log"):
        run().execute()


def test_an_execution_that_another_client_stops_has_its_own_error(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(60, package="Load.dtsx")
    task_run = run()
    stopper = threading.Thread(target=stop_when_running, args=(mart,))
    stopper.start()
    with pytest.raises(ExecutionCanceled, match="was stopped by sa"):
        task_run.execute()
    stopper.join()


def stop_when_running(catalog: Catalog) -> None:
    wait_until(lambda: any(each.status is OperationStatus.RUNNING for each in catalog.executions()))
    catalog.stop_operation(next(catalog.executions()).execution_id)


@pytest.mark.slow
def test_a_server_that_disappears_is_reported_with_the_execution_that_continues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SsisdbEmulator()
    server.start()
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", f"{server.airflow_uri}&login_timeout=1")
    monkeypatch.setenv("AIRFLOW__SSIS__OUTAGE_TIMEOUT", "2")
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
    server.scripts.take(600, package="Load.dtsx")
    task_run = run()
    task_run.operator.hook = SingleTryHook()

    def stop_server_when_running() -> None:
        wait_until(lambda: "is running" in str(task_run.log))
        server.stop()

    stopper = threading.Thread(target=stop_server_when_running)
    stopper.start()
    with pytest.raises(ExecutionUnreachable, match=r"Execution \d+ was started and may still.*look at it") as caught:
        task_run.execute()
    stopper.join()
    assert caught.value.execution_id == task_run.task_instance.xcoms["execution_id"]
    assert isinstance(caught.value.__cause__, CatalogError)


@pytest.mark.parametrize(
    ("arguments", "exception", "text"),
    [
        ({"folder": "Nowhere"}, FolderNotFound, r"Nowhere/Mart/Load\.dtsx.*no folder 'Nowhere'"),
        ({"project": "Nothing"}, ProjectNotFound, r"no project 'Nothing' in the folder 'Sales'.*Mart"),
        ({"package": "Other.dtsx"}, PackageNotFound, r"Sales/Mart/Other.dtsx failed.*Load\.dtsx"),
        ({"parameters": {"batchsize": 1}}, ParameterNotFound, r"'batchsize'.*Did you mean 'BatchSize'"),
        ({"project_parameters": {"Sauce": 1}}, ParameterNotFound, r"'Sauce'.*Source"),
        ({"parameters": {"BatchSize": "many"}}, WrongParameterType, r"'BatchSize'.*'many'.*Int32"),
        ({"parameters": {"BatchSize": 2**31}}, WrongParameterType, r"'BatchSize'.*Int32"),
        ({"parameters": {"LoadDate": "31.01.2024"}}, WrongParameterType, r"'LoadDate'.*DateTime.*2024-02-29"),
        (
            {"project_connection_managers": {"Warehouse": {"Speed": 1}}},
            ParameterNotFound,
            r"'CM\.Warehouse\.Speed'.*CM\.Warehouse\.ServerName",
        ),
        (
            {
                "project_parameters": {"CM.Warehouse.ServerName": "a"},
                "project_connection_managers": {"Warehouse": {"ServerName": "b"}},
            },
            InvalidTaskArgument,
            r"'CM\.Warehouse\.ServerName' is given twice",
        ),
        ({"package": "Strict.dtsx"}, RequiredParameterMissing, r"RegionId"),
        ({"logging_level": 17}, InvalidTaskArgument, r"logging_level is 17.*Verbose"),
        ({"parameters": {"Title": None}}, InvalidTaskArgument, r"parameters\['Title'\] is None"),
        ({"parameters": "no json"}, InvalidTaskArgument, r"parameters is not a mapping"),
        ({"use_32bit_runtime": "perhaps"}, InvalidTaskArgument, r"'use_32bit_runtime'"),
        ({"folder": ""}, InvalidTaskArgument, r"'folder'"),
    ],
)
def test_bad_input_is_an_error_that_says_what_where_and_what_to_do(
    mart: Catalog, arguments: dict[str, Any], exception: type[Exception], text: str
) -> None:
    with pytest.raises(exception, match=text) as caught:
        run(**arguments).execute()
    assert caught.value.__cause__ is None
    assert not [each for each in mart.executions() if each.status.is_active]


def test_a_sensitive_value_of_the_wrong_type_is_not_shown(mart: Catalog) -> None:
    with pytest.raises(WrongParameterType, match="'BatchSize'") as caught:
        run(parameters={"BatchSize": {"value": SECRET, "sensitive": True}}).execute()
    assert SECRET not in str(caught.value)


def test_a_wrong_password_is_reported_without_showing_it(
    ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", ssisdb.airflow_uri.replace(ssisdb.password, SECRET))
    with pytest.raises(LoginFailed, match="Check login and password") as caught:
        run().execute()
    assert SECRET not in str(caught.value)
    assert ssisdb.password not in str(caught.value)


def test_an_untrusted_certificate_is_reported(ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = ssisdb.airflow_uri.replace("trust_server_certificate=true", "trust_server_certificate=false")
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    with pytest.raises(TlsRefused, match="trust_server_certificate"):
        run().execute()


def test_an_unreachable_server_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with SsisdbEmulator() as stopped:
        uri = stopped.airflow_uri
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", f"{uri}&login_timeout=1")
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1, port \d+.*Check host"):
        run().execute()


def test_a_boxed_server_refuses_sql_logins_and_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with SsisdbEmulator(edition=Edition.BOX) as box:
        monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", box.airflow_uri)
        with pytest.raises(WindowsAuthenticationRequired, match="Kerberos"):
            run().execute()


def test_names_with_quotes_brackets_semicolons_and_other_letters_work(catalog: Catalog) -> None:
    name = "Zoë's [odd]; 売上--"
    ispac = make_ispac(
        name,
        packages=[package(f"{name}.dtsx", task("Täsk ' ; ]"), parameters=[parameter("Größe", "Int32", 1)])],
    )
    catalog.create_folder(name)
    catalog.deploy_project(name, name, ispac)
    catalog.create_environment(name, name)
    catalog.create_environment_reference(name, name, name)
    task_run = run(
        folder=name, project=name, package=f"{name}.dtsx", environment=f"./{name}", parameters={"Größe": "9"}
    )
    result = task_run.execute()
    assert (result["folder"], result["project"], result["package"]) == (name, name, f"{name}.dtsx")
    assert parameters_of(catalog, result["execution_id"])["Größe"] == 9
    assert "Täsk ' ; ]" in str(task_run.log)


def test_what_looks_like_sql_is_a_name(mart: Catalog) -> None:
    with pytest.raises(PackageNotFound):
        run(package="Load.dtsx'; EXEC catalog.delete_project N'Sales', N'Mart'; --").execute()
    assert mart.project("Sales", "Mart") is not None


def test_a_failure_at_logging_level_none_says_that_no_messages_were_kept(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    with pytest.raises(
        ExecutionFailed, match=r'logging level None, which keeps no messages.*logging_level="Basic"'
    ) as caught:
        run(logging_level="None").execute()
    assert "event_messages" not in str(caught.value)


def test_secrets_appear_nowhere(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_run = run(
        project_parameters={"ApiKey": SECRET},
        project_connection_managers={"Warehouse": {"Password": SECRET}},
        property_overrides={r"\Package.Variables[User::Key].Value": {"value": SECRET, "sensitive": True}},
    )
    with pytest.raises(ExecutionFailed) as caught:
        task_run.execute()
    seen = f"{caught.value!r}{caught.value}{task_run.log}{task_run.task_instance.xcoms}"
    assert SECRET not in seen
    assert ssisdb.password not in seen
    assert repr(Sensitive(SECRET)) == "Sensitive()"
