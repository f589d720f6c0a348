"""A catalog with a project and an environment, and the variables of the environment."""

from __future__ import annotations

import pyodbc

from tests.support.catalog_sql import rows
from tests.support.mart import MART

_PREPARE = """
DECLARE @id bigint;
EXEC catalog.create_folder N'Sales';
EXEC catalog.create_folder N'Other';
EXEC catalog.create_environment N'Sales', N'Prod';
EXEC catalog.deploy_project N'Sales', N'Mart', ?;
"""


def prepare(connection: pyodbc.Connection) -> None:
    """Make the folders Sales and Other, and in Sales the environment Prod and the project Mart."""
    rows(connection, _PREPARE, MART)


def variable(connection: pyodbc.Connection, name: str, data_type: str, literal: str, *, sensitive: int = 0) -> None:
    """Make a variable of the environment Prod; the literal is its value in T-SQL."""
    rows(
        connection,
        f"EXEC catalog.create_environment_variable N'Sales', N'Prod', N'{name}', N'{data_type}', {sensitive},"
        f" {literal}",
    )
