"""Change packages by property paths: all bytes outside of the changed values stay."""

from __future__ import annotations

import difflib
from datetime import datetime
from decimal import Decimal
from functools import cache

import pytest

from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.editing.builders import builder_of
from airflow_provider_ssis.project.editing.package_editor import PackageEditor
from airflow_provider_ssis.project.errors import BuildError, ProtectedError
from airflow_provider_ssis.project.models import ParameterValue
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import FileEnumerator, ForeachLoop
from airflow_provider_ssis.project.package.tasks import (
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    FileSystemTask,
    SendMailTask,
)
from tests.project.builder.sample import sales_project
from tests.support.places import INPUTS, needs_inputs


@cache
def sample(format_version: int) -> bytes:
    return sales_project(2019 if format_version == 8 else 2014).packages["load"].to_bytes()


def editor(format_version: int = 8) -> PackageEditor:
    return PackageEditor(sample(format_version), "Load.dtsx")


def changed_lines(before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """The lines of each file that the other one does not have."""
    found = list(difflib.unified_diff(before.decode().splitlines(), after.decode().splitlines(), lineterm="", n=0))[2:]
    return (
        [line[1:].strip() for line in found if line.startswith("-")],
        [line[1:].strip() for line in found if line.startswith("+")],
    )


@pytest.mark.parametrize("format_version", [8, 6])
@pytest.mark.parametrize(
    ("path", "value", "stored"),
    [
        (r"\Package.Properties[MaximumErrorCount]", 7, "7"),
        (r"\package.Properties[MaximumErrorCount]", "7", "7"),
        (r"\Package\Count rows.Properties[Disable]", True, "True"),
        (r"\Package\Count rows.Disable", "1", "True"),
        (r"\Package\Count rows.Properties[SqlStatementSource]", "SELECT 'a' & \"b\"\n<c>", "SELECT 'a' & \"b\"\n<c>"),
        (r"\Package\Count rows.Properties[ResultSetType]", "None", "ResultSetType_None"),
        (r"\Package\Count rows.Properties[ResultSetType]", "2", "ResultSetType_SingleRow"),
        (r"\Package\Count rows.Properties[SqlStatementSourceType]", 3, "Variable"),
        (r"\Package\Count rows.Properties[TransactionOption]", "required", "2"),
        (r"\Package\Count rows.Properties[TimeOut]", 90, "90"),
        (r"\Package\Count rows.Properties[BypassPrepare]", False, "False"),
        (r"\Package\Steps\Zip.Properties[Arguments]", "-x", "-x"),
        (r"\Package\Steps\Zip.Properties[StandardErrorVariable]", "User::File", "User::File"),
        (r"\Package\Steps\Child.Properties[PackageName]", "Other.dtsx", "Other.dtsx"),
        (r"\Package\Turns.Properties[EvalExpression]", "@[User::Count] < 9", "@[User::Count] < 9"),
        (r"\Package\Turns\Copy.Properties[OverwriteDestinationFile]", "false", "False"),
        (r"\Package\Each file\Report.Properties[ToLine]", "a@example.com", "a@example.com"),
        (r"\Package\Each file.ForEachEnumerator.Properties[FileSpec]", "*.txt", "*.txt"),
        (r"\Package.Variables[User::Count].Value", 12, "12"),
        (r"\Package.Variables[User::Count]", 12, "12"),
        (r"\Package.Variables[User::Count].Properties[Value]", "12", "12"),
        (r"\Package.Variables[Count].Value", "12", "12"),
        (r"\Package.Variables[User::Text].Value", "   ", "   "),
        (r"\Package\Steps.Variables[User::Inner].Value", False, "0"),
        (r"\Package\Steps\Ask.Variables[User::Inner].Value", "False", "0"),
        (r"\Package.Variables[$Package::Since].Value", datetime(2025, 1, 2), "1/2/2025"),
        (r"\Package.Variables[$Package::Since].Value", "2025-01-02T03:04:05", "1/2/2025 3:04:05 AM"),
        (r"\Package.Connections[Source].Properties[ConnectionString]", "/data/new.csv", "/data/new.csv"),
        (r"\Package.Connections[Warehouse].Properties[DelayValidation]", True, "True"),
        (r"\Package.EventHandlers[OnError]\Warn.Properties[Subject]", "Bad", "Bad"),
        (r"\Package\Count rows.EventHandlers[OnPreExecute].Properties[Disable]", True, "True"),
        (r"\Package\Steps.PrecedenceConstraints[Constraint 2].Properties[Value]", 1, "1"),
    ],
)
def test_a_value_changes_and_nothing_else(path: str, value: ParameterValue, stored: str, format_version: int) -> None:
    found = editor(format_version)
    before = found.to_bytes()
    found.set(path, value)
    assert found.get(path) == stored
    removed, added = changed_lines(before, found.to_bytes())
    assert len(removed) <= 1
    assert len(added) <= 2
    again = PackageEditor(found.to_bytes(), "Load.dtsx")
    assert again.get(path) == stored
    again.set(path, value)
    assert again.to_bytes() == found.to_bytes()


def test_a_part_of_a_connection_string_changes() -> None:
    found = editor()
    found.set(r"\Package.Connections[Warehouse].Properties[ServerName]", "dw01;b")
    found.set(r"\Package.Connections[Warehouse].Properties[InitialCatalog]", "Sales")
    text = found.get(r"\Package.Connections[Warehouse].Properties[ConnectionString]")
    assert text == 'Data Source="dw01;b";Initial Catalog=Sales;User ID=loader;'
    found.set_connection_string("Other", "Dsn=new;")
    found.set(r"\Package.Connections[Other].Properties[UserName]", "me")
    assert found.get(r"\Package.Connections[Other].Properties[ConnectionString]") == "Dsn=new;User ID=me;"


def test_the_file_of_an_excel_connection_is_a_part_of_its_connection_string() -> None:
    package = PackageBuilder("Load")
    package.connection_managers.add_excel("Book", "old;1.xlsx")
    found = PackageEditor(package.to_bytes(), "Load.dtsx")
    provider, properties = "Provider=Microsoft.ACE.OLEDB.12.0;", 'Extended Properties="EXCEL 12.0 XML;HDR=YES";'
    text = r"\Package.Connections[Book].Properties[ConnectionString]"
    assert found.get(text) == f'{provider}Data Source="old;1.xlsx";{properties}'
    found.set(r"\Package.Connections[Book].Properties[ExcelFilePath]", "/data/new.xlsx")
    assert found.get(text) == f"{provider}Data Source=/data/new.xlsx;{properties}"


def test_line_ends_in_cdata_are_kept() -> None:
    before = sample(8).replace(b'ObjectName="Text"', b'ObjectName="Text" Test="1"', 1)
    start = before.index(b">", before.index(b"<DTS:VariableValue", before.index(b'Test="1"'))) + 1
    end = before.index(b"<", start)
    found = PackageEditor(before[:start] + b"<![CDATA[x]]>" + before[end:], "Load.dtsx")
    text = "a\r\nb]]>\r"
    found.set_variable("User::Text", text)
    assert found.get(r"\Package.Variables[User::Text].Value") == text
    assert found.to_bytes().count(b"<![CDATA[a]]>&#xD;<![CDATA[\nb") == 1


def test_typed_setters_change_variables_and_parameters() -> None:
    found = editor()
    found.set_variable("User::Count", 99)
    found.set_variable("User::Inner", False, scope=r"\Package\Steps")
    found.set_parameter("Since", datetime(2030, 5, 6))
    package = found.package
    assert {each.name: each.value for each in package.container.variables if each.name == "Count"} == {"Count": 99}
    assert package.parameters[0].value == datetime(2030, 5, 6)
    with pytest.raises(BuildError, match="cannot store the value in its type Int32"):
        found.set_variable("User::Count", Decimal("1.5"))


def test_property_expressions_are_set_and_removed() -> None:
    found = editor()
    path = r"\Package\Count rows.Properties[Description]"
    before = found.to_bytes()
    with pytest.raises(BuildError, match="has a property expression, which replaces"):
        found.set(path, "text")
    found.set_expression(path, "@[User::File]")
    assert found.package.container.children[1].expressions == {"Description": "@[User::File]"}
    found.set_expression(path, None)
    assert found.package.container.children[1].expressions == {}
    found.set(path, "text")
    other = PackageEditor(before, "Load.dtsx")
    new = r"\Package\Start.Properties[Disable]"
    other.set_expression(new, "@[User::Count] > 3")
    assert other.package.container.children[0].expressions == {"Disable": "@[User::Count] > 3"}
    removed, added = changed_lines(before, other.to_bytes())
    assert removed == []
    assert added == ['<DTS:PropertyExpression DTS:Name="Disable">@[User::Count] &gt; 3</DTS:PropertyExpression>']
    other.set_expression(new, None)
    assert other.to_bytes() == before


def test_components_of_data_flows_can_be_changed() -> None:
    package = PackageBuilder("Load")
    mart = package.connection_managers.add_oledb("Mart", "Data Source=.;Initial Catalog=Mart;")
    flow = package.add_data_flow("Load")
    source = flow.add_oledb_source("Read", mart, [Column("Price", "DT_I4")], sql="SELECT Price FROM a")
    derived = flow.add_derived_column("Derive", source.output, {Column("Total", "DT_I4"): "[Price] * 2"})
    flow.add_oledb_destination("Write", derived.output, mart, "[t]")
    found = PackageEditor(package.to_bytes(), "Load.dtsx")
    found.set(r"\Package\Load.Properties[[Read].[SqlCommand]]", "SELECT Price FROM b")
    found.set(r"\Package\Load.Properties[[Write].[FastLoadKeepNulls]]", True)
    found.set(r"\Package\Load.Properties[DefaultBufferMaxRows]", 500)
    found.set(r"\Package\Load.Properties[[Derive].[Derived Column Output].[Total].[FriendlyExpression]]", "[Price] * 3")
    data = found.package.container.children[0].data()
    assert isinstance(data, Pipeline)
    assert data.buffer_max_rows == 500
    read, derive, write = data.components
    assert read.properties["SqlCommand"].text == "SELECT Price FROM b"
    assert write.properties["FastLoadKeepNulls"].text == "true"
    total = derive.outputs[0].columns[0].properties
    assert total["Expression"].text == f"#{{{derive.inputs[0].columns[0].lineage_id}}} * 3"
    assert total["FriendlyExpression"].text == "[Price] * 3"
    with pytest.raises(BuildError, match="refers to the unknown column Other"):
        found.set(r"\Package\Load.Properties[[Derive].[Total].[FriendlyExpression]]", "Other")
    with pytest.raises(BuildError, match="names no property of a component"):
        found.set(r"\Package\Load.Properties[[Read].[Command]]", "x")


def test_tasks_are_removed_with_their_constraints() -> None:
    found = editor()
    before = found.to_bytes()
    found.remove(r"\Package\Steps\From variable")
    steps = found.package.container.children[2]
    assert [each.name for each in steps.children] == ["Ask", "From file", "Child", "Zip"]
    assert {each.source.rpartition("\\")[2] for each in steps.constraints} == {"From file", "Ask"}
    removed, added = changed_lines(before, found.to_bytes())
    assert added == []
    assert any("From variable" in line for line in removed)
    found.remove(r"\Package.EventHandlers[OnError]\Warn")
    assert found.package.container.event_handlers[0].children == ()
    with pytest.raises(BuildError, match="cannot remove the package itself"):
        found.remove("\\Package")
    with pytest.raises(BuildError, match="contains no executable"):
        found.remove(r"\Package\Nothing")


def test_tasks_are_added() -> None:
    found = editor()
    before = found.to_bytes()
    tools = builder_of(found.package)
    warehouse = tools.connection_managers["Warehouse"]
    found.add(tools.add_execute_sql("New", warehouse, "EXEC dbo.Refresh").element())
    steps = tools.add_sequence("Steps")
    found.add(steps.add_expression("Inside", "@[User::Count] = 1").element(), r"\Package\Steps")
    children = found.package.container.children
    assert children[-1].name == "New"
    assert children[2].children[-1].name == "Inside"
    data = children[-1].data()
    assert isinstance(data, ExecuteSqlTask)
    assert data.connection == next(each.id for each in found.package.connection_managers if each.name == "Warehouse")
    assert changed_lines(before, found.to_bytes())[0] == []
    other = builder_of(found.package)
    with pytest.raises(BuildError, match="contains two executables new"):
        found.add(other.add_expression("new", "@[User::Count] = 1").element())
    with pytest.raises(BuildError, match="it has another place"):
        found.add(steps.add_expression("Other", "@[User::Count] = 1").element())


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (r"\Package\Nothing.Properties[Disable]", True, "names no executable"),
        (r"Package.Properties[Disable]", True, "names no executable"),
        (r"\Package\Count rows.Properties[Nonsense]", 1, "names no property of the task"),
        (r"\Package\Count rows.Properties[Name]", "x", "other places of the package depend on it"),
        (r"\Package\Count rows.Properties[TimeOut]", "soon", "is a whole number"),
        (r"\Package\Count rows.Properties[Disable]", "maybe", "is a Boolean"),
        (r"\Package.Variables[User::Nothing].Value", 1, "names no variable"),
        (r"\Package.Variables[User::Inner].Value", 1, "names no variable"),
        (r"\Package.Variables[User::Rowset].Value", "x", "names an Object"),
        (r"\Package.Variables[User::Double].Value", 1, "computed by the expression"),
        (r"\Package.Variables[User::Count].Value", "x", "is of the type Int32"),
        (r"\Package.Variables[$Project::Region].Value", "x", "is in Project.params"),
        (r"\Package.Variables[$Package::Nothing].Value", "x", "names no parameter"),
        (r"\Package.Connections[Nothing].Properties[ConnectionString]", "x", "names no connection manager"),
        (r"\Package.Connections[Warehouse].Properties[Password]", "x", "is a secret"),
        (r"\Package.Connections[Warehouse].ConnectionString", "Data Source=a;Password=x;", "would store a password"),
        (r"\Package.Connections[Csv].Properties[ConnectionString]", "x", "has a property expression"),
        (r"\Package\Turns.ForEachEnumerator.Properties[Directory]", "x", "enumerator of a Foreach loop"),
        (r"\Package.LogProviders[A].Properties[ConfigString]", "x", "names nothing in LogProviders"),
        (r"\Package\Count row.Properties[Disable]", True, r"did you mean \\Package\\Count rows\?"),
        (r"\Package\count rows.Properties[Disable]", True, r"did you mean \\Package\\Count rows\?"),
        (r"\Package.Variables[User::count].Value", 1, r"did you mean User::Count\?"),
        (r"\Package.Variables[$Package::Sinc].Value", 1, r"did you mean Since\?"),
        (r"\Package\Count rows.Properties[SqlStatmentSource]", "", r"did you mean SqlStatementSource\?"),
        (r"\Package.Properties[MaxErrorCounts]", 1, r"did you mean MaximumErrorCount\?"),
        (r"\Package.Connections[Other].Properties[connectionstring]", "", r"did you mean ConnectionString\?"),
        (r"\Package\Steps.PrecedenceConstraints[Constraint 9].Properties[Value]", 1, "did you mean Constraint"),
        (r"\Package.Properties[Value]", 1, "names no property"),
        (r"\Package.Properties[Expression]", "1", "names no property"),
        (r"\Package\Count rows.Properties[SaveCheckpoints]", True, "names no property of the task"),
        (r"\Package\Steps.Properties[EvalExpression]", "1", "names no property"),
        (r"\Package.Variables[User::Count].Properties[MaxErrorCount]", 1, "names no property"),
        (r"\Package.Variables[User::Count].Properties[Namespace]", "A", "other places of the package depend on it"),
        (r"\Package\Steps.PrecedenceConstraints[Constraint 2].Properties[To]", "x", "other places of the package"),
        (r"\Package.Connections[Source].Properties[ServerName]", "x", "names no stored property"),
        (r"\Package.Connections[Warehouse].Properties[ExcelFilePath]", "x", "names no stored property"),
        (r"\Package\Count rows.Properties[ResultSetType]", "Rows", "is one of 1 None, 2 SingleRow, 3 Rowset, 4 XML"),
        (r"\Package\Turns\Remove.Properties[Operation]", "Delete", "is one of 0 CopyFile, 1 MoveFile"),
        (r"\Package\Count rows.Properties[TransactionOption]", 3, "is one of 0 NotSupported, 1 Supported"),
        (r"\Package\Count rows.Properties[IsolationLevel]", 1, "is one of -1 Unspecified"),
        (r"\Package\Count rows.Properties[TimeOut]", -1, "is a whole number from 0 to 2147483647"),
        (r"\Package\Count rows.Properties[TimeOut]", 2**31, "is a whole number from 0 to 2147483647"),
        (r"\Package\Count rows.Properties[TimeOut]", "\u0663", "is a whole number"),
        (r"\Package\Count rows.Properties[SqlStatementSource]", "a\x01", r"the character U\+0001"),
        (r"\Package\Count rows.Properties[SqlStatementSource]", "\ud800", r"the character U\+D800"),
    ],
)
def test_a_path_that_cannot_be_set_is_an_error(path: str, value: ParameterValue, problem: str) -> None:
    found = editor()
    before = found.to_bytes()
    with pytest.raises(BuildError, match=problem):
        found.set(path, value)
    assert found.to_bytes() == before


def test_other_encodings_are_refused() -> None:
    text = editor().to_bytes().decode().replace("utf-8", "utf-16", 1)
    with pytest.raises(BuildError, match="is not written in UTF-8"):
        PackageEditor(text.encode("utf-16"), "Load.dtsx")


def test_values_of_the_kinds_of_tasks_are_read_back() -> None:
    found = editor()
    found.set(r"\Package\Steps\Child.Properties[PackageName]", "Other.dtsx")
    found.set(r"\Package\Steps\Zip.Properties[TimeOut]", 5)
    found.set(r"\Package\Turns\Remove.Properties[Operation]", "DeleteDirectory")
    found.set(r"\Package\Each file\Report.Properties[CCLine]", "b@example.com")
    data = {each.name: each.data() for each in found.package.container.walk()}
    child, process, remove, mail = data["Child"], data["Zip"], data["Remove"], data["Report"]
    assert isinstance(child, ExecutePackageTask)
    assert isinstance(process, ExecuteProcessTask)
    assert isinstance(remove, FileSystemTask)
    assert isinstance(mail, SendMailTask)
    assert (child.package_name, process.timeout, remove.operation, mail.cc) == (
        "Other.dtsx",
        5,
        "DeleteDirectory",
        "b@example.com",
    )


@pytest.mark.slow
@needs_inputs
def test_real_packages_keep_their_bytes() -> None:
    path = INPUTS / "wide-world-importers" / "DailyETLMain.dtsx"
    before = path.read_bytes()
    found = PackageEditor.open(path)
    assert found.to_bytes() == before
    name = found.package.container.variables[0].qualified_name
    found.set_variable(name, "2030-01-01")
    task = next(each for each in found.package.container.walk() if isinstance(each.data(), ExecuteSqlTask))
    found.set(f"{task.path}.Properties[SqlStatementSource]", "SELECT 1;")
    found.set(f"{task.path}.Properties[Disable]", True)
    removed, added = changed_lines(before, found.to_bytes())
    assert len(removed) == 2
    assert len(added) == 3
    assert 'DTS:Disabled="True"' in added


@needs_inputs
def test_old_packages_keep_their_bytes() -> None:
    path = INPUTS / "ssis-tutorial" / "Lesson 3.dtsx"
    before = path.read_bytes()
    found = PackageEditor.open(path)
    loop = next(each for each in found.package.container.children if isinstance(each.data(), ForeachLoop))
    found.set(f"{loop.path}.Properties[Disable]", True)
    found.set(f"{loop.path}.ForEachEnumerator.Properties[FileSpec]", "*.csv")
    data = found.package.container.children[0].data()
    assert found.get(f"{loop.path}.Properties[Disable]") == "-1"
    assert isinstance(data, ForeachLoop)
    assert isinstance(data.enumerator, FileEnumerator)
    assert data.enumerator.file_spec == "*.csv"
    removed, added = changed_lines(before, found.to_bytes())
    assert (len(removed), len(added)) == (2, 2)
    with pytest.raises(BuildError, match=r"\d format 3|cannot be written in the format 3"):
        builder_of(found.package)


def test_an_encrypted_package_is_refused() -> None:
    with pytest.raises(ProtectedError, match="is encrypted as a whole"):
        PackageEditor(b'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>', "Load.dtsx")
