"""Messages in the task's log."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.executions import message_log as following
from airflow_provider_ssis.executions.message_log import MessageForwarder, MessageLevel
from tests.support.scripted_catalog import ScriptedCatalog, event
from tests.support.task_runs import LogRecord


def test_errors_and_warnings_keep_their_level_and_all_else_is_info() -> None:
    script = ScriptedCatalog(
        events=[event(number, f"{kind.name}", kind) for number, kind in enumerate(MessageType, start=1)]
    )
    log = LogRecord()
    MessageForwarder(42, log).forward(script.catalog)
    assert log.at("error") == [r"[\Load] ERROR"]
    assert log.at("warning") == [r"[\Load] WARNING"]
    assert len(log.at("info")) == len(MessageType) - 2


def test_a_line_names_the_executable_in_this_run() -> None:
    log = LogRecord()
    script = ScriptedCatalog(
        events=[
            event(1, "a", execution_path=r"\Load\Loop[2]\Copy"),
            event(2, "b", execution_path=None),
            event(3, "c", execution_path=None, package_path=None),
            event(4, "d", execution_path=None, package_path=None, message_source_name=None),
        ]
    )
    MessageForwarder(42, log).forward(script.catalog)
    assert log.at("info") == [r"[\Load\Loop[2]\Copy] a", r"[\Package] b", "[Load] c", "d"]


def test_an_error_shows_its_code() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1, "broken", MessageType.ERROR, message_code=-1071636471)])
    MessageForwarder(42, log).forward(script.catalog)
    assert log.at("error") == [r"[\Load] broken (0xC0202009)"]


def test_a_percent_sign_in_a_message_is_a_percent_sign() -> None:
    log = LogRecord()
    MessageForwarder(42, log).forward(ScriptedCatalog(events=[event(1, "50% done, %s")]).catalog)
    assert log.at("info") == [r"[\Load] 50% done, %s"]


def test_each_message_is_read_once() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1), event(2)])
    follower = MessageForwarder(42, log)
    assert follower.forward(script.catalog) == 2
    assert follower.forward(script.catalog) == 0
    script.events.append(event(7))
    assert follower.forward(script.catalog) == 1
    assert len(log.lines) == 3


def test_many_messages_come_in_bounded_chunks() -> None:
    log = LogRecord()
    count = 2 * following.CHUNK + 1
    script = ScriptedCatalog(events=[event(number) for number in range(1, count + 1)])
    assert MessageForwarder(42, log).forward(script.catalog) == count
    assert script.reads == 3
    assert len(log.lines) == count


def test_messages_without_an_id_come_once_at_the_end() -> None:
    """Messages of Scale Out workers have none."""
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1, "a"), event(None, "b", MessageType.ERROR), event(None, "c")])
    follower = MessageForwarder(42, log)
    assert follower.forward(script.catalog) == 1
    follower.forward_rest(script.catalog)
    assert [line for _, line in log.lines] == [r"[\Load] a", r"[\Load] b", r"[\Load] c"]


def test_of_messages_without_an_id_only_those_of_the_level_come() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(None, "b", MessageType.ERROR), event(None, "c")])
    MessageForwarder(42, log, level=MessageLevel.ERROR).forward_rest(script.catalog)
    assert [line for _, line in log.lines] == [r"[\Load] b"]


@pytest.mark.parametrize(
    ("level", "told_again"),
    [("none", "none"), ("error", "error"), ("warning", "warning"), ("information", "warning"), ("all", "warning")],
)
def test_after_a_deferral_what_matters_is_told_again_and_nothing_below_the_level(level: str, told_again: str) -> None:
    assert MessageLevel(level).after_deferral is MessageLevel(told_again)


def test_after_a_deferral_messages_without_an_id_are_told_at_the_full_level() -> None:
    """The triggerer could not follow them, so they are new to the log."""
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1, "a"), event(None, "b", MessageType.ERROR), event(None, "c")])
    MessageForwarder(42, log, level=MessageLevel.ALL).forward_without_id(script.catalog)
    assert [line for _, line in log.lines] == [r"[\Load] b", r"[\Load] c"]
