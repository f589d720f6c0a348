"""Components that see many rows at once, in whole data flows. Facts: data flow, sections 3.6, 3.13 and 3.14."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from lxml import etree

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.components.script import ScriptRows
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from tests.support.flow_runs import FlowTest, integer, text


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def test_two_sorts_feed_a_merge_join(flow: FlowTest) -> None:
    left = flow.source("Left", "3,c\n1,a\n2,b\n", [integer("n"), text("s")])
    right = flow.source("Right", "2,y\n1,x\n4,z\n", [integer("k"), text("t")])
    sorted_left = flow.flow.add_sort("Sort left", left.output, ["n"])
    sorted_right = flow.flow.add_sort("Sort right", right.output, ["k"])
    joined = flow.flow.add_merge_join(
        "Join",
        sorted_left.output,
        sorted_right.output,
        {"n": ("left", "n"), "s": ("left", "s"), "t": ("right", "t")},
        join="left",
    )
    flow.rows_of("Out", joined.output)
    result = flow.run()
    assert result.failure is None
    assert result.rows["Out"] == [(1, "a", "x"), (2, "b", "y"), (3, "c", None)]


@pytest.mark.parametrize("kind", ["Sort", "Merge", "Merge Join", "Aggregate"])
@pytest.mark.parametrize(
    ("column", "changes"),
    [
        ("n", {"dataType": "i8"}),
        ("n", {"dataType": "wstr", "length": "20"}),
        ("s", {"length": "4"}),
        ("s", {"dataType": "str", "codePage": "1252"}),
        ("s", {"dataType": "i4"}),
        ("p", {"precision": "5"}),
        ("s", {"length": "60"}),
    ],
)
def test_a_column_of_a_declared_type_that_is_too_narrow_or_another_fails(
    flow: FlowTest, kind: str, column: str, changes: dict[str, str]
) -> None:
    price = FlatFileColumn("p", "DT_NUMERIC", precision=9, scale=2)
    source = flow.source("In", "1,00001,1.5\n2,00002,2.5\n", [integer("n"), text("s"), price])
    output = flow.flow.add_sort("Order", source.output, ["n"]).output
    if kind == "Aggregate":
        groups = {name: Aggregation("group by", name) for name in ("n", "s", "p")}
        output = flow.flow.add_aggregate("Made", output, groups).output
    elif kind == "Sort":
        output = flow.flow.add_sort("Made", output, ["s"]).output
    else:
        both = flow.flow.add_multicast("Both", output, ["A", "B"])
        first, second = (flow.flow.add_sort(f"Sort {one}", both.outputs[one], ["n"]).output for one in "AB")
        output = (
            flow.flow.add_merge("Made", first, second).output
            if kind == "Merge"
            else flow.flow.add_merge_join(
                "Made", first, second, {"n": ("left", "n"), "s": ("right", "s"), "p": ("right", "p")}
            ).output
        )
    flow.rows_of("Out", output)

    def changed(package: str) -> str:
        root = etree.fromstring(package.encode())
        (made,) = root.xpath(f"//component[@name='Made']//output/outputColumns/outputColumn[@name='{column}']")
        made.attrib.update(changes)
        return etree.tostring(root, encoding="unicode")

    flow.change = changed
    result = flow.run()
    if changes == {"length": "60"}:
        assert result.failure is None
    else:
        assert result.failure is not None
        assert column in result.failure.text
        assert not result.rows["Out"]


def test_a_function_takes_the_place_of_a_script_by_the_path_of_the_component(flow: FlowTest) -> None:
    source = flow.source("In", "1,a\n2,b\n", [integer("n"), text("s")])
    script = flow.flow.add_script_component(
        "Clean", source.output, {"Out": ScriptOutput([Column("m", "DT_I4")])}, columns=["n"]
    )
    flow.rows_of("Out", script.output)

    def double(rows: ScriptRows) -> Iterator[pa.RecordBatch]:
        for batch in rows.input:
            yield pa.record_batch({"m": pc.multiply(batch["n"], 2)})

    [refusal] = flow.refusals()
    assert refusal.startswith("\\Package\\Load\\Clean: the Script component")
    result = flow.run(options=RunOptions({"\\Package\\Load\\Clean": double}))
    assert result.failure is None
    assert result.rows["Out"] == [(1, "a", 2), (2, "b", 4)]
