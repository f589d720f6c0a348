"""Batches of T-SQL on the embedded SSISDB: rows, and the numbers of errors."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.catalog.session import decode_datetimeoffset
from airflow_provider_ssis.emulator.server import SsisdbEmulator

_DATETIMEOFFSET = -155

CREATE = """
DECLARE @id bigint;
EXEC catalog.create_execution N'Sales', N'Mart', N'{package}', @execution_id = @id OUTPUT{more};
SELECT @id
"""


def connect(server: SsisdbEmulator, user: str | None = None, password: str | None = None) -> pyodbc.Connection:
    """Connect as the administrator, or as another login."""
    text = server.odbc_connection_string
    if user is not None:
        text = text.replace(f"UID={server.user}", f"UID={user}").replace(f"PWD={server.password}", f"PWD={password}")
        assert f"UID={user}" in text
    connection = pyodbc.connect(text, autocommit=True)
    connection.add_output_converter(_DATETIMEOFFSET, decode_datetimeoffset)
    return connection


def deploy(server: SsisdbEmulator, project: bytes) -> None:
    """Create the folder Sales, and deploy a project in it as Mart.

    :param project: the project file.
    """
    with closing(connect(server)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", project)


def rows(connection: pyodbc.Connection, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a batch to its end; returns the rows of its last result set."""
    cursor = connection.execute(text, *parameters)
    found: list[tuple[Any, ...]] = []
    while True:
        if cursor.description:
            found = [tuple(row) for row in cursor.fetchall()]
        if not cursor.nextset():
            return found


def value(connection: pyodbc.Connection, text: str, *parameters: Any) -> Any:
    """The first value of the last result set of a batch."""
    return rows(connection, text, *parameters)[0][0]


def error_number(connection: pyodbc.Connection, text: str, *parameters: Any) -> int:
    """The number of the first error of a batch."""
    with pytest.raises(pyodbc.Error) as refused:
        rows(connection, text, *parameters)
    found = re.search(r"\((\d+)\) \(SQL\w+\)", str(refused.value))
    assert found is not None, refused.value
    return int(found[1])


def create(connection: pyodbc.Connection, package: str = "Load.dtsx", more: str = "") -> int:
    """Create an execution of Sales/Mart.

    :param more: further arguments, each with a comma in front.
    """
    return int(value(connection, CREATE.format(package=package, more=more)))


def run(connection: pyodbc.Connection, execution_id: int, arguments: str = "") -> int:
    """Run an execution to its end; returns its status."""
    rows(
        connection,
        f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'SYNCHRONIZED', 1;"
        f"EXEC catalog.start_execution {execution_id}{arguments}",
    )
    return int(value(connection, f"SELECT status FROM catalog.executions WHERE execution_id = {execution_id}"))


def messages(connection: pyodbc.Connection, operation_id: int) -> list[str]:
    """The messages of an operation."""
    found = rows(
        connection,
        "SELECT message FROM catalog.operation_messages WHERE operation_id = ? ORDER BY operation_message_id",
        operation_id,
    )
    return [text for (text,) in found]
