"""The stamp that names a task instance."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.parameter_types import MAX_STRING, literal
from airflow_provider_ssis.executions.submit import STAMP_PREFIX as PREFIX
from airflow_provider_ssis.executions.submit import TaskStamp

names = st.text(min_size=1, max_size=50)


def stamp(dag: str, run: str, task: str, map_index: int, since_try: int = 1) -> TaskStamp:
    return TaskStamp(dag, run, task, map_index, since_try)


def of(max_tries: int | None, try_number: int, retries: int, *, durable: bool = True) -> TaskStamp:
    values: dict[str, Any] = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": try_number}
    if max_tries is not None:
        values["max_tries"] = max_tries
    context = {"ti": SimpleNamespace(**values)}
    return TaskStamp.of(cast("Any", context), retries=retries, durable=durable)


@given(names, names, names, st.integers(min_value=-1, max_value=1024))
def test_a_stamp_says_dag_run_task_map_index_first_try_and_try(dag: str, run: str, task: str, map_index: int) -> None:
    text = stamp(dag, run, task, map_index, 3).text
    assert text.startswith(PREFIX)
    assert json.loads(text.removeprefix(PREFIX)) == {
        "dag": dag,
        "run": run,
        "task": task,
        "map_index": map_index,
        "since_try": 3,
        "try": 1,
    }


@given(st.tuples(names, names, names), st.tuples(names, names, names), st.integers(-1, 30), st.integers(-1, 30))
def test_a_stamp_begins_with_its_own_family_and_no_other(
    one: tuple[str, str, str], other: tuple[str, str, str], index: int, other_index: int
) -> None:
    same = (one, index) == (other, other_index)
    assert stamp(*one, index).text.startswith(stamp(*other, other_index, 7).family) is same
    assert (stamp(*one, index).lock == stamp(*other, other_index, 7).lock) is same


def test_a_try_and_its_retries_have_one_key_and_each_its_number() -> None:
    tries = [of(max_tries=2, try_number=each, retries=2) for each in (1, 2, 3)]
    assert {each.key for each in tries} == {of(2, 1, 2).key}
    assert [each.text.removeprefix(each.key) for each in tries] == ["1}", "2}", "3}"]


@pytest.mark.parametrize(("cleared_at", "retries"), [(1, 0), (1, 2), (3, 2), (7, 1)])
def test_a_cleared_task_has_another_stamp(cleared_at: int, retries: int) -> None:
    """Airflow raises the highest try number by the tries that were made until then."""
    before = of(max_tries=retries, try_number=cleared_at, retries=retries)
    after = of(max_tries=cleared_at + retries, try_number=cleared_at + 1, retries=retries)
    assert before != after
    assert before.family == after.family
    assert after.since_try == cleared_at + 1


def test_without_durability_each_try_has_its_own_stamp() -> None:
    assert len({of(max_tries=2, try_number=each, retries=2, durable=False) for each in (1, 2, 3)}) == 3


def test_without_the_highest_try_from_airflow_all_tries_have_one_stamp() -> None:
    assert of(max_tries=None, try_number=4, retries=0).since_try == 1


def test_the_longest_names_fit_into_a_parameter_value_and_a_lock_name() -> None:
    longest = stamp("ü" * 250, "ü" * 250, "ü" * 250, 1024)
    assert len(literal(longest.text, "String").text) < MAX_STRING
    assert len(longest.lock) <= 255
