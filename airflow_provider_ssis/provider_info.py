"""What Airflow learns of this provider through the entry point ``apache_airflow_provider``.

Airflow reads it in every process, some of them before its configuration exists: nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis import config

INTEGRATION = "SQL Server Integration Services (SSIS)"


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata: connection type with its form, modules, configuration.

    :return: what Airflow's schema of provider metadata asks for.
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
                "airflow_provider_ssis.operators.run",
                "airflow_provider_ssis.operators.stop",
            )
        ],
        "sensors": [_modules("airflow_provider_ssis.sensors.execution")],
        "triggers": [_modules("airflow_provider_ssis.triggers.execution")],
        "connection-types": [
            {
                "connection-type": "ssis",
                "hook-class-name": "airflow_provider_ssis.hooks.ssis.SsisCatalogHook",
                "hook-name": "SQL Server Integration Services",
                "ui-field-behaviour": _FORM,
                "conn-fields": _CONNECTION_FIELDS,
            }
        ],
        "config": {
            config.SECTION: {
                "description": "Running SSIS packages.",
                "options": {option.name: option.as_provider_info() for option in config.OPTIONS},
            }
        },
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": INTEGRATION, "python-modules": list(names)}


_FORM = {
    "hidden-fields": ["extra"],
    "relabeling": {"host": "Server", "schema": "Database"},
    "placeholders": {
        "host": "sql.example.com, or sql.example.com\\INSTANCE",
        "port": "1433",
        "schema": "SSISDB",
        "login": "SQL login; empty for Windows authentication through Kerberos",
    },
}

_TEXT = {"type": ["string", "null"]}
_NUMBER_OF_SECONDS = {"type": ["integer", "null"], "minimum": 0}

_CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "driver": {
        "label": "ODBC driver",
        "description": "Name of an installed driver. Empty: Microsoft's newest if there is one, else FreeTDS.",
        "schema": _TEXT,
    },
    "encrypt": {
        "label": "Encryption",
        "description": "yes: TLS inside TDS; strict: TDS 8.0, for SQL Server 2022 and later; no: none.",
        "schema": {"type": ["string", "null"], "enum": ["yes", "strict", "no"], "default": "yes"},
    },
    "trust_server_certificate": {
        "label": "Trust any server certificate",
        "description": "Only where the network is trusted.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
    "host_name_in_certificate": {
        "label": "Host name in certificate",
        "description": "The name that the server's certificate carries, if it is not the server's name above.",
        "schema": _TEXT,
    },
    "server_certificate": {
        "label": "Server certificate file",
        "description": "File, on the machine that connects, with the one certificate to accept (encryption strict).",
        "schema": _TEXT,
    },
    "application_name": {
        "label": "Application name",
        "description": "What the server's session lists show.",
        "schema": _TEXT,
    },
    "application_intent": {
        "label": "Application intent",
        "description": "For the listener of an availability group.",
        "schema": {"type": ["string", "null"], "enum": ["ReadWrite", "ReadOnly"]},
    },
    "multi_subnet_failover": {
        "label": "Multi-subnet failover",
        "description": "Try all addresses of an availability group's listener at once.",
        "schema": {"type": ["boolean", "null"]},
    },
    "login_timeout": {
        "label": "Login timeout",
        "description": "Seconds to wait for the server to accept a connection.",
        "schema": _NUMBER_OF_SECONDS,
    },
    "query_timeout": {
        "label": "Query timeout",
        "description": "Seconds to wait for the answer to a statement; 0 for no limit.",
        "schema": _NUMBER_OF_SECONDS,
    },
}
