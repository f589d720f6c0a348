"""The procedures of schema ``catalog``, a module for each family: importing this package declares them all."""

from airflow_provider_ssis.emulator.ssisdb.procedures import (
    data_taps,
    environments,
    execution_values,
    executions,
    folders,
    logging_levels,
    maintenance,
    operations,
    parameters,
    permissions,
    projects,
    properties,
    references,
    scale_out,
    validation,
    variables,
)

__all__ = [
    "data_taps",
    "environments",
    "execution_values",
    "executions",
    "folders",
    "logging_levels",
    "maintenance",
    "operations",
    "parameters",
    "permissions",
    "projects",
    "properties",
    "references",
    "scale_out",
    "validation",
    "variables",
]
