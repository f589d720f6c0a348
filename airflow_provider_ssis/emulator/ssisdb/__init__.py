"""The SSISDB catalog: tables, views, procedures, permissions.

A procedure is declared in a module of ``procedures/``, a view in a module of ``views/``; ``catalog.py`` puts them
together.
"""

from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb, install
from airflow_provider_ssis.emulator.ssisdb.edition import Edition

__all__ = ["Edition", "Ssisdb", "install"]
