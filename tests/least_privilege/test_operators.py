"""The tests of the run operator once more, as a login that may only run the packages of one folder."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import EnvironmentNotFound
from airflow_provider_ssis.catalog.grants import Purpose
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.least_privilege.conftest import grant
from tests.operators.test_run import *  # noqa: F403
from tests.operators.test_run_deferrable import *  # noqa: F403
from tests.operators.test_run_kills import *  # noqa: F403
from tests.operators.test_run_retries import *  # noqa: F403
from tests.support.running import run

pytestmark = pytest.mark.slow

# Its environments are in two folders; the test below is about the second one.
del test_an_environment_gives_its_values  # noqa: F821


def test_an_environment_of_another_folder_needs_a_grant_there(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    mart.create_folder("Shared")
    mart.create_environment("Shared", "Test")
    mart.create_environment_reference("Sales", "Mart", "Test", environment_folder="Shared")
    with pytest.raises(EnvironmentNotFound, match="no permission"):
        run(environment="Shared/Test").execute()
    grant(ssisdb, "Shared", Purpose.RUN)
    assert run(environment="Shared/Test").execute()["status"] == "succeeded"
