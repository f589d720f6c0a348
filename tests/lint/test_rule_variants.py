"""More packages of the kind that a rule finds, and of the kind in which it stays silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.engine.data_flow.registry import MODULES
from airflow_provider_ssis.engine.tasks.table import TASKS
from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.rules.data_flow import selects_all
from airflow_provider_ssis.lint.supported_types import ENGINE_COMPONENTS, ENGINE_TASKS
from tests.lint.samples import (
    column,
    component,
    constraint,
    constraints,
    destination,
    executable,
    executables,
    expression,
    findings,
    flow,
    input_,
    manager,
    output,
    parameter,
    plain,
    prop,
    rules_of,
    source,
    sql,
    task,
    used,
    variable,
    variables,
)
from tests.lint.test_package_rules import BINARY, EVALUATED, HOST, SCRIPT, N, for_loop, lookup

KEY = used("a", "", prop("JoinToReferenceColumn", "Id"))
SCRIPT_HOST = prop("UserComponentTypeName", "Microsoft.ScriptComponentHost")
CDC_TASK = executables(task("C", "Attunity.SqlServer.CDCControlTask.CdcControlTask, X"))
SECRET = parameter("p", "", 'DTS:Sensitive="True"')
STAR = prop("SqlCommand", "select * from t")
OFF = 'DTS:Disabled="True"'
ID = "{11111111-1111-1111-1111-111111111111}"
MAPPED = prop("ParameterMapping", f'"Parameter0:Input",{ID};')


def sets(name: str, text: str) -> str:
    return executables(executable("A", "Microsoft.Any", expression(name, text)))


def describes(text: str) -> str:
    return sets("Description", text)


def alone(class_id: str, properties: str = "") -> str:
    return flow(component("X", class_id, properties, "", output("o")))


def chain(*each: str) -> str:
    return N + executables(plain("A"), plain("B"), plain("C")) + constraints(*each)


def derived(formula: str, type_: str = 'dataType="i4"') -> str:
    new = output("derived", column("c", "c", type_, prop("Expression", formula)))
    derive = component("Derive", "Microsoft.DerivedColumn", "", input_("d", used("a")), new)
    return flow(source(column("a", "a")), derive, paths="out>d")


def split(condition: str) -> str:
    case = (
        f'<output refId="case" name="case"><properties>{prop("Expression", condition)}</properties>'
        "<outputColumns></outputColumns></output>"
    )
    splitter = component("Split", "Microsoft.ConditionalSplit", "", input_("d", used("a")), case)
    return flow(source(column("a", "a")), splitter, paths="out>d")


def converted(length: int) -> str:
    new = column("z", "z", f'dataType="wstr" length="{length}"', prop("SourceInputColumnLineageID", "#{a}"))
    convert = component("Convert", "Microsoft.DataConvert", "", input_("ci", used("a")), output("co", new))
    wide = source(column("a", "a", 'dataType="wstr" length="50"'))
    return flow(wide, convert, destination(used("z")), paths="out>ci co>dest")


def log(config_string: str, kind: str = "Microsoft.LogProviderTextFile") -> str:
    return (
        f'<DTS:LogProviders><DTS:LogProvider DTS:ConfigString="{config_string}" DTS:CreationName="{kind}" '
        'DTS:ObjectName="L" DTS:DTSID="{L}"><DTS:ObjectData/></DTS:LogProvider></DTS:LogProviders>'
    )


def text_variable(value: str = "", attributes: str = "") -> str:
    return variables(variable("c", 8, value, attributes))


def asks(properties: str, expressions: str = "") -> str:
    text = flow(source(column("a", "a"), STAR + properties), destination(used("a")), paths="out>dest")
    return text.replace("<DTS:ObjectData>", f"{expressions}<DTS:ObjectData>", 1)


def connects(name: str, text: str) -> str:
    return SECRET + manager(inner=expression(name, text))


def decides(name: str, text: str) -> str:
    """A task whose expression decides whether it is disabled, and one that runs if the first one fails."""
    first = plain("A", OFF).replace("<DTS:ObjectData>", f"{expression(name, text)}<DTS:ObjectData>")
    return N + executables(first, plain("B")) + constraints(constraint("A", "B", 'DTS:Value="1"'))


WITH_CONDITION = 'DTS:EvalOp="{0}" DTS:Expression="{1}"'
FALSE, TRUE = WITH_CONDITION.format(1, "FALSE"), WITH_CONDITION.format(3, "TRUE")
ALL = 'DTS:LogicalAnd="True"'
FOUND = [
    ("E101", chain(constraint("A", "B", WITH_CONDITION.format(1, "@[User::n] + 1")))),
    ("E101", for_loop('DTS:EvalExpression="@[User::n]"')),
    ("E101", for_loop('DTS:InitExpression="@n = &quot;x&quot;" DTS:EvalExpression="@n &lt; 3"')),
    ("E101", split("[a]")),
    ("E101", split("[a] == &quot;1&quot;")),
    ("E101", derived("GETDATE()")),
    ("E101", derived("[a] &gt; 1", 'dataType="dbTimeStamp"')),
    ("E101", describes("@[User::absent]")),
    ("E101", describes("LEN()")),
    ("E102", sets("ConnectionString", "5")),
    ("E102", sets("Subject", "GETDATE()")),
    ("E102", sets("Disable", "&quot;yes&quot;")),
    ("E102", sets("MaximumErrorCount", "TRUE")),
    ("E102", text_variable("", EVALUATED + 'DTS:Expression="1 == 1"')),
    ("F102", chain(constraint("A", "B", FALSE), constraint("B", "C"))),
    ("F102", chain(constraint("A", "C", f"{FALSE} {ALL}"), constraint("B", "C", ALL))),
    ("P301", manager("One") + manager("Two")),
    ("P303", manager() + manager(id_="{B}")),
    ("P303", parameter("p") + parameter("p")),
    ("P103", parameter("Server", "x") + describes("@[$Package::ServerName]")),
    ("V101", alone(HOST, SCRIPT_HOST + prop("ReadOnlyVariables", "User::a,User::n"))),
    ("V101", alone("Microsoft.RowCount", prop("VariableName", "User::rows"))),
    ("C201", text_variable("Data Source=.;Password=secret;")),
    ("C201", text_variable("", EVALUATED + 'DTS:Expression="&quot;Server=x;PWD=abc;&quot;"')),
    ("C201", parameter("p", "Server=a;User ID=sa;Password=x")),
    ("C202", manager(text="Server=tcp:db1.corp.com,1433;Database=x")),
    ("D102", converted(20)),
    ("D105", lookup(KEY, prop("SqlCommand", "select * from (select * from [t]) as refTable"))),
    ("D105", lookup(KEY, STAR, prop("ConnectionType", "0"))),
    ("D107", asks(prop("AccessMode", "2"))),
    ("F101", decides("Description", "&quot;x&quot;")),
    ("F102", decides("Description", "&quot;x&quot;")),
    ("C201", connects("Password", "&quot;abc&quot;")),
    ("C201", connects("ConnectionString", "&quot;Data Source=.;Password='abc';&quot;")),
    ("C202", manager(text="Data Source=tcp:db1,1433;")),
    ("C202", manager(text="Data Source=db1\\SQLEXPRESS;")),
    ("P103", alone(HOST, SCRIPT_HOST + prop("ReadOnlyVariables", "$Package::absent"))),
    ("P103", manager() + executables(sql(statement="$Package::absent", SqlStmtSourceType="Variable"))),
    ("V101", alone("Microsoft.XmlSourceAdapter", prop("AccessMode", "2") + prop("XMLDataVariable", "User::absent"))),
    ("V102", N + executables(executable("A", "Microsoft.Any", "", 'DTS:Description="rows (n)"'))),
]
SILENT = [
    ("E101", chain(constraint("A", "B", WITH_CONDITION.format(1, "@[User::n] == 1")))),
    ("E101", for_loop('DTS:EvalExpression="@n &lt; 3" DTS:AssignExpression="@n == 3"')),
    ("E101", split("[a] &gt; 1")),
    ("E101", derived("[a] * 2")),
    ("E101", derived("(DT_WSTR,5)[a]", 'dataType="str" length="5" codePage="1252"')),
    ("E101", derived("[a]", 'dataType="numeric" precision="10" scale="2"')),
    ("E102", sets("ConnectionString", "(DT_WSTR,5)5")),
    ("E102", sets("Subject", "@[System::PackageName]")),
    ("E102", sets("Disable", "1 == 1")),
    ("E102", sets("Unknown", "5")),
    ("E102", sets("MaximumErrorCount", "(DT_I8)5")),
    ("F102", chain(constraint("A", "B", TRUE), constraint("B", "C"))),
    ("F102", chain(constraint("A", "C", FALSE), constraint("B", "C"))),
    ("F102", chain(constraint("A", "B"), constraint("B", "C"), constraint("A", "C", 'DTS:Value="1"'))),
    ("P103", parameter("Server Name", "x") + describes("@[$Package::Server Name]")),
    ("V101", N + alone(HOST, SCRIPT_HOST + prop("ReadOnlyVariables", "User::n, System::TaskName"))),
    ("P301", manager("One") + manager("Two", "{B}")),
    ("C101", manager("Log") + log("Log")),
    ("C201", text_variable("Data Source=.;Integrated Security=SSPI;")),
    ("C201", SECRET + text_variable("", EVALUATED + 'DTS:Expression="&quot;PWD=&quot; + @[$Package::p]"')),
    ("C202", manager(text="Server=localhost;Database=x")),
    ("D102", converted(50)),
    ("D105", lookup(KEY, prop("SqlCommand", "select * from (select Id, b from [t]) as refTable"))),
    ("D105", lookup(KEY, prop("SqlCommand", "select * from t") + prop("CacheType", "2"))),
    ("D105", lookup(KEY, STAR, prop("ConnectionType", "1"))),
    ("D107", asks(prop("AccessMode", "0"))),
    ("D107", asks(prop("AccessMode", "3"))),
    ("D107", asks(prop("AccessMode", "2"), expression("[Source].[SqlCommand]", "&quot;select a from t&quot;"))),
    ("F101", decides("Disable", "@[User::n] == 1")),
    ("F102", decides("Disable", "@[User::n] == 1")),
    ("C201", connects("Password", "@[$Package::p]")),
    ("C201", text_variable("UPDATE Users SET Password = @p; SELECT Password = a FROM b")),
    ("C201", connects("ConnectionString", "&quot;PWD='&quot; + @[$Package::p] + &quot;';&quot;")),
    ("C201", connects("ConnectionString", "&quot;PWD={&quot; + @[$Package::p] + &quot;};&quot;")),
    ("C201", connects("ConnectionString", "&quot;PWD=\\&quot;&quot; + @[$Package::p] + &quot;\\&quot;;&quot;")),
    ("C202", manager(text="Data Source=.\\SQLEXPRESS;")),
    ("C202", manager(text="Data Source=(localdb)\\MSSQLLocalDB;")),
    ("C202", manager(text="Data Source=tcp:localhost,1433;")),
    ("C202", manager(text="Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\x\\a.accdb;")),
    ("P102", parameter("p", "x", f'DTS:DTSID="{ID}"') + asks(MAPPED)),
    ("P103", executables(executable("A", "Microsoft.Any", "", 'DTS:Description="was $Package::Old"'))),
    ("P103", manager() + executables(sql(statement="-- was $Package::Old"))),
    ("V101", N + alone("Microsoft.XmlSourceAdapter", prop("AccessMode", "0") + prop("XMLDataVariable", "User::x"))),
]
FOUND_FOR = [
    ("linux", "T103", executables(task("P", "Microsoft.ExecutePackageTask"))),
    ("linux", "T103", executables(task("Z", "Contoso.Tasks.Zip, Contoso"))),
    ("linux", "T103", alone("Microsoft.RecordsetDestination")),
    ("linux", "T103", manager(text="Data Source=.;Trusted_Connection=yes;")),
    ("linux", "T103", manager(text="Data Source=.;Provider=OraOLEDB.Oracle;")),
    ("linux", "T103", manager(kind="ADO.NET:System.Data.Odbc.OdbcConnection, x")),
    ("linux", "T103", log("", "DTS.LogProviderEventLog.1")),
    ("engine", "T103", alone("Microsoft.TermExtraction")),
    ("engine", "T103", executables(task("D", "Microsoft.DataProfilingTask"))),
    ("engine", "T103", executables(task("S", "Microsoft.ScriptTask", SCRIPT.format(BINARY)))),
    ("azure", "T103", alone("Microsoft.SQLServerDestination")),
    ("fabric", "T103", executables(task("P", "Microsoft.ExecutePackageTask"))),
    ("sqlserver2016", "T103", manager(kind="ADO.NET:Microsoft.Data.SqlClient.SqlConnection")),
    ("sqlserver2022", "T102", CDC_TASK),
    ("sqlserver2022", "T102", manager(text="Provider=SQLNCLI11.1;Data Source=.")),
    ("sqlserver2025", "T101", CDC_TASK),
    ("sqlserver2025", "T101", manager(kind="ORACLE")),
    ("sqlserver2025", "T101", alone("Microsoft.HDFSFileSource")),
    ("azure", "T105", manager(text="\\\\srv\\share\\a.txt", kind="FILE")),
    ("azure", "T105", manager(text="Data Source=.;")),
    ("azure", "T105", manager(text="Data Source=x.database.windows.net;Integrated Security=SSPI")),
    ("azure", "T105", alone("Contoso.Magic")),
]
SILENT_FOR = [
    ("linux", "T103", executables(task("W", "Microsoft.WebServiceTask"))),
    ("linux", "T103", executables(task("T", "Microsoft.TransferDatabaseTask"))),
    ("linux", "T103", alone("Attunity.SSISODBCSrc")),
    ("linux", "T103", alone("{00000000-0000-0000-0000-000000000000}")),
    ("linux", "T103", manager(text="Data Source=.;Provider=SQLNCLI11.1;User ID=x;")),
    ("engine", "T103", alone("Microsoft.SCD")),
    ("engine", "T103", alone("Attunity.SSISODBCDst")),
    ("fabric", "T103", executables(sql())),
    ("sqlserver2025", "T103", manager(kind="ADO.NET:Microsoft.Data.SqlClient.SqlConnection")),
    ("sqlserver2019", "T102", CDC_TASK),
    ("sqlserver2022", "T101", alone("Microsoft.HDFSFileSource")),
    ("sqlserver2025", "T102", manager(text="Provider=MSOLEDBSQL.1;Data Source=.")),
    ("azure", "T105", manager(text="Data Source=x.database.windows.net;User ID=u")),
    ("azure", "T105", alone("Microsoft.Sort")),
    ("azure", "T105", alone("{00000000-0000-0000-0000-000000000000}")),
]


@pytest.mark.parametrize(("rule", "text"), FOUND)
def test_found(tmp_path: Path, rule: str, text: str) -> None:
    assert rule in rules_of(findings(tmp_path, text))


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_silent(tmp_path: Path, rule: str, text: str) -> None:
    assert rule not in rules_of(findings(tmp_path, text))


@pytest.mark.parametrize(("target", "rule", "text"), FOUND_FOR)
def test_found_for_a_target(tmp_path: Path, target: str, rule: str, text: str) -> None:
    assert rule in rules_of(findings(tmp_path, text, LintConfiguration(target=target)))


@pytest.mark.parametrize(("target", "rule", "text"), SILENT_FOR)
def test_silent_for_a_target(tmp_path: Path, target: str, rule: str, text: str) -> None:
    assert rule not in rules_of(findings(tmp_path, text, LintConfiguration(target=target)))


def test_the_types_of_the_engine_are_those_that_it_runs() -> None:
    assert set(TASKS) == ENGINE_TASKS
    assert set(MODULES) == ENGINE_COMPONENTS


def test_a_log_provider_needs_its_connection_manager(tmp_path: Path) -> None:
    assert "C101" in rules_of(findings(tmp_path, log("Absent"), format_version=3))


ALL_COLUMNS = """\
select * from t
SELECT TOP 5 * FROM t
select top (5) * from t
select distinct * from t
select top 10 percent * from t
select [t].* from [dbo].[t] as t
select a, t.* from t
select dbo.t.* from dbo.t
select /* c */ * from t
select * from (select * from [dbo].[t]) as r where a = 1
select a from t union all select * from u
with c as (select a from t) select * from c"""
NAMED_COLUMNS = """\
select a from t
select count(*) from t
select a*b from t
select a from (select * from t) x
select * from (select a, b from t) x
select '*' from t
select a -- , *
exec p
select a from t where exists (select * from u)
with x as (select * from t) select a from x"""


@pytest.mark.parametrize("query", ALL_COLUMNS.splitlines())
def test_queries_of_all_columns(query: str) -> None:
    assert selects_all(query)


@pytest.mark.parametrize("query", [*NAMED_COLUMNS.splitlines(), "(" * 5000 + ")" * 5000, ""])
def test_queries_of_named_columns(query: str) -> None:
    assert not selects_all(query)
