"""Merge Join and Merge, against models in plain Python. Facts: data flow, sections 1.9, 3.14 and 3.15."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import COLUMN_TYPES, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.merge import Merge
from airflow_provider_ssis.engine.data_flow.components.merge_join import MergeJoin
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.data_flow.sorting import merging
from airflow_provider_ssis.engine.errors import TaskFailure
from tests.support.flow_components import I4, I8, WSTR, AloneContext, batch_of, plan_of, rows_of, run_component, tuples

_FULL, _LEFT, _INNER = 0, 1, 2
_NAMES = {code: name for name, code in COLUMN_TYPES.items()}


def _sorted_rows(flags: int = 0, descending: bool = False, **types: ColumnType) -> RowSchema:
    """A schema that is sorted by all columns but the last."""
    columns = rows_of(**types).columns
    sign = -1 if descending else 1
    keys = [replace(each, sort_key_position=sign * (1 + i)) for i, each in enumerate(columns[:-1])]
    return RowSchema((*(replace(key, comparison_flags=flags if key.type.length else 0) for key in keys), columns[-1]))


def _columns(schemas: dict[str, RowSchema], reference: str) -> tuple[str, str]:
    inputs, outputs = "", ""
    for key, schema in schemas.items():
        listed = ""
        for column in schema.columns:
            lineage_id = column.lineage_id
            target = f"O.{lineage_id[1:]}" if reference == "OutputColumnLineageID" else ""
            mapped = f'<property name="{reference}" dataType="x">#{{{target}}}</property>' if target else ""
            listed += f"""<inputColumn refId="{key}.{lineage_id}" lineageId="{lineage_id}">
                <properties>{mapped}</properties></inputColumn>"""
            if target and key != "L":
                continue
            name = lineage_id[1:] if target else lineage_id
            outputs += f"""<outputColumn refId="O.{name}" lineageId="O.{name}" name="{name}"
                dataType="{_NAMES[column.type.code]}" length="{column.type.length}"><properties>
                <property name="InputColumnID" dataType="x">#{{{key}.{lineage_id}}}</property></properties>
                </outputColumn>"""
        inputs += f'<input refId="{key}" name="{key}"><inputColumns>{listed}</inputColumns></input>'
    return inputs, outputs


def _plan(
    name: str, left: RowSchema, right: RowSchema, *, buffer_rows: int = 3, reference: str = "", **properties: object
) -> ComponentPlan:
    schemas = {"L": left, "R": right}
    inputs, outputs = _columns(schemas, reference)
    stored = "".join(f'<property name="{each}" dataType="x">{value}</property>' for each, value in properties.items())
    xml = f"""<component refId="C" componentClassID="Microsoft.{name}" name="Join"><properties>{stored}</properties>
        <inputs>{inputs}</inputs><outputs><output refId="O" name="Out"><outputColumns>{outputs}</outputColumns></output>
        </outputs></component>"""
    return plan_of(xml, schemas, buffer_rows=buffer_rows)


def _join(left: list[Any], right: list[Any], join: int, **settings: Any) -> list[tuple[Any, ...]]:
    schemas = settings.pop("schemas", None) or (_sorted_rows(lk=I4, lv=I8), _sorted_rows(rk=I4, rv=I8))
    plan = _plan("MergeJoin", *schemas, JoinType=join, **{"NumKeyColumns": 1, **settings})
    part = MergeJoin(plan)
    return tuples(run_component(part, {"L": _batches(schemas[0], left), "R": _batches(schemas[1], right)})["O"])


def _batches(schema: RowSchema, rows: list[Any]) -> list[pa.RecordBatch]:
    return [batch_of(schema, *rows[start : start + 2]) for start in range(0, len(rows), 2)]


def _model(left: list[Any], right: list[Any], join: int, nulls_equal: bool) -> Iterator[tuple[Any, ...]]:
    """The walk over two streams of runs that the module describes, one run at a time."""
    runs = [[(key, list(rows)) for key, rows in groupby(side, lambda row: row[0])] for side in (left, right)]
    i = j = 0

    def order(key: int | None) -> int:
        return -(2**40) if key is None else key

    while i < len(runs[0]) or j < len(runs[1]):
        (left_key, left_rows) = runs[0][i] if i < len(runs[0]) else (None, [])
        (right_key, right_rows) = runs[1][j] if j < len(runs[1]) else (None, [])
        if not left_rows or (right_rows and order(left_key) > order(right_key)):
            j, left_rows = j + 1, []
        elif not right_rows or order(left_key) < order(right_key):
            i, right_rows = i + 1, []
        else:
            i, j = i + 1, j + 1
        if left_rows and right_rows and (nulls_equal or left_key is not None):
            yield from ((*mine, *theirs) for mine in left_rows for theirs in right_rows)
            continue
        yield from ((*mine, None, None) for mine in left_rows if join != _INNER)
        yield from ((None, None, *theirs) for theirs in right_rows if join == _FULL)


_KEYS = st.lists(st.none() | st.integers(0, 6), max_size=14)


@settings(max_examples=40, deadline=None)
@given(_KEYS, _KEYS, st.sampled_from([_FULL, _LEFT, _INNER]), st.booleans(), st.booleans(), st.integers(1, 4))
def test_joins_give_the_rows_of_the_model_also_of_unsorted_inputs(
    left: list[int | None], right: list[int | None], join: int, nulls_equal: bool, is_sorted: bool, window: int
) -> None:
    if is_sorted:
        left, right = (sorted(side, key=lambda key: -1 if key is None else key) for side in (left, right))
    sides = [[(key, number) for number, key in enumerate(side)] for side in (left, right)]
    expected = list(_model(sides[0], sides[1], join, nulls_equal))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "_WINDOW", window)
        found = _join(sides[0], sides[1], join, TreatNullsAsEqual=str(nulls_equal).lower())
    assert found == expected


def test_duplicates_give_the_product() -> None:
    assert _join([(1, 1), (1, 2)], [(1, 7), (1, 8)], _INNER) == [
        (1, 1, 1, 7),
        (1, 1, 1, 8),
        (1, 2, 1, 7),
        (1, 2, 1, 8),
    ]


def test_text_is_compared_linguistically_and_with_the_flags() -> None:
    plain = (_sorted_rows(lk=WSTR, lv=I8), _sorted_rows(rk=WSTR, rv=I8))
    folded = (_sorted_rows(1, lk=WSTR, lv=I8), _sorted_rows(1, rk=WSTR, rv=I8))
    left, right = [("alberto", 1), ("ALBERTO", 2)], [("ALBERTO", 3)]
    assert _join(left, right, _INNER, schemas=plain) == [("ALBERTO", 2, "ALBERTO", 3)]
    assert [row[1] for row in _join(left, right, _INNER, schemas=folded)] == [1, 2]
    # Upper case before lower case is the order of a SQL_ collation: a match is lost.
    lost = _join(left[::-1], [("alberto", 4), ("ALBERTO", 3)], _INNER, schemas=plain)
    assert lost == [("ALBERTO", 2, "ALBERTO", 3)]


def test_descending_and_several_keys() -> None:
    schemas = (
        _sorted_rows(0, True, la=WSTR, lb=I4, lv=I8),
        _sorted_rows(0, True, ra=WSTR, rb=I4, rv=I8),
    )
    left, right = [("b", 1, 1), ("a", 2, 2), ("a", 1, 3), (None, 1, 4)], [("a", 2, 5), ("a", 1, 6), (None, 1, 7)]
    found = _join(left, right, _INNER, schemas=schemas, NumKeyColumns=2)
    assert [(row[2], row[5]) for row in found] == [(2, 5), (3, 6), (4, 7)]


_UNSORTED = rows_of(rk=I4, rv=I8)


@pytest.mark.parametrize(
    ("right", "keys", "code"),
    [
        (_UNSORTED, 1, 0xC02020AF),
        (_sorted_rows(rk=I8, rv=I8), 1, 0xC02020B4),
        (_sorted_rows(0, True, rk=I4, rv=I8), 1, 0xC02020B6),
        (_sorted_rows(rk=I4, rv=I8), 2, 0xC02020B3),
        (_sorted_rows(rk=I4, rv=I8), 0, 0xC02020B1),
    ],
)
def test_inputs_with_different_sort_keys_are_rejected(right: RowSchema, keys: int, code: int) -> None:
    plan = _plan("MergeJoin", _sorted_rows(lk=I4, lv=I8), right, NumKeyColumns=keys)
    with pytest.raises(TaskFailure) as raised:
        MergeJoin(plan).validate(cast(Any, AloneContext()))
    assert raised.value.code == code


def test_different_comparison_flags_are_rejected() -> None:
    plan = _plan("MergeJoin", _sorted_rows(lk=WSTR, lv=I8), _sorted_rows(1, rk=WSTR, rv=I8))
    with pytest.raises(TaskFailure, match="different comparison flags") as raised:
        MergeJoin(plan).validate(cast(Any, AloneContext()))
    assert raised.value.code == 0xC02020BA


def test_an_input_without_a_path_and_an_unknown_type_are_refused() -> None:
    plan = _plan("MergeJoin", _sorted_rows(lk=I4, lv=I8), _sorted_rows(rk=I4, rv=I8), JoinType=7)
    plan = replace(plan, inputs={"L": plan.inputs["L"]})
    assert [one.what for one in MergeJoin.refusals(plan)] == ["the input R", "the property JoinType"]


def _merge(left: list[Any], right: list[Any], *, is_text: bool = False) -> list[tuple[Any, ...]]:
    type_ = WSTR if is_text else I4
    schemas = (_sorted_rows(lk=type_, lv=I8), _sorted_rows(rk=type_, rv=I8))
    plan = _plan("Merge", *schemas, reference="OutputColumnLineageID")
    inputs = {"L": _batches(schemas[0], left), "R": _batches(schemas[1], right)}
    return tuples(run_component(Merge(plan), inputs)["O"])


@settings(max_examples=25, deadline=None)
@given(_KEYS, _KEYS, st.integers(1, 4))
def test_a_merge_of_sorted_inputs_is_sorted_with_the_first_input_first(
    left: list[int | None], right: list[int | None], window: int
) -> None:
    def order(row: tuple[int | None, int]) -> int:
        return -1 if row[0] is None else row[0]

    one = sorted(((key, number) for number, key in enumerate(left)), key=order)
    other = sorted(((key, -1 - number) for number, key in enumerate(right)), key=order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "_WINDOW", window)
        assert _merge(one, other) == sorted([*one, *other], key=order)


def test_a_merge_compares_text_linguistically() -> None:
    found = _merge([("a", 1), ("B", 2)], [("A", 3), ("b", 4)], is_text=True)
    assert found == [("a", 1), ("A", 3), ("b", 4), ("B", 2)]


def test_a_longer_text_of_the_second_input_is_rejected() -> None:
    longer = ColumnType(DataTypeCode.DT_WSTR, 51)
    plan = _plan(
        "Merge", _sorted_rows(lk=WSTR, lv=I8), _sorted_rows(rk=longer, rv=I8), reference="OutputColumnLineageID"
    )
    with pytest.raises(TaskFailure, match="which it does not fit") as raised:
        Merge(plan).validate(cast(Any, AloneContext()))
    assert raised.value.code == 0xC02090A9
