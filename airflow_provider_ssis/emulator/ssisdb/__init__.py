"""The SSISDB catalog: tables, views, procedures, permissions.

A procedure is declared in a module of ``procedures/``, a view in a module of ``views/``; ``install.py`` puts
them on a server.
"""

from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb
from airflow_provider_ssis.emulator.ssisdb.edition import Edition
from airflow_provider_ssis.emulator.ssisdb.install import install

__all__ = ["Edition", "Ssisdb", "install"]
