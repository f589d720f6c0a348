"""The provider's metadata, which Airflow reads through the entry point ``apache_airflow_provider``.

Airflow reads them in every process, sometimes before its configuration exists, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis import config
from airflow_provider_ssis.hooks.form import FIELD_BEHAVIOUR, FIELDS

INTEGRATION = "SQL Server Integration Services (SSIS)"


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata: connection type with its form, modules, configuration.

    :return: a dictionary in the form of Airflow's schema of provider metadata.
    """
    return {
        "package-name": "airflow-provider-ssis",
        "name": INTEGRATION,
        "description": "Deploy, run, follow and stop SSIS packages in the SSISDB catalog of SQL Server.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://learn.microsoft.com/sql/integration-services/",
                "tags": ["software"],
            }
        ],
        "hooks": [_modules("airflow_provider_ssis.hooks.ssis")],
        "operators": [
            _modules(
                "airflow_provider_ssis.operators.deploy",
                "airflow_provider_ssis.operators.environment",
                "airflow_provider_ssis.operators.restore",
                "airflow_provider_ssis.operators.run",
                "airflow_provider_ssis.operators.run_local",
                "airflow_provider_ssis.operators.set_parameters",
                "airflow_provider_ssis.operators.stop",
                "airflow_provider_ssis.operators.validate",
            )
        ],
        "sensors": [_modules("airflow_provider_ssis.sensors.execution", "airflow_provider_ssis.sensors.package")],
        "triggers": [
            _modules(
                "airflow_provider_ssis.triggers.execution",
                "airflow_provider_ssis.triggers.package",
                "airflow_provider_ssis.triggers.validation",
            )
        ],
        "connection-types": [
            {
                "connection-type": "ssis",
                "hook-class-name": "airflow_provider_ssis.hooks.ssis.SsisCatalogHook",
                "hook-name": "SQL Server Integration Services",
                "ui-field-behaviour": FIELD_BEHAVIOUR,
                "conn-fields": FIELDS,
            }
        ],
        # Read from Airflow 3.2 on.
        "cli": ["airflow_provider_ssis.cli.airflow_commands.get_cli_commands"],
        "config": {
            config.SECTION: {
                "description": "Running SSIS packages.",
                "options": {option.name: option.as_provider_info() for option in config.OPTIONS},
            }
        },
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": INTEGRATION, "python-modules": list(names)}
