"""A project with every object that the builder writes."""

from __future__ import annotations

from datetime import datetime

from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.models import ConstraintValue
from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    ItemEnumerator,
    NodeListEnumerator,
    SchemaRowsetEnumerator,
    SmoEnumerator,
    VariableEnumerator,
)

ENUMERATORS: tuple[Enumerator, ...] = (
    FileEnumerator("/data", "*.csv", 1, True),
    ItemEnumerator((((3, "1"), (8, "north")), ((3, "2"), (8, "south")))),
    AdoEnumerator("EnumerateRowsInFirstTable", "User::Rowset"),
    VariableEnumerator("User::Rowset"),
    SchemaRowsetEnumerator("Mart", "Tables", {"Connection": "Mart", "Schema": "Tables"}),
    SmoEnumerator("SMOEnumObj[@Name='Databases']"),
)
NODES = NodeListEnumerator(
    enumeration_type="NodeText",
    source_type="DirectInput",
    source_document="<a><b/></a>",
    outer_xpath_source_type="DirectInput",
    outer_xpath="/a/b",
    inner_element_type="NodeText",
    inner_xpath_source_type="DirectInput",
    inner_xpath="",
    properties={},
)


def sales_project(target_server: int = 2019) -> ProjectBuilder:
    """Return the project ``Sales`` with the packages ``Load`` and ``Child``."""
    project = ProjectBuilder("Sales", target_server=target_server, version=(1, 2, 3), description="Daily sales")
    region = project.add_parameter("Region", "north", description="the region")
    project.add_parameter("ApiKey", sensitive=True)
    mart = project.connection_managers.add_oledb(
        "Mart", "Data Source=.;Initial Catalog=Mart;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;"
    )
    child = project.add_package("Child")
    child.add_parameter("Rows", 10, required=True)
    child.add_expression("Nothing", "@[User::Seen] = @[$Package::Rows]")
    child.add_variable("Seen", 0)

    package = project.add_package("Load", version=(2, 0, 7), options=Options(max_error_count=3, description="Loads"))
    since = package.add_parameter("Since", datetime(2024, 1, 31, 22, 5, 6))
    count = package.add_variable("Count", 5)
    file = package.add_variable("File", "")
    rowset = package.add_variable("Rowset")
    package.add_variable("Double", 0, data_type="Int32", expression="@[User::Count] * 2", description="twice")
    text = package.add_variable("Text", "  ", read_only=True)
    connections = package.connection_managers
    warehouse = connections.add_ado_net("Warehouse", "Data Source=.;Initial Catalog=W;User ID=loader;", retain=True)
    odbc = connections.add_odbc("Other", "Dsn=other;uid=loader;")
    connections.add_excel("Book", r"C:\data\book.xlsx")
    source = connections.add_file("Source", r"C:\data\in.csv")
    target = connections.add_file("Target", r"C:\data\done", usage="existing folder")
    mail_server = connections.add_smtp("Mail", "smtp.example.com", enable_ssl=True, timeout=1000)
    ftp = connections.add_ftp("Files", "ftp.example.com", user="loader", use_passive_mode=True)
    connections.add_other("Cube", "MSOLAP100", {"ConnectionString": "Data Source=.;Provider=MSOLAP;"})
    flat = connections.add_flat_file(
        "Csv",
        r"C:\data\in.csv",
        [
            FlatFileColumn("Name"),
            FlatFileColumn("Price", "DT_NUMERIC", precision=10, scale=2),
            FlatFileColumn("Day", "DT_DBDATE", text_qualified=False),
        ],
        text_qualifier='"',
    )
    flat.set_expression("ConnectionString", "@[User::File]")

    package.add_expression("Start", "@[User::Count] = 1")
    first = package.add_execute_sql(
        "Count rows",
        mart,
        "SELECT COUNT(*) AS n FROM dbo.Sales WHERE Day >= ? AND Region = ?",
        parameters=[SqlParameter(since), SqlParameter(region)],
        results={"n": count},
        result_type="SingleRow",
        timeout=30,
        options=Options(delay_validation=True),
    )
    first.set_expression("Description", '"rows of " + @[$Project::Region]')
    sequence = package.add_sequence("Steps", options=Options(fail_parent_on_failure=True))
    inner = sequence.add_variable("Inner", True)
    sql = sequence.add_execute_sql(
        "Ask",
        warehouse,
        "dbo.Ask",
        parameters=[SqlParameter(inner, name="@flag"), SqlParameter(count, "Output", "@n", size=4)],
        results={"0": rowset},
        result_type="Rowset",
        is_stored_procedure=True,
        bypass_prepare=False,
    )
    by_odbc = sequence.add_execute_sql(
        "From variable", odbc, file, source_type="Variable", parameters=[SqlParameter(count, data_type=4)]
    )
    from_file = sequence.add_execute_sql("From file", mart, source, source_type="FileConnection", code_page=65001)
    run_child = sequence.add_execute_package("Child", "Child.dtsx", assignments={"Rows": count})
    process = sequence.add_execute_process(
        "Zip",
        "/usr/bin/zip",
        "-r out.zip .",
        working_directory="/data",
        success_value=1,
        timeout=60,
        standard_output_variable=file,
        require_full_file_name=False,
        window_style="Hidden",
    )
    sequence.connect(sql, by_odbc, from_file)
    sequence.add_constraint(from_file, run_child, value=ConstraintValue.COMPLETION, logical_and=False)
    sequence.add_constraint(sql, process, value=ConstraintValue.FAILURE, expression="@[User::Count] > 0")
    loop = package.add_for_loop(
        "Turns", "@[User::Count] < 3", init="@[User::Count] = 0", assign="@[User::Count] = @[User::Count] + 1"
    )
    loop.add_file_system("Copy", "CopyFile", source, target, overwrite=True)
    loop.add_file_system("Remove", "DeleteFile", file)
    files = package.add_foreach_loop(
        "Each file",
        ENUMERATORS[0],
        mappings=[file],
        enumerator_expressions={"Directory": "@[$Project::Region]"},
    )
    files.add_ftp("Send", ftp, local_path=source, remote_path="/in")
    files.add_bulk_insert(
        "Bulk", source, mart, "[dbo].[Sales]", field_terminator="Comma {,}", properties={"TableLock": "True"}
    )
    files.add_send_mail(
        "Report",
        mail_server,
        sender="etl@example.com",
        to="ops@example.com",
        subject="Done",
        message="All rows\nare loaded.",
        priority="High",
        attachments=["/data/a.log", "/data/b.log"],
    )
    for number, enumerator in enumerate((*ENUMERATORS[1:], NODES)):
        each = package.add_foreach_loop(f"Each {number}", enumerator, mappings={0: rowset})
        each.add_expression("Nothing", "@[User::Count] = 1")
    package.add_script(
        "Script",
        {"ScriptMain.cs": "class ScriptMain { } // <&>"},
        b"MZ",
        read_only_variables=[text, "System::PackageName"],
        read_write_variables=[count],
    )
    package.connect(first, sequence, loop, files)
    handler = package.event_handler("OnError", propagate=False)
    handler.add_send_mail("Warn", mail_server, sender="etl@example.com", to="ops@example.com", subject="Failed")
    package.event_handler("OnPreExecute", of=first).add_expression("Reset", "@[User::Count] = 0")
    return project
