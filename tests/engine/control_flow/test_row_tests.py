"""Running packages on given rows: replaced sources and destinations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.engine import UnsupportedError, run_on_rows
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder

ORDERS, NET, FACT = (f"\\Package\\Load\\{name}" for name in ("Orders", "Net", "Fact"))
ROWS = [
    {"Id": 1, "Amount": Decimal("10.00"), "Placed": datetime(2026, 11, 29, 12)},
    {"Id": 2, "Amount": None, "Placed": None},
]


def package(turns: int = 0) -> PackageBuilder:
    """A package that reads orders from a table, computes, and writes to a table of a server that does not exist."""
    built = ProjectBuilder("Shop").add_package("Load")
    server = built.connection_managers.add_oledb("Shop", "Data Source=no.such.server;Provider=MSOLEDBSQL.1;")
    container: Any = built
    if turns:
        built.add_variable("Turn", 0)
        container = built.add_for_loop("Loop", f"@Turn < {turns}", init="@Turn = 0", assign="@Turn = @Turn + 1")
    flow = container.add_data_flow("Load")
    columns = [Column("Id", "DT_I4"), Column("Amount", "DT_NUMERIC", scale=2), Column("Placed", "DT_DBTIMESTAMP")]
    orders = flow.add_oledb_source("Orders", server, columns, table="[dbo].[Orders]")
    net = flow.add_derived_column("Net", orders.output, {Column("Net", "DT_NUMERIC", scale=2): "[Amount] * 0.8"})
    mappings = {"Id": "OrderId", "Net": "Net"}
    flow.add_oledb_destination("Fact", net.output, server, "[dbo].[Fact]", mappings=mappings)
    return built


@pytest.mark.parametrize("as_table", [False, True])
def test_given_rows_pass_the_package_and_arrive_by_the_names_of_the_table(tmp_path: Path, as_table: bool) -> None:
    rows: Any = ROWS
    if as_table:
        types = pa.schema([("Id", pa.int32()), ("Amount", pa.decimal128(18, 2)), ("Placed", pa.timestamp("ms"))])
        rows = pa.Table.from_pylist(ROWS, types)
    package().save(tmp_path)
    found = run_on_rows(tmp_path / "Load.dtsx", inputs={ORDERS: rows}, outputs=[FACT])
    assert found.result.succeeded
    assert found.rows(FACT) == [{"OrderId": 1, "Net": Decimal("8.00")}, {"OrderId": 2, "Net": None}]


def test_a_function_gives_the_rows_of_each_iteration_of_a_loop(tmp_path: Path) -> None:
    turn = iter(range(10))

    def orders() -> Iterator[list[dict[str, Any]]]:
        number = next(turn)
        yield [{"Id": number, "Amount": Decimal(number)}]
        yield [{"Id": number + 100}]

    paths = {name: f"\\Package\\Loop\\Load\\{name}" for name in ("Orders", "Fact")}
    package(turns=2).save(tmp_path)
    found = run_on_rows(tmp_path / "Load.dtsx", inputs={paths["Orders"]: orders}, outputs=[paths["Fact"]])
    assert [row["OrderId"] for row in found.rows(paths["Fact"])] == [0, 100, 1, 101]


def test_a_destination_without_rows_has_none(tmp_path: Path) -> None:
    package().save(tmp_path)
    found = run_on_rows(tmp_path / "Load.dtsx", inputs={ORDERS: []}, outputs=[FACT])
    assert found.result.succeeded
    assert found.rows(FACT) == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"Unknown": 1}, "the column Unknown, which the source does not have: Id, Amount, Placed"),
        ({"Id": "many"}, "a value of the column Id that is not a valid"),
        ({"Amount": Decimal("1E+17")}, "more than the 18 digits of the column Amount"),
    ],
)
def test_rows_that_the_source_could_not_have_fail_the_package(tmp_path: Path, row: dict[str, Any], text: str) -> None:
    package().save(tmp_path)
    found = run_on_rows(tmp_path / "Load.dtsx", inputs={ORDERS: [row]}, outputs=[FACT])
    assert not found.result.succeeded
    assert any(text in message.text for message in found.result.messages)


def test_a_transformation_cannot_be_replaced(tmp_path: Path) -> None:
    package().save(tmp_path)
    with pytest.raises(UnsupportedError, match="sources, destinations and scripts only"):
        run_on_rows(tmp_path / "Load.dtsx", inputs={ORDERS: ROWS, NET: ROWS}, outputs=[FACT])


def test_a_path_that_names_nothing_is_refused(tmp_path: Path) -> None:
    package().save(tmp_path)
    with pytest.raises(UnsupportedError, match=r"\\Package\\Load\\Order:"):
        run_on_rows(tmp_path / "Load.dtsx", inputs={"\\Package\\Load\\Order": ROWS}, outputs=[FACT])
