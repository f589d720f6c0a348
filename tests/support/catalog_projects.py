"""The project that the tests of the client deploy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from airflow_provider_ssis.catalog.requests import ParameterValue
from tests.support.ssis_projects import (
    connection,
    data_flow,
    make_ispac,
    on_success,
    package,
    parameter,
    sequence,
    task,
)

FOLDER = "Sales"
PROJECT = "ETL"
PACKAGE = "Load.dtsx"

TYPES: dict[str, ParameterValue] = {
    "Boolean": True,
    "Byte": 200,
    "DateTime": datetime(2024, 2, 29, 13, 45, 30),
    "Decimal": Decimal("12.50"),
    "Double": 1.5,
    "Int16": -16,
    "Int32": 32,
    "Int64": 2**40,
    "SByte": -8,
    "Single": 0.25,
    "String": "häß ' ] ; ☃",
    "UInt32": 32,
    "UInt64": 64,
}
"""A value of each type that a parameter can have."""


def etl(name: str = PROJECT) -> bytes:
    """A project with a parameter of each type, a required one, a sensitive one and a connection manager."""
    load = package(
        PACKAGE,
        task("Truncate"),
        sequence("Copy", data_flow("Orders"), task("Index")),
        constraints=[on_success("Truncate", "Copy")],
        parameters=[
            *(parameter(f"A{data_type}", data_type) for data_type in TYPES),
            parameter("Password", "String", sensitive=True),
            parameter("CM.Warehouse.ServerName", "String", "dw01"),
        ],
        connection_managers=[connection("Warehouse")],
        variables=["User::Secret", *(f"User::V{number}" for number in range(900))],
    )
    strict = package("Strict.dtsx", task("Only"), parameters=[parameter("Day", "DateTime", required=True)])
    return make_ispac(name, packages=[load, strict], parameters=[parameter("Region", "String", "north")])
