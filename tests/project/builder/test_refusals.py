"""The builder rejects what would not run, and names it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ssis.project.builder.components import Component
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.models import EvalOp
from airflow_provider_ssis.project.package.loops import FileEnumerator, OtherEnumerator, VariableEnumerator


def database(package: PackageBuilder, kind: str = "oledb") -> ConnectionManagerBuilder:
    add = {
        "oledb": package.connection_managers.add_oledb,
        "odbc": package.connection_managers.add_odbc,
        "ado": package.connection_managers.add_ado_net,
    }
    return add[kind](kind, "Data Source=.;")


def twice(package: PackageBuilder) -> None:
    package.add_variable("n", 1)
    package.add_expression("Same", "@[User::n] = 1")
    package.add_expression("same", "@[User::n] = 1")


def across(package: PackageBuilder) -> None:
    package.add_variable("n", 1)
    inner = package.add_sequence("S").add_expression("Inner", "@[User::n] = 1")
    package.connect(package.add_expression("Outer", "@[User::n] = 1"), inner)


def scope(package: PackageBuilder) -> None:
    hidden = package.add_sequence("S").add_variable("Hidden", "")
    package.add_execute_process("P", "x", standard_output_variable=hidden)


def expression_without_use(package: PackageBuilder) -> None:
    first, second = package.add_sequence("A"), package.add_sequence("B")
    package.add_constraint(first, second, expression="1 == 1", eval_op=EvalOp.CONSTRAINT)


def cycle(package: PackageBuilder) -> None:
    first, second, third = (package.add_sequence(each) for each in "abc")
    package.connect(first, second, third)
    package.connect(third, first)


def connected(package: PackageBuilder, **constraint: Any) -> PackageBuilder:
    first, second, third = (package.add_sequence(each) for each in "abc")
    package.connect(first, second)
    package.add_constraint(second, third, **constraint)
    return package


def foreign_log(package: PackageBuilder) -> None:
    other = PackageBuilder("Other")
    log = other.add_log_provider("Log", "TextFile", other.connection_managers.add_file("Log", "x"))
    package.set_logging(["OnError"], [log])


def into(package: PackageBuilder, variable: Variable) -> None:
    package.add_execute_sql("T", database(package), "?", result_type="SingleRow", results={"n": variable})


def output(package: PackageBuilder) -> None:
    parameters = [SqlParameter(package.add_parameter("n", 1), "Output")]
    package.add_execute_sql("T", database(package), "?", parameters=parameters)


def source(package: PackageBuilder, *columns: Column) -> Component:
    flow = package.add_data_flow("Flow")
    return flow.add_oledb_source("Read", database(package), columns or [Column("a", "DT_I4")], table="t")


def foreign_output(package: PackageBuilder) -> None:
    """An output of another package, in a data flow and component of the same names."""
    flow = package.add_data_flow("Flow")
    flow.add_oledb_source("Read", database(package), [Column("a", "DT_I4")], table="t")
    flow.add_row_count("Count", source(PackageBuilder("Other")).output, package.add_variable("n", 1))


def used_component(package: PackageBuilder) -> None:
    flow = package.add_data_flow("Flow")
    read = flow.add_oledb_source("Read", database(package), [Column("a", "DT_I4")], table="t")
    flow.add_row_count("Count", read.output, package.add_variable("n", 1))
    flow.discard("Count")
    flow.add_row_count("Count", read.output, "User::n")
    flow.discard("Read")


FILES = FileEnumerator(folder="x", file_spec="*", name_retrieval=0, recurse=False)
WRONG: dict[str, Any] = {"result": "Success", "count": "2", "version": (1, 0)}
REFUSED: dict[str, tuple[Callable[[PackageBuilder], object], str]] = {
    "name": (lambda p: p.add_sequence("a.b"), "cannot contain the executable 'a.b'"),
    "no name": (lambda p: p.add_variable(""), "cannot contain the variable ''"),
    "two tasks": (twice, "contains two executables same in Package"),
    "two variables": (lambda p: [p.add_variable("x", 1) for _ in "ab"], "User::x twice in Package"),
    "reserved namespace": (lambda p: p.add_variable("x", 1, namespace="System"), "the namespace is reserved"),
    "unknown type": (lambda p: p.add_variable("x", 1, data_type="Int"), "has the unknown type 'Int'"),
    "too large": (lambda p: p.add_variable("x", 300, data_type="Byte"), "cannot store the value in its type Byte"),
    "not a text": (lambda p: p.add_variable("x", 1, data_type="String"), "cannot store the value in its type String"),
    "bool as number": (lambda p: p.add_variable("x", True, data_type="Int32"), "cannot store the value"),
    "date with offset": (lambda p: p.add_variable("x", datetime(2024, 1, 1, tzinfo=UTC)), "cannot store the value"),
    "fraction": (lambda p: p.add_variable("x", datetime(2024, 1, 1, 1, 1, 1, 5)), "cannot store the value"),
    "secret": (lambda p: p.add_parameter("x", "hunter2", sensitive=True), "sensitive parameter x cannot have"),
    "object parameter": (lambda p: p.add_parameter("x", data_type="Object"), "cannot have the type Object"),
    "password": (
        lambda p: p.connection_managers.add_oledb("C", "Data Source=.;Password=hunter2;"),
        r"CM\.C\.Password",
    ),
    "odbc password": (lambda p: p.connection_managers.add_odbc("C", "Dsn=x;PWD=hunter2"), "contains a password"),
    "password of a file": (
        lambda p: p.connection_managers.add_oledb("C", "Data Source=a.mdb;Jet OLEDB:Database Password=hunter2;"),
        "contains a password",
    ),
    "password that starts with an asterisk": (
        lambda p: p.connection_managers.add_oledb("C", "Data Source=.;Password=*hunter2;"),
        "contains a password",
    ),
    "other password": (
        lambda p: p.connection_managers.add_other("C", "CACHE", {"Password": "hunter2"}),
        "contains a password",
    ),
    "columns": (
        lambda p: p.connection_managers.add_flat_file("F", "x", [FlatFileColumn("a"), FlatFileColumn("A")]),
        "needs columns with different names",
    ),
    "column type": (
        lambda p: p.connection_managers.add_flat_file("F", "x", [FlatFileColumn("a", "DT_WIDE")]),
        "F.a has the unknown type 'DT_WIDE'",
    ),
    "variable": (lambda p: p.add_execute_process("P", "x", standard_input_variable="User::x"), "User::x that Package"),
    "scope": (scope, "User::Hidden that Package can use"),
    "project parameter": (
        lambda p: p.add_execute_package("P", "A.dtsx", assignments={"a": "$Project::x"}),
        r"no variable or parameter \$Project::x",
    ),
    "connection type": (
        lambda p: p.add_execute_sql("T", p.connection_managers.add_file("F", "x"), "SELECT 1"),
        "the connection manager F of type FILE",
    ),
    "other package": (
        lambda p: p.add_execute_sql("T", database(PackageBuilder("Other")), "SELECT 1"),
        "oledb of another package or project",
    ),
    "results": (
        lambda p: p.add_execute_sql("T", database(p), "SELECT 1", result_type="Rowset", results={"n": "User::x"}),
        "the result type Rowset",
    ),
    "results without type": (
        lambda p: p.add_execute_sql("T", database(p), "SELECT 1", results={"n": "User::x"}),
        "the result type None",
    ),
    "odbc code": (
        lambda p: p.add_execute_sql("T", database(p, "odbc"), "?", parameters=[SqlParameter(p.add_variable("n", 1))]),
        "without a type code",
    ),
    "ado.net name": (
        lambda p: p.add_execute_sql("T", database(p, "ado"), "?", parameters=[SqlParameter(p.add_variable("n", 1))]),
        "without a name",
    ),
    "direction": (
        lambda p: p.add_execute_sql("T", database(p), "?", parameters=[SqlParameter(p.add_variable("n", 1), "In")]),
        "with the direction 'In'",
    ),
    "operation": (lambda p: p.add_file_system("F", "Copy", "User::x"), "unknown operation 'Copy'"),
    "destination": (lambda p: p.add_file_system("F", "CopyFile", "User::x"), "CopyFile with the destination None"),
    "script": (lambda p: p.add_script("S", {"ScriptMain.cs": ""}, None), "a script without its compiled form"),
    "assignment": (lambda p: p.add_expression("E", "@[User::n] == 1"), "must be an assignment"),
    "package": (lambda p: p.add_execute_package("E", "Child"), "the package 'Child'"),
    "enumerator": (lambda p: p.add_foreach_loop("L", OtherEnumerator({})), "cannot write the enumerator"),
    "enumerator variable": (lambda p: p.add_foreach_loop("L", VariableEnumerator("User::x")), "User::x that Package"),
    "condition": (lambda p: p.add_for_loop("L", " "), "needs a condition"),
    "event": (lambda p: p.event_handler("OnFailure"), "has no event 'OnFailure'"),
    "another container": (across, r"cannot connect Package\\S\\Inner"),
    "same": (lambda p: p.connect(*[p.add_sequence("S")] * 2), "they are the same"),
    "ignored expression": (expression_without_use, "ignores its expression"),
    "cycle": (cycle, r"cannot connect Package\\c to Package\\a, which already runs before it"),
    "constraint name": (lambda p: connected(p, name="Constraint"), "two precedence constraints Constraint"),
    "constraint result": (lambda p: connected(p, value=WRONG["result"]), "result 'Success'.*ConstraintValue.SUCCESS"),
    "removal": (lambda p: connected(p).discard("B"), "a precedence constraint leads to or from it"),
    "transaction": (lambda _: Options(transaction_option=3), "option transaction_option is one of 0 NotSupported"),
    "isolation": (lambda _: Options(isolation_level=3), "option isolation_level is one of -1 Unspecified"),
    "forced result": (lambda _: Options(force_execution_result=3), "is one of -1 None, 0 Success"),
    "error count": (lambda _: Options(max_error_count=-1), "option max_error_count is a whole number from 0"),
    "error count as text": (lambda _: Options(max_error_count=WRONG["count"]), "is a whole number. The value is '2'"),
    "foreign log": (foreign_log, "cannot log with Log, a log provider of another package"),
    "log connection": (
        lambda p: p.add_log_provider("L", "SQLServer", p.connection_managers.add_file("F", "x")),
        "SQLServer needs an OLEDB connection manager",
    ),
    "property expression": (lambda p: p.set_expression(" ", "1"), "the property ' '"),
    "character of an expression": (lambda p: p.set_expression("Disable", "\x02"), "no control characters"),
    "name as attribute": (lambda p: p.add_sequence("S").set_attributes({"ObjectName": "T"}), "attribute ObjectName"),
    "infinity": (lambda p: p.add_variable("x", float("inf")), "cannot store the value in its type Double"),
    "timeout": (
        lambda p: p.add_execute_process("P", "x", timeout=-1),
        "timeout of the task P is a whole number",
    ),
    "result into a parameter": (lambda p: into(p, p.add_parameter("n", 1)), r"cannot change \$Package::n"),
    "result into a system variable": (lambda p: into(p, "System::PackageName"), "cannot change System::PackageName"),
    "output into a parameter": (output, r"cannot change \$Package::n"),
    "mapping into a parameter": (
        lambda p: p.add_foreach_loop("L", FILES, mappings=[p.add_parameter("n", "")]),
        r"cannot change \$Package::n",
    ),
    "foreign output": (foreign_output, "cannot use the output OLE DB Source Output"),
    "used component": (used_component, "Read of .* cannot be removed: another component takes one of its outputs"),
    "precision": (
        lambda p: source(p, Column("a", "DT_NUMERIC", precision=39)),
        "DT_NUMERIC has the precision 39",
    ),
    "scale": (lambda p: source(p, Column("a", "DT_NUMERIC", precision=2, scale=3)), "scale 3. .* from 0 to 2"),
    "length": (lambda p: source(p, Column("a", length=4001)), "length 4001. .* from 0 to 4000"),
    "negative length": (lambda p: source(p, Column("a", "DT_STR", length=-1)), "length -1. .* from 0 to 8000"),
    "number of a component": (
        lambda p: source(p).set_properties({"CommandTimeout": "soon"}),
        "CommandTimeout of the component Read is of the type Int32, and cannot be 'soon'",
    ),
    "text of a component": (lambda p: source(p).set_properties({"OpenRowset": "\x01"}), r"the character U\+0001"),
    "text of a data flow": (
        lambda p: p.add_data_flow("Flow").set_attributes({"bufferTempStoragePath": "\x01"}),
        r"the character U\+0001",
    ),
    "version": (lambda _: PackageBuilder("P", version=WRONG["version"]), "a version of three numbers"),
    "negative version": (lambda _: PackageBuilder("P", version=(-1, 0, 0)), "the version of the package is a whole"),
    "executables at a time": (lambda _: PackageBuilder("P", max_concurrent_executables=0), "without 0"),
    "FTP operation": (
        lambda p: p.add_ftp("T", p.connection_managers.add_ftp("F", "h"), "CreateRemoteDirectory"),
        "Known: Send, Receive, DeleteLocal, DeleteRemote, MakeDirLocal",
    ),
    "control character": (lambda p: p.add_variable("x", "\x01").element(), "XML does not allow"),
    "delimiter": (
        lambda p: p.connection_managers.add_flat_file("F", "x", [FlatFileColumn("a")], row_delimiter="\U0001f600"),
        "basic plane",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_is_an_error(case: str) -> None:
    act, message = REFUSED[case]
    with pytest.raises(BuildError, match=message) as caught:
        act(PackageBuilder("Load"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: PackageBuilder("a/b"), "is not the name of a file"),
        (lambda: PackageBuilder("a", format_version=3), "cannot be written in the format 3"),
        (lambda: ProjectBuilder("a", target_server=2008), "has no target server 2008"),
        (lambda: ProjectBuilder(""), "is not the name of a project"),
        (lambda: [ProjectBuilder("a").connection_managers.add_file("a[b", "x")], "cannot contain the connection"),
    ],
)
def test_projects_and_packages_need_valid_names_and_versions(act: Callable[[], object], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        act()


def test_two_connection_managers_of_a_project_need_different_files() -> None:
    managers = ProjectBuilder("P").connection_managers
    managers.add_file("a:b", "x")
    with pytest.raises(BuildError, match=r"a:b and A_b, which would be the same file A_b\.conmgr"):
        managers.add_file("A_b", "x")


def test_two_packages_need_different_names() -> None:
    project = ProjectBuilder("P")
    project.add_package("Load")
    with pytest.raises(BuildError, match="contains two packages load"):
        project.add_package("load")
