"""Variables, parameters, system variables, property expressions and settings."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.properties.property_paths import PathError
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.engine.loading import LoadError
from airflow_provider_ssis.engine.refusals import UnsupportedError
from airflow_provider_ssis.expressions import Settings, compile_expression
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.package.loops import FileEnumerator
from tests.support.engine_runs import EngineRuns, add_task, codes, ran, result_of


def read(name: str, into: list[Any]) -> Any:
    """A function that reads a variable."""
    return lambda context: into.append(context.read(name))


def test_the_nearest_variable_of_a_name_counts(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", "package")
    sequence = package.add_sequence("S")
    sequence.add_variable("X", "sequence")
    add_task(sequence, "Inside")
    add_task(package, "Outside")
    seen: dict[str, str] = {}

    def task(context: TaskContext) -> None:
        seen[context.container.name] = context.read("User::X")

    runs.run(package, {"Inside": task, "Outside": task})
    assert seen == {"Inside": "sequence", "Outside": "package"}


def test_the_expression_of_a_variable_sees_what_its_own_container_sees(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", 1)
    package.add_variable("Next", data_type="Int32", expression="@[User::X] + 1")
    sequence = package.add_sequence("S")
    sequence.add_variable("X", 10)
    sequence.add_variable("Both", data_type="Int32", expression="@[User::X] + @[User::Next]")
    add_task(sequence, "T")
    seen: list[Any] = []
    result = runs.run(package, {"T": lambda context: seen.extend(map(context.read, ("User::Next", "Both")))})
    assert seen == [2, 12]
    assert result.variables == {"User::X": 1, "User::Next": 2}


@pytest.mark.parametrize(
    ("data_type", "expression", "code"),
    [("Int32", "NULL(DT_I4)", 0xC0019004), ("String", "NULL(DT_WSTR, 5)", 0xC0019004), ("Object", "NULL(DT_I4)", None)],
)
def test_the_expression_of_a_variable_cannot_be_null(
    runs: EngineRuns, data_type: str, expression: str, code: int | None
) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", data_type=data_type, expression=expression)
    add_task(package, "T")
    result = runs.run(package, {"T": lambda context: context.read("X")})
    assert codes(result) == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("data_type", "given", "stored"),
    [
        ("Int32", 5, 5),
        ("Single", 0.1, 0.10000000149011612),
        ("Decimal", Decimal(2**96 - 1), Decimal(2**96 - 1)),
        ("Decimal", Decimal("1234567890123456789.12345678901234"), Decimal("1234567890123456789.1234567890")),
        ("Currency", Decimal("1.23455"), Decimal("1.2346")),
        ("Byte", 255, 255),
        ("Double", 3, 3.0),
        ("Decimal", 3, Decimal(3)),
        ("Boolean", True, True),
        ("String", "", ""),
        ("DateTime", date(2024, 2, 29), datetime(2024, 2, 29)),
        ("DateTime", datetime(2024, 2, 29, 1, 2, 3, 456789), datetime(2024, 2, 29, 1, 2, 3, 456789)),
        ("Object", None, None),
        ("Object", {"any": "thing"}, {"any": "thing"}),
        ("Object", iter([1, 2]), [1, 2]),
        ("Object", (number for number in range(2)), [0, 1]),
        ("Object", zip("a", "b", strict=True), [("a", "b")]),
    ],
)
def test_a_variable_takes_values_of_its_type(runs: EngineRuns, data_type: str, given: Any, stored: Any) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", data_type=data_type)
    add_task(package, "T")
    result = runs.run(package, {"T": lambda context: context.write("User::X", given)})
    assert result.variables["User::X"] == stored
    assert type(result.variables["User::X"]) is type(stored)


@pytest.mark.parametrize(
    ("data_type", "given"),
    [
        ("Int32", "5"),
        ("Int32", 5.0),
        ("Int32", True),
        ("Int32", 2**31),
        ("Byte", -1),
        ("String", 5),
        ("String", None),
        ("Boolean", 1),
        ("Double", Decimal(1)),
        ("Single", 1e39),
        ("Decimal", Decimal(2**96)),
        ("Decimal", Decimal("NaN")),
        ("Currency", Decimal("922337203685477.5808")),
        ("DateTime", "2024-02-29"),
        ("DateTime", datetime(2024, 2, 29, 1, tzinfo=UTC)),
        ("Object", repeat(1)),
    ],
)
def test_a_value_of_another_type_is_not_converted(runs: EngineRuns, data_type: str, given: Any) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", data_type=data_type)
    add_task(package, "T")
    assert codes(runs.run(package, {"T": lambda context: context.write("X", given)})) == [0xC001F009]


def test_the_default_of_each_type(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    for name in ("Int32", "String", "Boolean", "DateTime", "Double", "Object"):
        package.add_variable(name, data_type=name)
    assert runs.run(package).variables == {
        "User::Int32": 0,
        "User::String": "",
        "User::Boolean": False,
        "User::DateTime": datetime(1899, 12, 30),
        "User::Double": 0.0,
        "User::Object": None,
    }


def test_an_expression_is_evaluated_at_each_read(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("N", 1)
    package.add_variable("Twice", 0, expression="@[User::N] * 2")
    package.add_variable("Text", "", expression='"N is " + (DT_WSTR, 10) @[User::Twice]')
    add_task(package, "T")
    seen: list[Any] = []

    def task(context: TaskContext) -> None:
        for number in (1, 2):
            context.write("N", number)
            seen.extend([context.read("Twice"), context.read("Text")])
        context.write("Twice", 99)  # has no effect: the next read evaluates the expression
        seen.append(context.read("Twice"))
        seen.append(compile_expression("@Twice + 1", context.scope(), Settings()).evaluate())

    result = runs.run(package, {"T": task})
    assert (seen, result.status) == ([2, "N is 2", 4, "N is 4", 4, 5], Result.SUCCESS)


@pytest.mark.parametrize("expression", ["1 / @[User::Zero]", "@[User::Broken]", "@[User::Missing]"])
def test_a_variable_whose_expression_has_no_value(runs: EngineRuns, expression: str) -> None:
    package = PackageBuilder("P")
    package.add_variable("Zero", 0)
    package.add_variable("Broken", 0, expression=expression)
    add_task(package, "T")
    assert codes(runs.run(package, {"T": lambda context: context.read("Broken")})) == [0xC0019004]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("User::Missing", 0xC0010001),
        ("user::x", 0xC0010001),
        ("X", 0xC001F032),
        ("$Package::Missing", 0xC0010001),
    ],
)
def test_a_name_that_no_variable_or_several_have(runs: EngineRuns, name: str, code: int) -> None:
    package = PackageBuilder("P")
    package.add_variable("X", 1)
    package.add_variable("X", 1, namespace="Other")
    add_task(package, "T")
    assert codes(runs.run(package, {"T": lambda context: context.read(name)})) == [code]


@pytest.mark.parametrize("name", ["User::Fixed", "$Package::Region", "System::PackageName"])
def test_read_only_variables_and_parameters(runs: EngineRuns, name: str) -> None:
    package = PackageBuilder("P")
    package.add_variable("Fixed", "", read_only=True)
    package.add_parameter("Region", "north")
    add_task(package, "T")
    assert codes(runs.run(package, {"T": lambda context: context.write(name, "x")})) == [0xC001F187]


def test_system_variables(runs: EngineRuns) -> None:
    package = PackageBuilder("P", version=(3, 2, 1))
    add_task(package, "T")
    wanted = {
        "PackageName": "P",
        "PackageID": package.id,
        "TaskName": "T",
        "VersionMajor": 3,
        "VersionMinor": 2,
        "VersionBuild": 1,
        "InteractiveMode": False,
        "LocaleID": 1033,
        "LocaleId": 1033,
        "ServerExecutionID": 0,
    }
    seen: dict[str, Any] = {}

    def task(context: TaskContext) -> None:
        seen.update({name: context.read(f"System::{name}") for name in wanted})
        assert context.type_of("System::StartTime") == "DateTime"
        assert context.read("System::StartTime") <= datetime.now()
        assert context.read("System::MachineName")

    result = runs.run(package, {"T": task})
    assert (seen, result.status) == (wanted, Result.SUCCESS)


def project() -> ProjectBuilder:
    """A project whose package has parameters."""
    made = ProjectBuilder("Sales")
    made.add_parameter("Server", "db1")
    package = made.add_package("Load")
    package.add_parameter("Region", "north")
    package.add_parameter("Days", 7)
    add_task(package, "T")
    return made


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["db1", "north", 7]),
        ({"Region": "south", "Days": "30"}, ["db1", "south", 30]),
        ({"$Project::Server": "db2", "$Package::Days": 1}, ["db2", "north", 1]),
        ({"server": "db3"}, ["db3", "north", 7]),
    ],
)
def test_parameters_have_given_values_or_design_defaults(
    runs: EngineRuns, given: dict[str, Any], expected: list[Any]
) -> None:
    seen: list[Any] = []

    def task(context: TaskContext) -> None:
        seen.extend(context.read(name) for name in ("$Project::Server", "$Package::Region", "$Package::Days"))

    runs.run(project(), {"T": task}, parameters=given)
    assert seen == expected


@pytest.mark.parametrize("given", [{"Missing": 1}, {"Days": "many"}, {"$Project::Region": "x"}, {"Days": 2.5}])
def test_wrong_parameters_are_rejected(runs: EngineRuns, given: dict[str, Any]) -> None:
    with pytest.raises(LoadError):
        runs.run(project(), parameters=given)


@pytest.mark.parametrize(
    "given",
    [
        "2024-02-29T13:45:00Z",
        "2024-02-29 13:45:00+02:00",
        "2024-02-29T13:45:00.123-0530",
        "2024-02-29T13:45+02",
        "2024-02-29T13:45:00.1234567",
        "2/29/2024 1:45:00.0000001 PM",
        datetime(2024, 2, 29, 13, 45, tzinfo=UTC),
        iter(["2024-02-29"]),
    ],
)
def test_a_date_that_would_lose_its_offset_or_digits_is_rejected(runs: EngineRuns, given: Any) -> None:
    package = PackageBuilder("P")
    package.add_variable("Day", datetime(2024, 1, 1))
    package.add_parameter("Day", datetime(2024, 1, 1))
    with pytest.raises(LoadError, match=r"not valid: it has (a UTC offset|more than six)|is not a value of DateTime"):
        runs.run(package, parameters={"Day": given})
    for path in ("\\Package.Variables[User::Day].Value", "\\Package.Variables[$Package::Day].Value"):
        with pytest.raises(PathError):
            runs.run(package, property_overrides={path: given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        ("2024-02-29T13:45:00.123456", datetime(2024, 2, 29, 13, 45, 0, 123456)),
        ("2024-02-29 13:45:00.1234560", datetime(2024, 2, 29, 13, 45, 0, 123456)),
        ("2/29/2024 1:45 PM", datetime(2024, 2, 29, 13, 45)),
    ],
)
def test_dates_without_an_offset_are_kept(runs: EngineRuns, given: str, expected: datetime) -> None:
    package = PackageBuilder("P")
    package.add_parameter("Day", datetime(2024, 1, 1))
    add_task(package, "T")
    seen: list[Any] = []
    runs.run(package, {"T": lambda context: seen.append(context.read("$Package::Day"))}, parameters={"Day": given})
    assert seen == [expected]


def test_a_required_parameter_needs_a_value(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_parameter("Region", required=True)
    with pytest.raises(LoadError, match=r"requires a value for the parameter \$Package::Region"):
        runs.run(package)
    assert runs.run(package, parameters={"Region": "north"}).status is Result.SUCCESS
    project = ProjectBuilder("Sales")
    project.add_parameter("Server", required=True)
    project.add_package("P")
    with pytest.raises(LoadError, match=r"requires a value for the parameter \$Project::Server"):
        runs.run(project)
    assert runs.run(project, parameters={"Server": "db1"}).status is Result.SUCCESS


def test_sensitive_values_do_not_appear_in_messages(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_parameter("Token", sensitive=True)
    add_task(package, "T")

    def task(context: TaskContext) -> None:
        raise TaskFailure(f"The login with {context.read('$Package::Token')} failed.")

    result = runs.run(package, {"T": task}, parameters={"Token": "s3cret-Canary"})
    assert "s3cret-Canary" not in repr(result.messages)
    assert "with *** failed" in repr(result.messages)


# --- property expressions and settings


def test_a_property_expression_is_evaluated_when_the_executable_starts(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Skip", False)
    first, second, third = (add_task(package, name) for name in ("First", "Second", "Third"))
    second.set_expression("Disable", "@[User::Skip]")
    package.connect(first, second, third)
    assert ran(runs.run(package)) == ["First", "Second", "Third", "P"]
    skipped = runs.run(package, {"First": lambda context: context.write("Skip", True)})
    assert ran(skipped) == ["First", "Third", "P"]


@pytest.mark.parametrize(
    ("name", "expression", "code"),
    [("Disable", "@[User::Missing]", 0xC0017003), ("MaximumErrorCount", '"many"', 0xC0017004)],
)
def test_a_property_expression_without_a_value_fails_the_validation(
    runs: EngineRuns, name: str, expression: str, code: int
) -> None:
    package = PackageBuilder("P")
    add_task(package, "T").set_expression(name, expression)
    result = runs.run(package)
    assert codes(result) == [code, 0xC0024107]
    assert result.statistics == ()


def test_a_property_that_cannot_be_set_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T").set_expression("Colour", '"red"')
    with pytest.raises(UnsupportedError, match="the expression of the property Colour"):
        runs.run(package)


@pytest.mark.parametrize("arguments", [{}, {"property_overrides": {"\\Package\\T.Properties[Attributes]": "Hidden"}}])
def test_an_unsupported_value_of_a_property_that_changes_fails_the_task(
    runs: EngineRuns, tmp_path: Path, arguments: dict[str, Any]
) -> None:
    path = tmp_path / "a.txt"
    path.touch(mode=0o444)
    package = PackageBuilder("P")
    file = package.connection_managers.add_file("File", str(path))
    task = package.add_file_system("T", "SetAttributes", file, file_attributes="ReadOnly")
    if not arguments:
        task.set_expression("Attributes", '"Hidden"')
    result = runs.run(package, **arguments)
    assert "the attribute hidden" in next(one.text for one in result.messages if one.name is EventName.ERROR)
    assert result.status is Result.FAILURE
    assert not path.stat().st_mode & 0o222


def test_an_unsupported_property_of_an_enumerator_that_changes_fails_the_loop(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("P")
    add_task(package.add_foreach_loop("Files", FileEnumerator(str(tmp_path), "*.csv", 0, False)), "T")
    (tmp_path / "a.csv").touch()
    path = "\\Package\\Files.ForEachEnumerator.Properties[FileNameRetrieval]"
    assert result_of(runs.run(package, property_overrides={path: "2"}), "T") is Result.SUCCESS
    result = runs.run(package, property_overrides={path: "3"})
    assert "the file name retrieval 3" in next(one.text for one in result.messages if one.name is EventName.ERROR)
    assert result.status is Result.FAILURE


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("\\Package\\S\\T.Properties[Disable]", "True", ["S", "P"]),
        ("\\package\\S.Disable", "True", ["P"]),
        ("\\Package.Properties[MaximumErrorCount]", "0", ["T", "S", "P"]),
    ],
)
def test_property_overrides_change_executables(runs: EngineRuns, path: str, value: str, expected: list[str]) -> None:
    package = PackageBuilder("P")
    add_task(package.add_sequence("S"), "T")
    assert ran(runs.run(package, property_overrides={path: value})) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("\\Package.Variables[User::Day].Value", "5"),
        ("\\Package.Variables[User::Day].Properties[Value]", 5),
        ("\\Package\\S.Variables[Day].Value", "5"),
        ("\\Package.Variables[$Package::Days].Value", "5"),
        ("\\Package.Variables[User::Day].Properties[Expression]", "2 + 3"),
    ],
)
def test_property_overrides_change_variables_and_parameters(runs: EngineRuns, path: str, value: Any) -> None:
    package = PackageBuilder("P")
    package.add_variable("Day", 1)
    package.add_parameter("Days", 1)
    add_task(package.add_sequence("S"), "T")
    seen: list[Any] = []

    def task(context: TaskContext) -> None:
        seen.append(context.read("$Package::Days" if "$" in path else "User::Day"))

    runs.run(package, {"T": task}, property_overrides={path: value})
    assert seen == [5]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("\\Package\\Missing.Properties[Disable]", ""),
        ("\\Package\\s.Properties[Disable]", "\\Package\\S"),
        ("Package.Variables[User::Day].Value", "\\Package"),
        ("\\Package\\S.Properties[Colour]", ""),
        ("\\Package\\S.Properties[Disables]", "disable"),
        ("\\Package.Properties[MaxConcurrentExecutable]", "maxconcurrentexecutables"),
        ("\\Package.Variables[User::Missing].Value", ""),
        ("\\Package.Variables[user::day].Value", "User::Day"),
        ("\\Package.Variables[$Package::Missing].Value", ""),
        ("\\Package.Variables[$Package::Amuont].Value", "$Package::Amount"),
        ("\\Package.Connections[Missing].Properties[ConnectionString]", ""),
        ("\\Package.Connections[Files].Properties[ConnectionString]", "File"),
        ("\\Package\\S", ""),
        ("Package", ""),
        ("\\Package\\S.ForEachEnumerator.Properties[Directory]", ""),
    ],
)
def test_a_property_path_that_names_nothing_runs_nothing(runs: EngineRuns, path: str, near: str) -> None:
    package = PackageBuilder("P")
    package.add_variable("Day", 1)
    package.add_parameter("Amount", 1)
    package.connection_managers.add_file("File", "x")
    package.add_sequence("S")
    question = f"(did you mean {near}?)" if near else ""
    with pytest.raises(PathError, match=f"{re.escape(question)}.*0xC001F02F"):
        runs.run(package, property_overrides={path: "1"})


@pytest.mark.parametrize(
    ("path", "value"),
    [("\\Package\\S.Properties[Disable]", "perhaps"), ("\\Package.Variables[User::Day].Value", "Monday")],
)
def test_a_value_that_is_not_one_of_the_property_runs_nothing(runs: EngineRuns, path: str, value: str) -> None:
    package = PackageBuilder("P")
    package.add_variable("Day", 1)
    package.add_sequence("S")
    with pytest.raises(PathError) as raised:
        runs.run(package, property_overrides={path: value})
    assert value not in str(raised.value)


def test_a_property_expression_wins_over_an_override(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T").set_expression("Disable", "FALSE")
    result = runs.run(package, property_overrides={"\\Package\\T.Properties[Disable]": "True"})
    assert ran(result) == ["T", "P"]


def test_the_maximum_of_errors_can_come_from_an_expression(runs: EngineRuns) -> None:
    package = PackageBuilder("P", options=Options(max_error_count=0))
    sequence = package.add_sequence("S")
    sequence.set_expression("MaximumErrorCount", "2")
    add_task(sequence, "T")
    one = runs.run(package, {"T": lambda context: context.error("Wrong.", 0xC0000001)})
    assert (result_of(one, "T"), result_of(one, "S")) == (Result.FAILURE, Result.SUCCESS)


def test_a_handler_whose_property_expression_fails_raises_an_error(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    handler = package.event_handler("OnPostExecute")
    handler.set_expression("Disable", "@[User::Missing]")
    add_task(handler, "Handler")
    result = runs.run(package)
    assert "Handler" not in ran(result)
    assert set(codes(result)) == {0xC0017003}
    assert result.status is Result.FAILURE


@pytest.mark.parametrize("path", ["$Sensitive::\\Package.Variables[User::Key].Value", "\\Package.Variables[User::Key]"])
def test_a_path_can_mark_its_value_as_sensitive_and_name_a_value_alone(runs: EngineRuns, path: str) -> None:
    package = PackageBuilder("P")
    package.add_variable("Key", "")
    add_task(package, "T")

    def task(context: TaskContext) -> str:
        context.information(f"The key is {context.read('Key')}.", 0)
        return str(context.read("Key"))

    result = runs.run(package, {"T": task}, property_overrides={path: "Canary-3"})
    assert result.variables["User::Key"] == "Canary-3"
    assert ("Canary-3" in repr((result.messages, result.statistics))) is not path.startswith("$Sensitive")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("1.25", Decimal("1.25")), ("@[User::Total] + 0.125", Decimal("1.625")), ("3", Decimal(3))],
)
def test_a_decimal_variable_keeps_the_digits_after_the_point(
    runs: EngineRuns, expression: str, expected: Decimal
) -> None:
    package = PackageBuilder("P")
    package.add_variable("Total", Decimal("1.5"))
    package.add_variable("Computed", Decimal(0), expression=expression)
    package.add_variable("Target", Decimal(0))
    package.add_expression("T", f"@[User::Target] = {expression}")
    add_task(package, "Read")
    found: list[Any] = []
    result = runs.run(package, {"Read": read("Computed", found)})
    assert (result.variables["User::Target"], found) == (expected, [expected])


def test_a_real_number_has_fifteen_digits_in_a_decimal_variable(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_variable("Target", Decimal(0))
    package.add_expression("T", "@[User::Target] = (DT_R8)1.25")
    assert runs.run(package).variables["User::Target"] == Decimal("1.25")
