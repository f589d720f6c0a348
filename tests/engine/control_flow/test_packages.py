"""Loading, checking and running packages of projects, and child packages."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine import (
    CancelToken,
    LoadError,
    RunOptions,
    UnsupportedError,
    check_package,
    run_package,
)
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow import real
from airflow_provider_ssis.engine.events import Event, EventName, Message, Place, Result, RowsSent
from airflow_provider_ssis.engine.injections import Injection
from airflow_provider_ssis.engine.loading import load_project
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.package.loops import SmoEnumerator
from airflow_provider_ssis.project.protection.encrypted_values import DPAPI_BLOB
from tests.support.engine_runs import EngineRuns, FunctionTask, add_task, codes, messages, ran


def sales() -> ProjectBuilder:
    project = ProjectBuilder("Sales")
    project.add_parameter("Server", "db1")
    project.connection_managers.add_oledb("Shared", "Data Source=db1;")
    for name in ("Load", "Check"):
        add_task(project.add_package(name), f"T of {name}")
    return project


@pytest.mark.parametrize("form", ["ispac", "bytes", "folder", "dtproj", "dtsx", "loose"])
def test_a_package_runs_from_every_form_of_a_project(
    runs: EngineRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    project = sales()
    folder = tmp_path / "project"
    folder.mkdir()
    project.save(folder)
    (tmp_path / "Sales.ispac").write_bytes(project.to_ispac())
    if form == "loose":
        (folder / "Sales.dtproj").unlink()
    source: Any = {
        "ispac": tmp_path / "Sales.ispac",
        "bytes": project.to_ispac(),
        "folder": folder,
        "dtproj": str(folder / "Sales.dtproj"),
        "dtsx": folder / "Load.dtsx",
        "loose": folder,
    }[form]
    seen: list[str] = []

    def task(context: TaskContext) -> None:
        seen.append(context.read("$Project::Server") + context.connections.get("Shared").connection_string)

    name = None if form == "dtsx" else "load"
    monkeypatch.setattr(FunctionTask, "functions", {"T of Load": task})
    result = run_package(source, name)
    assert (result.status, seen) == (Result.SUCCESS, ["db1Data Source=db1;"])


def test_the_package_to_run_must_be_named_if_there_are_several(runs: EngineRuns) -> None:
    with pytest.raises(LoadError, match=r"Name the one to run: Load\.dtsx, Check\.dtsx"):
        runs.run(sales())
    with pytest.raises(LoadError, match="contains no package Other"):
        runs.run(sales(), name="Other")


def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"Missing\.dtsx"):
        load_project(tmp_path / "Missing.dtsx")
    (tmp_path / "Bad.dtsx").write_text("<not a package/>")
    with pytest.raises(ProjectError, match=r"Bad\.dtsx"):
        run_package(tmp_path / "Bad.dtsx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LoadError, match="contains no package"):
        load_project(tmp_path / "empty")


def test_all_refusals_are_listed_before_anything_runs(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    sequence = package.add_sequence("S")
    sequence.add_foreach_loop("Objects", SmoEnumerator("Server/Database"))
    add_task(package.event_handler("OnError"), "Handler").set_expression("Colour", "1")
    with pytest.raises(UnsupportedError) as raised:
        runs.run(package, {"T": lambda _: pytest.fail("it ran")})
    assert [one.where for one in raised.value.refusals] == [
        "\\Package.EventHandlers[OnError]\\Handler",
        "\\Package\\S\\Objects",
    ]


def test_a_missing_child_package_is_named_as_what_the_user_gives(tmp_path: Path) -> None:
    project = ProjectBuilder("P")
    child, parent = project.add_package("Child"), project.add_package("Master")
    parent.add_execute_package("Call", "Child.dtsx")
    master = tmp_path / "Master.dtsx"
    for path, package in ((tmp_path / "Child.dtsx", child), (master, parent)):
        path.write_bytes(package.to_bytes())
    [checked] = check_package(master)
    assert checked.can_run
    assert not checked.values
    (tmp_path / "Child.dtsx").unlink()
    [checked] = check_package(master)
    assert checked.can_run
    assert [one.where for one in checked.values] == ["Child.dtsx"]
    with pytest.raises(UnsupportedError, match=rf"{re.escape(str(tmp_path))} contains no package Child\.dtsx"):
        run_package(master)


def test_a_log_provider_is_named_because_it_writes_nothing(runs: EngineRuns) -> None:
    provider = (
        '<DTS:LogProviders><DTS:LogProvider DTS:ObjectName="Text log"'
        ' DTS:CreationName="Microsoft.LogProviderTextFile"/></DTS:LogProviders><DTS:Variables'
    )
    data = PackageBuilder("Package").to_bytes().decode().replace("<DTS:Variables", provider, 1)
    result = runs.run(data.encode())
    assert [one.text for one in result.messages if "Text log" in one.text] == [
        "Package:Information: The log provider Text log is not supported and writes nothing. Use the events of the run."
    ]


def test_disabled_parts_are_not_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    loop = package.add_foreach_loop("Objects", SmoEnumerator("Server/Database"))
    loop.options.disabled = True
    assert runs.run(package).status is Result.SUCCESS


def test_a_folder_is_checked_package_by_package(runs: EngineRuns, tmp_path: Path) -> None:
    bad = PackageBuilder("Bad")
    bad.add_foreach_loop("Objects", SmoEnumerator("Server/Database"))
    bad.save(tmp_path)
    PackageBuilder("Good").save(tmp_path)
    (tmp_path / "Ugly.dtsx").write_text("<x/>")
    found = {one.name: one for one in check_package(tmp_path)}
    assert {name: one.can_run for name, one in found.items()} == {
        "Bad.dtsx": False,
        "Good.dtsx": True,
        "Ugly.dtsx": False,
    }
    assert [one.where for one in found["Bad.dtsx"].refusals] == ["\\Package\\Objects"]
    assert "is not an SSIS package" in found["Ugly.dtsx"].problem


def run_child(package: str, **parameters: Any) -> Any:
    return lambda context: context.run_child(package, parameters)


def test_a_child_package_has_its_parameters_variables_and_results(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    project.add_parameter("Server", "db1")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    parent.add_variable("Total", 0)
    add_task(parent, "Run")
    child.add_parameter("Region", "north")
    child.add_variable("Own", 1)
    add_task(child, "T")
    seen: list[Any] = []

    def task(context: TaskContext) -> None:
        names = ("$Package::Region", "$Project::Server", "User::Own", "System::PackageName", "User::Total")
        seen.extend(context.read(name) for name in names)
        context.write("User::Total", 5)

    functions = {"Run": run_child("child.dtsx", Region="south"), "T": task}
    result = runs.run(project, functions, "Parent", parameters={"Server": "db2"})
    assert seen == ["south", "db2", 1, "Child", 0]
    assert (result.status, result.variables) == (Result.SUCCESS, {"User::Total": 5})
    assert [(one.place.package, one.place.execution_path) for one in result.statistics] == [
        ("Child.dtsx", "\\Package\\Run\\Package\\T"),
        ("Child.dtsx", "\\Package\\Run\\Package"),
        ("Parent.dtsx", "\\Package\\Run"),
        ("Parent.dtsx", "\\Package"),
    ]


def test_a_child_package_in_a_file_runs(runs: EngineRuns, tmp_path: Path) -> None:
    other = PackageBuilder("Other")
    add_task(other, "Inside")
    path = other.save(tmp_path)
    package = PackageBuilder("P")
    add_task(package, "Run")
    assert "Inside" in ran(runs.run(package, {"Run": run_child(str(path))}))


@pytest.mark.parametrize(
    "child",
    [run_child("Missing.dtsx"), run_child("Child.dtsx", Missing=1), run_child("Parent.dtsx")],
    ids=["missing", "wrong parameter", "itself"],
)
def test_a_child_package_that_cannot_run_fails_its_task(runs: EngineRuns, child: Any) -> None:
    project = ProjectBuilder("Sales")
    add_task(project.add_package("Parent"), "Run")
    project.add_package("Child")
    result = runs.run(project, {"Run": child}, "Parent")
    assert (codes(result), result.status) == ([0xC00220E4], Result.FAILURE)


@pytest.mark.parametrize(
    ("is_sensitive", "name", "status"),
    [(True, "Token", Result.SUCCESS), (False, "Token", Result.FAILURE), (True, "Server", Result.FAILURE)],
    ids=["sensitive", "not sensitive", "no parameter of the child"],
)
def test_a_secret_goes_only_into_a_sensitive_parameter_of_a_child(
    runs: EngineRuns, is_sensitive: bool, name: str, status: Result
) -> None:
    project = ProjectBuilder("Sales")
    project.add_parameter("Server", "db1")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    secret = parent.add_parameter("Secret", sensitive=True)
    child.add_parameter("Token", data_type="String", sensitive=is_sensitive)
    parent.add_execute_package("Run", "Child.dtsx", assignments={name: secret})
    add_task(child, "T")
    seen: list[Any] = []
    functions = {"T": lambda context: seen.append(context.read("$Package::Token"))}
    result = runs.run(project, functions, "Parent", parameters={"Secret": "hunter2"})
    assert (result.status, seen) == (status, ["hunter2"] if status is Result.SUCCESS else [])
    assert codes(result) == ([] if status is Result.SUCCESS else [0xC00220E4])
    assert "hunter2" not in str(result.messages)


def test_cancelling_ends_the_child_package_too(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    add_task(parent, "Run")
    add_task(child, "T")
    token = CancelToken()

    def wait(context: TaskContext) -> None:
        token.cancel()
        context.cancel.check()

    result = runs.run(project, {"Run": run_child("Child"), "T": wait}, "Parent", cancel=token)
    assert result.status is Result.CANCELED
    assert [name for _, name in messages(result, EventName.QUERY_CANCEL)] == ["T", "Child", "Run", "Parent"]


def test_events_arrive_while_the_package_runs(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    events: list[Event] = []
    during: list[int] = []
    result = runs.run(package, {"T": lambda _: during.append(len(events))}, on_event=events.append)
    assert during == [8]
    assert [one for one in events if isinstance(one, Message)] == list(result.messages)
    assert [one.time for one in result.messages] == sorted(one.time for one in result.messages)


def test_a_package_runs_from_a_coroutine(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")

    async def run() -> Result:
        return runs.run(package).status

    assert asyncio.run(run()) is Result.SUCCESS


@pytest.mark.processes
def test_an_empty_package_loads_no_heavy_library(tmp_path: Path) -> None:
    path = PackageBuilder("P").save(tmp_path)
    code = (
        "import sys; from airflow_provider_ssis.engine import run_package;"
        f"run_package({str(path)!r});"
        "print(sorted({'pyarrow', 'duckdb', 'airflow', 'pyodbc', 'numpy', 'mssql_python'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_unsupported_parts_of_a_child_package_in_a_file_fail_the_task(runs: EngineRuns, tmp_path: Path) -> None:
    other = PackageBuilder("Other")
    add_task(other, "First")
    other.add_foreach_loop("Objects", SmoEnumerator("Server/Database"))
    path = other.save(tmp_path)
    package = PackageBuilder("P")
    add_task(package, "Run")
    result = runs.run(package, {"Run": run_child(str(path)), "First": lambda _: pytest.fail("it ran")})
    assert codes(result) == [0xC00220E4]
    assert "\\Package\\Objects" in next(one.text for one in result.messages if one.name is EventName.ERROR)


def test_cancelling_at_any_moment_ends_the_run(runs: EngineRuns) -> None:
    package = PackageBuilder("P", max_concurrent_executables=2)
    package.add_variable("N", 0)
    loop = package.add_for_loop("Loop", "@N < 3", assign="@N = @N + 1")
    sequence = package.add_sequence("S")
    for parent in (package, loop, sequence):
        add_task(parent, f"{parent.name} 1")
        add_task(parent, f"{parent.name} 2")
    add_task(package.event_handler("OnInformation"), "Handler")

    def task(context: TaskContext) -> None:
        context.information("Half done.", 0)
        context.cancel.wait(0)

    functions = {f"{name} {number}": task for name in ("P", "Loop", "S") for number in (1, 2)}
    total = len(runs.run(package, functions).messages)
    for stop_at in range(1, total, 3):
        token = CancelToken()
        seen: list[Event] = []

        def count(event: Event, token: CancelToken = token, seen: list[Event] = seen, stop_at: int = stop_at) -> None:
            seen.append(event)
            if len(seen) >= stop_at:
                token.cancel()

        result = runs.run(package, functions, cancel=token, on_event=count)
        assert result.status is Result.CANCELED
        began = [one.place.execution_path for one in result.messages if one.name is EventName.PRE_EXECUTE]
        assert sorted(began) == sorted(one.place.execution_path for one in result.statistics)


def test_a_handler_of_the_parent_runs_on_the_slot_of_the_task_that_runs_the_child(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    parent = project.add_package("Parent", max_concurrent_executables=1)
    child = project.add_package("Child", max_concurrent_executables=1)
    add_task(parent, "Run")
    add_task(child, "T")
    for event in ("OnPreExecute", "OnInformation"):
        add_task(parent.event_handler(event), f"Log {event}")
    functions = {"Run": run_child("Child"), "T": lambda context: context.information("Working.", 0)}
    result = runs.run(project, functions, "Parent")
    assert (result.status, ran(result).count("Log OnInformation")) == (Result.SUCCESS, 1)


def test_a_task_that_does_not_stop_does_not_hold_the_cancelled_run(
    runs: EngineRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "SECONDS_TO_STOP", 0.05)
    package = PackageBuilder("P")
    add_task(package, "T")
    token, released = CancelToken(), threading.Event()

    def stubborn(context: TaskContext) -> None:
        token.cancel()
        released.wait(60)

    result = runs.run(package, {"T": stubborn}, cancel=token)
    released.set()
    assert result.status is Result.CANCELED


@pytest.mark.parametrize("kind", [Message, RowsSent])
def test_an_error_of_the_callers_function_ends_the_run(runs: EngineRuns, kind: type[Event]) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    token = CancelToken()

    def broken(event: Event) -> None:
        if isinstance(event, kind):
            raise RuntimeError("the display failed")

    def send(context: TaskContext) -> None:
        place = Place("P.dtsx", "\\Package\\T", "\\Package\\T", "T", "{1}")
        context.publish(RowsSent(datetime.now(UTC), place, "Paths[A.B]", "B", "A", "C", 1))

    with pytest.raises(RuntimeError, match="the display failed"):
        runs.run(package, {"T": send}, on_event=broken, cancel=token)
    assert token.is_cancelled


@pytest.mark.parametrize("path", ["\\Package\\S\\Objects.Properties[Disable]", "\\package\\S.Disable"])
def test_what_a_property_override_disables_is_not_refused(runs: EngineRuns, path: str) -> None:
    package = PackageBuilder("P")
    package.add_sequence("S").add_foreach_loop("Objects", SmoEnumerator("Server/Database"))
    with pytest.raises(UnsupportedError):
        runs.run(package)
    assert runs.run(package, property_overrides={path: "True"}).status is Result.SUCCESS


def test_what_a_property_override_enables_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_foreach_loop("Objects", SmoEnumerator("Server/Database")).options.disabled = True
    assert runs.run(package).status is Result.SUCCESS
    with pytest.raises(UnsupportedError):
        runs.run(package, property_overrides={"\\Package\\Objects.Properties[Disable]": "False"})


def test_functions_can_belong_to_the_parent_or_to_a_child_package_in_a_file(tmp_path: Path) -> None:
    seen: list[str] = []
    other = PackageBuilder("Other")
    other.add_script("Inside", {}, b"compiled")
    path = other.save(tmp_path)
    package = PackageBuilder("P")
    manager = package.connection_managers.add_file("Other", str(path))
    package.add_execute_package("Run", connection=manager)
    package.add_script("Outside", {}, b"compiled")
    functions = {
        "\\Package\\Inside": lambda _: seen.append("inside"),
        "\\Package\\Outside": lambda _: seen.append("outside"),
    }
    assert run_package(package.save(tmp_path), scripts=functions).status is Result.SUCCESS
    assert sorted(seen) == ["inside", "outside"]


def test_an_encrypted_project_parameter_that_the_package_uses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Project.params").write_text(
        '<SSIS:Parameters xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"><SSIS:Parameter SSIS:Name="Token">'
        '<SSIS:Properties><SSIS:Property SSIS:Name="DataType">18</SSIS:Property>'
        '<SSIS:Property SSIS:Name="Sensitive">1</SSIS:Property>'
        '<SSIS:Property SSIS:Name="Value" SSIS:Salt="x" SSIS:IV="y">AAAA</SSIS:Property>'
        "</SSIS:Properties></SSIS:Parameter></SSIS:Parameters>"
    )
    used, unused = PackageBuilder("Used"), PackageBuilder("Unused")
    used.add_variable("Copy", "", expression="@[$Project::Token]")
    for package in (used, unused):
        package.save(tmp_path)
    with pytest.raises(UnsupportedError, match=r"\[\$Project::Token\]: the sensitive parameter"):
        run_package(tmp_path, "Used")
    for name in ("Token", "token", "$Project::Token", "$project::TOKEN"):
        assert run_package(tmp_path, "Used", parameters={name: "given"}).variables["User::Copy"] == "given"
    assert run_package(tmp_path, "Unused").status is Result.SUCCESS
    used.add_parameter("Token", "own")
    used.save(tmp_path)
    for name in ("Token", "$Package::Token"):  # the parameter of the package, which is another one
        with pytest.raises(UnsupportedError, match=r"\[\$Project::Token\]: the sensitive parameter"):
            run_package(tmp_path, "Used", parameters={name: "given"})


def _encrypted_key(package: PackageBuilder) -> None:
    package.add_parameter("Key", f"{DPAPI_BLOB}AAAA")
    package.add_variable("Copy", "", expression="@[$Package::Key]")


@pytest.mark.parametrize(
    ("assigned", "given", "refused"),
    [
        ((), {}, ["Parent", "Child"]),
        ((), {"Key": "k"}, ["Child"]),
        ((), {"$Package::Key": "k"}, ["Child"]),
        (("Key",), {}, ["Parent"]),
        (("$Package::key",), {"Key": "k"}, []),
        (("Key",), {"Other": "k"}, ["Parent"]),
    ],
)
def test_a_value_for_the_parent_is_none_for_an_encrypted_parameter_of_the_child(
    runs: EngineRuns, assigned: tuple[str, ...], given: dict[str, str], refused: list[str]
) -> None:
    project = ProjectBuilder("Sales")
    project.add_parameter("Other", "")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    for package in (parent, child):
        _encrypted_key(package)
    source = parent.add_variable("Source", "assigned")
    parent.add_execute_package("Run", "Child.dtsx", assignments=dict.fromkeys(assigned, source))
    add_task(child, "T")
    seen: list[Any] = []
    functions = {"T": lambda context: seen.append(context.read("User::Copy"))}
    if not refused:
        assert runs.run(project, functions, "Parent", parameters=given).status is Result.SUCCESS
        assert seen == ["assigned"]
        return
    with pytest.raises(UnsupportedError) as raised:
        runs.run(project, functions, "Parent", parameters=given)
    where = {"Parent": "\\Package.Variables[$Package::Key]", "Child": "Child.dtsx: \\Package.Variables[$Package::Key]"}
    assert [one.where for one in raised.value.refusals] == [where[name] for name in refused]


def test_a_child_package_that_is_known_late_gets_no_values_of_its_parent(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    project.add_parameter("Server", required=True)
    add_task(project.add_package("Parent"), "Run")
    child = project.add_package("Child")
    _encrypted_key(child)
    add_task(child, "T")
    given = {"$Project::Server": "db1"}
    for values, status in (({}, Result.FAILURE), ({"Key": "k"}, Result.SUCCESS)):
        result = runs.run(project, {"Run": run_child("Child.dtsx", **values)}, "Parent", parameters=given)
        assert result.status is status, values


def test_values_for_a_connection_manager_of_the_project_apply_in_child_packages(runs: EngineRuns) -> None:
    project = ProjectBuilder("Sales")
    project.connection_managers.add_file("Input", "stored.txt")
    parent, child = project.add_package("Parent"), project.add_package("Child")
    parent.add_execute_package("Run", "Child.dtsx")
    add_task(child, "T")
    seen: list[str] = []
    functions = {"T": lambda context: seen.append(context.connections.get("Input").connection_string)}
    runs.run(project, functions, "Parent")
    runs.run(project, functions, "Parent", parameters={"CM.Input.ConnectionString": "given.txt"})
    path = "\\Package.Connections[Input].Properties[ConnectionString]"
    runs.run(project, functions, "Parent", property_overrides={path: "set.txt"})
    assert seen == ["stored.txt", "given.txt", "set.txt"]


def test_a_test_can_let_executables_wait_speak_and_fail(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package.add_sequence("S"), "Inside")
    add_task(package, "T")
    ran_really: list[str] = []
    injections = (
        Injection("P.dtsx", "\\Package\\S", errors=(("Broken on purpose.", 0xC0202009),)),
        Injection("P.dtsx", "\\Package\\T", seconds=0.01, messages=(("warning", "Nearly full.", 0x80000001),)),
    )
    result = runs.run(package, {"T": lambda _: ran_really.append("T")}, options=RunOptions(injections=injections))
    assert (codes(result), codes(result, EventName.WARNING)[-1]) == ([0xC0202009], 0x80019002)
    assert 0x80000001 in codes(result, EventName.WARNING)
    assert (sorted(ran(result)), ran_really) == (["P", "S", "T"], ["T"])


def test_an_injected_wait_can_be_cancelled(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    add_task(package, "T")
    token = CancelToken()

    def cancel(event: Event) -> None:
        if isinstance(event, Message) and event.name is EventName.PRE_EXECUTE and event.place.name == "T":
            threading.Thread(target=token.cancel).start()

    options = RunOptions(injections=(Injection("P.dtsx", "\\Package\\T", seconds=60),))
    assert runs.run(package, options=options, on_event=cancel, cancel=token).status is Result.CANCELED
