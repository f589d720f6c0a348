"""What the pages' examples work on: the embedded SSISDB with the example project, and a home for Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.requests import VariableReference
from airflow_provider_ssis.emulator.server import LoginKind, SsisdbEmulator
from airflow_provider_ssis.project.build import build_project
from tests.support.dag_runs import migrated_home
from tests.support.places import SALES_MART


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_home(tmp_path_factory.mktemp("airflow-home"))


@pytest.fixture(scope="session")
def sales_mart() -> bytes:
    """The project of the example DAGs as a file."""
    return build_project(SALES_MART).ispac


@pytest.fixture
def sales(ssisdb: SsisdbEmulator, catalog: Catalog, sales_mart: bytes) -> SsisdbEmulator:
    """An embedded SSISDB that has what the pages speak of: Sales/SalesMart, its environment Production, CORP\\etl."""
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "SalesMart", sales_mart)
    catalog.create_environment("Sales", "Production")
    catalog.create_environment_variable("Sales", "Production", "Source system", "ERP-PROD")
    catalog.create_environment_reference("Sales", "SalesMart", "Production")
    catalog.set_object_parameter_value("Sales", "SalesMart", "SourceSystem", VariableReference("Source system"))
    for login in ("CORP\\etl", "CORP\\monitoring"):
        ssisdb.add_login(login, "a password of the tests", kind=LoginKind.WINDOWS)
    return ssisdb
