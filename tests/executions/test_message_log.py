"""Messages in the task's log."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.failures.message_codes import PHASES, ROWS_WRITTEN
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.executions import message_log as following
from airflow_provider_ssis.executions.message_log import MessageForwarder
from tests.support.scripted_catalog import START, ScriptedCatalog, event
from tests.support.task_runs import LogRecord

TIME = START.isoformat(timespec="seconds").partition("T")[2]


def test_errors_and_warnings_keep_their_level_and_all_else_is_info() -> None:
    script = ScriptedCatalog(
        events=[event(number, f"{kind.name}", kind) for number, kind in enumerate(MessageType, start=1)]
    )
    log = LogRecord()
    MessageForwarder(42, log).forward(script.catalog)
    assert log.at("error") == [rf"{TIME} ERROR [\Load]"]
    assert log.at("warning") == [rf"{TIME} WARNING [\Load]"]
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
    assert log.at("info") == [
        rf"{TIME} a [\Load\Loop[2]\Copy]",
        rf"{TIME} b [\Package]",
        f"{TIME} c [Load]",
        f"{TIME} d",
    ]


def test_an_error_shows_its_code() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1, "broken", MessageType.ERROR, message_code=-1071636471)])
    MessageForwarder(42, log).forward(script.catalog)
    assert log.at("error") == [rf"{TIME} broken (0xC0202009) [\Load]"]


def test_a_percent_sign_in_a_message_is_a_percent_sign() -> None:
    log = LogRecord()
    MessageForwarder(42, log).forward(ScriptedCatalog(events=[event(1, "50% done, %s")]).catalog)
    assert log.at("info") == [rf"{TIME} 50% done, %s [\Load]"]


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
    assert [line for _, line in log.lines] == [rf"{TIME} {text} [\Load]" for text in "abc"]


def test_of_messages_without_an_id_only_those_of_the_level_come() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(None, "b", MessageType.ERROR), event(None, "c")])
    MessageForwarder(42, log, level=MessageLevel.ERROR).forward_rest(script.catalog)
    assert [line for _, line in log.lines] == [rf"{TIME} b [\Load]"]


def test_messages_that_are_in_the_log_already_are_not_written_again() -> None:
    log = LogRecord()
    script = ScriptedCatalog(events=[event(1, "a"), event(2, "b"), event(None, "c")])
    MessageForwarder(42, log, after=1).forward_rest(script.catalog)
    assert [line for _, line in log.lines] == [rf"{TIME} {text} [\Load]" for text in "bc"]


NOISE = [
    event(1, "Load:Validation has started.", MessageType.PRE_VALIDATE),
    event(2, "Load:Validation is complete.", MessageType.POST_VALIDATE),
    event(3, "Load:Progress: Validating - 100 percent complete", MessageType.PROGRESS),
    *(event(4, "Load:Information: A phase is beginning.", message_code=code) for code in PHASES),
]
NEWS = [
    event(5, "Load:Start, 10:15:00.", MessageType.PRE_EXECUTE),
    event(6, 'Load:Information: "Sales" wrote 12 rows.', message_code=ROWS_WRITTEN),
    event(7, "Load:Finished, 10:15:01.", MessageType.POST_EXECUTE),
    event(8, "Load:Warning: Nearly full.", MessageType.WARNING),
    event(9, "Load:Error: Full.", MessageType.ERROR),
    event(10, "Load:Task failed.", MessageType.TASK_FAILED),
]


def test_information_leaves_out_validation_progress_and_phases() -> None:
    log = LogRecord()
    MessageForwarder(42, log, level=MessageLevel.INFORMATION).forward(ScriptedCatalog(events=NOISE + NEWS).catalog)
    assert [line for _, line in log.lines] == [rf"{TIME} {each.message} [\Load]" for each in NEWS]


def test_all_leaves_out_nothing() -> None:
    log = LogRecord()
    MessageForwarder(42, log, level=MessageLevel.ALL).forward(ScriptedCatalog(events=NOISE + NEWS).catalog)
    assert len(log.lines) == len(NOISE + NEWS)
