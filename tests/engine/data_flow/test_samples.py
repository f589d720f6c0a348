"""Samples and the Balanced Data Distributor in whole data flows. Facts: data flow, section 3.23."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.project.builder.flow_samples import SELECTED, UNSELECTED
from tests.support.flow_runs import FlowTest, Rows, integer

_COUNT = 12_000


@pytest.fixture
def flow(tmp_path: Path) -> FlowTest:
    return FlowTest(tmp_path)


def _numbers(count: int) -> str:
    return "".join(f"{number}\n" for number in range(count))


def _sampled(folder: Path, percent: int, seed: int) -> tuple[Rows, Rows]:
    folder.mkdir()
    flow = FlowTest(folder)
    source = flow.source("In", _numbers(_COUNT), [integer("n")])
    sample = flow.flow.add_percentage_sampling("Sample", source.output, percent, seed=seed)
    for name in (SELECTED, UNSELECTED):
        flow.rows_of(name, sample.outputs[name])
    rows = flow.run().rows
    return rows[SELECTED], rows[UNSELECTED]


def test_each_row_is_on_one_output_and_a_seed_repeats_the_sample(tmp_path: Path) -> None:
    selected, others = _sampled(tmp_path / "a", 20, 7)
    assert sorted(selected + others) == [(number,) for number in range(_COUNT)]
    assert selected == sorted(selected)
    assert abs(len(selected) - _COUNT * 0.2) < 300
    assert _sampled(tmp_path / "b", 20, 7)[0] == selected
    assert _sampled(tmp_path / "c", 20, 0)[0] != selected


@pytest.mark.parametrize("percent", [0, 100])
def test_none_or_all_rows_can_be_selected(tmp_path: Path, percent: int) -> None:
    selected, others = _sampled(tmp_path / "a", percent, 1)
    assert (len(selected), len(others)) == (_COUNT * percent // 100, _COUNT - _COUNT * percent // 100)


@pytest.mark.parametrize(("wanted", "selected"), [(40, 40), (500, 300), (0, 0)])
def test_row_sampling_selects_exactly_that_many_rows(flow: FlowTest, wanted: int, selected: int) -> None:
    source = flow.source("In", _numbers(300), [integer("n")])
    sample = flow.flow.add_row_sampling("Sample", source.output, wanted, seed=3)
    for name in (SELECTED, UNSELECTED):
        flow.rows_of(name, sample.outputs[name])
    assert b'name="InputColumnLineageID"' in flow.package.to_bytes()
    rows = flow.run().rows
    assert len(rows[SELECTED]) == selected
    assert sorted(rows[SELECTED] + rows[UNSELECTED]) == [(number,) for number in range(300)]


def test_buffers_go_to_the_outputs_in_turn(flow: FlowTest) -> None:
    source = flow.source("In", _numbers(_COUNT), [integer("n")])
    distributor = flow.flow.add_balanced_data_distributor("Distribute", source.output, ["A", "B"])
    for name in ("A", "B"):
        flow.rows_of(name, distributor.outputs[name])
    rows = flow.run().rows
    assert sorted(rows["A"] + rows["B"]) == [(number,) for number in range(_COUNT)]
    assert rows["A"]
    assert rows["B"]
