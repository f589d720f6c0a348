"""Recordset destinations: facts in data_flow.md, 3.17."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.components.recordset_destination import RecordsetDestination
from airflow_provider_ssis.engine.recordset import RecordSet
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, write_all
from tests.support.engine import failure_of

_T = DataTypeCode


def test_the_chosen_columns_arrive_in_the_variable() -> None:
    columns = (
        TestColumn("id", ColumnType(_T.DT_I4)),
        TestColumn("at", ColumnType(_T.DT_DBTIMESTAMP)),
        TestColumn("guid", ColumnType(_T.DT_GUID)),
        TestColumn("price", ColumnType(_T.DT_NUMERIC, precision=9, scale=2)),
    )
    other = TestColumn("other", ColumnType(_T.DT_I4))
    plan = destination("RecordsetDestination", columns, {"VariableName": "User::Rows"}, unmapped=[other])
    part, context, guid = RecordsetDestination(plan), flow_context(Rows=None), uuid.uuid4()
    at = dt.datetime(2024, 2, 3, 4, 5, 6, 789000)
    price = Decimal("1.50")
    row: dict[str, Any] = {"id": 1, "at": at, "guid": guid, "price": price, "other": 5}
    given = {name: [value, None] for name, value in row.items()}
    batch = batch_of(plan.inputs["I"], **given)
    write_all(part, context, batch, batch)
    found = context.read("Rows")
    assert isinstance(found, RecordSet)
    assert [column.name for column in found.columns] == ["id", "at", "guid", "price"]
    assert list(found) == [(1, at, guid, Decimal("1.50")), (None, None, None, None)] * 2
    assert part.counts.rows == 4


def test_no_rows_are_an_empty_record_set() -> None:
    plan = destination("RecordsetDestination", [TestColumn("id", ColumnType(_T.DT_I4))], {"VariableName": "Rows"})
    context = flow_context(Rows=None)
    write_all(RecordsetDestination(plan), context)
    assert len(context.read("Rows")) == 0


@pytest.mark.parametrize(("name", "code"), [("", 0xC020207B), ("User::Number", 0xC020929C)])
def test_the_variable_must_be_an_object(name: str, code: int) -> None:
    plan = destination("RecordsetDestination", (), {"VariableName": name})
    assert failure_of(lambda: RecordsetDestination(plan).validate(flow_context(Number=1))).code == code
