"""Aggregate. Facts: data flow, sections 2.5 and 3.18."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import COLUMN_TYPES, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.aggregate import OVERFLOW, Aggregate, Operation
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from tests.support.flow_components import (
    I4,
    I8,
    R8,
    WSTR,
    AloneContext,
    batch_of,
    plan_of,
    rows_of,
    run_component,
    tuples,
)

_O = Operation
_NAMES = {code: name for name, code in COLUMN_TYPES.items()}
_R4 = ColumnType(DataTypeCode.DT_R4)
_UI4, _UI8 = ColumnType(DataTypeCode.DT_UI4), ColumnType(DataTypeCode.DT_UI8)
_DATE, _NTEXT = ColumnType(DataTypeCode.DT_DBDATE), ColumnType(DataTypeCode.DT_NTEXT)
_NUMERIC = ColumnType(DataTypeCode.DT_NUMERIC, precision=38, scale=2)
_ROWS = rows_of(g=WSTR, n=I4, d=_NUMERIC, f=R8, day=_DATE)

Result = tuple[Operation, str, ColumnType] | tuple[Operation, str, ColumnType, int]


def _plan(schema: RowSchema, *outputs: list[Result]) -> ComponentPlan:
    inputs = "".join(f'<inputColumn refId="I.{c.name}" lineageId="{c.lineage_id}"/>' for c in schema.columns)
    stored = ""
    for number, results in enumerate(outputs):
        columns = ""
        for index, (operation, source, type_, *flags) in enumerate(results):
            key = f"O{number}.{index}"
            columns += f"""<outputColumn refId="{key}" lineageId="{key}" name="c{index}" dataType="{_NAMES[type_.code]}"
                length="{type_.length}" precision="{type_.precision}" scale="{type_.scale}"><properties>
                <property name="AggregationColumnId" dataType="x">#{{{source}}}</property>
                <property name="AggregationType" dataType="x">{operation.value}</property>
                <property name="IsBig" dataType="x">0</property>
                <property name="AggregationComparisonFlags" dataType="x">{flags[0] if flags else 0}</property>
                </properties></outputColumn>"""
        stored += f"""<output refId="O{number}" name="Out {number}"><outputColumns>{columns}</outputColumns></output>"""
    xml = f"""<component refId="A" componentClassID="Microsoft.Aggregate" name="Aggregate"><inputs><input refId="I"
        name="In"><inputColumns>{inputs}</inputColumns></input></inputs><outputs>{stored}</outputs></component>"""
    return plan_of(xml, {"I": schema}, buffer_rows=2)


def _run(schema: RowSchema, rows: list[Any], *outputs: list[Result]) -> list[list[tuple[Any, ...]]]:
    batches = [batch_of(schema, *rows[start : start + 3]) for start in range(0, len(rows), 3)]
    found = run_component(Aggregate(_plan(schema, *outputs)), {"I": batches})
    return [sorted(tuples(table), key=repr) for table in found.values()]


_DATA = [
    ("a", 1, Decimal("1.10"), 0.5, date(2024, 1, 2)),
    (None, None, None, None, None),
    ("b", 2, Decimal("2.25"), 1.5, date(2023, 1, 1)),
    ("a", 4, Decimal("0.01"), None, date(2025, 1, 1)),
    (None, 7, None, 2.0, None),
    ("A", None, Decimal("9.99"), None, None),
]


def test_null_is_one_group_and_counts_leave_null_out() -> None:
    [found] = _run(
        _ROWS,
        _DATA,
        [
            (_O.GROUP_BY, "g", WSTR),
            (_O.COUNT_ALL, "", _UI4),
            (_O.COUNT, "n", _UI4),
            (_O.SUM, "n", I8),
            (_O.AVERAGE, "n", R8),
            (_O.MINIMUM, "day", _DATE),
            (_O.MAXIMUM, "d", _NUMERIC),
        ],
    )
    assert found == [
        ("A", 1, 0, None, None, None, Decimal("9.99")),
        ("a", 2, 2, 5, 2.5, date(2024, 1, 2), Decimal("1.10")),
        ("b", 1, 1, 2, 2.0, date(2023, 1, 1), Decimal("2.25")),
        (None, 2, 1, 7, 7.0, None, None),
    ]


def test_flags_group_text_and_count_it_without_letter_case() -> None:
    [found] = _run(_ROWS, _DATA, [(_O.GROUP_BY, "g", WSTR, 1), (_O.SUM, "d", _NUMERIC)])
    assert [(row[0] and row[0].lower(), row[1]) for row in found] in (
        [("a", Decimal("11.10")), ("b", Decimal("2.25")), (None, None)],
        [("b", Decimal("2.25")), ("a", Decimal("11.10")), (None, None)],
    )
    counts: list[Result] = [(_O.COUNT_DISTINCT, "g", _UI4), (_O.COUNT_DISTINCT, "g", _UI4, 1)]
    assert _run(_ROWS, _DATA, counts) == [[(3, 2)]]


def test_each_output_has_its_own_groups() -> None:
    found = _run(_ROWS, _DATA, [(_O.GROUP_BY, "n", I4)], [(_O.COUNT_ALL, "", _UI8)], [(_O.AVERAGE, "d", _NUMERIC)])
    assert found == [[(1,), (2,), (4,), (7,), (None,)], [(6,)], [(Decimal("3.34"),)]]


def test_without_groups_there_is_one_row_also_for_no_rows() -> None:
    results: list[Result] = [(_O.COUNT_ALL, "", _UI4), (_O.SUM, "n", I8), (_O.AVERAGE, "f", R8)]
    assert _run(_ROWS, [], results) == [[(0, None, None)]]
    assert _run(_ROWS, [], [(_O.GROUP_BY, "g", WSTR), *results]) == [[]]


@pytest.mark.parametrize(
    ("type_", "values", "result"),
    [
        (I4, [2**31 - 1, 1], (_O.SUM, "v", I4)),
        (I8, [2**63 - 1, 1], (_O.SUM, "v", I8)),
        (_NUMERIC, [Decimal(10) ** 35 * 9, Decimal(10) ** 35 * 9], (_O.SUM, "v", _NUMERIC)),
        (_NUMERIC, [Decimal(2) ** 70], (_O.SUM, "v", I8)),
        (R8, [1e308, 1e308], (_O.SUM, "v", R8)),
        (R8, [1e308, 1e308], (_O.AVERAGE, "v", R8)),
        (_R4, [3e38, 3e38], (_O.SUM, "v", _R4)),
    ],
)
def test_a_sum_that_does_not_fit_its_type_fails(type_: ColumnType, values: list[Any], result: Result) -> None:
    with pytest.raises(TaskFailure) as raised:
        _run(rows_of(v=type_), [(value,) for value in values], [result])
    assert raised.value.code == OVERFLOW


def test_large_sums_and_averages_are_exact() -> None:
    rows: list[Any] = [(2**62,), (2**62,), (2**62 + 1,)]
    numeric = ColumnType(DataTypeCode.DT_NUMERIC, precision=38)
    assert _run(rows_of(v=I8), rows, [(_O.SUM, "v", numeric)]) == [[(Decimal(3 * 2**62 + 1),)]]
    assert _run(rows_of(v=I8), rows, [(_O.AVERAGE, "v", I8)]) == [[(2**62,)]]
    rows = [(Decimal("99999999999999999999999999999999.99"),), (Decimal("0.02"),)]
    assert _run(rows_of(v=_NUMERIC), rows, [(_O.AVERAGE, "v", _NUMERIC)]) == [
        [(Decimal("50000000000000000000000000000000.00"),)]
    ]


@pytest.mark.parametrize(
    ("type_", "result", "code"),
    [
        (WSTR, (_O.SUM, "v", I8), 0xC0208203),
        (WSTR, (_O.MINIMUM, "v", WSTR), 0xC0208203),
        (_NTEXT, (_O.GROUP_BY, "v", _NTEXT), 0xC0208203),
        (I4, (_O.GROUP_BY, "v", I8), 0xC0208204),
        (I4, (_O.COUNT, "v", WSTR), 0xC0208202),
        (I4, (_O.SUM, "missing", I8), 0xC0208201),
        (WSTR, (_O.COUNT, "v", _UI4, 1), 0xC02090CA),
        (I4, (_O.GROUP_BY, "v", I4, 1), 0xC02090CB),
    ],
)
def test_wrong_types_and_flags_are_rejected(type_: ColumnType, result: Result, code: int) -> None:
    with pytest.raises(TaskFailure) as raised:
        Aggregate(_plan(rows_of(v=type_), [result])).validate(cast(Any, AloneContext()))
    assert raised.value.code == code


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.sampled_from(["a", "b", "B"]), st.none() | st.integers(0, 3), st.none() | st.integers()
        ),
        max_size=20,
    )
)
def test_groups_are_those_of_a_model(rows: list[Any]) -> None:
    schema = rows_of(g=WSTR, h=I4, v=I8)
    rows = [(g, h, None if v is None else v % 1000) for g, h, v in rows]
    groups: dict[Any, list[Any]] = {}
    for g, h, v in rows:
        groups.setdefault((g, h), []).append(v)
    expected = []
    for key, all_values in groups.items():
        values = [value for value in all_values if value is not None]
        whole = (len(all_values), len(values), len(set(values)), sum(values) if values else None)
        expected.append((*key, *whole, min(values, default=None), max(values, default=None)))
    shared: list[Result] = [(_O.GROUP_BY, "g", WSTR), (_O.GROUP_BY, "h", I4), (_O.COUNT_ALL, "", _UI4)]
    rest: list[Result] = [(_O.SUM, "v", I8), (_O.MINIMUM, "v", I8), (_O.MAXIMUM, "v", I8)]
    with_distinct: list[Result] = [*shared, (_O.COUNT, "v", _UI4), (_O.COUNT_DISTINCT, "v", _UI4), *rest]
    without: list[Result] = [*shared, (_O.COUNT, "v", _UI4), *rest]
    assert _run(schema, rows, with_distinct) == [sorted(expected, key=repr)]
    assert _run(schema, rows, without) == [sorted(((*r[:4], *r[5:]) for r in expected), key=repr)]


def test_what_cannot_be_grouped_here_is_refused() -> None:
    plan = _plan(rows_of(v=WSTR), [(_O.GROUP_BY, "v", WSTR, 0x10)])
    assert [one.why for one in Aggregate.refusals(plan)] == ["the comparison flags 0x10 are unknown"]
