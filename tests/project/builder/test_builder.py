"""What the builder writes is what the reader reads, and what the rest of the project accepts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.runner import check
from airflow_provider_ssis.project.build import build_ispac
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.inspection.graph import control_flow_graph, stored_places
from airflow_provider_ssis.project.ispac import read_ispac
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.options import ConfigurationType
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    ParameterAssignment,
    ParameterBinding,
    ResultBinding,
    ScriptTask,
    SendMailTask,
)
from airflow_provider_ssis.project.type_names import task_type
from tests.project.builder.sample import ENUMERATORS, NODES, sales_project
from tests.support.simulated_runs import play


@pytest.fixture(scope="module", params=[2014, 2019])
def package(request: pytest.FixtureRequest) -> DtsPackage:
    return sales_project(request.param).packages["load"].read()


def executable(package: DtsPackage, *names: str) -> DtsContainer:
    found = package.container
    for name in names:
        (found,) = [child for child in found.children if child.name == name]
    return found


def test_the_package_and_its_parameters(package: DtsPackage) -> None:
    assert package.format_version in (6, 8)
    assert (package.version_major, package.version_minor, package.version_build) == (2, 0, 7)
    assert (package.container.max_error_count, package.container.description) == (3, "Loads")
    (since,) = package.parameters
    assert (since.name, since.data_type, since.value) == ("Since", "DateTime", datetime(2024, 1, 31, 22, 5, 6))


def test_the_variables(package: DtsPackage) -> None:
    found = {each.qualified_name: each for each in package.container.variables}
    assert [(each.data_type, each.value) for each in found.values()] == [
        ("Int32", 5),
        ("String", ""),
        ("Object", None),
        ("Int32", 0),
        ("String", "  "),
    ]
    double, text = found["User::Double"], found["User::Text"]
    assert (double.expression, double.evaluate_as_expression) == ("@[User::Count] * 2", True)
    assert (text.read_only, double.description) == (True, "twice")
    (inner,) = executable(package, "Steps").variables
    assert (inner.data_type, inner.value) == ("Boolean", True)


def test_the_connection_managers(package: DtsPackage) -> None:
    found = {each.name: each for each in package.connection_managers}
    assert {name: each.kind for name, each in found.items()} == {
        "Warehouse": "ADO.NET",
        "Other": "ODBC",
        "Book": "EXCEL",
        "Source": "FILE",
        "Target": "FILE",
        "Mail": "SMTP",
        "Files": "FTP",
        "Cube": "MSOLAP100",
        "Csv": "FLATFILE",
    }
    assert found["Warehouse"].properties["Retain"] == "True"
    assert found["Target"].properties["FileUsageType"] == "2"
    assert found["Files"].properties["ServerUserName"] == "loader"
    assert found["Mail"].connection_string.endswith("EnableSsl=True;Timeout=1000;")
    csv = found["Csv"]
    assert csv.expressions == {"ConnectionString": "@[User::File]"}
    assert [(each.name, each.data_type, each.delimiter) for each in csv.columns] == [
        ("Name", 130, ","),
        ("Price", 131, ","),
        ("Day", 133, "\r\n"),
    ]
    assert (csv.columns[1].precision, csv.columns[1].scale, csv.columns[2].text_qualified) == (10, 2, False)


def test_the_execute_sql_tasks(package: DtsPackage) -> None:
    (mart,) = sales_project().connection_managers
    first = executable(package, "Count rows")
    task = first.data()
    assert isinstance(task, ExecuteSqlTask)
    assert (task.connection, task.result_type, task.timeout) == (mart.id, "SingleRow", 30)
    assert task.source.startswith("SELECT COUNT(*)")
    assert task.results == (ResultBinding("n", "User::Count"),)
    assert task.parameters == (
        ParameterBinding("0", "$Package::Since", "Input", 7, -1),
        ParameterBinding("1", "$Project::Region", "Input", 130, -1),
    )
    assert (first.delay_validation, first.max_error_count) == (True, 1)
    assert first.expressions == {"Description": '"rows of " + @[$Project::Region]'}
    ask = executable(package, "Steps", "Ask").data()
    assert isinstance(ask, ExecuteSqlTask)
    assert (ask.is_stored_procedure, ask.bypass_prepare, ask.result_type) == (True, False, "Rowset")
    assert ask.parameters == (
        ParameterBinding("@flag", "User::Inner", "Input", 3, -1),
        ParameterBinding("@n", "User::Count", "Output", 11, 4),
    )
    by_odbc = executable(package, "Steps", "From variable").data()
    assert isinstance(by_odbc, ExecuteSqlTask)
    assert (by_odbc.source_type, by_odbc.source) == ("Variable", "User::File")
    assert by_odbc.parameters == (ParameterBinding("1", "User::Count", "Input", 4, -1),)
    from_file = executable(package, "Steps", "From file").data()
    assert isinstance(from_file, ExecuteSqlTask)
    (source,) = [each for each in package.connection_managers if each.name == "Source"]
    assert (from_file.source_type, from_file.source, from_file.code_page) == ("FileConnection", source.id, 65001)


def test_the_other_tasks(package: DtsPackage) -> None:
    ids = {each.name: each.id for each in package.connection_managers}
    child = executable(package, "Steps", "Child").data()
    assert isinstance(child, ExecutePackageTask)
    assert (child.use_project_reference, child.package_name) == (True, "Child.dtsx")
    assert child.assignments == (ParameterAssignment("Rows", "User::Count"),)
    process = executable(package, "Steps", "Zip").data()
    assert isinstance(process, ExecuteProcessTask)
    assert (process.executable, process.arguments, process.working_directory) == (
        "/usr/bin/zip",
        "-r out.zip .",
        "/data",
    )
    assert (process.success_value, process.timeout, process.window_style) == (1, 60, "Hidden")
    assert (process.require_full_file_name, process.standard_output_variable) == (False, "User::File")
    copy = executable(package, "Turns", "Copy").data()
    assert isinstance(copy, FileSystemTask)
    assert (copy.operation, copy.source, copy.destination, copy.overwrite) == (
        "CopyFile",
        ids["Source"],
        ids["Target"],
        True,
    )
    remove = executable(package, "Turns", "Remove").data()
    assert isinstance(remove, FileSystemTask)
    assert (remove.operation, remove.source, remove.source_is_variable) == ("DeleteFile", "User::File", True)
    ftp = executable(package, "Each file", "Send").data()
    assert isinstance(ftp, FtpTask)
    assert (ftp.connection, ftp.operation, ftp.local_path, ftp.remote_path) == (
        ids["Files"],
        "Send",
        ids["Source"],
        "/in",
    )
    bulk = executable(package, "Each file", "Bulk").data()
    assert isinstance(bulk, BulkInsertTask)
    assert (bulk.source_connection, bulk.field_terminator, bulk.row_terminator) == (
        ids["Source"],
        "Comma {,}",
        "{CR}{LF}",
    )
    assert bulk.properties["TableLock"] == "True"
    mail = executable(package, "Each file", "Report").data()
    assert isinstance(mail, SendMailTask)
    assert (mail.smtp_server, mail.priority, mail.source) == (ids["Mail"], "High", "All rows\nare loaded.")
    assert mail.attachments == ("/data/a.log", "/data/b.log")
    start = executable(package, "Start").data()
    assert isinstance(start, ExpressionTask)
    assert start.expression == "@[User::Count] = 1"
    script = executable(package, "Script").data()
    assert isinstance(script, ScriptTask)
    assert (script.read_only_variables, script.read_write_variables) == (
        ("User::Text", "System::PackageName"),
        ("User::Count",),
    )
    assert script.has_binary
    assert dict(script.files) == {"ScriptMain.cs": "class ScriptMain { } // <&>"}


def test_each_task_has_the_type_of_its_data(package: DtsPackage) -> None:
    types = {task_type(each.type) for each in package.container.walk() if isinstance(each.data(), ExecuteSqlTask)}
    assert types == {"ExecuteSQLTask"}
    old = package.format_version == 6
    assert all(
        each.type.startswith("Microsoft.SqlServer.Dts.Tasks.") is old
        for each in package.container.walk()
        if isinstance(each.data(), (ExecuteSqlTask, FtpTask, ExpressionTask, SendMailTask))
    )


def test_the_loops(package: DtsPackage) -> None:
    turns = executable(package, "Turns").data()
    assert isinstance(turns, ForLoop)
    assert (turns.init_expression, turns.eval_expression, turns.assign_expression) == (
        "@[User::Count] = 0",
        "@[User::Count] < 3",
        "@[User::Count] = @[User::Count] + 1",
    )
    files = executable(package, "Each file").data()
    assert isinstance(files, ForeachLoop)
    assert files.enumerator == ENUMERATORS[0]
    assert files.expressions == {"Directory": "@[$Project::Region]"}
    assert [(each.variable, each.index) for each in files.mappings] == [("User::File", 0)]
    for number, enumerator in enumerate((*ENUMERATORS[1:], NODES)):
        loop = executable(package, f"Each {number}").data()
        assert isinstance(loop, ForeachLoop)
        if enumerator is NODES:
            assert getattr(loop.enumerator, "outer_xpath", "") == "/a/b"
        else:
            assert loop.enumerator == enumerator


def test_constraints_and_event_handlers(package: DtsPackage) -> None:
    found = {
        (each.source.rpartition("\\")[2], each.target.rpartition("\\")[2]): each
        for each in executable(package, "Steps").constraints
    }
    completion = found["From file", "Child"]
    assert (completion.value, completion.eval_op, completion.logical_and) == (
        ConstraintValue.COMPLETION,
        EvalOp.CONSTRAINT,
        False,
    )
    failure = found["Ask", "Zip"]
    assert (failure.value, failure.eval_op, failure.expression) == (
        ConstraintValue.FAILURE,
        EvalOp.EXPRESSION_AND_CONSTRAINT,
        "@[User::Count] > 0",
    )
    (handler,) = package.container.event_handlers
    assert (handler.event, handler.propagate, [each.name for each in handler.children]) == ("OnError", False, ["Warn"])
    (inner,) = executable(package, "Count rows").event_handlers
    assert (inner.event, inner.propagate) == ("OnPreExecute", True)


def test_ids_are_unique_and_a_build_is_reproducible(package: DtsPackage) -> None:
    ids = [
        value
        for element in package.element.iter("*")
        for name, value in element.attrib.items()
        if str(name).endswith(("DTSID", "refId"))
    ]
    assert len(ids) == len(set(ids))
    assert sales_project().to_ispac() == sales_project().to_ispac()


@pytest.mark.parametrize("target_server", [2014, 2019])
def test_it_lints_clean_builds_without_warnings_and_runs(target_server: int, tmp_path: Path) -> None:
    project = sales_project(target_server)
    project.save(tmp_path)
    findings = check(tmp_path, LintConfiguration())
    assert [each for each in findings if each.severity > Severity.INFO] == []
    ispac = build_ispac(tmp_path)
    assert ispac == project.to_ispac()
    found = read_ispac(ispac)
    assert (found.name, found.version_major, found.version_minor, found.version_build) == ("Sales", 1, 2, 3)
    assert found.description == "Daily sales"
    values = {each.name: (each.value, each.sensitive) for each in found.parameters}
    assert values["Region"] == ("north", False)
    assert values["ApiKey"] == (None, True)
    assert values["CM.Mart.InitialCatalog"] == ("Mart", False)
    assert values["CM.Mart.RetainSameConnection"] == (False, False)
    (child, _) = found.packages
    assert [(each.name, each.value, each.required) for each in child.parameters] == [("Rows", 10, True)]
    played = play(RunRequest(1, "Sales", found.name, found, "Load.dtsx"))
    assert played.status is OperationStatus.SUCCEEDED, played.events


@pytest.mark.parametrize("name", [r"SRV\SQL2019.Mart", r"D:\Feeds\In.xlsx", "https://x.test/a?b"])
def test_the_designer_names_connection_managers_by_server_and_path(name: str, tmp_path: Path) -> None:
    project = ProjectBuilder("P")
    shared = project.connection_managers.add_oledb(name, "Data Source=.;Provider=MSOLEDBSQL19.1;")
    package = project.add_package("Load")
    own = package.connection_managers.add_oledb(f"{name}2", "Data Source=.;Provider=MSOLEDBSQL19.1;")
    package.add_execute_sql("First", shared, "SELECT 1")
    package.add_execute_sql("Second", own, "SELECT 1")
    project.save(tmp_path)
    findings = check(tmp_path, LintConfiguration())
    assert [each for each in findings if each.severity > Severity.INFO] == []
    ispac = build_ispac(tmp_path)
    assert ispac == project.to_ispac()
    found = read_ispac(ispac)
    assert [one.name for one in found.connection_managers] == [name]
    assert [one.name for one in found.packages[0].connection_managers] == [f"{name}2"]
    assert play(RunRequest(1, "Sales", found.name, found, "Load.dtsx")).status is OperationStatus.SUCCEEDED
    (file,) = tmp_path.glob("*.conmgr")
    assert not set('\\/:*?"<>|') & set(file.name)


def test_tasks_have_names_with_quotes_and_no_break_spaces() -> None:
    package = PackageBuilder("Load")
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;Provider=MSOLEDBSQL19.1;")
    first = package.add_execute_sql('"A" & <b>', mart, "SELECT 1")
    package.connect(first, package.add_execute_sql("C\u00a0d", mart, "SELECT 1"))
    found = package.read().container
    assert [one.name for one in found.children] == ['"A" & <b>', "C\u00a0d"]
    assert len(found.constraints) == 1


def test_log_providers_log_events() -> None:
    package = PackageBuilder("Load")
    file = package.connection_managers.add_file("Log", "/var/log/load.csv", usage="create file")
    provider = package.add_log_provider("Text", "TextFile", file)
    package.set_logging(["OnError", "OnTaskFailed"], [provider])
    task = package.add_execute_process("Run", "/bin/true")
    task.set_logging(mode="parent")
    found = package.read()
    (read,) = found.log_providers
    assert (read.name, read.creation_name, read.config_string) == ("Text", "Microsoft.LogProviderTextFile", "Log")
    logging = found.container.logging
    assert logging is not None
    assert (logging.mode, logging.filter_kind, logging.events) == (1, 0, ("OnError", "OnTaskFailed"))
    assert logging.providers == (read.id,)
    own = found.container.children[0].logging
    assert own is not None
    assert (own.mode, own.events) == (0, ())
    for kind, manager in (("TextFile", None), ("EventLog", file), ("Paper", file)):
        with pytest.raises(BuildError, match="cannot contain the log provider"):
            package.add_log_provider("Other", kind, manager)
    with pytest.raises(BuildError, match="unknown logging mode 'on'"):
        task.set_logging(mode="on")


def test_configurations_are_read_back() -> None:
    package = PackageBuilder("Load")
    package.add_configuration("File", ConfigurationType.XML_FILE, "load.dtsConfig")
    path = r"\Package.Variables[User::Day].Properties[Value]"
    package.add_configuration("Parent", ConfigurationType.PARENT_VARIABLE, "Day", variable=path)
    found = package.read()
    assert found.enable_configurations
    assert [(each.name, each.type, each.string, each.variable) for each in found.configurations] == [
        ("File", ConfigurationType.XML_FILE, "load.dtsConfig", ""),
        ("Parent", ConfigurationType.PARENT_VARIABLE, "Day", path),
    ]
    with pytest.raises(BuildError, match="cannot contain the configuration 'File'"):
        package.add_configuration("File", 1, "x")


@pytest.mark.parametrize(("target_server", "version"), [(2019, "8"), (2014, "sql11")])
def test_the_layout_is_stored(target_server: int, version: str) -> None:
    package = sales_project(target_server).packages["load"].read()
    text = package.element.findtext(f"{DTS}DesignTimeProperties") or ""
    assert f'Version="{version}"' in text
    graph = control_flow_graph(package)
    assert graph.is_stored
    places = stored_places(package)
    steps = places["Package\\Steps"]
    inside = places["Package\\Steps\\Zip"]
    assert inside.x + inside.width <= steps.width
    assert inside.y + inside.height <= steps.height
    rows = [places[f"Package\\{name}"].y for name in ("Count rows", "Steps", "Turns", "Each file")]
    assert rows == sorted(rows)
    assert len(set(rows)) == 4


def test_the_layout_of_a_data_flow_is_stored() -> None:
    package = PackageBuilder("Load")
    rows = package.add_variable("Rows", 0)
    file = package.connection_managers.add_flat_file("In", "in.csv", [FlatFileColumn("A")])
    flow = package.add_data_flow("Flow")
    flow.add_row_count("Count", flow.add_flat_file_source("Read", file).output, rows)
    places = stored_places(package.read())
    assert places["Package\\Flow\\Read"].y < places["Package\\Flow\\Count"].y
