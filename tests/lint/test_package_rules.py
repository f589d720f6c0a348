"""Each rule about packages finds what it is for, and stays silent where all is well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.findings import Severity
from airflow_provider_ssis.lint.rule_table import RULES
from tests.lint import test_project_rules
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

N = variables(variable())
EVALUATED = 'DTS:EvaluateAsExpression="True" '
HOST = "Microsoft.ManagedComponentHost"
REDIRECTED = 'errorRowDisposition="RedirectRow"'
WITH_N = N + executables(plain("Use"))
SCRIPT = '<ScriptProject Name="S" Language="CSharp"><ProjectItem Name="M.cs">code</ProjectItem>{0}</ScriptProject>'
BINARY = '<BinaryItem Name="S.dll">AAAA</BinaryItem>'
FOREACH = (
    '<DTS:ForEachEnumerator DTS:CreationName="Microsoft.ForEachFileEnumerator" DTS:ObjectName="E"><DTS:ObjectData>'
    '<ForEachFileEnumeratorProperties><FEFEProperty Folder="C:\\"/></ForEachFileEnumeratorProperties></DTS:ObjectData>'
    "</DTS:ForEachEnumerator>"
)
MAPPING = (
    '<DTS:ForEachVariableMappings><DTS:ForEachVariableMapping DTS:ValueIndex="0" DTS:VariableName="User::n"/>'
    "</DTS:ForEachVariableMappings>"
)
INNER = executables(plain("Inner").replace("Package\\", "Package\\Loop\\"))
RESULT = '<SQLTask:ResultBinding SQLTask:ResultName="{0}" SQLTask:DtsVariableName="User::n"/>'
WIDE, NARROW = 'dataType="wstr" length="50"', 'dataType="wstr" length="20"'
ERROR_OUT = output("err", "", 'isErrorOut="true"')
KEY = used("a", "", prop("JoinToReferenceColumn", "Id"))


def loop(inner: str, attributes: str = "") -> str:
    return N + executables(executable("Loop", "STOCK:FOREACHLOOP", inner + INNER, attributes))


def for_loop(attributes: str) -> str:
    return N + executables(executable("Loop", "STOCK:FORLOOP", INNER, attributes))


def handler(inner: str, attributes: str = "") -> str:
    return (
        '<DTS:EventHandlers><DTS:EventHandler DTS:refId="Package.EventHandlers[OnError]" DTS:EventName="OnError" '
        f"{attributes}>"
        f"{executables(inner)}</DTS:EventHandler></DTS:EventHandlers>"
    )


def lookup(key: str, *properties: str) -> str:
    looked_up = component("Lookup", "Microsoft.Lookup", "".join(properties), input_("lk", key), output("match"))
    return flow(source(column("a", "a")), looked_up, destination(used("a")), paths="out>lk match>dest")


def join(attributes: str, key: str = "") -> str:
    other = component(
        "Other", "Microsoft.OLEDBSource", "", "", output("out2", column("b", "b", attributes=key), attributes)
    )
    merge = component(
        "Join", "Microsoft.MergeJoin", "", input_("j1", used("a")) + input_("j2", used("b")), output("joined")
    )
    first = component(
        "Source", "Microsoft.OLEDBSource", "", "",
        output("out", column("a", "a", attributes='sortKeyPosition="1"'), 'isSorted="true"'),
    )  # fmt: skip
    return flow(first, other, merge, paths="out>j1 out2>j2")


DEFAULT = LintConfiguration()


@dataclass(frozen=True)
class Case:
    """What a rule finds, and a similar package in which it finds nothing."""

    rule: str
    bad: str
    good: str
    message: str
    configuration: LintConfiguration = DEFAULT
    format_version: int = 8


def for_target(target: str) -> LintConfiguration:
    return LintConfiguration(target=target)


CASES = [
    Case("P001", "<DTS:Broken", "", "is not well-formed XML"),
    Case(
        "P301",
        N + executables(plain("A", 'DTS:DTSID="{1}"'), plain("B", 'DTS:DTSID="{1}"')),
        N + executables(plain("A", 'DTS:DTSID="{1}"'), plain("B", 'DTS:DTSID="{2}"')),
        r"\\Package\\B has the same id as \\Package\\A",
    ),
    Case(
        "P101",
        parameter("p", "", 'DTS:Required="True"'),
        parameter("p", "x", 'DTS:Required="True"'),
        "the required parameter p has no value",
    ),
    Case(
        "P102",
        parameter("p", "x"),
        parameter("p", "x") + variables(variable("n", 8, "x", EVALUATED + 'DTS:Expression="@[$Package::p]"')),
        "nothing uses the parameter p",
    ),
    Case(
        "P103",
        executables(executable("A", "Microsoft.Any", expression("Description", "@[$Package::q]"))),
        parameter("my p")
        + executables(executable("A", "Microsoft.Any", expression("Description", "@[$Package::my p]"))),
        r"there is no parameter \$Package::q",
    ),
    Case(
        "P104",
        parameter("p", "x", 'DTS:Sensitive="True"'),
        parameter("p", "", 'DTS:Sensitive="True"'),
        "sensitive parameter p has a value in plain text",
    ),
    Case(
        "V101",
        N
        + manager()
        + executables(sql(inner=RESULT.format("0").replace("User::n", "User::m"), ResultType="ResultSetType_Rowset")),
        N + manager() + executables(sql(inner=RESULT.format("0"), ResultType="ResultSetType_Rowset")),
        "there is no variable 'User::m' here",
    ),
    Case("V102", N, WITH_N, "nothing uses the variable User::n"),
    Case(
        "V103",
        variables(variable(attributes='DTS:Expression="1"')),
        variables(variable(attributes='DTS:Expression="1" DTS:EvaluateAsExpression="True"')),
        "the expression of User::n is not evaluated",
    ),
    Case(
        "C101",
        manager() + executables(sql(connection="{B}")),
        manager() + executables(sql(connection="{a}")),
        "there is no connection manager '{B}'",
        format_version=3,
    ),
    Case("C102", manager(), manager() + executables(sql()), "nothing uses the connection manager Mart"),
    Case(
        "C201",
        manager(text="Data Source=.;Password=x;"),
        manager(text="Data Source=.;Integrated Security=SSPI;Password=;"),
        "the connection manager Mart contains a password",
    ),
    Case(
        "C202",
        manager(text="Data Source=db1;"),
        manager(text="Data Source=db1;", inner=expression("ServerName", "@[$Project::Server]")),
        "the connection manager Mart names the server 'db1'",
    ),
    *(
        Case(
            "C301",
            manager(text=f"Provider={provider};Data Source=x;"),
            manager(text="Provider=Microsoft.ACE.OLEDB.12.0;Data Source=Microsoft.Jet.OLEDB.4.0;"),
            f"the connection manager Mart uses the provider {provider}",
        )
        for provider in ("Microsoft.Jet.OLEDB.4.0", "MSDAORA.1", "VFPOLEDB.1")
    ),
    Case(
        "E101",
        N + executables(executable("A", "Microsoft.Any", expression("Description", '@[User::n] + "x" == 1'))),
        N + executables(executable("A", "Microsoft.Any", expression("Description", '(DT_WSTR,10)@[User::n] + "x"'))),
        "do not go together",
    ),
    Case(
        "E102",
        variables(variable("n", 3, "0", EVALUATED + 'DTS:Expression="&quot;x&quot;"')),
        variables(variable("n", 3, "0", EVALUATED + 'DTS:Expression="1 + 1"')),
        "the value is text, not a number",
    ),
    Case("F101", N + executables(plain("A", 'DTS:Disabled="True"')), N + executables(plain("A")), "A is disabled"),
    Case(
        "F102",
        N
        + executables(plain("A"), plain("B"))
        + constraints(
            constraint("A", "B", 'DTS:LogicalAnd="True"'),
            constraint("A", "B", 'DTS:LogicalAnd="True" DTS:Value="1"', "D"),
        ),
        N
        + executables(plain("A"), plain("B"))
        + constraints(constraint("A", "B"), constraint("A", "B", 'DTS:Value="1"', "D")),
        "B never runs: A cannot both succeed and fail",
    ),
    Case(
        "F104",
        executables(task("S", "Microsoft.ScriptTask", SCRIPT.format(""))),
        executables(task("S", "Microsoft.ScriptTask", SCRIPT.format(BINARY))),
        "S has no compiled script",
    ),
    Case(
        "F106",
        executables(executable("S", "STOCK:SEQUENCE")),
        N
        + executables(executable("S", "STOCK:SEQUENCE", executables(plain("A").replace("Package\\", "Package\\S\\")))),
        "the sequence S is empty",
    ),
    Case(
        "F107", for_loop(""), for_loop('DTS:EvalExpression="@[User::n] &lt; 3"'), "For loop Loop has no EvalExpression"
    ),
    Case("F108", loop(FOREACH), loop(FOREACH + MAPPING), "the Foreach loop Loop maps no value"),
    Case("F109", manager() + executables(sql(statement=" ")), manager() + executables(sql()), "Sql has no statement"),
    Case(
        "F110",
        N + executables(sql(ResultType="ResultSetType_SingleRow")),
        N + executables(sql(inner=RESULT.format("c"), ResultType="ResultSetType_SingleRow")),
        "but binds it to no variable",
    ),
    Case(
        "D101",
        flow(source(column("a", "a") + column("b", "b")), destination(used("a")), paths="out>dest"),
        flow(source(column("a", "a") + column("b", "b")), destination(used("a") + used("b")), paths="out>dest"),
        "nothing reads the column b of Source",
    ),
    Case(
        "D102",
        flow(
            source(column("a", "a", WIDE)),
            destination(
                used("a", 'externalMetadataColumnId="x"'), f'<externalMetadataColumn refId="x" name="t" {NARROW}/>'
            ),
            paths="out>dest",
        ),
        flow(
            source(column("a", "a", NARROW)),
            destination(
                used("a", 'externalMetadataColumnId="x"'), f'<externalMetadataColumn refId="x" name="t" {WIDE}/>'
            ),
            paths="out>dest",
        ),
        "a has a length of 50, t of 20",
    ),
    Case(
        "D103",
        flow(component("Sort", "Microsoft.Sort", "", input_("s", used("a")), output("so"))),
        flow(
            component(
                "Sort", "Microsoft.Sort", "", input_("s", used("a", "", prop("NewSortKeyPosition", "1"))), output("so")
            )
        ),
        "Sort sorts by no column",
    ),
    Case("D104", lookup(used("a")), lookup(KEY), "Lookup joins no column"),
    Case(
        "D105",
        lookup(KEY, prop("SqlCommand", "select * from t")),
        lookup(KEY, prop("SqlCommand", "select * from t"), prop("CacheType", "1")),
        "caches all columns",
    ),
    Case(
        "D106",
        flow(source(column("a", "a", attributes=REDIRECTED), "", ERROR_OUT), destination(used("a")), paths="out>dest"),
        flow(
            source(column("a", "a", attributes=REDIRECTED), "", ERROR_OUT),
            destination(used("a")),
            component("Errors", "Microsoft.FlatFileDestination", "", input_("e")),
            paths="out>dest err>e",
        ),
        "redirects rows to an error output without a path",
    ),
    Case(
        "D107",
        flow(source(column("a", "a"), prop("SqlCommand", " SELECT TOP 5 * FROM t"))),
        flow(source(column("a", "a"), prop("SqlCommand", "SELECT count(*) FROM t"))),
        "Source selects all columns",
    ),
    Case(
        "D108",
        flow(destination("")),
        flow(source(column("a", "a")), destination(""), paths="out>dest"),
        "no path leads to the input",
    ),
    Case("D109", join(""), join('isSorted="true"', 'sortKeyPosition="1"'), "the input j2 of Join is not sorted"),
    Case(
        "D110",
        flow(source(column("a", "a")), destination(used("z", 'cachedName="z"')), paths="out>dest"),
        flow(source(column("a", "a")), destination(used("a")), paths="out>dest"),
        "reads the column z, which does not exist",
    ),
    Case(
        "D111",
        flow(component("S", HOST, prop("UserComponentTypeName", "Microsoft.ScriptComponentHost"))),
        flow(
            component(
                "S", HOST, prop("UserComponentTypeName", "Microsoft.ScriptComponentHost") + prop("BinaryCode", "AAAA")
            )
        ),
        "S has no compiled script",
    ),
    Case(
        "N101",
        N,
        N + handler(plain("A")),
        "the package has no event handler OnError",
        LintConfiguration(event_handlers=("OnError",)),
    ),
    Case(
        "N102",
        N + executables(plain("a")),
        N + executables(plain("EXP a")),
        "the task 'a' does not match EXP",
        LintConfiguration(names={"task": re.compile("EXP .*")}),
    ),
    Case(
        "T101",
        executables(task("H", "Microsoft.HadoopHiveTask")),
        executables(sql()),
        "removed the Hadoop tasks",
        for_target("sqlserver2025"),
    ),
    Case(
        "T102",
        manager(kind="ADO.NET:System.Data.SqlClient.SqlConnection"),
        manager(kind="ADO.NET:Microsoft.Data.SqlClient.X"),
        "deprecates System.Data.SqlClient",
        for_target("sqlserver2025"),
    ),
    Case(
        "T103",
        executables(task("W", "Microsoft.WMIDataReaderTask")),
        executables(sql()),
        "SSIS on Linux does not have it",
        for_target("linux"),
    ),
    Case(
        "P303",
        variables(variable("n"), variable("n")),
        variables(variable("n"), variable("N")),
        "two variables have the name User::n",
    ),
    Case(
        "T105",
        manager(text="C:\\in\\a.txt", kind="FLATFILE"),
        manager(text="a.txt", kind="FLATFILE"),
        "Mart has a path on this machine",
        for_target("azure"),
    ),
    Case("T104", N, WITH_N, "has format 6, the target uses format 8", for_target("sqlserver2019"), format_version=6),
    Case("P202", "", "", "has the protection level EncryptSensitiveWithUserKey"),
]
BY_RULE = {case.rule: case for case in CASES if case.rule not in ("T104", "P202")}


@pytest.mark.parametrize("rule", BY_RULE)
def test_a_rule_finds_its_fault_and_nothing_else(tmp_path: Path, rule: str) -> None:
    case = BY_RULE[rule]
    found = rules_of(findings(tmp_path, case.bad, case.configuration, format_version=case.format_version))
    assert any(re.search(case.message, message) for message in found.get(rule, [])), found
    found = rules_of(findings(tmp_path, case.good, case.configuration, format_version=case.format_version))
    assert rule not in found


def test_the_format_of_a_package_is_that_of_the_target(tmp_path: Path) -> None:
    configuration = for_target("sqlserver2019")
    assert "T104" in rules_of(findings(tmp_path, N, configuration, format_version=6))
    assert "T104" not in rules_of(findings(tmp_path, N, configuration, format_version=8))


def test_every_rule_has_a_test_and_an_explanation() -> None:
    assert set(RULES) == set(BY_RULE) | {"T104", "P202"} | set(test_project_rules.TESTED)
    for rule in RULES.values():
        assert rule.explanation.endswith(".")
        assert not rule.fix.endswith(".")
        assert re.fullmatch(r"[a-z-]+", rule.name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            N
            + executables(plain("A", 'DTS:Disabled="True"'), plain("B"))
            + constraints(constraint("A", "B", 'DTS:Value="1"')),
            "A is disabled, so it cannot fail",
        ),
        (
            N
            + executables(plain("A"), plain("B"))
            + constraints(constraint("A", "B", 'DTS:EvalOp="1" DTS:Expression="1 == 2"')),
            "1 == 2 is always False",
        ),
    ],
)
def test_constraints_that_never_hold(tmp_path: Path, text: str, message: str) -> None:
    assert [message in one for one in rules_of(findings(tmp_path, text))["F102"]] == [True]


@pytest.mark.parametrize(
    "text",
    [
        N + executables(plain("A")).replace("@[User::n] = 1", '@[User::n] = "x" == "y" ? 1 : 2'),
        for_loop('DTS:InitExpression="@n = 0" DTS:EvalExpression="@n &lt; 3" DTS:AssignExpression="@n = @n + 1"'),
        N
        + executables(
            executable("A", "Microsoft.Any", expression("D", "@[System::PackageName] + @[System::TaskName]"))
        ),
        variables(variable("o", 13, "")) + N + executables(plain("A")),
    ],
)
def test_valid_expressions_are_not_reported(tmp_path: Path, text: str) -> None:
    assert "E101" not in rules_of(findings(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "is_password"),
    [
        ("&quot;Data Source=.;Password=&quot; + @[User::n]", False),
        ("&quot;Data Source=.;Password=hunter2;&quot;", True),
        ("&quot;Data Source=.;Password=****;&quot;", False),
        ("&quot;Data Source=.;Password=*hunter2;&quot;", True),
    ],
)
def test_a_password_in_an_expression_is_not_a_parameter(tmp_path: Path, text: str, is_password: bool) -> None:
    found = rules_of(findings(tmp_path, WITH_N + manager(inner=expression("ConnectionString", text))))
    assert ("C201" in found) is is_password


def test_variables_and_expressions_of_event_handlers_are_checked(tmp_path: Path) -> None:
    declared = variables(
        variable("idle"),
        variable("ignored", attributes='DTS:Expression="1"'),
        variable("wrong", attributes='DTS:EvaluateAsExpression="True" DTS:Expression="@[User::absent]"'),
        variable("right", attributes='DTS:EvaluateAsExpression="True" DTS:Expression="@[User::idle2] + @[User::n]"'),
        variable("idle2"),
    )
    text = handler(plain("A")).replace("<DTS:Executables>", f"{declared}{expression('D', '@none')}<DTS:Executables>")
    found = rules_of(findings(tmp_path, N + text))
    assert "nothing uses the variable User::idle" in found["V102"]
    assert found["V103"] == ["the expression of User::ignored is not evaluated"]
    assert [name in one for name, one in zip(("absent", "none"), sorted(found["E101"]), strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("formula", "problem"),
    [("[a] + 1", ""), ("#{a} + 1", ""), ("[b] + 1", "There is no input column 'b'"), ("[a] + ", "ends too early")],
)
def test_expressions_of_data_flows_see_the_columns_of_the_input(tmp_path: Path, formula: str, problem: str) -> None:
    new = column("c", "c", properties=prop("Expression", formula))
    derived = component("Derive", "Microsoft.DerivedColumn", "", input_("d", used("a")), output("derived", new))
    found = rules_of(findings(tmp_path, flow(source(column("a", "a")), derived, paths="out>d"))).get("E101", [])
    assert [problem in one for one in found] == ([True] if problem else [])


def test_the_engine_is_a_target(tmp_path: Path) -> None:
    text = executables(task("S", "Microsoft.ScriptTask", SCRIPT.format(BINARY)))
    (finding,) = [one for one in findings(tmp_path, text, for_target("engine")) if one.rule == "T103"]
    assert finding.severity is Severity.ERROR
    assert finding.place.path == "\\Package\\S"
    assert finding.place.line == 2


DISABLED = 'DTS:Disabled="True"'
FILE_TASK = '<FileSystemData TaskOperationType="{0}" TaskSourcePath="{{A}}" TaskDestinationPath="{{B}}"/>'


@pytest.mark.parametrize("rule", ["C101", "D103", "D104", "D109", "D110", "F107", "F109", "P103", "V101", "T103"])
def test_disabled_tasks_have_no_errors(tmp_path: Path, rule: str) -> None:
    case = BY_RULE[rule]

    def found(text: str) -> dict[str, list[str]]:
        return rules_of(findings(tmp_path, text, case.configuration, format_version=case.format_version))

    assert rule in found(case.bad)
    task_ = case.bad.replace("<DTS:Executable ", f"<DTS:Executable {DISABLED} ", 1)
    assert rule not in found(task_)
    before, _, inner = case.bad.partition("<DTS:Executables>")
    inside = before + executables(executable("Box", "STOCK:SEQUENCE", "<DTS:Executables>" + inner, DISABLED))
    assert rule not in found(inside)
    assert rule not in found(before + handler(inner.removesuffix("</DTS:Executables>"), DISABLED))
    assert rule in found(before + handler(inner.removesuffix("</DTS:Executables>")))


def test_an_expression_decides_whether_a_task_is_disabled(tmp_path: Path) -> None:
    text = executables(executable("Loop", "STOCK:FORLOOP", expression("Disable", "1 == 2"), DISABLED))
    assert "F107" in rules_of(findings(tmp_path, text))


def test_a_removed_task_is_an_error_even_if_it_is_disabled(tmp_path: Path) -> None:
    text = executables(task("H", "Microsoft.HadoopHiveTask", attributes=DISABLED))
    assert "T101" in rules_of(findings(tmp_path, text, for_target("sqlserver2025")))


@pytest.mark.parametrize(("operation", "is_used"), [("DeleteFile", False), ("MoveFile", True)])
def test_the_stored_destination_of_an_operation_on_one_path_is_not_checked(
    tmp_path: Path, operation: str, is_used: bool
) -> None:
    text = manager() + executables(task("F", "Microsoft.FileSystemTask", FILE_TASK.format(operation)))
    assert ("C101" in rules_of(findings(tmp_path, text, format_version=3))) is is_used
    by_variable = text.replace("TaskDestinationPath", 'TaskIsDestinationVariable="True" TaskDestinationPath')
    assert ("V101" in rules_of(findings(tmp_path, by_variable))) is is_used


@pytest.mark.parametrize(
    ("name", "mode", "is_used"),
    [
        ("OpenRowsetVariable", "0", False),
        ("OpenRowsetVariable", "1", True),
        ("OpenRowsetVariable", "4", True),
        ("SqlCommandVariable", "2", False),
        ("SqlCommandVariable", "3", True),
        ("FileNameVariable", "0", False),
        ("VariableName", "0", True),
    ],
)
def test_a_stale_variable_of_another_access_mode_is_not_a_fault(
    tmp_path: Path, name: str, mode: str, is_used: bool
) -> None:
    text = flow(source(column("a", "a"), prop("AccessMode", mode) + prop(name, "User::old")))
    assert ("V101" in rules_of(findings(tmp_path, text))) is is_used


def test_a_variable_of_a_parameter_of_a_query_is_used(tmp_path: Path) -> None:
    declared = variables(variable(attributes='DTS:DTSID="{0AB1C2D3-0000-4000-8000-00000000000f}"'))
    mapping = prop("ParameterMapping", '"Parameter0:Input",{0ab1c2d3-0000-4000-8000-00000000000F};')
    assert "V102" not in rules_of(findings(tmp_path, declared + flow(source(column("a", "a"), mapping))))
    assert "V102" in rules_of(findings(tmp_path, declared + flow(source(column("a", "a")))))


@pytest.mark.parametrize(
    ("type_", "is_checked"),
    [("DbMaintenanceReindexTask", False), ("DbMaintenanceTSQLExecuteTask", True), ("ExecuteSQLTask", True)],
)
def test_only_tasks_with_a_statement_need_one(tmp_path: Path, type_: str, is_checked: bool) -> None:
    text = manager() + executables(sql(statement="").replace("Microsoft.ExecuteSQLTask", f"Microsoft.{type_}"))
    assert ("F109" in rules_of(findings(tmp_path, text))) is is_checked


def test_notes_on_the_design_surface_name_no_parameter(tmp_path: Path) -> None:
    text = "<DTS:DesignTimeProperties>about $Package::old</DTS:DesignTimeProperties>"
    assert "P103" not in rules_of(findings(tmp_path, text))
