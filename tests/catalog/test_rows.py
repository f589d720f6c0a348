"""Rows of the catalog as objects."""

from __future__ import annotations

from dataclasses import fields

import pytest

from airflow_provider_ssis.catalog.codes import ObjectType, OperationStatus, OperationType
from airflow_provider_ssis.catalog.models import Operation
from airflow_provider_ssis.catalog.sql.rows import ResultSet, decode


def operation(**values: object) -> Operation:
    known = {"operation_id": 7, "operation_type": 200, "object_type": 20, "status": 7, "caller_name": "sa"}
    row: dict[str, object] = {each.name: None for each in fields(Operation)} | known | values
    (found,) = decode(Operation, ResultSet(tuple(row), (tuple(row.values()),)))
    return found


def test_codes_are_members_of_their_tables() -> None:
    found = operation()
    assert found.operation_type is OperationType.EXECUTION
    assert found.object_type is ObjectType.PROJECT
    assert found.status is OperationStatus.SUCCEEDED


def test_a_type_that_a_later_catalog_has_brought_hides_no_row() -> None:
    assert operation(operation_type=4711).operation_type is OperationType.UNKNOWN
    assert operation(object_type=4711).object_type is None


def test_an_unknown_status_is_an_error() -> None:
    with pytest.raises(ValueError, match="4711"):
        operation(status=4711)
