"""The project Mart: one package with parameters of every type, one that needs a value, both with two tasks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tests.support.ssis_projects import connection, make_ispac, on_success, package, parameter, task

MART = make_ispac(
    "Mart",
    packages=[
        package(
            "Load.dtsx",
            task("Truncate"),
            task("Copy"),
            constraints=[on_success("Truncate", "Copy")],
            parameters=[
                parameter("CM.Orders.ServerName", "String", "orders-db"),
                parameter("FullLoad", "Boolean", False),
                parameter("BatchSize", "Int32", 500),
                parameter("MaxRows", "Int64", 0),
                parameter("Rate", "Double", 0.5),
                parameter("Discount", "Decimal", Decimal("0.05")),
                parameter("LoadDate", "DateTime", datetime(2024, 1, 31)),
                parameter("Title", "String", "none"),
            ],
            connection_managers=[connection("Orders")],
            variables=["User::FileName", "User::Key", "User::Rows", "User::Secret"],
        ),
        package(
            "Strict.dtsx",
            task("Truncate"),
            task("Copy"),
            constraints=[on_success("Truncate", "Copy")],
            parameters=[parameter("RegionId", "Int32", 0, required=True)],
            variables=["User::Key"],
        ),
    ],
    parameters=[
        parameter("Source", "String", "ERP"),
        parameter("ApiKey", "String", sensitive=True),
        parameter("CM.Warehouse.ServerName", "String", "dw"),
        parameter("CM.Warehouse.Password", "String", sensitive=True),
    ],
    connection_managers=[connection("Warehouse")],
)
