"""The procedures of schema ``catalog``, a module for each family: importing this package declares them all."""

from airflow_provider_ssis.emulator.ssisdb.procedures import (
    environments,
    executions,
    folders,
    operations,
    parameters,
    permissions,
    projects,
)

__all__ = ["environments", "executions", "folders", "operations", "parameters", "permissions", "projects"]
