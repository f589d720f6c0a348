"""Which rows each view shows: to a login without rights, with a grant, with a role, and to an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb.declare import VIEWS
from tests.support.catalog_sql import connect, create, error_number, rows, run, value
from tests.support.mart import MART

PASSWORD = "r0ws-s3cret"

OF_OBJECTS = frozenset(
    "environments environment_references environment_variables folders object_parameters object_versions".split()
)
"""Rows of readable objects, for administrators all."""
OF_LOGS = frozenset(
    """operations executions validations event_messages event_message_context executable_statistics executables
    execution_component_phases execution_data_statistics execution_data_taps execution_parameter_values
    execution_property_override_values extended_operation_info operation_messages packages projects""".split()
)
"""The same, and for members of ssis_logreader all."""
OF_WORKERS = frozenset({"worker_agents", "worker_agent_perfcounter"})
"""For administrators and members of ssis_cluster_executor."""
OPEN = frozenset("catalog_properties customized_logging_levels alwayson_replicas master_properties".split())
"""For every login."""
OF_PERMISSIONS = frozenset({"effective_object_permissions", "explicit_object_permissions"})

LOGINS = {
    "ann": None,
    "reader": "ssis_logreader",
    "cluster": "ssis_cluster_executor",
    "admin": "ssis_admin",
    # These create executions, which they may read afterwards.
    "caller": None,
    "reading_caller": "ssis_logreader",
}
"""The logins of the tests, with their roles."""

PREPARE = """
DECLARE @id bigint;
EXEC catalog.create_folder N'Sales';
EXEC catalog.create_environment N'Sales', N'Prod';
EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Size', N'Int32', 0, 1;
EXEC catalog.deploy_project N'Sales', N'Mart', ?;
EXEC catalog.create_environment_reference N'Sales', N'Mart', N'Prod', 'R', NULL, @id OUTPUT;
EXEC catalog.create_customized_logging_level N'Mine';
EXEC catalog.validate_project N'Sales', N'Mart', 'F', @id OUTPUT;
"""


@pytest.fixture(scope="module")
def server(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    """One on which the administrator has run a package with every kind of message."""
    server = ssisdb_emulator_server
    server.reset()
    server.add_worker("worker-1")
    with closing(connect(server)) as admin:
        rows(admin, PREPARE, MART)
        execution_id = create(admin)
        rows(
            admin,
            f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'LOGGING_LEVEL', 3;"
            f"EXEC catalog.add_data_tap {execution_id}, N'\\Package\\Copy', N'Paths[a.b]', N'a.csv';"
            f"EXEC catalog.set_execution_property_override_value {execution_id},"
            " N'\\Package.Properties[MaximumErrorCount]', N'2', 0",
        )
        run(admin, execution_id)
    for name, role in LOGINS.items():
        server.add_login(name, PASSWORD, database_roles=[role] if role else [])
    return server


@pytest.fixture(scope="module")
def counts(server: SsisdbEmulator) -> dict[str, dict[str, int]]:
    """The number of rows of each view for each login."""
    found = {}
    for name in ("ann", "reader", "cluster", "admin"):
        with closing(connect(server, name, PASSWORD)) as connection:
            found[name] = count(connection)
    with closing(connect(server)) as connection:
        found["sa"] = count(connection)
    return found


def count(connection: pyodbc.Connection) -> dict[str, int]:
    query = " UNION ALL ".join(f"SELECT '{name}', COUNT(*) FROM catalog.{name}" for name in VIEWS)
    return {str(name): int(number) for name, number in rows(connection, query)}


def test_every_view_is_here() -> None:
    assert set(VIEWS) == OF_OBJECTS | OF_LOGS | OF_WORKERS | OPEN | OF_PERMISSIONS


@pytest.mark.parametrize("view", sorted(OF_OBJECTS | OF_LOGS | OF_WORKERS | OPEN))
def test_a_view_shows_its_rows_to_those_who_may_read_them(counts: dict[str, dict[str, int]], view: str) -> None:
    everything = counts["sa"][view]
    wanted = {
        "sa": everything,
        "admin": everything,
        "reader": everything if view in OF_LOGS | OPEN else 0,
        "cluster": everything if view in OF_WORKERS | OPEN else 0,
        "ann": everything if view in OPEN else 0,
    }
    assert {name: found[view] for name, found in counts.items()} == wanted


def test_nearly_every_view_has_rows(counts: dict[str, dict[str, int]]) -> None:
    """Otherwise the test above would compare nothing with nothing."""
    without = {view for view, number in counts["sa"].items() if number == 0}
    needs_data_flows = {"execution_component_phases", "execution_data_statistics"}
    assert without <= {"alwayson_replicas", "master_properties", "event_message_context", *needs_data_flows}


def test_permissions_are_shown_to_those_whom_they_concern(counts: dict[str, dict[str, int]]) -> None:
    assert counts["admin"]["explicit_object_permissions"] == counts["sa"]["explicit_object_permissions"] > 0
    assert counts["ann"]["explicit_object_permissions"] == counts["reader"]["explicit_object_permissions"] == 0
    # Only what was granted to the login itself, of which an administrator needs nothing.
    assert counts["admin"]["effective_object_permissions"] == 0


@pytest.fixture
def ann(server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(server, "ann", PASSWORD)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("kind", "query", "views"),
    [
        (1, "SELECT folder_id FROM catalog.folders", {"folders"}),
        (
            2,
            "SELECT project_id FROM catalog.projects",
            {"projects", "packages", "object_parameters", "object_versions", "environment_references"},
        ),
        (3, "SELECT environment_id FROM catalog.environments", {"environments", "environment_variables"}),
        (
            4,
            "SELECT MIN(execution_id) FROM catalog.executions",
            {
                *{"operations", "executions", "event_messages", "operation_messages", "executables"},
                *{"executable_statistics", "execution_parameter_values", "execution_property_override_values"},
                *{"execution_component_phases", "execution_data_taps", "extended_operation_info"},
            },
        ),
        (
            4,
            "SELECT MAX(validation_id) FROM catalog.validations",
            {"operations", "validations", "operation_messages", "extended_operation_info"},
        ),
    ],
)
def test_a_grant_shows_the_rows_of_its_object_and_no_others(
    server: SsisdbEmulator, ann: pyodbc.Connection, kind: int, query: str, views: set[str]
) -> None:
    permissions = {"effective_object_permissions", "explicit_object_permissions"}
    with closing(connect(server)) as admin:
        call = f"DECLARE @o bigint = ({query}), @p int = USER_ID('ann'); EXEC catalog.{{}}_permission {kind}, @o, @p, 1"
        everything = count(admin)
        rows(admin, call.format("grant"))
        try:
            seen = {view for view, number in count(ann).items() if number} - OPEN - permissions
            assert views <= seen | {view for view, number in everything.items() if number == 0}
            assert seen <= views | {"event_messages", "event_message_context", "execution_data_statistics"}
            assert value(ann, f"SELECT COUNT(*) FROM ({query}) q(id) WHERE id IS NOT NULL") == 1
        finally:
            rows(admin, call.format("revoke"))
    assert {view for view, number in count(ann).items() if number} <= OPEN


FOLDER = (1, "SELECT folder_id FROM catalog.folders")
PROJECT = (2, "SELECT project_id FROM catalog.projects")
ENVIRONMENT = (3, "SELECT environment_id FROM catalog.environments")
READ, MODIFY, EXECUTE = 1, 2, 3
CREATE = "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT"
VALUES = "EXEC catalog.get_parameter_values N'Sales', N'Mart', N'Load.dtsx'"
GET = "EXEC catalog.get_project N'Sales', N'Mart'"
SET = "EXEC catalog.clear_object_parameter_value N'Sales', N'Mart', 20, NULL, N'None'"
CHANGE = "EXEC catalog.set_environment_property N'Sales', N'Prod', N'DESCRIPTION', N'x'"


@pytest.mark.parametrize(
    ("user", "grants", "call", "number"),
    [
        # The views decide: a project is invisible without READ on its folder, which no role but ssis_admin replaces.
        ("caller", [(PROJECT, READ), (PROJECT, EXECUTE)], CREATE, 27146),
        ("caller", [(FOLDER, READ), (PROJECT, EXECUTE)], CREATE, 27146),
        ("caller", [(FOLDER, READ), (PROJECT, READ)], CREATE, 27178),
        ("caller", [(FOLDER, READ), (PROJECT, READ), (PROJECT, EXECUTE)], CREATE, 0),
        ("reading_caller", [], CREATE, 27146),
        ("reading_caller", [(PROJECT, EXECUTE)], CREATE, 27146),
        ("reading_caller", [(FOLDER, READ)], CREATE, 27178),
        ("reading_caller", [(FOLDER, READ), (PROJECT, EXECUTE)], CREATE, 0),
        ("caller", [(PROJECT, READ)], VALUES, 27146),
        ("reading_caller", [], VALUES, 27146),
        ("reading_caller", [(FOLDER, READ)], VALUES, 0),
        ("caller", [(PROJECT, READ)], GET, 27109),
        ("reading_caller", [(FOLDER, READ)], GET, 0),
        ("caller", [(FOLDER, READ), (PROJECT, MODIFY)], SET, 27109),
        ("caller", [(FOLDER, READ), (PROJECT, READ), (PROJECT, MODIFY)], SET, 27106),
        ("reading_caller", [(FOLDER, READ), (PROJECT, MODIFY)], SET, 27106),
        ("caller", [(ENVIRONMENT, READ), (ENVIRONMENT, MODIFY)], CHANGE, 27182),
        ("caller", [(FOLDER, READ), (ENVIRONMENT, MODIFY)], CHANGE, 27182),
        ("caller", [(FOLDER, READ), (ENVIRONMENT, READ), (ENVIRONMENT, MODIFY)], CHANGE, 0),
    ],
)
def test_a_call_finds_only_what_the_views_show_to_the_caller(
    server: SsisdbEmulator, user: str, grants: list[tuple[tuple[int, str], int]], call: str, number: int
) -> None:
    def change(action: str) -> None:
        for (kind, query), permission in grants:
            rows(
                admin,
                f"DECLARE @o bigint = ({query}), @p int = USER_ID('{user}');"
                f" EXEC catalog.{action}_permission {kind}, @o, @p, {permission}",
            )

    with closing(connect(server)) as admin, closing(connect(server, user, PASSWORD)) as connection:
        change("grant")
        try:
            if number:
                assert error_number(connection, call) == number
            else:
                rows(connection, call)
        finally:
            change("revoke")
