"""The editions of the embedded SSISDB, and the SQL Server that each claims to be."""

from __future__ import annotations

from enum import Enum
from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.databases.product import Product


class Edition(Enum):
    """Whether SQL logins may do everything (Azure) or are refused where a boxed SQL Server refuses them (27123)."""

    AZURE = "azure"
    BOX = "box"


_ENGINE_EDITIONS: Final = {Edition.AZURE: 8, Edition.BOX: 3}
"""``SERVERPROPERTY('EngineEdition')``: Azure SQL Managed Instance, Enterprise (which Developer counts as)."""


def product(edition: Edition) -> Product:
    """The product information of a server of this edition."""
    return Product(
        server_name="SSISDB-EMULATOR",
        description="Microsoft SQL Server 2022 (embedded SSISDB)",
        edition="Developer Edition (64-bit)",
        engine_edition=_ENGINE_EDITIONS[edition],
        version=(16, 0, 4000),
    )
