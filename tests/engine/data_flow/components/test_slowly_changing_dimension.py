"""Slowly Changing Dimension. Facts: data flow, sections 1.7 and 3.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

import pyodbc
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.data_flow.components.slowly_changing_dimension import SlowlyChangingDimension
from airflow_provider_ssis.engine.errors import TaskFailure
from tests.support.catalog_sql import connect
from tests.support.flow_components import I4, WSTR, AloneContext, batch_of, plan_of, rows_of, run_component, tuples

_OUTPUTS = {"Unchanged": 1, "New": 1, "Fixed": 1, "Changing": 1, "Historical": 2, "Inferred": 1}
_ROWS = rows_of(id=I4, born=I4, phone=WSTR, city=WSTR)
_KINDS = {"id": 1, "phone": 2, "city": 3, "born": 4}
_TABLE = (
    "SELECT * FROM (VALUES (1, 1970, N'11', N'Rome', 1, 0), (1, 1970, N'00', N'Pisa', 0, 0), "
    "(2, 1980, N'22', N'Bonn', 1, 0), (3, NULL, NULL, NULL, 1, 1)) AS d(id, born, phone, city, is_current, is_inferred)"
)


@pytest.fixture(scope="module")
def database() -> Iterator[pyodbc.Connection]:
    with SsisdbEmulator() as server, connect(server) as connection:
        yield connection


def _xml(sql: str, kinds: dict[str, int], **properties: object) -> str:
    stored = {"SqlCommand": sql, "CurrentRowWhere": "is_current = 1", "IncomingRowChangeType": 1, **properties}
    listed = "".join(
        f'<property name="{name}" dataType="x">{escape(str(value))}</property>' for name, value in stored.items()
    )
    columns = "".join(
        f"""<inputColumn refId="I.{name}" lineageId="{name}"><properties>
        <property name="ColumnType" dataType="x">{kind}</property></properties></inputColumn>"""
        for name, kind in kinds.items()
    )
    outputs = "".join(
        f'<output refId="{name}" name="{name}" synchronousInputId="I" exclusionGroup="{group}"/>'
        for name, group in _OUTPUTS.items()
    )
    return f"""<component refId="D" componentClassID="Microsoft.SCD" name="Customers"><properties>{listed}</properties>
        <connections><connection refId="C" name="LookupConnection" connectionManagerID="db"/></connections>
        <inputs><input refId="I" name="In"><inputColumns>{columns}</inputColumns></input></inputs>
        <outputs>{outputs}</outputs></component>"""


def _run(
    database: pyodbc.Connection, *rows: tuple[Any, ...], sql: str = _TABLE, **properties: object
) -> dict[str, list[Any]]:
    part = SlowlyChangingDimension(plan_of(_xml(sql, _KINDS, **properties), {"I": _ROWS}))
    found = run_component(part, {"I": [batch_of(_ROWS, *rows)]}, AloneContext(database))
    return {name: tuples(table) for name, table in found.items() if table.num_rows}


@pytest.mark.parametrize(
    ("row", "outputs"),
    [
        ((1, 1970, "11", "Rome"), ["Unchanged"]),
        ((9, 1970, "11", "Rome"), ["New"]),
        ((1, 1971, "11", "Rome"), ["Fixed"]),
        ((1, None, "11", "Rome"), ["Fixed"]),
        ((1, 1970, "12", "Rome"), ["Changing"]),
        ((1, 1970, "11", "rome"), ["Historical"]),
        ((1, 1970, "12", "Pisa"), ["Changing", "Historical"]),
        ((1, 1971, "12", "Pisa"), ["Fixed", "Historical"]),
    ],
)
def test_the_kind_of_a_change_decides_about_the_output(
    database: pyodbc.Connection, row: tuple[Any, ...], outputs: list[str]
) -> None:
    assert _run(database, row) == {name: [row] for name in outputs}


def test_times_with_offsets_are_compared_with_their_offsets(database: pyodbc.Connection) -> None:
    rows = rows_of(id=I4, at=ColumnType(DataTypeCode.DT_DBTIMESTAMPOFFSET, scale=7))
    sql = "SELECT * FROM (VALUES (1, CAST('2024-01-01 01:00 +01:00' AS datetimeoffset)), (2, NULL)) AS d(id, at)"
    part = SlowlyChangingDimension(plan_of(_xml(sql, {"id": 1, "at": 2}, CurrentRowWhere=""), {"I": rows}))
    ticks = 638_396_640_000_000_000
    here, there = ({"ticks": ticks, "minutes": minutes} for minutes in (60, 0))
    found = run_component(part, {"I": [batch_of(rows, (1, here), (1, there), (2, None))]}, AloneContext(database))
    assert tuples(found["Unchanged"]) == [(1, here), (2, None)]
    assert tuples(found["Changing"]) == [(1, there)]


def test_inferred_members_have_an_output(database: pyodbc.Connection) -> None:
    row = (3, 1990, "33", "Oslo")
    assert list(_run(database, row, InferredMemberIndicator="[is_inferred]")) == ["Inferred"]
    assert list(_run(database, row, InferredMemberIndicator="is_inferred", EnableInferredMember="false")) == [
        "Fixed",
        "Historical",
    ]


def test_changes_of_historical_attributes_can_update_the_history_too(database: pyodbc.Connection) -> None:
    row = (1, 1970, "11", "Pisa")
    assert list(_run(database, row, UpdateChangingAttributeHistory="true")) == ["Changing", "Historical"]


def test_all_rows_can_be_new(database: pyodbc.Connection) -> None:
    rows = [(1, 1970, "11", "Rome"), (None, None, None, None)]
    assert _run(database, *rows, IncomingRowChangeType=0) == {"New": rows}


def test_a_query_with_conditions_gets_one_more(database: pyodbc.Connection) -> None:
    sql = f"{_TABLE} WHERE id <> 1"
    assert list(_run(database, (1, 1970, "11", "Rome"), sql=sql)) == ["New"]


@pytest.mark.parametrize(
    ("row", "properties", "code"),
    [
        ((None, 1970, "11", "Rome"), {}, 0xC020803D),
        ((9, 1970, "11", "Rome"), {"FailOnLookupFailure": "true"}, 0xC020803D),
        ((1, 1971, "11", "Rome"), {"FailOnFixedAttributeChange": "true"}, 0xC020803C),
    ],
)
def test_rows_that_fail_name_their_number(
    database: pyodbc.Connection, row: tuple[Any, ...], properties: dict[str, Any], code: int
) -> None:
    with pytest.raises(TaskFailure, match="row 2") as raised:
        _run(database, (1, 1970, "11", "Rome"), row, **properties)
    assert raised.value.code == code


def test_a_key_is_needed() -> None:
    part = SlowlyChangingDimension(plan_of(_xml(_TABLE, {"city": 3}), {"I": _ROWS}))
    with pytest.raises(TaskFailure) as raised:
        part.validate(AloneContext())  # type: ignore[arg-type]
    assert raised.value.code == 0xC020802B


def test_a_query_to_which_no_condition_can_be_added_is_refused() -> None:
    plan = plan_of(_xml("SELECT id, max(city) FROM d GROUP BY id", _KINDS, IncomingRowChangeType=7), {"I": _ROWS})
    assert [one.what for one in SlowlyChangingDimension.refusals(plan)] == [
        "the property IncomingRowChangeType",
        "the property SqlCommand",
    ]
