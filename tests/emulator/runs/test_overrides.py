"""Property overrides: what they change, and paths that name nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_ssis.catalog.codes import ExecutionResult, LoggingLevel, MessageSourceType, OperationStatus
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.project.models import Executable, Package
from tests.support.simulated_runs import Played, play, request
from tests.support.ssis_projects import (
    connection,
    data_flow,
    event_handler,
    foreach_loop,
    package,
    parameter,
    sequence,
    task,
)


def with_variables(package: Package, variables: dict[str, tuple[str, ...]]) -> Package:
    """The package with variables, by the path of their executable, and with a log provider."""

    def changed(executable: Executable) -> Executable:
        return replace(
            executable,
            variables=variables.get(executable.path, ()),
            children=tuple(changed(child) for child in executable.children),
        )

    assert package.control_flow is not None
    root = replace(changed(package.control_flow), log_providers=("Text file",))
    orders = next(child for child in root.children if child.data_flow is not None)
    assert orders.data_flow is not None
    source, target = orders.data_flow.components
    source = replace(
        source,
        properties=("SqlCommand", "AccessMode"),
        parts=(("Out", "IsMatch"), ("Out", "Day", "FriendlyExpression")),
    )
    flow = replace(orders.data_flow, components=(source, target))
    children = tuple(replace(child, data_flow=flow) if child is orders else child for child in root.children)
    return replace(package, control_flow=replace(root, children=children))


LOAD = with_variables(
    package(
        "Load.dtsx",
        sequence("S", task("Copy"), task("v1.5")),
        data_flow("Orders", ["Source", "Target"]),
        foreach_loop("Files", task("Move"), disabled=True),
        task("Custom", "Vendor.SpecialTask"),
        event_handlers=[event_handler("OnError", task("Notify"))],
        connection_managers=[connection("Sales"), connection("Other", creation_name="VENDOR")],
        parameters=[parameter("Region", "String", "north")],
    ),
    {"\\Package": ("User::Day",), "\\Package\\S": ("Own::Inner",)},
)


def overridden(
    overrides: dict[str, str | None], *, fails: str = "", level: LoggingLevel = LoggingLevel.BASIC
) -> Played:
    scripts = ScriptBook()
    if fails:
        scripts.fail(executable=fails)
    return play(request(LOAD, overrides=overrides, level=level, parameters=[parameter("Source", "String")]), scripts)


def test_an_executable_can_be_disabled_and_enabled() -> None:
    played = overridden(
        {"\\Package\\S\\Copy.Properties[Disable]": "True", "\\Package\\Files.Properties[Disable]": "false"}
    )
    assert "\\Package\\S\\Copy" not in played.results
    assert "\\Package\\Files[3]\\Move" in played.results


def test_a_name_with_a_dot_is_found() -> None:
    assert "\\Package\\S\\v1.5" not in overridden({"\\Package\\S\\v1.5.Properties[Disable]": "1"}).results


def test_paths_are_found_in_any_case() -> None:
    assert "\\Package\\S\\Copy" not in overridden({"\\package\\s\\COPY.properties[disable]": "TRUE"}).results


def test_a_whole_package_can_be_disabled() -> None:
    played = overridden({"\\Package.Properties[Disable]": "True"})
    assert played.status is OperationStatus.SUCCEEDED
    assert played.records == []


def test_an_event_handler_and_what_is_in_it_can_be_disabled() -> None:
    assert "Notify" in overridden({}, fails="Copy").ran
    for path in ("\\Package.EventHandlers[OnError]", "\\Package.EventHandlers[OnError]\\Notify"):
        assert "Notify" not in overridden({f"{path}.Properties[Disable]": "True"}, fails="Copy").ran


def test_the_number_of_errors_that_a_package_may_have_can_be_changed() -> None:
    overrides: dict[str, str | None] = {
        "\\Package.Properties[MaximumErrorCount]": "5",
        "\\Package\\S.Properties[MaximumErrorCount]": "0",
    }
    assert overridden({}, fails="Copy").status is OperationStatus.FAILED
    assert overridden(overrides, fails="Copy").status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("Failure", ExecutionResult.FAILURE),
        ("2", ExecutionResult.COMPLETION),
        ("None", ExecutionResult.SUCCESS),
        ("-1", ExecutionResult.SUCCESS),
    ],
)
def test_a_result_can_be_forced(value: str, result: ExecutionResult) -> None:
    played = overridden({"\\Package\\S\\Copy.Properties[ForceExecutionResult]": value})
    assert played.results["\\Package\\S\\Copy"] is result


def test_a_package_of_forced_completion_is_completed() -> None:
    assert overridden({"\\Package.Properties[ForceExecutionResult]": "Completion"}).status is OperationStatus.COMPLETED


@pytest.mark.parametrize(("name", "ran"), [("FailPackageOnFailure", False), ("FailParentOnFailure", True)])
def test_what_a_failure_ends_can_be_changed(name: str, ran: bool) -> None:
    played = overridden({f"\\Package\\S\\Copy.Properties[{name}]": "True"}, fails="Copy")
    assert "\\Package\\S\\v1.5" not in played.results
    assert ("\\Package\\Orders" in played.results) is ran


@pytest.mark.parametrize(
    "path",
    [
        "\\Package.Variables[User::Day].Value",
        "\\Package.Variables[User::Day].Properties[Value]",
        "\\Package\\S.Variables[User::Day].Properties[Value]",
        "\\Package\\S.Variables[Own::Inner].Value",
        "\\Package\\S\\Copy.Variables[Own::Inner].Value",
        "\\Package\\S\\Copy.Variables[Inner].Value",
        "\\Package.Variables[$Package::Region].Value",
        "\\Package.Variables[$Project::Source].Value",
        "\\Package.Parameters[Region].Value",
        "\\Package.LogProviders[Text file].Properties[ConfigString]",
        "\\Package.Connections[Sales].Properties[initialcatalog]",
        "\\Package.Connections[Other].Properties[Anything]",
        "\\Package\\Custom.Properties[Anything]",
        "\\Package\\S.Properties[DelayValidation]",
        "\\Package.Properties[MaxConcurrentExecutables]",
        "\\Package\\Orders.Properties[DefaultBufferSize]",
        "\\Package\\Orders.Properties[[Target].[Anything]]",
        "\\Package.Connections[Sales].Properties[ConnectionString]",
        "\\Package\\S\\Copy.Properties[SqlStatementSource]",
        "\\Package\\Orders.Properties[[Source].[SqlCommand]]",
        "\\Package\\Orders.Properties[[Source].[Out].[IsMatch]]",
        "\\Package\\Orders.Properties[[Source].[Out].[Day].[FriendlyExpression]]",
        "\\Package\\S.DelayValidation",
        "\\Package.Configurations[Main].ConfigurationString",
        "\\Package\\Files.ForEachEnumerator.Properties[Directory]",
        "\\Package.EventHandlers[OnError]\\Notify.Properties[SqlStatementSource]",
    ],
)
def test_other_properties_of_what_exists_are_accepted(path: str) -> None:
    assert overridden({path: "x"}).status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("\\Package\\Missing.Properties[Disable]", "no such executable"),
        ("\\Package\\S\\Copying.Properties[Disable]", "no such executable"),
        ("\\Package.EventHandlers[OnWarning].Properties[Disable]", "not of the form"),
        ("\\Package.Connections[Missing].Properties[ConnectionString]", "no connection manager 'Missing'"),
        ("\\Package\\Orders.Properties[[Missing].[SqlCommand]]", "no component 'Missing'"),
        ("\\Package.Property[Disable]", "not of the form"),
        ("\\Package.Variables[User::Night].Value", "no variable 'User::Night'"),
        ("\\Package.Variables[User::day].Value", "no variable 'User::day'"),
        ("\\Package.Variables[Own::Inner].Value", "no variable 'Own::Inner'"),
        ("\\Package.Variables[System::StartTime].Value", "no variable 'System::StartTime'"),
        ("\\Package.Variables[Night].Value", "no variable 'Night'"),
        ("\\Package.Variables[User::Day].Properties[Worth]", "no property 'Worth'"),
        ("\\Package.Variables[$Package::Missing].Value", "no parameter 'Missing'"),
        ("\\Package.Variables[$Project::Region].Value", "no parameter 'Region'"),
        ("\\Package.Parameters[Missing].Value", "no parameter 'Missing'"),
        ("\\Package.LogProviders[Missing].Properties[ConfigString]", "no log provider 'Missing'"),
        ("\\Package\\S.LogProviders[Text file].Properties[ConfigString]", "no log provider 'Text file'"),
        ("\\Package.LogProviders[Text file].Properties[Path]", "no property 'Path'"),
        ("\\Package.Connections[Sales].Properties[Catalogue]", "no property 'Catalogue'"),
        ("\\Package.Properties[MaximumErrors]", "no property 'MaximumErrors'"),
        ("\\Package\\S.Properties[SqlStatementSource]", "no property 'SqlStatementSource'"),
        ("\\Package\\S\\Copy.Properties[SqlStatement]", "no property 'SqlStatement'"),
        ("\\Package\\Orders.Properties[[Source].[Command]]", "the component 'Source' has no property 'Command'"),
        (
            "\\Package\\Orders.Properties[[Source].[Out].[Night].[FriendlyExpression]]",
            "'Source' has no property 'Out.Night.FriendlyExpression'",
        ),
        ("\\Package\\Orders.Properties[[Source].[Out].[Other]]", "'Source' has no property 'Out.Other'"),
        ("\\Package.EventHandlers[OnError].Properties[Missing]", "no property 'Missing'"),
        ("\\Package", "no such executable"),
        ("", "no such executable"),
        ("Disable", "no such executable"),
        ("\\Package.Properties[]", "not of the form"),
    ],
)
@pytest.mark.parametrize("level", [LoggingLevel.BASIC, LoggingLevel.NONE])
def test_a_path_that_names_nothing_fails_the_run_at_its_start(path: str, why: str, level: LoggingLevel) -> None:
    played = overridden({path: "c4nary"}, level=level)
    assert played.status is OperationStatus.FAILED
    (event,) = played.records
    assert event in played.events
    assert path in played.events[0].message
    assert why in played.events[0].message
    assert played.events[0].message_source_type is MessageSourceType.EXTERNAL_PROCESS
    assert "c4nary" not in repr(played)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Disable", "a Boolean"),
        ("MaximumErrorCount", "a number of errors"),
        ("ForceExecutionResult", "None, Success, Failure or Completion"),
    ],
)
@pytest.mark.parametrize("value", ["c4nary", None])
def test_a_value_of_the_wrong_type_fails_the_run_at_its_start_untold(name: str, why: str, value: str | None) -> None:
    played = overridden({f"\\Package.Properties[{name}]": value})
    assert played.status is OperationStatus.FAILED
    assert why in played.events[0].message
    assert "c4nary" not in repr(played)


def test_overrides_are_no_part_of_a_request_s_repr() -> None:
    assert "c4nary" not in repr(request(LOAD, overrides={"\\Package.Variables[User::Key].Value": "c4nary"}))
