"""Airflow's own operators and sensors for SQL work over a connection of type ``ssis``."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.sql.operators.sql import SQLCheckOperator, SQLExecuteQueryOperator
from airflow.providers.common.sql.sensors.sql import SqlSensor

from airflow_provider_ssis.catalog.client import Catalog
from tests.support.task_runs import TaskRun

CONNECTION = "ssis_default"


def test_a_query_operator_returns_rows(mart: Catalog) -> None:
    operator = SQLExecuteQueryOperator(
        task_id="ask",
        conn_id=CONNECTION,
        sql="SELECT p.name FROM catalog.projects p JOIN catalog.folders f ON f.folder_id = p.folder_id "
        "WHERE f.name = ?",
        parameters=["Sales"],
    )
    assert [tuple(row) for row in TaskRun(operator).execute()] == [("Mart",)]


def test_a_query_operator_runs_procedures(mart: Catalog) -> None:
    statements = ["EXEC catalog.create_folder N'North'", "SELECT name FROM catalog.folders ORDER BY name"]
    operator = SQLExecuteQueryOperator(task_id="ask", conn_id=CONNECTION, sql=statements, autocommit=True)
    *_, rows = TaskRun(operator).execute()
    assert [tuple(row) for row in rows] == [("North",), ("Sales",)]


def test_a_check_operator_and_a_sensor_read_one_value(mart: Catalog) -> None:
    sql = "SELECT COUNT(*) FROM catalog.projects"
    TaskRun(SQLCheckOperator(task_id="ask", conn_id=CONNECTION, sql=sql)).execute()
    context: Any = {}
    assert SqlSensor(task_id="ask", conn_id=CONNECTION, sql=sql).poke(context)
    assert not SqlSensor(task_id="ask", conn_id=CONNECTION, sql="SELECT COUNT(*) FROM catalog.executions").poke(context)
