"""The views of schema ``catalog``, a module for each family: importing this package declares them all."""

from airflow_provider_ssis.emulator.ssisdb.views import administration, objects, operations

__all__ = ["administration", "objects", "operations"]
