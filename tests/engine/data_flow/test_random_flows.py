"""Random data flows give the rows of the slow model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.builder.components import Component, Output
from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.flow_model import (
    CONDITIONS,
    CONVERSIONS,
    EXPRESSIONS,
    FAIL,
    IGNORE,
    REDIRECT,
    TEXTS,
    Computed,
    Failed,
    Row,
    add_columns,
    split,
)
from tests.support.flow_runs import FlowTest

_COLUMNS = [
    FlatFileColumn("a", "DT_I4"),
    FlatFileColumn("b", "DT_WSTR", 6),
    FlatFileColumn("c", "DT_NUMERIC", precision=8, scale=2),
]
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.one_of(st.none(), st.integers(-3, 12), st.sampled_from([2**31 - 1, -(2**31)])),
            "b": st.one_of(st.none(), st.sampled_from(sorted(TEXTS))),
            "c": st.one_of(st.none(), st.decimals(-999, 999, places=2)),
        }
    ),
    max_size=12,
)
_DISPOSITIONS = st.tuples(*[st.sampled_from([REDIRECT, IGNORE, REDIRECT, IGNORE, FAIL])] * 2)


class _Model:
    """Builds a data flow and computes its rows at the same time."""

    def __init__(self, folder: Path, rows: list[Row], draw: Callable[..., Any]) -> None:
        self.flow = FlowTest(folder)
        self.expected: dict[str, list[Row]] = {}
        self.failure: int | None = None
        self._draw = draw
        self._number = 0
        content = "".join(
            "|".join("" if row[name] is None else str(row[name]) for name in "abc") + "\n" for row in rows
        )
        source = self.flow.source("In", content, _COLUMNS, column_delimiter="|")
        self.steps(source.output, rows, 3)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind} {self._number}"

    def end(self, output: Output, rows: list[Row]) -> None:
        name = self._name("Out")
        self.flow.rows_of(name, output)
        self.expected[name] = rows

    def steps(self, output: Output, rows: list[Row], depth: int) -> None:
        if depth:
            self._draw(st.sampled_from([self.columns, self.columns, self.branches, self.both]))(output, rows, depth)
        else:
            self.end(output, rows)

    def _failed(self, error: Failed) -> list[Row]:
        """Keep the first failure: no component behind it gets a row, so its rows do not matter."""
        if self.failure is None:
            self.failure = error.code
        return []

    def columns(self, output: Output, rows: list[Row], depth: int) -> None:
        is_conversion = self._draw(st.booleans())
        pool = CONVERSIONS if is_conversion else EXPRESSIONS
        picked = self._draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique_by=id))
        computed: dict[str, Computed] = {f"x{self._number}_{index}": each for index, each in enumerate(picked)}
        error, truncation = self._draw(_DISPOSITIONS)
        built = {
            Column(name, each.data_type, each.length, each.precision, each.scale): each.text
            for name, each in computed.items()
        }
        flow = self.flow.flow
        add = flow.add_data_conversion if is_conversion else flow.add_derived_column
        made = add(self._name("Columns"), output, built)
        made.set_dispositions(error, truncation)
        good, bad = rows, list[Row]()
        try:
            good, bad = add_columns(rows, computed, error, truncation)
        except Failed as failed:
            good = self._failed(failed)
        self.error_rows(made, bad)
        self.steps(made.output, good, depth - 1)

    def error_rows(self, made: Component, bad: list[Row]) -> None:
        if self._draw(st.booleans()):
            self.end(made.error_output, bad)

    def branches(self, output: Output, rows: list[Row], depth: int) -> None:
        conditions = self._draw(st.lists(st.sampled_from(sorted(CONDITIONS)), min_size=1, max_size=2, unique=True))
        error, _ = self._draw(_DISPOSITIONS)
        named = {f"Case {index}": text for index, text in enumerate(conditions)}
        made = self.flow.flow.add_conditional_split(self._name("Split"), output, named)
        made.set_dispositions(error)
        outputs: list[list[Row]] = [[] for _ in range(len(conditions) + 1)]
        bad: list[Row] = []
        try:
            outputs, bad = split(rows, conditions, error)
        except Failed as failed:
            self._failed(failed)
        self.error_rows(made, bad)
        for name, chosen in zip(named, outputs, strict=False):
            self.end(made.outputs[name], chosen)
        self.steps(made.output, outputs[-1], depth - 1)

    def both(self, output: Output, rows: list[Row], depth: int) -> None:
        made = self.flow.flow.add_multicast(self._name("Both"), output, ["A", "B"])
        united = self.flow.flow.add_union_all(self._name("Union"), [made.outputs["A"], made.outputs["B"]])
        self.steps(united.output, [*rows, *rows], depth - 1)


def _shown(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """The rows in an order of ours: that of Union All is not promised."""
    return sorted(tuple(_plain(value) for value in row) for row in rows)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return repr(value)


@settings(max_examples=40, deadline=None)
@given(rows=_ROWS, data=st.data())
def test_random_flows_give_the_rows_of_the_model(rows: list[Row], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = _Model(Path(folder), rows, data.draw)
        buffer = data.draw(st.sampled_from([1, 2, 10_000]))
        model.flow.change = lambda xml: xml.replace("<pipeline ", f'<pipeline defaultBufferMaxRows="{buffer}" ')
        result = model.flow.run()
    codes = [said.code for said in result.errors]
    if model.failure is not None:
        assert result.failure is not None
        assert codes[0] in (0xC0209029, 0xC020902A)
        return
    assert result.failure is None, result.errors
    for name, expected in model.expected.items():
        names = [column for column in result.sinks[name].names if column != "ErrorColumn"]
        index = [result.sinks[name].names.index(column) for column in names]
        found = [tuple(row[each] for each in index) for row in result.rows[name]]
        assert _shown(found) == _shown([tuple(row[column] for column in names) for row in expected]), name
