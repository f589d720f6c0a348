"""Data taps: their procedures, and the files that runs write."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, deploy, error_number, messages, rows, run, value
from tests.support.edited_projects import edited
from tests.support.ssis_projects import data_flow, execute_package, foreach_loop, guid, make_ispac, package

TASK = "\\Package\\Copy"
PATH = "Paths[Source.Source Output]"
LATER_PATH = "Paths[Clean.Clean Output]"
_SOURCE = '<output refId="Package\\Copy\\Source.Outputs[Source Output]" name="Source Output"/>'
_CLEAN = '<output refId="Package\\Copy\\Clean.Outputs[Clean Output]" name="Clean Output"/>'


def _with_columns(output: str, columns: dict[str, str], more: str = "") -> str:
    listed = "".join(
        f'<outputColumn refId="{name}" lineageId="{name}" name="{name}" dataType="{kind}"/>'
        for name, kind in columns.items()
    )
    return f"{output[:-2]}{more}><outputColumns>{listed}</outputColumns></output>"


PROJECT = edited(
    make_ispac(
        "Mart",
        packages=[
            package(
                "Load.dtsx", data_flow("Copy", ["Source", "Clean", "Target"]), execute_package("More", "Child.dtsx")
            ),
            package("Child.dtsx", data_flow("Copy")),
            package("Loop.dtsx", foreach_loop("Each", data_flow("Copy"))),
        ],
    ),
    "Load.dtsx",
    {
        _SOURCE: _with_columns(_SOURCE, {"OrderID": "i4", "Customer": "wstr", "Due": "dbDate"}),
        _CLEAN: _with_columns(
            _CLEAN, {"Total": "numeric"}, ' synchronousInputId="Package\\Copy\\Clean.Inputs[Clean Input]"'
        ),
    },
)


@pytest.fixture(scope="module")
def server(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    ssisdb_emulator_server.reset()
    deploy(ssisdb_emulator_server, PROJECT)
    return ssisdb_emulator_server


def add(
    connection: pyodbc.Connection,
    execution_id: int,
    name: str,
    limit: int | None = None,
    *,
    task: str = TASK,
    path: str = PATH,
) -> int:
    by = "add_data_tap_by_guid" if task.startswith("{") else "add_data_tap"
    return int(
        value(
            connection,
            f"DECLARE @id bigint; EXEC catalog.{by} ?, ?, ?, ?, ?, @id OUTPUT; SELECT @id",
            execution_id,
            task,
            path,
            name,
            limit,
        )
    )


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_tap_writes_the_columns_of_its_path(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    add(connection, execution_id, "orders.csv", 3)
    add(connection, execution_id, "clean.csv", -1, path=LATER_PATH)
    add(connection, execution_id, "by guid.csv", 0, task=guid("Load.dtsx", TASK))
    assert run(connection, execution_id) == 7
    folder = server.data_taps_folder
    assert read(folder / "orders.csv") == [
        ["OrderID", "Customer", "Due"],
        ["1", "Customer 1", "2024-01-02"],
        ["2", "Customer 2", "2024-01-03"],
        ["3", "Customer 3", "2024-01-04"],
    ]
    clean = read(folder / "clean.csv")
    assert clean[0] == ["OrderID", "Customer", "Due", "Total"]
    assert len(clean) == 1001
    assert read(folder / "by guid.csv") == [["OrderID", "Customer", "Due"]]
    said = [text for text in messages(connection, execution_id) if "data tap" in text]
    assert len(said) == 3
    assert all("the rows were generated" in text for text in said)
    assert str(folder / "orders.csv") in said[0]


def test_a_file_that_exists_is_kept(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    for _ in range(3):
        execution_id = create(connection)
        add(connection, execution_id, "again.csv", 1)
        assert run(connection, execution_id) == 7
    names = sorted(path.name for path in server.data_taps_folder.glob("again*"))
    assert names == ["again.csv", "again[1].csv", "again[2].csv"]


def test_each_iteration_of_a_loop_has_a_file(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    execution_id = create(connection, "Loop.dtsx")
    add(connection, execution_id, "loop.csv", 1, task="\\Package\\Each\\Copy")
    assert run(connection, execution_id) == 7
    names = sorted(path.name for path in server.data_taps_folder.glob("*loop.csv"))
    assert names == ["1_loop.csv", "2_loop.csv", "3_loop.csv"]


def files(server: SsisdbEmulator) -> list[Path]:
    return sorted(path for path in server.data_taps_folder.parent.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "name", ["..\\outside.csv", "../outside.csv", "C:\\outside.csv", "/outside.csv", "a?b", "..", ""]
)
def test_a_file_outside_the_folder_is_not_written(
    server: SsisdbEmulator, connection: pyodbc.Connection, name: str
) -> None:
    execution_id = create(connection)
    add(connection, execution_id, name, 1)
    before = files(server)
    assert run(connection, execution_id) == 7
    assert files(server) == before
    [warning] = [text for text in messages(connection, execution_id) if "data tap" in text]
    assert "without a folder" in warning


@pytest.mark.parametrize(
    ("task", "path"),
    [("\\Package\\copy", PATH), (TASK, "Paths[source.Source Output]"), (guid("Child.dtsx", TASK), PATH)],
)
def test_a_tap_that_nothing_passes_is_a_warning(connection: pyodbc.Connection, task: str, path: str) -> None:
    execution_id = create(connection)
    add(connection, execution_id, "none.csv", task=task, path=path)
    assert run(connection, execution_id) == 7
    [warning] = [text for text in messages(connection, execution_id) if "data tap" in text]
    assert "wrote no file" in warning


def test_taps_can_be_added_and_removed_until_the_start(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    first = add(connection, execution_id, "a.csv")
    second = add(connection, execution_id, "b.csv", 5, task=guid("Load.dtsx", TASK))
    listed = (
        "SELECT data_tap_id, package_path, CAST(dataflow_task_guid AS nvarchar(36)), max_rows, filename"
        f" FROM catalog.execution_data_taps WHERE execution_id = {execution_id} ORDER BY data_tap_id"
    )
    assert rows(connection, listed) == [
        (first, TASK, None, -1, "a.csv"),
        (second, None, guid("Load.dtsx", TASK)[1:-1], 5, "b.csv"),
    ]
    same = f"EXEC catalog.add_data_tap {execution_id}, N'{TASK}', N'{PATH}', N'c.csv'"
    assert error_number(connection, same) == 27213
    assert error_number(connection, same.replace(TASK, TASK.upper())) == 27213
    by_guid = f"EXEC catalog.add_data_tap_by_guid {execution_id}, '{guid('Load.dtsx', TASK)}', N'{PATH}', N'c.csv'"
    assert error_number(connection, by_guid) == 27214
    connection.execute(f"EXEC catalog.remove_data_tap {first}")
    assert error_number(connection, f"EXEC catalog.remove_data_tap {first}") == 27215
    assert run(connection, execution_id) == 7
    assert error_number(connection, same) == 27212
    assert error_number(connection, f"EXEC catalog.remove_data_tap {second}") == 27212


def test_the_rights_on_the_execution_decide(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    server.add_login("plain", "pass-word-1")
    execution_id = create(connection)
    tap = add(connection, execution_id, "a.csv")
    with closing(connect(server, "plain", "pass-word-1")) as other:
        assert error_number(other, f"EXEC catalog.add_data_tap {execution_id}, N'a', N'b', N'c'") == 27143
        assert error_number(other, f"EXEC catalog.remove_data_tap {tap}") == 27143
        assert rows(other, "SELECT data_tap_id FROM catalog.execution_data_taps") == []
    assert error_number(connection, "EXEC catalog.add_data_tap 999999, N'a', N'b', N'c'") == 27103
