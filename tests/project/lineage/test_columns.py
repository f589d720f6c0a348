"""Column lineage through transformations, in both ways of referring to columns."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.project.lineage.columns import ColumnLineage, column_lineage
from airflow_provider_ssis.project.package.data_flow import Pipeline
from tests.support.dtsx_text import read_text, task_text


def component(key: str, name: str, ends: str, class_id: str = "Microsoft.Any") -> str:
    return f'<component {key} name="{name}" componentClassID="{class_id}">{ends}</component>'


def output_column(key: str, name: str, properties: str = "") -> str:
    inner = f"<properties>{properties}</properties>" if properties else ""
    lineage = key.partition('"')[2][:-1]
    return f'<outputColumn {key} name="{name}" dataType="i4" lineageId="{lineage}">{inner}</outputColumn>'


def reference(name: str, value: str) -> str:
    return f'<property name="{name}" dataType="System.String" containsID="true">{value}</property>'


def flow(components: str, paths: str = "") -> Pipeline:
    text = task_text(
        f"<pipeline><components>{components}</components><paths>{paths}</paths></pipeline>", "Microsoft.Pipeline"
    )
    data = read_text(text).container.children[0].data()
    assert isinstance(data, Pipeline)
    return data


def sample(id_attribute: str) -> Pipeline:
    """A source, a derived column that adds one and replaces one, a union, and a destination."""

    def key(number: int) -> str:
        return f'{id_attribute}="{number}"'

    source = component(
        key(1),
        "Source",
        f"<outputs><output {key(2)}><outputColumns>{output_column(key(10), 'a')}{output_column(key(11), 'b')}"
        f"</outputColumns></output></outputs>",
    )
    sum_ = output_column(
        key(20), "sum", reference("Expression", "#{10} + #{11}" if id_attribute == "refId" else "#10 + #11")
    )
    replaced = (
        f'<inputColumn {key(21)} lineageId="11" usageType="readWrite"><properties>'
        f"{reference('Expression', '#10' if id_attribute == 'id' else '#{10}')}</properties></inputColumn>"
    )
    inputs = f'<inputColumn {key(22)} lineageId="10"/>{replaced}'
    derived = component(
        key(3),
        "Derive",
        f"<inputs><input {key(4)}><inputColumns>{inputs}</inputColumns></input></inputs>"
        f'<outputs><output {key(5)} synchronousInputId="4"><outputColumns>{sum_}</outputColumns></output></outputs>',
    )
    target = reference("OutputColumnLineageID", "#{32}" if id_attribute == "refId" else "32")
    fed = f'<inputColumn {key(31)} lineageId="20"><properties>{target}</properties></inputColumn>'
    total = output_column(key(32), "total")
    union = component(
        key(6),
        "Union",
        f"<inputs><input {key(7)}><inputColumns>{fed}</inputColumns></input></inputs>"
        f"<outputs><output {key(8)}><outputColumns>{total}</outputColumns></output></outputs>",
    )
    mapped = f'<inputColumn {key(42)} lineageId="32" externalMetadataColumnId="50"/>'
    destination = component(
        key(40),
        "Destination",
        f'<inputs><input {key(41)} name="In"><inputColumns>{mapped}'
        f'<inputColumn {key(43)} lineageId="11"/></inputColumns><externalMetadataColumns>'
        f'<externalMetadataColumn {key(50)} name="Total"/></externalMetadataColumns></input></inputs>',
    )
    paths = "".join(
        f'<path {key(90 + number)} name="p" startId="{start}" endId="{end}"/>'
        for number, (start, end) in enumerate([(2, 4), (5, 7), (8, 41)])
    )
    return flow(destination + union + derived + source, paths)


def origins(found: ColumnLineage) -> list[tuple[str, str]]:
    return [(one.component, one.column) for one in found.origins]


@pytest.mark.parametrize("id_attribute", ["refId", "id"])
def test_columns_are_traced_through_expressions_replacements_and_unions(id_attribute: str) -> None:
    total, replaced = column_lineage(sample(id_attribute))
    assert (total.destination, total.input, total.column, total.external_column) == (
        "Destination",
        "In",
        "total",
        "Total",
    )
    assert origins(total) == [("Source", "a"), ("Source", "b")]
    assert total.steps == ("Derive", "Union")
    assert (replaced.column, replaced.external_column) == ("b", "")
    assert origins(replaced) == [("Source", "b"), ("Source", "a")]
    assert replaced.steps == ("Derive",)


def test_references_in_a_circle_end() -> None:
    one = output_column('refId="A"', "a", reference("Expression", "#{B}"))
    two = output_column('refId="B"', "b", reference("Expression", "#{A}"))
    transformation = component(
        'refId="T"', "T", f'<outputs><output refId="O"><outputColumns>{one}{two}</outputColumns></output></outputs>'
    )
    destination = component(
        'refId="D"',
        "D",
        '<inputs><input refId="I"><inputColumns><inputColumn refId="C" lineageId="A"/></inputColumns></input></inputs>',
    )
    (found,) = column_lineage(flow(transformation + destination))
    assert found.origins == ()


def test_an_unknown_column_has_no_origin() -> None:
    destination = component(
        'refId="D"',
        "D",
        '<inputs><input refId="I"><inputColumns><inputColumn refId="C" lineageId="X"/></inputColumns></input></inputs>',
    )
    (found,) = column_lineage(flow(destination))
    assert (found.origins, found.column) == ((), "")


@pytest.mark.parametrize(("id_attribute", "value"), [("refId", "#{in}"), ("id", "7")])
def test_a_reference_to_an_input_column_is_one_to_the_column_upstream(id_attribute: str, value: str) -> None:
    """As Sort, Merge Join and Aggregate refer to columns."""
    upstream = output_column('refId="a"', "a")
    key = 'refId="in"' if id_attribute == "refId" else 'id="7"'
    source = component(
        'refId="S"',
        "S",
        f'<outputs><output refId="o"><outputColumns>{upstream}</outputColumns></output></outputs>',
    )
    new = output_column('refId="b"', "b", reference("SortColumnId", value))
    sort = component(
        'refId="T"',
        "Sort",
        f'<inputs><input refId="i"><inputColumns><inputColumn {key} lineageId="a"/></inputColumns></input></inputs>'
        f'<outputs><output refId="p"><outputColumns>{new}</outputColumns></output></outputs>',
    )
    destination = component(
        'refId="D"',
        "D",
        '<inputs><input refId="J"><inputColumns><inputColumn refId="C" lineageId="b"/></inputColumns></input></inputs>',
    )
    (found,) = column_lineage(flow(source + sort + destination))
    assert (origins(found), found.steps) == ([("S", "a")], ("Sort",))
