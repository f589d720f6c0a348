"""Random data flows of components that see many rows give the rows of a model in plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.project.builder.components import Output
from airflow_provider_ssis.project.builder.flow_columns import SortKey
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from tests.support.flow_runs import FlowTest, integer, text

Row = dict[str, Any]

_ROWS = st.lists(
    st.builds(
        lambda a, b, c: {"a": a, "b": b, "c": c},
        st.none() | st.integers(-2, 3),
        st.sampled_from([None, "k", "l", "m"]),
        st.integers(0, 9),
    ),
    max_size=10,
)


def _order(value: Any) -> tuple[bool, Any]:
    """NULL is the lowest value."""
    return (value is not None, value)


class _Model:
    """Builds a data flow and computes its rows at the same time."""

    def __init__(self, folder: Path, rows: list[Row], draw: Callable[..., Any]) -> None:
        self.flow = FlowTest(folder)
        self._draw = draw
        self._number = 0
        content = "".join(
            ",".join("" if value is None else str(value) for value in row.values()) + "\n" for row in rows
        )
        source = self.flow.source("In", content, [integer("a"), text("b"), integer("c")])
        output: Output = source.output
        for step in draw(st.lists(st.sampled_from([self.sort, self.distinct, self.join, self.merge]), max_size=3)):
            output, rows = step(output, rows)
        if draw(st.booleans()):
            output, rows = self.aggregate(output, rows)
        self.flow.rows_of("Out", output)
        self.rows = rows

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind} {self._number}"

    def sort(self, output: Output, rows: list[Row]) -> tuple[Output, list[Row]]:
        keys = self._draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
        directions = {key: self._draw(st.booleans()) for key in keys}
        part = self.flow.flow.add_sort(
            self._name("Sort"), output, [SortKey(key, descending=directions[key]) for key in keys]
        )
        for key in reversed(keys):
            rows = sorted(rows, key=lambda row: _order(row[key]), reverse=directions[key])
        return part.output, rows

    def distinct(self, output: Output, rows: list[Row]) -> tuple[Output, list[Row]]:
        part = self.flow.flow.add_sort(self._name("Distinct"), output, list("abc"), remove_duplicates=True)
        return part.output, list({tuple(row.values()): row for row in rows}.values())

    def _both(self, output: Output) -> tuple[Output, Output]:
        both = self.flow.flow.add_multicast(self._name("Both"), output, ["A", "B"])
        first = self.flow.flow.add_sort(self._name("Sort"), both.outputs["A"], ["b", "a"])
        second = self.flow.flow.add_sort(self._name("Sort"), both.outputs["B"], ["b", "a"])
        return first.output, second.output

    def merge(self, output: Output, rows: list[Row]) -> tuple[Output, list[Row]]:
        first, second = self._both(output)
        return self.flow.flow.add_merge(self._name("Merge"), first, second).output, rows + rows

    def join(self, output: Output, rows: list[Row]) -> tuple[Output, list[Row]]:
        first, second = self._both(output)
        keys = self._draw(st.integers(1, 2))
        kind = self._draw(st.sampled_from(["inner", "left", "full"]))
        nulls = self._draw(st.booleans())
        part = self.flow.flow.add_merge_join(
            self._name("Join"),
            first,
            second,
            {"a": ("left", "a"), "b": ("left", "b"), "c": ("right", "c")},
            join=kind,
            key_columns=keys,
            nulls_are_equal=nulls,
        )
        names = "ba"[:keys]
        found: list[Row] = []
        matched: set[int] = set()
        for left in rows:
            partners = [
                index
                for index, right in enumerate(rows)
                if all(left[name] == right[name] and (nulls or left[name] is not None) for name in names)
            ]
            matched.update(partners)
            found += [{**left, "c": rows[index]["c"]} for index in partners]
            if not partners and kind != "inner":
                found.append({**left, "c": None})
        if kind == "full":
            found += [{"a": None, "b": None, "c": row["c"]} for index, row in enumerate(rows) if index not in matched]
        return part.output, found

    def aggregate(self, output: Output, rows: list[Row]) -> tuple[Output, list[Row]]:
        keys = self._draw(st.lists(st.sampled_from("ab"), unique=True))
        groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
        part = self.flow.flow.add_aggregate(
            self._name("Aggregate"),
            output,
            {
                **{key: Aggregation("group by", key) for key in keys},
                "rows": Aggregation("count all"),
                "values": Aggregation("count distinct", "c"),
                "total": Aggregation("sum", "c"),
            },
        )
        made = []
        for key, members in groups.items():
            values = [row["c"] for row in members if row["c"] is not None]
            whole = {"rows": len(members), "values": len(set(values)), "total": sum(values) if values else None}
            made.append({**dict(zip(keys, key, strict=True)), **whole})
        return part.output, made


@settings(max_examples=6, deadline=None)
@given(st.data(), _ROWS)
def test_random_sets_give_the_rows_of_the_model(data: st.DataObject, rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = _Model(Path(folder), rows, data.draw)
        result = model.flow.run()
        assert result.failure is None
        assert sorted(result.rows["Out"], key=repr) == sorted((tuple(row.values()) for row in model.rows), key=repr)
