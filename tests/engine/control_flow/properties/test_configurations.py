"""Configurations of the package deployment model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree

from airflow_provider_ssis.engine import UnsupportedError
from airflow_provider_ssis.engine.control_flow.properties.preparing import PACKAGE_PROPERTIES
from airflow_provider_ssis.engine.control_flow.properties.property_paths import UnsupportedPathError
from airflow_provider_ssis.engine.control_flow.properties.property_table import CONTAINER, DATA, STORED
from airflow_provider_ssis.engine.events import EventName
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.dataflow import read_data_flow
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.object_properties import properties_of
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    ScriptTask,
    SendMailTask,
)
from airflow_provider_ssis.project.property_paths import component_names
from tests.support.engine_runs import EngineRuns, add_task, codes, ran
from tests.support.flow_runs import FlowTest, integer

VALUE = "\\Package.Variables[User::X].Properties[Value]"


def configured(
    *configurations: tuple[int, str, str], enabled: bool = True, package: PackageBuilder | None = None
) -> bytes:
    """A package with configurations: type, string and property path of each."""
    if package is None:
        package = PackageBuilder("Package")
        package.add_variable("X", 0)
        package.add_variable("Where", "")
    elements = "".join(
        f'<DTS:Configuration DTS:ConfigurationType="{type_}" DTS:ConfigurationString={quoteattr(text)}'
        f' DTS:ConfigurationVariable={quoteattr(path)} DTS:ObjectName="C{number}"/>'
        for number, (type_, text, path) in enumerate(configurations, start=1)
    )
    data = package.to_bytes().decode()
    start = data.index("<DTS:Variables")
    data = f"{data[:start]}<DTS:Configurations>{elements}</DTS:Configurations>{data[start:]}"
    flag = f'<DTS:Executable DTS:EnableConfig="{enabled}" '
    return data.replace("<DTS:Executable ", flag, 1).encode()


def file(path: Path, *values: tuple[str, object]) -> Path:
    """A .dtsConfig file."""
    inner = "".join(
        f'<Configuration ConfiguredType="Property" Path={quoteattr(target)} ValueType="String">'
        f"<ConfiguredValue>{value}</ConfiguredValue></Configuration>"
        for target, value in values
    )
    path.write_text(f"<DTSConfiguration>{inner}</DTSConfiguration>")
    return path


def test_an_xml_file_sets_variables(runs: EngineRuns, tmp_path: Path) -> None:
    path = file(tmp_path / "a.dtsConfig", (VALUE, 5))
    result = runs.run(configured((1, str(path), "")))
    assert result.variables["User::X"] == 5
    assert codes(result, EventName.INFORMATION) == [0x40016041]


def test_a_relative_path_is_that_of_the_package(runs: EngineRuns, tmp_path: Path) -> None:
    file(tmp_path / "a.dtsConfig", (VALUE, 5))
    assert runs.run(configured((1, "a.dtsConfig", ""))).variables["User::X"] == 5


def test_the_path_of_windows_is_mapped(runs: EngineRuns, tmp_path: Path) -> None:
    file(tmp_path / "a.dtsConfig", (VALUE, 5))
    result = runs.run(configured((1, "C:\\cfg\\a.dtsConfig", "")), path_map={"C:\\cfg": str(tmp_path)})
    assert result.variables["User::X"] == 5


def test_the_last_configuration_counts(runs: EngineRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSIS_X", "7")
    path = file(tmp_path / "a.dtsConfig", (VALUE, 5))
    both: Sequence[tuple[int, str, str]] = [(1, str(path), ""), (2, "SSIS_X", VALUE)]
    assert runs.run(configured(*both)).variables["User::X"] == 7
    assert runs.run(configured(*reversed(both))).variables["User::X"] == 5


def test_an_environment_variable_can_name_the_file(
    runs: EngineRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSIS_FILE", str(file(tmp_path / "a.dtsConfig", (VALUE, 5))))
    assert runs.run(configured((5, "SSIS_FILE", ""))).variables["User::X"] == 5


def test_14_an_override_does_not_beat_a_configured_value(runs: EngineRuns, tmp_path: Path) -> None:
    path = file(tmp_path / "a.dtsConfig", (VALUE, 1))
    data = configured((1, str(path), ""))
    assert runs.run(data, property_overrides={VALUE: "2"}).variables["User::X"] == 1


def test_configurations_set_connections_and_properties(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    package.connection_managers.add_oledb("Sales", "Data Source=db1;")
    add_task(package, "T")
    add_task(package, "Off")
    path = file(
        tmp_path / "a.dtsConfig",
        ("\\Package.Connections[Sales].Properties[ServerName]", "db2"),
        ("\\Package.Connections[Sales].Properties[Password]", "Canary-2"),
        ("\\Package\\Off.Properties[Disable]", "True"),
    )
    seen: list[str] = []

    def task(context: Any) -> None:
        found = context.connections.get("Sales")
        seen.append(found.connection_string)
        context.information(f"The password is {found.properties['Password']}.", 0)

    result = runs.run(configured((1, str(path), ""), package=package), {"T": task})
    assert seen == ["Data Source=db2;"]
    assert [one.place.name for one in result.statistics] == ["T", "Package"]
    assert "Canary-2" not in repr(result.messages)


@pytest.mark.parametrize(
    ("path", "text", "rows"),
    [
        ("[Split].[Big].[FriendlyExpression]", "[n] > 3", "4,40\n"),
        ("[Split].[Big].[friendlyexpression]", "[n] > 3", "4,40\n"),
        ("[Ten].[Derived Column Output].[x].[FriendlyExpression]", "[n] * 100", "3,300\n4,400\n"),
        ("[Split].[Missing].[FriendlyExpression]", "[n] > 3", "3,30\n4,40\n"),
        ("[Ten].[Derived Column Output].[x].[FriendlyExpression].[Missing]", "[n] > 3", "3,30\n4,40\n"),
    ],
)
def test_a_path_leads_to_the_outputs_and_columns_of_a_component(
    runs: EngineRuns, tmp_path: Path, path: str, text: str, rows: str
) -> None:
    flow = FlowTest(tmp_path)
    source = flow.source("In", "1\n2\n3\n4\n", [integer("n")])
    ten = flow.flow.add_derived_column("Ten", source.output, {Column("x", "DT_I4"): "[n] * 10"})
    split = flow.flow.add_conditional_split("Split", ten.output, {"Big": "[n] > 2"}, default="Others")
    out = flow.file("Out", [integer("n"), integer("x")])
    flow.flow.add_flat_file_destination("Write", split.outputs["Big"], out)
    config = file(tmp_path / "a.dtsConfig", (f"\\Package\\Load.Properties[{path}]", text.replace(">", "&gt;")))
    result = runs.run(configured((1, str(config), ""), package=flow.package))
    assert (tmp_path / "Out.txt").read_text() == rows
    assert codes(result, EventName.WARNING) == ([0x80012017, 0x80012059] if "Missing" in path else [])
    pipeline = next(etree.fromstring(flow.package.to_bytes()).iter("pipeline"))
    flow_parts = {(one.name, *part) for one in read_data_flow(pipeline, "P.dtsx").components for part in one.parts}
    parts = {tuple(name.lower() for name in part) for part in flow_parts}
    assert (tuple(component_names(path.lower())) in parts) is ("Missing" not in path)


def test_the_wizards_properties_that_change_nothing_are_applied(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    package.connection_managers.add_excel("Book", "book.xlsx")
    add_task(package, "T")
    start = "\\Package.Connections[Book].Properties"
    values = {"Name": "Book", "FirstRowHasColumnName": "True", "ExcelVersionNumber": "2"}
    path = file(tmp_path / "a.dtsConfig", *((f"{start}[{name}]", value) for name, value in values.items()))
    result = runs.run(configured((1, str(path), ""), package=package), {"T": lambda _: None})
    assert not codes(result, EventName.WARNING)


def test_a_configuration_sets_the_execution_value_and_its_variable(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    package.add_variable("X", 0)
    add_task(package, "T")
    values = {"ExecValueVariable": "User::X", "ForceExecutionValue": "True", "ForcedExecutionValue": "7"}
    path = file(tmp_path / "a.dtsConfig", *((f"\\Package\\T.Properties[{name}]", one) for name, one in values.items()))
    result = runs.run(configured((1, str(path), ""), package=package), {"T": lambda _: 3})
    assert (result.variables["User::X"], codes(result, EventName.WARNING)) == (7, [])


@pytest.mark.parametrize("value", ["True", "False"])
def test_a_configuration_sets_the_header_of_excel(runs: EngineRuns, tmp_path: Path, value: str) -> None:
    package = PackageBuilder("Package")
    package.connection_managers.add_excel("Book", "book.xlsx")
    add_task(package, "T")
    seen: list[str] = []
    path = file(tmp_path / "a.dtsConfig", ("\\Package.Connections[Book].Properties[FirstRowHasColumnName]", value))
    runs.run(
        configured((1, str(path), ""), package=package),
        {"T": lambda context: seen.append(context.connections.get("Book").connection_string)},
    )
    assert seen[0].count("HDR") == 1
    assert f"HDR={'YES' if value == 'True' else 'NO'}" in seen[0]


def test_a_configuration_disables_an_event_handler(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    add_task(package, "T")
    add_task(package.event_handler("OnPreExecute"), "H")
    for value in ("False", "True"):
        path = file(tmp_path / "a.dtsConfig", ("\\Package.EventHandlers[OnPreExecute].Properties[Disable]", value))
        result = runs.run(configured((1, str(path), ""), package=package))
        assert ("H" in ran(result)) is (value == "False")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("\\Package.Connections[Book].Properties[Name]", "Other"),
        ("\\Package.Connections[Book].Properties[OfflineMode]", "True"),
        ("\\Package\\T.Properties[Name]", "Other"),
        ("\\Package\\T.Properties[IsDefaultLocaleID]", "True"),
        ("\\Package.Properties[EnableConfigurations]", "False"),
        ("\\Package.Properties[VersionComments]", "Other"),
        ("\\Package.EventHandlers[OnError].Properties[MaximumErrorCount]", "5"),
        ("\\Package.EventHandlers[OnError].Properties[ForceExecutionResult]", "0"),
        ("\\Package.Variables[User::X].Properties[Name]", "Y"),
        ("\\Package.Configurations[C1].Properties[ConfigurationString]", "other.dtsConfig"),
        ("\\Package\\Load.Properties[[Split].[Big].[Name]]", "Other"),
        ("\\Package\\Load.Properties[[Split].[ValidateExternalMetadata]]", "False"),
    ],
)
def test_a_configuration_of_a_property_that_is_not_applied_is_an_error(
    runs: EngineRuns, tmp_path: Path, path: str, value: str
) -> None:
    flow = FlowTest(tmp_path)
    source = flow.source("In", "1\n", [integer("n")])
    split = flow.flow.add_conditional_split("Split", source.output, {"Big": "[n] > 2"}, default="Others")
    out = flow.file("Out", [integer("n")])
    flow.flow.add_flat_file_destination("Write", split.outputs["Big"], out)
    flow.package.connection_managers.add_excel("Book", "book.xlsx")
    flow.package.add_variable("X", 0)
    add_task(flow.package, "T")
    add_task(flow.package.event_handler("OnError"), "H")
    config = file(tmp_path / "a.dtsConfig", (path, value))
    with pytest.raises(UnsupportedPathError, match=r"configuration C1: The property .* cannot be set: the engine"):
        runs.run(configured((1, str(config), ""), package=flow.package))


@pytest.mark.parametrize("by", ["configuration", "override", "expression", "nothing"])
def test_what_a_disabled_executable_contains_is_checked_if_it_can_be_enabled(
    runs: EngineRuns, tmp_path: Path, by: str
) -> None:
    package = PackageBuilder("Package")
    sequence = package.add_sequence("S", options=Options(disabled=True))
    add_task(sequence, "T").set_attributes({"Surprise": "5"})
    path = "\\Package\\S.Properties[Disable]"
    config = file(tmp_path / "a.dtsConfig", *([(path, "False")] if by == "configuration" else []))
    if by == "expression":
        sequence.set_expression("Disable", "1 == 2")
    overrides = {path: "False"} if by == "override" else {}
    data = configured((1, str(config), ""), package=package)
    if by == "nothing":
        assert "T" not in ran(runs.run(data, property_overrides=overrides))
        return
    with pytest.raises(UnsupportedError, match="the property Surprise"):
        runs.run(data, property_overrides=overrides)


def test_an_expression_that_could_enable_an_event_handler_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("Package")
    add_task(package, "T")
    handler = package.event_handler("OnError")
    add_task(handler, "H")
    handler.disabled = True
    handler.set_expression("Disable", "1 == 2")
    with pytest.raises(UnsupportedError, match="stored disabled"):
        runs.run(package)


def test_the_packages_own_values_of_such_properties_are_accepted(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    package.add_variable("X", 0)
    add_task(package, "T")
    values = {
        "\\Package\\T.Properties[Name]": "T",
        "\\Package\\T.Properties[LoggingMode]": "2",
        "\\Package.Properties[EnableConfigurations]": "-1",
        "\\Package.Properties[OfflineMode]": "False",
        "\\Package.Variables[User::X].Properties[Namespace]": "User",
        "\\Package.Variables[User::X].Properties[EvaluateAsExpression]": "False",
    }
    path = file(tmp_path / "a.dtsConfig", *values.items())
    result = runs.run(configured((1, str(path), ""), package=package), {"T": lambda _: None})
    assert codes(result, EventName.WARNING) == []


def test_an_expression_that_is_not_evaluated_can_be_switched_on(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("Package")
    package.add_variable("X", 1, expression="2 + 3")
    data = configured((1, str(tmp_path / "a.dtsConfig"), ""), package=package)
    data = data.replace(b'EvaluateAsExpression="True"', b'EvaluateAsExpression="False"')
    for value, expected in (("False", 1), ("True", 5), ("maybe", 1)):
        file(tmp_path / "a.dtsConfig", ("\\Package.Variables[User::X].Properties[EvaluateAsExpression]", value))
        result = runs.run(data)
        assert result.variables["User::X"] == expected
        assert bool(codes(result, EventName.WARNING)) is (value == "maybe")


def test_the_names_of_all_properties_that_can_be_set_are_known() -> None:
    tasks = {
        ExecuteSqlTask: "Microsoft.ExecuteSQLTask",
        ExecutePackageTask: "Microsoft.ExecutePackageTask",
        ExecuteProcessTask: "Microsoft.ExecuteProcess",
        FileSystemTask: "Microsoft.FileSystemTask",
        SendMailTask: "Microsoft.SendMailTask",
        ScriptTask: "Microsoft.ScriptTask",
        ExpressionTask: "Microsoft.ExpressionTask",
        FtpTask: "Microsoft.FtpTask",
        BulkInsertTask: "Microsoft.BulkInsertTask",
    }
    for data, type_ in tasks.items():
        known = properties_of(ExecutableKind.TASK, type_, is_data_flow=False)
        assert known is not None
        assert {*CONTAINER, *DATA.get(data, {}), *STORED.get(data, {})} - {"disabled"} <= known
    flow = properties_of(ExecutableKind.TASK, "", is_data_flow=True)
    assert flow is not None
    assert set(DATA[Pipeline]) <= flow
    package = properties_of(ExecutableKind.PACKAGE, "", is_data_flow=False)
    assert package is not None
    assert package >= PACKAGE_PROPERTIES


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ((1, "missing.dtsConfig", ""), 0x80012014),
        ((1, "broken.dtsConfig", ""), 0x80012013),
        ((1, "C:\\cfg\\a.dtsConfig", ""), 0x80012014),
        ((1, "wrong.dtsConfig", ""), 0x80012017),
        ((2, "SSIS_MISSING", VALUE), 0x80019003),
        ((0, "User::X", VALUE), 0x8001201C),
        ((7, "not a table", ""), 0x80012019),
        ((7, '"Missing";"[dbo].[Config]";"F";', ""), 0x80012051),
        ((99, "", ""), 0x80012023),
    ],
)
def test_a_configuration_that_fails_is_a_warning(
    runs: EngineRuns, tmp_path: Path, configuration: tuple[int, str, str], code: int
) -> None:
    (tmp_path / "broken.dtsConfig").write_text("<broken")
    file(tmp_path / "wrong.dtsConfig", ("\\Package.Variables[User::Missing].Properties[Value]", 1))
    result = runs.run(configured(configuration))
    assert codes(result, EventName.WARNING) == [code, 0x80012059]
    assert (result.succeeded, result.variables["User::X"]) == (True, 0)


def test_the_names_of_failed_configurations_can_be_read(runs: EngineRuns) -> None:
    package = PackageBuilder("Package")
    package.add_variable("X", "", expression="@[System::FailedConfigurations]")
    add_task(package, "T")
    seen: list[str] = []
    data = configured((1, "missing.dtsConfig", ""), package=package)
    runs.run(data, {"T": lambda context: seen.append(context.read("X"))})
    assert seen == ["C1"]


def test_configurations_apply_only_where_they_are_enabled(runs: EngineRuns, tmp_path: Path) -> None:
    path = file(tmp_path / "a.dtsConfig", (VALUE, 5))
    result = runs.run(configured((1, str(path), ""), enabled=False))
    assert result.variables["User::X"] == 0
    project = ProjectBuilder("Project")
    project.add_package("Package").add_variable("X", 0)
    project.save(tmp_path)
    (tmp_path / "Package.dtsx").write_bytes(configured((1, str(path), "")))
    from airflow_provider_ssis.engine import run_package

    assert run_package(tmp_path / "Package.dtsx").variables["User::X"] == 0


def test_a_child_package_takes_variables_of_its_parent(runs: EngineRuns, tmp_path: Path) -> None:
    child = PackageBuilder("Package")
    child.add_variable("X", 0)
    add_task(child, "T")
    (tmp_path / "Child.dtsx").write_bytes(configured((0, "User::Day", VALUE), package=child))
    parent = PackageBuilder("Parent")
    parent.add_variable("Day", 1)
    sequence = parent.add_sequence("S")
    sequence.add_variable("Day", 3)
    add_task(sequence, "Run")
    seen: list[int] = []
    functions = {
        "Run": lambda context: context.run_child(str(tmp_path / "Child.dtsx"), {}),
        "T": lambda context: seen.append(context.read("User::X")),
    }
    assert runs.run(parent, functions).succeeded
    assert seen == [3]


@pytest.mark.parametrize("type_", [3, 6])
def test_configurations_in_the_registry_are_refused(runs: EngineRuns, type_: int) -> None:
    with pytest.raises(UnsupportedError, match="registry"):
        runs.run(configured((type_, "SOFTWARE\\X", VALUE)))


def test_a_table_of_a_database_sets_variables(runs: EngineRuns, postgresql_odbc: str) -> None:
    import pyodbc

    with pyodbc.connect(postgresql_odbc, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE ssis_configurations (ConfigurationFilter text, ConfiguredValue text, PackagePath text,"
            " ConfiguredValueType text)"
        )
        for name, value in (("A", "5"), ("B", "6")):
            connection.execute("INSERT INTO ssis_configurations VALUES (?, ?, ?, 'Int32')", name, value, VALUE)
    package = PackageBuilder("Package")
    package.add_variable("X", 0)
    package.connection_managers.add_odbc("Config", postgresql_odbc)
    for name, expected in (("A", 5), ("B", 6)):
        data = configured((7, f'"Config";"ssis_configurations";"{name}";', ""), package=package)
        assert runs.run(data).variables["User::X"] == expected
    missing = runs.run(configured((7, '"Config";"ssis_configurations";"C";', ""), package=package))
    assert codes(missing, EventName.WARNING) == [0x80012054, 0x80012059]
