"""The pytest plugin: the fixture ``ssisdb_emulator``.

One server is started for the whole test session, when the first test asks for it; each test gets a clean catalog.
The module is imported in every pytest run of an environment that has this package, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import SsisdbEmulator


@pytest.fixture(scope="session")
def ssisdb_emulator_arguments() -> dict[str, Any]:
    """The arguments of the server. Define a fixture of this name in conftest.py to change them.

    ``{"execute": True}`` lets the embedded SSISDB execute packages instead of simulating them.
    """
    return {}


@pytest.fixture(scope="session")
def ssisdb_emulator_server(ssisdb_emulator_arguments: dict[str, Any]) -> Iterator[SsisdbEmulator]:
    """The embedded SSISDB of the test session, as the tests before left it."""
    try:
        from airflow_provider_ssis.emulator.server import SsisdbEmulator
    except ModuleNotFoundError as error:
        pytest.fail(
            f"the fixture needs the package {error.name}: pip install 'airflow-provider-ssis[emulator]'", pytrace=False
        )
    with SsisdbEmulator(**ssisdb_emulator_arguments) as server:
        yield server


@pytest.fixture
def ssisdb_emulator(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    """An embedded SSISDB with a clean catalog: no folder, no execution, no script, no running package."""
    ssisdb_emulator_server.reset()
    return ssisdb_emulator_server
