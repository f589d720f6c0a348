"""The index of reference rows against a dictionary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.indexes import row_index, row_tables
from airflow_provider_ssis.engine.data_flow.indexes.index_memory import IndexMemory
from airflow_provider_ssis.engine.data_flow.indexes.row_index import RowIndex
from airflow_provider_ssis.engine.errors import Cancelled

_VALUES = {
    pa.int8(): st.integers(-3, 3),
    pa.uint64(): st.integers(2**64 - 4, 2**64 - 1),
    pa.int64(): st.sampled_from([-(2**63), -(2**63) + 1, 2**63 - 1, 0, 2**32, 2**33]),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(alphabet="aA ä\U0001f600", max_size=18),
    pa.binary(): st.binary(max_size=9) | st.sampled_from([b"\xff" * 7, b"\xff" * 8, b"\0" * 8, b"\0" * 9]),
    pa.large_string(): st.sampled_from(["", "\0", "common prefix", "common prefix ", "common prefix \0", "p" * 70]),
    pa.binary(16): st.sampled_from([b"a" * 16, b"b" * 16, b"a" * 15 + b"b"]),
    pa.decimal128(38, 2): st.sampled_from([Decimal("1.00"), Decimal("-1.00"), Decimal(2**70)]),
    pa.timestamp("ms"): st.sampled_from([0, -1, 10**12]),
    pa.struct([("ticks", pa.int64()), ("minutes", pa.int16())]): st.builds(
        lambda ticks, minutes: {"ticks": ticks, "minutes": minutes}, st.integers(0, 2), st.integers(0, 1)
    ),
}


def _keys(types: list[pa.DataType]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(*(st.none() | _VALUES[type_] for type_ in types)), max_size=30)


def _columns(keys: list[tuple[Any, ...]], types: list[pa.DataType]) -> list[pa.Array]:
    return [pa.array([key[index] for key in keys], type_) for index, type_ in enumerate(types)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_index_finds_the_first_row_with_a_key_as_a_dictionary_does(data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from(list(_VALUES)), min_size=1, max_size=3))
    stored, wanted = data.draw(_keys(types)), data.draw(_keys(types))
    first: dict[str, int] = {}
    for row, key in enumerate(stored):
        first.setdefault(repr(key), row)
    memory = IndexMemory(RunOptions(memory_limit=data.draw(st.sampled_from([0, 100, 10**6]))))
    with patch.object(row_tables, "_ROWS", data.draw(st.sampled_from([4, 100]))):
        index = RowIndex([pa.chunked_array([column[:7], column[7:]]) for column in _columns(stored, types)], memory)
    columns = [column[1:] for column in _columns([(None,) * len(types), *wanted, *stored], types)]
    assert index.find(columns).tolist() == [first.get(repr(key), -1) for key in [*wanted, *stored]]
    assert index.duplicates == len(stored) - len(first)
    memory.close()


def test_keys_with_the_same_number_are_compared_by_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_index, "hashes", lambda columns: np.zeros(len(columns[0]), np.uint64))
    monkeypatch.setattr(row_index, "_MOST_WORDS", 0)
    monkeypatch.setattr(row_tables, "_ROWS", 2)
    keys = pa.array(["first long key", "second long key", "first long key", "second long key", "third long key"])
    index = RowIndex([keys])
    wanted = pa.array(["third long key", "second long key", "fourth long key", "first long key"])
    assert index.find([wanted]).tolist() == [4, 1, -1, 0]
    assert index.duplicates == 2


@pytest.mark.parametrize("form", ["{}", "{:09d}", "customer {:09d}", "{:060d}"])
def test_many_keys_are_found_and_others_are_not(form: str) -> None:
    numbers = np.random.default_rng(3).permutation(40_000)
    stored = [form.format(number) for number in numbers[:20_000]]
    first = {key: row for row, key in enumerate(stored)}
    index = RowIndex([pa.array(stored)])
    wanted = [form.format(number) for number in range(40_000)]
    assert index.find([pa.array(wanted)]).tolist() == [first.get(key, -1) for key in wanted]
    assert index.duplicates == 0


@pytest.mark.parametrize("factor", [1, 2**40 + 1], ids=["dense", "sparse"])
def test_many_numbers_are_found_and_others_are_not(factor: int) -> None:
    numbers = np.random.default_rng(3).permutation(40_000)[:20_000] * factor - 10_000
    index = RowIndex([pa.array(numbers)])
    first = {int(number): row for row, number in enumerate(numbers)}
    wanted = [*range(-20_000, 40_000), *first, *(number + 1 for number in first), -(2**63), 2**63 - 1]
    assert index.find([pa.array(wanted)]).tolist() == [first.get(number, -1) for number in wanted]


@pytest.mark.parametrize("factor", [1, 2**40 + 1], ids=["dense", "sparse"])
@pytest.mark.parametrize("calls", [0, 4, 8])
def test_building_an_index_ends_when_a_check_fails(factor: int, calls: int) -> None:
    left = calls

    def check() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        RowIndex([pa.array(np.arange(400_000) * factor)], check=check)
    assert left == -1
