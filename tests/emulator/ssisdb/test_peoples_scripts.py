"""Scripts that administrators run against SSISDB: monitoring, reports, clean-up, copying environments."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect
from tests.support.ssis_projects import data_flow, make_ispac, package, task

MART = make_ispac(
    "Mart", [package("Load.dtsx", task("Copy"), data_flow("Orders")), package("Other.dtsx", task("Copy"))]
)

Results = list[list[tuple[Any, ...]]]

PREPARE = """
EXEC catalog.create_folder N'Sales';
EXEC catalog.create_folder N'Test';
EXEC catalog.create_environment N'Sales', N'Prod', N'the real thing';
EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Server', N'String', 0, N'sql01', N'';
EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Days', N'Int32', 0, 7, N'kept';
EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Password', N'String', 1, N'secret', N'';
"""

RUN = """
DECLARE @id bigint, @yes sql_variant = CAST(1 AS bit);
EXEC catalog.create_execution N'Sales', N'Mart', ?, @execution_id = @id OUTPUT;
EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', @yes;
EXEC catalog.start_execution @id;
"""


def prepare(connection: pyodbc.Connection) -> None:
    """Fill a catalog: two successful executions and a failed one."""
    run(connection, PREPARE)
    run(connection, "EXEC catalog.deploy_project N'Sales', N'Mart', ?", pyodbc.Binary(MART))
    for name in ("Load.dtsx", "Other.dtsx"):
        run(connection, RUN, name)
    run(
        connection,
        "EXEC emulator.fail_executable @package_name = N'Other.dtsx', @executable = N'Copy', @message = N'The disk is full.'",
    )
    run(connection, RUN, "Other.dtsx")


@pytest.fixture(scope="module")
def connection() -> Iterator[pyodbc.Connection]:
    """A filled catalog, which the scripts that only read share."""
    with SsisdbEmulator() as server, closing(connect(server)) as connection:
        prepare(connection)
        yield connection


def run(connection: pyodbc.Connection, text: str, *parameters: Any) -> Results:
    """All result sets of a batch; an error in any of them is raised."""
    cursor = connection.cursor()
    cursor.execute(text, *parameters)
    found: Results = []
    while True:
        if cursor.description is not None:
            found.append([tuple(row) for row in cursor.fetchall()])
        if not cursor.nextset():
            return found


SCRIPTS: dict[str, tuple[str, Callable[[Results], bool]]] = {
    "last executions with their duration": (
        """SELECT TOP (20) e.execution_id, e.folder_name, e.project_name, e.package_name,
            CASE e.[status] WHEN 1 THEN 'Created' WHEN 2 THEN 'Running' WHEN 3 THEN 'Cancelled' WHEN 4 THEN 'Failed'
                WHEN 5 THEN 'Pending' WHEN 6 THEN 'Ended Unexpectedly' WHEN 7 THEN 'Succeeded' WHEN 8 THEN 'Stopping' ELSE 'Completed' END AS [status],
            DATEDIFF(SECOND, e.start_time, ISNULL(e.end_time, SYSDATETIMEOFFSET())) AS seconds,
            RIGHT('0' + CAST(DATEDIFF(SECOND, e.start_time, e.end_time) / 3600 AS varchar(3)), 2) + ':' +
            RIGHT('0' + CAST(DATEDIFF(SECOND, e.start_time, e.end_time) / 60 % 60 AS varchar(2)), 2) AS hhmm
        FROM SSISDB.[catalog].executions AS e WITH (NOLOCK) ORDER BY e.execution_id DESC""",
        lambda found: [row[4] for row in found[0]] == ["Failed", "Succeeded", "Succeeded"],
    ),
    "the last execution of each package, by TOP WITH TIES": (
        """SELECT TOP (1) WITH TIES package_name, [status] FROM catalog.executions
        ORDER BY ROW_NUMBER() OVER (PARTITION BY package_name ORDER BY execution_id DESC)""",
        lambda found: sorted(found[0]) == [("Load.dtsx", 7), ("Other.dtsx", 4)],
    ),
    "the last execution of each package, by CROSS APPLY": (
        """SELECT p.name, x.[status], x.n FROM catalog.packages p
        CROSS APPLY (SELECT TOP 1 e.[status], COUNT(*) OVER () AS n FROM catalog.executions e
                     WHERE e.package_name = p.name AND e.project_name = 'Mart' ORDER BY e.start_time DESC, e.execution_id DESC) AS x
        ORDER BY p.name""",
        lambda found: found[0] == [("Load.dtsx", 7, 1), ("Other.dtsx", 4, 2)],
    ),
    "error messages of failed executions": (
        """SELECT o.operation_id, om.message_time, om.message, em.package_name, em.message_source_name
        FROM catalog.operation_messages om INNER JOIN catalog.operations o ON o.operation_id = om.operation_id
        LEFT OUTER JOIN catalog.event_messages em ON em.event_message_id = om.operation_message_id
        WHERE om.message_type IN (110, 120) AND o.start_time >= DATEADD(DAY, -1, CAST(GETDATE() AS date))
        ORDER BY om.message_time DESC""",
        lambda found: any("The disk is full." in row[2] for row in found[0]),
    ),
    "the errors of each failed execution in one line": (
        """SELECT e.execution_id, STUFF((SELECT ' | ' + LEFT(m.message, 200) FROM catalog.event_messages m
            WHERE m.operation_id = e.execution_id AND m.event_name = 'OnError' ORDER BY m.event_message_id FOR XML PATH(''), TYPE).value('.', 'nvarchar(max)'), 1, 3, '') AS errors
        FROM catalog.executions e WHERE e.status = 4""",
        lambda found: "The disk is full." in found[0][0][1],
    ),
    "the same by STRING_AGG": (
        """SELECT operation_id, STRING_AGG(CAST(message AS nvarchar(max)), CHAR(10)) WITHIN GROUP (ORDER BY message_time) AS messages, COUNT(*) AS n
        FROM catalog.event_messages WHERE event_name = N'OnError' GROUP BY operation_id HAVING COUNT(*) > 0""",
        lambda found: len(found[0]) == 1,
    ),
    "dashboard: executions by status": (
        """SELECT SUM(CASE WHEN [status] = 4 THEN 1 ELSE 0 END) AS failed, SUM(CASE WHEN [status] = 2 THEN 1 ELSE 0 END) AS running,
            SUM(CASE WHEN [status] = 7 THEN 1 ELSE 0 END) AS succeeded, SUM(CASE WHEN [status] IN (3, 6, 8, 9) THEN 1 ELSE 0 END) AS others
        FROM catalog.executions WHERE start_time > DATEADD(HOUR, -24, SYSDATETIMEOFFSET())""",
        lambda found: found[0] == [(1, 0, 2, 0)],
    ),
    "executions by status, pivoted": (
        """SELECT package_name, ISNULL([4], 0) AS failed, ISNULL([7], 0) AS succeeded
        FROM (SELECT package_name, [status], execution_id FROM catalog.executions) AS s
        PIVOT (COUNT(execution_id) FOR [status] IN ([4], [7])) AS p ORDER BY package_name""",
        lambda found: found[0] == [("Load.dtsx", 0, 1), ("Other.dtsx", 1, 1)],
    ),
    "average, longest and median duration": (
        """WITH d AS (SELECT package_name, DATEDIFF(MILLISECOND, start_time, end_time) / 1000.0 AS seconds FROM catalog.executions WHERE [status] = 7)
        SELECT DISTINCT package_name, AVG(seconds) OVER (PARTITION BY package_name) AS average, MAX(seconds) OVER (PARTITION BY package_name) AS longest,
            PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY seconds) OVER (PARTITION BY package_name) AS median
        FROM d ORDER BY package_name""",
        lambda found: [row[0] for row in found[0]] == ["Load.dtsx", "Other.dtsx"],
    ),
    "longer than before": (
        """SELECT package_name, execution_id, DATEDIFF(SECOND, start_time, end_time)
            - LAG(DATEDIFF(SECOND, start_time, end_time)) OVER (PARTITION BY package_name ORDER BY execution_id) AS slower
        FROM catalog.executions WHERE end_time IS NOT NULL ORDER BY package_name, execution_id""",
        lambda found: len(found[0]) == 3,
    ),
    "executables of an execution with their path and result": (
        """DECLARE @id bigint = (SELECT MAX(execution_id) FROM SSISDB.catalog.executions);
        SELECT ex.executable_name, es.execution_path, es.execution_duration,
            CASE es.execution_result WHEN 0 THEN 'Success' WHEN 1 THEN 'Failure' WHEN 2 THEN 'Completion' WHEN 3 THEN 'Cancelled' END AS result
        FROM catalog.executables ex JOIN catalog.executable_statistics es ON ex.executable_id = es.executable_id AND ex.execution_id = es.execution_id
        WHERE es.execution_id = @id ORDER BY es.start_time""",
        lambda found: ("Copy", "Failure") in {(row[0], row[3]) for row in found[0]},
    ),
    "parameters of an execution": (
        """SELECT object_type, parameter_name, CAST(parameter_value AS nvarchar(200)) AS value, SQL_VARIANT_PROPERTY(parameter_value, 'BaseType') AS type
        FROM catalog.execution_parameter_values WHERE execution_id = (SELECT MIN(execution_id) FROM catalog.executions) AND object_type = 50 ORDER BY parameter_name""",
        lambda found: ("SYNCHRONIZED", "1") in {(row[1], row[2]) for row in found[0]},
    ),
    "is a package running now": (
        """IF EXISTS (SELECT 1 FROM catalog.executions WHERE package_name = N'Load.dtsx' AND [status] IN (1, 2, 5))
            RAISERROR (N'Load.dtsx is still running.', 16, 1)
        ELSE
            PRINT N'Load.dtsx is idle.'; SELECT 1""",
        lambda found: found == [[(1,)]],
    ),
    "write a script of an environment": (
        """DECLARE @s nvarchar(max) = N'';
        SELECT @s = @s + N'EXEC catalog.create_environment_variable N''' + f.name + N''', N''' + e.name + N''', N''' + v.name + N''', '
            + CAST(v.sensitive AS nchar(1)) + N', N'''', N''' + REPLACE(CONVERT(nvarchar(4000), v.value), N'''', N'''''') + N''', N''' + v.type + N''';' + CHAR(13)
        FROM catalog.environment_variables v JOIN catalog.environments e ON e.environment_id = v.environment_id JOIN catalog.folders f ON f.folder_id = e.folder_id
        WHERE v.sensitive = 0 AND f.name = N'Sales' ORDER BY v.name;
        SELECT LEN(@s) - LEN(REPLACE(@s, ';', ''))""",
        lambda found: found == [[(2,)]],
    ),
    "compare two environments": (
        """WITH v AS (SELECT f.name AS folder, v.name, CAST(v.value AS nvarchar(400)) AS value FROM catalog.environment_variables v
            JOIN catalog.environments e ON e.environment_id = v.environment_id JOIN catalog.folders f ON f.folder_id = e.folder_id)
        SELECT COALESCE(a.name, b.name) AS name, a.value, b.value FROM (SELECT * FROM v WHERE folder = 'Sales') a
        FULL OUTER JOIN (SELECT * FROM v WHERE folder = 'Nowhere') b ON a.name = b.name WHERE ISNULL(a.value, '') <> ISNULL(b.value, '') OR b.name IS NULL ORDER BY 1""",
        lambda found: [row[0] for row in found[0]] == ["Days", "Password", "Server"],
    ),
    "upsert variables from a table with MERGE": (
        """CREATE TABLE #wanted (name nvarchar(128) PRIMARY KEY, value nvarchar(400) NOT NULL);
        INSERT #wanted VALUES (N'Server', N'sql02'), (N'Extra', N'1');
        DECLARE @todo TABLE (what nvarchar(10), name nvarchar(128));
        SELECT v.name, CAST(v.value AS nvarchar(400)) AS value INTO #have FROM catalog.environment_variables v
        JOIN catalog.environments e ON e.environment_id = v.environment_id AND e.name = N'Prod' JOIN catalog.folders f ON f.folder_id = e.folder_id AND f.name = N'Sales';
        MERGE #have AS t USING #wanted AS s ON t.name = s.name
        WHEN MATCHED AND ISNULL(t.value, N'') <> s.value THEN UPDATE SET value = s.value
        WHEN NOT MATCHED THEN INSERT (name, value) VALUES (s.name, s.value)
        OUTPUT $action, inserted.name INTO @todo;
        SELECT what, name FROM @todo ORDER BY name; DROP TABLE #have, #wanted""",
        lambda found: found[-1] == [("INSERT", "Extra"), ("UPDATE", "Server")],
    ),
    "inventory of the catalog": (
        """SELECT f.name AS folder, p.name AS project, COUNT(DISTINCT pk.package_id) AS packages, COUNT(DISTINCT op.parameter_id) AS parameters,
            (SELECT COUNT(*) FROM catalog.environments e WHERE e.folder_id = f.folder_id) AS environments, MAX(p.last_deployed_time) AS deployed
        FROM catalog.folders f LEFT JOIN catalog.projects p ON p.folder_id = f.folder_id LEFT JOIN catalog.packages pk ON pk.project_id = p.project_id
        LEFT JOIN catalog.object_parameters op ON op.project_id = p.project_id GROUP BY f.folder_id, f.name, p.name ORDER BY folder""",
        lambda found: [row[:3] for row in found[0]] == [("Sales", "Mart", 2), ("Test", None, 0)],
    ),
    "the catalog as JSON": (
        """SELECT f.name, (SELECT p.name, (SELECT k.name FROM catalog.packages k WHERE k.project_id = p.project_id ORDER BY k.name FOR JSON PATH) AS packages
            FROM catalog.projects p WHERE p.folder_id = f.folder_id FOR JSON PATH) AS projects
        FROM catalog.folders f WHERE f.name = N'Sales' FOR JSON PATH, ROOT('folders')""",
        lambda found: (
            found[0][0][0]
            == '{"folders":[{"name":"Sales","projects":[{"name":"Mart","packages":[{"name":"Load.dtsx"},{"name":"Other.dtsx"}]}]}]}'
        ),
    ),
    "an HTML table for a mail": (
        """DECLARE @html nvarchar(max) = N'<table><tr><th>Package</th><th>Status</th></tr>' + CAST((
            SELECT td = e.package_name, '', td = CASE e.status WHEN 4 THEN 'Failed' ELSE 'Other' END
            FROM catalog.executions e WHERE e.status = 4 ORDER BY e.execution_id FOR XML PATH('tr'), TYPE) AS nvarchar(max)) + N'</table>';
        SELECT @html""",
        lambda found: "<tr><td>Other.dtsx</td><td>Failed</td></tr>" in found[0][0][0],
    ),
    "bound parameters and their references": (
        """SELECT p.name, op.parameter_name, op.value_type, op.referenced_variable_name, er.environment_name, er.reference_type
        FROM catalog.projects p JOIN catalog.object_parameters op ON op.project_id = p.project_id LEFT JOIN catalog.environment_references er ON er.project_id = p.project_id
        WHERE op.value_type = 'R' OR er.reference_id IS NULL ORDER BY p.name, op.parameter_name OFFSET 0 ROWS FETCH NEXT 10 ROWS ONLY""",
        lambda found: len(found) == 1,
    ),
    "clean-up: what the retention window would delete": (
        """DECLARE @days int = (SELECT CAST(property_value AS int) FROM catalog.catalog_properties WHERE property_name = 'RETENTION_WINDOW');
        SELECT @days, COUNT(*) FROM catalog.operations WHERE end_time < DATEADD(DAY, -@days, SYSDATETIMEOFFSET())""",
        lambda found: found[0][0][1] == 0,
    ),
    "stop executions that run for hours, in a loop": (
        """DECLARE @id bigint = 0
        next_one:
        SELECT @id = MIN(execution_id) FROM catalog.executions WHERE [status] = 2 AND start_time < DATEADD(HOUR, -5, SYSDATETIMEOFFSET()) AND execution_id > @id
        IF @id IS NULL GOTO done
        EXEC catalog.stop_operation @id
        GOTO next_one
        done: SELECT 'stopped all'""",
        lambda found: found == [[("stopped all",)]],
    ),
    "dynamic SQL over the columns of a view": (
        """DECLARE @columns nvarchar(max), @sql nvarchar(max), @n int;
        SELECT @columns = STRING_AGG(QUOTENAME(c.name), N', ') WITHIN GROUP (ORDER BY c.column_id) FROM sys.columns c
        WHERE c.object_id = OBJECT_ID(N'catalog.folders') AND c.name LIKE N'%name%';
        SET @sql = N'SELECT @n = COUNT(*) FROM (SELECT ' + @columns + N' FROM catalog.folders) AS t';
        EXEC sys.sp_executesql @sql, N'@n int OUTPUT', @n = @n OUTPUT; SELECT @n, @columns""",
        lambda found: found[0][0][0] == 2 and "[name]" in found[0][0][1],
    ),
    "a calendar of hours by a recursive query": (
        """DECLARE @from datetime2(0) = DATEADD(HOUR, DATEDIFF(HOUR, 0, SYSDATETIME()) - 23, 0);
        WITH hours AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM hours WHERE n < 23)
        SELECT COUNT(*), SUM(x.n) FROM hours h OUTER APPLY (SELECT COUNT(*) AS n FROM catalog.executions e
            WHERE e.start_time >= DATEADD(HOUR, h.n, @from) AND e.start_time < DATEADD(HOUR, h.n + 1, @from)) x OPTION (MAXRECURSION 50)""",
        lambda found: found[0][0][0] == 24 and found[0][0][1] >= 3,
    ),
    "last messages of each execution, numbered": (
        """WITH m AS (SELECT operation_id, message, message_type, rn = ROW_NUMBER() OVER (PARTITION BY operation_id ORDER BY operation_message_id DESC) FROM catalog.operation_messages)
        SELECT operation_id, MAX(CASE rn WHEN 1 THEN message END) AS last_message, MAX(IIF(rn = 2, message, NULL)) AS before_it FROM m WHERE rn <= 2 GROUP BY operation_id ORDER BY operation_id""",
        lambda found: len(found[0]) >= 3,
    ),
    "project versions that can be deleted": (
        """SELECT p.name, v.object_version_lsn, v.created_time, ROW_NUMBER() OVER (PARTITION BY v.object_id ORDER BY v.object_version_lsn DESC) AS rn
        FROM catalog.object_versions v INNER JOIN catalog.projects p ON p.project_id = v.object_id AND v.object_version_lsn <> p.object_version_lsn""",
        lambda found: found == [[]],
    ),
    "who may do what": (
        """SELECT OBJECT_NAME = CASE op.object_type WHEN 1 THEN 'folder' WHEN 2 THEN 'project' WHEN 3 THEN 'environment' ELSE 'operation' END,
            pr.name, op.permission_type, op.is_deny FROM catalog.explicit_object_permissions op LEFT JOIN sys.database_principals pr ON pr.principal_id = op.principal_id""",
        lambda found: len(found) == 1,
    ),
    "a log table of failures, filled once": (
        """IF OBJECT_ID('tempdb..#log') IS NOT NULL DROP TABLE #log
        CREATE TABLE #log (log_id int IDENTITY(1, 1) PRIMARY KEY, execution_id bigint NOT NULL UNIQUE, package nvarchar(260), logged datetime2 NOT NULL DEFAULT SYSDATETIME(), seen bit NOT NULL DEFAULT 0)
        INSERT INTO #log (execution_id, package) SELECT execution_id, package_name FROM catalog.executions e WHERE status = 4 AND NOT EXISTS (SELECT 1 FROM #log l WHERE l.execution_id = e.execution_id)
        INSERT INTO #log (execution_id, package) OUTPUT inserted.log_id SELECT execution_id, package_name FROM catalog.executions e WHERE status = 4 AND NOT EXISTS (SELECT 1 FROM #log l WHERE l.execution_id = e.execution_id)
        UPDATE l SET seen = 1 FROM #log l JOIN catalog.executions e ON e.execution_id = l.execution_id WHERE e.status = 4
        SELECT COUNT(*), SUM(CAST(seen AS int)), MAX(log_id) FROM #log""",
        lambda found: found[0] == [] and found[1][0][0] == found[1][0][1] >= 1,
    ),
    "the largest tables of the catalog": (
        """SELECT s.name, t.name, i.type_desc, SUM(p.rows) AS n FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
        JOIN sys.indexes i ON i.object_id = t.object_id JOIN sys.partitions p ON p.object_id = i.object_id AND p.index_id = i.index_id
        WHERE i.index_id IN (0, 1) AND t.name = 'operations' GROUP BY s.name, t.name, i.type_desc ORDER BY n DESC;
        SELECT COUNT(*) FROM internal.operations; EXEC sp_spaceused N'internal.operations'""",
        lambda found: (
            found[0] == [("internal", "operations", "HEAP", found[1][0][0])]
            and found[2][0][:2] == ("operations", f"{found[1][0][0]:<20}")
        ),
    ),
    "retry with TRY, CATCH and GOTO": (
        """DECLARE @tries int = 0
        again: BEGIN TRY
            SET @tries += 1
            IF @tries < 3 RAISERROR (N'Try %d failed.', 16, 1, @tries)
            SELECT @tries
        END TRY
        BEGIN CATCH
            IF @tries < 3 GOTO again
            ;THROW
        END CATCH""",
        lambda found: found == [[(3,)]],
    ),
}


CHANGES: dict[str, tuple[str, Callable[[Results], bool]]] = {
    "start, wait in a loop, and raise what failed": (
        """SET NOCOUNT ON; DECLARE @execution_id bigint, @status int = 1, @msg nvarchar(max) = N'';
        EXEC [SSISDB].[catalog].[create_execution] @package_name=N'Other.dtsx', @execution_id=@execution_id OUTPUT, @folder_name=N'Sales', @project_name=N'Mart', @use32bitruntime=False, @reference_id=Null
        DECLARE @var0 smallint = 1
        EXEC [SSISDB].[catalog].[set_execution_parameter_value] @execution_id, @object_type=50, @parameter_name=N'LOGGING_LEVEL', @parameter_value=@var0
        EXEC [SSISDB].[catalog].[start_execution] @execution_id
        WHILE @status IN (1, 2, 5, 8)
        BEGIN
            WAITFOR DELAY '00:00:00.050'
            SELECT @status = [status] FROM catalog.executions WHERE execution_id = @execution_id
        END
        BEGIN TRY
            IF @status <> 7
            BEGIN
                SELECT @msg += message + CHAR(13) + CHAR(10) FROM catalog.event_messages WHERE operation_id = @execution_id AND event_name = 'OnError' ORDER BY event_message_id;
                THROW 50001, @msg, 1
            END
        END TRY
        BEGIN CATCH
            SELECT ERROR_NUMBER(), ERROR_MESSAGE()
        END CATCH""",
        lambda found: found[-1][0][0] == 50001 and "The disk is full." in found[-1][0][1],
    ),
    "copy an environment to another folder with a cursor": (
        """SET NOCOUNT ON
        DECLARE @source nvarchar(128) = N'Sales', @target nvarchar(128) = N'Test', @environment nvarchar(128) = N'Prod'
        DECLARE @name nvarchar(128), @type nvarchar(128), @value sql_variant, @sensitive bit, @description nvarchar(1024)
        IF NOT EXISTS (SELECT 1 FROM catalog.environments e JOIN catalog.folders f ON f.folder_id = e.folder_id WHERE f.name = @target AND e.name = @environment)
            EXEC catalog.create_environment @target, @environment
        /* sensitive values /* cannot be */ read */
        DECLARE variables CURSOR LOCAL FAST_FORWARD FOR
            SELECT v.name, v.[type], v.[value], v.sensitive, v.[description]
            FROM catalog.environment_variables v
            INNER JOIN catalog.environments e ON e.environment_id = v.environment_id
            INNER JOIN catalog.folders f ON f.folder_id = e.folder_id
            WHERE f.name = @source AND e.name = @environment AND v.sensitive = 0 -- not the secrets
            ORDER BY v.name
        OPEN variables
        FETCH NEXT FROM variables INTO @name, @type, @value, @sensitive, @description
        WHILE @@FETCH_STATUS = 0
        BEGIN
            PRINT N'Copying ' + @name
            EXEC catalog.create_environment_variable @target, @environment, @variable_name = @name, @data_type = @type, @sensitive = @sensitive, @value = @value, @description = @description
            FETCH NEXT FROM variables INTO @name, @type, @value, @sensitive, @description
        END
        CLOSE variables
        DEALLOCATE variables
        SELECT v.name, v.[type], CAST(v.[value] AS nvarchar(100)), v.[description] FROM catalog.environment_variables v
        JOIN catalog.environments e ON e.environment_id = v.environment_id JOIN catalog.folders f ON f.folder_id = e.folder_id
        WHERE f.name = @target ORDER BY v.name""",
        lambda found: found[0] == [("Days", "Int32", "7", "kept"), ("Server", "String", "sql01", "")],
    ),
}
"""Scripts that change the catalog, each in a new catalog."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(connection: pyodbc.Connection, name: str) -> None:
    text, is_right = SCRIPTS[name]
    found = run(connection, text)
    assert is_right(found), found


@pytest.mark.parametrize("name", CHANGES)
def test_scripts_that_change_the_catalog(ssisdb_emulator: SsisdbEmulator, name: str) -> None:
    text, is_right = CHANGES[name]
    with closing(connect(ssisdb_emulator)) as connection:
        prepare(connection)
        found = run(connection, text)
    assert is_right(found), found
