"""The data of each task: what it stores, and the defaults of what it leaves out."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    OtherTask,
    ParameterAssignment,
    ParameterBinding,
    ResultBinding,
    ScriptTask,
    SendMailTask,
    TaskData,
)
from airflow_provider_ssis.project.type_names import class_name, task_type
from tests.support.dtsx_text import read_text, task_text

SQL = 'xmlns:SQLTask="www.microsoft.com/sqlserver/dts/tasks/sqltask"'


def data_of(data: str, type_: str = "Microsoft.Task") -> TaskData | ForLoop | ForeachLoop | None:
    (task,) = read_text(task_text(data, type_)).container.children
    return task.data()


def test_an_execute_sql_task() -> None:
    task = data_of(
        f'<SQLTask:SqlTaskData {SQL} SQLTask:Connection="{{1}}" SQLTask:SqlStatementSource="EXEC p ?"'
        ' SQLTask:ResultType="ResultSetType_SingleRow" SQLTask:TimeOut="30" SQLTask:BypassPrepare="False"'
        ' SQLTask:IsStoredProc="True" SQLTask:CodePage="1252" SQLTask:SqlStmtSourceType="DirectInput">'
        '<SQLTask:ResultBinding SQLTask:ResultName="Rows" SQLTask:DtsVariableName="User::Rows"/>'
        '<SQLTask:ParameterBinding SQLTask:ParameterName="0" SQLTask:DtsVariableName="User::Region"'
        ' SQLTask:ParameterDirection="Output" SQLTask:DataType="130" SQLTask:ParameterSize="50"/>'
        "</SQLTask:SqlTaskData>"
    )
    assert isinstance(task, ExecuteSqlTask)
    assert (task.connection, task.source, task.source_type) == ("{1}", "EXEC p ?", "DirectInput")
    assert (task.result_type, task.timeout, task.code_page) == ("SingleRow", 30, 1252)
    assert (task.bypass_prepare, task.is_stored_procedure) == (False, True)
    assert task.parameters == (ParameterBinding("0", "User::Region", "Output", 130, 50),)
    assert task.results == (ResultBinding("Rows", "User::Rows"),)


def test_the_defaults_of_an_execute_sql_task() -> None:
    task = data_of(f"<SQLTask:SqlTaskData {SQL}><SQLTask:ParameterBinding/></SQLTask:SqlTaskData>")
    assert isinstance(task, ExecuteSqlTask)
    assert (task.source_type, task.result_type, task.timeout, task.bypass_prepare) == ("DirectInput", "None", 0, True)
    assert task.parameters == (ParameterBinding("", "", "Input", 0, -1),)


def test_an_execute_package_task() -> None:
    task = data_of(
        "<ExecutePackageTask><UseProjectReference>True</UseProjectReference><PackageName>Child.dtsx</PackageName>"
        "<ExecuteOutOfProcess>False</ExecuteOutOfProcess>"
        "<ParameterAssignment><ParameterName>Rows</ParameterName>"
        "<BindedVariableOrParameterName>User::Rows</BindedVariableOrParameterName></ParameterAssignment>"
        "</ExecutePackageTask>"
    )
    assert isinstance(task, ExecutePackageTask)
    assert (task.use_project_reference, task.package_name, task.connection) == (True, "Child.dtsx", "")
    assert task.assignments == (ParameterAssignment("Rows", "User::Rows"),)


def test_an_execute_process_task() -> None:
    task = data_of(
        '<ExecuteProcessData Executable="cmd" Arguments="/c secret" TimeOut="5" RequireFullFileName="False"/>'
    )
    assert isinstance(task, ExecuteProcessTask)
    assert (task.executable, task.arguments, task.timeout) == ("cmd", "/c secret", 5)
    assert (task.require_full_file_name, task.fail_on_other_return_code, task.success_value) == (False, True, 0)
    assert "secret" not in repr(task)


def test_a_file_system_task() -> None:
    task = data_of(
        '<FileSystemData TaskOperationType="MoveFile" TaskSourcePath="User::From" TaskIsSourceVariable="True"'
        ' TaskDestinationPath="{1}" TaskOverwriteDestFile="True"/>'
    )
    assert isinstance(task, FileSystemTask)
    assert (task.operation, task.source, task.source_is_variable) == ("MoveFile", "User::From", True)
    assert (task.destination, task.destination_is_variable, task.overwrite) == ("{1}", False, True)
    default = data_of("<FileSystemData/>")
    assert isinstance(default, FileSystemTask)
    assert default.operation == "CopyFile"


def test_a_send_mail_task() -> None:
    task = data_of(
        '<m:SendMailTaskData xmlns:m="www.microsoft.com/sqlserver/dts/tasks/sendmailtask" m:SMTPServer="{1}"'
        ' m:From="a@b" m:To="c@d;e@f" m:Subject="Done" m:MessageSource="text">'
        '<m:Attachments m:FileName="a.xls|b.xls||"/>'
        "</m:SendMailTaskData>"
    )
    assert isinstance(task, SendMailTask)
    assert (task.smtp_server, task.sender, task.to, task.subject) == ("{1}", "a@b", "c@d;e@f", "Done")
    assert (task.priority, task.source_type, task.source) == ("Normal", "DirectInput", "text")
    assert task.attachments == ("a.xls", "b.xls")


def test_a_script_task() -> None:
    task = data_of(
        '<ScriptProject Name="ST_1" Language="CSharp" ReadOnlyVariables="$Project::A, User::B"'
        ' ReadWriteVariables="User::C"><ProjectItem Name="main.cs"><![CDATA[class A {}]]></ProjectItem>'
        '<BinaryItem Name="ST_1.dll">TVqQ</BinaryItem></ScriptProject>'
    )
    assert isinstance(task, ScriptTask)
    assert (task.name, task.language, task.entry_point, task.has_binary) == ("ST_1", "CSharp", "Main", True)
    assert task.read_only_variables == ("$Project::A", "User::B")
    assert task.read_write_variables == ("User::C",)
    assert task.files == {"main.cs": "class A {}"}


def test_an_ftp_task() -> None:
    task = data_of(
        '<FtpData ConnectionName="{1}" TaskRemotePath="/in/*.csv" TaskLocalPath="User::Folder"'
        ' TaskIsLocalPathVar="True"/>'
    )
    assert isinstance(task, FtpTask)
    assert (task.connection, task.operation, task.remote_path) == ("{1}", "Send", "/in/*.csv")
    assert (task.local_path, task.local_path_is_variable) == ("User::Folder", True)


def test_an_expression_task() -> None:
    task = data_of('<ExpressionTask Expression="@[User::N] = 1"/>')
    assert isinstance(task, ExpressionTask)
    assert task.expression == "@[User::N] = 1"


def test_a_bulk_insert_task() -> None:
    task = data_of(
        '<BulkInsertTaskData DestinationConnectionName="{1}" DestinationTableName="[dbo].[T]"'
        ' SourceConnectionName="{2}" FieldTerminator="Comma {,}" TableLock="True"/>'
    )
    assert isinstance(task, BulkInsertTask)
    assert (task.source_connection, task.destination_connection, task.destination_table) == ("{2}", "{1}", "[dbo].[T]")
    assert (task.field_terminator, task.row_terminator) == ("Comma {,}", "{CR}{LF}")
    assert task.properties["TableLock"] == "True"


def test_another_task_is_a_bag_of_properties() -> None:
    task = data_of('<XMLTaskData OperationType="XSLT"><Inner a="1">text</Inner></XMLTaskData>')
    assert isinstance(task, OtherTask)
    assert task.data is not None
    assert (task.data.name, task.data.attributes) == ("XMLTaskData", {"OperationType": "XSLT"})
    (inner,) = task.data.children
    assert (inner.name, inner.attributes, inner.text) == ("Inner", {"a": "1"}, "text")


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("Microsoft.SendMailTask", SendMailTask),
        (
            "Microsoft.SqlServer.Dts.Tasks.SendMailTask.SendMailTask, Microsoft.SqlServer.SendMailTask, V=9",
            SendMailTask,
        ),
        ("Microsoft.ExecuteSQLTask", ExecuteSqlTask),
        ("Vendor.Task", OtherTask),
    ],
)
def test_a_task_without_data_has_the_defaults_of_its_type(type_: str, expected: type) -> None:
    assert isinstance(data_of("", type_), expected)


@pytest.mark.parametrize(
    "type_", ["Microsoft.Pipeline", "DTS.Pipeline.1", "SSIS.Pipeline.2", "{c3bf9dc1-4715-4694-936f-d3cfda9e42c5}"]
)
def test_a_data_flow_task_is_a_pipeline(type_: str) -> None:
    assert isinstance(data_of("<pipeline/>"), Pipeline)
    assert task_type(type_) == "Pipeline"


@pytest.mark.parametrize(
    ("class_id", "name"),
    [
        ("{B551FCA8-23BD-4719-896F-D8F352A5283C}", "ExcelSource"),
        ("{C9269E28-EBDE-4DED-91EB-0BF42842F9F4}", "ExcelDestination"),
        ("{70909a92-ece9-486d-b17e-30ede908849e}", "SCD"),
        ("{51DC0B24-7421-45C3-B4AB-9481A683D91D}", "RawSource"),
        ("{485E7329-8754-42B4-AA5B-29C5DA09CAD5}", "RawDestination"),
        ("{E4B61516-847B-4BDF-9CC6-1968A2D43E73}", "SQLServerDestination"),
        ("{5056651F-F227-4978-94DF-53CDF9E8CCB6}", "FuzzyLookup"),
        ("{A77F5655-A006-443A-9B7E-90B6BD55CB84}", "ODBCSource"),
    ],
)
def test_the_class_ids_of_old_formats_have_the_names_of_format_8(class_id: str, name: str) -> None:
    assert class_name(class_id) == name


def test_a_number_that_is_not_one_is_rejected_with_its_line() -> None:
    with pytest.raises(
        InvalidPartError, match=r"Load\.dtsx, line 2: the property TimeOut is 'soon', not a whole number"
    ):
        data_of('<ExecuteProcessData TimeOut="soon"/>')
