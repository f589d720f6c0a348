"""How an execution ended."""

from __future__ import annotations

import json

import pytest

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType
from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.errors import ServerUnreachable
from airflow_provider_ssis.catalog.models import OperationMessage
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionEndedUnexpectedly,
    ExecutionFailed,
    ExecutionUnsuccessful,
    ValidationFailed,
)
from airflow_provider_ssis.executions.outcome import duration_of, result_of, unsuccessful_error
from tests.support.scripted_catalog import START, ScriptedCatalog, event, execution_in

COLUMNS_DIFFER = 0xC0202045 - 2**32
VALIDATION_FAILED = 0xC0024107 - 2**32


def test_the_result_is_plain_json() -> None:
    result = result_of(execution_in(Status.SUCCEEDED))
    assert json.loads(json.dumps(result)) == {
        "execution_id": 42,
        "folder": "Sales",
        "project": "Mart",
        "package": "Load.dtsx",
        "status": "succeeded",
        "duration": 90.0,
    }


@pytest.mark.parametrize("status", [Status.CREATED, Status.PENDING, Status.RUNNING, Status.STOPPING])
def test_an_active_execution_has_no_duration(status: Status) -> None:
    assert duration_of(execution_in(status)) is None


@pytest.mark.parametrize(
    ("status", "exception", "text"),
    [
        (Status.FAILED, ExecutionFailed, "failed after 90.0 s (status 4, FAILED)"),
        (Status.CANCELED, ExecutionCanceled, "was stopped after 90.0 s (status 3, CANCELED)"),
        (
            Status.ENDED_UNEXPECTEDLY,
            ExecutionEndedUnexpectedly,
            "ended unexpectedly after 90.0 s (status 6, ENDED_UNEXPECTEDLY)",
        ),
    ],
)
def test_each_way_to_end_has_its_exception(status: Status, exception: type[ExecutionUnsuccessful], text: str) -> None:
    error = unsuccessful_error(ScriptedCatalog().catalog, execution_in(status))
    assert type(error) is exception
    assert str(error).startswith(f"Execution 42 of Sales/Mart/Load.dtsx {text}.\n")
    assert (error.execution_id, error.status, error.duration, error.causes) == (42, status, 90.0, ())


def test_a_package_that_does_not_pass_its_validation_has_its_own_error() -> None:
    messages = [
        event(1, "The column Region is missing.", MessageType.ERROR, message_code=COLUMNS_DIFFER),
        event(2, "There were errors during task validation.", MessageType.ERROR, message_code=VALIDATION_FAILED),
    ]
    error = unsuccessful_error(ScriptedCatalog(events=messages).catalog, execution_in(Status.FAILED))
    assert type(error) is ValidationFailed
    assert "The column Region is missing." in error.causes[0]
    stopped = unsuccessful_error(ScriptedCatalog(events=messages).catalog, execution_in(Status.CANCELED))
    assert type(stopped) is ExecutionCanceled


def test_the_error_names_the_login_that_stopped_the_execution() -> None:
    error = unsuccessful_error(ScriptedCatalog().catalog, execution_in(Status.CANCELED, stopped_by_name=r"CORP\ann"))
    assert r"was stopped by CORP\ann" in str(error)


def test_the_causes_are_the_first_errors_and_the_way_to_see_the_rest() -> None:
    script = ScriptedCatalog(
        events=[
            event(1, "starting"),
            event(2, "disk full", MessageType.ERROR, message_source_name="Copy", package_path=r"\Package\Copy"),
            event(3, "task Copy failed", MessageType.TASK_FAILED),
            *(event(number, f"error {number}", MessageType.ERROR) for number in range(4, 20)),
        ]
    )
    error = unsuccessful_error(script.catalog, execution_in(Status.FAILED))
    assert error.causes[0] == r"disk full (\Package\Copy in Load.dtsx)"
    assert len(error.causes) == 3
    assert all(cause in str(error) for cause in error.causes)
    assert "operation_id 42" in str(error)


def test_the_causes_of_a_scale_out_execution_are_found_although_its_messages_have_no_id() -> None:
    script = ScriptedCatalog(events=[event(None, "starting"), event(None, "disk full", MessageType.ERROR)])
    (cause,) = unsuccessful_error(script.catalog, execution_in(Status.FAILED)).causes
    assert cause.startswith("disk full")


def test_without_event_messages_the_operations_messages_give_the_cause() -> None:
    def message(text: str, message_type: MessageType) -> OperationMessage:
        return OperationMessage(
            operation_message_id=1,
            operation_id=42,
            message_time=START,
            message_type=message_type,
            message_source_type=MessageSourceType.EXTERNAL_PROCESS,
            message=text,
        )

    script = ScriptedCatalog(messages=[message("x", MessageType.INFORMATION), message("no memory", MessageType.ERROR)])
    assert unsuccessful_error(script.catalog, execution_in(Status.FAILED)).causes == ("no memory",)


def test_messages_out_of_reach_do_not_hide_how_the_execution_ended() -> None:
    class Unreadable(ScriptedCatalog):
        def event_messages(self, *args: object, **kwargs: object) -> list[object]:  # type: ignore[override]  # fails
            raise ServerUnreachable("nothing answers")

    error = unsuccessful_error(Unreadable().catalog, execution_in(Status.FAILED))
    assert isinstance(error, ExecutionFailed)
    assert "could not be read: nothing answers" in str(error)
