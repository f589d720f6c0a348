"""Packages: the control flow, as SQL Server 2012 and later write it and as the releases before did."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.dtsx import read_package
from airflow_provider_ssis.project.errors import InvalidPartError, LimitExceededError
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp, Executable, ExecutableKind
from tests.support import ssis_xml
from tests.support.ssis_projects import (
    constraint,
    data_flow,
    event_handler,
    execute_package,
    for_loop,
    foreach_loop,
    on_success,
    package,
    sequence,
    task,
)


def flow_of(data: bytes) -> Executable:
    flow = read_package(data, "Load.dtsx").control_flow
    assert flow is not None
    return flow


def dtsx(inner: str, attributes: str = "", format_version: int = 8) -> bytes:
    """A package with any content."""
    return (
        f'<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="Load" {attributes}>'
        f'<DTS:Property DTS:Name="PackageFormatVersion">{format_version}</DTS:Property>{inner}</DTS:Executable>'
    ).encode()


def test_variables_and_log_providers_are_read() -> None:
    made = package("Load.dtsx", task("Copy"), variables=["User::Day", "Own::Key"])
    flow = flow_of(ssis_xml.dtsx(made))
    assert flow.variables == ("User::Day", "Own::Key")
    assert flow.children[0].variables == ()
    assert flow.log_providers == ()


def test_variables_and_log_providers_of_old_packages_are_read() -> None:
    flow = flow_of(
        dtsx(
            '<DTS:Variable><DTS:Property DTS:Name="Namespace">User</DTS:Property>'
            '<DTS:Property DTS:Name="ObjectName">Day</DTS:Property></DTS:Variable>'
            '<DTS:LogProvider><DTS:Property DTS:Name="ObjectName">Text file</DTS:Property></DTS:LogProvider>',
            format_version=3,
        )
    )
    assert (flow.variables, flow.log_providers) == (("User::Day",), ("Text file",))


def test_paths_lead_from_the_package_to_the_task() -> None:
    made = package("Load.dtsx", sequence("Outer", foreach_loop("Loop", for_loop("Again", task("Task")))))
    assert [(one.path, one.kind) for one in flow_of(ssis_xml.dtsx(made)).walk()] == [
        ("\\Package", ExecutableKind.PACKAGE),
        ("\\Package\\Outer", ExecutableKind.SEQUENCE),
        ("\\Package\\Outer\\Loop", ExecutableKind.FOREACH_LOOP),
        ("\\Package\\Outer\\Loop\\Again", ExecutableKind.FOR_LOOP),
        ("\\Package\\Outer\\Loop\\Again\\Task", ExecutableKind.TASK),
    ]


def test_a_constraint_without_attributes_is_success_alone_and_or() -> None:
    """SSIS leaves out what has its default; LogicalAnd, which the designer sets, is written."""
    made = package("Load.dtsx", task("A"), task("B"), constraints=[on_success("A", "B", logical_and=False)])
    data = ssis_xml.dtsx(made)
    for left_out in (b"DTS:Value", b"DTS:EvalOp", b"DTS:LogicalAnd"):
        assert left_out not in data
    (read,) = flow_of(data).constraints
    assert (read.value, read.eval_op, read.logical_and) == (ConstraintValue.SUCCESS, EvalOp.CONSTRAINT, False)
    assert (read.source, read.target) == ("\\Package\\A", "\\Package\\B")


@pytest.mark.parametrize("value", ConstraintValue)
@pytest.mark.parametrize("eval_op", EvalOp)
def test_constraints_of_every_sort(value: ConstraintValue, eval_op: EvalOp) -> None:
    made = constraint("A", "B", value, eval_op=eval_op, expression="@[User::Go]")
    (read,) = flow_of(ssis_xml.dtsx(package("Load.dtsx", task("A"), task("B"), constraints=[made]))).constraints
    assert (read.value, read.eval_op, read.expression) == (value, eval_op, "@[User::Go]")


def test_an_event_handler_has_its_own_control_flow() -> None:
    handler = event_handler("OnError", task("Log"), task("Mail"), constraints=[on_success("Log", "Mail")])
    read = flow_of(ssis_xml.dtsx(package("Load.dtsx", task("Task", event_handlers=[handler]))))
    (handler,) = read.children[0].event_handlers
    assert handler.path == "\\Package\\Task.EventHandlers[OnError]"
    assert [child.path for child in handler.children] == [
        "\\Package\\Task.EventHandlers[OnError]\\Log",
        "\\Package\\Task.EventHandlers[OnError]\\Mail",
    ]
    assert handler.constraints[0].target == "\\Package\\Task.EventHandlers[OnError]\\Mail"
    assert handler.propagate


@pytest.mark.parametrize(("value", "propagates"), [("0", False), ("False", False), ("-1", True), ("True", True)])
def test_an_event_handler_may_keep_the_event_to_itself(value: str, propagates: bool) -> None:
    variable = (
        '<DTS:Variables><DTS:Variable DTS:Namespace="System" DTS:ObjectName="Propagate">'
        f"<DTS:VariableValue>{value}</DTS:VariableValue></DTS:Variable></DTS:Variables>"
    )
    handler = f'<DTS:EventHandler DTS:EventName="OnError">{variable}</DTS:EventHandler>'
    assert flow_of(dtsx(f"<DTS:EventHandlers>{handler}</DTS:EventHandlers>")).event_handlers[0].propagate is propagates


def test_handlers_of_an_executable_that_disables_them_are_disabled() -> None:
    data = dtsx(
        '<DTS:EventHandlers><DTS:EventHandler DTS:EventName="OnError"/></DTS:EventHandlers>',
        'DTS:DisableEventHandlers="True"',
    )
    assert flow_of(data).event_handlers[0].disabled


def test_a_child_package_is_one_of_the_same_project() -> None:
    made = ssis_xml.dtsx(package("Load.dtsx", execute_package("Run", "Child.dtsx")))
    assert flow_of(made).children[0].child_package == "Child.dtsx"
    elsewhere = made.replace(b"<UseProjectReference>True</UseProjectReference>", b"")
    assert flow_of(elsewhere).children[0].child_package is None


def test_data_flow_paths_have_the_identification_strings_of_data_taps() -> None:
    read = (
        flow_of(ssis_xml.dtsx(package("Load.dtsx", data_flow("Copy", ["In", "Change", "Out"])))).children[0].data_flow
    )
    assert read is not None
    assert [(path.id_string, path.source, path.destination) for path in read.paths] == [
        ("Paths[In.In Output]", "In", "Change"),
        ("Paths[Change.Change Output]", "Change", "Out"),
    ]


def test_a_package_without_a_protection_level_has_the_default() -> None:
    assert read_package(dtsx(""), "Load.dtsx").protection_level == 1


def test_old_formats_have_properties_as_children() -> None:
    """Format 2 and 3: properties as elements, no collections, constraints by id."""

    def properties(**values: str) -> str:
        return "".join(f'<DTS:Property DTS:Name="{name}">{value}</DTS:Property>' for name, value in values.items())

    data = (
        '<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ExecutableType="SSIS.Package.2">'
        + properties(PackageFormatVersion="3", ObjectName="Load", ProtectionLevel="0", FailPackageOnFailure="0")
        + '<DTS:Executable DTS:ExecutableType="STOCK:SEQUENCE">'
        + properties(ObjectName="A", DTSID="{1}", Disabled="-1", ForceExecutionResult="-1", MaxErrorCount="3")
        + "</DTS:Executable>"
        + '<DTS:Executable DTS:ExecutableType="SSIS.Pipeline.2">'
        + properties(ObjectName="B", DTSID="{2}", FailParentOnFailure="-1", ForceExecutionResult="1")
        + "</DTS:Executable>"
        + "<DTS:PrecedenceConstraint>"
        + properties(Value="1", EvalOp="2", LogicalAnd="-1")
        + '<DTS:Executable IDREF="{1}" DTS:IsFrom="-1"/><DTS:Executable IDREF="{2}" DTS:IsFrom="0"/>'
        + "</DTS:PrecedenceConstraint>"
        + "</DTS:Executable>"
    )
    file = read_package(data.encode(), "Old.dtsx")
    assert (file.format_version, file.protection_level) == (3, 0)
    assert file.control_flow is not None
    first, second = file.control_flow.children
    assert (first.path, first.kind, first.disabled) == ("\\Package\\A", ExecutableKind.SEQUENCE, True)
    assert (first.force_execution_result, first.max_error_count) == (None, 3)
    assert (second.fail_parent_on_failure, second.force_execution_result) == (True, 1)
    (read,) = file.control_flow.constraints
    assert (read.source, read.target) == ("\\Package\\A", "\\Package\\B")
    assert (read.value, read.logical_and) == (ConstraintValue.FAILURE, True)


TWO = '<DTS:Executables><DTS:Executable DTS:ObjectName="A"/><DTS:Executable DTS:ObjectName="{}"/></DTS:Executables>'
ARROW = '<DTS:PrecedenceConstraint DTS:From="Package\\{}" DTS:To="Package\\{}" {}/>'


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        (TWO.format("A"), r"two executables with the path \\Package\\A"),
        (TWO.format(""), "an executable without a name"),
        (
            TWO.format("B") + ARROW.format("A", "C", ""),
            r"a precedence constraint to 'Package\\\\C', which is not in the same container",
        ),
        (TWO.format("B") + "<DTS:PrecedenceConstraint/>", "a precedence constraint from None"),
        (TWO.format("B") + ARROW.format("A", "A", ""), "form a cycle"),
        (TWO.format("B") + ARROW.format("A", "B", "") + ARROW.format("B", "A", ""), "form a cycle"),
        (TWO.format("B") + ARROW.format("A", "B", 'DTS:Value="7"'), "unknown Value 7"),
        (TWO.format("B") + ARROW.format("A", "B", 'DTS:EvalOp="x"'), "EvalOp is 'x', not a whole number"),
        (
            "<DTS:ObjectData><pipeline><components><component/></components></pipeline></DTS:ObjectData>",
            "without a name",
        ),
        (
            '<DTS:ObjectData><pipeline><paths><path name="P" startId="1"/></paths></pipeline></DTS:ObjectData>',
            "path 'P', which does not connect two components",
        ),
    ],
)
def test_an_invalid_control_flow_is_rejected(inner: str, problem: str) -> None:
    with pytest.raises(InvalidPartError, match=problem) as caught:
        read_package(dtsx(inner), "Load.dtsx")
    assert caught.value.part == "Load.dtsx"
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<html/>", "is not an SSIS package"),
        (dtsx("", format_version=9), r"unknown package format 9 \(known formats: 2, 3, 5, 6, 8\)"),
        (dtsx("").replace(b"PackageFormatVersion", b"Other"), "has no package format"),
        (dtsx("", 'DTS:ProtectionLevel="6"'), "protection level 6"),
        (dtsx("", 'DTS:MaxErrorCount="many"'), "MaxErrorCount is 'many'"),
    ],
)
def test_another_file_than_a_package_is_rejected(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidPartError, match=problem):
        read_package(data, "Load.dtsx")


def test_containers_nest_up_to_the_limit() -> None:
    def nested(depth: int) -> bytes:
        inner = task("Task")
        for level in range(depth):
            inner = sequence(f"Level {level}", inner)
        return ssis_xml.dtsx(package("Load.dtsx", inner))

    assert len(list(flow_of(nested(90)).walk())) == 92
    with pytest.raises(LimitExceededError):
        read_package(nested(100), "Load.dtsx")
