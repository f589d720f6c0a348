"""What a run says: message texts, their sources, event handlers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from airflow_provider_ssis.catalog.codes import (
    ContextType,
    ExecutionResult,
    LoggingLevel,
    MessageSourceType,
    MessageType,
    OperationStatus,
)
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from tests.support.simulated_runs import START, play, request, run
from tests.support.ssis_projects import (
    data_flow,
    event_handler,
    execute_package,
    foreach_loop,
    on_success,
    package,
    parameter,
    sequence,
    task,
)


def test_a_run_reads_as_clients_know_it() -> None:
    played = run(package("Load.dtsx", task("Copy")))
    assert [(event.event_name, event.message) for event in played.events] == [
        ("OnPreValidate", "Load:Validation has started."),
        ("OnPreValidate", "Copy:Validation has started."),
        ("OnPostValidate", "Copy:Validation is complete."),
        ("OnPostValidate", "Load:Validation is complete."),
        ("OnPreExecute", "Load:Start, 10:15:00."),
        ("OnPreExecute", "Copy:Start, 10:15:00."),
        ("OnPreValidate", "Copy:Validation has started."),
        ("OnPostValidate", "Copy:Validation is complete."),
        ("OnPostExecute", "Copy:Finished, 10:15:00, Elapsed time: 00:00:00.000."),
        ("OnPostExecute", "Load:Finished, 10:15:00, Elapsed time: 00:00:00.000."),
    ]


def test_elapsed_times_are_those_that_were_scripted() -> None:
    scripts = ScriptBook()
    scripts.take(3723.25, executable="Copy")
    played = run(package("Load.dtsx", task("Copy")), scripts=scripts)
    assert "Copy:Finished, 11:17:03, Elapsed time: 01:02:03.250." in played.texts(MessageType.POST_EXECUTE)
    copy = next(record for record in played.statistics if record.package_path == "\\Package\\Copy")
    assert copy.execution_duration == 3_723_250
    assert played.seconds == pytest.approx(3723.25, abs=0.001)


def test_each_message_says_where_it_comes_from() -> None:
    one = package("Load.dtsx", foreach_loop("Each", data_flow("Orders")), task("Copy"))
    root = one.control_flow
    assert root is not None
    events = run(one).events
    sources = {event.message_source_name: event.message_source_type for event in events}
    assert sources == {
        "Load": MessageSourceType.PACKAGE,
        "Each": MessageSourceType.CONTAINER,
        "Orders": MessageSourceType.DATA_FLOW,
        "Copy": MessageSourceType.TASK,
    }
    orders = [event for event in events if event.message_source_name == "Orders"]
    assert {event.message_source_id for event in orders} == {root.children[0].children[0].id}
    assert {event.package_path for event in orders} == {"\\Package\\Each\\Orders"}
    assert {event.execution_path for event in orders} == {
        "\\Package\\Each\\Orders",  # validated with the package, before any iteration
        *(f"\\Package\\Each[{turn}]\\Orders" for turn in (1, 2, 3)),
    }


def test_times_rise_from_message_to_message() -> None:
    events = run(package("Load.dtsx", sequence("S", data_flow("Orders"), task("Copy")))).events
    times = [event.message_time for event in events]
    assert times == sorted(set(times))
    assert times[0] > START
    assert times[0].utcoffset() == START.utcoffset()


def test_a_scripted_error_has_its_text_and_signed_code_and_the_task_fails_after_it() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy", message=["The disk is full.", "The load was given up."], code=0xC0202009)
    events = run(package("Load.dtsx", task("Copy")), scripts=scripts).events
    first = next(number for number, event in enumerate(events) if event.message_type is MessageType.ERROR)
    assert [(event.event_name, event.message, event.message_code) for event in events[first : first + 3]] == [
        ("OnError", "Copy:Error: The disk is full.", -1071636471),
        ("OnError", "Copy:Error: The load was given up.", -1071636471),
        ("OnTaskFailed", "Copy:Task failed.", None),
    ]


def test_an_error_carries_the_properties_of_the_executables_around() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    played = run(package("Load.dtsx", sequence("S", task("Copy"), max_error_count=7)), scripts=scripts)
    error = next(event for event in played.events if event.message_type is MessageType.ERROR)
    counts = [context for context in error.contexts if context.property_name == "MaximumErrorCount"]
    assert [(each.context_depth, each.context_type, each.package_path) for each in counts] == [
        (1, ContextType.TASK, "\\Package\\S\\Copy"),
        (2, ContextType.SEQUENCE, "\\Package\\S"),
        (3, ContextType.PACKAGE, "\\Package"),
    ]
    assert [each.property_value.value for each in counts if each.property_value] == [1, 7, 1]
    assert all(not event.contexts for event in played.events if event.message_type is not MessageType.ERROR)


def test_before_the_package_executes_the_context_has_no_depth() -> None:
    all_events = (1 << 32) - 1
    asked = replace(
        request(package("Load.dtsx", task("Copy")), level=LoggingLevel.CUSTOMIZED),
        customized_events=all_events << 32 | all_events,
    )
    events = [event for event in play(asked).events if event.contexts]
    depths = [(event.event_name, {context.context_depth for context in event.contexts}) for event in events]
    assert depths[0] == ("OnPreValidate", {0})
    first = [name for name, _ in depths].index("OnPreExecute")
    assert all(found == {0} for _, found in depths[:first])
    assert all(0 not in found for _, found in depths[first:])


def test_a_data_flow_says_its_phases_and_the_rows_it_wrote() -> None:
    events = run(package("Load.dtsx", data_flow("Orders", ["Source", "Derive", "Target"]))).events
    said = [event for event in events if event.message_type is MessageType.INFORMATION]
    assert [event.message for event in said] == [
        "Orders:Information: Validation phase is beginning.",
        "Orders:Information: Validation phase is beginning.",
        "Orders:Information: Prepare for Execute phase is beginning.",
        "Orders:Information: Pre-Execute phase is beginning.",
        "Orders:Information: Execute phase is beginning.",
        "Orders:Information: Post Execute phase is beginning.",
        'Orders:Information: "Target [3]" wrote 1000 rows.',
        "Orders:Information: Cleanup phase is beginning.",
    ]
    assert {event.subcomponent_name for event in said} == {"SSIS.Pipeline"}
    assert {event.message_source_type for event in said} == {MessageSourceType.DATA_FLOW}
    assert said[-2].message_code == 0x4004300B


@pytest.mark.parametrize(
    ("component", "subcomponent", "code"),
    [(None, "Target [2]", 0xC0047022), ("target", "Target [2]", 0xC0047022), ("source", "Source [1]", 0xC0047038)],
)
def test_an_error_of_a_data_flow_is_one_of_a_component_and_the_pipeline_stops(
    component: str | None, subcomponent: str, code: int
) -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Orders", message="A key is there twice.", code=0xC0202009, component=component)
    played = run(package("Load.dtsx", data_flow("Orders", ["Source", "Target"])), scripts=scripts)
    cause, consequence = (event for event in played.events if event.message_type is MessageType.ERROR)
    assert (cause.subcomponent_name, cause.message_code) == (subcomponent, -1071636471)
    assert (consequence.subcomponent_name, consequence.message_code) == ("SSIS.Pipeline", code - (1 << 32))
    assert not any("wrote" in text for text in played.texts(MessageType.INFORMATION))


def test_an_error_for_a_component_that_is_not_there_is_one_of_the_task() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Orders", component="No such")
    played = run(package("Load.dtsx", data_flow("Orders")), scripts=scripts)
    (error,) = (event for event in played.events if event.message_type is MessageType.ERROR)
    assert error.subcomponent_name is None


# --- event handlers


def handled(event: str, *, propagate: bool = True, disabled: bool = False) -> list[str]:
    """What ran in a package whose task Copy fails, with a handler on the container around it and one on the package."""
    inner = replace(event_handler(event, task("Inner"), disabled=disabled), propagate=propagate)
    outer = event_handler(event, task("Outer"))
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    one = package(
        "Load.dtsx", sequence("S", task("Copy"), event_handlers=[inner], max_error_count=0), event_handlers=[outer]
    )
    return run(one, scripts=scripts).ran


def test_an_error_is_handled_from_the_inside_out() -> None:
    assert handled("OnError") == ["Package", "S", "Copy", "Inner", "Outer"]


def test_a_handler_that_does_not_propagate_is_the_last() -> None:
    assert handled("OnError", propagate=False) == ["Package", "S", "Copy", "Inner"]


def test_a_disabled_handler_is_passed_over() -> None:
    assert handled("OnError", disabled=True) == ["Package", "S", "Copy", "Outer"]


def test_an_error_that_is_not_propagated_does_not_count_outside() -> None:
    silent = replace(event_handler("OnError", task("Repair")), propagate=False)
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    played = run(package("Load.dtsx", task("Copy", event_handlers=[silent])), scripts=scripts)
    assert played.results["\\Package\\Copy"] is ExecutionResult.FAILURE
    assert played.status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize("event", ["OnPreValidate", "OnPostValidate", "OnPreExecute", "OnPostExecute"])
def test_a_handler_on_the_package_runs_for_all_inside(event: str) -> None:
    played = run(package("Load.dtsx", task("Copy"), event_handlers=[event_handler(event, task("Log"))]))
    times = {"OnPreValidate": 3, "OnPostValidate": 3, "OnPreExecute": 2, "OnPostExecute": 2}[event]
    assert played.ran.count("Log") == times
    assert played.results[f"\\Package.EventHandlers[{event}]\\Log"] is ExecutionResult.SUCCESS


def test_a_handler_is_not_called_by_what_happens_in_it() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    scripts.fail(executable="Log")
    one = package("Load.dtsx", task("Copy"), event_handlers=[event_handler("OnError", task("Log"))])
    played = run(one, scripts=scripts)
    assert played.ran == ["Package", "Copy", "Log"]
    assert played.status is OperationStatus.FAILED


def test_the_executables_of_a_handler_follow_its_constraints() -> None:
    handler = event_handler("OnPostExecute", task("B"), task("A"), constraints=[on_success("A", "B")])
    assert run(package("Load.dtsx", event_handlers=[handler])).ran == ["Package", "A", "B"]


def test_a_parent_package_handles_what_its_child_raises() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    played = run(
        package(
            "Parent.dtsx",
            execute_package("Run child", "Child.dtsx"),
            event_handlers=[event_handler("OnError", task("Notify"))],
        ),
        package("Child.dtsx", task("Copy")),
        scripts=scripts,
    )
    assert played.ran == ["Package", "Run child", "Package", "Copy", "Notify"]


def test_handlers_still_run_when_a_failure_has_ended_the_package() -> None:
    scripts = ScriptBook()
    scripts.fail(executable="Copy")
    one = package(
        "Load.dtsx",
        task("Copy", fail_package_on_failure=True),
        task("Never"),
        event_handlers=[event_handler("OnWarning", task("Notify"))],
    )
    assert run(one, scripts=scripts).ran == ["Package", "Copy", "Notify"]


def test_the_executables_of_handlers_are_listed_too_run_or_not() -> None:
    one = package(
        "Load.dtsx",
        task("Copy", disabled=True),
        event_handlers=[event_handler("OnError", sequence("S", task("Notify")))],
    )
    assert [record.package_path for record in run(one).executables] == [
        "\\Package",
        "\\Package.EventHandlers[OnError]\\S",
        "\\Package.EventHandlers[OnError]\\S\\Notify",
        "\\Package\\Copy",
    ]


# --- child packages


def test_an_execute_package_task_reports_its_parameters_without_secrets() -> None:
    asked = request(
        package("Parent.dtsx", execute_package("Run child", "Child.dtsx")),
        package(
            "Child.dtsx",
            parameters=[parameter("Size", "Int32", 500), parameter("Key", "String", "s3cret", sensitive=True)],
        ),
        level=LoggingLevel.VERBOSE,
        parameters=[parameter("Region", "String", "north"), parameter("Token", "String", "t0ken", sensitive=True)],
    )
    played = play(replace(asked, parameters={(20, "Region"): 'a "b" <c>', (20, "Token"): "t0ken"}))
    (text,) = played.texts(MessageType.DIAGNOSTIC_EX)
    assert text == (
        '<ExecutePackage PackageName="Child.dtsx">'
        '<Parameter Name="Region" DataType="String" Value=\'a "b" &lt;c&gt;\'/>'
        '<Parameter Name="Token" DataType="String" Sensitive="True"/>'
        '<Parameter Name="Size" DataType="Int32" Value="500"/>'
        '<Parameter Name="Key" DataType="String" Sensitive="True"/>'
        "</ExecutePackage>"
    )
    assert not re.search("s3cret|t0ken", repr(played.records))


# --- packages that cannot be run


def test_an_encrypted_package_fails_at_once_and_says_why() -> None:
    encrypted = replace(package("Load.dtsx"), control_flow=None, note="Load.dtsx is encrypted as a whole.")
    played = run(encrypted)
    assert played.status is OperationStatus.FAILED
    (event,) = played.events
    assert (event.message, event.message_source_type) == (
        "Load.dtsx is encrypted as a whole.",
        MessageSourceType.EXTERNAL_PROCESS,
    )
    assert event.package_name is None
