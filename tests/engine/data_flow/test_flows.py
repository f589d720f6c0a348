"""Whole data flows: components in a row, branches, messages, failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.events import ComponentPhase, RowsSent, RowsWritten
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.flow_runs import FlowTest, integer, text


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def test_rows_flow_through_row_transformations_in_order(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n2,b\n3,c\n", [integer("n"), text("s")])
    derived = flow.flow.add_derived_column(
        "Derive", source.output, {Column("m", "DT_I4"): "[n] * 10"}, replace={"s": "UPPER([s])"}
    )
    copied = flow.flow.add_copy_column("Copy", derived.output, {"c": "s"})
    flow.rows_of("Out", copied.output)
    result = flow.run()
    assert result.failure is None
    assert result.rows["Out"] == [(1, "A", 10, "A"), (2, "B", 20, "B"), (3, "C", 30, "C")]


def test_packages_of_format_6_have_guids_as_classes(tmp_path: Path) -> None:
    flow = FlowTest(tmp_path, ProjectBuilder("Test", target_server=2012).add_package("Test"))
    source = flow.source("In", "1\n2\n", [integer("n")])
    both = flow.flow.add_multicast("Both", source.output, ["A", "B"])
    united = flow.flow.add_union_all("Union", [both.outputs["A"], both.outputs["B"]])
    derived = flow.flow.add_derived_column("D", united.output, {Column("m", "DT_I4"): "[n] * 2"})
    split = flow.flow.add_conditional_split("Split", derived.output, {"Two": "[m] > 2"})
    flow.rows_of("Out", split.outputs["Two"])
    assert flow.run().rows["Out"] == [(2, 4), (2, 4)]


def test_a_split_sends_each_row_to_the_first_true_condition(flow: FlowTest) -> None:
    source = flow.source("In", "1\n2\n3\n4\n5\n6\n", [integer("n")])
    split = flow.flow.add_conditional_split("Split", source.output, {"Even": "[n] % 2 == 0", "Four": "[n] == 4"})
    for name in ("Even", "Four"):
        flow.rows_of(name, split.outputs[name])
    flow.rows_of("Rest", split.output)
    assert flow.run().rows == {"Even": [(2,), (4,), (6,)], "Four": [], "Rest": [(1,), (3,), (5,)]}


def test_a_union_gets_all_rows_of_a_multicast_twice(flow: FlowTest) -> None:
    source = flow.source("In", "1\n2\n", [integer("n")])
    both = flow.flow.add_multicast("Both", source.output, ["A", "B"])
    united = flow.flow.add_union_all("Union", [both.outputs["A"], both.outputs["B"]])
    flow.rows_of("Out", united.output)
    assert sorted(flow.run().rows["Out"]) == [(1,), (1,), (2,), (2,)]


def test_a_row_count_writes_its_variable_at_the_end(flow: FlowTest) -> None:
    variable = flow.package.add_variable("Rows", 0)
    source = flow.source("In", "1\n2\n3\n", [integer("n")])
    flow.flow.add_row_count("Count", source.output, variable)
    assert flow.run().context.variables["User::Rows"] == 3


def test_a_join_behind_a_multicast_does_not_wait_for_itself(flow: FlowTest) -> None:
    rows = 30_000
    content = "".join(f"{n}\n" for n in range(rows))
    source = flow.source("In", content, [integer("n")])
    both = flow.flow.add_multicast("Both", source.output, ["A", "B"])
    sorted_ = flow.flow.add_sort("Sort", both.outputs["A"], ["n"])
    united = flow.flow.add_union_all("Union", [sorted_.output, both.outputs["B"]])
    flow.rows_of("Out", united.output)
    result = flow.run()
    assert result.failure is None
    assert len(result.rows["Out"]) == 2 * rows


def test_the_messages_come_in_the_order_of_integration_services(flow: FlowTest) -> None:
    source = flow.source("In", "1\n2\n", [integer("n")])
    flow.flow.add_flat_file_destination("Out", source.output, flow.file("Target", [integer("n")]))
    result = flow.run()
    assert result.failure is None
    assert [hex(said.code) for said in result.context.said] == [
        "0x4004300a",
        "0x40043006",
        "0x40043007",
        "0x402090dc",
        "0x402090dc",
        "0x4004300c",
        "0x402090de",
        "0x40043008",
        "0x402090dd",
        "0x402090dd",
        "0x4004300b",
        "0x40043009",
    ]
    assert '"Out" wrote 2 rows.' in [said.text for said in result.context.said]
    assert (flow.folder / "Target.txt").read_text() == "1\n2\n"
    published = result.context.published
    assert [(each.component, each.rows) for each in published if isinstance(each, RowsWritten)] == [("Out", 2)]
    sent = [each for each in published if isinstance(each, RowsSent)]
    assert [(each.path_id, each.rows) for each in sent] == [("Paths[In.Flat File Source Output]", 2)]
    phases = {(each.component, each.phase) for each in published if isinstance(each, ComponentPhase)}
    assert {("In", "PrimeOutput"), ("Out", "ProcessInput"), ("Out", "PostExecute")} <= phases


def test_a_failing_row_stops_the_flow_with_the_chain_of_messages(flow: FlowTest) -> None:
    source = flow.source("In", "1\n2\nx\n4\n", [integer("n")])
    flow.rows_of("Out", source.output)
    result = flow.run()
    assert result.failure is not None
    assert result.failure.is_reported
    assert [hex(said.code) for said in result.errors] == ["0xc02020a1", "0xc0209029", "0xc0202092", "0xc0047038"]
    assert "In row 3" in result.errors[1].text
    codes = [said.code for said in result.context.said]
    assert codes[-2:] == [0x4004300B, 0x40043009]


def test_a_failing_transformation_names_its_own_component(flow: FlowTest) -> None:
    source = flow.source("In", "1\n0\n", [integer("n")])
    derived = flow.flow.add_derived_column("Divide", source.output, {Column("q", "DT_I4"): "10 / [n]"})
    flow.rows_of("Out", derived.output)
    result = flow.run()
    assert [hex(said.code) for said in result.errors] == ["0xc0209029", "0xc0047022"]
    assert 'In row 2, the column "q" failed with 0xC0049030 (DTS_E_EXPREVALSTATIC_DIVBYZERO)' in result.errors[0].text
    assert "Divide [" in result.errors[1].text


@pytest.mark.parametrize(
    ("disposition", "is_attached", "code"), [("RedirectRow", False, 0x80208386), ("FailComponent", True, 0x80208385)]
)
def test_error_outputs_that_make_no_sense_are_warnings(
    flow: FlowTest, disposition: str, is_attached: bool, code: int
) -> None:
    source = flow.source("In", "1\n", [integer("n")])
    source.set_dispositions(disposition)
    flow.rows_of("Out", source.output)
    if is_attached:
        flow.rows_of("Bad", source.error_output)
    result = flow.run()
    assert result.failure is None
    assert code in result.context.codes("warning")


def test_property_expressions_work_in_a_whole_package(flow: FlowTest) -> None:
    flow.package.add_variable("Limit", 2)
    source = flow.source("In", "1\n2\n3\n", [integer("n")])
    split = flow.flow.add_conditional_split("Split", source.output, {"Large": "[n] > 0"})
    flow.flow.add_flat_file_destination("Out", split.outputs["Large"], flow.file("Target", [integer("n")]))
    text_of_limit = '"[n] > " + (DT_WSTR,5)@[User::Limit]'
    flow.flow.task.set_expression("[Split].[Large].[FriendlyExpression]", text_of_limit)
    result = run_package(flow.package.save(flow.folder))
    assert result.succeeded, result.messages
    assert (flow.folder / "Target.txt").read_text() == "3\n"
    assert [(row.name, row.rows) for row in result.row_counts] == [
        ("Paths[In.Flat File Source Output]", 3),
        ("Paths[Split.Large]", 1),
        ("Out", 1),
    ]
    codes = [message.code for message in result.messages if message.subcomponent == "SSIS.Pipeline"]
    assert codes.count(0x4004300A) == 2


def test_a_source_without_a_destination_is_not_read(flow: FlowTest) -> None:
    source = flow.source("In", "x\n", [integer("n")])
    flow.flow.add_derived_column("Unused", source.output, {Column("m", "DT_I4"): "[n] + 1"})
    result = flow.run()
    assert result.failure is None
    assert {said.code for said in result.context.said if said.event == "warning"} == {0x8004706F, 0x800470AE}
