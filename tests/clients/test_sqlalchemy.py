"""SQLAlchemy on the catalog: it inspects views and selects from them, with both of its drivers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from airflow_provider_ssis.emulator.server import SsisdbEmulator


@pytest.fixture(params=["pyodbc", "pymssql"])
def engine(ssisdb_emulator: SsisdbEmulator, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    server = ssisdb_emulator
    if request.param == "pyodbc":
        url = sa.URL.create("mssql+pyodbc", query={"odbc_connect": server.odbc_connection_string})
    else:
        url = sa.URL.create("mssql+pymssql", server.user, server.password, server.host, server.port, "SSISDB")
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def test_views_and_their_columns_are_inspected(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    assert "catalog" in inspector.get_schema_names()
    assert "executions" in inspector.get_view_names("catalog")
    assert inspector.has_table("executions", "catalog")
    types = {column["name"]: type(column["type"]).__name__ for column in inspector.get_columns("executions", "catalog")}
    assert (types["execution_id"], types["folder_name"], types["use32bitruntime"]) == ("BIGINT", "NVARCHAR", "BIT")
    assert inspector.get_pk_constraint("executions", "catalog")["constrained_columns"] == []
    assert inspector.get_foreign_keys("executions", "catalog") == []
    assert inspector.get_indexes("executions", "catalog") == []


def test_reflected_views_can_be_selected_from(engine: sa.Engine) -> None:
    folders = sa.Table("folders", sa.MetaData(), schema="catalog", autoload_with=engine)
    with engine.begin() as connection:
        for name in ("North", "South", "West"):
            connection.execute(sa.text("EXEC catalog.create_folder :name"), {"name": name})
    page = sa.select(folders.c.name).where(folders.c.name.in_(["North", "South"])).order_by(folders.c.name.desc())
    with engine.connect() as connection:
        assert connection.execute(page.limit(1).offset(1)).all() == [("North",)]
        assert connection.scalar(sa.select(sa.func.count()).select_from(folders)) == 3


def test_a_transaction_that_is_rolled_back_leaves_nothing(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("EXEC catalog.create_folder N'North'"))
        connection.rollback()
        assert connection.scalar(sa.text("SELECT COUNT(*) FROM catalog.folders")) == 0
