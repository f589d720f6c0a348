"""The first causes among the messages of a failed execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType
from airflow_provider_ssis.catalog.failures.causes import describe, failed_validation, first_causes, is_consequence
from airflow_provider_ssis.catalog.failures.message_codes import CONSEQUENCES
from airflow_provider_ssis.catalog.models import EventMessage

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


def message(
    number: int | None,
    text: str = "went wrong",
    *,
    code: str | None = None,
    message_type: MessageType = MessageType.ERROR,
    seconds: int = 0,
) -> EventMessage:
    signed = int.from_bytes(int(code, 16).to_bytes(4, "big"), "big", signed=True) if code is not None else None
    return EventMessage(
        event_message_id=number,
        operation_id=1,
        message_time=NOON + timedelta(seconds=seconds),
        message_type=message_type,
        message_source_type=MessageSourceType.TASK,
        message=text,
        package_name="Load.dtsx",
        event_name="OnError",
        message_source_name="Load Customers",
        subcomponent_name=None,
        package_path=r"\Package\Load Customers",
        execution_path=r"\Package\Load Customers",
        message_code=signed,
    )


def test_the_first_error_in_order_is_the_first_cause() -> None:
    messages = [message(3, "late"), message(1, "early"), message(2, "middle")]
    assert [cause.message for cause in first_causes(messages)] == ["early", "middle", "late"]
    assert [cause.message for cause in first_causes(messages, limit=1)] == ["early"]


def test_what_only_follows_is_left_out() -> None:
    cause = message(2, "Login failed.", code="0xC0202009")
    noise = [message(3 + number, f"follows {code}", code=code) for number, code in enumerate(sorted(CONSEQUENCES))]
    assert first_causes([message(1, "Invalid.", code="0xC004706B"), cause, *noise]) == [cause]


def test_a_consequence_without_a_code_is_known_by_the_symbol_in_its_text() -> None:
    assert is_consequence(message(1, "SSIS Error Code DTS_E_PROCESSINPUTFAILED.  The ProcessInput method failed."))
    assert not is_consequence(message(1, "SSIS Error Code DTS_E_OLEDBERROR.  An OLE DB error has occurred."))


def test_if_all_errors_follow_from_something_the_first_one_is_shown() -> None:
    messages = [message(2, "b", code="0xC0047021"), message(1, "a", code="0xC0047022")]
    assert [cause.message for cause in first_causes(messages)] == ["a"]


def test_an_error_raised_again_by_the_containers_counts_once() -> None:
    messages = [message(1, "same"), message(2, "same"), message(3, "other")]
    assert [cause.event_message_id for cause in first_causes(messages)] == [1, 3]


def test_without_errors_the_failed_tasks_are_shown() -> None:
    failed = message(2, "Load failed", message_type=MessageType.TASK_FAILED)
    assert first_causes([message(1, "careful", message_type=MessageType.WARNING), failed]) == [failed]


def test_messages_of_scale_out_workers_are_ordered_by_time() -> None:
    messages = [message(None, "late", seconds=2), message(None, "early", seconds=1)]
    assert [cause.message for cause in first_causes(messages)] == ["early", "late"]


@given(st.lists(st.integers(1, 50), unique=True))
def test_the_order_in_which_messages_are_read_does_not_matter(numbers: list[int]) -> None:
    messages = [message(number, f"error {number}") for number in numbers]
    assert [cause.event_message_id for cause in first_causes(messages, limit=50)] == sorted(numbers)


def test_a_cause_is_described_with_place_code_and_advice() -> None:
    text = describe(message(1, "An OLE DB error has occurred.", code="0xC0202009"))
    assert text.startswith(
        "An OLE DB error has occurred. "
        r"(0xC0202009 DTS_E_OLEDBERROR; \Package\Load Customers in Load.dtsx)"
    )
    assert "provider's own message" in text


def test_a_symbol_that_the_text_has_already_is_not_shown_twice() -> None:
    text = describe(message(1, "SSIS Error Code DTS_E_OLEDBERROR.  An OLE DB error has occurred.", code="0xC0202009"))
    assert text.count("DTS_E_OLEDBERROR") == 1


def test_an_unknown_code_is_shown_unchanged() -> None:
    assert describe(message(1, "Odd.", code="0xC001F034")).startswith("Odd. (0xC001F034; ")


@pytest.mark.parametrize("code", ["0xC0024107", "0xC004706B", "0xC004700C"])
def test_a_failed_validation_is_known_by_the_code_of_one_of_its_messages(code: str) -> None:
    assert failed_validation([message(1, "The column is missing."), message(2, "follows", code=code)])
    assert not failed_validation([message(1, "The column is missing.")])


def test_a_validation_that_could_not_connect_may_pass_later() -> None:
    no_connection = message(1, "AcquireConnection failed.", code="0xC020801C")
    assert not failed_validation([no_connection, message(2, "follows", code="0xC0024107")])
