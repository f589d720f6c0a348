"""Parameters of queries: the ids of variables and parameters in ParameterMapping (data_flow.md, 3.1)."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.control_flow.checking import check_package
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.databases import sql_server_database

COLUMNS = [Column("a", "DT_I4"), Column("b", "DT_WSTR", length=10), Column("c", "DT_WSTR", length=10)]
STUB = "Provider=MSOLEDBSQL.1;Data Source=.;"
UNKNOWN = "{0D6A5C0E-7F0B-4B0F-9A51-2B1B1B1B1B1B}"


def project_with(mapping: str = "") -> ProjectBuilder:
    """A project with a query of a variable, a package parameter and a project parameter."""
    project = ProjectBuilder("Query")
    region = project.add_parameter("Region", "north")
    package = project.add_package("Query")
    database = package.connection_managers.add_oledb("DB", STUB)
    number = package.add_variable("Number", 5)
    city = package.add_parameter("City", "Bonn")
    rows = package.add_variable("Rows", None)
    sequence = package.add_sequence("Hides")
    sequence.add_variable("Number", 9)
    flow = sequence.add_data_flow("Load")
    sql = "SELECT ? AS a, ? AS b, ? AS c"
    source = flow.add_oledb_source("Read", database, COLUMNS, sql=sql)
    ids = [number.id, city.id, region.id]
    mapping = mapping or "".join(f'"Parameter{index}:Input",{each};' for index, each in enumerate(ids))
    source.set_properties({"ParameterMapping": mapping})
    flow.add_recordset_destination("Keep", source.output, rows)
    return project


def test_parameters_are_found_by_their_ids(ssisdb_emulator_server: SsisdbEmulator) -> None:
    """The variable of the package counts, although one of its name is nearer."""
    result = run_package(
        project_with().to_ispac(),
        "Query",
        parameters={"$Project::Region": "south"},
        connections={"DB": sql_server_database(ssisdb_emulator_server).manager},
    )
    assert result.succeeded, [message.text for message in result.messages]
    assert result.variables["User::Rows"].rows == ((5, "Bonn", "south"),)


@pytest.mark.parametrize("name", ["Parameter0:Input", "@Start"])
def test_an_unknown_id_is_refused(name: str) -> None:
    """A system variable has an id that the package does not store."""
    (checked,) = check_package(project_with(f'"{name}",{UNKNOWN};').to_ispac(), "Query")
    (refused,) = checked.refusals
    assert refused.where == "\\Package\\Hides\\Load\\Read"
    assert refused.what == f"the parameter {name.partition(':')[0]} of its query"
    assert UNKNOWN in refused.why
