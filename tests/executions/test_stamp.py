"""The stamp that names a task instance."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.datatypes import MAX_STRING, literal
from airflow_provider_ssis.executions.stamp import PREFIX, stamp_of

names = st.text(min_size=1, max_size=50)


def stamp(dag: str, run: str, task: str, map_index: int) -> str:
    task_instance = SimpleNamespace(dag_id=dag, run_id=run, task_id=task, map_index=map_index, try_number=3)
    return stamp_of(cast("Any", {"ti": task_instance}))


@given(names, names, names, st.integers(min_value=-1, max_value=1024))
def test_a_stamp_says_dag_run_task_and_map_index(dag: str, run: str, task: str, map_index: int) -> None:
    text = stamp(dag, run, task, map_index)
    assert text.startswith(PREFIX)
    assert json.loads(text.removeprefix(PREFIX)) == {"dag": dag, "run": run, "task": task, "map_index": map_index}


@given(st.tuples(names, names, names), st.tuples(names, names, names))
def test_different_task_instances_have_different_stamps(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (stamp(*one, map_index=0) == stamp(*other, map_index=0)) is (one == other)


def test_the_longest_names_fit_into_a_parameter_value() -> None:
    longest = "ü" * 250
    assert len(literal(stamp(longest, longest, longest, 1024), "String").text) < MAX_STRING
