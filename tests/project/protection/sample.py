"""The project that the tests of protection levels encrypt and decrypt."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_ssis.project.models import Project, ProtectionLevel
from tests.support.ssis_projects import connection, make_project, package, parameter, task


def sample(level: ProtectionLevel) -> Project:
    """A project with a sensitive parameter of its package, one of the project, and a connection manager.

    :param level: the protection level that the project and its package state. No value is encrypted.
    """
    load = package("Load.dtsx", task("Copy"), parameters=[parameter("Pin", "Int32", 4711, sensitive=True)])
    return make_project(
        "Sales",
        [replace(load, protection_level=level)],
        [
            parameter("Region", value="north"),
            parameter("Key", value="hunter2", sensitive=True),
            parameter("CM.Mart.ServerName", value="mart"),
        ],
        [connection("Mart", "Data Source=mart;")],
        protection_level=level,
    )
