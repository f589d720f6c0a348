"""What survives a restart with a data folder: levels, properties, workers, validations, files of data taps."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, rows, run, value
from tests.support.ssis_projects import data_flow, make_ispac, package
from tests.support.waiting import wait_until

PROJECT = make_ispac("Mart", packages=[package("Load.dtsx", data_flow("Copy"))])


def test_a_restart_keeps_what_was_configured(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path) as server, closing(connect(server)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", PROJECT)
        connection.execute("EXEC catalog.create_customized_logging_level N'Mine', NULL, 1, 256")
        connection.execute("EXEC catalog.configure_catalog N'SERVER_CUSTOMIZED_LOGGING_LEVEL', N'Mine'")
        worker = server.add_worker("W1")
        tapped = create(connection)
        connection.execute(
            "EXEC catalog.add_data_tap ?, N'\\Package\\Copy', N'Paths[Source.Source Output]', N'rows.csv'", tapped
        )
        assert run(connection, tapped) == 7
        call = "DECLARE @id bigint; EXEC catalog.validate_project N'Sales', N'Mart', 'F', @id OUTPUT; SELECT @id"
        validation_id = value(connection, call)
        status = f"SELECT status FROM catalog.validations WHERE validation_id = {validation_id}"
        wait_until(lambda: value(connection, status) == 7, "the validation has ended")
        waiting = create(connection, more=", @runinscaleout = 1")
        assert server.data_taps_folder == tmp_path / "DataDumps"
    assert (tmp_path / "DataDumps" / "rows.csv").exists()
    with SsisdbEmulator(data_dir=tmp_path) as server, closing(connect(server)) as connection:
        query = "SELECT CAST(WorkerAgentId AS nvarchar(36)), IsEnabled FROM catalog.worker_agents"
        assert rows(connection, query) == [(worker, True)]
        assert value(connection, status) == 7
        assert value(connection, "SELECT validation_status FROM catalog.projects") == "S"
        # The worker runs what was created before the restart.
        assert run(connection, waiting) == 7
        query = f"SELECT machine_name FROM catalog.executions WHERE execution_id = {waiting}"
        assert value(connection, query) == "W1"
        query = f"SELECT count(*) FROM catalog.event_messages WHERE operation_id = {waiting} AND event_name IS NOT NULL"
        assert value(connection, query) == 0
